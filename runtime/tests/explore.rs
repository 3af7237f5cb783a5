//! What exploration finds, and what it does not.
#![cfg(feature = "explore")]

use tidegate::explore::{Coverage, Explorer, Failure, Sim, Strategy};
use tidegate::prelude::*;

enum Msg {
    Get(Reply<u64>),
    Set(u64),
}

#[derive(Default)]
struct Cell(u64);

impl Actor for Cell {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Get(reply) => drop(reply.send(self.0)),
            Msg::Set(to) => self.0 = to,
        }
        Ok(())
    }
}

async fn lost_update(sim: Sim, clients: usize) {
    let cell = sim.system().spawn(Cell::default(), Push::bounded(8));
    let clients: Vec<_> = (0..clients)
        .map(|n| {
            let cell = cell.clone();
            sim.spawn(&format!("client-{n}"), async move {
                let old = cell.ask(Msg::Get).await.unwrap();
                cell.tell(Msg::Set(old + 1)).await.unwrap();
            })
        })
        .collect();
    let expected = clients.len() as u64;
    for client in clients {
        client.await;
    }
    assert_eq!(cell.ask(Msg::Get).await.unwrap(), expected);
}

#[test]
fn a_lost_update_is_found() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim| lost_update(sim, 2));
    let finding = report.finding.expect("it is lost in some order");
    assert!(matches!(finding.failure, Failure::Panicked { .. }), "{:?}", finding.failure);
}

#[test]
fn one_client_loses_nothing() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim| lost_update(sim, 1));
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
    println!("{report}");
}

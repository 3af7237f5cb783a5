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
}

/// Deadlocks only if both kickers are done before a peer has looked.
async fn circle(sim: Sim) {
    let peers: Vec<_> = (0..2).map(|_| sim.system().spawn(Peer::default(), Push::bounded(8))).collect();
    peers[0].tell(Kick::Meet(peers[1].clone())).await.unwrap();
    peers[1].tell(Kick::Meet(peers[0].clone())).await.unwrap();
    sim.settled().await;
    let kickers = [0, 1].map(|n| {
        let peer = peers[n].clone();
        sim.spawn(&format!("kicker-{n}"), async move { peer.ask(Kick::Ask).await.unwrap() })
    });
    for kicker in kickers {
        kicker.await;
    }
}

enum Kick {
    Meet(ActorRef<Kick>),
    Ask(Reply<u64>),
    Answer(Reply<u64>),
}

#[derive(Default)]
struct Peer(Option<ActorRef<Kick>>);

impl Actor for Peer {
    type Msg = Kick;
    async fn handle(&mut self, msg: Kick, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Kick::Meet(other) => self.0 = Some(other),
            Kick::Ask(reply) => {
                let other = self.0.clone().unwrap();
                if let Ok(n) = other.ask(Kick::Answer).await {
                    let _ = reply.send(n + 1);
                }
            }
            Kick::Answer(reply) => drop(reply.send(0)),
        }
        Ok(())
    }
}

#[test]
fn what_is_found_is_made_short() {
    let report = Explorer::new(Strategy::Exhaustive).run(circle);
    let finding = report.finding.expect("they wait for each other in some order");
    assert!(matches!(finding.failure, Failure::Deadlock(_)), "{}", finding.failure);
    assert!(finding.schedule.len() <= 8, "{}", finding.schedule);
    let again = Explorer::new(Strategy::Replay(finding.schedule.clone())).run(circle);
    let again = again.finding.expect("it is found again");
    assert_eq!((again.failure, again.schedule), (finding.failure, finding.schedule));
}

struct Sink;

impl Actor for Sink {
    type Msg = u64;
    async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn pairs_that_have_nothing_to_do_with_each_other_are_one_order() {
    let report = Explorer::new(Strategy::Reduced).cross_check(0).run(|sim| async move {
        let clients = [1, 2, 3].map(|n| {
            let sink = sim.system().spawn(Sink, Push::bounded(8));
            sim.spawn("client", async move {
                sink.tell(n).await.unwrap();
                sink.tell(n).await.unwrap();
            })
        });
        for client in clients {
            client.await;
        }
    });
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
    // In full there are more than 200,000.
    assert!(report.schedules + report.pruned < 100, "{report}");
}

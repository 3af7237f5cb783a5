//! What is done again: a client that tries once more, and one that
//! delivers until it is told that it is done.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate::explore::{Explorer, Faults, Sim, Strategy};
use tidegate::prelude::*;

use super::support::{Takes, Version, hunt, says, sure};

const PATIENCE: Duration = Duration::from_millis(50);

enum Till {
    Charge(u64, Reply<()>),
    Charged(Reply<usize>),
}

struct Card {
    charges: Vec<u64>,
    seen: BTreeSet<u64>,
    version: Version,
}

impl Actor for Card {
    type Msg = Till;

    async fn handle(&mut self, order: Till, _: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Till::Charge(id, reply) => {
                let new = self.seen.insert(id);
                if new || !self.version.is_fixed() {
                    self.charges.push(id);
                }
                let _ = reply.send(());
            }
            Till::Charged(reply) => drop(reply.send(self.charges.len())),
        }
        Ok(())
    }
}

/// Who gets no answer in time tries once more. Put right, the till knows what
/// it has done by its number.
async fn retry(sim: Sim, version: Version) {
    let till = Card { charges: Vec::new(), seen: BTreeSet::new(), version };
    let till = sim.system().spawn(till, Push::bounded(4));
    for _ in 0..2 {
        if till.ask_within(PATIENCE, |reply| Till::Charge(7, reply)).await.is_ok() {
            break;
        }
    }
    assert!(sure(till.ask(Till::Charged).await) <= 1, "charged twice");
}

/// The answer is not lost, it is late: any machine may be slow.
#[test]
fn a_retry_that_executes_twice() {
    hunt(&Explorer::new(Strategy::Exhaustive).any_time(), Takes(1), says("charged twice"), retry);
}

struct Stock {
    shipped: usize,
    seen: BTreeSet<u64>,
    version: Version,
}

enum Shelf {
    Ship(u64, Reply<()>),
    Shipped(Reply<usize>),
}

impl Actor for Stock {
    type Msg = Shelf;

    async fn handle(&mut self, order: Shelf, _: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Shelf::Ship(id, reply) => {
                let new = self.seen.insert(id);
                if new || !self.version.is_fixed() {
                    self.shipped += 1;
                }
                let _ = reply.send(());
            }
            Shelf::Shipped(reply) => drop(reply.send(self.shipped)),
        }
        Ok(())
    }
}

/// Ships what it is given, and then acknowledges it.
struct Shipper {
    stock: ActorRef<Shelf>,
}

impl Actor for Shipper {
    type Msg = (u64, Reply<()>);

    async fn handle(&mut self, (order, ack): Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        self.stock.ask(|reply| Shelf::Ship(order, reply)).await?;
        let _ = ack.send(());
        Ok(())
    }
}

/// What was not acknowledged is given again, also if it was done. Put right,
/// who has the effect knows what it has had.
async fn at_least_once(sim: Sim, version: Version) {
    let stock = Stock { shipped: 0, seen: BTreeSet::new(), version };
    let stock = sim.system().spawn(stock, Push::bounded(4));
    let shelf = stock.clone();
    let shipper = sim
        .system()
        .build(move || Shipper { stock: shelf.clone() })
        .named("shipper")
        .mailbox(Push::bounded(4))
        .restart(Restart::on_failure().limit(2, Duration::from_secs(1)))
        .spawn();
    while shipper.ask(|ack| (5, ack)).await.is_err() {}
    assert_eq!(sure(stock.ask(Shelf::Shipped).await), 1, "shipped twice");
}

/// The shipper dies when the goods have left and before it has said so.
#[test]
fn at_least_once_without_deduplication() {
    let explorer = Explorer::new(Strategy::Exhaustive).faults(Faults::at_most(1).crash("/shipper"));
    hunt(&explorer, Takes(3), says("shipped twice"), at_least_once);
}

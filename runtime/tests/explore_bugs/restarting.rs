//! A restart that loses what lay in a queue.

use std::time::Duration;

use tidegate::explore::{Explorer, Sim, Strategy};
use tidegate::prelude::*;

use super::support::{Takes, Version, hunt, says, sure};

enum Batch {
    Add(u64),
    Poison,
}

enum Ledger {
    Book(u64),
    Total(Reply<u64>),
}

struct Books(u64);

impl Actor for Books {
    type Msg = Ledger;

    async fn handle(&mut self, msg: Ledger, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Ledger::Book(sum) => self.0 += sum,
            Ledger::Total(reply) => drop(reply.send(self.0)),
        }
        Ok(())
    }
}

/// Books two at a time.
struct Batcher {
    ledger: ActorRef<Ledger>,
    /// A queue of its own, which ends with it.
    waiting: Vec<u64>,
    version: Version,
}

impl Actor for Batcher {
    type Msg = Batch;

    async fn handle(&mut self, msg: Batch, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Batch::Add(n) => self.waiting.push(n),
            Batch::Poison => return Err(Fault::msg("poisoned")),
        }
        if self.waiting.len() == 2 || self.version.is_fixed() {
            self.ledger.tell(Ledger::Book(self.waiting.drain(..).sum())).await?;
        }
        Ok(())
    }
}

/// An actor takes from its mailbox, which outlives a restart, into a queue of
/// its own, which does not. Put right, what waits waits in the mailbox.
async fn lost_in_a_restart(sim: Sim, version: Version) {
    let ledger = sim.system().spawn(Books(0), Push::bounded(4));
    let to = ledger.clone();
    let batcher = sim
        .system()
        .build(move || Batcher { ledger: to.clone(), waiting: Vec::new(), version })
        .mailbox(Push::bounded(4))
        .restart(Restart::on_failure().limit(2, Duration::from_secs(1)))
        .spawn();
    let poison = batcher.clone();
    let poison = sim.spawn("poison", async move { sure(poison.tell(Batch::Poison).await) });
    for n in [1, 2] {
        sure(batcher.tell(Batch::Add(n)).await);
    }
    poison.await;
    batcher.drain();
    batcher.stopped().await;
    assert_eq!(sure(ledger.ask(Ledger::Total).await), 3, "a number is lost");
}

#[test]
fn a_queue_that_a_restart_empties() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(1), says("a number is lost"), lost_in_a_restart);
}

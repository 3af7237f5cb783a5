//! Demand: a source that forgets what it could not give at once, and a gate
//! that forgets who waits when it changes its mode.

use tidegate::explore::{Explorer, Sim, Strategy};
use tidegate::prelude::*;

use super::support::{Takes, Version, hunt, is_deadlock, sure};

enum Feed {
    /// There is another item.
    Item(u64),
    /// So many more are wanted.
    Request(u64),
}

/// Gives items to who has asked for them.
struct Source {
    items: Vec<u64>,
    demand: u64,
    to: ActorRef<Want>,
    version: Version,
}

impl Actor for Source {
    type Msg = Feed;

    async fn handle(&mut self, msg: Feed, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Feed::Item(item) => self.items.push(item),
            Feed::Request(n) => self.demand += n,
        }
        while self.demand > 0 && !self.items.is_empty() {
            self.demand -= 1;
            let item = self.items.remove(0);
            self.to.tell(Want::Item(item)).await?;
        }
        if !self.version.is_fixed() {
            // What there is no item for is forgotten.
            self.demand = 0;
        }
        Ok(())
    }
}

enum Want {
    Item(u64),
    /// Tells when it has two.
    Both(Reply<u64>),
}

#[derive(Default)]
struct Collector {
    items: Vec<u64>,
    waiting: Option<Reply<u64>>,
}

impl Actor for Collector {
    type Msg = Want;

    async fn handle(&mut self, msg: Want, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Want::Item(item) => self.items.push(item),
            Want::Both(reply) => self.waiting = Some(reply),
        }
        if self.items.len() == 2
            && let Some(reply) = self.waiting.take()
        {
            let _ = reply.send(self.items.iter().sum());
        }
        Ok(())
    }
}

/// Two items are asked for at once; they come one by one.
async fn lost_demand(sim: Sim, version: Version) {
    let collector = sim.system().spawn(Collector::default(), Push::bounded(4));
    let source = Source { items: Vec::new(), demand: 0, to: collector.clone(), version };
    let source = sim.system().spawn(source, Push::bounded(4));
    let asking = source.clone();
    let asked = sim.spawn("subscriber", async move {
        sure(asking.tell(Feed::Request(2)).await);
    });
    for item in [1, 2] {
        sure(source.tell(Feed::Item(item)).await);
    }
    asked.await;
    assert_eq!(sure(collector.ask(Want::Both).await), 3);
}

#[test]
fn a_source_that_forgets_the_rest_of_the_demand() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(0), is_deadlock, lost_demand);
}

enum Turnstile {
    Enter(Reply<()>),
    /// From now on nobody waits.
    Push,
}

/// Lets in who comes, in push mode; in pull mode they wait to be fetched.
struct Door {
    pushes: bool,
    waiting: Vec<Reply<()>>,
    version: Version,
}

impl Actor for Door {
    type Msg = Turnstile;

    async fn handle(&mut self, msg: Turnstile, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Turnstile::Enter(reply) if self.pushes => drop(reply.send(())),
            Turnstile::Enter(reply) => self.waiting.push(reply),
            Turnstile::Push => {
                self.pushes = true;
                if self.version.is_fixed() {
                    for reply in self.waiting.drain(..) {
                        let _ = reply.send(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The mode is switched while somebody comes.
async fn stranded(sim: Sim, version: Version) {
    let door = sim.system().spawn(Door { pushes: false, waiting: Vec::new(), version }, Push::bounded(4));
    let visitors = [1, 2].map(|_| {
        let door = door.clone();
        sim.spawn("visitor", async move { sure(door.ask(Turnstile::Enter).await) })
    });
    sure(door.tell(Turnstile::Push).await);
    for visitor in visitors {
        visitor.await;
    }
}

#[test]
fn a_waiter_that_a_switch_of_mode_forgets() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(0), is_deadlock, stranded);
}

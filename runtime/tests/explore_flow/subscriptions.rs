//! One source, one subscriber.

use std::sync::Arc;

use futures_util::StreamExt;
use tidegate::explore::{Shared, Sim};
use tidegate::flow::{Demand, Held, Inlet, source};
use tidegate::prelude::*;

use super::support::{alike, pause, scribe, settle};

#[test]
fn a_window_while_another_sends() {
    let outcomes = alike(|sim: Sim| async move {
        let (actor, log) = scribe(&sim, 2);
        let subscription = sim.system().subscribe(source::iter(0..2_u32), &actor, Demand::window(2));
        let to = actor.clone();
        let other = sim.spawn("other", async move { to.tell(9).await.is_ok() });
        let end = subscription.ended().await.to_string();
        other.await;
        settle(actor).await;
        (log.get(), end)
    });
    let orders: Vec<_> = outcomes.into_iter().map(|(log, _)| log).collect();
    assert_eq!(orders, [vec![0, 1, 9], vec![0, 9, 1], vec![9, 0, 1]]);
}

#[test]
fn a_window_of_one_while_another_sends_into_the_last_place() {
    alike(|sim: Sim| async move {
        let (actor, log) = scribe(&sim, 1);
        let subscription = sim.system().subscribe(source::iter(0..2_u32), &actor, Demand::window(1));
        let to = actor.clone();
        let other = sim.spawn("other", async move { to.try_tell(9).is_ok() });
        let end = subscription.ended().await.to_string();
        let sent = other.await;
        settle(actor).await;
        (log.get(), end, sent)
    });
}

#[test]
fn asked_by_hand_and_cancelled() {
    let outcomes = alike(|sim: Sim| async move {
        let (actor, log) = scribe(&sim, 2);
        let subscription = sim.system().subscribe(source::iter(0..9_u32), &actor, Demand::manual());
        let asker = sim.spawn("asker", async move {
            subscription.request(1);
            subscription
        });
        let subscription = asker.await;
        subscription.request(1);
        let canceller = sim.spawn("canceller", async move {
            subscription.cancel();
            (subscription.inspect().sent, subscription.end().is_some(), subscription)
        });
        let (sent, ended, subscription) = canceller.await;
        let end = subscription.ended().await.to_string();
        settle(actor).await;
        (sent, ended, end, log.get())
    });
    assert!(outcomes.iter().any(|(sent, ..)| *sent == 1), "between two items: {outcomes:?}");
}

#[test]
fn two_who_ask() {
    alike(|sim: Sim| async move {
        let (actor, log) = scribe(&sim, 2);
        let subscription = Arc::new(sim.system().subscribe(source::iter(0..2_u32), &actor, Demand::manual()));
        let askers = [1, 2].map(|n| {
            let subscription = subscription.clone();
            sim.spawn("asker", async move {
                subscription.request(n);
                subscription.inspect().sent
            })
        });
        let mut seen = Vec::new();
        for asker in askers {
            seen.push(asker.await);
        }
        let end = subscription.ended().await.to_string();
        settle(actor).await;
        (seen, end, log.get())
    });
}

#[test]
fn items_that_are_read_and_left() {
    alike(|sim: Sim| async move {
        let mut items = sim.system().items(source::iter(0..3_u32), Demand::window(2));
        let first = items.next().await;
        let looker = items.subscription().inspect().sent;
        drop(items);
        (first.is_some(), looker)
    });
}

#[test]
fn an_emitter_that_looks_between_its_items() {
    alike(|sim: Sim| async move {
        let (actor, log) = scribe(&sim, 2);
        let seen = Shared::new(Vec::new());
        let mine = seen.clone();
        let by_hand = source::from_fn(move |mut emitter| async move {
            for n in 0..2_u32 {
                let Ok(wanted) = emitter.ready().await else { return };
                mine.with(|seen| seen.push(wanted.get()));
                if emitter.try_send(n).is_err() {
                    mine.with(|seen| seen.push(99));
                }
            }
            emitter.complete();
        });
        let subscription = sim.system().subscribe(by_hand, &actor, Demand::manual());
        subscription.request(1);
        pause().await;
        subscription.request(2);
        let end = subscription.ended().await.to_string();
        settle(actor).await;
        (seen.get(), end, log.get())
    });
}

#[test]
fn a_subscriber_that_stops() {
    alike(|sim: Sim| async move {
        let (actor, log) = scribe(&sim, 1);
        let subscription = sim.system().subscribe(source::iter(0..2_u32), &actor, Demand::window(1));
        let doomed = actor.clone();
        let killer = sim.spawn("killer", async move { doomed.stop() });
        let end = subscription.ended().await.to_string();
        killer.await;
        actor.stopped().await;
        (end, subscription.inspect().sent, log.get())
    });
}

/// Holds what it gets until the next comes.
struct Holder(Shared<Vec<u32>>, Option<Held<u32>>);

impl Actor for Holder {
    type Msg = Held<u32>;

    async fn handle(&mut self, item: Held<u32>, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.with(|log| log.push(*item));
        self.1 = Some(item);
        Ok(())
    }
}

#[test]
fn held_items_that_are_let_go() {
    alike(|sim: Sim| async move {
        let log = Shared::new(Vec::new());
        let actor = sim.system().spawn(Holder(log.clone(), None), Push::bounded(2));
        let inlet = Inlet::holding(&actor, |held| held);
        let subscription = sim.system().subscribe(source::iter(0..3_u32), inlet, Demand::max_in_flight(2));
        let looker = sim.spawn("looker", async move {
            let sent = subscription.inspect().sent;
            (sent, subscription)
        });
        let (sent, subscription) = looker.await;
        let end = subscription.ended().await.to_string();
        actor.stop();
        actor.stopped().await;
        (sent, end, log.get())
    });
}

/// The mailbox has closed before its actor has ended, which is when it wakes its
/// sources: one that looks in between knows.
#[test]
fn a_source_that_looks_while_its_actor_ends() {
    struct Lingers(Shared<Vec<&'static str>>);
    impl Actor for Lingers {
        type Msg = u32;
        async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
            pause().await;
            if n == 9 {
                self.0.with(|log| log.push("goes on"));
            }
            Ok(())
        }
    }
    /// Dropped when nobody wants any.
    struct Numbers(Shared<Vec<&'static str>>, Vec<u32>);
    impl Iterator for Numbers {
        type Item = u32;
        fn next(&mut self) -> Option<u32> {
            self.1.pop()
        }
    }
    impl Drop for Numbers {
        fn drop(&mut self) {
            self.0.with(|log| log.push("is heard of"));
        }
    }
    for demand in [Demand::manual(), Demand::window(1), Demand::max_in_flight(1)] {
        alike(move |sim: Sim| async move {
            let log = Shared::new(Vec::new());
            let actor = sim.system().spawn(Lingers(log.clone()), Push::bounded(1));
            let numbers = source::iter(Numbers(log.clone(), vec![2, 1]));
            let subscription = sim.system().subscribe(numbers, &actor, demand);
            let _ = actor.try_tell(9);
            let to = actor.clone();
            let drainer = sim.spawn("drainer", async move { to.drain() });
            subscription.ended().await;
            drainer.await;
            actor.stopped().await;
            log.get()
        });
    }
}

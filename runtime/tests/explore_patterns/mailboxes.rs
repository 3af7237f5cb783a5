//! What is put aside, permits, the lane, overflow, and changes of mode.

use std::time::Duration;

use tidegate::explore::{Sim, Task};
use tidegate::prelude::*;
use tidegate::{DropReason, Thresholds};

use super::support::{Log, drained, same, scribe};

const MS: Duration = Duration::from_millis(1);

fn senders(sim: &Sim, to: &ActorRef<u32>, each: u32) -> [Task<u32>; 2] {
    [10, 20].map(|from| {
        let to = to.clone();
        sim.spawn(&format!("sender-{from}"), async move {
            let mut accepted = 0;
            for n in 0..each {
                accepted += u32::from(to.tell(from + n).await.is_ok());
            }
            accepted
        })
    })
}

/// Puts what comes aside until it gets a 0.
struct Stashing(bool, Log<u32>);

impl Actor for Stashing {
    type Msg = u32;

    async fn handle(&mut self, n: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        if n == 0 {
            self.0 = true;
            cx.unstash_all();
        } else if self.0 || cx.stash(n).is_err() {
            self.1.push(n);
        }
        Ok(())
    }
}

#[test]
fn what_is_put_aside() {
    let seen = same(|sim| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Stashing(false, log.clone()), Push::bounded(3));
        let senders = senders(&sim, &actor, 1);
        let to = actor.clone();
        let opener = sim.spawn("opener", async move { to.tell(0).await.unwrap() });
        for sender in senders {
            sender.await;
        }
        opener.await;
        drained((actor, log)).await
    });
    assert_eq!(seen, [vec![10, 20], vec![20, 10]].into());
}

#[test]
fn permits_that_are_used_dropped_or_too_late() {
    let seen = same(|sim| async move {
        let (actor, log) = scribe(&sim, Push::bounded(1)).await;
        let to = actor.clone();
        let holder = sim.spawn("holder", async move {
            match to.reserve().await {
                Ok(permit) => {
                    if permit.send(1).is_ok() {
                        "sent"
                    } else {
                        "too late"
                    }
                }
                Err(_) => "closed",
            }
        });
        let to = actor.clone();
        let dropper = sim.spawn("dropper", async move { drop(to.reserve().await) });
        let to = actor.clone();
        let stopper = sim.spawn("stopper", async move { to.stop() });
        let held = holder.await;
        dropper.await;
        stopper.await;
        actor.stopped().await;
        (held, log.all(), actor.stats().drops.of(DropReason::Stopped))
    });
    assert!(seen.contains(&("sent", vec![1], 0)) && seen.contains(&("closed", vec![], 0)), "{seen:?}");
}

/// Watches another, and writes down when it hears of its end.
struct Watcher(ActorRef<u32>, Log<u32>);

impl Actor for Watcher {
    type Msg = u32;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.watch(&self.0);
        Ok(())
    }

    async fn terminated(&mut self, _: Terminated, _: &mut Context<Self>) -> Result<(), Fault> {
        self.1.push(0);
        Ok(())
    }

    async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        self.1.push(n);
        Ok(())
    }
}

#[test]
fn news_overtakes_what_is_queued() {
    let seen = same(|sim| async move {
        let (other, _) = scribe(&sim, Push::bounded(1)).await;
        let log = Log::new();
        let actor = sim.system().spawn(Watcher(other.clone(), log.clone()), Push::bounded(2));
        let to = actor.clone();
        let sender = sim.spawn("sender", async move {
            for n in [1, 2] {
                to.tell(n).await.unwrap();
            }
        });
        other.kill();
        sender.await;
        other.stopped().await;
        sim.settled().await;
        drained((actor, log)).await
    });
    assert_eq!(seen, [vec![0, 1, 2], vec![1, 0, 2], vec![1, 2, 0]].into());
}

#[test]
fn the_oldest_is_dropped_where_there_is_no_room() {
    let seen = same(|sim| async move {
        let (actor, log) = scribe(&sim, Push::bounded(1).overflow(Overflow::DropOldest)).await;
        for sender in senders(&sim, &actor, 1) {
            sender.await;
        }
        let stats = actor.stats();
        (drained((actor, log)).await, stats.drops.total())
    });
    for items in [vec![10], vec![20], vec![10, 20], vec![20, 10]] {
        assert!(seen.iter().any(|seen| seen.0 == items), "{items:?}");
    }
}

#[test]
fn the_latest_is_what_is_kept() {
    let seen = same(|sim| async move {
        let (actor, log) = scribe(&sim, Push::bounded(1).overflow(Overflow::Latest)).await;
        for sender in senders(&sim, &actor, 1) {
            sender.await;
        }
        drained((actor, log)).await
    });
    assert_eq!(seen.len(), 4);
}

#[test]
fn messages_that_are_merged() {
    let seen = same(|sim| async move {
        let terms = Mailbox::from(Push::bounded(1)).conflate(|_: &u32| (), |queued, new| *queued += new);
        let (actor, log) = scribe(&sim, terms).await;
        for sender in senders(&sim, &actor, 1) {
            sender.await;
        }
        drained((actor, log)).await
    });
    assert_eq!(seen, [vec![10, 20], vec![20, 10], vec![30]].into());
}

#[test]
fn an_adaptive_mailbox_under_load() {
    struct Slow(Log<u32>);
    impl Actor for Slow {
        type Msg = u32;
        async fn handle(&mut self, n: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(MS).await;
            self.0.push(n);
            Ok(())
        }
    }
    let seen = same(|sim| async move {
        let log = Log::new();
        let mut thresholds = Thresholds::default();
        (thresholds.overloaded_for, thresholds.relieved_for, thresholds.dwell) = (MS, 2 * MS, MS);
        let terms = Adaptive::window(2).pull_window(1).thresholds(thresholds);
        let actor = sim.system().spawn(Slow(log.clone()), terms);
        let to = actor.clone();
        let sender = sim.spawn("sender", async move {
            for n in 0..4 {
                to.tell(n).await.unwrap();
            }
        });
        let (to, clock) = (actor.clone(), sim.clone());
        let hasty = sim.spawn("hasty", async move {
            clock.sleep(2 * MS).await;
            to.try_tell(10).is_ok()
        });
        sender.await;
        let got_in = hasty.await;
        let switches = actor.stats().switches.len();
        (got_in, switches, drained((actor, log)).await)
    });
    let switches: std::collections::BTreeSet<_> = seen.iter().map(|(_, switches, _)| *switches).collect();
    assert_eq!(switches, [0, 1].into());
}

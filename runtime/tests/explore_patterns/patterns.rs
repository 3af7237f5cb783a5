//! Topics, breakers, memories of what was done, names and groups.

use tidegate::Backoff;
use tidegate::pattern::{BreakerError, BreakerState, CircuitBreaker, Dedup, Lag, Novelty, Topic};
use tidegate::prelude::*;

use super::support::{drained, same, scribe};

const MS: std::time::Duration = std::time::Duration::from_millis(1);

#[test]
fn a_topic_with_two_publishers() {
    let seen = same(|sim| async move {
        let topic = Topic::new();
        let readers = [scribe(&sim, Push::bounded(1)).await, scribe(&sim, Push::bounded(1)).await];
        let subscriptions = [0, 1].map(|n: usize| topic.subscribe(&readers[n].0, Lag::Skip));
        let publishers = [1, 2].map(|n| {
            let topic = topic.clone();
            sim.spawn(&format!("publisher-{n}"), async move { topic.publish(n).reached })
        });
        let mut reached = Vec::new();
        for publisher in publishers {
            reached.push(publisher.await);
        }
        let skipped = subscriptions.each_ref().map(|subscription| subscription.skipped());
        drop(subscriptions);
        sim.settled().await;
        let [one, other] = readers;
        (reached, skipped, drained(one).await, drained(other).await)
    });
    // Whoever is slow misses what comes second.
    assert!(seen.iter().any(|(_, skipped, ..)| *skipped == [0, 0]));
    assert!(seen.iter().any(|(_, skipped, ..)| *skipped == [1, 1]));
    assert!(seen.iter().any(|(_, skipped, ..)| *skipped == [0, 1]));
}

#[test]
fn publishers_that_wait_give_each_reader_its_copy_in_a_step_of_its_own() {
    let seen = same(|sim| async move {
        let topic = Topic::new();
        let readers = [scribe(&sim, Push::bounded(2)).await, scribe(&sim, Push::bounded(2)).await];
        for ((reader, _), lag) in readers.iter().zip([Lag::Skip, Lag::Wait]) {
            topic.subscribe(reader, lag).until_stopped();
        }
        let publishers = [1, 2].map(|n| {
            let topic = topic.clone();
            sim.spawn(&format!("publisher-{n}"), async move { topic.publish_waiting(n).await.reached })
        });
        for publisher in publishers {
            assert_eq!(publisher.await, 2);
        }
        sim.settled().await;
        let [one, other] = readers;
        (drained(one).await, drained(other).await)
    });
    // There is no order between publishers.
    assert!(seen.contains(&(vec![1, 2], vec![2, 1])));
}

#[test]
fn who_leaves_a_topic_while_something_is_published_to_two() {
    let seen = same(|sim| async move {
        let topic = Topic::new();
        let readers = [scribe(&sim, Push::bounded(2)).await, scribe(&sim, Push::bounded(2)).await];
        topic.subscribe(&readers[0].0, Lag::Skip).until_stopped();
        let leaving = topic.subscribe(&readers[1].0, Lag::Skip);
        let leaver = sim.spawn("leaver", async move { drop(leaving) });
        let late = readers[0].0.clone();
        let to = topic.clone();
        let joiner = sim.spawn("joiner", async move { to.subscribe(&late, Lag::Skip).until_stopped() });
        let published = topic.publish_waiting(1).await.reached;
        leaver.await;
        joiner.await;
        let count = topic.len();
        sim.settled().await;
        let [one, other] = readers;
        (published, count, drained(one).await, drained(other).await)
    });
    let reached: std::collections::BTreeSet<_> = seen.iter().map(|(published, ..)| *published).collect();
    assert_eq!(reached, [1, 2, 3].into());
    assert!(seen.iter().all(|(_, count, ..)| *count == 2));
}

#[test]
fn a_publisher_that_is_dropped_half_way_has_given_those_that_do_not_wait_their_copies() {
    let seen = same(|sim| async move {
        let topic = Topic::new();
        let readers = [scribe(&sim, Push::bounded(2)).await, scribe(&sim, Push::bounded(2)).await];
        for (reader, _) in &readers {
            topic.subscribe(reader, Lag::Skip).until_stopped();
        }
        let done = sim.system().clone();
        struct Publisher(Topic<u32>);
        impl Actor for Publisher {
            type Msg = ();
            async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
                self.0.publish_waiting(1).await;
                Ok(())
            }
        }
        let publisher = done.spawn(Publisher(topic.clone()), Push::bounded(1));
        publisher.tell(()).await.unwrap();
        let killer = sim.spawn("killer", async move { publisher.kill() });
        killer.await;
        sim.settled().await;
        let [one, other] = readers;
        (drained(one).await, drained(other).await)
    });
    assert_eq!(seen, [(vec![], vec![]), (vec![1], vec![1])].into());
}

#[test]
fn a_breaker_between_two_callers() {
    let seen = same(|sim| async move {
        let cool_down = Backoff::exponential(MS, MS);
        let breaker = CircuitBreaker::builder().after_failures(1).cool_down(cool_down).build(sim.system());
        let callers = [false, true].map(|fails| {
            let breaker = breaker.clone();
            sim.spawn(&format!("caller-{fails}"), async move {
                let called = breaker.call(async move { if fails { Err("no route") } else { Ok(()) } }).await;
                match called {
                    Ok(()) => "made",
                    Err(BreakerError::Failed(_)) => "failed",
                    Err(_) => "refused",
                }
            })
        });
        let mut came = Vec::new();
        for caller in callers {
            came.push(caller.await);
        }
        (came, breaker.state() == BreakerState::Open, breaker.counts().refused)
    });
    assert_eq!(seen, [(vec!["made", "failed"], true, 0), (vec!["refused", "failed"], true, 1)].into());
}

#[test]
fn a_memory_that_two_ask_for_the_same() {
    let seen = same(|sim| async move {
        let memory = Dedup::new(4);
        let workers = [0, 1].map(|n| {
            let memory = memory.clone();
            sim.spawn(&format!("worker-{n}"), async move {
                match memory.claim("shop", 1) {
                    Novelty::First(claim) => {
                        claim.done();
                        "did it"
                    }
                    Novelty::Done => "was done",
                    Novelty::Underway => "underway",
                    Novelty::Unknown => "unknown",
                }
            })
        });
        let mut said = Vec::new();
        for worker in workers {
            said.push(worker.await);
        }
        (said, memory.duplicates())
    });
    assert_eq!(seen, [(vec!["did it", "was done"], 1), (vec!["was done", "did it"], 1)].into());
}

#[test]
fn a_name_that_is_looked_up_while_its_owner_stops_and_another_takes_it() {
    let seen = same(|sim| async move {
        let (first, log) = scribe(&sim, Push::bounded(2)).await;
        sim.system().register("clerk", &first).unwrap().until_stopped();
        let stopping = first.clone();
        let stopper = sim.spawn("stopper", async move { stopping.stop() });
        let system = sim.system().clone();
        let caller = sim.spawn("caller", async move {
            match system.lookup::<u32>("clerk") {
                Ok(clerk) => {
                    if clerk.tell(1).await.is_ok() {
                        "told"
                    } else {
                        "closed"
                    }
                }
                Err(_) => "nobody",
            }
        });
        let (system, (second, _)) = (sim.system().clone(), scribe(&sim, Push::bounded(2)).await);
        let heir = sim.spawn("heir", async move {
            match system.register("clerk", &second) {
                Ok(name) => {
                    name.until_stopped();
                    true
                }
                Err(_) => false,
            }
        });
        stopper.await;
        let (said, inherited) = (caller.await, heir.await);
        first.stopped().await;
        (said, inherited, log.all().len())
    });
    for said in ["told", "closed", "nobody"] {
        assert!(seen.iter().any(|seen| seen.0 == said), "{said}");
    }
}

#[test]
fn a_group_whose_members_come_and_go() {
    let seen = same(|sim| async move {
        let group = sim.system().group::<u32>("clerks");
        let clerks = [scribe(&sim, Push::bounded(2)).await.0, scribe(&sim, Push::bounded(2)).await.0];
        group.join(&clerks[0]);
        let (going, joining, members) = (clerks[0].clone(), clerks[1].clone(), group.clone());
        let goer = sim.spawn("goer", async move { going.kill() });
        let joiner = sim.spawn("joiner", async move { members.join(&joining) });
        let members = group.clone();
        let counter = sim.spawn("counter", async move { members.len() });
        goer.await;
        joiner.await;
        let counted = counter.await;
        clerks[0].stopped().await;
        (counted, group.len())
    });
    assert_eq!(seen, [(0, 1), (1, 1), (2, 1)].into());
}

//! Topics, breakers, pools, groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tidegate::pattern::{BreakerError, BreakerState, CircuitBreaker, Lag, Routing, Topic};
use tidegate::prelude::*;
use tidegate::{Backoff, GroupEvent};

use super::support::{Item, Log, MS, Msg, Scribe, assert_in_order, explored, pause, reduced};

const SOON: Backoff = Backoff::exponential(MS, MS);

#[test]
fn a_topic_reaches_whom_it_waits_for_and_counts_whom_it_skips() {
    reduced(&["from the first on", "came late", "some were skipped", "none was skipped"], |sim, seen| async move {
        let topic = Topic::new();
        let logs = [Log::new(), Log::new()];
        let actors = [0, 1].map(|n| sim.system().spawn(Scribe::new(&logs[n]), Push::bounded(1)));
        let hasty = topic.subscribe(&actors[0].map(Msg::Slow), Lag::Skip);
        let (to, target) = (topic.clone(), actors[1].clone());
        let joining = sim.spawn("joining", async move { to.subscribe(&target.map(Msg::Slow), Lag::Wait) });
        for n in 0..3 {
            pause().await;
            let _ = topic.publish_waiting((0, n)).await;
        }
        let patient = joining.await;
        assert_eq!(hasty.reached() + hasty.skipped(), 3);
        assert_eq!(patient.skipped(), 0);
        let (reached, waited) = (hasty.reached() as usize, patient.reached() as usize);
        for actor in &actors {
            actor.drain();
            actor.stopped().await;
        }
        let [some, all] = logs.map(|log| log.all());
        assert_in_order(&some);
        assert_eq!((some.len(), all.len()), (reached, waited));
        // Without a gap, from where it came in.
        assert_eq!(all, (3 - waited..3).map(|n| (0, n)).collect::<Vec<_>>());
        seen.saw(if waited < 3 { "came late" } else { "from the first on" });
        seen.saw(if reached < 3 { "some were skipped" } else { "none was skipped" });
    });
}

#[test]
fn a_breaker_that_is_half_open_lets_one_through() {
    explored(&["one was refused", "it was closed before the other came"], |sim, seen| async move {
        let breaker = CircuitBreaker::builder().after_failures(1).cool_down(SOON).build(sim.system());
        let failed: Result<(), _> = breaker.call(async { Err::<(), _>("no route") }).await;
        assert_eq!(failed, Err(BreakerError::Failed("no route")));
        assert_eq!(breaker.state(), BreakerState::Open);
        sim.sleep(MS).await;
        let inside = Arc::new(AtomicUsize::new(0));
        let callers = [0, 1].map(|n| {
            let (breaker, inside) = (breaker.clone(), Arc::clone(&inside));
            sim.spawn(&format!("caller-{n}"), async move {
                let probing = breaker.state() == BreakerState::HalfOpen;
                let made = breaker
                    .call(async {
                        let before = inside.fetch_add(1, Relaxed);
                        assert!(!probing || before == 0, "two probes at a time");
                        pause().await;
                        inside.fetch_sub(1, Relaxed);
                        Ok::<_, &str>(())
                    })
                    .await;
                match made {
                    Ok(()) => 1,
                    Err(BreakerError::Open { .. }) => 0,
                    Err(other) => panic!("{other:?}"),
                }
            })
        });
        let mut made = 0;
        for caller in callers {
            made += caller.await;
        }
        let counts = breaker.counts();
        assert_eq!((breaker.state(), counts.opened, counts.succeeded), (BreakerState::Closed, 1, made));
        assert_eq!(counts.refused, 2 - made);
        seen.saw(if made == 1 { "one was refused" } else { "it was closed before the other came" });
    });
}

#[test]
fn a_pool_whose_worker_fails_or_that_is_resized_handles_what_it_took() {
    reduced(&["two lives did it", "three lives did it"], |sim, seen| async move {
        let logs: Log<Log<Item>> = Log::new();
        let made = logs.clone();
        let make = move || {
            let log = Log::new();
            made.push(log.clone());
            Scribe::new(&log)
        };
        let pool = sim
            .system()
            .pool(2, make)
            .routing(Routing::least_loaded())
            .mailbox(Push::bounded(1))
            .restart(Restart::on_failure())
            .spawn();
        sim.settled().await;
        let pool = Arc::new(pool);
        let mut accepted = usize::from(pool.tell(Msg::Slow((0, 0))).await.is_ok());
        let resized = Arc::clone(&pool);
        let resizer = sim.spawn("resizer", async move { resized.resize(1).await.unwrap() });
        for n in 1..3 {
            let msg = if n == 1 { Msg::Fail((0, n)) } else { Msg::Item((0, n)) };
            accepted += usize::from(pool.tell(msg).await.is_ok());
            pause().await;
        }
        resizer.await;
        pool.drain();
        pool.stopped().await;
        let mut items: Vec<Item> = logs.all().iter().flat_map(Log::all).collect();
        items.sort_unstable();
        assert_eq!(items.len(), accepted, "{items:?}");
        items.dedup();
        assert_eq!((items.len(), accepted), (3, 3));
        seen.saw(match logs.all().iter().filter(|log| log.len() > 0).count() {
            1 => "one life did it",
            2 => "two lives did it",
            _ => "three lives did it",
        });
    });
}

#[test]
fn a_group_tells_of_each_member_when_it_comes_and_when_it_goes() {
    explored(&["never together", "together"], |sim, seen| async move {
        let group = sim.system().group::<Msg>("clerks");
        let told = Log::new();
        let listener = told.clone();
        let watching = group.watch(move |event| {
            listener.push(match event {
                GroupEvent::Joined(who) => (who.id(), true),
                GroupEvent::Left(who) => (who.id(), false),
                _ => return,
            });
        });
        let clerks = [0, 1].map(|n| {
            let (system, group) = (sim.system().clone(), group.clone());
            sim.spawn(&format!("clerk-{n}"), async move {
                let clerk = system.spawn(Scribe::new(&Log::new()), Push::bounded(1));
                assert!(group.join(&clerk));
                assert!(!group.join(&clerk), "once");
                let most = group.len();
                pause().await;
                clerk.kill();
                clerk.stopped().await;
                assert!(group.members().iter().all(|member| member.id() != clerk.id()));
                assert!(!group.join(&clerk), "the dead do not join");
                most
            })
        });
        let mut most = 0;
        for clerk in clerks {
            most = most.max(clerk.await);
        }
        assert!(group.is_empty());
        drop(watching);
        let told = told.all();
        assert_eq!(told.len(), 4);
        for (id, came) in &told {
            let of_one: Vec<bool> = told.iter().filter(|event| event.0 == *id).map(|event| event.1).collect();
            assert_eq!(of_one, [true, false], "{came}");
        }
        seen.saw(if most == 2 { "together" } else { "never together" });
    });
}

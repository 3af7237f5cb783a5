//! Watches and links, and orders that meet each other on the way: who hears of
//! whose end, and whose end is whose.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::time::Duration;

use support::{Job, Log, Worker, manual, ms, renewable, tell};
use tidegate::prelude::*;
use tidegate::{Executor, LinkFailed};

fn run(actor: &ActorRef<Job>, f: impl FnOnce(&mut Context<Worker>) + Send + 'static) {
    tell(
        actor,
        Job::run(move |_, cx| {
            f(cx);
            Ok(())
        }),
    );
}

fn watch(watcher: &ActorRef<Job>, watched: &ActorRef<Job>) {
    let watched = watched.clone();
    run(watcher, move |cx| cx.watch(&watched));
}

fn link(one: &ActorRef<Job>, other: &ActorRef<Job>) {
    let other = other.clone();
    run(one, move |cx| cx.link(&other));
}

fn news(log: &Log) -> usize {
    log.all().iter().filter(|line| line.starts_with("terminated")).count()
}

// ---- watches ----------------------------------------------------------------------

#[test]
fn a_restart_of_the_watched_is_not_its_end_and_one_of_the_watcher_ends_its_watches() {
    let (executor, system) = manual();
    let log = Log::default();
    let watcher = renewable(&system, &log, 3);
    let watched = renewable(&system, &Log::default(), 3);
    watch(&watcher, &watched);
    tell(&watched, Job::fail("bad"));
    executor.run_until_idle();
    assert_eq!(news(&log), 0);
    tell(&watcher, Job::fail("bad"));
    executor.run_until_idle();
    watched.kill();
    executor.run_until_idle();
    assert_eq!(log.take(), ["started", "started"], "its new life knows nothing of the other");
    // Unless it asks, also when the other has gone.
    watch(&watcher, &watched);
    executor.run_until_idle();
    assert_eq!(log.all(), ["terminated /worker killed"]);
}

#[test]
fn who_does_not_watch_any_more_hears_nothing_not_even_what_is_on_its_way() {
    let (executor, system) = manual();
    let log = Log::default();
    let watcher = renewable(&system, &log, 0);
    let others: Vec<ActorRef<Job>> = (0..3).map(|_| renewable(&system, &Log::default(), 0)).collect();
    for other in &others {
        watch(&watcher, other);
        watch(&watcher, other);
    }
    executor.run_until_idle();
    let gone = others.clone();
    run(&watcher, move |cx| cx.unwatch(&gone[0]));
    executor.run_until_idle();
    others[0].kill();
    others[1].kill();
    // The news of the second are in the lane while the handler waits.
    tell(&watcher, Job::Slow(1, ms(10)));
    executor.advance(ms(5));
    let watched = others[1].clone();
    assert!(watched.stop_reason().is_some());
    executor.advance(ms(5));
    assert_eq!(news(&log), 2, "of the second, twice");
    log.take();

    let third = others[2].clone();
    run(&watcher, move |cx| {
        third.kill();
        // A kill is an order; it has not ended.
        assert!(third.stop_reason().is_none());
        cx.unwatch(&third);
    });
    executor.run_until_idle();
    assert!(others[2].stop_reason().is_some());
    assert_eq!(news(&log), 0);
    // Watched when it has gone, the news are in the lane at once.
    let third = others[2].clone();
    run(&watcher, move |cx| {
        cx.watch(&third);
        cx.unwatch(&third);
    });
    executor.run_until_idle();
    assert_eq!(news(&log), 0);
}

#[test]
fn news_for_an_earlier_life_do_not_reach_a_later_one() {
    let (executor, system) = manual();
    let log = Log::default();
    let watcher = renewable(&system, &log, 1);
    let watched = renewable(&system, &Log::default(), 0);
    let gone = watched.clone();
    watched.kill();
    executor.run_until_idle();
    tell(
        &watcher,
        Job::run(move |_, cx| {
            cx.watch(&gone);
            Err(Fault::msg("bad"))
        }),
    );
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "started"]);
}

// ---- links ------------------------------------------------------------------------

fn pair(restarts: u32) -> (tidegate::ManualExecutor, Log, [ActorRef<Job>; 2]) {
    let (executor, system) = manual();
    let log = Log::default();
    let actors = [renewable(&system, &log, restarts), renewable(&system, &log, restarts)];
    executor.run_until_idle();
    log.take();
    (executor, log, actors)
}

#[test]
fn a_failure_of_either_fails_the_other_whoever_made_the_link() {
    type End = fn(&ActorRef<Job>);
    let ends: [(End, &str); 2] = [
        (|actor| tell(actor, Job::fail("bad")), "failed: linked to /worker, which failed: bad"),
        (|actor| tell(actor, Job::panic("bad")), "failed: linked to /worker, which panicked: bad, at "),
    ];
    for (end, said) in ends {
        for which in [0, 1] {
            let (executor, _, actors) = pair(0);
            link(&actors[0], &actors[1]);
            executor.run_until_idle();
            end(&actors[which]);
            executor.run_until_idle();
            let Some(StopReason::Failed(fault)) = actors[1 - which].stop_reason() else { panic!("it lives") };
            let failed: &LinkFailed = fault.source().and_then(|source| source.downcast_ref()).unwrap();
            assert_eq!(failed.other.id, actors[which].id());
            assert!(actors[1 - which].stop_reason().unwrap().to_string().starts_with(said));
        }
    }
}

#[test]
fn an_end_that_is_no_failure_unlinks_and_no_more() {
    type End = fn(&ActorRef<Job>);
    let ends: [End; 3] = [|actor| actor.stop(), |actor| actor.kill(), |actor| actor.drain()];
    for end in ends {
        let (executor, log, actors) = pair(0);
        link(&actors[0], &actors[1]);
        executor.run_until_idle();
        end(&actors[1]);
        executor.run_until_idle();
        tell(&actors[0], Job::Note(1));
        executor.run_until_idle();
        assert_eq!(log.numbers(), [1]);
        assert_eq!(news(&log), 0, "a link is no watch");
    }
}

#[test]
fn a_link_outlives_restarts_of_both_and_a_failure_is_under_the_others_restart() {
    let (executor, log, actors) = pair(1);
    link(&actors[0], &actors[1]);
    for actor in &actors {
        tell(actor, Job::fail("bad"));
    }
    executor.run_until_idle();
    assert_eq!(log.take(), ["started", "started"], "restarts are their own business");
    // Each has used its one restart up: the first fails for good, and the
    // second with it.
    tell(&actors[1], Job::fail("worse"));
    executor.run_until_idle();
    assert_eq!(actors[0].stop_reason().unwrap().to_string(), "failed: linked to /worker, which failed: worse");

    let (executor, log, actors) = pair(1);
    link(&actors[0], &actors[1]);
    tell(&actors[1], Job::fail("bad"));
    tell(&actors[1], Job::fail("worse"));
    executor.run_until_idle();
    assert!(actors[1].stop_reason().is_some());
    assert!(actors[0].stop_reason().is_none(), "it began anew");
    assert_eq!(log.count("started"), 2);
}

#[test]
fn either_undoes_the_link() {
    for which in [0, 1] {
        let (executor, _, actors) = pair(0);
        link(&actors[0], &actors[1]);
        link(&actors[1], &actors[0]);
        executor.run_until_idle();
        let other = actors[1 - which].clone();
        run(&actors[which], move |cx| cx.unlink(&other));
        executor.run_until_idle();
        tell(&actors[0], Job::fail("bad"));
        executor.run_until_idle();
        assert!(actors[1].stop_reason().is_none());
    }
}

#[test]
fn a_link_to_one_that_has_failed_fails_and_to_one_that_has_ended_does_nothing() {
    let (executor, _, actors) = pair(0);
    tell(&actors[1], Job::fail("bad"));
    executor.run_until_idle();
    link(&actors[0], &actors[1]);
    executor.run_until_idle();
    assert!(actors[0].stop_reason().unwrap().is_failure());

    let (executor, log, actors) = pair(0);
    actors[1].stop();
    executor.run_until_idle();
    link(&actors[0], &actors[1]);
    let me = actors[0].clone();
    run(&actors[0], move |cx| cx.link(&me));
    tell(&actors[0], Job::Note(1));
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1]);
}

#[test]
fn a_chain_of_links_fails_from_end_to_end() {
    let (executor, system) = manual();
    let chain: Vec<ActorRef<Job>> = (0..20).map(|_| renewable(&system, &Log::default(), 0)).collect();
    for pair in chain.windows(2) {
        link(&pair[0], &pair[1]);
    }
    executor.run_until_idle();
    tell(&chain[10], Job::fail("bad"));
    executor.run_until_idle();
    assert!(chain.iter().all(|actor| actor.stop_reason().is_some_and(|reason| reason.is_failure())));
    assert!(system.is_empty());
}

#[test]
fn a_link_through_a_mapped_reference_is_one_with_the_actor_behind_it() {
    let (executor, _, actors) = pair(0);
    let mapped = actors[1].map(Job::Note);
    run(&actors[0], move |cx| cx.link(&mapped));
    executor.run_until_idle();
    tell(&actors[0], Job::fail("bad"));
    executor.run_until_idle();
    assert!(actors[1].stop_reason().unwrap().is_failure());
}

// ---- orders that meet ---------------------------------------------------------------

#[test]
fn a_stop_cuts_short_a_parent_that_waits_for_its_children_to_drain() {
    let (executor, system) = manual();
    let log = Log::default();
    let parent = renewable(&system, &log, 0);
    tell(
        &parent,
        Job::run(|worker, cx| {
            let child = cx.spawn_child(Worker::new(&worker.log), Push::bounded(8));
            for n in 0..8 {
                tell(&child, Job::Slow(n, ms(100)));
            }
            Ok(())
        }),
    );
    executor.run_until_idle();
    parent.drain();
    executor.advance(ms(150));
    assert!(parent.stop_reason().is_none(), "it waits for its child");
    parent.stop();
    executor.advance(ms(50));
    assert!(matches!(parent.stop_reason(), Some(StopReason::Stopped)), "{:?}", parent.stop_reason());
    assert_eq!(log.numbers(), [0, 1], "after the child's present message");
    assert_eq!(executor.now(), ms(200));
}

#[test]
fn a_stop_that_waits_with_a_fault_ends_the_actor_before_another_life() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 5);
    tell(
        &actor,
        Job::run(|_, cx| {
            // From outside, while the handler runs.
            cx.me().stop();
            Err(Fault::msg("bad"))
        }),
    );
    executor.advance(Duration::from_secs(1));
    assert!(matches!(actor.stop_reason(), Some(StopReason::Failed(_))), "{:?}", actor.stop_reason());
    assert_eq!(log.all(), ["started", "stopped: failed: bad"]);
}

//! Pools: who works, who is replaced, and what becomes of messages when the
//! number of workers changes.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::time::Duration;

use support::{Dead, Job, Log, Random, Worker, manual, ms, start};
use tidegate::pattern::{Pool, RouteError, Routing};
use tidegate::prelude::*;
use tidegate::{Closed, DropReason, OnLimit, Restart};

fn pool(system: &System, size: usize, log: &Log, restart: Restart) -> Pool<Job> {
    let log = log.clone();
    system.pool(size, move || Worker::new(&log)).named("pool").mailbox(Push::bounded(4)).restart(restart).spawn()
}

fn once() -> Restart {
    Restart::on_failure().limit(1, Duration::from_secs(10))
}

#[test]
fn workers_take_messages_as_soon_as_there_is_a_pool() {
    let (executor, system) = manual();
    let log = Log::default();
    let pool = pool(&system, 3, &log, once());
    assert_eq!((pool.len(), pool.is_empty()), (3, false));
    for n in 0..6 {
        pool.try_tell(Job::Note(n)).unwrap();
    }
    assert!(pool.workers().iter().all(|worker| worker.len() == 2), "in turn");
    executor.run_until_idle();
    let mut noted = log.numbers();
    noted.sort_unstable();
    assert_eq!(noted, [0, 1, 2, 3, 4, 5]);
    assert_eq!(executor.block_on(pool.ask(Job::Count)).unwrap(), 2);
    let paths: Vec<_> = pool.workers().iter().map(|worker| worker.path().to_string()).collect();
    assert_eq!(paths, ["/pool/0", "/pool/1", "/pool/2"]);
    assert_eq!(system.len(), 1, "the system owns the pool, the pool the workers");
}

#[test]
fn a_worker_that_fails_is_begun_anew_with_its_queue_and_its_place() {
    let (executor, system) = manual();
    let log = Log::default();
    let pool = pool(&system, 2, &log, once());
    let before = pool.workers();
    pool.try_tell(Job::panic("the first worker's")).unwrap();
    pool.try_tell(Job::Note(1)).unwrap();
    pool.try_tell(Job::Note(2)).unwrap();
    executor.run_until_idle();
    executor.advance(ms(1));
    assert_eq!(pool.workers(), before);
    assert_eq!(log.count("started"), 3);
    let mut noted = log.numbers();
    noted.sort_unstable();
    assert_eq!(noted, [1, 2], "what was queued behind the panic too");
}

#[test]
fn a_worker_that_ends_for_good_leaves_and_is_replaced_when_asked_for() {
    let (executor, system) = manual();
    let log = Log::default();
    let pool = pool(&system, 3, &log, Restart::never());
    pool.try_tell(Job::fail("for good")).unwrap();
    executor.run_until_idle();
    assert_eq!((pool.len(), pool.stop_reason().is_none()), (2, true));
    for n in 0..4 {
        pool.try_tell(Job::Note(n)).unwrap();
    }
    executor.run_until_idle();
    assert_eq!(log.numbers().len(), 4, "by the others");
    executor.block_on(pool.resize(3)).unwrap();
    assert_eq!(pool.len(), 3);
    assert_eq!(pool.workers().last().unwrap().path().as_str(), "/pool/3");
}

#[test]
fn a_worker_over_its_limit_ends_the_pool_unless_it_only_stops() {
    for (on_limit, left) in [(OnLimit::Escalate, 0), (OnLimit::Stop, 2)] {
        let (executor, system) = manual();
        let log = Log::default();
        let pool = pool(&system, 3, &log, once().on_limit(on_limit));
        let failing = pool.workers()[0].clone();
        for _ in 0..2 {
            failing.try_tell(Job::fail("again")).unwrap();
            executor.run_until_idle();
        }
        executor.advance(ms(1));
        assert_eq!(pool.len(), left, "{on_limit:?}");
        assert_eq!(pool.stop_reason().is_some(), left == 0, "{on_limit:?}");
        if left == 0 {
            assert!(matches!(pool.try_tell(Job::Note(1)), Err(RouteError::NoMember(Job::Note(1)))));
            assert_eq!(executor.block_on(pool.resize(1)), Err(Closed));
        }
    }
}

#[test]
fn a_pool_grows_and_shrinks_without_losing_a_message() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let pool = pool(&system, 1, &log, once());
    executor.block_on(pool.resize(4)).unwrap();
    for n in 0..16 {
        pool.try_tell(Job::Note(n)).unwrap();
    }
    assert!(matches!(pool.try_tell(Job::Note(16)), Err(RouteError::Refused(SendError::Full(_)))));
    let shrinking = start(&executor, {
        let pool = pool.clone();
        async move { pool.resize(1).await }
    });
    executor.run_until_idle();
    assert_eq!(shrinking.take(), Some(Ok(())));
    assert_eq!(pool.len(), 1);
    let mut noted = log.numbers();
    noted.sort_unstable();
    assert_eq!(noted, (0..16).collect::<Vec<_>>(), "what they had accepted they handled");
    assert_eq!(log.count("stopped: drained"), 3);
    assert_eq!(dead.all(), []);
    executor.block_on(pool.resize(0)).unwrap();
    assert!(matches!(pool.try_tell(Job::Note(99)), Err(RouteError::NoMember(Job::Note(99)))));
}

#[test]
fn a_worker_that_is_too_many_is_no_member_while_it_works_off_what_it_has() {
    let (executor, system) = manual();
    let log = Log::default();
    let pool = pool(&system, 2, &log, once());
    (0..2).for_each(|n| assert!(pool.try_tell(Job::Slow(n, ms(10))).is_ok()));
    executor.run_until_idle();
    let last = pool.workers()[1].clone();
    executor.block_on(pool.resize(1)).unwrap();
    assert_eq!((pool.len(), last.stop_reason().is_some()), (1, false));
    executor.advance(ms(10));
    assert!(matches!(last.stop_reason(), Some(StopReason::Drained)));
    assert_eq!(log.numbers().len(), 2, "{:?}", log.all());
}

#[test]
fn every_message_is_handled_once_while_the_pool_is_resized_at_random() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let (executor, system) = manual();
        let log = Log::default();
        let noted = log.clone();
        let routing = [Routing::round_robin, Routing::least_loaded, Routing::random];
        let pool = system
            .pool(2, move || Worker::new(&noted))
            .routing(routing[usize::try_from(seed % 3).unwrap()]())
            .mailbox(Push::bounded(2))
            .spawn();
        let (mut told, mut resizing) = (Vec::new(), Vec::new());
        for n in 0..200 {
            match random.below(6) {
                0 => resizing.push(start(&executor, {
                    let (pool, size) = (pool.clone(), usize::try_from(random.below(5) + 1).unwrap());
                    async move { pool.resize(size).await }
                })),
                1 => drop(executor.try_step()),
                _ => told.push(start(&executor, {
                    let pool = pool.clone();
                    async move { pool.tell(Job::Note(n)).await.map(|_| n) }
                })),
            }
        }
        executor.run_until_idle();
        assert!(resizing.iter().all(|resized| resized.take() == Some(Ok(()))), "seed {seed}");
        let mut sent: Vec<_> = told.iter().map(|told| told.take().unwrap().unwrap()).collect();
        let mut noted = log.numbers();
        sent.sort_unstable();
        noted.sort_unstable();
        assert_eq!(noted, sent, "seed {seed}");
    }
}

#[test]
fn a_pool_that_is_drained_handles_what_its_workers_have_accepted() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let pool = pool(&system, 2, &log, once());
    for n in 0..4 {
        pool.try_tell(Job::Slow(n, ms(10))).unwrap();
    }
    executor.run_until_idle();
    pool.drain();
    let reason = executor.block_on(pool.stopped());
    assert!(matches!(reason, StopReason::Drained), "{reason}");
    assert_eq!((log.numbers().len(), dead.all().len(), pool.len()), (4, 0, 0));
    assert!(matches!(pool.try_tell(Job::Note(9)), Err(RouteError::NoMember(_))));
}

#[test]
fn a_pool_that_is_stopped_buries_what_is_queued() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let pool = pool(&system, 2, &log, once());
    for n in 0..4 {
        pool.try_tell(Job::Note(n)).unwrap();
    }
    pool.stop();
    executor.run_until_idle();
    assert_eq!(log.numbers().len() + dead.of(DropReason::Stopped).len(), 4);
    assert_eq!((pool.len(), system.len()), (0, 0));
}

#[test]
fn a_pool_of_an_actor_ends_with_it() {
    let (executor, system) = manual();
    let log = Log::default();
    let noted = log.clone();
    let parent = system.spawn(Worker::new(&Log::default()), Push::bounded(4));
    support::tell(
        &parent,
        Job::run(move |worker, cx| {
            let pool = cx.pool(2, move || Worker::new(&noted)).named("pool").spawn();
            pool.try_tell(Job::Note(1)).unwrap();
            worker.kept.push(Box::new(pool));
            Ok(())
        }),
    );
    executor.run_until_idle();
    assert_eq!((log.numbers(), log.count("started")), (vec![1], 2));
    parent.stop();
    executor.run_until_idle();
    assert_eq!(log.count("stopped: stopped"), 2);
    assert!(system.is_empty());
}

#[test]
fn a_pool_that_a_closing_system_refuses_has_no_workers() {
    let (executor, system) = manual();
    let _ = executor.block_on(system.shutdown(ms(10)));
    let log = Log::default();
    let pool = pool(&system, 3, &log, once());
    assert!(matches!(pool.stop_reason(), Some(StopReason::Refused)));
    assert!(matches!(pool.try_tell(Job::Note(1)), Err(RouteError::NoMember(_))));
    assert_eq!(executor.block_on(pool.resize(1)), Err(Closed));
}

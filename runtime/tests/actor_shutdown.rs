//! Shutting a system down: what is waited for, what is cut short, and what the
//! report says.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use support::{Dead, Job, Log, Started, Worker, lock, manual, ms, start, tell};
use tidegate::prelude::*;
use tidegate::{BoxTask, DropReason, Executor, LateActor, ManualExecutor, ShutdownReport};

const PLENTY: Duration = Duration::from_secs(60);

fn named(system: &System, name: &str, log: &Log) -> ActorRef<Job> {
    let log = log.clone();
    system.build(move || Worker::new(&log)).named(name).mailbox(Push::bounded(64)).spawn()
}

fn paths(actors: &[LateActor]) -> Vec<&str> {
    actors.iter().map(|actor| actor.path.as_str()).collect()
}

fn begin_shutdown(executor: &ManualExecutor, system: &System, deadline: Duration) -> Started<ShutdownReport> {
    let system = system.clone();
    start(executor, async move { system.shutdown(deadline).await })
}

#[test]
fn a_clean_shutdown_handles_all_that_was_accepted_children_first() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = named(&system, "parent", &log);
    actor
        .try_tell(Job::run(|worker, cx| {
            let log = worker.log.clone();
            let child = cx.build_child(move || Worker::new(&log)).mailbox(Push::bounded(8)).spawn();
            for n in 10..13 {
                child.try_tell(Job::Slow(n, ms(10))).unwrap();
            }
            Ok(())
        }))
        .unwrap();
    for n in 0..3 {
        actor.try_tell(Job::Slow(n, ms(1))).unwrap();
    }
    executor.run_until_idle();
    let report = executor.block_on(system.shutdown(PLENTY));
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.drained, report.to_string().as_str()), (1, "1 actors drained; 0 messages undelivered"));
    assert_eq!(
        log.all(),
        ["started", "started", "0", "1", "2", "10", "11", "12", "stopped: drained", "stopped: drained"]
    );
    assert_eq!(executor.now(), ms(30));
    assert!(system.is_empty());
}

#[test]
fn an_empty_system_is_shut_down_at_once() {
    let (executor, system) = manual();
    let report = executor.block_on(system.shutdown(PLENTY));
    assert!(report.is_clean());
    assert_eq!((report.drained, executor.now()), (0, Duration::ZERO));
}

#[test]
fn what_nobody_asked_for_is_drained_too() {
    let (executor, system) = manual();
    let log = Log::default();
    // Its policy lets messages in that nobody asked for, and holds them back.
    let mailbox = Pull::manual().capacity(8).overflow(Overflow::DropOldest);
    let actor = system.spawn(Worker::new(&log), mailbox);
    executor.run_until_idle();
    for n in 0..5 {
        actor.try_tell(Job::Note(n)).unwrap();
    }
    executor.run_until_idle();
    assert!(log.numbers().is_empty());
    let report = executor.block_on(system.shutdown(PLENTY));
    assert!(report.is_clean(), "{report}");
    assert_eq!(log.numbers(), [0, 1, 2, 3, 4]);
}

#[test]
fn what_has_not_drained_by_the_deadline_is_killed_and_named() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let (_quick, slow) = (named(&system, "quick", &log), named(&system, "slow", &log));
    for n in 0..10 {
        slow.try_tell(Job::Slow(n, ms(10))).unwrap();
    }
    let report = executor.block_on(system.shutdown(ms(35)));
    assert_eq!(executor.now(), ms(35));
    assert!(!report.is_clean());
    assert_eq!((report.drained, report.undelivered), (1, 7));
    assert_eq!(paths(&report.killed), ["/slow"]);
    assert!(report.stuck.is_empty());
    assert_eq!(
        report.to_string(),
        "1 actors drained; 1 killed at the deadline: /slow (working, 6 queued); 7 messages undelivered"
    );
    // The fourth was in the handler.
    assert_eq!(log.numbers(), [0, 1, 2]);
    assert_eq!(dead.of(DropReason::Stopped), [4, 5, 6, 7, 8, 9]);
    assert!(matches!(slow.stop_reason(), Some(StopReason::Killed)));
}

#[test]
fn the_children_of_a_killed_actor_are_killed_with_it() {
    let (executor, system) = manual();
    let child = Arc::new(Mutex::new(None));
    let cradle = Arc::clone(&child);
    let actor = named(&system, "parent", &Log::default());
    actor
        .try_tell(Job::run(move |_, cx| {
            let born = cx.spawn_child(Worker::new(&Log::default()), Push::bounded(8));
            born.try_tell(Job::Stuck(1)).unwrap();
            *lock(&cradle) = Some(born);
            Ok(())
        }))
        .unwrap();
    executor.run_until_idle();
    let report = executor.block_on(system.shutdown(ms(10)));
    let child_path = lock(&child).as_ref().unwrap().path().clone();
    assert_eq!(paths(&report.killed), ["/parent", child_path.as_str()]);
    assert_eq!(report.undelivered, 1);
    assert!(matches!(lock(&child).as_ref().unwrap().stop_reason(), Some(StopReason::Killed)));
}

#[test]
fn no_actor_starts_while_a_shutdown_goes_on_or_afterwards() {
    let (executor, system) = manual();
    let log = Log::default();
    let busy = named(&system, "busy", &log);
    busy.try_tell(Job::Slow(1, ms(10))).unwrap();
    busy.try_tell(Job::run(|worker, cx| {
        let child = cx.spawn_child(Worker::new(&worker.log), Push::bounded(8));
        assert!(matches!(child.stop_reason(), Some(StopReason::Refused)));
        worker.log.add("no child");
        Ok(())
    }))
    .unwrap();
    executor.run_until_idle();
    let report = begin_shutdown(&executor, &system, PLENTY);
    executor.run_until_idle();
    for _ in 0..2 {
        let refused = named(&system, "late", &log);
        assert!(matches!(refused.stop_reason(), Some(StopReason::Refused)));
        assert!(matches!(refused.try_tell(Job::Note(9)), Err(SendError::Closed(Job::Note(9)))));
        assert!(refused.is_closed());
        assert!(matches!(executor.block_on(refused.stopped()), StopReason::Refused));
        executor.advance(ms(20));
    }
    let report = report.take().expect("it is over");
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.drained, 1);
    assert_eq!(log.all(), ["started", "1", "no child", "stopped: drained"]);
}

#[test]
fn a_second_shutdown_is_harmless_at_the_same_time_and_afterwards() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = named(&system, "worker", &log);
    for n in 0..3 {
        actor.try_tell(Job::Slow(n, ms(10))).unwrap();
    }
    executor.run_until_idle();
    let first = begin_shutdown(&executor, &system, PLENTY);
    executor.advance(ms(15));
    let second = begin_shutdown(&executor, &system, PLENTY);
    executor.advance(ms(15));
    for report in [first, second] {
        let report = report.take().expect("both are over");
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.drained, 1);
    }
    assert_eq!(log.numbers(), [0, 1, 2]);
    let third = executor.block_on(system.shutdown(PLENTY));
    assert!(third.is_clean());
    assert_eq!(third.drained, 0);
}

#[test]
fn the_shorter_of_two_deadlines_rules() {
    let (executor, system) = manual();
    let actor = named(&system, "stuck", &Log::default());
    actor.try_tell(Job::Stuck(1)).unwrap();
    let patient = begin_shutdown(&executor, &system, PLENTY);
    let hasty = begin_shutdown(&executor, &system, ms(10));
    executor.advance(ms(10));
    assert_eq!(hasty.take().unwrap().killed.len(), 1);
    let patient = patient.take().expect("it hears of the end");
    assert_eq!((patient.killed.len(), patient.undelivered), (0, 1));
}

#[test]
fn a_shutdown_that_is_dropped_drains_without_a_deadline() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = named(&system, "worker", &log);
    for n in 0..3 {
        actor.try_tell(Job::Slow(n, ms(10))).unwrap();
    }
    executor.run_until_idle();
    let mut shutdown = Box::pin(system.shutdown(ms(1)));
    assert!(support::poll_once(shutdown.as_mut()).is_pending());
    drop(shutdown);
    executor.advance(ms(100));
    assert_eq!(log.numbers(), [0, 1, 2]);
    assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)));
}

#[test]
fn a_shutdown_while_messages_flow_counts_the_undelivered_exactly() {
    for (deadline, clean) in [(ms(7), false), (PLENTY, true)] {
        let (executor, system) = manual();
        let log = Log::default();
        let dead = Dead::watch(&system);
        let actors: Vec<ActorRef<Job>> = (0..4).map(|n| named(&system, &format!("worker-{n}"), &log)).collect();
        let senders: Vec<Started<u64>> = actors
            .iter()
            .map(|actor| {
                let to = actor.clone();
                start(&executor, async move {
                    let mut accepted = 0;
                    while to.tell(Job::Slow(accepted, ms(1))).await.is_ok() {
                        accepted += 1;
                    }
                    accepted
                })
            })
            .collect();
        executor.advance(ms(20));
        let report = executor.block_on(system.shutdown(deadline));
        executor.run_until_idle();
        let accepted: u64 = senders.iter().map(|sender| sender.take().expect("refused by now")).sum();
        let handled = log.numbers().len() as u64;
        assert_eq!(accepted, handled + report.undelivered, "{report}");
        assert_eq!(report.undelivered, dead.all().len() as u64);
        assert_eq!(report.is_clean(), clean, "{report}");
        assert_eq!(report.killed.len(), if clean { 0 } else { 4 });
    }
}

// ---- handlers that block ------------------------------------------------------------

/// Every task on a thread of its own, so that a handler may block; the clock is
/// that of a manual executor, so that nobody has to wait for a deadline.
struct Threads {
    clock: ManualExecutor,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Executor for Threads {
    fn spawn(&self, name: &str, mut task: BoxTask) {
        let run = move || {
            let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
            while task.as_mut().poll(&mut TaskContext::from_waker(&waker)) == Poll::Pending {
                std::thread::park();
            }
        };
        lock(&self.threads).push(std::thread::Builder::new().name(name.to_owned()).spawn(run).unwrap());
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        self.clock.sleep(duration)
    }

    fn random(&self) -> u64 {
        self.clock.random()
    }
}

#[test]
fn a_handler_that_blocks_is_reported_as_stuck_and_ends_when_it_returns() {
    let clock = ManualExecutor::new();
    let threads = Arc::new(Mutex::new(Vec::new()));
    let system = System::with_executor(Threads { clock: clock.clone(), threads: Arc::clone(&threads) });
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let actor = named(&system, "blocked", &log);
    let (entered, is_entered) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    actor
        .try_tell(Job::run(move |worker, _| {
            entered.send(()).unwrap();
            held.recv().unwrap();
            worker.log.add("released");
            Ok(())
        }))
        .unwrap();
    is_entered.recv().unwrap();
    actor.try_tell(Job::Note(1)).unwrap();
    let report = clock.block_on(system.shutdown(ms(100)));
    assert_eq!(paths(&report.stuck), ["/blocked"]);
    assert!(report.killed.is_empty() && !report.is_clean());
    assert_eq!(report.to_string(), "0 actors drained; 1 stuck: /blocked (working, 2 queued); 0 messages undelivered");
    assert!(actor.stop_reason().is_none());
    release.send(()).unwrap();
    let running = std::mem::take(&mut *lock(&threads));
    for thread in running {
        thread.join().unwrap();
    }
    assert!(matches!(actor.stop_reason(), Some(StopReason::Killed)));
    assert_eq!(log.all(), ["started", "released"], "a kill leaves nothing to run");
    assert_eq!(dead.of(DropReason::Stopped), [1]);
    assert!(system.is_empty());
}

// ---- on tokio -----------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_on_tokios_clock() {
    let system = System::new();
    let log = Log::default();
    let actor = named(&system, "stuck", &log);
    actor.try_tell(Job::Stuck(1)).unwrap();
    let began = tokio::time::Instant::now();
    let report = system.shutdown(Duration::from_secs(5)).await;
    assert_eq!(paths(&report.killed), ["/stuck"]);
    assert_eq!(began.elapsed().as_secs(), 5);
}

/// An executor that serves nobody else, and says so by a panic.
struct Alone(ManualExecutor);

impl Executor for Alone {
    fn spawn(&self, name: &str, task: BoxTask) {
        self.0.spawn(name, task);
    }
    fn now(&self) -> Duration {
        self.0.now()
    }
    fn sleep(&self, duration: Duration) -> BoxTask {
        self.0.sleep(duration)
    }
    fn random(&self) -> u64 {
        self.0.random()
    }
    fn note_context(&self) {
        panic!("nobody else");
    }
}

#[test]
fn an_actor_whose_spawn_panics_leaves_neither_a_name_nor_a_root() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(Alone(executor.clone()));
    let make = || Worker::new(&Log::default());
    let spawn = || system.build(make).registered("worker").on(executor.clone()).spawn();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(spawn)).is_err());
    assert!(system.is_empty());
    assert!(system.lookup::<Job>("worker").is_err());
    let worker = system.build(make).registered("worker").spawn();
    assert!(worker.stop_reason().is_none());
    let shutdown = system.shutdown(PLENTY);
    assert!(executor.block_on(shutdown).is_clean());
}

/// Spawning races with the shutdown on other threads: whoever is spawned is
/// either drained by it, or refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_slips_past_a_shutdown() {
    for _ in 0..50 {
        let system = System::new();
        let (begun, may_begin) = mpsc::channel();
        let spawning = system.clone();
        let spawner = tokio::task::spawn_blocking(move || {
            let mut spawned = Vec::new();
            loop {
                let actor = spawning.spawn(Worker::new(&Log::default()), Push::bounded(1));
                let refused = matches!(actor.stop_reason(), Some(StopReason::Refused));
                spawned.push(actor);
                if spawned.len() == 3 {
                    begun.send(()).unwrap();
                }
                if refused {
                    return spawned;
                }
            }
        });
        tokio::task::spawn_blocking(move || may_begin.recv()).await.unwrap().unwrap();
        let report = system.shutdown(PLENTY).await;
        assert!(report.is_clean(), "{report}");
        let spawned = spawner.await.unwrap();
        for actor in &spawned {
            assert!(actor.stop_reason().is_some(), "{actor:?} outlives the shutdown");
        }
        assert!(system.is_empty());
    }
}

/// A manual executor that holds something.
struct Holding {
    executor: ManualExecutor,
    _held: Arc<()>,
}

impl Executor for Holding {
    fn spawn(&self, name: &str, task: BoxTask) {
        self.executor.spawn(name, task);
    }

    fn now(&self) -> Duration {
        self.executor.now()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        self.executor.sleep(duration)
    }

    fn random(&self) -> u64 {
        self.executor.random()
    }
}

/// Mailboxes that the sweep looks after hold their system, and it holds them.
#[test]
fn nothing_of_a_system_is_left_after_its_shutdown() {
    let (executor, held) = (ManualExecutor::new(), Arc::new(()));
    let system = System::with_executor(Holding { executor: executor.clone(), _held: Arc::clone(&held) });
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    assert_eq!(actor.stats().handled, 1, "it has storage now, and is looked after");
    let report = executor.block_on(system.shutdown(ms(100)));
    assert!(report.is_clean(), "{report}");
    drop((system, actor));
    executor.run_until_idle();
    assert_eq!(Arc::strong_count(&held), 1);
}

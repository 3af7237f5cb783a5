//! Delivery is a setting: what an actor and its senders see of push, pull and
//! adaptive mailboxes, of questions, and of references.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use support::{
    Asker, Dead, Job, Log, Started, Worker, every_mailbox, lock, manual, modes, ms, poll_once, spawn_worker, start,
    yield_now,
};
use tidegate::prelude::*;
use tidegate::{InFlight, Level, Mode, SwitchReason, Thresholds};

// ---- one actor, every mailbox ---------------------------------------------------

#[test]
fn the_same_actor_gives_the_same_result_under_every_mode() {
    let expected: Vec<u64> = (0..500).collect();
    for case in modes(Overflow::Wait) {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = spawn_worker(&system, &case, &log);
        let to = actor.clone();
        let sender = start(&executor, async move {
            for n in 0..500 {
                to.tell(if n % 50 == 0 { Job::Slow(n, ms(3)) } else { Job::Note(n) }).await.unwrap();
            }
            to.ask(Job::Count).await.unwrap()
        });
        executor.advance(Duration::from_secs(2));
        assert_eq!(sender.take(), Some(500), "{}", case.name);
        assert_eq!(log.numbers(), expected, "{}", case.name);
        let stats = actor.stats();
        assert_eq!((stats.handled, stats.drops.total()), (501, 0), "{}", case.name);
    }
}

#[test]
fn a_senders_wait_ends_when_the_handler_waits_and_not_when_it_returns() {
    // What was taken is published while a handler awaits, so a mailbox of one
    // place has room again at once.
    let (executor, system) = manual();
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(1));
    actor.try_tell(Job::Slow(1, ms(10))).unwrap();
    let to = actor.clone();
    let second = start(&executor, async move { to.tell(Job::Note(2)).await.is_ok() });
    executor.advance(ms(1));
    assert_eq!(second.take(), Some(true));
    assert_eq!(actor.len(), 1);
}

// ---- pull ------------------------------------------------------------------------------

#[test]
fn nothing_is_handled_that_was_not_asked_for() {
    let (executor, system) = manual();
    let actor = system.spawn(Asker { first: 2, log: Log::default() }, Pull::manual());
    assert!(matches!(actor.try_tell(0), Err(SendError::NoDemand(0))), "it has not started");
    executor.run_until_idle();
    let mut requested = 2;
    let mut delivered = 0;
    for more in [0, 3, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0] {
        match actor.try_tell(more) {
            Ok(_) => {
                delivered += 1;
                requested += more;
            }
            Err(error) => assert!(matches!(error, SendError::NoDemand(m) if m == more)),
        }
        assert!(delivered <= requested);
        executor.run_until_idle();
        assert_eq!(actor.stats().handled, delivered);
        assert_eq!(actor.free() as u64, requested - delivered, "all that was asked for can be sent");
    }
    assert_eq!((requested, delivered), (11, 11));
}

#[test]
fn a_request_of_nothing_changes_nothing_and_one_without_end_is_push() {
    let (executor, system) = manual();
    let actor = system.spawn(Asker { first: 0, log: Log::default() }, Pull::manual().capacity(4));
    executor.run_until_idle();
    assert!(matches!(actor.try_tell(0), Err(SendError::NoDemand(0))));
    let actor = system.spawn(Asker { first: 1, log: Log::default() }, Pull::manual().capacity(4));
    executor.run_until_idle();
    actor.try_tell(u64::MAX).unwrap();
    executor.run_until_idle();
    for round in 0..10 {
        for n in 0..4 {
            actor.try_tell(if n == 0 { u64::MAX } else { 7 }).unwrap();
        }
        assert!(matches!(actor.try_tell(0), Err(SendError::Full(0))), "{round}: the capacity holds");
        executor.run_until_idle();
    }
}

#[test]
fn waiting_senders_are_let_in_as_far_as_the_handler_asks() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Asker { first: 1, log: log.clone() }, Pull::manual());
    // Asks for 3 at the first, then for none.
    let told: Vec<Started<bool>> = (0..6)
        .map(|n| {
            let to = actor.clone();
            start(&executor, async move { to.tell(if n == 0 { 3 } else { 0 }).await.is_ok() })
        })
        .collect();
    executor.run_until_idle();
    let done: Vec<bool> = told.iter().map(|told| told.take().is_some()).collect();
    assert_eq!(done, [true, true, true, true, false, false]);
    assert_eq!(log.numbers(), [3, 0, 0, 0]);
    assert_eq!(actor.stats().waiting_senders, 2);
}

/// Notes how many messages were let in but not yet handled, at each message.
fn deepest(mailbox: impl Into<Mailbox<Job>>, messages: u64) -> (u64, u64) {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), mailbox);
    let told = Arc::new(Mutex::new(0));
    let (to, count) = (actor, Arc::clone(&told));
    let _sender = start(&executor, async move {
        for n in 0..messages {
            to.tell(Job::Slow(n, ms(1))).await.unwrap();
            *lock(&count) += 1;
        }
    });
    let mut ahead = 0;
    for _ in 0..messages + 5 {
        executor.run_until_idle();
        ahead = ahead.max(*lock(&told) - log.numbers().len() as u64);
        executor.advance(ms(1));
    }
    (log.numbers().len() as u64, ahead)
}

#[test]
fn one_by_one_lets_the_next_in_when_the_last_was_handled() {
    assert_eq!(deepest(Pull::one_by_one(), 20), (20, 1));
}

#[test]
fn a_window_bounds_what_is_under_way() {
    for size in [1, 2, 5, 16] {
        let (handled, ahead) = deepest(Pull::window(size), 50);
        assert_eq!(handled, 50);
        assert!(ahead <= size as u64 && ahead > 0, "{ahead} of {size}");
    }
    // Filled up again only when the last has been taken.
    let (handled, ahead) = deepest(Pull::window(4).low(0), 50);
    assert_eq!((handled, ahead), (50, 4));
}

/// Hands each message to a task that takes 10 ms.
struct Delegating {
    log: Log,
    open: Arc<Mutex<(u64, u64)>>,
}

impl Actor for Delegating {
    type Msg = u64;
    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        let guard: InFlight = cx.in_flight();
        let (log, open, nap) = (self.log.clone(), Arc::clone(&self.open), cx.sleep(ms(10)));
        {
            let mut open = lock(&open);
            open.0 += 1;
            open.1 = open.1.max(open.0);
        }
        cx.spawn(async move {
            let _guard = guard;
            nap.await;
            lock(&open).0 -= 1;
            log.add(n);
        });
        Ok(())
    }
}

#[test]
fn max_in_flight_counts_what_is_held_after_the_handler() {
    for limit in [1, 3, 10] {
        let (executor, system) = manual();
        let (log, open) = (Log::default(), Arc::new(Mutex::new((0, 0))));
        let actor = system.spawn(Delegating { log: log.clone(), open: Arc::clone(&open) }, Pull::max_in_flight(limit));
        let to = actor.clone();
        let sender = start(&executor, async move {
            for n in 0..30 {
                to.tell(n).await.unwrap();
            }
        });
        executor.advance(Duration::from_secs(1));
        assert!(sender.take().is_some());
        assert_eq!(log.numbers().len(), 30);
        assert_eq!(lock(&open).1, limit as u64, "as many as may, and no more");
    }
}

#[test]
fn a_guard_is_given_back_when_its_task_ends_with_a_restart() {
    struct Dropping(Log);
    impl Actor for Dropping {
        type Msg = bool;
        async fn handle(&mut self, fail: bool, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0.add(if fail { 1 } else { 0 });
            let guard = cx.in_flight();
            cx.spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            });
            if fail { Err(Fault::msg("restart")) } else { Ok(()) }
        }
    }
    let (executor, system) = manual();
    let log = Log::default();
    let made = log.clone();
    let actor = system
        .build(move || Dropping(made.clone()))
        .mailbox(Pull::max_in_flight(2))
        .restart(Restart::on_failure().limit(9, ms(1)))
        .spawn();
    actor.try_tell(false).unwrap();
    actor.try_tell(true).unwrap();
    executor.run_until_idle();
    // Both guards went with the life that held them.
    actor.try_tell(false).unwrap();
    actor.try_tell(false).unwrap();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [0, 1, 0, 0]);
    assert!(matches!(actor.try_tell(false), Err(SendError::NoDemand(_))));
}

// ---- changes while it runs --------------------------------------------------------------

#[test]
fn reconfiguring_under_traffic_keeps_order_and_loses_nothing() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    let to = actor.clone();
    let sender = start(&executor, async move {
        for n in 0..2000 {
            to.tell(if n % 20 == 0 { Job::Slow(n, ms(1)) } else { Job::Note(n) }).await.unwrap();
        }
    });
    // Evicting ones are so wide that nothing is displaced.
    let terms: [Mailbox<Job>; 6] = [
        Pull::window(4).into(),
        Push::bounded(2).into(),
        Push::bounded(4096).overflow(Overflow::DropOldest).into(),
        Pull::one_by_one().into(),
        Adaptive::window(16).into(),
        Mailbox::from(Push::bounded(4096)).conflate(|job: &Job| job.number(), |_, _| {}),
    ];
    for round in 0..90 {
        actor.reconfigure(terms[round % terms.len()].clone());
        executor.advance(ms(1));
    }
    actor.reconfigure(Push::bounded(8));
    executor.advance(Duration::from_secs(1));
    assert!(sender.take().is_some());
    assert_eq!(log.numbers(), (0..2000).collect::<Vec<_>>());
    assert!(dead.all().is_empty());
    assert_eq!(actor.stats().handled, 2000);
}

#[test]
fn what_was_granted_stays_granted_across_a_switch_to_pull() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    executor.run_until_idle();
    let permit = executor.block_on(actor.reserve()).unwrap();
    actor.try_tell(Job::Note(1)).unwrap();
    actor.reconfigure(Pull::one_by_one());
    executor.run_until_idle();
    assert_eq!(actor.mode(), Mode::Pull);
    permit.send(Job::Note(2)).unwrap();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2]);
}

#[test]
fn a_mailbox_is_reconfigured_while_a_handler_waits() {
    let (executor, system) = manual();
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(1));
    executor.run_until_idle();
    actor.try_tell(Job::Stuck(0)).unwrap();
    executor.run_until_idle();
    actor.try_tell(Job::Note(1)).unwrap();
    let to = actor.clone();
    let waiting = start(&executor, async move { to.tell(Job::Note(2)).await.is_ok() });
    executor.run_until_idle();
    assert!(waiting.take().is_none());
    actor.reconfigure(Push::bounded(4));
    executor.run_until_idle();
    assert_eq!(waiting.take(), Some(true), "the wider bound lets it in");
    assert_eq!(actor.capacity(), Some(4));
}

#[test]
fn a_switch_by_hand_is_an_event_and_the_same_mode_again_is_none() {
    let (executor, system) = manual();
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
    for mailbox in
        [Mailbox::from(Push::bounded(4)), Pull::manual().into(), Pull::window(2).into(), Push::bounded(8).into()]
    {
        actor.reconfigure(mailbox);
        executor.run_until_idle();
    }
    let stats = actor.stats();
    let switches: Vec<_> = stats.switches.iter().map(|switch| (switch.to, switch.epoch, switch.reason)).collect();
    assert_eq!(switches, [(Mode::Pull, 1, SwitchReason::Reconfigured), (Mode::Push, 2, SwitchReason::Reconfigured)]);
    assert_eq!((stats.epoch, stats.mode), (2, Mode::Push));
}

// ---- adaptive ----------------------------------------------------------------------------

#[test]
fn adaptive_pulls_under_overload_and_pushes_again_after_it() {
    let (executor, system) = manual();
    let log = Log::default();
    let mailbox = Adaptive::window(16).pull_window(2).thresholds({
        let mut thresholds = Thresholds::default();
        (thresholds.overloaded_for, thresholds.relieved_for, thresholds.dwell) = (ms(20), ms(100), ms(50));
        thresholds
    });
    let actor = system.spawn(Worker::new(&log), mailbox);
    executor.run_until_idle();
    assert_eq!(actor.mode(), Mode::Push);
    let to = actor.clone();
    let sender = start(&executor, async move {
        for n in 0..300 {
            to.tell(Job::Slow(n, ms(1))).await.unwrap();
        }
    });
    executor.advance(ms(100));
    let stats = actor.stats();
    assert_eq!(stats.mode, Mode::Pull);
    let switch = stats.switches[0];
    assert_eq!((switch.to, switch.epoch, switch.reason), (Mode::Pull, 1, SwitchReason::Exhausted));
    assert!(switch.at >= ms(20) && switch.at <= ms(60), "{:?}", switch.at);
    assert!(stats.len <= 16);
    executor.advance(ms(300));
    assert!(sender.take().is_some());
    // A trickle that it keeps up with.
    for n in 300..400 {
        executor.advance(ms(5));
        let to = actor.clone();
        let _told = start(&executor, async move { to.tell(Job::Note(n)).await.is_ok() });
    }
    executor.run_until_idle();
    let stats = actor.stats();
    assert_eq!(stats.mode, Mode::Push);
    assert_eq!((stats.epoch, stats.switches[1].reason), (2, SwitchReason::Relieved));
    assert!(stats.switches[1].at - stats.switches[0].at >= ms(100));
    assert_eq!(log.numbers(), (0..400).collect::<Vec<_>>());
    assert_eq!(stats.handled, 400);
}

// ---- fairness -----------------------------------------------------------------------------

#[test]
fn a_budget_lets_a_second_actor_run() {
    let (executor, system) = manual();
    let log = Log::default();
    for (name, first) in [("busy", 0), ("other", 1000)] {
        let log = log.clone();
        let actor = system.build(move || Worker::new(&log)).named(name).mailbox(Push::bounded(512)).budget(10).spawn();
        for n in 0..100 {
            actor.try_tell(Job::Note(first + n)).unwrap();
        }
    }
    executor.run_until_idle();
    let numbers = log.numbers();
    assert_eq!(numbers.len(), 200);
    let runs: Vec<usize> = numbers.chunk_by(|a, b| (*a < 1000) == (*b < 1000)).map(<[u64]>::len).collect();
    assert!(runs.iter().all(|run| *run == 10), "{runs:?}");
}

// ---- idleness -----------------------------------------------------------------------------------

#[test]
fn an_actor_that_was_idle_works_as_before() {
    for case in every_mailbox() {
        if case.overflow == Overflow::Fail {
            continue;
        }
        let (executor, system) = manual();
        let log = Log::default();
        let actor = spawn_worker(&system, &case, &log);
        executor.run_until_idle();
        for round in 0..5 {
            for n in 0..4 {
                let to = actor.clone();
                let _told = start(&executor, async move { to.tell(Job::Note(10 * round + n)).await.is_ok() });
                executor.run_until_idle();
            }
            // The sweep looks once a second and needs to look twice.
            executor.advance(Duration::from_secs(5));
            assert_eq!(executor.tasks(), 1, "{}: a quiet system has no task but its actors", case.name);
        }
        let expected: Vec<u64> = (0..5).flat_map(|round| (0..4).map(move |n| 10 * round + n)).collect();
        assert_eq!(log.numbers(), expected, "{}", case.name);
    }
}

#[test]
fn the_sweep_passes_an_actor_by_that_has_messages_or_waits_in_a_handler() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    actor.try_tell(Job::Note(0)).unwrap();
    executor.run_until_idle();
    actor.try_tell(Job::Slow(1, Duration::from_secs(10))).unwrap();
    executor.run_until_idle();
    let permit = executor.block_on(actor.reserve()).unwrap();
    actor.try_tell(Job::Note(2)).unwrap();
    executor.advance(Duration::from_secs(20));
    assert_eq!(log.numbers(), [0, 1, 2]);
    // A permit that is held over the sweep is good afterwards.
    permit.send(Job::Note(3)).unwrap();
    executor.advance(Duration::from_secs(20));
    assert_eq!(log.numbers(), [0, 1, 2, 3]);
    assert_eq!(executor.tasks(), 1);
}

// ---- pressure ------------------------------------------------------------------------------------

#[test]
fn pressure_on_an_actor_comes_and_goes_and_can_be_waited_for() {
    let (executor, system) = manual();
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8).watermarks(Watermarks::new(2, 6)));
    let mut pressure = actor.pressure();
    let edges = start(&executor, async move { (pressure.changed().await, pressure.changed().await) });
    executor.run_until_idle();
    for n in 0..7 {
        actor.try_tell(Job::Slow(n, ms(1))).unwrap();
    }
    assert_eq!(actor.pressure().level(), Level::Pressed);
    executor.advance(ms(20));
    assert_eq!(edges.take(), Some((Level::Pressed, Level::Relieved)));
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_on_tokio_with_its_clock_paused() {
    let system = System::new();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Pull::window(4));
    let began = tokio::time::Instant::now();
    for n in 0..100 {
        actor.tell(Job::Slow(n, ms(10))).await.unwrap();
    }
    assert_eq!(actor.ask(Job::Count).await.unwrap(), 100);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(log.numbers(), (0..100).collect::<Vec<_>>());
    let late = actor
        .tell(Job::Stuck(100))
        .await
        .and(actor.ask_within(ms(50), Job::Count).await.map_err(|_| SendError::Closed(Job::Note(0))));
    assert!(late.is_err());
    yield_now().await;
    actor.kill();
    assert!(matches!(actor.stopped().await, StopReason::Killed));
    assert!(matches!(poll_once(std::pin::pin!(actor.stopped())), Poll::Ready(StopReason::Killed)));
}

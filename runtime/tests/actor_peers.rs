//! Failures that were reproduced in other actor libraries, each with a test
//! that it does not occur here.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{
    Dead, Job, KEEPING, Log, Started, Worker, every_mailbox, lock, manual, modes, ms, spawn_worker, start, yield_now,
};
use tidegate::prelude::*;
use tidegate::{DropReason, Executor, TellWithinError};

/// How long the slow handlers below take.
const SLOW: Duration = Duration::from_millis(20);

fn fill_with_slow(actor: &ActorRef<Job>, messages: u64) {
    for n in 0..messages {
        actor.try_tell(Job::Slow(n, SLOW)).unwrap();
    }
}

// ---- control is not behind data --------------------------------------------

#[test]
fn stop_waits_for_one_handler_and_not_for_a_backlog_of_64() {
    for from in [0, 5, 30, 125] {
        let (executor, system) = manual();
        let dead = Dead::watch(&system);
        let log = Log::default();
        let actor = system.spawn(Worker::new(&log), Push::bounded(64));
        fill_with_slow(&actor, 64);
        executor.advance(ms(from));
        actor.stop();
        let reason = executor.block_on(actor.stopped());
        assert!(matches!(reason, StopReason::Stopped), "{reason}");
        let took = executor.now() - ms(from);
        assert!(took <= SLOW, "stop took {took:?} from {from} ms on");
        let handled = log.numbers().len() as u64;
        assert_eq!(dead.of(DropReason::Stopped), (handled..64).collect::<Vec<_>>());
    }
}

#[test]
fn a_death_notice_waits_for_one_handler_and_not_for_a_full_mailbox() {
    let (executor, system) = manual();
    let log = Log::default();
    let child = system
        .build({
            let log = log.clone();
            move || Worker::new(&log)
        })
        .named("child")
        .spawn();
    let watcher = system.spawn(Worker::new(&log), Push::bounded(64));
    let watched = child.clone();
    watcher
        .try_tell(Job::run(move |_, cx| {
            cx.watch(&watched);
            Ok(())
        }))
        .unwrap();
    executor.run_until_idle();
    fill_with_slow(&watcher, 64);
    executor.advance(ms(5));
    let waiting = (64..80).map(|n| {
        let watcher = watcher.clone();
        start(&executor, async move { watcher.tell(Job::Note(n)).await.is_ok() })
    });
    let waiting: Vec<Started<bool>> = waiting.collect();
    executor.run_until_idle();
    child.kill();
    executor.advance(SLOW);
    assert_eq!(log.count("terminated /child killed"), 1, "{:?}", log.all());
    assert!(log.numbers().len() <= 2, "the backlog is still there: {:?}", log.all());
    executor.advance(Duration::from_secs(10));
    assert!(waiting.iter().all(|told| told.take() == Some(true)));
    assert_eq!(log.numbers(), (0..80).collect::<Vec<_>>());
}

#[test]
fn stop_passes_timers_that_are_due_but_not_handled() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    actor
        .try_tell(Job::run(|_, cx| {
            for n in 0..64 {
                let _ = cx.send_after(ms(1), Job::Slow(n, SLOW));
            }
            Ok(())
        }))
        .unwrap();
    executor.advance(ms(1));
    actor.stop();
    executor.block_on(actor.stopped());
    assert!(executor.now() <= ms(1) + SLOW, "stop took until {:?}", executor.now());
}

#[test]
fn kill_interrupts_whatever_awaits() {
    struct Stuck(&'static str, Option<ActorRef<Job>>);
    impl Stuck {
        async fn at(&self, place: &str) {
            if self.0 == place {
                std::future::pending::<()>().await;
            }
        }
    }
    impl Actor for Stuck {
        type Msg = ();
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            if let Some(gone) = &self.1 {
                cx.watch(gone);
            }
            self.at("started").await;
            Ok(())
        }
        async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
            self.at("handle").await;
            Ok(())
        }
        async fn terminated(&mut self, _who: Terminated, _cx: &mut Context<Self>) -> Result<(), Fault> {
            self.at("terminated").await;
            Ok(())
        }
        async fn stopped(&mut self, _reason: &StopReason, _cx: &mut Context<Self>) {
            self.at("stopped").await;
        }
    }
    for place in ["started", "handle", "terminated", "stopped"] {
        let (executor, system) = manual();
        let gone = system.spawn(Worker::new(&Log::default()), Push::bounded(1));
        gone.stop();
        executor.run_until_idle();
        let actor = system.spawn(Stuck(place, (place == "terminated").then_some(gone)), Push::bounded(8));
        actor.try_tell(()).unwrap();
        executor.run_until_idle();
        if place == "stopped" {
            actor.stop();
            executor.run_until_idle();
        }
        assert!(actor.stop_reason().is_none(), "{place}: stuck");
        actor.kill();
        executor.run_until_idle();
        assert!(matches!(actor.stop_reason(), Some(StopReason::Killed)), "{place}: {:?}", actor.stop_reason());
        let (handled, queued) = match place {
            "stopped" => (1, 0),
            "handle" => (0, 0),
            _ => (0, 1),
        };
        let stats = actor.stats();
        assert_eq!((stats.handled, stats.drops.of(DropReason::Stopped)), (handled, queued), "{place}");
        assert_eq!(stats.drops.of(DropReason::Interrupted), u64::from(place == "handle"), "{place}");
    }
}

#[test]
fn a_timer_is_not_starved_by_data_that_never_ends() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(64));
    // Each message takes 1 ms and a task keeps the mailbox full.
    let feed = actor.clone();
    let fed = start(&executor, async move {
        let mut n = 1000;
        while feed.tell(Job::Slow(n, ms(1))).await.is_ok() {
            n += 1;
        }
    });
    actor
        .try_tell(Job::run(|_, cx| {
            let _ = cx.send_every(ms(10), || {
                Job::run(|worker, cx| {
                    worker.log.add(format_args!("tick at {:?}", cx.now()));
                    Ok(())
                })
            });
            Ok(())
        }))
        .unwrap();
    executor.advance(ms(100));
    actor.kill();
    executor.run_until_idle();
    let ticks: Vec<String> = log.all().into_iter().filter(|line| line.starts_with("tick")).collect();
    assert_eq!(ticks.len(), 10, "{ticks:?}");
    for (n, tick) in (1..).zip(ticks) {
        let in_time = (0..=1).any(|late| tick == format!("tick at {:?}", ms(10 * n + late)));
        assert!(in_time, "{n}: {tick}");
    }
    assert!(fed.take().is_some());
}

#[test]
fn a_timer_is_not_starved_by_a_handler_that_feeds_itself_without_waiting() {
    struct Hungry {
        handled: u64,
        at_timer: Arc<Mutex<Option<u64>>>,
    }
    impl Actor for Hungry {
        type Msg = bool;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            let _ = cx.send_after(Duration::ZERO, true);
            Ok(())
        }
        async fn handle(&mut self, timer: bool, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.handled += 1;
            if timer {
                *lock(&self.at_timer) = Some(self.handled);
                cx.stop();
            }
            let _ = cx.me().try_tell(false);
            Ok(())
        }
    }
    let (executor, system) = manual();
    let at_timer = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&at_timer);
    let actor = system.build(move || Hungry { handled: 0, at_timer: Arc::clone(&seen) }).budget(16).spawn();
    actor.try_tell(false).unwrap();
    executor.run_until_idle();
    let at = lock(&at_timer).expect("the timer came");
    assert!(at <= 17, "after {at} messages; one poll is 16");
}

// ---- bounds are bounds --------------------------------------------------------

#[test]
fn a_thousand_clones_of_a_full_reference_push_nothing_past_the_capacity() {
    for case in modes::<Job>(Overflow::Wait) {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = spawn_worker(&system, &case, &log);
        let bound = actor.capacity().unwrap();
        executor.run_until_idle();
        // The first message holds the actor, so that nothing is taken.
        actor.try_tell(Job::Slow(0, SLOW)).unwrap();
        executor.run_until_idle();
        let mut sent = 1;
        while actor.try_tell(Job::Note(sent)).is_ok() {
            sent += 1;
        }
        let full = actor.len();
        assert!(full <= bound, "{}: {full} of {bound}", case.name);
        let clones: Vec<ActorRef<Job>> = (0..1000).map(|_| actor.clone()).collect();
        for clone in &clones {
            assert!(clone.try_tell(Job::Note(u64::MAX)).is_err(), "{}", case.name);
            assert!(clone.try_reserve().is_err(), "{}", case.name);
        }
        let told: Vec<Started<bool>> = (sent..)
            .zip(clones)
            .map(|(n, clone)| start(&executor, async move { clone.tell(Job::Note(n)).await.is_ok() }))
            .collect();
        executor.run_until_idle();
        assert_eq!(actor.len(), full, "{}", case.name);
        assert_eq!(actor.stats().waiting_senders, 1000, "{}", case.name);
        executor.advance(SLOW);
        assert!(told.iter().all(|told| told.take() == Some(true)), "{}", case.name);
        // First in, first out among those that wait.
        assert_eq!(log.numbers(), (0..sent + 1000).collect::<Vec<_>>(), "{}", case.name);
        assert!(actor.stats().high_water <= bound as u64, "{}", case.name);
    }
}

/// What became of a burst, from the sender's side.
#[derive(Debug, Default, PartialEq)]
struct Sent {
    /// In the mailbox when the call returned.
    accepted: Vec<u64>,
    /// Disposed of by the policy.
    disposed: Vec<u64>,
    /// Handed back.
    returned: Vec<u64>,
}

impl Sent {
    fn note(&mut self, n: u64, told: Result<Admission, SendError<Job>>) {
        match told {
            Ok(admission) if admission.is_in() => self.accepted.push(n),
            Ok(_) => self.disposed.push(n),
            Err(error) => self.returned.push(error.into_message().number().unwrap()),
        }
    }
}

/// Every number is where `sent` says: handled or among the dead letters if it
/// was let in, and nowhere if it was handed back.
fn assert_accounted(name: &str, sent: &Sent, handled: &[u64], dead: &Dead, actor: &ActorRef<Job>) {
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    for n in handled.iter().copied().chain(dead.all().into_iter().filter_map(|(_, n)| n)) {
        *seen.entry(n).or_default() += 1;
    }
    for n in sent.accepted.iter().chain(&sent.disposed) {
        assert_eq!(seen.remove(n), Some(1), "{name}: {n} is handled or a dead letter, once");
    }
    assert!(seen.is_empty(), "{name}: seen, but handed back: {seen:?}");
    let stats = actor.stats();
    assert_eq!(
        stats.handled + stats.drops.total() + stats.len as u64,
        (sent.accepted.len() + sent.disposed.len()) as u64,
        "{name}: {stats:?}"
    );
}

#[test]
fn a_burst_of_1000_that_nobody_waits_for_is_delivered_or_accounted_for() {
    for case in every_mailbox() {
        let (executor, system) = manual();
        let (log, dead) = (Log::default(), Dead::watch(&system));
        let actor = spawn_worker(&system, &case, &log);
        executor.run_until_idle();
        let mut sent = Sent::default();
        for n in 0..1000 {
            sent.note(n, actor.try_tell(Job::Note(n)));
        }
        executor.run_until_idle();
        assert_accounted(&case.name, &sent, &log.numbers(), &dead, &actor);
        assert_eq!(sent.accepted.len() + sent.disposed.len() + sent.returned.len(), 1000, "{}", case.name);
        assert!(!log.numbers().is_empty(), "{}", case.name);
    }
}

#[test]
fn a_burst_of_1000_by_a_sender_that_may_wait_is_delivered_or_accounted_for() {
    for case in every_mailbox() {
        let (executor, system) = manual();
        let (log, dead) = (Log::default(), Dead::watch(&system));
        let actor = spawn_worker(&system, &case, &log);
        let to = actor.clone();
        let burst = start(&executor, async move {
            let mut sent = Sent::default();
            for n in 0..1000 {
                let told = to.tell(if n % 100 == 0 { Job::Slow(n, ms(1)) } else { Job::Note(n) }).await;
                sent.note(n, told);
            }
            sent
        });
        executor.advance(Duration::from_secs(1));
        let sent = burst.take().unwrap_or_else(|| panic!("{}: the sender waits for ever", case.name));
        assert_accounted(&case.name, &sent, &log.numbers(), &dead, &actor);
        if case.overflow == Overflow::Wait {
            assert_eq!(log.numbers(), (0..1000).collect::<Vec<_>>(), "{}", case.name);
        }
    }
}

// ---- order ----------------------------------------------------------------------

#[test]
fn equal_messages_of_one_sender_arrive_in_order() {
    for case in every_mailbox() {
        let (executor, system) = manual();
        let (log, dead) = (Log::default(), Dead::watch(&system));
        let actor = spawn_worker(&system, &case, &log);
        let to = actor.clone();
        // All the ways to send, mixed, with pauses that let the actor run.
        let sender = start(&executor, async move {
            let mut sent = Sent::default();
            for n in 0..400 {
                let job = Job::Note(n);
                match n % 5 {
                    0 | 1 => sent.note(n, to.tell(job).await),
                    2 => sent.note(n, to.try_tell(job)),
                    3 => match to.tell_within(ms(5), job).await {
                        Ok(admission) => sent.note(n, Ok(admission)),
                        Err(error) => sent.returned.push(error.into_message().number().unwrap()),
                    },
                    _ => match to.reserve().await {
                        Ok(permit) => match permit.send(job) {
                            Ok(()) => sent.accepted.push(n),
                            Err(error) => sent.note(n, Err(error)),
                        },
                        Err(_) => sent.returned.push(n),
                    },
                }
                if n % 37 == 0 {
                    yield_now().await;
                }
            }
            sent
        });
        executor.advance(Duration::from_secs(10));
        let sent = sender.take().unwrap_or_else(|| panic!("{}: the sender waits for ever", case.name));
        assert_accounted(&case.name, &sent, &log.numbers(), &dead, &actor);
        let handled = log.numbers();
        assert!(handled.is_sorted_by(|a, b| a < b), "{}: {handled:?}", case.name);
        if KEEPING.contains(&case.overflow) {
            assert_eq!(handled, sent.accepted, "{}: all that was let in", case.name);
        }
    }
}

#[test]
fn conflation_of_one_key_keeps_the_order() {
    let (executor, system) = manual();
    let log = Log::default();
    let mailbox = Mailbox::from(Push::bounded(8)).conflate(|_: &Job| (), |queued, new| *queued = new);
    let actor = system.spawn(Worker::new(&log), mailbox);
    for n in 0..100 {
        actor.try_tell(Job::Note(n)).unwrap();
        if n % 30 == 0 {
            executor.run_until_idle();
        }
    }
    executor.run_until_idle();
    let handled = log.numbers();
    assert!(handled.is_sorted_by(|a, b| a < b), "{handled:?}");
    assert_eq!(handled.last(), Some(&99), "the newest is never lost");
}

// ---- the end of an actor ---------------------------------------------------------

#[test]
fn everybody_who_waits_for_the_end_hears_of_it_also_afterwards() {
    let (executor, system) = manual();
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(1));
    let waiting: Vec<Started<StopReason>> = (0..10).map(|_| start(&executor, actor.stopped())).collect();
    let given_up = actor.stopped();
    executor.run_until_idle();
    drop(given_up);
    actor.stop();
    executor.run_until_idle();
    for waiter in waiting {
        assert!(matches!(waiter.take(), Some(StopReason::Stopped)));
    }
    for _ in 0..2 {
        assert!(matches!(executor.block_on(actor.stopped()), StopReason::Stopped));
    }
    assert!(matches!(actor.stop_reason(), Some(StopReason::Stopped)));
}

#[test]
fn a_restart_keeps_the_mailbox_and_every_reference() {
    for case in modes::<Job>(Overflow::Wait) {
        let (executor, system) = manual();
        let (log, dead) = (Log::default(), Dead::watch(&system));
        let (made, manual) = (log.clone(), case.manual);
        let actor = system
            .build(move || if manual { Worker::new(&made).asking() } else { Worker::new(&made) })
            .mailbox(case.mailbox.clone())
            .restart(Restart::on_failure().limit(10, Duration::from_secs(60)))
            .spawn();
        let (clone, mapped, weak) = (actor.clone(), actor.map(Job::Note), actor.downgrade());
        let to = actor.clone();
        let sender = start(&executor, async move {
            for n in 0..30 {
                to.tell(if n % 10 == 7 { Job::panic("now and then") } else { Job::Note(n) }).await.unwrap();
            }
        });
        executor.run_until_idle();
        assert!(sender.take().is_some(), "{}", case.name);
        clone.try_tell(Job::Note(100)).unwrap();
        executor.run_until_idle();
        mapped.try_tell(101).unwrap();
        executor.run_until_idle();
        weak.upgrade().expect("it is alive").try_tell(Job::Note(102)).unwrap();
        executor.run_until_idle();
        let expected: Vec<u64> = (0..30).filter(|n| n % 10 != 7).chain(100..103).collect();
        assert_eq!(log.numbers(), expected, "{}", case.name);
        assert_eq!(log.count("started"), 4, "{}", case.name);
        assert_eq!(dead.all(), [(DropReason::Interrupted, None); 3], "{}", case.name);
        assert_eq!((actor.id(), actor.stop_reason().is_none()), (clone.id(), true));
    }
}

// ---- cycles -----------------------------------------------------------------------

/// Tells each other twice for every message, over mailboxes far too small.
struct Echo {
    peer: Option<ActorRef<Hop>>,
    ledger: Arc<Mutex<Ledger>>,
}

enum Hop {
    Meet(ActorRef<Hop>),
    Left(u32),
}

#[derive(Debug, Default)]
struct Ledger {
    attempts: u64,
    told: u64,
    timeouts: u64,
    handled: u64,
}

impl Actor for Echo {
    type Msg = Hop;
    async fn handle(&mut self, hop: Hop, _cx: &mut Context<Self>) -> Result<(), Fault> {
        match (hop, self.peer.clone()) {
            (Hop::Meet(peer), _) => self.peer = Some(peer),
            (Hop::Left(left), Some(peer)) => {
                lock(&self.ledger).handled += 1;
                for _ in 0..if left > 0 { 2 } else { 0 } {
                    lock(&self.ledger).attempts += 1;
                    let told = peer.tell_within(ms(10), Hop::Left(left - 1)).await;
                    let mut ledger = lock(&self.ledger);
                    match told {
                        Ok(_) => ledger.told += 1,
                        Err(TellWithinError::Timeout(_)) => ledger.timeouts += 1,
                        Err(error) => return Err(Fault::msg(error.to_string())),
                    }
                }
            }
            (Hop::Left(_), None) => return Err(Fault::msg("nobody to play with")),
        }
        Ok(())
    }
}

#[test]
fn tell_within_bounds_every_wait_of_a_cycle_with_fan_out_two() {
    for capacity in [1, 8, 64] {
        let (executor, system) = manual();
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let echo = || Echo { peer: None, ledger: Arc::clone(&ledger) };
        let (a, b) = (system.spawn(echo(), Push::bounded(capacity)), system.spawn(echo(), Push::bounded(capacity)));
        executor.block_on(a.tell(Hop::Meet(b.clone()))).unwrap();
        executor.block_on(b.tell(Hop::Meet(a.clone()))).unwrap();
        // A whole tree would be 2^13 - 1 messages.
        executor.block_on(a.tell(Hop::Left(12))).unwrap();
        executor.advance(Duration::from_secs(600));
        let ledger = lock(&ledger);
        assert_eq!(ledger.attempts, ledger.told + ledger.timeouts, "every wait ended: {ledger:?}");
        assert_eq!(ledger.handled, ledger.told + 1, "all that was told was handled: {ledger:?}");
        for actor in [&a, &b] {
            assert!(actor.stop_reason().is_none());
            assert_eq!((actor.len(), actor.stats().waiting_senders), (0, 0));
        }
        if ledger.timeouts == 0 {
            assert_eq!(ledger.handled, (1 << 13) - 1, "nothing was left out");
        }
    }
}

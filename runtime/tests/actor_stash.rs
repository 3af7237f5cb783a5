//! Messages put aside: their order, their bound, and what becomes of them when
//! the actor restarts or ends.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Dead, Log, Random, every_mailbox, lock, manual, ms};
use tidegate::prelude::*;
use tidegate::{DropReason, ManualExecutor, StashFull};

/// A number, or what opens and shuts the gate for numbers.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Noted if the gate is open, put aside otherwise.
    N(u64),
    /// Put aside, and then the handler panics or fails.
    Panic(u64),
    Fail(u64),
    /// Put aside, and then the handler waits for ever.
    Hang(u64),
    /// Opens, and lets all in.
    Open,
    /// Lets the first in, and whatever comes after it stays out.
    One,
    Shut,
    /// Panics with this message in hand.
    Burst,
    /// Sends a number to itself by a timer that is due at once.
    Tick(u64),
}

#[derive(Clone)]
struct Gate {
    log: Log,
    open: bool,
    one: bool,
    pulls: bool,
    full: Arc<Mutex<Vec<u64>>>,
}

impl Gate {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), open: false, one: false, pulls: false, full: Arc::default() }
    }
}

impl Actor for Gate {
    type Msg = Step;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.pulls {
            cx.request(1);
        }
        self.log.add("started");
        Ok(())
    }

    async fn handle(&mut self, step: Step, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.pulls {
            cx.request(1);
        }
        match step {
            Step::N(n) if self.open || std::mem::take(&mut self.one) => self.log.add(n),
            Step::N(n) => {
                if let Err(StashFull(back)) = cx.stash(step) {
                    assert_eq!(back, Step::N(n), "the same message comes back");
                    lock(&self.full).push(n);
                }
            }
            Step::Panic(n) => {
                cx.stash(Step::N(n)).unwrap();
                panic!("after it was put aside");
            }
            Step::Fail(n) => {
                cx.stash(Step::N(n)).unwrap();
                return Err(Fault::msg("after it was put aside"));
            }
            Step::Hang(n) => {
                cx.stash(Step::N(n)).unwrap();
                std::future::pending::<()>().await;
            }
            Step::Open => {
                self.open = true;
                cx.unstash_all();
            }
            Step::One => self.one = cx.unstash(),
            Step::Shut => self.open = false,
            Step::Burst => panic!("burst"),
            Step::Tick(n) => drop(cx.send_after(Duration::ZERO, Step::N(n))),
        }
        Ok(())
    }
}

fn send(gate: &ActorRef<Step>, steps: impl IntoIterator<Item = Step>) {
    for step in steps {
        gate.try_tell(step).unwrap();
    }
}

fn numbers(of: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Step> {
    of.into_iter().map(Step::N)
}

fn gate(system: &System, log: &Log, mailbox: impl Into<Mailbox<Step>>) -> ActorRef<Step> {
    system.spawn(Gate::new(log), mailbox)
}

fn renewable(system: &System, log: &Log) -> ActorRef<Step> {
    let log = log.clone();
    system
        .build(move || Gate::new(&log))
        .mailbox(Push::bounded(16))
        .restart(Restart::on_failure().limit(9, Duration::from_secs(10)))
        .spawn()
}

/// What was counted: handled, aside, and dead as `Stopped`.
fn books(gate: &ActorRef<Step>) -> (u64, usize, u64) {
    let stats = gate.stats();
    (stats.handled, stats.stashed, stats.drops.of(DropReason::Stopped))
}

// ---- order ---------------------------------------------------------------------

#[test]
fn what_was_put_aside_is_handled_next_and_in_its_order() {
    let (executor, system) = manual();
    let log = Log::default();
    let gate = gate(&system, &log, Push::bounded(16));
    send(&gate, numbers(1..=3));
    executor.run_until_idle();
    assert_eq!(books(&gate), (0, 3, 0), "put aside is not handled");
    send(&gate, [Step::Open].into_iter().chain(numbers(4..=5)));
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2, 3, 4, 5]);
    assert_eq!(books(&gate), (6, 0, 0));
}

#[test]
fn it_comes_back_ahead_of_the_mailbox_in_every_mode_and_under_every_policy() {
    for case in every_mailbox::<Step>() {
        let (executor, system) = manual();
        let log = Log::default();
        let mut actor = Gate::new(&log);
        actor.pulls = case.manual;
        let gate = system.spawn(actor, case.mailbox.clone());
        // One at a time: some of these mailboxes have one place.
        for step in numbers([1]).chain([Step::Open]).chain(numbers([2])) {
            executor.run_until_idle();
            gate.try_tell(step).unwrap();
        }
        executor.run_until_idle();
        assert_eq!(log.numbers(), [1, 2], "{}", case.name);
        assert_eq!(books(&gate), (3, 0, 0), "{}", case.name);
    }
}

#[test]
fn one_at_a_time_is_the_oldest_at_each_time() {
    let (executor, system) = manual();
    let log = Log::default();
    let gate = gate(&system, &log, Push::bounded(16));
    send(&gate, numbers(1..=3));
    for handled in 1..=3 {
        send(&gate, [Step::One]);
        executor.run_until_idle();
        assert_eq!(log.numbers(), (1..=handled).collect::<Vec<_>>());
        assert_eq!(gate.stats().stashed, 3 - handled as usize);
    }
    send(&gate, [Step::One]);
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2, 3], "with nothing aside nothing comes back");
}

#[test]
fn what_is_put_aside_again_keeps_its_place() {
    let (executor, system) = manual();
    let log = Log::default();
    let gate = gate(&system, &log, Push::bounded(16));
    // 2 shuts the gate behind itself: what had come back goes aside again.
    send(&gate, [Step::N(1), Step::N(2), Step::N(3), Step::One, Step::Open]);
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2, 3]);

    struct Picky(Log, u64);
    impl Actor for Picky {
        type Msg = u64;
        /// Takes numbers in order, whatever order they come in.
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            if n != self.1 {
                return cx.stash(n).map_err(|full| Fault::msg(full.to_string()));
            }
            self.0.add(n);
            self.1 += 1;
            cx.unstash_all();
            Ok(())
        }
    }
    let log = Log::default();
    let picky = system.spawn(Picky(log.clone(), 0), Push::bounded(16));
    for n in [5, 3, 1, 4, 2, 0] {
        picky.try_tell(n).unwrap();
    }
    executor.run_until_idle();
    assert_eq!(log.numbers(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn it_needs_no_new_demand() {
    struct Asks(Log, bool);
    impl Actor for Asks {
        type Msg = u64;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.request(3);
            Ok(())
        }
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            match (n, self.1) {
                (0, _) => {
                    self.1 = true;
                    cx.unstash_all();
                }
                (_, false) => cx.stash(n)?,
                (_, true) => self.0.add(n),
            }
            Ok(())
        }
    }
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Asks(log.clone(), false), Pull::manual());
    executor.run_until_idle();
    for n in [1, 2, 0] {
        actor.try_tell(n).unwrap();
    }
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2]);
    assert!(matches!(actor.try_tell(3), Err(SendError::NoDemand(3))), "three were asked for, and three came");
}

#[test]
fn signals_and_timers_pass_what_comes_back() {
    let (executor, system) = manual();
    let log = Log::default();
    let log2 = log.clone();
    let gate = system.build(move || Gate::new(&log2)).mailbox(Push::bounded(16)).budget(1).spawn();
    send(&gate, numbers(1..=3));
    send(&gate, [Step::Open, Step::Tick(9)]);
    while log.numbers().is_empty() {
        executor.step();
    }
    gate.stop();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1], "a stop does not wait for what has come back");
    assert_eq!(books(&gate), (2, 0, 3), "2, 3 and the tick that was still in the mailbox");
}

// ---- the bound -----------------------------------------------------------------

#[test]
fn there_is_room_for_as_many_as_the_mailbox_holds() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = Gate::new(&log);
    let full = Arc::clone(&actor.full);
    let gate = system.spawn(actor, Push::bounded(4));
    for n in 1..=6 {
        send(&gate, [Step::N(n)]);
        executor.run_until_idle();
    }
    assert_eq!(*lock(&full), [5, 6]);
    assert_eq!(gate.stats().stashed, 4);
    assert_eq!(gate.free(), 4, "the mailbox itself stays open for what the actor waits for");
    send(&gate, [Step::Open]);
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2, 3, 4]);
    assert_eq!(books(&gate), (7, 0, 0), "what did not fit was handled: the handler had it in its hands");
}

#[test]
fn what_comes_back_and_is_not_handled_yet_takes_room_too() {
    struct Busy(Arc<Mutex<Vec<bool>>>);
    impl Actor for Busy {
        type Msg = u64;
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            let fits = cx.stash(n).is_ok();
            let aside = cx.stashed();
            let back = cx.unstash_all();
            assert_eq!((back, cx.stashed()), (aside, 0));
            lock(&self.0).push(fits);
            // The message comes back at once and does not get out of its turn.
            if lock(&self.0).len() == 5 {
                cx.stop();
            }
            Ok(())
        }
    }
    let (executor, system) = manual();
    let fits = Arc::new(Mutex::new(Vec::new()));
    let actor = system.spawn(Busy(Arc::clone(&fits)), Push::bounded(1));
    actor.try_tell(1).unwrap();
    executor.run_until_idle();
    assert_eq!(*lock(&fits), [true; 5]);
    assert_eq!(actor.stats().stashed, 0, "it ended with the message aside");
    assert_eq!(actor.stats().drops.of(DropReason::Stopped), 1);
    assert_eq!(actor.stats().handled, 0);

    struct Two(Arc<Mutex<Vec<bool>>>);
    impl Actor for Two {
        type Msg = u64;
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            for n in [n, n + 1] {
                let fits = cx.stash(n).is_ok();
                lock(&self.0).push(fits);
                cx.unstash();
            }
            cx.stop();
            Ok(())
        }
    }
    let fits = Arc::new(Mutex::new(Vec::new()));
    let actor = system.spawn(Two(Arc::clone(&fits)), Push::bounded(1));
    actor.try_tell(1).unwrap();
    executor.run_until_idle();
    assert_eq!(*lock(&fits), [true, false], "one has come back, and one is all there is room for");
}

#[test]
fn without_a_bound_of_the_mailbox_there_is_none_and_it_follows_a_new_one() {
    let (executor, system) = manual();
    let actor = Gate::new(&Log::default());
    let full = Arc::clone(&actor.full);
    let gate = system.spawn(actor, Push::unbounded());
    send(&gate, numbers(1..=5000));
    executor.run_until_idle();
    assert_eq!(gate.stats().stashed, 5000);
    gate.reconfigure(Push::bounded(8));
    executor.run_until_idle();
    send(&gate, numbers([9]));
    executor.run_until_idle();
    assert_eq!(*lock(&full), [9], "what is aside stays, and nothing more goes there");
    assert_eq!(gate.stats().stashed, 5000);
}

// ---- restart -------------------------------------------------------------------

#[test]
fn a_restart_hands_it_to_the_new_life_first() {
    for step in [Step::Burst, Step::Panic(4), Step::Fail(4)] {
        let (executor, system) = manual();
        let log = Log::default();
        // Open from the second life on.
        let (mut life, shared) = (0, log.clone());
        let gate = system
            .build(move || {
                life += 1;
                Gate { open: life > 1, ..Gate::new(&shared) }
            })
            .mailbox(Push::bounded(16))
            .restart(Restart::on_failure())
            .spawn();
        send(&gate, numbers(1..=3).chain([step.clone()]).chain(numbers([5])));
        executor.run_until_idle();
        let expected: &[u64] = if step == Step::Burst { &[1, 2, 3, 5] } else { &[1, 2, 3, 4, 5] };
        assert_eq!(log.numbers(), expected, "{step:?}");
        assert_eq!(log.all()[..2], ["started", "started"], "{step:?}: after the hook of the new life");
        let stats = gate.stats();
        let lost = stats.drops.of(DropReason::Interrupted);
        assert_eq!(lost, u64::from(step == Step::Burst), "{step:?}: what is aside is not lost with its handler");
        assert_eq!((stats.handled + lost, stats.drops.total()), (5, lost), "{step:?}");
    }
}

#[test]
fn a_life_that_puts_it_aside_again_passes_it_on() {
    let (executor, system) = manual();
    let log = Log::default();
    let gate = renewable(&system, &log);
    for _ in 0..3 {
        send(&gate, [Step::N(1), Step::Burst]);
        executor.run_until_idle();
    }
    assert_eq!(gate.stats().stashed, 3);
    send(&gate, [Step::Open]);
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 1, 1]);
    assert_eq!(gate.stats().handled, 4);
    assert_eq!(gate.stats().drops.of(DropReason::Interrupted), 3, "the bursts themselves");
}

#[test]
fn what_comes_back_and_breaks_the_handler_is_lost_alone() {
    struct Fragile(Log, bool);
    impl Actor for Fragile {
        type Msg = u64;
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            if !self.1 && n < 10 {
                return cx.stash(n).map_err(Fault::from);
            }
            self.1 = true;
            cx.unstash_all();
            assert_ne!(n, 2);
            self.0.add(n);
            Ok(())
        }
    }
    let (executor, system) = manual();
    let log = Log::default();
    let shared = log.clone();
    let actor = system
        .build(move || Fragile(shared.clone(), false))
        .mailbox(Push::bounded(8))
        .restart(Restart::on_failure())
        .spawn();
    for n in [1, 2, 3, 10, 11] {
        actor.try_tell(n).unwrap();
    }
    executor.run_until_idle();
    // 3 had come back; the new life puts it aside until 11 brings it back.
    assert_eq!(log.numbers(), [10, 1, 11, 3]);
    let stats = actor.stats();
    assert_eq!((stats.handled, stats.stashed, stats.drops.of(DropReason::Interrupted)), (4, 0, 1));
}

// ---- the end -------------------------------------------------------------------

#[test]
fn at_the_end_it_is_in_the_dead_letters() {
    type End = fn(&ActorRef<Step>);
    let ends: [(End, &str, u64); 5] = [
        (|gate| gate.stop(), "stopped", 0),
        (|gate| gate.kill(), "killed", 0),
        (|gate| send(gate, [Step::Burst]), "panicked", 1),
        (|gate| send(gate, [Step::Fail(3)]), "failed", 0),
        (|gate| send(gate, [Step::Hang(3)]), "killed", 0),
    ];
    for (i, (end, reason, interrupted)) in ends.into_iter().enumerate() {
        let (executor, system) = manual();
        let seen: Arc<Mutex<Vec<support::Letter>>> = Arc::default();
        let put = Arc::clone(&seen);
        let _listening = system.dead_letters().subscribe(move |letter| {
            let number = match letter.message.as_ref().and_then(|message| message.downcast_ref()) {
                Some(Step::N(n)) => Some(*n),
                _ => None,
            };
            lock(&put).push((letter.reason, number));
        });
        let gate = gate(&system, &Log::default(), Push::bounded(8));
        send(&gate, numbers(1..=2));
        executor.run_until_idle();
        end(&gate);
        executor.run_until_idle();
        gate.kill();
        executor.run_until_idle();
        assert!(gate.stop_reason().unwrap().to_string().starts_with(reason), "{reason}");
        let mut expected = vec![(DropReason::Interrupted, None); interrupted as usize];
        expected.extend((1..=2 + u64::from(i > 2)).map(|n| (DropReason::Stopped, Some(n))));
        assert_eq!(*lock(&seen), expected, "{reason}, {i}");
        assert_eq!(books(&gate), (0, 0, expected.len() as u64 - interrupted), "{reason}, {i}");
    }
}

#[test]
fn abandoned_with_its_executor_it_is_in_the_dead_letters() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let gate = gate(&system, &Log::default(), Push::bounded(8));
    send(&gate, numbers(1..=3));
    executor.run_until_idle();
    // The task is dropped in the middle of the handler that it is in.
    let abandoned = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let elsewhere = {
        let _entered = abandoned.enter();
        System::new()
    };
    let actor = {
        let _entered = abandoned.enter();
        elsewhere.spawn(Gate::new(&Log::default()), Push::bounded(8))
    };
    send(&actor, numbers(1..=2).chain([Step::Hang(3)]));
    abandoned.block_on(support::yield_now());
    abandoned.block_on(support::yield_now());
    assert_eq!(actor.stats().stashed, 3);
    drop(abandoned);
    assert_eq!(books(&actor), (0, 0, 3));
    assert_eq!(actor.stats().drops.of(DropReason::Interrupted), 0);
    drop(gate);
}

#[test]
fn a_drain_brings_it_back_at_the_end_of_the_mailbox_and_once() {
    // What it waited for was behind it: all is handled.
    let (executor, system) = manual();
    let log = Log::default();
    let first = gate(&system, &log, Push::bounded(8));
    send(&first, numbers(1..=3));
    executor.run_until_idle();
    send(&first, [Step::N(4), Step::Open]);
    first.drain();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2, 3, 4]);
    assert_eq!((books(&first), first.stop_reason().unwrap().to_string()), ((5, 0, 0), "drained".into()));

    // Nothing came: the actor is asked once more, and then it is over.
    let second = gate(&system, &log, Push::bounded(8));
    send(&second, numbers(1..=3));
    executor.run_until_idle();
    second.drain();
    executor.run_until_idle();
    assert_eq!((books(&second), second.stop_reason().unwrap().to_string()), ((0, 0, 3), "drained".into()));

    // One of them opens the gate on its second visit.
    struct SecondTime(Log, u64);
    impl Actor for SecondTime {
        type Msg = u64;
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.1 += 1;
            if self.1 <= 3 {
                return cx.stash(n).map_err(Fault::from);
            }
            self.0.add(n);
            Ok(())
        }
    }
    let log = Log::default();
    let third = system.spawn(SecondTime(log.clone(), 0), Push::bounded(8));
    for n in [1, 2, 3] {
        third.try_tell(n).unwrap();
    }
    third.drain();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2, 3]);
    assert_eq!((third.stats().handled, third.stats().drops.total()), (3, 0));
}

// ---- all of it, by chance ------------------------------------------------------

#[test]
fn whatever_happens_each_message_is_handled_or_counted() {
    for seed in 0..400 {
        let chance = &mut Random(seed);
        let (executor, system) = manual();
        let log = Log::default();
        let gate = renewable(&system, &log);
        let dead = Dead::watch(&system);
        let (mut sent, mut next) = (0_u64, 0);
        for _ in 0..60 {
            next += 1;
            let step = match chance.below(14) {
                0 => Step::Open,
                1 => Step::Shut,
                2 => Step::One,
                3 => Step::Burst,
                4 => Step::Panic(next),
                5 => Step::Fail(next),
                6..12 => Step::N(next),
                _ => {
                    for _ in 0..chance.below(8) {
                        let _ = executor.try_step();
                    }
                    executor.advance(ms(chance.below(2000)));
                    continue;
                }
            };
            sent += u64::from(gate.try_tell(step).is_ok());
        }
        match chance.below(4) {
            0 => gate.stop(),
            1 => gate.kill(),
            2 => gate.drain(),
            _ => {}
        }
        executor.run_until_idle();
        let stats = gate.stats();
        let accounted = stats.handled + stats.drops.total() + (stats.stashed + stats.len) as u64;
        assert_eq!(accounted, sent, "seed {seed}: {stats:?}");
        assert_eq!(dead.all().len() as u64, stats.drops.total(), "seed {seed}");
        let mut noted = log.numbers();
        noted.sort_unstable();
        noted.dedup();
        assert_eq!(noted.len(), log.numbers().len(), "seed {seed}: none is handled twice");
    }
}

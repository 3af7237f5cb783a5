//! From the first hook to the last: what runs when, what becomes of everything
//! an actor owns when it ends, and who hears of it.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Dead, DropNote, Job, Log, Started, Worker, lock, manual, ms, renewable, start, tell};
use tidegate::prelude::*;
use tidegate::{DropReason, ManualExecutor};

// ---- hooks ---------------------------------------------------------------------

#[test]
fn started_comes_first_and_stopped_last() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    tell(&actor, Job::Note(1));
    tell(&actor, Job::Note(2));
    assert!(log.all().is_empty(), "nothing runs before the executor does");
    executor.run_until_idle();
    actor.stop();
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "1", "2", "stopped: stopped"]);
}

#[test]
fn stopped_is_told_the_reason_and_does_not_run_after_a_kill_or_a_panic() {
    type End = fn(&ActorRef<Job>);
    let ends: [(End, &str, &[&str]); 5] = [
        (|actor| actor.stop(), "stopped", &["started", "stopped: stopped"]),
        (|actor| actor.drain(), "drained", &["started", "stopped: drained"]),
        (|actor| tell(actor, Job::fail("no luck")), "failed: no luck", &["started", "stopped: failed: no luck"]),
        (|actor| actor.kill(), "killed", &["started"]),
        (|actor| tell(actor, Job::panic("oh no")), "panicked: oh no", &["started"]),
    ];
    for (end, reason, expected) in ends {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = system.spawn(Worker::new(&log), Push::bounded(8));
        executor.run_until_idle();
        end(&actor);
        executor.run_until_idle();
        assert_eq!(actor.stop_reason().expect("it has ended").to_string(), reason);
        assert_eq!(log.all(), expected, "{reason}");
    }
}

#[test]
fn what_is_sent_before_started_has_run_waits_for_it() {
    struct Late(Log);
    impl Actor for Late {
        type Msg = u64;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(ms(10)).await;
            self.0.add("started");
            Ok(())
        }
        async fn handle(&mut self, n: u64, _cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0.add(n);
            Ok(())
        }
    }
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Late(log.clone()), Push::bounded(8));
    executor.run_until_idle();
    actor.try_tell(1).unwrap();
    executor.advance(ms(9));
    assert!(log.all().is_empty());
    executor.advance(ms(1));
    assert_eq!(log.all(), ["started", "1"]);
}

#[test]
fn an_actor_stops_itself_after_the_present_message() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    tell(
        &actor,
        Job::run(|worker, cx| {
            cx.stop();
            worker.log.add("still here");
            Ok(())
        }),
    );
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "still here", "stopped: stopped"]);
    assert_eq!(dead.of(DropReason::Stopped), [1]);
}

#[test]
fn an_actor_drains_itself_and_takes_no_more() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    tell(
        &actor,
        Job::run(|_, cx| {
            cx.drain();
            Ok(())
        }),
    );
    tell(
        &actor,
        Job::run(|worker, cx| {
            worker.log.add(cx.me().try_tell(Job::Note(9)).is_err());
            Ok(())
        }),
    );
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "true", "1", "stopped: drained"]);
}

// ---- failures --------------------------------------------------------------------

#[test]
fn a_failure_stops_an_actor_given_as_a_value() {
    for (job, reason) in [(Job::fail("bad"), "failed: bad"), (Job::panic("worse"), "panicked: worse")] {
        let (executor, system) = manual();
        let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
        tell(&actor, job);
        executor.run_until_idle();
        let why = actor.stop_reason().unwrap();
        assert_eq!(why.to_string(), reason);
        assert!(why.is_failure());
    }
}

#[test]
fn the_text_of_a_panic_is_kept_whatever_it_carried() {
    let panics: [(fn(), &str); 3] = [
        (|| panic!("plain"), "plain"),
        (|| panic!("with {}", "arguments"), "with arguments"),
        (|| std::panic::panic_any(7_u8), "a panic that carried no text"),
    ];
    for (panic, text) in panics {
        let (executor, system) = manual();
        let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
        tell(
            &actor,
            Job::run(move |_, _| {
                panic();
                Ok(())
            }),
        );
        executor.run_until_idle();
        assert!(matches!(actor.stop_reason(), Some(StopReason::Panicked(why)) if why.message() == text), "{text}");
    }
}

#[test]
fn restarts_are_limited_within_their_span_and_allowed_again_after_it() {
    for job in [|| Job::fail("again"), || Job::panic("again")] {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = renewable(&system, &log, 2);
        for _ in 0..2 {
            tell(&actor, job());
            executor.advance(Duration::from_secs(4));
        }
        assert_eq!(log.count("started"), 3);
        // The first of the two is out of the span of 10 s now.
        executor.advance(Duration::from_secs(3));
        tell(&actor, job());
        executor.run_until_idle();
        assert_eq!(log.count("started"), 4);
        assert!(actor.stop_reason().is_none());
        tell(&actor, job());
        tell(&actor, Job::Note(1));
        executor.run_until_idle();
        assert_eq!(log.count("started"), 4);
        assert!(actor.stop_reason().unwrap().is_failure());
        assert!(log.numbers().is_empty());
    }
}

#[test]
fn a_restart_begins_with_a_new_actor_and_goes_on_with_the_next_message() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let actor = renewable(&system, &log, 1);
    let note = log.clone();
    tell(
        &actor,
        Job::run(move |worker, _| {
            worker.kept.push(Box::new(DropNote(note, "old life dropped".into())));
            Ok(())
        }),
    );
    tell(&actor, Job::Note(1));
    tell(&actor, Job::fail("restart me"));
    tell(&actor, Job::Note(2));
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "1", "old life dropped", "started", "2"]);
    assert_eq!(executor.block_on(actor.ask(Job::Count)).unwrap(), 1, "the state is new");
    assert!(dead.all().is_empty(), "a fault is an answer, not a loss");
}

#[test]
fn a_panic_loses_the_message_in_the_handler_and_says_so() {
    let (executor, system) = manual();
    let dead = Dead::watch(&system);
    let actor = renewable(&system, &Log::default(), 1);
    tell(&actor, Job::panic("lost"));
    tell(&actor, Job::Note(2));
    executor.run_until_idle();
    assert_eq!(dead.all(), [(DropReason::Interrupted, None)]);
    let stats = actor.stats();
    assert_eq!((stats.handled, stats.drops.total()), (1, 1));
}

/// Fails in `started`, the first so many times.
struct FalseStart {
    log: Log,
    left: Arc<Mutex<u32>>,
}

impl Actor for FalseStart {
    type Msg = u64;
    async fn started(&mut self, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add("started");
        let mut left = lock(&self.left);
        if *left > 0 {
            *left -= 1;
            return Err(Fault::msg("not yet"));
        }
        Ok(())
    }
    async fn handle(&mut self, n: u64, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add(n);
        Ok(())
    }
    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        self.log.add(reason);
    }
}

fn false_start(system: &System, log: &Log, failures: u32, restarts: u32) -> ActorRef<u64> {
    let (log, left) = (log.clone(), Arc::new(Mutex::new(failures)));
    system
        .build(move || FalseStart { log: log.clone(), left: Arc::clone(&left) })
        .restart(Restart::on_failure().limit(restarts, Duration::from_secs(10)))
        .spawn()
}

#[test]
fn a_failing_start_is_a_failure_like_others() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = false_start(&system, &log, 2, 3);
    actor.try_tell(1).unwrap();
    executor.run_until_idle();
    assert_eq!(log.take(), ["started", "started", "started", "1"]);

    let actor = false_start(&system, &log, 2, 1);
    actor.try_tell(1).unwrap();
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "started", "failed: not yet"]);
    assert_eq!(actor.stats().drops.of(DropReason::Stopped), 1);
}

#[test]
fn an_actor_that_never_starts_lets_others_run_between_its_lives_and_can_be_killed() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = false_start(&system, &log, u32::MAX, u32::MAX);
    for _ in 0..10 {
        executor.step();
    }
    assert!(log.all().len() <= 11, "at most one life a turn");
    actor.kill();
    executor.run_until_idle();
    assert!(matches!(actor.stop_reason(), Some(StopReason::Killed)));
}

#[test]
fn a_factory_that_panics_is_a_failed_life() {
    let (executor, system) = manual();
    let log = Log::default();
    let (made, mut calls) = (log.clone(), 0);
    let make = move || {
        calls += 1;
        assert!(calls != 2 && calls < 5, "call {calls}");
        Worker::new(&made)
    };
    let actor = system.build(make).restart(Restart::on_failure().limit(3, Duration::from_secs(10))).spawn();
    tell(&actor, Job::fail("first life"));
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    // The second call panicked, the third made the second life.
    assert_eq!(log.numbers(), [1]);
    tell(&actor, Job::fail("second life"));
    tell(&actor, Job::fail("third life"));
    executor.run_until_idle();
    let reason = actor.stop_reason().unwrap();
    assert_eq!(log.count("started"), 3);
    assert!(reason.is_failure(), "{reason}");
}

#[test]
fn a_factory_that_always_panics_ends_the_actor_and_accounts_for_its_mail() {
    let (executor, system) = manual();
    let dead = Dead::watch(&system);
    let actor = system
        .build(|| -> Worker { panic!("no actor today") })
        .restart(Restart::on_failure().limit(2, Duration::from_secs(10)))
        .spawn();
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    assert!(matches!(actor.stop_reason(), Some(StopReason::Panicked(why)) if why.message() == "no actor today"));
    assert_eq!(dead.of(DropReason::Stopped), [1]);
}

#[test]
fn a_panic_in_the_stopped_hook_or_in_a_drop_is_contained() {
    struct Bad(&'static str);
    impl Actor for Bad {
        type Msg = ();
        async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
        async fn stopped(&mut self, _reason: &StopReason, _cx: &mut Context<Self>) {
            assert!(self.0 != "hook", "in the hook");
        }
    }
    impl Drop for Bad {
        fn drop(&mut self) {
            assert!(self.0 != "drop", "in drop");
        }
    }
    for (place, reason) in [("hook", "panicked: in the hook"), ("drop", "stopped")] {
        let (executor, system) = manual();
        let actor = system.spawn(Bad(place), Push::bounded(1));
        executor.run_until_idle();
        actor.stop();
        executor.run_until_idle();
        assert_eq!(actor.stop_reason().unwrap().to_string(), reason);
        assert!(system.is_empty());
    }
}

/// A message that panics when it is dropped.
struct Mine(Log);

impl Drop for Mine {
    fn drop(&mut self) {
        self.0.add("dropped");
        panic!("in the drop of a message");
    }
}

#[test]
fn a_message_that_panics_when_it_is_dropped_changes_nothing_about_the_end() {
    struct Idle;
    impl Actor for Idle {
        type Msg = Option<Mine>;
        async fn handle(&mut self, _: Option<Mine>, _cx: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Idle, Push::bounded(4));
    for message in [None, Some(Mine(log.clone())), None] {
        assert!(actor.try_tell(message).is_ok());
    }
    actor.stop();
    executor.run_until_idle();
    assert_eq!(actor.stop_reason().unwrap().to_string(), "stopped");
    assert_eq!(actor.stats().drops.of(DropReason::Stopped), 3);
    assert_eq!(log.all(), ["dropped"]);
    assert_eq!((executor.tasks(), system.len()), (0, 0));
}

#[test]
fn a_timer_whose_handler_panics_is_counted_like_a_message() {
    let (executor, system) = manual();
    let actor = renewable(&system, &Log::default(), 1);
    for n in 0..5 {
        tell(&actor, Job::Note(n));
    }
    tell(
        &actor,
        Job::run(|_, cx| {
            let _ = cx.send_after(ms(1), Job::panic("tick"));
            Ok(())
        }),
    );
    executor.advance(ms(1));
    let stats = actor.stats();
    assert_eq!((stats.handled, stats.drops.of(DropReason::Interrupted)), (6, 1), "what was handled stays handled");
}

// ---- what becomes of everything, by the way an actor ends ----------------------------

/// What became of what an actor had, seen from outside.
#[derive(Debug, PartialEq)]
struct Fates {
    in_handler: &'static str,
    queued: &'static str,
    timer: &'static str,
    child: String,
    task: &'static str,
    /// An ask whose reply the actor held.
    held_ask: &'static str,
    /// An ask that was queued.
    queued_ask: &'static str,
    /// How the actor stands.
    actor: String,
}

#[derive(Clone, Copy, Debug)]
enum How {
    FaultAndRestart,
    PanicAndRestart,
    Stop,
    Drain,
    Kill,
    Fault,
    Panic,
}

/// An actor with everything: a message in its handler until 10 ms, queued
/// ones, a timer at 20 ms, a child, a task, and two open questions. At 5 ms it
/// is told how to end.
fn fates(how: How) -> Fates {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let restarts = u32::from(matches!(how, How::FaultAndRestart | How::PanicAndRestart));
    let actor = renewable(&system, &log, restarts);
    let child: Arc<Mutex<Option<ActorRef<Job>>>> = Arc::default();
    let (cradle, notes) = (Arc::clone(&child), log.clone());
    tell(
        &actor,
        Job::run(move |worker, cx| {
            let _ = cx.send_after(ms(20), Job::Note(20));
            *lock(&cradle) = Some(cx.spawn_child(Worker::new(&Log::default()), Push::bounded(1)));
            let note = DropNote(notes, "task dropped".into());
            cx.spawn(async move {
                let _note = note;
                std::future::pending::<()>().await;
            });
            worker.kept.clear();
            Ok(())
        }),
    );
    let ask = |keep: bool| {
        let actor = actor.clone();
        start(&executor, async move {
            let question = |reply: Reply<u64>| {
                if keep {
                    Job::run(|worker, _| {
                        worker.kept.push(Box::new(reply));
                        Ok(())
                    })
                } else {
                    Job::Count(reply)
                }
            };
            match actor.ask(question).await {
                Ok(_) => "answered",
                Err(AskError::NoReply) => "no reply",
                Err(_) => "refused",
            }
        })
    };
    let held: Started<&str> = ask(true);
    executor.run_until_idle();
    tell(&actor, Job::Slow(1, ms(10)));
    match how {
        How::FaultAndRestart | How::Fault => tell(&actor, Job::fail("bad")),
        How::PanicAndRestart | How::Panic => tell(&actor, Job::panic("bad")),
        _ => {}
    }
    tell(&actor, Job::Note(2));
    let queued = ask(false);
    executor.advance(ms(5));
    match how {
        How::Stop => actor.stop(),
        How::Drain => actor.drain(),
        How::Kill => actor.kill(),
        _ => {}
    }
    executor.advance(ms(100));
    let handled = |n| log.numbers().contains(&n);
    let place = |n| match (handled(n), dead.of(DropReason::Stopped).contains(&n)) {
        (true, false) => "handled",
        (false, true) => "dead letter",
        _ => "lost",
    };
    let child = lock(&child).take().expect("it had a child");
    let interrupted = dead.all().contains(&(DropReason::Interrupted, None));
    Fates {
        in_handler: match (how, interrupted) {
            (How::PanicAndRestart | How::Panic | How::Kill, true) => "interrupted",
            (_, false) => "finished",
            _ => "wrong",
        },
        queued: place(2),
        timer: if handled(20) { "came" } else { "cancelled" },
        child: child.stop_reason().map_or("alive".into(), |reason| reason.to_string()),
        task: if log.count("task dropped") == 1 { "dropped" } else { "alive" },
        held_ask: held.take().unwrap_or("waits"),
        queued_ask: queued.take().unwrap_or("waits"),
        actor: actor.stop_reason().map_or("alive".into(), |reason| reason.to_string()),
    }
}

#[test]
fn everything_an_actor_has_ends_as_the_table_says() {
    // how, in the handler, queued, child, queued question, the actor. Timers
    // and tasks end with every life, and so does what the old state held.
    let table = [
        (How::FaultAndRestart, "finished", "handled", "stopped", "answered", "alive"),
        (How::PanicAndRestart, "interrupted", "handled", "stopped", "answered", "alive"),
        (How::Stop, "finished", "dead letter", "stopped", "no reply", "stopped"),
        (How::Drain, "finished", "handled", "drained", "answered", "drained"),
        (How::Kill, "interrupted", "dead letter", "killed", "no reply", "killed"),
        (How::Fault, "finished", "dead letter", "stopped", "no reply", "failed: bad"),
        (How::Panic, "interrupted", "dead letter", "stopped", "no reply", "panicked: bad"),
    ];
    for (how, in_handler, queued, child, queued_ask, actor) in table {
        let expected = Fates {
            in_handler,
            queued,
            timer: "cancelled",
            child: child.into(),
            task: "dropped",
            held_ask: "no reply",
            queued_ask,
            actor: actor.into(),
        };
        assert_eq!(fates(how), expected, "{how:?}");
    }
}

#[test]
fn a_timer_runs_until_a_drain_is_done() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    tell(
        &actor,
        Job::run(|_, cx| {
            let _ = cx.send_after(ms(5), Job::Note(5));
            Ok(())
        }),
    );
    tell(&actor, Job::Slow(1, ms(10)));
    tell(&actor, Job::Slow(2, ms(10)));
    executor.advance(ms(1));
    actor.drain();
    executor.advance(ms(50));
    assert_eq!(log.all(), ["started", "1", "5", "2", "stopped: drained"]);
}

#[test]
fn a_drain_ends_whatever_was_asked_for_and_however_the_mailbox_is_changed() {
    for change in [
        None,
        Some(Mailbox::from(Pull::manual())),
        Some(Pull::one_by_one().into()),
        Some(Push::bounded(1).overflow(Overflow::DropOldest).into()),
    ] {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = system.spawn(Worker::new(&log), Pull::manual());
        tell_after_request(&executor, &actor, 8);
        actor.drain();
        if let Some(mailbox) = change.clone() {
            actor.reconfigure(mailbox);
        }
        executor.advance(ms(100));
        assert_eq!(log.numbers().len(), 8, "{change:?}");
        assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)), "{change:?}");
    }
}

/// Has `n` messages admitted to a worker that pulls by hand; the first is slow.
fn tell_after_request(executor: &ManualExecutor, actor: &ActorRef<Job>, n: u64) {
    executor.run_until_idle();
    actor.reconfigure(Push::bounded(64));
    executor.run_until_idle();
    for n in 0..n {
        tell(actor, Job::Slow(n, ms(1)));
    }
    executor.run_until_idle();
}

#[test]
fn a_stop_overtakes_a_drain_and_a_kill_overtakes_both() {
    for (how, reason, handled) in [("stop", "stopped", 1), ("kill", "killed", 0)] {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = system.spawn(Worker::new(&log), Push::bounded(8));
        for n in 0..8 {
            tell(&actor, Job::Slow(n, ms(10)));
        }
        executor.advance(ms(1));
        actor.drain();
        executor.advance(ms(1));
        if how == "stop" {
            actor.stop();
        } else {
            actor.kill();
        }
        executor.advance(ms(8));
        assert_eq!(actor.stop_reason().unwrap().to_string(), reason);
        assert_eq!(log.numbers().len(), handled);
    }
}

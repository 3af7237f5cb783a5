//! One actor and its restarts: when there is one, after how long, what the
//! parent hears, and how a first life fails to start.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Dead, Job, Log, Worker, lock, manual, ms, start, tell};
use tidegate::prelude::*;
use tidegate::{Activity, Backoff, DropReason, Escalated, Executor, ManualExecutor, Mode, OnLimit};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn worker(system: &System, log: &Log, restart: Restart) -> ActorRef<Job> {
    let log = log.clone();
    system.build(move || Worker::new(&log)).named("worker").mailbox(Push::bounded(64)).restart(restart).spawn()
}

fn stopping_itself() -> Job {
    Job::run(|_, cx| {
        cx.stop();
        Ok(())
    })
}

fn draining_itself() -> Job {
    Job::run(|_, cx| {
        cx.drain();
        Ok(())
    })
}

// ---- when ------------------------------------------------------------------------

#[test]
fn each_kind_of_restart_follows_the_ends_that_it_says() {
    type End = fn(&ActorRef<Job>);
    let ends: [(&str, End); 7] = [
        ("fault", |actor| tell(actor, Job::fail("bad"))),
        ("panic", |actor| tell(actor, Job::panic("bad"))),
        ("own stop", |actor| tell(actor, stopping_itself())),
        ("own drain", |actor| tell(actor, draining_itself())),
        ("stop", |actor| actor.stop()),
        ("drain", |actor| actor.drain()),
        ("kill", |actor| actor.kill()),
    ];
    let kinds = [
        (Restart::never(), vec![]),
        (Restart::on_failure(), vec!["fault", "panic"]),
        (Restart::always(), vec!["fault", "panic", "own stop"]),
    ];
    for (kind, restarted) in kinds {
        for (name, end) in ends {
            let (executor, system) = manual();
            let log = Log::default();
            let actor = worker(&system, &log, kind);
            executor.run_until_idle();
            end(&actor);
            executor.run_until_idle();
            assert_eq!(actor.stop_reason().is_none(), restarted.contains(&name), "{name} under {kind:?}");
            assert_eq!(log.count("started"), if restarted.contains(&name) { 2 } else { 1 }, "{name} under {kind:?}");
        }
    }
}

#[test]
fn an_actor_that_stops_itself_and_begins_anew_says_farewell_and_keeps_its_queue() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let actor = worker(&system, &log, Restart::always());
    tell(&actor, stopping_itself());
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "stopped: stopped", "started", "1"]);
    assert!(dead.all().is_empty());
}

#[test]
fn an_actor_that_always_begins_anew_ends_with_its_system() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = worker(&system, &log, Restart::always());
    tell(&actor, Job::Note(1));
    let report = executor.block_on(system.shutdown(seconds(1)));
    assert!(report.is_clean(), "{report}");
    assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)));
    assert_eq!(log.all(), ["started", "1", "stopped: drained"]);
}

#[test]
fn a_stop_of_its_own_holds_whatever_becomes_of_the_handler_that_said_it() {
    for (name, panics) in [("fault", false), ("panic", true)] {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = worker(&system, &log, Restart::on_failure());
        tell(
            &actor,
            Job::run(move |_, cx| {
                cx.stop();
                assert!(!panics, "bad");
                Err(Fault::msg("bad"))
            }),
        );
        executor.run_until_idle();
        let reason = actor.stop_reason().unwrap_or_else(|| panic!("{name}: it lives on"));
        assert!(reason.is_failure() && reason.to_string().ends_with("bad"), "{reason}");
        assert_eq!(log.count("started"), 1);
    }
}

#[test]
fn a_drain_of_its_own_goes_on_in_the_next_life() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = worker(&system, &log, Restart::on_failure());
    tell(
        &actor,
        Job::run(|_, cx| {
            cx.drain();
            Err(Fault::msg("bad"))
        }),
    );
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)));
    assert_eq!(log.all(), ["started", "started", "1", "stopped: drained"]);
}

// ---- how long --------------------------------------------------------------------

/// The times at which lives began, in milliseconds, of an actor that fails at
/// each of `failures`.
fn starts(restart: Restart, failures: &[u64]) -> Vec<u64> {
    let (executor, system) = manual();
    let (begun, clock) = (Arc::new(Mutex::new(Vec::new())), executor.clone());
    let seen = Arc::clone(&begun);
    let actor = system
        .build(move || {
            lock(&seen).push(clock.now().as_millis() as u64);
            Worker::new(&Log::default())
        })
        .mailbox(Push::bounded(64))
        .restart(restart)
        .spawn();
    for at in failures {
        executor.advance(ms(*at).saturating_sub(executor.now()));
        let _ = actor.try_tell(Job::fail("bad"));
    }
    executor.advance(seconds(100));
    lock(&begun).clone()
}

#[test]
fn waits_grow_up_to_the_longest_and_begin_anew_after_quiet() {
    let backoff = Backoff::exponential(ms(100), ms(400));
    let restart = Restart::on_failure().limit(100, seconds(100)).backoff(backoff);
    // Failures queue up while it waits: each life has one.
    assert_eq!(starts(restart, &[0, 0, 0, 0, 0]), [0, 100, 300, 700, 1100, 1500]);
    // Quiet for 500 ms, from 700 to 1200.
    assert_eq!(starts(restart, &[0, 0, 0, 1200]), [0, 100, 300, 700, 1300]);
    let slow_to_forget = restart.backoff(backoff.reset_after(seconds(1)));
    assert_eq!(starts(slow_to_forget, &[0, 0, 0, 1200]), [0, 100, 300, 700, 1600]);
    assert_eq!(starts(restart.backoff(backoff.factor(1.0)), &[0, 0, 0]), [0, 100, 200, 300]);
    assert_eq!(starts(Restart::on_failure(), &[0, 0, 7]), [0, 0, 0, 7]);
}

#[test]
fn jitter_comes_from_the_executor_and_keeps_below_the_wait() {
    let backoff = Backoff::exponential(ms(1000), ms(1000)).jitter(0.5);
    let restart = Restart::on_failure().limit(100, seconds(100)).backoff(backoff);
    let once = starts(restart, &[0; 20]);
    assert_eq!(once, starts(restart, &[0; 20]), "a manual executor's chance is the same each time");
    let waits: Vec<u64> = once.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits.len(), 20);
    assert!(waits.iter().all(|wait| (500..=1000).contains(wait)), "{waits:?}");
    assert!(waits.iter().max() > waits.iter().min(), "{waits:?}");
}

fn backing_off() -> (ManualExecutor, System, Log, Dead, ActorRef<Job>) {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let backoff = Backoff::exponential(seconds(1), seconds(1));
    let actor = worker(&system, &log, Restart::on_failure().backoff(backoff));
    tell(&actor, Job::fail("bad"));
    tell(&actor, Job::Note(1));
    executor.advance(ms(10));
    assert_eq!(log.take(), ["started"]);
    assert_eq!(actor.activity(), Activity::BackingOff);
    (executor, system, log, dead, actor)
}

#[test]
fn the_mailbox_stays_open_while_the_actor_waits_to_begin_anew() {
    let (executor, _system, log, dead, actor) = backing_off();
    tell(&actor, Job::Note(2));
    actor.reconfigure(Pull::one_by_one());
    executor.advance(ms(10));
    assert_eq!(actor.mode(), Mode::Pull, "under its own terms, and the newest of them");
    executor.advance(seconds(1));
    assert_eq!(log.all(), ["started", "1", "2"]);
    assert!(dead.all().is_empty());
}

#[test]
fn signals_end_the_wait_at_once() {
    type End = fn(&ActorRef<Job>);
    let ends: [(End, &str, &[&str], &[u64]); 3] = [
        (|actor| actor.stop(), "stopped", &[], &[1]),
        (|actor| actor.kill(), "killed", &[], &[1]),
        // What was accepted is handled, and nothing else is waited for.
        (|actor| actor.drain(), "drained", &["started", "1", "stopped: drained"], &[]),
    ];
    for (end, reason, expected, lost) in ends {
        let (executor, system, log, dead, actor) = backing_off();
        let before = executor.now();
        end(&actor);
        executor.run_until_idle();
        assert_eq!(executor.now(), before);
        assert_eq!(actor.stop_reason().unwrap().to_string(), reason);
        assert_eq!(log.all(), expected, "{reason}");
        assert_eq!(dead.of(DropReason::Stopped), lost);
        assert!(actor.try_tell(Job::Note(2)).is_err());
        executor.advance(seconds(5));
        assert_eq!((executor.tasks(), system.len()), (0, 0), "{reason}");
    }
}

#[test]
fn who_drains_waits_for_nothing_whenever_it_was_told() {
    let (executor, system) = manual();
    let log = Log::default();
    let backoff = Backoff::exponential(seconds(3600), seconds(3600));
    let actor = worker(&system, &log, Restart::on_failure().backoff(backoff));
    for job in [Job::Note(1), Job::fail("bad"), Job::Note(2), Job::fail("bad"), Job::Note(3)] {
        tell(&actor, job);
    }
    actor.drain();
    executor.run_until_idle();
    assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)), "{:?}", actor.stop_reason());
    assert_eq!(log.all(), ["started", "1", "started", "2", "started", "3", "stopped: drained"]);
}

#[test]
fn the_old_state_is_gone_before_the_wait() {
    let (executor, system) = manual();
    let log = Log::default();
    let backoff = Backoff::exponential(seconds(1), seconds(1));
    let actor = worker(&system, &log, Restart::on_failure().backoff(backoff));
    let note = log.clone();
    tell(
        &actor,
        Job::run(move |worker, _| {
            worker.kept.push(Box::new(support::DropNote(note, "dropped".into())));
            Err(Fault::msg("bad"))
        }),
    );
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "dropped"], "a socket held by a dead life could not be opened again");
}

// ---- at the limit -----------------------------------------------------------------

/// Where the present child is.
type Slot = Arc<Mutex<Option<ActorRef<Job>>>>;

/// A parent that begins anew twice at most, with a child under `restart`; a
/// note "parent" and a note "child" for each life.
fn family(system: &System, log: &Log, restart: Restart) -> (ActorRef<()>, Slot) {
    struct Parent(Log, Restart, Slot);
    impl Actor for Parent {
        type Msg = ();
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0.add("parent");
            let log = self.0.clone();
            let make = move || {
                log.add("child");
                Worker::new(&Log::default())
            };
            *lock(&self.2) = Some(cx.build_child(make).named("child").restart(self.1).spawn());
            Ok(())
        }
        async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0.add("handled");
            Ok(())
        }
        async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
            let StopReason::Failed(fault) = reason else { return };
            let escalated: &Escalated = fault.source().and_then(|source| source.downcast_ref()).unwrap();
            self.0.add(format_args!("{} {}", escalated.child.path, escalated.child.reason));
        }
    }
    let child = Arc::new(Mutex::new(None));
    let (log, given) = (log.clone(), Arc::clone(&child));
    let parent = system
        .build(move || Parent(log.clone(), restart, Arc::clone(&given)))
        .named("parent")
        .restart(Restart::on_failure().limit(1, seconds(60)))
        .spawn();
    (parent, child)
}

fn fail(executor: &ManualExecutor, child: &Slot) {
    executor.run_until_idle();
    tell(lock(child).as_ref().unwrap(), Job::fail("bad"));
    executor.run_until_idle();
}

#[test]
fn a_child_over_its_limit_fails_its_parent_and_so_on_upward() {
    let (executor, system) = manual();
    let log = Log::default();
    let (parent, child) = family(&system, &log, Restart::on_failure().limit(1, seconds(60)));
    fail(&executor, &child);
    assert_eq!(log.take(), ["parent", "child", "child"], "within its limit it is its own business");
    let first = lock(&child).clone().unwrap();
    fail(&executor, &child);
    assert!(first.stop_reason().unwrap().is_failure());
    assert_eq!(log.take(), ["parent", "child"], "the parent begins anew, with a child of its own");
    parent.try_tell(()).unwrap();
    fail(&executor, &child);
    fail(&executor, &child);
    assert_eq!(log.all(), ["handled", "child", "/parent/child failed: bad"], "at its own limit it ends");
    let reason = parent.stop_reason().unwrap().to_string();
    assert_eq!(reason, "failed: /parent/child failed too often: failed: bad");
    assert!(system.is_empty());
}

#[test]
fn who_never_restarts_or_only_stops_at_the_limit_takes_nobody_along() {
    for restart in [Restart::never(), Restart::on_failure().limit(0, seconds(1)).on_limit(OnLimit::Stop)] {
        let (executor, system) = manual();
        let log = Log::default();
        let (parent, child) = family(&system, &log, restart);
        fail(&executor, &child);
        assert!(lock(&child).as_ref().unwrap().stop_reason().unwrap().is_failure());
        assert!(parent.stop_reason().is_none());
        assert_eq!(log.all(), ["parent", "child"]);
    }
}

#[test]
fn ends_that_others_order_take_nobody_along() {
    type End = fn(&ActorRef<Job>);
    let ends: [End; 3] = [|actor| actor.stop(), |actor| actor.kill(), |actor| actor.drain()];
    for end in ends {
        let (executor, system) = manual();
        let log = Log::default();
        let (parent, child) = family(&system, &log, Restart::always().limit(0, seconds(1)));
        executor.run_until_idle();
        end(lock(&child).as_ref().unwrap());
        executor.run_until_idle();
        assert!(lock(&child).as_ref().unwrap().stop_reason().is_some());
        assert!(parent.stop_reason().is_none());
        assert_eq!(log.all(), ["parent", "child"]);
    }
}

#[test]
fn a_child_of_an_earlier_life_does_not_fail_a_later_one() {
    let (executor, system) = manual();
    let log = Log::default();
    // Two children fail at once: the first takes the parent down, and what the
    // second says comes to its next life.
    struct Twins(Log, Arc<Mutex<Vec<ActorRef<Job>>>>);
    impl Actor for Twins {
        type Msg = ();
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0.add("parent");
            for _ in 0..2 {
                let restart = Restart::on_failure().limit(0, seconds(1));
                let child = cx.build_child(|| Worker::new(&Log::default())).restart(restart).spawn();
                lock(&self.1).push(child);
            }
            Ok(())
        }
        async fn handle(&mut self, (): (), cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(ms(10)).await;
            Ok(())
        }
    }
    let children = Arc::new(Mutex::new(Vec::new()));
    let (noted, given) = (log.clone(), Arc::clone(&children));
    let parent = system
        .build(move || Twins(noted.clone(), Arc::clone(&given)))
        .restart(Restart::on_failure().limit(5, seconds(60)))
        .spawn();
    parent.try_tell(()).unwrap();
    executor.run_until_idle();
    for child in lock(&children).iter() {
        tell(child, Job::fail("bad"));
    }
    executor.advance(seconds(1));
    assert_eq!(log.all(), ["parent", "parent"]);
    assert!(parent.stop_reason().is_none());
}

// ---- starting ------------------------------------------------------------------------

/// Starts as the script says, life by life.
struct Starter(Log, Arc<Mutex<Vec<&'static str>>>);

impl Starter {
    fn lives(log: &Log, script: &[&'static str]) -> impl FnMut() -> Result<Self, Fault> + Send + 'static {
        let (log, script) = (log.clone(), Arc::new(Mutex::new(script.to_vec())));
        move || {
            log.add("made");
            let next = lock(&script).first().copied();
            match next {
                Some("factory fault") => {
                    lock(&script).remove(0);
                    Err(Fault::msg("no factory"))
                }
                Some("factory panic") => {
                    lock(&script).remove(0);
                    panic!("no factory")
                }
                _ => Ok(Self(log.clone(), Arc::clone(&script))),
            }
        }
    }
}

impl Actor for Starter {
    type Msg = u64;
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(ms(10)).await;
        let mut script = lock(&self.1);
        let next = if script.is_empty() { "" } else { script.remove(0) };
        match next {
            "hook fault" => Err(Fault::msg("no start")),
            "hook panic" => panic!("no start"),
            _ => {
                self.0.add("started");
                Ok(())
            }
        }
    }
    async fn handle(&mut self, n: u64, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.0.add(n);
        if n == 0 { Err(Fault::msg("zero")) } else { Ok(()) }
    }
}

#[test]
fn a_start_is_waited_for_until_the_hook_has_run() {
    let (executor, system) = manual();
    let log = Log::default();
    let starting = start(&executor, system.try_build(Starter::lives(&log, &[])).named("a").start());
    executor.advance(ms(9));
    assert!(starting.take().is_none());
    executor.advance(ms(1));
    let actor = starting.take().unwrap().unwrap();
    actor.try_tell(1).unwrap();
    executor.run_until_idle();
    assert_eq!(log.all(), ["made", "started", "1"]);
}

#[test]
fn a_first_life_that_does_not_start_is_the_callers_business_alone() {
    let failures = [
        ("factory fault", "/a did not start: failed: no factory"),
        ("factory panic", "/a did not start: panicked: no factory, at "),
        ("hook fault", "/a did not start: failed: no start"),
        ("hook panic", "/a did not start: panicked: no start, at "),
    ];
    for (failure, said) in failures {
        let (executor, system) = manual();
        let log = Log::default();
        let starting = start(
            &executor,
            system.try_build(Starter::lives(&log, &[failure])).named("a").restart(Restart::always()).start(),
        );
        executor.advance(ms(10));
        let error = starting.take().unwrap().unwrap_err();
        assert!(error.to_string().starts_with(said), "{error}");
        assert_eq!(log.all(), ["made"], "it is not tried again");
        assert_eq!((system.len(), executor.tasks()), (0, 0), "{failure}");
    }
}

#[test]
fn a_start_that_somebody_ends_is_an_error_too() {
    type End = fn(&System);
    let ends: [(End, &str); 2] = [
        (|system| system.lookup::<u64>("a").unwrap().kill(), "killed"),
        (|_| {}, "refused: the system is shutting down"),
    ];
    for (end, reason) in ends {
        let (executor, system) = manual();
        if reason.starts_with("refused") {
            assert!(executor.block_on(system.shutdown(ms(1))).is_clean());
        }
        let log = Log::default();
        let starting = start(&executor, system.try_build(Starter::lives(&log, &[])).registered("a").start());
        executor.advance(ms(5));
        end(&system);
        executor.advance(ms(5));
        assert_eq!(starting.take().unwrap().unwrap_err().reason.to_string(), reason);
    }
}

#[test]
fn lives_after_one_that_has_started_are_under_the_restart() {
    let (executor, system) = manual();
    let log = Log::default();
    let script = ["", "factory fault", "hook panic"];
    let starting =
        start(&executor, system.try_build(Starter::lives(&log, &script)).restart(Restart::on_failure()).start());
    executor.advance(ms(10));
    let actor = starting.take().unwrap().unwrap();
    actor.try_tell(0).unwrap();
    actor.try_tell(1).unwrap();
    executor.advance(ms(100));
    assert_eq!(log.all(), ["made", "started", "0", "made", "made", "made", "started", "1"]);
    assert!(actor.stop_reason().is_none());
}

#[test]
fn a_failing_factory_counts_as_a_failed_life() {
    let (executor, system) = manual();
    let log = Log::default();
    let script = ["factory fault", "factory panic", ""];
    let actor = system.try_build(Starter::lives(&log, &script)).restart(Restart::on_failure()).spawn();
    executor.advance(ms(100));
    assert_eq!(log.take(), ["made", "made", "made", "started"]);
    assert!(actor.stop_reason().is_none());
    let actor =
        system.try_build(Starter::lives(&log, &script)).restart(Restart::on_failure().limit(1, seconds(1))).spawn();
    executor.advance(ms(100));
    assert!(matches!(actor.stop_reason(), Some(StopReason::Panicked(panic)) if panic.message() == "no factory"));
}

#[test]
fn a_parent_decides_what_follows_from_a_child_that_does_not_start() {
    struct Parent(Log);
    impl Actor for Parent {
        type Msg = ();
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            let bad = Starter::lives(&Log::default(), &["hook fault"]);
            if let Err(error) = cx.try_build_child(bad).named("bad").restart(Restart::on_failure()).start().await {
                self.0.add(&error);
            }
            let good = cx.try_build_child(Starter::lives(&self.0, &[])).named("good").start().await?;
            self.0.add(good.path());
            Ok(())
        }
        async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }
    let (executor, system) = manual();
    let log = Log::default();
    let noted = log.clone();
    let parent = system.build(move || Parent(noted.clone())).named("parent").spawn();
    executor.advance(ms(100));
    assert!(parent.stop_reason().is_none());
    let expected = ["/parent/bad did not start: failed: no start", "made", "started", "/parent/good"];
    assert_eq!(log.all(), expected);
}

// ---- panics ---------------------------------------------------------------------------

#[test]
fn a_panic_tells_what_it_said_and_where() {
    let (executor, system) = manual();
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(1));
    let line = line!() + 4;
    tell(
        &actor,
        Job::run(|_, _| {
            panic!("no {}", 7);
        }),
    );
    executor.run_until_idle();
    let Some(StopReason::Panicked(panic)) = actor.stop_reason() else { panic!("it lives") };
    assert_eq!(panic.message(), "no 7");
    let location = panic.location().unwrap();
    assert!(location.contains(&format!("supervision_restart.rs:{line}:")), "{location}");
    let reason = actor.stop_reason().unwrap();
    assert_eq!(reason.to_string(), "panicked: no 7");
    assert_eq!(format!("{reason:#}"), format!("panicked: no 7, at {location}"));
}

//! Timers: when they come, what becomes of those that are missed, replaced or
//! cancelled, and that many of them cost no more than they should.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::time::Duration;

use support::{Dead, Log, manual, ms};
use tidegate::prelude::*;
use tidegate::{DropReason, Executor, ManualExecutor, Missed, TimerHandle};

type Script = Box<dyn FnOnce(&mut Clock, &mut Context<Clock>) + Send>;

enum Msg {
    /// Notes the name and the time.
    Tick(&'static str),
    Do(Script),
    /// Keeps the actor busy.
    Busy(Duration),
    Panic,
}

struct Clock {
    log: Log,
    handles: Vec<TimerHandle>,
    /// How long each tick takes.
    slow: Duration,
}

impl Clock {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), handles: Vec::new(), slow: Duration::ZERO }
    }
}

impl Actor for Clock {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Tick(name) => {
                self.log.add(format_args!("{name} {}", cx.now().as_millis()));
                if !self.slow.is_zero() {
                    cx.sleep(std::mem::take(&mut self.slow)).await;
                }
            }
            Msg::Do(script) => script(self, cx),
            Msg::Busy(how_long) => cx.sleep(how_long).await,
            Msg::Panic => panic!("as told"),
        }
        Ok(())
    }
}

fn clock() -> (ManualExecutor, System, Log, ActorRef<Msg>) {
    let (executor, system) = manual();
    let log = Log::default();
    let shared = log.clone();
    let clock =
        system.build(move || Clock::new(&shared)).mailbox(Push::bounded(64)).restart(Restart::on_failure()).spawn();
    (executor, system, log, clock)
}

fn act(clock: &ActorRef<Msg>, script: impl FnOnce(&mut Clock, &mut Context<Clock>) + Send + 'static) {
    clock.try_tell(Msg::Do(Box::new(script))).unwrap();
}

fn busy(clock: &ActorRef<Msg>, how_long: u64) {
    clock.try_tell(Msg::Busy(ms(how_long))).unwrap();
}

// ---- names ---------------------------------------------------------------------

#[test]
fn a_name_stands_for_one_timer() {
    let (executor, _, log, clock) = clock();
    act(&clock, |_, cx| {
        let mut timers = cx.timers();
        timers.after("a", ms(10), Msg::Tick("first"));
        timers.after("a", ms(20), Msg::Tick("second"));
        timers.after("b", ms(15), Msg::Tick("b"));
        assert!(timers.is_set("a") && timers.is_set("b") && !timers.is_set("c"));
    });
    executor.advance(ms(100));
    assert_eq!(log.take(), ["b 15", "second 20"]);
    act(&clock, |_, cx| assert!(!cx.timers().is_set("a"), "it has come"));
    executor.run_until_idle();
}

#[test]
fn one_kind_replaces_the_other() {
    let (executor, _, log, clock) = clock();
    act(&clock, |_, cx| cx.timers().every("a", ms(10), Missed::Skip, || Msg::Tick("every")));
    executor.advance(ms(25));
    act(&clock, |_, cx| cx.timers().after("a", ms(10), Msg::Tick("once")));
    executor.advance(ms(100));
    act(&clock, |_, cx| cx.timers().every("a", ms(30), Missed::Skip, || Msg::Tick("again")));
    executor.advance(ms(60));
    assert_eq!(log.all(), ["every 10", "every 20", "once 35", "again 155", "again 185"]);
}

#[test]
fn a_cancelled_timer_does_not_come() {
    let (executor, _, log, clock) = clock();
    act(&clock, |clock, cx| {
        let mut timers = cx.timers();
        timers.after("a", ms(10), Msg::Tick("a"));
        timers.every("b", ms(10), Missed::Burst, || Msg::Tick("b"));
        timers.after("c", ms(10), Msg::Tick("c"));
        assert!(timers.cancel("a"));
        assert!(!timers.cancel("a"), "it was cancelled already");
        assert!(!timers.is_set("a"));
        clock.handles.push(cx.send_every(ms(10), || Msg::Tick("unnamed")));
    });
    executor.advance(ms(10));
    assert_eq!(log.take(), ["b 10", "c 10", "unnamed 10"]);
    act(&clock, |clock, cx| {
        assert!(!cx.timers().cancel("c"), "it has come");
        cx.timers().after("c", ms(5), Msg::Tick("c"));
        cx.timers().cancel_all();
        assert!(clock.handles[0].is_set(), "it has no name");
    });
    executor.advance(ms(10));
    assert_eq!(log.take(), ["unnamed 20"]);
    act(&clock, |clock, _| clock.handles.remove(0).cancel());
    let tasks = executor.tasks();
    executor.advance(ms(50));
    assert!(log.all().is_empty());
    assert_eq!(executor.tasks(), tasks - 1, "no task of it is left");
}

#[test]
fn a_tick_that_is_there_already_is_not_delivered_when_its_timer_has_gone() {
    type Change = fn(&mut Clock, &mut Context<Clock>);
    let changes: [(&str, Change, &[&str]); 5] = [
        ("nothing", |_, _| {}, &["once 25", "every 25", "handle 25"]),
        ("cancel", |_, cx| assert!(cx.timers().cancel("once")), &["every 25", "handle 25"]),
        ("replace", |_, cx| cx.timers().after("every", ms(2), Msg::Tick("new")), &["once 25", "handle 25", "new 27"]),
        ("handle", |clock, _| clock.handles.remove(0).cancel(), &["once 25", "every 25"]),
        ("all", |_, cx| cx.timers().cancel_all(), &["handle 25"]),
    ];
    for (name, change, expected) in changes {
        let (executor, system, log, clock) = clock();
        let dead = Dead::watch(&system);
        act(&clock, move |clock, cx| {
            // The first of those that are due while the actor is busy: it finds
            // the ticks of the others in the lane.
            drop(cx.send_after(ms(9), Msg::Do(Box::new(change))));
            cx.timers().after("once", ms(10), Msg::Tick("once"));
            cx.timers().every("every", ms(10), Missed::Skip, || Msg::Tick("every"));
            clock.handles.push(cx.send_after(ms(10), Msg::Tick("handle")));
        });
        busy(&clock, 25);
        executor.advance(ms(29));
        assert_eq!(log.all(), expected, "{name}");
        assert!(dead.all().is_empty(), "{name}: nobody was promised a cancelled tick");
    }
}

#[test]
fn ticks_that_were_sent_while_the_actor_was_busy_can_still_be_taken_back() {
    let (executor, _, log, clock) = clock();
    act(&clock, |_, cx| {
        cx.timers().after("a", ms(10), Msg::Tick("a"));
        cx.timers().after(
            "b",
            ms(11),
            Msg::Do(Box::new(|_, cx| {
                cx.timers().cancel("c");
                cx.timers().after("d", ms(100), Msg::Tick("later"));
            })),
        );
        cx.timers().after("c", ms(12), Msg::Tick("c"));
        cx.timers().after("d", ms(13), Msg::Tick("d"));
    });
    busy(&clock, 50);
    executor.advance(ms(49));
    assert!(log.all().is_empty());
    executor.advance(ms(200));
    assert_eq!(log.all(), ["a 50", "later 150"], "c was cancelled and d replaced, while their ticks lay in the lane");
}

// ---- missed ticks --------------------------------------------------------------

/// A tick every 10 ms, of which the first takes 35.
fn missed(missed: Missed) -> Vec<String> {
    let (executor, _, log, clock) = clock();
    act(&clock, move |clock, cx| {
        clock.slow = ms(35);
        cx.timers().every("t", ms(10), missed, || Msg::Tick("t"));
    });
    executor.advance(ms(85));
    log.all()
}

#[test]
fn skip_leaves_missed_ticks_out_and_keeps_to_the_beat() {
    // At 20 a tick was left in the lane; 30 and 40 were left out.
    assert_eq!(missed(Missed::Skip), ["t 10", "t 45", "t 50", "t 60", "t 70", "t 80"]);
}

#[test]
fn delay_begins_a_period_when_the_tick_is_taken() {
    assert_eq!(missed(Missed::Delay), ["t 10", "t 45", "t 55", "t 65", "t 75", "t 85"]);
}

#[test]
fn burst_makes_up_for_missed_ticks() {
    let ticks = missed(Missed::Burst);
    assert_eq!(ticks, ["t 10", "t 45", "t 45", "t 45", "t 50", "t 60", "t 70", "t 80"]);
    assert_eq!(ticks.len(), 8, "as many as periods have passed");
}

#[test]
fn of_each_timer_one_tick_waits_at_most() {
    for policy in [Missed::Skip, Missed::Delay, Missed::Burst] {
        let (executor, _, log, clock) = clock();
        act(&clock, move |_, cx| cx.timers().every("t", ms(2), policy, || Msg::Tick("t")));
        busy(&clock, 1001);
        executor.advance(ms(1001));
        let late = log.all().iter().filter(|line| *line == "t 1001").count();
        assert_eq!(late, if policy == Missed::Burst { 500 } else { 1 }, "{policy:?}");
        act(&clock, |_, cx| assert!(cx.timers().cancel("t")));
        executor.run_until_idle();
        let so_far = log.all().len();
        executor.advance(ms(1000));
        assert_eq!(log.all().len(), so_far, "{policy:?}");
    }
}

#[test]
fn a_clock_that_jumps_brings_no_flood_under_skip() {
    let (executor, _, log, clock) = clock();
    act(&clock, |_, cx| drop(cx.send_every(ms(10), || Msg::Tick("t"))));
    executor.run_until_idle();
    busy(&clock, 100_005);
    executor.advance(ms(100_005));
    executor.advance(ms(10));
    assert_eq!(log.all(), ["t 100005", "t 100010"]);
}

// ---- the end of a life ---------------------------------------------------------

#[test]
fn timers_end_with_the_life_that_set_them_ticks_included() {
    let (executor, system, log, clock) = clock();
    let dead = Dead::watch(&system);
    act(&clock, |_, _| {});
    executor.run_until_idle();
    let tasks = executor.tasks();
    act(&clock, |clock, cx| {
        cx.timers().after("a", ms(10), Msg::Tick("a"));
        cx.timers().every("b", ms(10), Missed::Burst, || Msg::Tick("b"));
        drop(cx.send_after(ms(10), Msg::Tick("c")));
        clock.handles.push(cx.send_every(ms(10), || Msg::Tick("d")));
    });
    executor.advance(ms(10));
    assert_eq!(log.take().len(), 4, "they come, as long as the life lasts");
    clock.try_tell(Msg::Panic).unwrap();
    executor.run_until_idle();
    act(&clock, |_, cx| {
        assert!(!cx.timers().is_set("b"), "the new life has none");
    });
    assert_eq!(executor.tasks(), tasks, "none of theirs is left");
    executor.advance(ms(100));
    assert!(log.all().is_empty());
    assert_eq!(dead.all().len(), 1, "only the message that was in the handler");
}

#[test]
fn a_tick_of_an_old_life_is_not_handed_to_the_new_one() {
    let (executor, system, log, clock) = clock();
    let dead = Dead::watch(&system);
    act(&clock, |_, cx| {
        // Both are due together, and the first ends the life.
        cx.timers().after("end", ms(10), Msg::Panic);
        cx.timers().after("a", ms(10), Msg::Tick("a"));
        cx.timers().every("b", ms(10), Missed::Skip, || Msg::Tick("b"));
    });
    busy(&clock, 20);
    executor.advance(ms(100));
    assert!(log.all().is_empty(), "{:?}", log.all());
    let reasons: Vec<_> = dead.all().into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(reasons, [DropReason::Interrupted, DropReason::Stopped, DropReason::Stopped], "each is accounted for");
    assert_eq!(clock.stop_reason().map(|reason| reason.to_string()), None);
}

#[test]
fn at_the_end_ticks_that_are_due_are_dead_letters_and_those_cancelled_are_not() {
    for end in [ActorRef::<Msg>::stop, ActorRef::<Msg>::kill] {
        let (executor, system, log, clock) = clock();
        let dead = Dead::watch(&system);
        act(&clock, |_, cx| {
            let cancelled = cx.send_after(ms(10), Msg::Tick("cancelled"));
            // The first to be taken; while the second is handled the rest lies
            // in the lane.
            drop(cx.send_after(ms(8), Msg::Do(Box::new(|_, _| cancelled.cancel()))));
            drop(cx.send_after(ms(9), Msg::Busy(ms(20))));
            cx.timers().after("due", ms(10), Msg::Tick("due"));
            cx.timers().every("every", ms(10), Missed::Burst, || Msg::Tick("every"));
            cx.timers().after("not due", ms(50), Msg::Tick("not due"));
        });
        busy(&clock, 20);
        executor.advance(ms(25));
        assert!(log.all().is_empty());
        end(&clock);
        executor.advance(ms(100));
        assert!(clock.stop_reason().is_some() && log.all().is_empty());
        assert_eq!(clock.stats().drops.of(DropReason::Stopped), 2, "of each timer that was due one tick");
        let stopped = dead.all().into_iter().filter(|(reason, _)| *reason == DropReason::Stopped);
        assert_eq!(stopped.count(), 2);
        assert_eq!(executor.tasks(), 0, "no task is left behind");
    }
}

// ---- many of them --------------------------------------------------------------

#[test]
fn many_timers_at_once_are_all_delivered_and_a_stop_passes_them() {
    const MANY: usize = 50_000;
    let (executor, _, log, clock) = clock();
    act(&clock, |_, cx| {
        for i in 0..MANY {
            cx.timers().after(format!("{i}"), ms(10), Msg::Tick("t"));
        }
    });
    executor.advance(ms(10));
    assert_eq!(log.take().len(), MANY);
    // The ticks wait in the lane while the handler does; orders look at none.
    act(&clock, |_, cx| {
        for i in 0..MANY {
            cx.timers().after(format!("{i}"), ms(10), Msg::Tick("t"));
        }
    });
    busy(&clock, 20);
    executor.advance(ms(15));
    clock.reconfigure(Push::bounded(7));
    executor.run_until_idle();
    assert_eq!(clock.capacity(), Some(7), "other terms are in force, past all ticks");
    clock.stop();
    executor.advance(ms(5));
    assert!(clock.stop_reason().is_some());
    assert!(log.all().is_empty());
}

#[test]
fn what_has_come_leaves_no_task_behind() {
    let (executor, _, log, clock) = clock();
    act(&clock, |_, _| {});
    executor.run_until_idle();
    let tasks = executor.tasks();
    for round in 0..40 {
        act(&clock, move |_, cx| {
            for i in 0..50 {
                cx.timers().after(format!("{round}-{i}"), ms(1), Msg::Tick("t"));
            }
        });
        executor.advance(ms(1));
    }
    assert_eq!(log.all().len(), 2000);
    assert_eq!(executor.tasks(), tasks, "none of theirs is left");
    assert_eq!(executor.now(), ms(40));
}

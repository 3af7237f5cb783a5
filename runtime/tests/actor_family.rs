//! Parents, children, tasks and timers, and those who watch: who ends with
//! whom, and who hears of it.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::Mutex;
use std::time::Duration;

use support::{Dead, DropNote, Job, Log, Worker, lock, manual, ms, poll_once, renewable, start, tell};
use tidegate::prelude::*;
use tidegate::{DropReason, Executor};

// ---- families -------------------------------------------------------------------

/// A line of descent, each the parent of the next; all log their end.
fn line(worker: &Worker, cx: &mut Context<Worker>, depth: u64) {
    let child = cx
        .build_child({
            let log = worker.log.clone();
            move || Worker::new(&log)
        })
        .named(format!("{depth}"))
        .spawn();
    let log = worker.log.clone();
    cx.watch(&child);
    tell(
        &child,
        Job::run(move |worker, cx| {
            worker.kept.push(Box::new(DropNote(log, format!("end {}", cx.path()))));
            if depth > 1 {
                line(worker, cx, depth - 1);
            }
            Ok(())
        }),
    );
}

#[test]
fn children_end_before_their_parents_whatever_ends_these() {
    type End = fn(&ActorRef<Job>);
    let ends: [(&str, End); 5] = [
        ("stop", |actor| actor.stop()),
        ("drain", |actor| actor.drain()),
        ("kill", |actor| actor.kill()),
        ("fault", |actor| tell(actor, Job::fail("bad"))),
        ("panic", |actor| tell(actor, Job::panic("bad"))),
    ];
    for (name, end) in ends {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = renewable(&system, &log, 0);
        let note = log.clone();
        tell(
            &actor,
            Job::run(move |worker, cx| {
                worker.kept.push(Box::new(DropNote(note, format!("end {}", cx.path()))));
                line(worker, cx, 3);
                Ok(())
            }),
        );
        executor.run_until_idle();
        end(&actor);
        let told = log.clone();
        let stopped = actor.stopped();
        let _ended = start(&executor, async move {
            stopped.await;
            told.add("told");
        });
        executor.run_until_idle();
        let order: Vec<String> =
            log.all().into_iter().filter(|line| line.starts_with("end") || line == "told").collect();
        assert_eq!(order, ["end /worker/3/2/1", "end /worker/3/2", "end /worker/3", "end /worker", "told"], "{name}");
    }
}

#[test]
fn a_parent_waits_for_a_childs_present_message_and_a_kill_does_not() {
    for (kill, at) in [(false, 100), (true, 20)] {
        let (executor, system) = manual();
        let log = Log::default();
        let actor = renewable(&system, &log, 0);
        tell(
            &actor,
            Job::run(|worker, cx| {
                let child = cx.spawn_child(Worker::new(&worker.log), Push::bounded(8));
                tell(&child, Job::Slow(1, ms(100)));
                tell(&child, Job::Note(2));
                Ok(())
            }),
        );
        executor.advance(ms(10));
        actor.stop();
        executor.advance(ms(10));
        assert!(actor.stop_reason().is_none(), "it waits for its child");
        if kill {
            actor.kill();
        }
        let reason = executor.block_on(actor.stopped());
        assert_eq!(executor.now(), ms(at));
        assert_eq!(reason.to_string(), if kill { "killed" } else { "stopped" });
        assert_eq!(log.numbers(), if kill { vec![] } else { vec![1] });
    }
}

/// Its last word is a birth.
struct Late(Log);

/// Takes its time to begin.
struct Newborn(Log);

impl Actor for Late {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
    async fn stopped(&mut self, _reason: &StopReason, cx: &mut Context<Self>) {
        cx.spawn_child(Newborn(self.0.clone()), Push::bounded(1));
        self.0.add("parent: stopped");
    }
}

impl Actor for Newborn {
    type Msg = ();
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(ms(10)).await;
        Ok(())
    }
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
    async fn stopped(&mut self, _reason: &StopReason, _cx: &mut Context<Self>) {
        self.0.add("child: stopped");
    }
}

#[test]
fn a_child_of_the_last_moment_ends_before_its_parent_too() {
    let (executor, system) = manual();
    let log = Log::default();
    let parent = system.spawn(Late(log.clone()), Push::bounded(1));
    executor.run_until_idle();
    parent.stop();
    executor.run_until_idle();
    assert_eq!(log.all(), ["parent: stopped"]);
    assert!(parent.stop_reason().is_none(), "it waits for its child");
    executor.advance(ms(10));
    assert_eq!(log.all(), ["parent: stopped", "child: stopped"]);
    assert!(matches!(parent.stop_reason(), Some(StopReason::Stopped)));
    assert_eq!((executor.tasks(), system.len()), (0, 0));
}

#[test]
fn a_kill_is_not_lost_on_an_actor_that_is_being_restarted() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 5);
    tell(
        &actor,
        Job::run(|_, cx| {
            let child = cx.spawn_child(Worker::new(&Log::default()), Push::bounded(8));
            tell(&child, Job::Slow(1, ms(100)));
            Ok(())
        }),
    );
    executor.advance(ms(1));
    tell(&actor, Job::fail("restart"));
    executor.advance(ms(1));
    // It waits for its child before it begins anew.
    actor.kill();
    executor.advance(ms(1));
    assert!(matches!(actor.stop_reason(), Some(StopReason::Killed)), "{:?}", actor.stop_reason());
    assert_eq!(log.count("started"), 1);
}

#[test]
fn a_child_ends_on_its_own_without_its_parent() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 0);
    tell(
        &actor,
        Job::run(|_, cx| {
            // More than are swept at a time.
            for n in 0..40 {
                let child = cx.build_child(|| Worker::new(&Log::default())).named(format!("{n}")).spawn();
                cx.watch(&child);
                tell(&child, Job::panic("by itself"));
            }
            Ok(())
        }),
    );
    executor.run_until_idle();
    assert!(actor.stop_reason().is_none());
    let told: Vec<String> = log.all().into_iter().filter(|line| line.starts_with("terminated")).collect();
    assert_eq!(told.len(), 40);
    assert_eq!(told[7], "terminated /worker/7 panicked: by itself");
    assert_eq!(system.len(), 1, "the system owns the parent only");
    actor.stop();
    executor.run_until_idle();
    assert!(system.is_empty());
}

#[test]
fn tasks_end_with_the_actor_and_those_that_ended_before_cost_nothing() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 0);
    tell(
        &actor,
        Job::run(|worker, cx| {
            for n in 0..100 {
                let note = DropNote(worker.log.clone(), format!("dropped {n}"));
                let nap = cx.sleep(ms(n));
                cx.spawn(async move {
                    let _note = note;
                    nap.await;
                });
            }
            Ok(())
        }),
    );
    executor.advance(ms(49));
    assert_eq!(log.all().iter().filter(|line| line.starts_with("dropped")).count(), 50);
    actor.stop();
    executor.run_until_idle();
    assert_eq!(log.all().iter().filter(|line| line.starts_with("dropped")).count(), 100);
    executor.advance(Duration::from_secs(5));
    assert_eq!(executor.tasks(), 0);
}

#[test]
fn a_task_tells_its_actor_what_it_found() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 0);
    tell(
        &actor,
        Job::run(|_, cx| {
            let (me, nap) = (cx.me(), cx.sleep(ms(5)));
            cx.spawn(async move {
                nap.await;
                let _ = me.tell(Job::Note(5)).await;
            });
            Ok(())
        }),
    );
    tell(&actor, Job::Note(1));
    executor.advance(ms(5));
    assert_eq!(log.numbers(), [1, 5]);
}

#[test]
fn a_cancelled_timer_does_not_come_and_a_dropped_handle_cancels_nothing() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 0);
    tell(
        &actor,
        Job::run(|_, cx| {
            let handle = cx.send_after(ms(5), Job::Note(1));
            let _ = cx.send_after(ms(6), Job::Note(2));
            let every = cx.send_every(ms(10), || Job::Note(3));
            handle.cancel();
            let nap = cx.sleep(ms(35));
            cx.spawn(async move {
                nap.await;
                every.cancel();
            });
            Ok(())
        }),
    );
    executor.advance(Duration::from_secs(1));
    assert_eq!(log.numbers(), [2, 3, 3, 3]);
}

#[test]
fn ticks_that_nobody_handles_do_not_pile_up() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 0);
    tell(
        &actor,
        Job::run(|_, cx| {
            let _ = cx.send_every(ms(30), || Job::Note(7));
            Ok(())
        }),
    );
    tell(&actor, Job::Slow(1, ms(100)));
    executor.advance(ms(100));
    assert_eq!(log.numbers(), [1, 7]);
}

#[test]
fn timers_pass_the_bound_and_the_policy() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let actor = system.spawn(Worker::new(&log), Push::bounded(1).overflow(Overflow::DropNewest));
    tell(
        &actor,
        Job::run(|_, cx| {
            for n in 0..10 {
                let _ = cx.send_after(ms(1), Job::Note(n));
            }
            Ok(())
        }),
    );
    executor.run_until_idle();
    tell(&actor, Job::Slow(100, ms(5)));
    executor.run_until_idle();
    tell(&actor, Job::Note(101));
    executor.advance(ms(10));
    assert_eq!(log.numbers(), [100, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 101]);
    assert!(dead.all().is_empty());
}

// ---- watching -----------------------------------------------------------------------

fn watch(watcher: &ActorRef<Job>, watched: &ActorRef<Job>) {
    let watched = watched.clone();
    tell(
        watcher,
        Job::run(move |_, cx| {
            cx.watch(&watched);
            Ok(())
        }),
    );
}

#[test]
fn each_watch_tells_exactly_once() {
    let (executor, system) = manual();
    let log = Log::default();
    let watched = renewable(&system, &Log::default(), 3);
    let watcher = system.spawn(Worker::new(&log), Push::bounded(8));
    watch(&watcher, &watched);
    watch(&watcher, &watched);
    executor.run_until_idle();
    // A restart is not an end.
    tell(&watched, Job::panic("restart"));
    executor.run_until_idle();
    assert_eq!(log.all(), ["started"]);
    watched.stop();
    executor.run_until_idle();
    watched.kill();
    executor.run_until_idle();
    assert_eq!(log.take(), ["started", "terminated /worker stopped", "terminated /worker stopped"]);
    // Gone already: told at once, and once.
    watch(&watcher, &watched);
    executor.run_until_idle();
    assert_eq!(log.all(), ["terminated /worker stopped"]);
}

#[test]
fn everybody_who_watches_is_told() {
    let (executor, system) = manual();
    let watched = renewable(&system, &Log::default(), 0);
    let logs: Vec<Log> = (0..5).map(|_| Log::default()).collect();
    let watchers: Vec<ActorRef<Job>> =
        logs.iter().map(|log| system.spawn(Worker::new(log), Push::bounded(8))).collect();
    for watcher in &watchers {
        watch(watcher, &watched);
    }
    executor.run_until_idle();
    // One watcher is gone before: nobody is the worse for it.
    watchers[0].kill();
    executor.run_until_idle();
    tell(&watched, Job::fail("bad"));
    executor.run_until_idle();
    assert_eq!(logs[0].all(), ["started"]);
    for log in &logs[1..] {
        assert_eq!(log.all(), ["started", "terminated /worker failed: bad"]);
    }
}

#[test]
fn the_news_of_an_end_come_ahead_of_queued_messages_and_outside_pulls_demand() {
    for mailbox in [Mailbox::from(Push::bounded(16)), Pull::manual().into()] {
        let (executor, system) = manual();
        let log = Log::default();
        let watched = renewable(&system, &Log::default(), 0);
        let watcher = system.spawn(Worker::new(&log), mailbox);
        executor.run_until_idle();
        watcher.reconfigure(Push::bounded(16));
        executor.run_until_idle();
        watch(&watcher, &watched);
        executor.run_until_idle();
        for n in 0..10 {
            tell(&watcher, Job::Slow(n, ms(10)));
        }
        executor.advance(ms(15));
        watched.stop();
        executor.advance(ms(100));
        let lines = log.all();
        let at = lines.iter().position(|line| line.starts_with("terminated")).unwrap();
        assert_eq!(at, 3, "after the message that was in the handler: {lines:?}");
    }
    let (executor, system) = manual();
    let log = Log::default();
    let watched = renewable(&system, &Log::default(), 0);
    // Asks for nothing, ever.
    let watcher = system.spawn(Watching(watched.clone(), log.clone()), Pull::manual());
    executor.run_until_idle();
    assert!(watcher.try_tell(()).is_err());
    watched.stop();
    executor.run_until_idle();
    assert_eq!(log.all(), ["terminated /worker stopped"]);
}

/// Watches from the beginning.
struct Watching(ActorRef<Job>, Log);

impl Actor for Watching {
    type Msg = ();
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.watch(&self.0);
        Ok(())
    }
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
    async fn terminated(&mut self, who: Terminated, _cx: &mut Context<Self>) -> Result<(), Fault> {
        assert_eq!((who.id, &who.path), (self.0.id(), self.0.path()));
        self.1.add(format_args!("terminated {} {}", who.path, who.reason));
        Ok(())
    }
}

#[test]
fn all_that_an_actor_leaves_is_settled_before_anybody_hears_of_its_end() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 0);
    let note = log.clone();
    tell(
        &actor,
        Job::run(move |worker, _| {
            worker.kept.push(Box::new(DropNote(note, "state dropped".into())));
            Ok(())
        }),
    );
    executor.run_until_idle();
    let letters = log.clone();
    let _subscription = system.dead_letters().subscribe(move |letter| letters.add(letter.reason));
    let told = log.clone();
    let stopped = actor.stopped();
    let _waiter = start(&executor, async move {
        stopped.await;
        told.add("told");
    });
    executor.run_until_idle();
    tell(
        &actor,
        Job::run(|_, cx| {
            cx.stop();
            Ok(())
        }),
    );
    tell(&actor, Job::Note(1));
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "stopped: stopped", "state dropped", "stopped", "told"]);
}

// ---- abandonment ------------------------------------------------------------------------

/// A runtime that is dropped with its actors on it.
fn abandoned(prepare: impl FnOnce(&System, &tokio::runtime::Runtime) -> ActorRef<Job>) -> ActorRef<Job> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let system = System::with_executor(tidegate::TokioExecutor::on(runtime.handle().clone()));
    let actor = prepare(&system, &runtime);
    drop(runtime);
    actor
}

#[test]
fn an_actor_whose_executor_goes_is_abandoned_and_its_watchers_are_told() {
    let (executor, elsewhere) = manual();
    let log = Log::default();
    let actor = abandoned(|system, runtime| {
        let actor = system.build(|| Worker::new(&Log::default())).named("worker").spawn();
        let watcher = elsewhere.spawn(Watching(actor.clone(), log.clone()), Push::bounded(8));
        executor.run_until_idle();
        runtime.block_on(async { actor.ask(Job::Count).await.unwrap() });
        assert!(watcher.stop_reason().is_none());
        actor
    });
    assert!(matches!(actor.stop_reason(), Some(StopReason::Abandoned)));
    assert!(matches!(poll_once(std::pin::pin!(actor.stopped())), std::task::Poll::Ready(StopReason::Abandoned)));
    assert!(actor.try_tell(Job::Note(1)).is_err());
    executor.run_until_idle();
    assert_eq!(log.all(), ["terminated /worker abandoned by its executor"]);
}

#[test]
fn the_children_of_an_abandoned_actor_end_where_they_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (elsewhere, log) = (tidegate::ManualExecutor::new(), Log::default());
    let parent = {
        let _in_it = runtime.enter();
        System::new().spawn(Worker::new(&log), Push::bounded(1))
    };
    let (there, noted) = (elsewhere.clone(), log);
    let (reply, child) = Reply::channel();
    let birth = Job::run(move |_, cx| {
        let child = cx.build_child(move || Worker::new(&noted)).on(there).spawn();
        let _ = reply.send(child);
        Ok(())
    });
    tell(&parent, birth);
    let child = runtime.block_on(child).unwrap();
    elsewhere.run_until_idle();
    assert!(child.stop_reason().is_none());
    drop(runtime);
    assert!(matches!(parent.stop_reason(), Some(StopReason::Abandoned)));
    elsewhere.run_until_idle();
    assert!(matches!(child.stop_reason(), Some(StopReason::Stopped)), "{:?}", child.stop_reason());
}

#[test]
fn an_actor_abandoned_before_its_first_turn_is_told_of_too() {
    let actor = abandoned(|system, _| system.spawn(Worker::new(&Log::default()), Push::bounded(8)));
    assert!(matches!(actor.stop_reason(), Some(StopReason::Abandoned)));
}

#[test]
fn an_abandoned_actors_messages_are_accounted_for() {
    let dead = Mutex::new(None);
    let question = Mutex::new(None);
    let actor = abandoned(|system, runtime| {
        *lock(&dead) = Some(Dead::watch(system));
        let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
        let asked = actor.clone();
        let mut ask: std::pin::Pin<Box<dyn Future<Output = bool>>> =
            Box::pin(async move { matches!(asked.ask(Job::Count).await, Err(AskError::NoReply)) });
        tell(&actor, Job::Note(1));
        tell(&actor, Job::Stuck(2));
        tell(&actor, Job::Note(3));
        assert!(poll_once(ask.as_mut()).is_pending());
        *lock(&question) = Some(ask);
        runtime.block_on(async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        });
        actor
    });
    let dead = lock(&dead).take().unwrap();
    assert_eq!(dead.of(DropReason::Stopped), [3]);
    let mut reasons: Vec<DropReason> = dead.all().into_iter().map(|(reason, _)| reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [DropReason::Stopped, DropReason::Stopped, DropReason::Interrupted]);
    let stats = actor.stats();
    assert_eq!((stats.handled, stats.drops.total()), (1, 3));
    let mut ask = lock(&question).take().unwrap();
    assert!(
        matches!(poll_once(ask.as_mut()), std::task::Poll::Ready(true)),
        "nobody waits for an answer that cannot come"
    );
}

#[test]
fn a_killed_actor_leaves_no_task_on_its_executor() {
    let (executor, system) = manual();
    for n in 0..20 {
        let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
        tell(
            &actor,
            Job::run(|_, cx| {
                let _ = cx.send_every(ms(1), || Job::Note(1));
                Ok(())
            }),
        );
        tell(&actor, Job::Stuck(1));
        executor.advance(ms(n));
        actor.kill();
    }
    executor.advance(Duration::from_secs(5));
    assert_eq!((executor.tasks(), system.len()), (0, 0));
}

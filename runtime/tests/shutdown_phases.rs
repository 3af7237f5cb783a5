//! Shutting down phase by phase: the order, the deadlines, who is late and what
//! it was doing, and what a second signal does.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use support::{Dead, Job, Log, Started, Worker, lock, manual, ms, poll_once, start};
use tidegate::prelude::*;
use tidegate::{Activity, DropReason, Executor, LateActor, ManualExecutor, Phase, Shutdown, ShutdownReport};

fn spawn(system: &System, name: &'static str, phase: Phase, log: &Log) -> ActorRef<Job> {
    let log = log.clone();
    system.build(move || Named { name, worker: Worker::new(&log) }).named(name).phase(phase).spawn()
}

/// A worker that says who has ended.
struct Named {
    name: &'static str,
    worker: Worker,
}

impl Actor for Named {
    type Msg = Job;

    async fn handle(&mut self, job: Job, cx: &mut Context<Self>) -> Result<(), Fault> {
        match job {
            Job::Slow(n, how_long) => {
                cx.sleep(how_long).await;
                self.worker.log.add(format_args!("{} {n}", self.name));
            }
            Job::Stuck(_) => std::future::pending().await,
            Job::Note(n) => self.worker.log.add(format_args!("{} {n}", self.name)),
            Job::Count(_) | Job::Do(_) => unreachable!("these tests do not send it"),
        }
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        self.worker.log.add(format_args!("{} {reason}", self.name));
    }
}

fn begin(executor: &ManualExecutor, system: &System, plan: Shutdown) -> Started<ShutdownReport> {
    let system = system.clone();
    start(executor, async move { system.shutdown_in_phases(plan).await })
}

fn names(actors: &[LateActor]) -> Vec<String> {
    actors.iter().map(ToString::to_string).collect()
}

/// Sends on what it gets.
struct Forward {
    to: ActorRef<Job>,
    work: Duration,
}

impl Actor for Forward {
    type Msg = u64;
    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(self.work).await;
        self.to.tell(Job::Note(n)).await.map_err(|error| Fault::msg(error.to_string()))?;
        Ok(())
    }
}

// ---- order --------------------------------------------------------------------------

#[test]
fn phases_end_in_their_order_and_who_drains_finds_the_next_alive() {
    let (executor, system) = manual();
    let log = Log::default();
    // Spawned in the wrong order on purpose.
    let ledger = spawn(&system, "ledger", Phase::STATE, &log);
    let to = ledger.clone();
    let orders = system.build(move || Forward { to: to.clone(), work: ms(10) }).named("orders").spawn();
    struct Intake(ActorRef<u64>);
    impl Actor for Intake {
        type Msg = u64;
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(ms(1)).await;
            self.0.tell(n).await?;
            Ok(())
        }
    }
    let to = orders.clone();
    let http = system.build(move || Intake(to.clone())).named("http").phase(Phase::INTAKE).spawn();
    for n in 0..5 {
        http.try_tell(n).unwrap();
    }
    executor.run_until_idle();
    let report = begin(&executor, &system, Shutdown::new());
    executor.run_until_idle();
    assert!(http.is_closed() && !orders.is_closed() && !ledger.is_closed());
    executor.advance(ms(5));
    assert!(http.stop_reason().is_some() && orders.is_closed() && !ledger.is_closed());
    executor.advance(ms(60));
    let report = report.take().expect("it is over");
    assert!(report.is_clean(), "{report}");
    assert_eq!(log.all(), ["ledger 0", "ledger 1", "ledger 2", "ledger 3", "ledger 4", "ledger drained"]);
    let phases: Vec<String> = report.phases.iter().map(ToString::to_string).collect();
    assert_eq!(
        phases,
        ["intake: 1 drained, 0 late, in 5ms", "work: 1 drained, 0 late, in 46ms", "state: 1 drained, 0 late, in 0ns"]
    );
}

/// What a single phase would do: the same system, all in one.
#[test]
fn without_phases_the_same_work_finds_the_next_gone() {
    let (executor, system) = manual();
    let log = Log::default();
    let ledger = spawn(&system, "ledger", Phase::WORK, &log);
    let orders = system.build(move || Forward { to: ledger.clone(), work: ms(10) }).spawn();
    orders.try_tell(1).unwrap();
    executor.run_until_idle();
    assert_eq!(executor.block_on(system.shutdown(ms(1000))).drained, 2);
    assert_eq!(log.all(), ["ledger drained"]);
    assert!(matches!(orders.stop_reason(), Some(StopReason::Failed(_))));
}

#[test]
fn phases_of_your_own_come_where_their_order_says() {
    let (executor, system) = manual();
    let log = Log::default();
    for (name, phase) in [("last", Phase::new(2000)), ("between", Phase::new(500)), ("work", Phase::WORK)] {
        spawn(&system, name, phase, &log);
    }
    executor.run_until_idle();
    let report = executor.block_on(system.shutdown_in_phases(Shutdown::new()));
    assert_eq!(log.all(), ["work drained", "between drained", "last drained"]);
    assert_eq!(report.phases.iter().map(|phase| phase.phase.order()).collect::<Vec<_>>(), [0, 500, 2000]);
}

#[test]
fn children_end_in_the_phase_of_their_parent_and_before_it() {
    let (executor, system) = manual();
    let log = Log::default();
    let children = log.clone();
    let parent = system.build(move || Worker::new(&children)).named("parent").phase(Phase::INTAKE).spawn();
    parent
        .try_tell(Job::run(|worker, cx| {
            let log = worker.log.clone();
            // A child's own phase says nothing.
            let child = cx.build_child(move || Worker::new(&log)).phase(Phase::STATE).spawn();
            child.try_tell(Job::Slow(1, ms(10))).unwrap();
            Ok(())
        }))
        .unwrap();
    let other = spawn(&system, "other", Phase::WORK, &log);
    executor.run_until_idle();
    let report = begin(&executor, &system, Shutdown::new());
    executor.advance(ms(9));
    assert!(parent.stop_reason().is_none() && !other.is_closed());
    executor.advance(ms(1));
    assert!(report.take().expect("it is over").is_clean());
    assert_eq!(log.take().split_off(2), ["1", "stopped: drained", "stopped: drained", "other drained"]);
}

#[test]
fn a_pool_and_its_workers_end_in_the_phase_of_the_pool() {
    let (executor, system) = manual();
    let log = Log::default();
    let workers = log.clone();
    let pool = system.pool(2, move || Worker::new(&workers)).phase(Phase::INTAKE).spawn();
    spawn(&system, "other", Phase::WORK, &log);
    executor.run_until_idle();
    for n in 1..=4 {
        pool.try_tell(Job::Slow(n, ms(10))).unwrap();
    }
    let report = executor.block_on(system.shutdown_in_phases(Shutdown::new()));
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.phases[0].to_string(), "intake: 1 drained, 0 late, in 20ms");
    assert_eq!(log.numbers(), [1, 2, 3, 4]);
    assert_eq!(log.all().last().unwrap(), "other drained");
}

// ---- who may start ------------------------------------------------------------------

#[test]
fn from_the_first_phase_on_the_system_starts_nobody_and_actors_start_children_until_the_last() {
    let (executor, system) = manual();
    let log = Log::default();
    let slow = spawn(&system, "intake", Phase::INTAKE, &log);
    slow.try_tell(Job::Slow(1, ms(10))).unwrap();
    let families = log.clone();
    let parent = system.build(move || Worker::new(&families)).named("parent").spawn();
    let birth = || {
        Job::run(|worker, cx| {
            let child = cx.spawn_child(Worker::new(&Log::default()), Push::bounded(1));
            worker.log.add(child.stop_reason().map_or_else(|| "born".to_owned(), |reason| reason.to_string()));
            Ok(())
        })
    };
    executor.run_until_idle();
    let report = begin(&executor, &system, Shutdown::new());
    executor.run_until_idle();
    let refused = spawn(&system, "late", Phase::STATE, &log);
    assert!(matches!(refused.stop_reason(), Some(StopReason::Refused)));
    parent.try_tell(birth()).unwrap();
    executor.run_until_idle();
    parent.try_tell(Job::Slow(2, ms(20))).unwrap();
    parent.try_tell(birth()).unwrap();
    executor.advance(ms(30));
    assert!(report.take().expect("it is over").is_clean());
    let births: Vec<String> = log.all().into_iter().filter(|line| line == "born" || line.contains("refused")).collect();
    assert_eq!(births, ["born", "refused: the system is shutting down"]);
}

// ---- deadlines ----------------------------------------------------------------------

#[test]
fn a_phase_that_is_late_is_killed_and_the_next_drains_undisturbed() {
    let (executor, system) = manual();
    let (log, dead) = (Log::default(), Dead::watch(&system));
    let intake = spawn(&system, "intake", Phase::INTAKE, &log);
    intake.try_tell(Job::Stuck(1)).unwrap();
    intake.try_tell(Job::Note(2)).unwrap();
    let worker = spawn(&system, "worker", Phase::WORK, &log);
    executor.run_until_idle();
    let report = begin(&executor, &system, Shutdown::new().phase(Phase::INTAKE, ms(30)).each(ms(50)));
    executor.advance(ms(29));
    worker.try_tell(Job::Slow(3, ms(40))).unwrap();
    executor.advance(ms(1));
    assert!(matches!(intake.stop_reason(), Some(StopReason::Killed)));
    executor.advance(ms(49));
    let report = report.take().expect("it is over");
    assert_eq!(names(&report.killed), ["/intake (working, 1 queued)"]);
    assert_eq!((report.killed[0].phase, report.killed[0].id), (Phase::INTAKE, intake.id()));
    assert_eq!((report.drained, report.undelivered), (1, 2));
    assert_eq!(log.all(), ["worker 3", "worker drained"]);
    assert_eq!(dead.of(DropReason::Stopped), [2]);
    assert_eq!(report.phases[0].to_string(), "intake: 0 drained, 1 late, in 30ms");
    // Forty from when it was told, which was a moment before its turn.
    assert_eq!(report.phases[1].to_string(), "work: 1 drained, 0 late, in 39ms");
}

#[test]
fn a_deadline_for_all_leaves_the_last_the_grace() {
    let (executor, system) = manual();
    let log = Log::default();
    for (name, phase) in [("intake", Phase::INTAKE), ("worker", Phase::WORK)] {
        spawn(&system, name, phase, &log).try_tell(Job::Stuck(1)).unwrap();
    }
    let state = spawn(&system, "state", Phase::STATE, &log);
    state.try_tell(Job::Slow(1, ms(130))).unwrap();
    executor.run_until_idle();
    let plan = Shutdown::new().phase(Phase::INTAKE, ms(40)).within(ms(100)).grace(ms(50));
    let report = executor.block_on(system.shutdown_in_phases(plan));
    assert_eq!(names(&report.killed), ["/intake (working)", "/worker (working)"]);
    assert_eq!(log.all(), ["state 1", "state drained"]);
    let took: Vec<Duration> = report.phases.iter().map(|phase| phase.took).collect();
    assert_eq!(took, [ms(40), ms(60), ms(30)]);
}

// ---- what the late were doing -------------------------------------------------------

#[test]
fn the_report_names_everybody_below_the_late_and_what_each_was_doing() {
    let (executor, system) = manual();
    let log = Log::default();
    let parent = system.build(move || Worker::new(&log)).named("parent").spawn();
    parent
        .try_tell(Job::run(|worker, cx| {
            for name in ["busy", "idle", "unborn"] {
                let log = worker.log.clone();
                match name {
                    "unborn" => drop(cx.build_child(|| NeverStarts).named(name).spawn()),
                    _ => {
                        let child = cx.build_child(move || Worker::new(&log)).named(name).spawn();
                        if name == "busy" {
                            child.try_tell(Job::Stuck(1)).unwrap();
                            child.try_tell(Job::Note(2)).unwrap();
                        }
                    }
                }
            }
            Ok(())
        }))
        .unwrap();
    let quick = system.build(|| Worker::new(&Log::default())).named("quick").spawn();
    executor.run_until_idle();
    let report = executor.block_on(system.shutdown(ms(20)));
    assert_eq!(
        names(&report.killed),
        ["/parent (stopping)", "/parent/busy (working, 1 queued)", "/parent/unborn (starting)"],
        "the idle child had ended, and the quick one is nobody's business"
    );
    assert_eq!(report.drained, 1);
    assert!(quick.stop_reason().is_some());
    assert_eq!(
        report.to_string(),
        "1 actors drained; 3 killed at the deadline: /parent (stopping), /parent/busy (working, 1 queued), \
         /parent/unborn (starting); 2 messages undelivered"
    );
}

/// Seen only while waits are watched, as they are in debug builds.
#[cfg(debug_assertions)]
#[test]
fn the_report_says_for_whom_the_late_wait() {
    enum Want {
        Room,
        Answer,
    }
    struct Sender(ActorRef<Job>);
    impl Actor for Sender {
        type Msg = Want;
        async fn handle(&mut self, want: Want, _cx: &mut Context<Self>) -> Result<(), Fault> {
            match want {
                Want::Room => drop(self.0.tell(Job::Note(3)).await),
                Want::Answer => drop(self.0.ask(Job::Count).await),
            }
            Ok(())
        }
    }
    let (executor, system) = manual();
    // Of a later phase: a mailbox that closes lets nobody wait.
    let stuck = |name: &'static str| {
        let actor = system.build(|| Worker::new(&Log::default())).named(name).phase(Phase::STATE);
        let actor = actor.mailbox(Push::bounded(1)).spawn();
        actor.try_tell(Job::Stuck(1)).unwrap();
        executor.run_until_idle();
        actor
    };
    let (full, slow) = (stuck("full"), stuck("slow"));
    full.try_tell(Job::Note(2)).unwrap();
    system.build(move || Sender(full.clone())).named("a").spawn().try_tell(Want::Room).unwrap();
    system.build(move || Sender(slow.clone())).named("b").spawn().try_tell(Want::Answer).unwrap();
    executor.run_until_idle();
    let report = executor.block_on(system.shutdown_in_phases(Shutdown::new().each(ms(20))));
    assert_eq!(
        names(&report.killed),
        [
            "/a (waiting for room in /full)",
            "/b (waiting for an answer of /slow)",
            "/full (working, 1 queued)",
            "/slow (working, 1 queued)"
        ]
    );
}

struct NeverStarts;

impl Actor for NeverStarts {
    type Msg = Job;
    async fn started(&mut self, _cx: &mut Context<Self>) -> Result<(), Fault> {
        std::future::pending().await
    }
    async fn handle(&mut self, _: Job, _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn one_that_backs_off_ends_at_once() {
    let (executor, system) = manual();
    let actor = system
        .build(|| Worker::new(&Log::default()))
        .restart(Restart::on_failure().backoff(tidegate::Backoff::exponential(ms(60_000), ms(60_000))))
        .spawn();
    actor.try_tell(Job::fail("broken")).unwrap();
    executor.run_until_idle();
    assert_eq!(actor.activity(), Activity::BackingOff);
    let report = executor.block_on(system.shutdown(ms(100)));
    assert!(report.killed.is_empty() && report.stuck.is_empty(), "{report}");
    assert_eq!(executor.now(), Duration::ZERO);
}

// ---- signals ------------------------------------------------------------------------

/// Signals that a test sends.
#[derive(Clone, Default)]
struct Signals(Arc<Mutex<(usize, VecDeque<Waker>)>>);

impl Signals {
    fn send(&self) {
        let wakers = {
            let mut state = lock(&self.0);
            state.0 += 1;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    async fn next(self) {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.0 > 0 {
                state.0 -= 1;
                return Poll::Ready(());
            }
            state.1.push_back(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn until(executor: &ManualExecutor, system: &System, signals: &Signals, plan: Shutdown) -> Started<ShutdownReport> {
    let (system, signals) = (system.clone(), signals.clone());
    start(executor, async move { system.run_until(|| signals.clone().next(), plan).await })
}

#[test]
fn the_first_signal_drains_by_the_plan() {
    let (executor, system) = manual();
    let (log, signals) = (Log::default(), Signals::default());
    let actor = spawn(&system, "worker", Phase::WORK, &log);
    let report = until(&executor, &system, &signals, Shutdown::new());
    executor.advance(ms(100_000));
    assert!(!actor.is_closed());
    actor.try_tell(Job::Slow(1, ms(10))).unwrap();
    signals.send();
    executor.advance(ms(10));
    let report = report.take().expect("it is over");
    assert!(report.is_clean(), "{report}");
    assert_eq!(log.all(), ["worker 1", "worker drained"]);
}

#[test]
fn the_second_signal_kills_what_is_left_in_all_phases() {
    let (executor, system) = manual();
    let (log, signals) = (Log::default(), Signals::default());
    let actors = [("intake", Phase::INTAKE), ("worker", Phase::WORK), ("state", Phase::STATE)]
        .map(|(name, phase)| spawn(&system, name, phase, &log));
    actors[1].try_tell(Job::Slow(1, ms(1000))).unwrap();
    let report = until(&executor, &system, &signals, Shutdown::new());
    executor.run_until_idle();
    signals.send();
    executor.advance(ms(500));
    assert!(actors[0].stop_reason().is_some() && actors[1].stop_reason().is_none());
    signals.send();
    executor.run_until_idle();
    let report = report.take().expect("it is over");
    assert_eq!(executor.now(), ms(500));
    assert_eq!(names(&report.killed), ["/worker (working)", "/state (parked)"]);
    assert_eq!((report.drained, report.undelivered), (1, 1));
    let phases: Vec<String> = report.phases.iter().map(ToString::to_string).collect();
    assert_eq!(
        phases,
        [
            "intake: 1 drained, 0 late, in 0ns",
            "work: 0 drained, 1 late, in 500ms",
            "state: 0 drained, 1 late, in 500ms"
        ]
    );
}

// ---- given up -----------------------------------------------------------------------

#[test]
fn a_shutdown_that_is_dropped_in_its_first_phase_drains_all_of_them() {
    let (executor, system) = manual();
    let log = Log::default();
    let slow = spawn(&system, "intake", Phase::INTAKE, &log);
    slow.try_tell(Job::Slow(1, ms(10))).unwrap();
    let state = spawn(&system, "state", Phase::STATE, &log);
    state.try_tell(Job::Slow(2, ms(20))).unwrap();
    executor.run_until_idle();
    let mut shutdown = Box::pin(system.shutdown_in_phases(Shutdown::new().each(ms(1))));
    assert!(poll_once(shutdown.as_mut()).is_pending());
    drop(shutdown);
    executor.advance(ms(20));
    assert_eq!(log.all(), ["intake 1", "intake drained", "state 2", "state drained"]);
    assert!(system.is_empty());
}

#[test]
fn shutting_down_twice_at_once_is_harmless() {
    let (executor, system) = manual();
    let log = Log::default();
    for (name, phase) in [("intake", Phase::INTAKE), ("state", Phase::STATE)] {
        spawn(&system, name, phase, &log).try_tell(Job::Slow(1, ms(10))).unwrap();
    }
    executor.run_until_idle();
    let (first, second) = (begin(&executor, &system, Shutdown::new()), begin(&executor, &system, Shutdown::new()));
    executor.advance(ms(20));
    for report in [first, second] {
        let report = report.take().expect("both are over");
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.drained, 2);
    }
}

/// On threads, while actors are spawned and start children: nobody is left, and
/// every message is accounted for.
#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_left_and_every_message_is_accounted_for() {
    struct Spawner {
        handled: Arc<Mutex<u64>>,
        children: u64,
    }
    impl Actor for Spawner {
        type Msg = u64;
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            *lock(&self.handled) += 1;
            if n.is_multiple_of(5) && self.children < 4 {
                self.children += 1;
                cx.spawn_child(Worker::new(&Log::default()), Push::bounded(1));
            }
            support::yield_now().await;
            Ok(())
        }
    }
    for round in 0..30 {
        let system = System::new();
        let handled = Arc::new(Mutex::new(0));
        let actors: Vec<ActorRef<u64>> = [Phase::INTAKE, Phase::WORK, Phase::STATE]
            .into_iter()
            .map(|phase| {
                let handled = Arc::clone(&handled);
                let make = move || Spawner { handled: Arc::clone(&handled), children: 0 };
                system.build(make).mailbox(Push::bounded(16)).phase(phase).spawn()
            })
            .collect();
        let (flowing, flows) = tokio::sync::oneshot::channel();
        let mut flowing = Some(flowing);
        let sender = tokio::spawn(async move {
            let mut accepted = 0;
            for n in 0.. {
                let before = accepted;
                for actor in &actors {
                    accepted += u64::from(actor.tell(n).await.is_ok());
                }
                if n == 20
                    && let Some(flowing) = flowing.take()
                {
                    flowing.send(()).unwrap();
                }
                if accepted == before {
                    break;
                }
            }
            accepted
        });
        flows.await.unwrap();
        let report = system.shutdown_in_phases(Shutdown::new()).await;
        let accepted = sender.await.unwrap();
        assert!(report.killed.is_empty() && report.stuck.is_empty(), "round {round}: {report}");
        assert_eq!(accepted, *lock(&handled) + report.undelivered, "round {round}: {report}");
        assert_eq!(report.undelivered, 0, "round {round}: nobody was killed");
        let left = system.inspect();
        assert!(left.actors.is_empty(), "round {round}: {left}");
    }
}

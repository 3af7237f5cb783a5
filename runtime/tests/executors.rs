//! Delivery is the same wherever actors run: one suite, on each executor.
//!
//! The tests wait for events and never for time: what has happened is told by
//! an answer or an end. A timer is waited for, on the clock there is.

#![cfg(all(feature = "tokio", feature = "thread", feature = "actix", not(tidegate_loom)))]

#[path = "executors/stage.rs"]
mod stage;
#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use stage::{Somewhere, Stage};
use support::{DropNote, Log, lock, modes, ms};
use tidegate::prelude::*;
use tidegate::{AnswerFuture, DeadLetterSubscription, DropReason, Local, LocalActor, Mode, TellWithinError};

/// On each executor, a test of this name that runs the function of this name.
macro_rules! on_every_executor {
    ($($test:ident)*) => {
        on_every_executor! { @ manual tokio_one_thread tokio_many_threads thread thread_each thread_shared arbiter
            arbiter_shared : [$($test)*] }
    };
    (@ $($stage:ident)* : $tests:tt) => { $(on_every_executor! { # $stage $tests })* };
    (# $stage:ident [$($test:ident)*]) => {
        mod $stage {
            $(#[test] fn $test() { super::stage::$stage(super::$test); })*
        }
    };
}

on_every_executor! {
    messages_of_one_sender_are_handled_in_order
    every_sender_keeps_its_order
    nothing_is_handled_that_was_not_asked_for
    senders_wait_for_room_and_pass_in_order
    a_policy_disposes_of_what_is_too_much
    a_permit_is_a_place_and_its_message_comes_when_it_is_sent
    a_change_of_mode_loses_nothing
    a_question_is_answered_or_says_why_not
    a_limit_ends_a_wait_and_hands_the_message_back
    timers_pass_the_queue_in_their_order
    a_repeated_timer_ticks_until_it_is_cancelled
    a_restart_keeps_the_queue
    the_stash_comes_back_in_order
    the_end_of_a_watched_actor_is_told
    stop_leaves_the_queue_to_the_dead_letters
    drain_handles_what_was_accepted
    kill_interrupts_a_handler_that_waits
    children_end_before_their_parent
    tasks_end_with_their_actor
    shutdown_drains_everybody
}

/// Does as it is told.
struct Player {
    log: Log,
    noted: u64,
    kept: Vec<Box<dyn std::any::Any + Send>>,
}

type Script = Box<dyn FnOnce(&mut Player, &mut Context<Player>) -> Result<(), Fault> + Send>;

enum Act {
    Note(u64),
    /// Says that it has come to the handler, and stays there until let go.
    Hold(Reply<()>, AnswerFuture<()>),
    Count(Reply<u64>),
    Do(Script),
}

impl Act {
    fn run(script: impl FnOnce(&mut Player, &mut Context<Player>) -> Result<(), Fault> + Send + 'static) -> Self {
        Self::Do(Box::new(script))
    }

    /// As `run`, for what cannot fail.
    fn apply(script: impl FnOnce(&mut Player, &mut Context<Player>) + Send + 'static) -> Self {
        Self::run(move |player, cx| {
            script(player, cx);
            Ok(())
        })
    }
}

impl Actor for Player {
    type Msg = Act;

    async fn started(&mut self, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add("started");
        Ok(())
    }

    async fn handle(&mut self, act: Act, cx: &mut Context<Self>) -> Result<(), Fault> {
        match act {
            Act::Note(n) => {
                self.noted += 1;
                self.log.add(n);
            }
            Act::Hold(here, release) => {
                let _ = here.send(());
                release.await;
            }
            Act::Count(reply) => drop(reply.send(self.noted)),
            Act::Do(script) => script(self, cx)?,
        }
        Ok(())
    }

    async fn terminated(&mut self, who: Terminated, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add(format_args!("{} {}", who.path, who.reason));
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Self>) {
        self.log.add(format_args!("{} {reason}", cx.path()));
    }
}

impl Stage {
    fn player(&self, log: &Log, mailbox: impl Into<Mailbox<Act>>) -> ActorRef<Act> {
        let log = log.clone();
        self.build(move || Player { log: log.clone(), noted: 0, kept: Vec::new() })
            .named("player")
            .mailbox(mailbox)
            .restart(Restart::on_failure().limit(3, Duration::from_secs(60)))
            .spawn()
    }
}

/// Keeps the handler busy until what this returns is answered or dropped.
async fn hold(actor: &ActorRef<Act>) -> Reply<()> {
    let ((here, came), (release, let_go)) = (Reply::channel(), Reply::channel());
    actor.tell(Act::Hold(here, let_go)).await.unwrap();
    came.await.unwrap();
    release
}

/// How many numbers this life has noted: after all that was sent before.
async fn count(player: &ActorRef<Act>) -> u64 {
    player.ask(Act::Count).await.unwrap()
}

/// Runs something in the handler, and waits until it has run.
async fn within<T: Send + 'static>(
    actor: &ActorRef<Act>,
    script: impl FnOnce(&mut Context<Player>) -> T + Send + 'static,
) -> T {
    let run = |reply: Reply<T>| {
        Act::run(move |_, cx| {
            let _ = reply.send(script(cx));
            Ok(())
        })
    };
    actor.ask(run).await.unwrap()
}

/// Hands numbers on, so that there is a sender beside the test.
struct Relay {
    to: ActorRef<Act>,
}

impl Actor for Relay {
    type Msg = (std::ops::Range<u64>, Reply<()>);
    async fn handle(&mut self, (numbers, done): Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        for n in numbers {
            self.to.tell(Act::Note(n)).await.map_err(|_| Fault::msg("refused"))?;
        }
        let _ = done.send(());
        Ok(())
    }
}

/// Numbers among the dead letters of a system, with why.
type Letters = Arc<Mutex<Vec<(DropReason, u64)>>>;

fn dead(system: &System) -> (Letters, DeadLetterSubscription) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let put = Arc::clone(&seen);
    let subscription = system.dead_letters().subscribe(move |letter| {
        let number = match letter.message.as_ref().and_then(|message| message.downcast_ref::<Act>()) {
            Some(Act::Note(n)) => *n,
            _ => u64::MAX,
        };
        lock(&put).push((letter.reason, number));
    });
    (seen, subscription)
}

// ---- delivery -------------------------------------------------------------------

async fn messages_of_one_sender_are_handled_in_order(stage: Stage) {
    for case in modes::<Act>(Overflow::Wait).into_iter().filter(|case| !case.manual) {
        let log = Log::default();
        let player = stage.player(&log, case.mailbox);
        for n in 0..200 {
            player.tell(Act::Note(n)).await.unwrap();
        }
        assert_eq!(count(&player).await, 200, "{}", case.name);
        assert_eq!(log.numbers(), (0..200).collect::<Vec<_>>(), "{}", case.name);
        let stats = player.stats();
        assert_eq!(stats.drops.total(), 0, "{}", case.name);
        player.stop();
        player.stopped().await;
    }
}

async fn every_sender_keeps_its_order(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let mut done = Vec::new();
    for sender in 0..3 {
        let to = player.clone();
        let relay = stage.build(move || Relay { to: to.clone() }).spawn();
        let (reply, answer) = Reply::channel();
        relay.tell((sender * 1000..sender * 1000 + 100, reply)).await.unwrap();
        done.push(answer);
    }
    for answer in done {
        answer.await.unwrap();
    }
    assert_eq!(count(&player).await, 300);
    let numbers = log.numbers();
    for sender in 0..3 {
        let own: Vec<u64> = numbers.iter().copied().filter(|n| n / 1000 == sender).collect();
        assert_eq!(own, (sender * 1000..sender * 1000 + 100).collect::<Vec<_>>());
    }
}

async fn nothing_is_handled_that_was_not_asked_for(stage: Stage) {
    let log = Log::default();
    let seen = log.clone();
    let asker = stage.build(move || support::Asker { first: 1, log: seen.clone() }).mailbox(Pull::manual()).spawn();
    // The first asks for two more, and those for none.
    for more in [2, 0, 0] {
        asker.tell(more).await.unwrap();
    }
    assert!(matches!(asker.try_tell(9), Err(SendError::NoDemand(9))));
    asker.drain();
    asker.stopped().await;
    assert_eq!(log.numbers(), [2, 0, 0]);
}

async fn senders_wait_for_room_and_pass_in_order(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(1));
    let release = hold(&player).await;
    player.tell(Act::Note(0)).await.unwrap();
    let to = player.clone();
    let relay = stage.build(move || Relay { to: to.clone() }).spawn();
    let (reply, passed) = Reply::channel();
    relay.tell((1..20, reply)).await.unwrap();
    assert!(matches!(player.try_tell(Act::Note(99)), Err(SendError::Full(Act::Note(99)))));
    release.send(()).unwrap();
    passed.await.unwrap();
    player.drain();
    player.stopped().await;
    assert_eq!(log.numbers(), (0..20).collect::<Vec<_>>());
}

async fn a_policy_disposes_of_what_is_too_much(stage: Stage) {
    use tidegate::DropReason as Why;
    let (letters, _subscription) = dead(&stage.system);
    /// What becomes of the third of two, what is handled, and what is dropped.
    type Case = (Overflow, Result<Admission, &'static str>, &'static [u64], &'static [(Why, u64)]);
    let cases: [Case; 6] = [
        (Overflow::Wait, Err("full"), &[1, 2], &[]),
        (Overflow::Reject, Err("full"), &[1, 2], &[]),
        (Overflow::DropNewest, Ok(Admission::Dropped), &[1, 2], &[(Why::DropNewest, 3)]),
        (Overflow::DropOldest, Ok(Admission::Displaced), &[2, 3], &[(Why::DropOldest, 1)]),
        (Overflow::Divert, Ok(Admission::Diverted), &[1, 2], &[(Why::Diverted, 3)]),
        (Overflow::Fail, Err("overflowed"), &[1, 2], &[]),
    ];
    for (policy, third, handled, died) in cases {
        lock(&letters).clear();
        let log = Log::default();
        let player = stage.player(&log, Push::bounded(2).overflow(policy));
        let release = hold(&player).await;
        for n in [1, 2] {
            // A grant shows that there is room again, which `hold` took.
            player.reserve().await.unwrap().send(Act::Note(n)).unwrap();
        }
        let told = player.try_tell(Act::Note(3));
        let found = told.map_err(|error| match error {
            SendError::Full(Act::Note(3)) => "full",
            SendError::Overflowed(Act::Note(3)) => "overflowed",
            _ => "something else",
        });
        assert_eq!(found, third, "{policy:?}");
        release.send(()).unwrap();
        player.drain();
        let reason = player.stopped().await;
        assert_eq!(matches!(reason, StopReason::Overflowed), policy == Overflow::Fail, "{reason}");
        assert_eq!(log.numbers(), handled, "{policy:?}");
        assert_eq!(*lock(&letters), died, "{policy:?}");
    }
}

async fn a_permit_is_a_place_and_its_message_comes_when_it_is_sent(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(2));
    let early = player.reserve().await.unwrap();
    player.tell(Act::Note(1)).await.unwrap();
    // The handler has passed it, and the place of the permit is still held.
    assert_eq!(count(&player).await, 1);
    let release = hold(&player).await;
    let other = player.reserve().await.unwrap();
    assert!(matches!(player.try_tell(Act::Note(9)), Err(SendError::Full(_))));
    drop(other);
    player.try_tell(Act::Note(2)).unwrap();
    early.send(Act::Note(3)).unwrap();
    release.send(()).unwrap();
    player.drain();
    player.stopped().await;
    assert_eq!(log.numbers(), [1, 2, 3]);
}

async fn a_change_of_mode_loses_nothing(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    for n in 0..300 {
        match n {
            50 => player.reconfigure(Pull::window(8)),
            100 => player.reconfigure(Adaptive::window(8)),
            150 => player.reconfigure(Pull::one_by_one()),
            200 => player.reconfigure(Push::bounded(2)),
            _ => {}
        }
        player.tell(Act::Note(n)).await.unwrap();
    }
    assert_eq!(count(&player).await, 300);
    assert_eq!(log.numbers(), (0..300).collect::<Vec<_>>());
    assert_eq!(player.mode(), Mode::Push);
}

// ---- questions and time ---------------------------------------------------------

async fn a_question_is_answered_or_says_why_not(stage: Stage) {
    let player = stage.player(&Log::default(), Push::bounded(4));
    assert_eq!(count(&player).await, 0);
    let dropped = player.ask(|reply: Reply<()>| Act::apply(move |_, _| drop(reply))).await;
    assert!(matches!(dropped, Err(AskError::NoReply)));
    let release = hold(&player).await;
    let late = player.ask_within(ms(5), Act::Count).await;
    assert!(matches!(late, Err(AskError::Timeout(None))), "it was let in");
    release.send(()).unwrap();
    player.stop();
    player.stopped().await;
    assert!(matches!(player.ask(Act::Count).await, Err(AskError::Refused(SendError::Closed(_)))));
}

async fn a_limit_ends_a_wait_and_hands_the_message_back(stage: Stage) {
    let player = stage.player(&Log::default(), Push::bounded(1));
    let release = hold(&player).await;
    player.tell(Act::Note(1)).await.unwrap();
    let told = player.tell_within(ms(5), Act::Note(2)).await;
    assert!(matches!(told, Err(TellWithinError::Timeout(Act::Note(2)))));
    release.send(()).unwrap();
    assert_eq!(count(&player).await, 1, "what came back was not sent");
}

async fn timers_pass_the_queue_in_their_order(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let (reply, fired) = Reply::channel();
    within(&player, move |cx| {
        cx.send_after(
            ms(20),
            Act::run(move |player, _| {
                player.log.add("late");
                let _ = reply.send(());
                Ok(())
            }),
        );
        cx.send_after(ms(2), Act::apply(|player, _| player.log.add("early")));
        let cancelled = cx.send_after(ms(1), Act::apply(|player, _| player.log.add("never")));
        cancelled.cancel();
    })
    .await;
    fired.await.unwrap();
    assert_eq!(log.take(), ["started", "early", "late"]);
}

async fn a_repeated_timer_ticks_until_it_is_cancelled(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let (tick, mut ticks) = tokio::sync::mpsc::unbounded_channel();
    let timer = within(&player, move |cx| {
        cx.send_every(ms(2), move || {
            let tick = tick.clone();
            Act::run(move |_, _| Ok(tick.send(())?))
        })
    })
    .await;
    for _ in 0..3 {
        ticks.recv().await.unwrap();
    }
    timer.cancel();
    // Ends when the timer has let go of its side.
    while ticks.recv().await.is_some() {}
}

// ---- lives ----------------------------------------------------------------------

async fn a_restart_keeps_the_queue(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(8));
    let release = hold(&player).await;
    player.tell(Act::run(|_, _| panic!("on purpose"))).await.unwrap();
    player.tell(Act::Note(1)).await.unwrap();
    player.tell(Act::run(|_, _| Err(Fault::msg("on purpose")))).await.unwrap();
    player.tell(Act::Note(2)).await.unwrap();
    release.send(()).unwrap();
    assert_eq!(count(&player).await, 1, "a new life counts from zero");
    assert_eq!(log.take(), ["started", "started", "1", "started", "2"]);
    let counts = stage.system.dead_letters().counts();
    assert_eq!((counts.of(DropReason::Interrupted), counts.total()), (1, 1), "that of the panic");
}

async fn the_stash_comes_back_in_order(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(8));
    let stash = |n| {
        Act::run(move |_, cx| {
            cx.stash(Act::Note(n)).map_err(|_| Fault::msg("full"))?;
            Ok(())
        })
    };
    for n in [1, 2] {
        player.tell(stash(n)).await.unwrap();
    }
    player.tell(Act::Note(0)).await.unwrap();
    player.tell(Act::apply(|_, cx| assert_eq!(cx.unstash_all(), 2))).await.unwrap();
    player.tell(Act::Note(3)).await.unwrap();
    player.drain();
    player.stopped().await;
    assert_eq!(log.numbers(), [0, 1, 2, 3]);
}

async fn the_end_of_a_watched_actor_is_told(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let other = stage.build(|| support::Asker { first: 0, log: Log::default() }).named("other").spawn();
    let watched = other.clone();
    within(&player, move |cx| cx.watch(&watched)).await;
    let release = hold(&player).await;
    player.tell(Act::Note(1)).await.unwrap();
    other.stop();
    other.stopped().await;
    release.send(()).unwrap();
    assert_eq!(count(&player).await, 1);
    // One that has gone already.
    within(&player, move |cx| cx.watch(&other)).await;
    assert_eq!(count(&player).await, 1);
    assert_eq!(log.take(), ["started", "/other stopped", "1", "/other stopped"]);
}

async fn stop_leaves_the_queue_to_the_dead_letters(stage: Stage) {
    let (letters, _subscription) = dead(&stage.system);
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let release = hold(&player).await;
    for n in [1, 2] {
        player.tell(Act::Note(n)).await.unwrap();
    }
    player.stop();
    release.send(()).unwrap();
    assert!(matches!(player.stopped().await, StopReason::Stopped));
    assert_eq!(*lock(&letters), [(DropReason::Stopped, 1), (DropReason::Stopped, 2)]);
    assert_eq!(log.take(), ["started", "/player stopped"]);
    assert!(matches!(player.tell(Act::Note(3)).await, Err(SendError::Closed(Act::Note(3)))));
}

async fn drain_handles_what_was_accepted(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let release = hold(&player).await;
    for n in [1, 2] {
        player.tell(Act::Note(n)).await.unwrap();
    }
    player.drain();
    release.send(()).unwrap();
    assert!(matches!(player.stopped().await, StopReason::Drained));
    assert_eq!(log.take(), ["started", "1", "2", "/player drained"]);
    assert_eq!(stage.system.dead_letters().counts().total(), 0);
}

async fn kill_interrupts_a_handler_that_waits(stage: Stage) {
    let (letters, _subscription) = dead(&stage.system);
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let _release = hold(&player).await;
    player.tell(Act::Note(1)).await.unwrap();
    player.kill();
    assert!(matches!(player.stopped().await, StopReason::Killed));
    let mut letters = lock(&letters).clone();
    letters.sort_by_key(|(_, number)| *number);
    assert_eq!(letters, [(DropReason::Stopped, 1), (DropReason::Interrupted, u64::MAX)]);
    assert_eq!(log.take(), ["started"], "a kill runs no hook");
}

async fn children_end_before_their_parent(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let seen = log.clone();
    let child = within(&player, move |cx| {
        cx.build_child(move || Player { log: seen.clone(), noted: 0, kept: Vec::new() }).named("child").spawn()
    })
    .await;
    assert_eq!(count(&child).await, 0);
    player.stop();
    player.stopped().await;
    assert!(child.stop_reason().is_some());
    assert_eq!(log.take(), ["started", "started", "/player/child stopped", "/player stopped"]);
}

async fn tasks_end_with_their_actor(stage: Stage) {
    let log = Log::default();
    let player = stage.player(&log, Push::bounded(4));
    let (reply, running) = Reply::channel();
    let (gone, dropped) = tokio::sync::oneshot::channel::<()>();
    within(&player, move |cx| {
        cx.spawn(async move {
            let _gone = gone;
            let _ = reply.send(());
            std::future::pending::<()>().await;
        });
    })
    .await;
    running.await.unwrap();
    player
        .tell(Act::apply(|player, _| player.kept.push(Box::new(DropNote(player.log.clone(), "dropped".into())))))
        .await
        .unwrap();
    player.drain();
    player.stopped().await;
    dropped.await.unwrap_err();
    assert_eq!(log.take(), ["started", "/player drained", "dropped"], "the state goes before the end is told");
}

async fn shutdown_drains_everybody(stage: Stage) {
    let log = Log::default();
    let players: Vec<_> = (0..5).map(|_| stage.player(&log, Push::bounded(8))).collect();
    for (n, player) in players.iter().enumerate() {
        for _ in 0..8 {
            player.tell(Act::Note(n as u64)).await.unwrap();
        }
    }
    let report = stage.system.shutdown(Duration::from_secs(20)).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.drained, log.numbers().len()), (5, 40));
    let late = stage.player(&log, Push::bounded(8));
    assert!(matches!(late.stop_reason(), Some(StopReason::Refused)));
}

// ---- actors that do not leave their thread --------------------------------------

/// What is not `Send`, and says where it ends.
struct Bound {
    shared: Rc<RefCell<Vec<u64>>>,
    home: ThreadId,
    ends: Arc<Mutex<Vec<bool>>>,
}

enum Doing {
    Add(u64, AnswerFuture<()>),
    Sum(Reply<(u64, bool)>),
    Panic,
    /// Is never handled.
    Stale,
}

impl LocalActor for Bound {
    type Msg = Doing;

    async fn handle(&mut self, msg: Doing, _cx: &mut Context<Local<Self>>) -> Result<(), Fault> {
        // Held over an await: the future is not `Send` either.
        let shared = Rc::clone(&self.shared);
        match msg {
            Doing::Add(n, go) => {
                go.await;
                shared.borrow_mut().push(n);
            }
            Doing::Sum(reply) => {
                let at_home = std::thread::current().id() == self.home;
                let _ = reply.send((shared.borrow().iter().sum(), at_home));
            }
            Doing::Panic => panic!("on purpose"),
            Doing::Stale => unreachable!("it has expired"),
        }
        Ok(())
    }

    fn expired(message: &Doing) -> bool {
        matches!(message, Doing::Stale)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        lock(&self.ends).push(std::thread::current().id() == self.home);
    }
}

async fn what_is_not_send_lives_and_ends_on_one_thread(system: System, there: Somewhere) {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&ends);
    let bound = system
        .build_local(there, move || Bound {
            shared: Rc::default(),
            home: std::thread::current().id(),
            ends: Arc::clone(&noted),
        })
        .mailbox(Pull::window(4))
        .restart(Restart::on_failure().limit(1, Duration::from_secs(60)))
        .spawn();
    for n in [1, 2, 3] {
        let (reply, go) = Reply::channel();
        bound.tell(Doing::Add(n, go)).await.unwrap();
        reply.send(()).unwrap();
    }
    assert_eq!(bound.ask(Doing::Sum).await.ok(), Some((6, true)));
    bound.tell(Doing::Stale).await.unwrap();
    bound.tell(Doing::Panic).await.unwrap();
    assert_eq!(bound.ask(Doing::Sum).await.ok(), Some((0, true)), "a new life begins with nothing");
    // Killed in the middle of a handler, which is dropped where it ran.
    let (_reply, never) = Reply::channel();
    bound.tell(Doing::Add(4, never)).await.unwrap();
    bound.kill();
    bound.stopped().await;
    assert_eq!(*lock(&ends), [true, true]);
    assert_eq!(system.dead_letters().counts().of(DropReason::Expired), 1);
}

async fn what_is_bound_cannot_be_moved(system: System, there: Somewhere) {
    let make = || Bound { shared: Rc::default(), home: std::thread::current().id(), ends: Arc::default() };
    let moved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(system.build_local(there, make).on(tidegate::ManualExecutor::new()));
    }));
    assert!(moved.is_err());
}

mod local {
    macro_rules! on_every_thread {
        ($($stage:ident)*) => { $(
            mod $stage {
                #[test]
                fn what_is_not_send_lives_and_ends_on_one_thread() {
                    crate::stage::local::$stage(crate::what_is_not_send_lives_and_ends_on_one_thread);
                }
                #[test]
                fn what_is_bound_cannot_be_moved() {
                    crate::stage::local::$stage(crate::what_is_bound_cannot_be_moved);
                }
            }
        )* };
    }
    on_every_thread! { manual thread arbiter }
}

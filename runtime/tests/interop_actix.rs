//! The bridges between actix actors and ours, both ways.

#![cfg(all(feature = "actix", not(tidegate_loom)))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::future::Future;
use std::sync::{Arc, Mutex};

use actix::Actor as _;
use support::lock;
use tidegate::interop::actix::{ActixExecutor, Front, Request, Tell, asker, recipient, teller};
use tidegate::prelude::*;
use tidegate::{AnswerFuture, AskError, DropReason};

fn on_arbiter<F: Future>(test: F) -> F::Output {
    actix::System::new().block_on(test)
}

/// An actix actor that notes, and answers when it is let to.
struct Neighbour {
    log: Arc<Mutex<Vec<u64>>>,
}

struct Note(u64, Option<AnswerFuture<()>>);

impl actix::Message for Note {
    type Result = u64;
}

struct Leave;

impl actix::Message for Leave {
    type Result = ();
}

impl actix::Actor for Neighbour {
    type Context = actix::Context<Self>;
}

impl actix::Handler<Note> for Neighbour {
    type Result = actix::ResponseFuture<u64>;

    fn handle(&mut self, Note(n, go): Note, _: &mut Self::Context) -> Self::Result {
        lock(&self.log).push(n);
        Box::pin(async move {
            if let Some(go) = go {
                go.await;
            }
            n + 100
        })
    }
}

impl actix::Handler<Leave> for Neighbour {
    type Result = ();

    fn handle(&mut self, Leave: Leave, cx: &mut Self::Context) {
        actix::ActorContext::stop(cx);
    }
}

fn neighbour() -> (actix::Addr<Neighbour>, Arc<Mutex<Vec<u64>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    (Neighbour { log: Arc::clone(&log) }.start(), log)
}

// ---- our mailbox before an actix actor ---------------------------------------------

#[test]
fn an_actix_actor_answers_behind_every_mode_and_in_order() {
    for case in support::modes::<Request<Note>>(Overflow::Wait).into_iter().filter(|case| !case.manual) {
        on_arbiter(async {
            let (to, log) = neighbour();
            // On the arbiter, and on the runtime's usual executor: the same.
            let system = System::with_executor(ActixExecutor::current());
            let front = system.spawn(Front::new(to), case.mailbox);
            let notes = front.map(Request::Tell);
            for n in 0..30 {
                notes.tell(Note(n, None)).await.unwrap();
            }
            let answer = front.ask(|reply| Request::Ask(Note(30, None), reply)).await.unwrap();
            assert_eq!(answer, 130, "{}", case.name);
            assert_eq!(*lock(&log), (0..31).collect::<Vec<_>>(), "{}", case.name);
        });
    }
}

#[test]
fn what_an_actix_actor_cannot_take_yet_waits_in_our_mailbox() {
    on_arbiter(async {
        let (to, log) = neighbour();
        let front = System::new().spawn(Front::new(to), Push::bounded(2));
        let (reply, go) = Reply::channel();
        front.tell(Request::Tell(Note(0, Some(go)))).await.unwrap();
        // Grants show that the first is in the handler.
        for n in [1, 2] {
            front.reserve().await.unwrap().send(Request::Tell(Note(n, None))).unwrap();
        }
        let full = front.try_tell(Request::Tell(Note(3, None)));
        assert!(matches!(full, Err(SendError::Full(Request::Tell(Note(3, None))))));
        reply.send(()).unwrap();
        front.drain();
        front.stopped().await;
        assert_eq!(*lock(&log), [0, 1, 2]);
    });
}

#[test]
fn a_front_under_pull_takes_nothing_before_the_last_is_answered() {
    on_arbiter(async {
        let (to, log) = neighbour();
        let front = System::new().spawn(Front::new(to), Pull::one_by_one());
        let (reply, go) = Reply::channel();
        front.tell(Request::Tell(Note(0, Some(go)))).await.unwrap();
        let early = front.try_tell(Request::Tell(Note(1, None)));
        assert!(early.is_err_and(|error| error.is_transient()));
        reply.send(()).unwrap();
        front.tell(Request::Tell(Note(2, None))).await.unwrap();
        front.drain();
        front.stopped().await;
        assert_eq!(*lock(&log), [0, 2]);
    });
}

#[test]
fn the_end_of_the_actix_actor_fails_its_front_and_the_rest_is_counted() {
    on_arbiter(async {
        let (to, _log) = neighbour();
        let system = System::new();
        let front = system.spawn(Front::<Note>::new(to.clone()), Push::bounded(4));
        to.send(Leave).await.unwrap();
        // One poll of the arbiter may pass until it has gone.
        while to.connected() {
            support::yield_now().await;
        }
        let asked = front.ask(|reply| Request::Ask(Note(1, None), reply)).await;
        assert!(matches!(asked, Err(AskError::NoReply)));
        let reason = front.stopped().await;
        assert_eq!(reason.to_string(), "failed: the actix actor has ended");
        assert!(matches!(front.tell(Request::Tell(Note(2, None))).await, Err(SendError::Closed(_))));
    });
}

#[test]
fn a_front_that_is_begun_anew_has_another_actix_actor() {
    on_arbiter(async {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (seen, actors) = (Arc::clone(&log), Arc::new(Mutex::new(Vec::new())));
        let started = Arc::clone(&actors);
        let arbiter = actix::Arbiter::current();
        let make = move || {
            let log = Arc::clone(&seen);
            let addr = Neighbour::start_in_arbiter(&arbiter, move |_| Neighbour { log });
            lock(&started).push(addr.clone());
            Front::<Note>::new(addr)
        };
        let restart = Restart::on_failure().limit(1, std::time::Duration::from_secs(60));
        let front = System::new().build(make).mailbox(Push::bounded(4)).restart(restart).spawn();
        assert_eq!(front.ask(|reply| Request::Ask(Note(1, None), reply)).await.unwrap(), 101);
        let first = lock(&actors)[0].clone();
        first.send(Leave).await.unwrap();
        while first.connected() {
            support::yield_now().await;
        }
        let lost = front.ask(|reply| Request::Ask(Note(2, None), reply)).await;
        assert!(matches!(lost, Err(AskError::NoReply)));
        assert_eq!(front.ask(|reply| Request::Ask(Note(3, None), reply)).await.unwrap(), 103);
        assert_eq!(*lock(&log), [1, 3]);
    });
}

#[test]
fn a_question_that_nobody_wants_any_more_is_not_handed_on() {
    on_arbiter(async {
        let (to, log) = neighbour();
        let front = System::new().spawn(Front::new(to), Push::bounded(4));
        let (reply, answer) = Reply::channel();
        drop(answer);
        front.tell(Request::Ask(Note(1, None), reply)).await.unwrap();
        front.drain();
        front.stopped().await;
        assert!(lock(&log).is_empty());
    });
}

// ---- our actor as an actix recipient ---------------------------------------------

/// Notes, and waits before the first message if it is to.
struct Ours {
    log: Arc<Mutex<Vec<u64>>>,
    go: Option<AnswerFuture<()>>,
}

struct Event(u64);

impl actix::Message for Event {
    type Result = ();
}

impl Actor for Ours {
    type Msg = Event;

    async fn handle(&mut self, Event(n): Event, _: &mut Context<Self>) -> Result<(), Fault> {
        if let Some(go) = self.go.take() {
            go.await;
        }
        lock(&self.log).push(n);
        Ok(())
    }
}

fn ours(system: &System, mailbox: impl Into<Mailbox<Event>>) -> (ActorRef<Event>, Reply<()>, Arc<Mutex<Vec<u64>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (reply, go) = Reply::channel();
    (system.spawn(Ours { log: Arc::clone(&log), go: Some(go) }, mailbox), reply, log)
}

#[test]
fn a_recipient_waits_for_our_grants_and_keeps_the_order() {
    on_arbiter(async {
        let (actor, go, log) = ours(&System::new(), Push::bounded(1));
        let to = recipient(&actor);
        let mut sends: Vec<_> = (0..20).map(|n| Box::pin(to.send(Event(n)))).collect();
        // The first is in the handler and the second in the mailbox.
        for send in &mut sends[..2] {
            send.await.unwrap();
        }
        for send in &mut sends[2..] {
            assert!(support::poll_once(send.as_mut()).is_pending());
        }
        go.send(()).unwrap();
        for send in &mut sends[2..] {
            send.await.unwrap();
        }
        actor.drain();
        actor.stopped().await;
        assert_eq!(*lock(&log), (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn what_a_recipient_cannot_hand_over_is_a_dead_letter() {
    on_arbiter(async {
        let system = System::new();
        let (actor, _go, _log) = ours(&system, Push::bounded(1).overflow(Overflow::Reject));
        let to = recipient(&actor);
        actor.tell(Event(0)).await.unwrap();
        // A grant shows that the first is in the handler.
        actor.reserve().await.unwrap().send(Event(1)).unwrap();
        to.send(Event(2)).await.unwrap();
        assert_eq!(system.dead_letters().counts().of(DropReason::DropNewest), 1);
    });
}

#[test]
fn a_teller_hands_back_what_was_refused() {
    on_arbiter(async {
        let (actor, _go, _log) = ours(&System::new(), Push::bounded(1).overflow(Overflow::Reject));
        let to = teller(&actor);
        assert_eq!(to.send(Tell(Event(0))).await.unwrap().ok(), Some(Admission::Queued));
        actor.reserve().await.unwrap().send(Event(1)).unwrap();
        let refused = to.send(Tell(Event(2))).await.unwrap();
        assert!(matches!(refused, Err(SendError::Full(Event(2)))));
    });
}

#[test]
fn a_recipient_is_disconnected_when_our_actor_has_ended() {
    on_arbiter(async {
        let (actor, _go, _log) = ours(&System::new(), Push::bounded(1));
        let to = teller(&actor);
        assert!(to.connected());
        actor.stop();
        actor.stopped().await;
        while to.connected() {
            support::yield_now().await;
        }
        assert_eq!(to.send(Tell(Event(1))).await.err(), Some(actix::MailboxError::Closed));
    });
}

struct Question(u64);

impl actix::Message for Question {
    type Result = Result<u64, AskError<()>>;
}

/// Answers the even ones at once, the others when the next comes.
struct Oracle {
    kept: Option<(u64, Reply<u64>)>,
}

impl Actor for Oracle {
    type Msg = (u64, Reply<u64>);

    async fn handle(&mut self, (n, reply): Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        if let Some((kept, reply)) = self.kept.take() {
            let _ = reply.send(kept * 10);
        }
        match n {
            0 => drop(reply),
            n if n % 2 == 0 => drop(reply.send(n * 10)),
            n => self.kept = Some((n, reply)),
        }
        Ok(())
    }
}

#[test]
fn questions_of_actix_actors_are_answered_and_do_not_wait_for_each_other() {
    on_arbiter(async {
        let oracle = System::new().spawn(Oracle { kept: None }, Push::bounded(1));
        let to = asker(&oracle, |Question(n), reply| (n, reply));
        // The answer to the first comes after the second was let in.
        let first = to.send(Question(1));
        assert_eq!(to.send(Question(2)).await.unwrap(), Ok(20));
        assert_eq!(first.await.unwrap(), Ok(10));
        assert_eq!(to.send(Question(0)).await.unwrap(), Err(AskError::NoReply));
        oracle.stop();
        oracle.stopped().await;
        let late = to.send(Question(2)).await;
        let closed = Err(AskError::Refused(SendError::Closed(())));
        assert!(late == Ok(closed) || late == Err(actix::MailboxError::Closed), "{late:?}");
    });
}

//! One actor without a system: its hooks and handler are called by the test.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::run_until;
use crate::actor::bonds::News;
use crate::actor::reference::To;
use crate::actor::{Actor, ActorRef, Context, Executor, Fault, Reply, StopReason, Terminated};
use crate::mailbox::core::Signal;
use crate::mailbox::{Mailbox, Receiver, Sender};
use crate::system::{ManualExecutor, System};

/// An actor in the hands of a test: its state is open, and each message is
/// handled when the test hands it over.
///
/// Nothing else calls it. What it sends to itself, and what its timers send,
/// waits until [`deliver`](Self::deliver) or [`advance`](Self::advance). Faults
/// come back as values; panics are panics of the test.
///
/// ```
/// use std::time::Duration;
/// use tidegate::prelude::*;
/// use tidegate::testkit::TestActor;
///
/// #[derive(Default)]
/// struct Session { user: Option<String>, expired: bool }
/// enum Msg { Login(String), Expire, Who(Reply<Option<String>>) }
/// impl Actor for Session {
///     type Msg = Msg;
///     async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
///         match msg {
///             Msg::Login(user) => {
///                 self.user = Some(user);
///                 cx.send_after(Duration::from_secs(900), Msg::Expire);
///             }
///             Msg::Expire => { self.expired = true; cx.stop(); }
///             Msg::Who(reply) => { let _ = reply.send(self.user.clone()); }
///         }
///         Ok(())
///     }
/// }
///
/// let mut session = TestActor::new(Session::default());
/// session.handle(Msg::Login("ada".into())).unwrap();
/// assert_eq!(session.user.as_deref(), Some("ada"));
/// assert_eq!(session.ask(Msg::Who), Some(Some("ada".into())));
/// session.advance(Duration::from_secs(900)).unwrap();
/// assert!(session.expired && session.is_stopping());
/// ```
pub struct TestActor<A: Actor> {
    // In this order: the context ends what it started while the rest is there.
    actor: A,
    cx: Context<A>,
    rx: Receiver<A::Msg>,
    me: ActorRef<A::Msg>,
    executor: ManualExecutor,
    system: System,
}

impl<A: Actor> TestActor<A> {
    /// `actor`, before its `started` hook.
    #[must_use]
    pub fn new(actor: A) -> Self {
        Self::with(actor, Mailbox::default())
    }

    /// `actor` with a mailbox of your choice, for what it sends to itself or
    /// [asks for](Context::request).
    #[must_use]
    pub fn with(actor: A, mailbox: impl Into<Mailbox<A::Msg>>) -> Self {
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let (me, rx) = system.by_hand("test", &mailbox.into());
        let cx = Context::new(sender(&me).clone(), Arc::clone(me.life()));
        Self { actor, cx, rx, me, executor, system }
    }

    /// Runs the `started` hook.
    ///
    /// # Errors
    /// Its fault.
    /// # Panics
    /// If it waits for something that never comes.
    pub fn started(&mut self) -> Result<(), Fault> {
        self.executor.block_on(self.actor.started(&mut self.cx))
    }

    /// Handles `message`. Time passes if the handler waits for it.
    ///
    /// # Errors
    /// The handler's fault.
    /// # Panics
    /// If the handler waits for something that never comes.
    pub fn handle(&mut self, message: A::Msg) -> Result<(), Fault> {
        self.executor.block_on(self.actor.handle(message, &mut self.cx))
    }

    /// Handles a question and takes its answer; `None` if it was not answered.
    ///
    /// # Panics
    /// If the handler returns a fault, or waits for something that never comes.
    #[track_caller]
    pub fn ask<R>(&mut self, question: impl FnOnce(Reply<R>) -> A::Msg) -> Option<R> {
        let (reply, answer) = Reply::channel();
        if let Err(fault) = self.handle(question(reply)) {
            panic!("asked, the actor failed: {fault}");
        }
        let mut answer = pin!(answer);
        run_until(&self.executor, Duration::ZERO, || {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            match answer.as_mut().poll(&mut cx) {
                std::task::Poll::Ready(answer) => Some(answer),
                std::task::Poll::Pending => None,
            }
        })
        .flatten()
    }

    /// Runs the `terminated` hook, as for an actor that it watches.
    ///
    /// # Errors
    /// Its fault.
    pub fn terminated(&mut self, who: Terminated) -> Result<(), Fault> {
        self.executor.block_on(self.actor.terminated(who, &mut self.cx))
    }

    /// Runs the `stopped` hook, and hands the actor back.
    pub fn stopped(mut self, reason: &StopReason) -> A {
        self.executor.block_on(self.actor.stopped(reason, &mut self.cx));
        self.actor
    }

    /// Handles what the actor has taken back out of its stash, what it has sent
    /// to itself, what its timers have sent, and the ends of actors that it
    /// watches, until nothing is left at the present time. Returns how many
    /// there were.
    ///
    /// # Errors
    /// The first fault; what comes after it waits.
    pub fn deliver(&mut self) -> Result<usize, Fault> {
        let mut delivered = 0;
        loop {
            self.executor.run_until_idle();
            if let Some(message) = self.cx.next_unstashed() {
                self.hand_over(message)?;
                delivered += 1;
                continue;
            }
            match sender(&self.me).core().lane.next() {
                Some(Signal::Timer(message, timer)) => {
                    let Some(message) = sender(&self.me).core().take_tick(message, timer) else { continue };
                    self.hand_over(message)?;
                }
                Some(Signal::Notice(news)) => match news.downcast_ref::<News>() {
                    Some(news) => match self.cx.learn(news)? {
                        Some(news) => self.terminated(news)?,
                        None => continue,
                    },
                    None => continue,
                },
                Some(Signal::Stop | Signal::Kill) => self.cx.stop(),
                Some(Signal::Drain) => self.cx.drain(),
                Some(Signal::Reconfigure(_) | Signal::Retire | Signal::Renew) => continue,
                None => match self.rx.try_recv() {
                    Ok(message) => self.hand_over(message)?,
                    Err(_) => return Ok(delivered),
                },
            }
            delivered += 1;
        }
    }

    /// To the handler, unless it has expired.
    fn hand_over(&mut self, message: A::Msg) -> Result<(), Fault> {
        if A::expired(&message) {
            sender(&self.me).core().bury_expired(message);
            return Ok(());
        }
        self.handle(message)
    }

    /// Lets time pass, and [delivers](Self::deliver) what comes, each at its
    /// time.
    ///
    /// # Errors
    /// The first fault; time has passed up to it.
    pub fn advance(&mut self, by: Duration) -> Result<(), Fault> {
        let until = self.executor.now() + by;
        loop {
            self.deliver()?;
            let next = self.executor.next_timer().filter(|at| *at <= until);
            self.executor.advance(next.unwrap_or(until).saturating_sub(self.executor.now()));
            if next.is_none() {
                return self.deliver().map(drop);
            }
        }
    }

    /// Whether it has told itself to stop or to drain.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.cx.stopping.is_some()
    }

    /// A reference to it; what is sent there waits for
    /// [`deliver`](Self::deliver).
    #[must_use]
    pub fn me(&self) -> ActorRef<A::Msg> {
        self.me.clone()
    }

    /// Its context.
    pub fn context(&mut self) -> &mut Context<A> {
        &mut self.cx
    }

    /// The time since it was made.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.executor.now()
    }

    /// The system that its children and whoever it talks to may live in.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.system
    }
}

fn sender<M>(me: &ActorRef<M>) -> &Sender<M> {
    match me.target() {
        To::Mailbox(sender) => sender,
        To::Route(_) => unreachable!("opened by hand, and not mapped"),
    }
}

impl<A: Actor> Deref for TestActor<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.actor
    }
}

impl<A: Actor> DerefMut for TestActor<A> {
    fn deref_mut(&mut self) -> &mut A {
        &mut self.actor
    }
}

impl<A: Actor> fmt::Debug for TestActor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestActor").field("now", &self.now()).finish_non_exhaustive()
    }
}

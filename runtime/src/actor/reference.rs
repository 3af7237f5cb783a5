//! References to actors.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::activity::Activity;
use super::ask::{AskError, Reply};
use super::fate;
use super::lifecycle::{ActorId, ActorPath, Life, StopReason, Stopped};
use super::mapped::{Mapped, Route};
use super::tell::{Asking, TellRef};
use super::waits::{Waited, Watched};
use super::weak::{WeakActorRef, WeakTo};
use crate::mailbox::core::{Ending, Signal};
use crate::mailbox::{
    Admission, Mailbox, MailboxStats, Mode, Permit, Permits, Pressure, ReserveError, ReserveManyError, SendError,
    Sender, TryReserveError,
};
use crate::sync::access;

/// A reference to an actor that takes messages of type `M`.
///
/// Typed by the message, not by the actor: the same type whatever is behind
/// it. Cheap to clone, and equal to its clones. It does not keep the actor
/// alive: an actor lives until it stops, or its parent or system does.
pub struct ActorRef<M> {
    pub(super) to: To<M>,
    pub(super) life: Arc<Life>,
}

pub(crate) enum To<M> {
    Mailbox(Sender<M>),
    Route(Arc<dyn Route<M>>),
}

impl<M> ActorRef<M> {
    pub(crate) fn new(sender: Sender<M>, life: Arc<Life>) -> Self {
        Self { to: To::Mailbox(sender), life }
    }

    pub(crate) fn life(&self) -> &Arc<Life> {
        &self.life
    }

    pub(crate) fn target(&self) -> &To<M> {
        &self.to
    }

    /// The actor's number, the same for all references to it.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.life.id
    }

    /// Where the actor is in its system.
    #[must_use]
    pub fn path(&self) -> &ActorPath {
        &self.life.path
    }

    /// Waits until the actor has ended, and tells why. Also afterwards, and
    /// for any number of waiters.
    pub fn stopped(&self) -> Stopped {
        Stopped::new(Arc::clone(&self.life))
    }

    /// What the actor is doing. For people: it may be out of date at once.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.life.activity()
    }

    /// Why the actor ended, if it has.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.life.ended()
    }
}

impl<M: Send + 'static> ActorRef<M> {
    /// Sends `message`; under [`Overflow::Wait`](crate::Overflow::Wait) it
    /// waits for a grant, behind those who waited before. Under every other
    /// policy it resolves at once.
    ///
    /// # Errors
    /// [`SendError`], with the message: `Closed` if the actor has ended or
    /// ends while this waits; what the policy says if it refuses.
    /// # Cancel safety
    /// Cancel safe: a message whose `tell` is dropped while waiting has not
    /// been sent and is dropped with it.
    /// # Ordering
    /// Messages of one sender are handled in the order in which their `tell`s
    /// resolved.
    /// # Examples
    /// ```
    /// # use tidegate::prelude::*;
    /// # struct Log; impl Actor for Log { type Msg = String;
    /// # async fn handle(&mut self, _: String, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let log = System::new().spawn(Log, Push::bounded(64));
    /// let admission = log.tell("started".to_owned()).await.unwrap();
    /// assert_eq!(admission, Admission::Queued);
    /// # }
    /// ```
    #[inline]
    pub fn tell(&self, message: M) -> TellRef<'_, M> {
        TellRef::new(self, message)
    }

    /// Sends `message` without ever waiting.
    ///
    /// # Errors
    /// [`SendError`], with the message: `Full` or `NoDemand` under the waiting
    /// and rejecting policies, `Closed`, or `Overflowed`.
    #[inline]
    pub fn try_tell(&self, message: M) -> Result<Admission, SendError<M>> {
        let message = if access::is_exploring() {
            access::act();
            let Some(message) = fate::send(self, message) else { return Ok(Admission::Queued) };
            message
        } else {
            message
        };
        match &self.to {
            To::Mailbox(sender) => sender.try_tell(message),
            To::Route(route) => super::mapped::try_put(&**route, message, |message| message),
        }
    }

    /// Asks: `question` makes the message around the reply to be sent.
    /// Waits for a grant as [`tell`](Self::tell) does, and for the answer as
    /// long as it may come.
    ///
    /// # Errors
    /// [`AskError::Refused`] if the question was not let in, and
    /// [`AskError::NoReply`] if it will not be answered.
    /// # Cancel safety
    /// Dropped while waiting for the answer, the question may still be handled.
    /// # Examples
    /// ```
    /// use tidegate::prelude::*;
    /// enum Msg { Double(u64, Reply<u64>) }
    /// struct Doubler;
    /// impl Actor for Doubler {
    ///     type Msg = Msg;
    ///     async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
    ///         let Msg::Double(n, reply) = msg;
    ///         let _ = reply.send(2 * n);
    ///         Ok(())
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let doubler = System::new().spawn(Doubler, Push::bounded(8));
    /// assert_eq!(doubler.ask(|reply| Msg::Double(21, reply)).await.unwrap(), 42);
    /// # }
    /// ```
    pub async fn ask<R>(&self, question: impl FnOnce(Reply<R>) -> M) -> Result<R, AskError<M>> {
        let (reply, answer) = Reply::channel();
        // Explored, a wait is to be seen too.
        if self.life.world.waits.are_watched() || access::is_exploring() {
            return Box::pin(Asking::new(self, question(reply), answer)).await;
        }
        self.tell(question(reply)).await.map_err(AskError::Refused)?;
        answer.await.ok_or(AskError::NoReply)
    }

    /// Waits for a grant and sets it aside; see
    /// [`Sender::reserve`](crate::mailbox::Sender::reserve).
    ///
    /// # Errors
    /// [`ReserveError`] if the actor has ended, or ends while this waits.
    /// # Cancel safety
    /// Cancel safe: nothing is spent; the place in the queue is given up.
    pub async fn reserve(&self) -> Result<Permit<M>, ReserveError> {
        match &self.to {
            To::Mailbox(sender) => match Watched::for_room(sender.reserve(), &self.life, 1).await {
                Waited::Done(permit) => Ok(permit?),
                Waited::Deadlock(cycle) => Err(ReserveError::Deadlock(cycle)),
            },
            To::Route(route) => Ok(Permit::mapped(route.reserve().await?)),
        }
    }

    /// Waits for `n` grants at once and sets them aside.
    ///
    /// # Errors
    /// [`ReserveManyError`]: the actor has ended, or so many are never free
    /// together under its mailbox's terms.
    /// # Panics
    /// If `n` is 0 or more than the capacity; on a [mapped](Self::map)
    /// reference, which reserves one by one.
    pub async fn reserve_many(&self, n: usize) -> Result<Permits<M>, ReserveManyError> {
        match &self.to {
            To::Mailbox(sender) => match Watched::for_room(sender.reserve_many(n), &self.life, n as u64).await {
                Waited::Done(permits) => permits,
                Waited::Deadlock(cycle) => Err(ReserveManyError::Deadlock(cycle)),
            },
            To::Route(_) => panic!("a mapped reference reserves grants one by one"),
        }
    }

    /// Sets a grant aside if there is one.
    ///
    /// # Errors
    /// [`TryReserveError`] if there is none now, or never will be.
    pub fn try_reserve(&self) -> Result<Permit<M>, TryReserveError> {
        match &self.to {
            To::Mailbox(sender) => sender.try_reserve(),
            To::Route(route) => route.try_reserve().map(Permit::mapped),
        }
    }

    /// The level of pressure on the actor's mailbox, and its changes.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        match &self.to {
            To::Mailbox(sender) => sender.pressure(),
            To::Route(route) => route.pressure(),
        }
    }

    /// How many messages may wait at most; `None` if any number may.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        match &self.to {
            To::Mailbox(sender) => sender.capacity(),
            To::Route(route) => route.capacity(),
        }
    }

    /// How many messages would be let in now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.stats().free
    }

    /// How many accepted messages wait to be handled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stats().len
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the actor takes no more messages.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.to {
            To::Mailbox(sender) => sender.is_closed(),
            To::Route(route) => route.is_closed(),
        }
    }

    /// How messages are delivered at present.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.stats().mode
    }

    /// The mailbox's numbers.
    #[must_use]
    pub fn stats(&self) -> MailboxStats {
        match &self.to {
            To::Mailbox(sender) => sender.stats(),
            To::Route(route) => route.stats(),
        }
    }

    /// Other terms for the actor's mailbox, while it runs: mode, capacity,
    /// policy. They take effect between two messages. What was granted stays
    /// granted; nothing is lost and no message is overtaken. Without effect if
    /// the actor has ended.
    ///
    /// # Panics
    /// On a [mapped](Self::map) reference, if `mailbox` conflates: its key and
    /// merge functions are those of another message type.
    pub fn reconfigure(&self, mailbox: impl Into<Mailbox<M>>) {
        match &self.to {
            To::Mailbox(sender) => sender.reconfigure(mailbox),
            To::Route(route) => match mailbox.into().cast() {
                Some(mailbox) => route.reconfigure(mailbox),
                None => panic!("a mapped reference cannot say how other messages are conflated"),
            },
        }
    }

    /// Tells the actor to stop after its present message. What is queued goes
    /// to the dead letters.
    pub fn stop(&self) {
        self.signal(&|| Signal::Stop, &|route| route.halt(Halt::Stop));
    }

    /// Tells the actor to take no more messages, handle those it has accepted,
    /// and stop.
    pub fn drain(&self) {
        self.signal(&|| Signal::Drain, &|route| route.halt(Halt::Drain));
        // At once, also while a handler runs; behind the signal, so that the
        // end of the queue is met by an actor that drains.
        if let To::Mailbox(sender) = &self.to {
            sender.core().close(Ending::Closed);
        }
    }

    /// Ends the actor now, in the middle of its handler if that awaits. Its
    /// `stopped` hook does not run. A handler that does not await cannot be
    /// interrupted: the actor ends when it returns.
    pub fn kill(&self) {
        self.signal(&|| Signal::Kill, &|route| route.halt(Halt::Kill));
    }

    pub(super) fn signal(&self, signal: &dyn Fn() -> Signal<M>, route_to: &dyn Fn(&dyn Route<M>)) {
        access::act();
        match &self.to {
            // Nobody there means nobody to end.
            To::Mailbox(sender) => drop(sender.core().signal(signal())),
            To::Route(route) => route_to(&**route),
        }
    }

    /// A reference that takes messages of another type and makes this one's
    /// of them. The same actor: the same id, and equal end.
    ///
    /// `f` is called when a message has been let in, in the sender's context;
    /// a message that is refused comes back as it was. If `f` panics the
    /// sender panics and nothing is sent. Under an evicting policy it runs under
    /// the mailbox's lock: keep it short, and out of it what touches this actor.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
    /// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let sum = System::new().spawn(Sum(0), Push::bounded(8));
    /// let lengths: ActorRef<String> = sum.map(|text: String| text.len() as u64);
    /// lengths.tell("twelve chars".to_owned()).await.unwrap();
    /// assert_eq!(lengths.id(), sum.id());
    /// # }
    /// ```
    #[must_use]
    pub fn map<N: Send + 'static>(&self, f: impl Fn(N) -> M + Send + Sync + 'static) -> ActorRef<N> {
        ActorRef { to: To::Route(Arc::new(Mapped::new(self.clone(), f))), life: Arc::clone(&self.life) }
    }

    /// A reference that tells whether the actor is still there.
    #[must_use]
    pub fn downgrade(&self) -> WeakActorRef<M> {
        WeakActorRef {
            to: match &self.to {
                To::Mailbox(sender) => WeakTo::Mailbox(sender.downgrade()),
                To::Route(route) => WeakTo::Route(Arc::clone(route)),
            },
            life: Arc::clone(&self.life),
        }
    }
}

/// The three ways to end an actor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Halt {
    Stop,
    Drain,
    Kill,
}

impl<M> Clone for ActorRef<M> {
    fn clone(&self) -> Self {
        Self {
            to: match &self.to {
                To::Mailbox(sender) => To::Mailbox(sender.clone()),
                To::Route(route) => To::Route(Arc::clone(route)),
            },
            life: Arc::clone(&self.life),
        }
    }
}

impl<M> PartialEq for ActorRef<M> {
    fn eq(&self, other: &Self) -> bool {
        self.life.id == other.life.id
    }
}

impl<M> Eq for ActorRef<M> {}

impl<M> Hash for ActorRef<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.life.id.hash(state);
    }
}

impl<M> fmt::Debug for ActorRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorRef({}{})", self.life.path, self.life.id)
    }
}

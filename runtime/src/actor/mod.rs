//! Floor 3: actors, their context, references to them, and one actor's step.

mod activity;
mod ask;
pub(crate) mod bonds;
pub(crate) mod cell;
mod context;
mod deadline;
pub(crate) mod emit;
mod executor;
pub(crate) mod fate;
pub(crate) mod fault;
pub(crate) mod lifecycle;
mod mapped;
#[cfg(feature = "metrics")]
mod metering;
pub(crate) mod open;
pub(crate) mod panic;
mod post;
pub(crate) mod reference;
pub(crate) mod reserving;
mod stash;
mod tell;
mod timers;
pub(crate) mod waits;
mod weak;
mod within;
pub(crate) mod world;

use std::future::{Future, ready};

pub use self::activity::Activity;
pub(crate) use self::activity::Doing;
pub use self::ask::{AnswerFuture, AskError, Reply};
pub use self::bonds::{Escalated, LinkFailed};
pub(crate) use self::context::Child;
pub use self::context::{Context, InFlight};
pub use self::deadline::Deadline;
pub use self::executor::{BoxTask, Executor};
pub use self::fault::Fault;
pub(crate) use self::lifecycle::Life;
pub use self::lifecycle::{ActorId, ActorPath, StopReason, Stopped, Terminated};
pub use self::panic::Panic;
pub use self::reference::ActorRef;
pub use self::stash::StashFull;
pub use self::tell::TellRef;
pub use self::timers::{Missed, TimerHandle, Timers};
pub use self::waits::{Deadlocks, Waiting, WaitingFor};
pub use self::weak::WeakActorRef;

/// Something that handles messages, one at a time.
///
/// State is plain fields: a handler has `&mut self`, may await, and nothing
/// else runs on the actor meanwhile. What it returns as an error, or panics
/// with, is the supervisor's business: the actor is restarted or stopped, as
/// it was spawned; the sender is not concerned.
///
/// The attribute [`#[actor]`](macro@crate::actor) writes this from methods.
///
/// ```
/// use tidegate::prelude::*;
///
/// enum Msg { Add(u64), Total(Reply<u64>) }
/// #[derive(Default)]
/// struct Counter { total: u64 }
///
/// impl Actor for Counter {
///     type Msg = Msg;
///     async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
///         match msg {
///             Msg::Add(n) => self.total += n,
///             Msg::Total(reply) => { let _ = reply.send(self.total); }
///         }
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let counter = System::new().spawn(Counter::default(), Push::bounded(1024));
/// counter.tell(Msg::Add(2)).await.unwrap();
/// assert_eq!(counter.ask(Msg::Total).await.unwrap(), 2);
/// # }
/// ```
pub trait Actor: Sized + Send + 'static {
    /// What it handles. An enum, usually: matched exhaustively, moved into the
    /// mailbox without allocation.
    type Msg: Send + 'static;

    /// Runs before the first message, in every life: also after a restart.
    ///
    /// # Errors
    /// A fault here is treated as one in a handler.
    fn started(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = cx;
        ready(Ok(()))
    }

    /// Handles one message.
    ///
    /// # Errors
    /// A fault ends this life: the actor is restarted or stopped.
    fn handle(&mut self, msg: Self::Msg, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Whether `message` has become worthless before its turn has come: nobody
    /// waits for the answer any more, or its deadline has passed. Such a message
    /// is not handled; it goes to the dead letters as
    /// [`Expired`](crate::DropReason::Expired). What it was let in for is given
    /// back: under [`Pull`](crate::Pull) another message may come in its place.
    ///
    /// Asked for each message just before it is handled, so it is to be quick,
    /// and not to panic. The default is that none expires, and costs nothing.
    /// `#[actor]` writes it for messages that are answered, and for those with a
    /// [`Deadline`]; by hand:
    ///
    /// ```
    /// use tidegate::prelude::*;
    /// enum Msg { Add(u64), Total(Reply<u64>) }
    /// # struct Sum(u64);
    /// impl Actor for Sum {
    ///     type Msg = Msg;
    ///     fn expired(message: &Msg) -> bool {
    ///         matches!(message, Msg::Total(reply) if reply.is_unwanted())
    ///     }
    /// #   async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
    /// #       match msg { Msg::Add(n) => self.0 += n, Msg::Total(reply) => { let _ = reply.send(self.0); } }
    /// #       Ok(())
    /// #   }
    ///     // ..
    /// }
    /// let (reply, answer) = Reply::channel();
    /// drop(answer);
    /// assert!(Sum::expired(&Msg::Total(reply)) && !Sum::expired(&Msg::Add(1)));
    /// ```
    #[must_use]
    #[inline]
    fn expired(message: &Self::Msg) -> bool {
        let _ = message;
        false
    }

    /// An actor watched with [`Context::watch`] has ended. Ahead of all queued
    /// messages.
    ///
    /// # Errors
    /// A fault here is treated as one in a handler.
    fn terminated(
        &mut self,
        who: Terminated,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = (who, cx);
        ready(Ok(()))
    }

    /// Runs at the end, before the mailbox is closed for good; not after a
    /// kill, a panic or an abandonment, which leave nothing to run, and not
    /// when the end comes between two lives.
    fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Self>) -> impl Future<Output = ()> + Send {
        let _ = (reason, cx);
        ready(())
    }
}

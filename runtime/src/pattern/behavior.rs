//! Behaviours: actors whose states are values of their own.

use std::fmt;
use std::future::{Future, ready};

use crate::actor::{Actor, Context, Fault, StopReason, Terminated};

/// A state of an actor that knows what to do with the next message: handling it
/// returns the state that follows.
///
/// For actors that do something else with the same message, depending on what
/// came before. What belongs to a state lives in it, and is gone with it; what
/// cannot be handled yet goes to the [stash](Context::stash). The usual shape is
/// an enum with a variant for each state, and a `match` on state and message
/// together, of which the compiler says whether it is complete.
///
/// [`Behaving`] makes an actor of it.
///
/// ```
/// use tidegate::pattern::{Behaving, Behavior};
/// use tidegate::prelude::*;
///
/// enum Door { Open, Closed { knocks: u32 } }
/// enum Msg { Knock, Open, Close, Knocks(Reply<u32>) }
///
/// impl Behavior for Door {
///     type Msg = Msg;
///     async fn handle(self, msg: Msg, cx: &mut Context<Behaving<Self>>) -> Result<Self, Fault> {
///         Ok(match (self, msg) {
///             (Door::Closed { knocks }, Msg::Knock) => Door::Closed { knocks: knocks + 1 },
///             (Door::Closed { knocks }, Msg::Knocks(reply)) => {
///                 let _ = reply.send(knocks);
///                 Door::Closed { knocks }
///             }
///             (Door::Closed { .. }, Msg::Open) => Door::Open,
///             (Door::Open, Msg::Close) => {
///                 cx.unstash_all();
///                 Door::Closed { knocks: 0 }
///             }
///             // Nobody counts knocks on an open door; asked, it answers later.
///             (Door::Open, question @ Msg::Knocks(_)) => {
///                 cx.stash(question).map_err(|full| Fault::msg(full.to_string()))?;
///                 Door::Open
///             }
///             (same, _) => same,
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let door = System::new().spawn(Behaving::new(Door::Closed { knocks: 0 }), Push::bounded(8));
/// for msg in [Msg::Knock, Msg::Open, Msg::Knock, Msg::Close, Msg::Knock, Msg::Knock] {
///     door.tell(msg).await.unwrap();
/// }
/// assert_eq!(door.ask(Msg::Knocks).await.unwrap(), 2);
/// # }
/// ```
pub trait Behavior: Sized + Send + 'static {
    /// What it handles: the same in all its states.
    type Msg: Send + 'static;

    /// Runs before the first message, in every life; returns the state to begin
    /// with. See [`Actor::started`].
    ///
    /// # Errors
    /// As for an [`Actor`].
    fn started(self, cx: &mut Context<Behaving<Self>>) -> impl Future<Output = Result<Self, Fault>> + Send {
        let _ = cx;
        ready(Ok(self))
    }

    /// Handles one message, and returns the next state.
    ///
    /// # Errors
    /// A fault ends this life, and the state is gone: the actor is restarted
    /// from its factory, or stopped.
    fn handle(
        self,
        msg: Self::Msg,
        cx: &mut Context<Behaving<Self>>,
    ) -> impl Future<Output = Result<Self, Fault>> + Send;

    /// See [`Actor::expired`].
    #[must_use]
    #[inline]
    fn expired(message: &Self::Msg) -> bool {
        let _ = message;
        false
    }

    /// A watched actor has ended; see [`Actor::terminated`].
    ///
    /// # Errors
    /// As in [`handle`](Self::handle).
    fn terminated(
        self,
        who: Terminated,
        cx: &mut Context<Behaving<Self>>,
    ) -> impl Future<Output = Result<Self, Fault>> + Send {
        let _ = (who, cx);
        ready(Ok(self))
    }

    /// Runs at the end, in the last state; see [`Actor::stopped`]. Not after a
    /// fault, which leaves no state.
    fn stopped(self, reason: &StopReason, cx: &mut Context<Behaving<Self>>) -> impl Future<Output = ()> + Send {
        let _ = (reason, cx);
        ready(())
    }
}

/// The actor that is what its [`Behavior`] is at the time.
pub struct Behaving<B> {
    /// `None` while a handler has it, and after it has failed.
    now: Option<B>,
}

impl<B: Behavior> Behaving<B> {
    /// An actor that begins with `first`.
    pub fn new(first: B) -> Self {
        Self { now: Some(first) }
    }

    /// The present state. `None` after a failure, which leaves none.
    #[must_use]
    pub fn state(&self) -> Option<&B> {
        self.now.as_ref()
    }

    fn take(&mut self) -> Result<B, Fault> {
        self.now.take().ok_or_else(|| Fault::msg("a behaviour that has failed handles nothing more"))
    }
}

impl<B: Behavior> From<B> for Behaving<B> {
    fn from(first: B) -> Self {
        Self::new(first)
    }
}

impl<B: Behavior> Actor for Behaving<B> {
    type Msg = B::Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.now = Some(self.take()?.started(cx).await?);
        Ok(())
    }

    async fn handle(&mut self, msg: B::Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.now = Some(self.take()?.handle(msg, cx).await?);
        Ok(())
    }

    #[inline]
    fn expired(message: &B::Msg) -> bool {
        B::expired(message)
    }

    async fn terminated(&mut self, who: Terminated, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.now = Some(self.take()?.terminated(who, cx).await?);
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Self>) {
        if let Some(last) = self.now.take() {
            last.stopped(reason, cx).await;
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for Behaving<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Behaving").field(&self.now).finish()
    }
}

//! Until when a message is worth handling.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Actor;
use super::ask::Reply;
use super::context::Context;
use super::reference::ActorRef;
use super::world::World;

/// A moment on a system's clock, until which a message is worth handling.
///
/// Put into a message, it goes where the message goes: the actor's
/// [`expired`](Actor::expired) looks at it, and what is too late is dropped
/// before it is handled, and counted. `#[actor]` writes that for every message
/// that has an argument of this type.
///
/// ```
/// use std::time::Duration;
/// use tidegate::prelude::*;
/// use tidegate::{Deadline, DropReason, ManualExecutor};
///
/// #[derive(Default)]
/// struct Ticker { shown: Vec<u64> }
///
/// #[actor]
/// impl Ticker {
///     #[message] fn show(&mut self, price: u64, until: Deadline) { self.shown.push(price) }
///     #[message] fn shown(&self) -> Vec<u64> { self.shown.clone() }
/// }
///
/// let executor = ManualExecutor::new();
/// let ticker = System::with_executor(executor.clone()).spawn(Ticker::default(), Push::bounded(8));
/// for (price, ms) in [(1, 0), (2, 50)] {
///     ticker.try_show(price, Deadline::within(Duration::from_millis(ms), &ticker)).unwrap();
/// }
/// assert_eq!(executor.block_on(ticker.shown()).unwrap(), [2]);
/// assert_eq!(ticker.stats().drops.of(DropReason::Expired), 1);
/// ```
#[derive(Clone)]
pub struct Deadline {
    at: Duration,
    world: Arc<World>,
}

impl Deadline {
    pub(crate) fn new(limit: Duration, world: &Arc<World>) -> Self {
        Self { at: world.executor.now().saturating_add(limit), world: Arc::clone(world) }
    }

    /// `limit` from now, on the clock of the system that `actor` is in.
    #[must_use]
    pub fn within<M>(limit: Duration, actor: &ActorRef<M>) -> Self {
        Self::new(limit, &actor.life().world)
    }

    /// Whether it is past.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.time_left().is_zero()
    }

    /// How long it is until then; zero if it is past.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.at.saturating_sub(self.world.executor.now())
    }
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && Arc::ptr_eq(&self.world, &other.world)
    }
}

impl Eq for Deadline {}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.at).finish()
    }
}

impl<A: Actor> Context<A> {
    /// A deadline `limit` from now.
    #[must_use]
    pub fn deadline(&self, limit: Duration) -> Deadline {
        Deadline::new(limit, self.world())
    }

    /// How long the asker will go on waiting for this reply: zero if no longer,
    /// `None` if it has set no limit. For a handler that asks others in its
    /// turn:
    ///
    /// ```
    /// # use std::time::Duration;
    /// use tidegate::prelude::*;
    /// struct Front { store: ActorRef<Get> }
    /// struct Get(Reply<u64>);
    /// impl Actor for Front {
    ///     type Msg = Get;
    ///     async fn handle(&mut self, Get(reply): Get, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         let limit = cx.time_left(&reply).unwrap_or(Duration::from_secs(5));
    ///         if let Ok(value) = self.store.ask_within(limit, Get).await {
    ///             let _ = reply.send(value);
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// # struct Store; impl Actor for Store { type Msg = Get;
    /// # async fn handle(&mut self, Get(reply): Get, cx: &mut Context<Self>) -> Result<(), Fault> {
    /// # assert!(cx.time_left(&reply).unwrap() <= Duration::from_secs(1)); let _ = reply.send(7); Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = System::new();
    /// # let store = system.spawn(Store, Push::bounded(1));
    /// # let front = system.spawn(Front { store }, Push::bounded(1));
    /// assert_eq!(front.ask_within(Duration::from_secs(1), Get).await.unwrap(), 7);
    /// # }
    /// ```
    #[must_use]
    pub fn time_left<R>(&self, reply: &Reply<R>) -> Option<Duration> {
        Some(reply.deadline()?.saturating_sub(self.now()))
    }
}

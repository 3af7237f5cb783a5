//! What is subscribed to.

use std::fmt;
use std::sync::Arc;

use super::hub::{Arrival, Hub};
use crate::actor::ActorRef;
use crate::flow::emitter::Emitter;
use crate::flow::source::{Source, Spawner};
use crate::pattern::Lag;

/// Where one subscribes to an [`Outlet`](super::Outlet): a [`Source`] that can be
/// cloned, kept and subscribed to any number of times, from any thread, before
/// the first item and after the last.
///
/// It outlives its outlet: who subscribes later hears how that has ended. It
/// belongs to one outlet, hence to one life of its actor; a restart makes
/// another.
pub struct Port<T: Send + 'static> {
    hub: Arc<Hub<T>>,
    wish: Wish,
}

/// What a subscriber wants of the dispatcher.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    pub(super) lag: Option<Lag>,
    pub(super) partition: Option<usize>,
}

impl<T: Send + 'static> Port<T> {
    pub(super) fn new(hub: &Arc<Hub<T>>) -> Self {
        Self { hub: Arc::clone(hub), wish: Wish::default() }
    }

    /// Names it, and the outlet, by the path of the actor that has the outlet: so
    /// [`System::inspect`](crate::System::inspect) shows a pipeline by paths, from
    /// the next subscription on.
    #[must_use]
    pub fn of<M>(self, actor: &ActorRef<M>) -> Self {
        self.hub.rename(actor.path().as_str());
        self
    }

    /// What happens when a subscriber has no demand for an item that the others
    /// have demand for, from an outlet that
    /// [broadcasts](super::Outlet::broadcast). The default is
    /// [`Lag::Wait`]: it holds the others back. Of no effect otherwise.
    ///
    /// One that [skips](Lag::Skip) misses the item, which is
    /// [counted](crate::FlowInspection::skipped); one that
    /// [disconnects](Lag::Disconnect) hears, after what it was sent, that the
    /// source has failed.
    #[must_use]
    pub const fn lag(mut self, lag: Lag) -> Self {
        self.wish.lag = Some(lag);
        self
    }

    /// Which partition a subscriber gets, of an outlet that is
    /// [partitioned](super::Outlet::partitioned); without this, the first that is
    /// free. If another has it, the subscriber stands by until that leaves. If
    /// there is no such partition, its subscription has failed.
    #[must_use]
    pub const fn partition(mut self, partition: usize) -> Self {
        self.wish.partition = Some(partition);
        self
    }
}

impl<T: Send + 'static> Source for Port<T> {
    type Item = T;

    fn connect(self, emitter: Emitter<T>, _: &Spawner) {
        self.hub.arrive(Arrival { emitter, wish: self.wish, seat: None });
    }

    fn name(&self) -> Arc<str> {
        self.hub.name()
    }
}

impl<T: Send + 'static> Clone for Port<T> {
    fn clone(&self) -> Self {
        Self { hub: Arc::clone(&self.hub), wish: self.wish }
    }
}

impl<T: Send + 'static> fmt::Debug for Port<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("name", &self.hub.name()).finish_non_exhaustive()
    }
}

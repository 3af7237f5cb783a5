//! What is subscribed to.

use std::fmt;
use std::sync::Arc;

use super::hub::{Arrival, Hub};
use crate::actor::ActorRef;
use crate::flow::emitter::Emitter;
use crate::flow::source::{Source, Spawner};

/// Where one subscribes to an [`Outlet`](super::Outlet): a [`Source`] that can be
/// cloned, kept and subscribed to any number of times, from any thread, before
/// the first item and after the last.
///
/// It outlives its outlet: who subscribes later hears how that has ended. It
/// belongs to one outlet, hence to one life of its actor; a restart makes
/// another.
pub struct Port<T: Send + 'static> {
    hub: Arc<Hub<T>>,
}

impl<T: Send + 'static> Port<T> {
    pub(super) fn new(hub: &Arc<Hub<T>>) -> Self {
        Self { hub: Arc::clone(hub) }
    }

    /// Names it, and the outlet, by the path of the actor that has the outlet: so
    /// [`System::inspect`](crate::System::inspect) shows a pipeline by paths, from
    /// the next subscription on.
    #[must_use]
    pub fn of<M>(self, actor: &ActorRef<M>) -> Self {
        self.hub.rename(actor.path().as_str());
        self
    }
}

impl<T: Send + 'static> Source for Port<T> {
    type Item = T;

    fn connect(self, emitter: Emitter<T>, _: &Spawner) {
        self.hub.arrive(Arrival { emitter });
    }

    fn name(&self) -> Arc<str> {
        self.hub.name()
    }
}

impl<T: Send + 'static> Clone for Port<T> {
    fn clone(&self) -> Self {
        Self { hub: Arc::clone(&self.hub) }
    }
}

impl<T: Send + 'static> fmt::Debug for Port<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("name", &self.hub.name()).finish_non_exhaustive()
    }
}

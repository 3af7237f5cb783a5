//! A stage that runs.

use std::fmt;
use std::sync::Arc;

use super::runner::end_of;
use crate::actor::reference::Halt;
use crate::actor::{ActorPath, Child, Stopped};
use crate::flow::emitter::Emitter;
use crate::flow::end::End;
use crate::flow::outlet::Port;
use crate::flow::source::{Source, Spawner};
use crate::mailbox::MailboxStats;
use crate::sync::access::Access;
use crate::sync::shim::Mutex;

/// A stage or consumer that runs: a [`Source`] for what comes next, and what it is
/// controlled and observed by. Cheap to clone; dropping it stops nothing.
pub struct Running<T: Send + 'static> {
    pub(super) port: Port<T>,
    pub(super) actor: Arc<dyn Child>,
    pub(super) end: Arc<Mutex<Option<End>>>,
}

impl<T: Send + 'static> Running<T> {
    /// Where one subscribes to it.
    #[must_use]
    pub fn port(&self) -> Port<T> {
        self.port.clone()
    }

    /// Where it is in its system: the name by which
    /// [`System::inspect`](crate::System::inspect) shows its subscriptions.
    #[must_use]
    pub fn path(&self) -> &ActorPath {
        &self.actor.life().path
    }

    /// The numbers of its mailbox.
    #[must_use]
    pub fn stats(&self) -> MailboxStats {
        self.actor.stats()
    }

    /// Stops it after the present item: upstream is cancelled, and whoever
    /// subscribes hears of a failure, since that was not all. Items that wait go to
    /// the dead letters. A handler that waits for demand waits no more.
    pub fn stop(&self) {
        self.actor.halt(Halt::Stop);
    }

    /// As [`stop`](Self::stop), in the middle of an item.
    pub fn kill(&self) {
        self.actor.halt(Halt::Kill);
    }

    /// Waits for its end, and tells it: completed; failed, by itself, upstream, or
    /// because it was stopped; or cancelled, since its last subscriber has gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ended(&self) -> End {
        let reason = Stopped::new(Arc::clone(self.actor.life())).await;
        let end = self.end.lock_to(Access::Read).clone();
        end.unwrap_or_else(|| end_of(&reason))
    }
}

impl<T: Send + 'static> Source for Running<T> {
    type Item = T;

    fn connect(self, emitter: Emitter<T>, spawner: &Spawner) {
        self.port.connect(emitter, spawner);
    }

    fn name(&self) -> Arc<str> {
        self.port.name()
    }
}

impl<T: Send + 'static> Clone for Running<T> {
    fn clone(&self) -> Self {
        Self { port: self.port.clone(), actor: Arc::clone(&self.actor), end: Arc::clone(&self.end) }
    }
}

impl<T: Send + 'static> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("path", self.path()).finish_non_exhaustive()
    }
}

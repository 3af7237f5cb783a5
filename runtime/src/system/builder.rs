//! A system with settings of its own.

use std::sync::Arc;
use std::time::Duration;

use super::{Roots, System};
use crate::actor::Executor;
use crate::actor::world::{Settings, Tree, World};

/// Everything about a system to be.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{ManualExecutor, System};
/// let system = System::builder().idle_after(Duration::from_secs(30)).build_on(ManualExecutor::new());
/// assert!(system.is_empty());
/// ```
#[derive(Debug, Default)]
#[must_use = "a system is made by `build`"]
pub struct SystemBuilder {
    pub(super) settings: Settings,
}

impl SystemBuilder {
    /// After how long without a message a mailbox gives its storage back. The
    /// default is one second.
    pub fn idle_after(mut self, idle_after: Duration) -> Self {
        self.settings.idle_after = idle_after;
        self
    }

    /// What would only add steps is off: mailboxes keep their storage, and waits
    /// are watched only if that is asked for.
    #[cfg(all(feature = "explore", not(tidegate_loom)))]
    pub(crate) fn for_exploring(mut self, deadlocks: crate::actor::Deadlocks) -> Self {
        self.settings.idle_after = Duration::MAX;
        self.settings.long_waits = Duration::MAX;
        self.settings.deadlocks = deadlocks;
        self
    }

    /// Has the gauges [recorded](System::record_metrics) every so often, from the
    /// first actor on until the system has shut down. Not unless this is called.
    ///
    /// # Panics
    /// If `period` is zero.
    #[cfg(feature = "metrics")]
    pub fn record_metrics_every(mut self, period: Duration) -> Self {
        assert!(!period.is_zero(), "a period is longer than nothing");
        self.settings.record_every = Some(period);
        self
    }

    /// The system, on tokio; see [`System::new`].
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn build(self) -> System {
        self.build_on(super::TokioExecutor::new())
    }

    /// The system, on an executor of your choice.
    #[must_use]
    pub fn build_on(self, executor: impl Executor) -> System {
        let world = World::new(Arc::new(executor), self.settings);
        let roots = Roots::new();
        world.set_roots(Arc::clone(&roots) as Arc<dyn Tree>);
        System { world, roots }
    }
}

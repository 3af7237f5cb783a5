//! The default executor: actors as tokio tasks, with tokio's clock.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::actor::{BoxTask, Executor};
use crate::sync::shim::Mutex;

/// Runs actors as tasks of a tokio runtime: work stealing, tokio's timers, and
/// its paused time in tests.
#[derive(Debug)]
pub struct TokioExecutor {
    handle: Option<Handle>,
    /// The runtime whose timers serve actors that other executors run.
    lent: Mutex<Option<Handle>>,
    start: Instant,
}

impl TokioExecutor {
    /// On the runtime in whose context this is called, or, if there is none,
    /// on the one in whose context an actor is spawned.
    #[must_use]
    pub fn new() -> Self {
        Self { handle: Handle::try_current().ok(), lent: Mutex::new(None), start: Instant::now() }
    }

    /// On a runtime of your choice.
    #[must_use]
    pub fn on(handle: Handle) -> Self {
        Self { handle: Some(handle), lent: Mutex::new(None), start: Instant::now() }
    }
}

impl Default for TokioExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for TokioExecutor {
    /// # Panics
    /// If there is no tokio runtime, neither where the executor was made nor
    /// here.
    fn spawn(&self, _name: &str, task: BoxTask) {
        let Some(handle) = self.handle.clone().or_else(|| Handle::try_current().ok()) else {
            panic!("actors run on tokio: call this within a tokio runtime, or use `TokioExecutor::on(handle)`");
        };
        handle.spawn(task);
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        let handle = self.handle.clone().or_else(|| Handle::try_current().ok()).or_else(|| self.lent.lock().clone());
        let _guard = handle.as_ref().map(Handle::enter);
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> u64 {
        // Each state is keyed anew, from the operating system's randomness.
        RandomState::new().hash_one(self.start)
    }

    fn lend_clock(&self) {
        // Other threads have no runtime of their own to ask.
        if self.handle.is_none()
            && let Ok(here) = Handle::try_current()
        {
            let before = self.lent.lock().replace(here);
            drop(before);
        }
    }
}

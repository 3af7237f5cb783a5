//! The default executor: actors as tokio tasks, with tokio's clock.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::actor::{BoxTask, Executor};
use crate::sync::counter::Flag;
use crate::sync::shim::Mutex;

/// Runs actors as tasks of a tokio runtime: work stealing, tokio's timers, and
/// its paused time in tests.
#[derive(Debug)]
pub struct TokioExecutor {
    handle: Option<Handle>,
    /// Other executors run actors that go by this clock.
    serves_others: Flag,
    /// The runtime that serves them, if there is no handle.
    noted: Mutex<Option<Handle>>,
    start: Instant,
}

impl TokioExecutor {
    /// On the runtime in whose context this is called, or, if there is none,
    /// on the one in whose context an actor is spawned.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Handle::try_current().ok())
    }

    /// On a runtime of your choice.
    #[must_use]
    pub fn on(handle: Handle) -> Self {
        Self::with(Some(handle))
    }

    fn with(handle: Option<Handle>) -> Self {
        Self { handle, serves_others: Flag::new(), noted: Mutex::new(None), start: Instant::now() }
    }

    /// The runtime to use, also on threads that have none.
    fn runtime(&self) -> Option<Handle> {
        self.handle.clone().or_else(|| Handle::try_current().ok()).or_else(|| self.noted.lock().clone())
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
        let Some(handle) = self.runtime() else {
            panic!("actors run on tokio: call this within a tokio runtime, or use `TokioExecutor::on(handle)`");
        };
        handle.spawn(task);
    }

    fn now(&self) -> Duration {
        if !self.serves_others.is_raised() {
            return self.start.elapsed();
        }
        // Elsewhere a paused clock would seem to go on.
        let runtime = self.runtime();
        let _guard = runtime.as_ref().map(Handle::enter);
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        let runtime = self.runtime();
        let _guard = runtime.as_ref().map(Handle::enter);
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> u64 {
        // Each state is keyed anew, from the operating system's randomness.
        RandomState::new().hash_one(self.start)
    }

    fn note_context(&self) {
        self.serves_others.raise();
        // Other threads have no runtime of their own to ask.
        if self.handle.is_none()
            && let Ok(here) = Handle::try_current()
        {
            let before = self.noted.lock().replace(here);
            drop(before);
        }
    }
}

//! What actors need of the world: tasks, a clock, sleep, and chance.
//!
//! Nothing in the core reaches around this trait, so an actor that asks its
//! [`Context`](super::Context) for time and tasks runs unchanged on another
//! executor: tokio by default, a deterministic one for tests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A task as executors take it.
pub type BoxTask = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Runs actors.
///
/// The executor of a system runs those of its actors that name [no
/// other](crate::Spawn::on), and is the clock of all of them.
pub trait Executor: Send + Sync + 'static {
    /// Starts `task`. It must be polled until it is done; the name is for
    /// people. A task that is never polled again, as when a runtime shuts
    /// down, is to be dropped.
    fn spawn(&self, name: &str, task: BoxTask);

    /// The time since some fixed moment. Never goes back.
    fn now(&self) -> Duration;

    /// Resolves once `duration` has passed on this executor's clock.
    fn sleep(&self, duration: Duration) -> BoxTask;

    /// A random number: for jitter and choices, not for secrets.
    fn random(&self) -> u64;

    /// Called where an actor is spawned that another executor runs. Its clock
    /// is still this one, and its children run here: the moment to note what
    /// that needs of the present context, since it will be asked for elsewhere.
    /// Does nothing unless it is written.
    fn note_context(&self) {}
}

impl<E: Executor + ?Sized> Executor for Arc<E> {
    fn spawn(&self, name: &str, task: BoxTask) {
        (**self).spawn(name, task);
    }

    fn now(&self) -> Duration {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        (**self).sleep(duration)
    }

    fn random(&self) -> u64 {
        (**self).random()
    }

    fn note_context(&self) {
        (**self).note_context();
    }
}

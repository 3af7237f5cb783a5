//! What actors need of the world: tasks, a clock, sleep, and chance.
//!
//! Nothing in the core reaches around this trait, so an actor that asks its
//! [`Context`](super::Context) for time and tasks runs unchanged on another
//! executor: tokio by default, a deterministic one for tests.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A task as executors take it.
pub type BoxTask = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Runs actors.
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
}

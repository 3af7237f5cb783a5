//! What the benchmarks of tidegate share.
//!
//! They measure this project by itself, to see what a change does to it; how
//! it stands against others is the business of `tidegate-compare`.
//!
//! ```text
//! cargo bench -p tidegate-benches                  all of them
//! cargo bench -p tidegate-benches --bench mailbox  one file
//! cargo bench -p tidegate-benches -- overflow      by name
//! cargo xtask bench explore                        how fast programs are explored
//! ```

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Runtime};

/// The result of a future that has no reason to wait.
///
/// What is measured is the path that most messages take: room on one side, a
/// message on the other, no task put to sleep and none woken.
///
/// # Panics
///
/// If it waits after all: then the benchmark is not what it says it is.
#[inline]
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing to wait for, and yet it waits"),
    }
}

/// The runtime that actors are measured on: tokio with two workers.
///
/// # Panics
///
/// If the system has no threads to give.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a tokio runtime")
}

/// Runs `work` as a task among the others, where `block_on` alone would run it
/// on a thread beside the workers.
///
/// # Panics
///
/// If the work does.
pub fn on<T, F>(runtime: &Runtime, work: F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    runtime.block_on(runtime.spawn(work)).expect("the work ran to its end")
}

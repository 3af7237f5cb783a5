//! Runs a model under loom, and a future within one. For the models here, and
//! with the feature `testkit` for those of users.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Notify;
use loom::thread::{self, ThreadId};

/// Explores every schedule of `f`, with at most so many preemptions, or with as
/// many as there can be; says how many schedules there were.
///
/// # Panics
/// If the model fails, may be cut off, or has one schedule only.
pub(crate) fn explore(preemptions: Option<usize>, f: impl Fn() + Send + Sync + 'static) -> u64 {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    // Loom calls a model that it cut off passed.
    let cut_off = builder.max_permutations.is_some() || builder.max_duration.is_some();
    assert!(!cut_off, "a model that may be cut off shows nothing");
    builder.max_branches = builder.max_branches.max(5_000);
    // What loom does not see: it counts loom's own runs.
    let iterations = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&iterations);
    builder.check(move || {
        *counted.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        f();
    });
    let iterations = *iterations.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(iterations > 1, "one schedule: this models nothing");
    iterations
}

/// As many preemptions as the environment says.
pub(crate) fn preemptions() -> Option<usize> {
    loom::model::Builder::new().preemption_bound
}

/// A thread that can be woken, as a task is.
struct Task {
    thread: ThreadId,
    woken: Notify,
    /// It was woken by itself, while it was polled.
    again: Mutex<bool>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if thread::current().id() == self.thread {
            *self.again.lock().unwrap_or_else(PoisonError::into_inner) = true;
        } else {
            self.woken.notify();
        }
    }
}

/// Polls `future` until it is ready, sleeping in between. Unlike loom's own it
/// lets others go first when a poll wakes itself, which would spin otherwise.
/// As loom's, it wakes up once without a reason.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let task = Arc::new(Task { thread: thread::current().id(), woken: Notify::new(), again: Mutex::new(false) });
    let waker = Waker::from(Arc::clone(&task));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        if std::mem::take(&mut *task.again.lock().unwrap_or_else(PoisonError::into_inner)) {
            thread::yield_now();
        } else {
            task.woken.wait();
        }
    }
}

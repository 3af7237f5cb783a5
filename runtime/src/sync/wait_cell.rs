//! Wakes the one task that receives from a mailbox.
//!
//! One task registers, any number of threads wake. The waker stays in the cell
//! when it is used, so a task that is polled with the same waker again and
//! again (executors do that) registers once in its life and afterwards pays
//! one comparison.
//!
//! The word is `IDLE`, `REGISTERING` while the task replaces its waker, or
//! `WAKING` while a thread uses it. `AGAIN` beside either says that another
//! wake came meanwhile; whoever leaves the state carries it out.

use std::fmt;
use std::task::Waker;

use super::shim::{AtomicUsize, Ordering::Relaxed, UnsafeCell, mutant, order};

const IDLE: usize = 0;
const REGISTERING: usize = 1;
const WAKING: usize = 2;
const AGAIN: usize = 4;

/// The place where the receiving task leaves its waker.
pub(crate) struct WaitCell {
    state: AtomicUsize,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: `state` decides who may touch `waker`. Only the registering task
// writes it, under REGISTERING, which excludes WAKING; under WAKING, and by
// that task itself, it is only read. A `Waker` is Send and Sync.
#[allow(unsafe_code)]
unsafe impl Sync for WaitCell {}

impl WaitCell {
    pub(crate) fn new() -> Self {
        Self { state: AtomicUsize::new(IDLE), waker: UnsafeCell::new(None) }
    }

    /// Leaves `waker` as the one to wake from now on.
    ///
    /// Only the receiving task calls this: registrations never overlap.
    /// Afterwards it must look again for what it waits for.
    pub(crate) fn register(&self, waker: &Waker) {
        if self.holds(waker) {
            // Whoever wakes from now on wakes this very task during its poll,
            // and an executor polls such a task again.
            return;
        }
        // Acquire, paired with the Release that ends a wake: the old waker was
        // read before it is replaced here.
        // Checked by: wait_cell::model::a_wake_is_never_lost
        let entered = self.state.compare_exchange(IDLE, REGISTERING, order!(Acquire, "wait_cell.register"), Relaxed);
        if entered.is_err() {
            // Somebody is waking the old waker, so there is news: come again.
            waker.wake_by_ref();
            return;
        }
        let old = self.replace(waker.clone());
        // Release: the waker is whole before anybody reads it. Acquire: what a
        // wake that came meanwhile stands for is visible to the next look.
        // Checked by: wait_cell::model::a_wake_is_never_lost,
        // wait_cell::model::a_waker_is_kept_once_and_dropped
        let left = self.state.swap(IDLE, order!(AcqRel, "wait_cell.registered"));
        if left & AGAIN != 0 && !mutant!("wait_cell.forget_wake_during_registration") {
            waker.wake_by_ref();
        }
        drop(old);
    }

    /// Wakes the task registered last, if there is one. What happened before
    /// this call is visible to that task when it looks.
    pub(crate) fn wake(&self) {
        let mut state = self.state.load(Relaxed);
        loop {
            let next = if state == IDLE { WAKING } else { state | AGAIN };
            // Acquire: the waker is whole when it is read. Release: a task
            // that registers after this sees what the caller published.
            // Checked by: wait_cell::model::a_wake_is_never_lost
            match self.state.compare_exchange(state, next, order!(AcqRel, "wait_cell.wake"), Relaxed) {
                Ok(IDLE) => break,
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        loop {
            self.wake_registered();
            // Release, paired with the Acquire in `register`: the waker was
            // read before it may be replaced.
            // Checked by: wait_cell::model::a_wake_is_never_lost,
            // wait_cell::model::two_wakes_at_once_both_count
            if self.state.compare_exchange(WAKING, IDLE, order!(Release, "wait_cell.woken"), Relaxed).is_ok()
                || mutant!("wait_cell.forget_wake_during_wake")
            {
                return;
            }
            // Acquire: the wake carried out now was published by its thread.
            self.state.swap(WAKING, order!(AcqRel, "wait_cell.again"));
        }
    }

    #[allow(unsafe_code)]
    fn holds(&self, waker: &Waker) -> bool {
        self.waker.with(|cell| {
            // SAFETY: only the registering task writes the cell, and this is
            // that task; other threads at most read.
            let registered = unsafe { (*cell).as_ref() };
            registered.is_some_and(|w| w.will_wake(waker) || mutant!("wait_cell.keep_first_waker"))
        })
    }

    #[allow(unsafe_code)]
    fn replace(&self, waker: Waker) -> Option<Waker> {
        self.waker.with_mut(|cell| {
            // SAFETY: exclusive: REGISTERING keeps wakers away, and
            // registrations do not overlap.
            unsafe { (*cell).replace(waker) }
        })
    }

    #[allow(unsafe_code)]
    fn wake_registered(&self) {
        self.waker.with(|cell| {
            // SAFETY: WAKING is held, so nobody writes the cell.
            if let Some(waker) = unsafe { (*cell).as_ref() } {
                waker.wake_by_ref();
            }
        });
    }
}

impl fmt::Debug for WaitCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitCell").finish_non_exhaustive()
    }
}

#[cfg(all(test, tidegate_loom))]
mod model;

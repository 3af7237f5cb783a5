//! Memory that an explored program shares, and is seen to share.

use std::fmt;
use std::sync::Arc;

use crate::sync::access::{self, Access};
use crate::sync::shim::Mutex;

/// A cell that actors, tasks and the body share, and of which the explorer knows who
/// reads and who changes it. Clones are the same cell.
///
/// Use it in place of an `Arc<Mutex<_>>` for what programs leave for one another
/// past their messages: a log, a store, a count that a test looks at.
/// [`Strategy::Reduced`](super::Strategy::Reduced) takes two steps that touch nothing in
/// common for the same in either order, and does not see a lock of
/// another make. Make it inside of the body, anew for each run.
///
/// On a real runtime it is a lock like any other, and never poisoned.
///
/// ```
/// use tidegate::explore::{Explorer, Shared, Strategy};
/// // Which of the two is the last?
/// let explorer = Explorer::new(Strategy::Reduced).cross_check(0);
/// let (report, outcomes) = explorer.outcomes(|sim| async move {
///     let last = Shared::new(0);
///     let tasks = [1, 2].map(|n| {
///         let last = last.clone();
///         sim.spawn("writer", async move { last.set(n) })
///     });
///     for task in tasks {
///         task.await;
///     }
///     last.get()
/// });
/// report.assert_clean();
/// assert_eq!(outcomes, [1, 2].into());
/// ```
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    /// A cell that holds `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Calls `change` with what is there, alone: nobody else looks meanwhile.
    /// It must not use the same cell.
    ///
    /// ```
    /// let log = tidegate::explore::Shared::new(Vec::new());
    /// log.with(|log| log.push("opened"));
    /// assert_eq!(log.read(Vec::len), 1);
    /// ```
    pub fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        access::act();
        change(&mut self.0.lock_to(Access::Write))
    }

    /// Calls `look` with what is there. Two that only read may change places.
    /// It must not use the same cell.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        access::act();
        look(&self.0.lock_to(Access::Read))
    }

    /// Puts `value` there, and drops what was there.
    pub fn set(&self, value: T) {
        // Dropped without the lock: it may be anything.
        let before = self.with(|place| std::mem::replace(place, value));
        drop(before);
    }

    /// What is there.
    #[must_use]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.read(T::clone)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

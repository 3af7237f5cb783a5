//! Who waits for an actor in an explored program.
//!
//! An explorer has to know at the end of a run who still waits, and for what:
//! that nobody does is a property of every program. The list is for it alone:
//! nothing of the program sees it, so nothing of it is touched. Without the
//! feature `explore` there is no list, and an [`Open`] has no size.
//!
//! Not [`waits`](super::waits): that list is the program's own, every wait of a
//! system is in it under one lock, and so each would depend on all others.

pub(crate) use imp::*;

#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod imp {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::fmt;

    use crate::actor::ActorPath;
    use crate::sync::access;

    /// What is waited for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum For {
        Room,
        Answer,
    }

    /// A task waits for an actor.
    #[derive(Clone, Debug)]
    pub(crate) struct Waiter {
        /// The number of the task that explores know it by.
        pub(crate) task: u32,
        pub(crate) what: For,
        pub(crate) on: ActorPath,
    }

    impl fmt::Display for Waiter {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.what {
                For::Room => write!(f, "waits for room in {}", self.on),
                For::Answer => write!(f, "waits for an answer of {}", self.on),
            }
        }
    }

    #[derive(Default)]
    struct List {
        next: u64,
        waiters: BTreeMap<u64, Waiter>,
    }

    thread_local! {
        static LIST: RefCell<List> = RefCell::default();
    }

    /// A wait, until it is dropped.
    #[derive(Debug)]
    pub(crate) struct Open(Option<u64>);

    impl Open {
        /// None yet.
        pub(crate) const fn new() -> Self {
            Self(None)
        }

        /// The task that runs has polled for this in vain; no news if it is told
        /// again.
        pub(crate) fn begin(&mut self, what: For, on: &ActorPath) {
            if self.0.is_some() || !access::is_exploring() {
                return;
            }
            let waiter = Waiter { task: access::present_task(), what, on: on.clone() };
            self.0 = LIST.with_borrow_mut(|list| {
                list.next += 1;
                list.waiters.insert(list.next, waiter);
                Some(list.next)
            });
        }
    }

    impl Drop for Open {
        fn drop(&mut self) {
            if let Some(key) = self.0 {
                // A thread that is being torn down explores nothing.
                let waiter = LIST.try_with(|list| list.borrow_mut().waiters.remove(&key));
                drop(waiter);
            }
        }
    }

    /// Everybody who waits, on this thread, who began first, first.
    pub(crate) fn waiters() -> Vec<Waiter> {
        LIST.with_borrow(|list| list.waiters.values().cloned().collect())
    }

    /// Forgets those of an earlier run that were never dropped.
    pub(crate) fn forget_waiters() {
        let old = LIST.take();
        drop(old);
    }
}

#[cfg(not(all(feature = "explore", not(tidegate_loom))))]
mod imp {
    use crate::actor::ActorPath;

    #[derive(Clone, Copy, Debug)]
    pub(crate) enum For {
        Room,
        Answer,
    }

    /// Nothing: no program is explored in this build.
    #[derive(Debug)]
    pub(crate) struct Open;

    impl Open {
        #[inline(always)]
        pub(crate) const fn new() -> Self {
            Self
        }

        #[inline(always)]
        pub(crate) fn begin(&mut self, _what: For, _on: &ActorPath) {}
    }
}

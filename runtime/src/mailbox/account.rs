//! That no message is lost unseen, in an explored program.
//!
//! A message on its way has an account, which is closed when somebody takes the
//! message out: a handler, the dead letters, or the sender who gets it back. One
//! that is dropped open was lost, and nobody knows why. Without the feature
//! `explore` there are no accounts, and an [`Account`] has no size.

pub(crate) use imp::*;

#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod imp {
    use std::cell::Cell;

    use crate::sync::access;

    thread_local! {
        static LOST: Cell<u64> = const { Cell::new(0) };
    }

    #[derive(Debug)]
    pub(crate) struct Account {
        open: bool,
    }

    impl Account {
        pub(crate) fn open() -> Self {
            Self { open: access::is_exploring() }
        }

        pub(crate) fn close(mut self) {
            self.open = false;
        }
    }

    impl Drop for Account {
        fn drop(&mut self) {
            // When the run is over everything goes, in no particular way.
            if self.open && access::is_exploring() {
                LOST.with(|lost| lost.set(lost.get() + 1));
            }
        }
    }

    /// How many messages were lost unseen on this thread since this was asked
    /// last.
    pub(crate) fn take_lost() -> u64 {
        LOST.with(Cell::take)
    }
}

#[cfg(not(all(feature = "explore", not(tidegate_loom))))]
mod imp {
    /// Nothing: no program is explored in this build.
    #[derive(Debug)]
    pub(crate) struct Account;

    impl Account {
        #[inline(always)]
        pub(crate) fn open() -> Self {
            Self
        }

        #[inline(always)]
        pub(crate) fn close(self) {}
    }
}

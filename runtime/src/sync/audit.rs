//! Every access to an atomic and every lock, noted beside what is touched: a
//! test of floor 7 looks whether the two agree. In tests alone.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;

use super::shim::Ordering;

/// One access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// Where the thing is, and how many were there before it.
    pub(crate) place: (usize, u32),
    /// It was changed, and not only looked at.
    pub(crate) changes: bool,
    pub(crate) at: &'static Location<'static>,
}

thread_local! {
    static WANTED: Cell<bool> = const { Cell::new(false) };
    static ON: Cell<bool> = const { Cell::new(false) };
    static STEPS: RefCell<Vec<Vec<Seen>>> = const { RefCell::new(Vec::new()) };
    static LOG: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
    static GONE: RefCell<HashMap<usize, u32>> = RefCell::default();
}

pub(crate) fn set(on: bool) -> bool {
    ON.try_with(|is| is.replace(on)).unwrap_or(false)
}

/// How many there are: what comes from here on can be [forgotten](forget).
pub(crate) fn mark() -> usize {
    LOG.with_borrow(Vec::len)
}

pub(crate) fn forget(from: usize) {
    LOG.with_borrow_mut(|log| log.truncate(from));
}

/// From here on steps are audited.
pub(crate) fn want() {
    WANTED.set(true);
}

/// What each step did since then.
pub(crate) fn take() -> Vec<Vec<Seen>> {
    WANTED.set(false);
    STEPS.take()
}

pub(super) fn begin_step() {
    set(WANTED.get());
}

pub(super) fn end_step() {
    if set(false) {
        let step = LOG.take();
        STEPS.with_borrow_mut(|steps| steps.push(step));
    }
}

#[track_caller]
pub(super) fn note<T>(of: &T, changes: bool) {
    let address = std::ptr::from_ref(of) as usize;
    let here = std::ptr::from_ref(&address) as usize;
    // What is on the stack is nobody else's yet.
    if ON.try_with(Cell::get).unwrap_or(false) && address.abs_diff(here) > 1 << 21 {
        let gone = GONE.with_borrow(|gone| gone.get(&address).copied().unwrap_or(0));
        let seen = Seen { place: (address, gone), changes, at: Location::caller() };
        LOG.with_borrow_mut(|log| log.push(seen));
    }
}

fn gone<T>(of: &T) {
    let address = std::ptr::from_ref(of) as usize;
    if ON.try_with(Cell::get).unwrap_or(false) {
        GONE.with_borrow_mut(|gone| *gone.entry(address).or_default() += 1);
    }
}

macro_rules! audited {
    ($name:ident $(<$t:ident>)?, $value:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name $(<$t>)? (std::sync::atomic::$name $(<$t>)?);

        impl $(<$t>)? $name $(<$t>)? {
            pub(crate) fn new(value: $value) -> Self {
                Self(std::sync::atomic::$name::new(value))
            }

            #[track_caller]
            fn change<R>(&self, change: impl FnOnce(&std::sync::atomic::$name $(<$t>)?) -> R) -> R {
                let before = self.0.load(Ordering::SeqCst);
                let result = change(&self.0);
                note(&self.0, self.0.load(Ordering::SeqCst) != before);
                result
            }

            #[track_caller]
            pub(crate) fn load(&self, order: Ordering) -> $value {
                note(&self.0, false);
                self.0.load(order)
            }

            #[track_caller]
            #[allow(dead_code)]
            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.change(|it| it.store(value, order));
            }

            #[track_caller]
            #[allow(dead_code)]
            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                self.change(|it| it.swap(value, order))
            }

            #[track_caller]
            #[allow(dead_code)]
            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.change(|it| it.compare_exchange(current, new, success, failure))
            }

            #[track_caller]
            #[allow(dead_code)]
            pub(crate) fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.change(|it| it.compare_exchange(current, new, success, failure))
            }
        }

        impl $(<$t>)? Drop for $name $(<$t>)? {
            fn drop(&mut self) {
                gone(&self.0);
            }
        }
    };
}

macro_rules! number {
    ($name:ident, $value:ty) => {
        audited!($name, $value);

        #[allow(dead_code)]
        impl $name {
            #[track_caller]
            pub(crate) fn fetch_add(&self, n: $value, order: Ordering) -> $value {
                self.change(|it| it.fetch_add(n, order))
            }

            #[track_caller]
            pub(crate) fn fetch_sub(&self, n: $value, order: Ordering) -> $value {
                self.change(|it| it.fetch_sub(n, order))
            }

            #[track_caller]
            pub(crate) fn fetch_or(&self, n: $value, order: Ordering) -> $value {
                self.change(|it| it.fetch_or(n, order))
            }

            #[track_caller]
            pub(crate) fn fetch_and(&self, n: $value, order: Ordering) -> $value {
                self.change(|it| it.fetch_and(n, order))
            }

            #[track_caller]
            pub(crate) fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                self.change(|it| it.fetch_update(set, fetch, f))
            }
        }
    };
}

number!(AtomicU8, u8);
number!(AtomicU64, u64);
number!(AtomicUsize, usize);
audited!(AtomicBool, bool);
audited!(AtomicPtr<T>, *mut T);

//! Every access to an atomic and every lock, noted beside what is touched: a
//! test of floor 7 looks whether the two agree. In tests alone.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;

use super::shim::Ordering;

use super::access::{Access, ObjectId};

/// One access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// Where the thing is, and which of those that were there.
    pub(crate) place: (usize, u64),
    /// It was changed, and not only looked at.
    pub(crate) changes: bool,
    pub(crate) at: &'static Location<'static>,
}

/// What a step did.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) seen: Vec<Seen>,
    /// The objects that it touched, by where they are.
    pub(crate) touched: Vec<(usize, ObjectId, Access)>,
}

thread_local! {
    static WANTED: Cell<bool> = const { Cell::new(false) };
    static ON: Cell<bool> = const { Cell::new(false) };
    static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    static TOUCHED: RefCell<Vec<(usize, ObjectId, Access)>> = const { RefCell::new(Vec::new()) };
    /// Of each object that is a part of something, the first part of the same.
    static PARTS: RefCell<HashMap<ObjectId, ObjectId>> = RefCell::default();
    static LOG: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
    static GONE: RefCell<HashMap<usize, u64>> = RefCell::default();
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
    PARTS.take();
}

/// What each step did since then.
pub(crate) fn take() -> Vec<Step> {
    WANTED.set(false);
    STEPS.take()
}

pub(super) fn begin_step() {
    set(WANTED.get());
}

pub(super) fn end_step() {
    if set(false) {
        let step = Step { seen: LOG.take(), touched: TOUCHED.take() };
        STEPS.with_borrow_mut(|steps| steps.push(step));
    }
}

/// These are parts of one structure.
pub(super) fn parts(of: &[ObjectId]) {
    if WANTED.try_with(Cell::get).unwrap_or(false) {
        PARTS.with_borrow_mut(|parts| parts.extend(of.iter().map(|part| (*part, of[0]))));
    }
}

/// What an object is a part of, if anything.
pub(crate) fn whole_of(part: ObjectId) -> Option<ObjectId> {
    PARTS.with_borrow(|parts| parts.get(&part).copied())
}

pub(super) fn touched(at: usize, object: ObjectId, access: Access) {
    if ON.try_with(Cell::get).unwrap_or(false) {
        TOUCHED.with_borrow_mut(|touched| touched.push((at, object, access)));
    }
}

#[track_caller]
pub(super) fn note<T>(of: &T, changes: bool) {
    let address = std::ptr::from_ref(of) as usize;
    note_at(address, GONE.with_borrow(|gone| gone.get(&address).copied().unwrap_or(0)), changes);
}

/// A lock, by its object, which is one of many at its place.
#[track_caller]
pub(super) fn note_lock(of: &super::access::Object, changes: bool) {
    note_at(std::ptr::from_ref(of) as usize, of.id().0, changes);
}

#[track_caller]
fn note_at(address: usize, which: u64, changes: bool) {
    let here = std::ptr::from_ref(&address) as usize;
    // What is on the stack is nobody else's yet.
    if ON.try_with(Cell::get).unwrap_or(false) && address.abs_diff(here) > 1 << 21 {
        let seen = Seen { place: (address, which), changes, at: Location::caller() };
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

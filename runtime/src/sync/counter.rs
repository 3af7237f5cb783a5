//! Counts that others may read: handles alive, messages handled, drops.

use super::access::{Access, Object};
use super::shim::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed, mutant};

/// A statistic. Adds up exactly; orders nothing.
#[derive(Debug)]
pub(crate) struct Counter(AtomicU64, Object);

impl Counter {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0), Object::new("count"))
    }

    /// One by which nothing is decided, or whose owner says what is touched.
    pub(crate) fn untouched() -> Self {
        Self(AtomicU64::new(0), Object::none())
    }

    /// Adds from any thread.
    pub(crate) fn add(&self, n: u64) {
        self.1.touch(Access::Update);
        // Relaxed: a number for people; nothing is reached through it.
        // Not modelled: a read-modify-write cannot lose an addition.
        self.0.fetch_add(n, Relaxed);
    }

    /// The next number; the first is 1.
    pub(crate) fn next(&self) -> u64 {
        self.1.touch(Access::Write);
        // Relaxed: see `add`.
        // Not modelled: a read-modify-write gives no number twice.
        self.0.fetch_add(1, Relaxed) + 1
    }

    /// Adds from the one thread that writes this counter: no locked
    /// instruction.
    pub(crate) fn add_alone(&self, n: u64) {
        self.1.touch(Access::Update);
        // Relaxed, in two steps: only the owner writes.
        // Not modelled: single-writer.
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Keeps the largest value seen by the one thread that writes it.
    pub(crate) fn max_alone(&self, n: u64) {
        self.1.touch(Access::Update);
        // Relaxed, in two steps: only the owner writes.
        // Not modelled: single-writer.
        if n > self.0.load(Relaxed) {
            self.0.store(n, Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.1.touch(Access::Read);
        // Relaxed: see `add`.
        // Not modelled: a count that is out of date when it is returned.
        self.0.load(Relaxed)
    }
}

/// How many handles keep something open; weak ones may revive it only while
/// there is one.
#[derive(Debug)]
pub(crate) struct Handles(AtomicUsize, Object);

impl Handles {
    /// One handle.
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(1), Object::new("handles"))
    }

    pub(crate) fn add(&self) {
        self.1.touch(Access::Update);
        // Relaxed: the caller holds a handle, so the count is not zero.
        // Not modelled: as in `Arc`.
        self.0.fetch_add(1, Relaxed);
    }

    /// `true` for the one caller that dropped the last handle.
    pub(crate) fn remove(&self) -> bool {
        // AcqRel: what every holder did is before what the last one does next.
        // Checked by: counter::model::a_weak_handle_never_revives_the_dead
        let last = self.0.fetch_sub(1, super::shim::order!(AcqRel, "counter.remove")) == 1;
        // Which of two is the last matters to both.
        self.1.touch(if last { Access::Write } else { Access::Update });
        last
    }

    /// Another handle, unless the last has gone.
    pub(crate) fn revive(&self) -> bool {
        self.1.touch(Access::Write);
        let mut count = self.0.load(Relaxed);
        loop {
            if count == 0 && !mutant!("counter.revive_the_dead") {
                return false;
            }
            // Acquire: what the holders did is seen by the new one.
            // Not modelled: weakened, every model still passes. Kept: it is off the
            // fast path, and the argument above asks for it.
            match self.0.compare_exchange_weak(count, count + 1, super::shim::kept!(Acquire), Relaxed) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
    }
}

/// A small number that says how its owner stands: for people.
#[derive(Debug)]
pub(crate) struct Mark(AtomicU8, Object);

impl Mark {
    pub(crate) fn new(mark: u8) -> Self {
        Self(AtomicU8::new(mark), Object::new("mark"))
    }

    #[inline(always)]
    pub(crate) fn set(&self, mark: u8) {
        self.1.touch(Access::Update);
        // Relaxed: nothing is reached through it.
        // Not modelled: a hint that is out of date when it is read.
        self.0.store(mark, Relaxed);
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> u8 {
        self.1.touch(Access::Read);
        // Relaxed: see `set`.
        // Not modelled: see `set`.
        self.0.load(Relaxed)
    }
}

/// A switch that is thrown once and read often.
#[derive(Debug)]
pub(crate) struct Flag(super::shim::AtomicBool, Object);

impl Flag {
    pub(crate) fn new() -> Self {
        Self(super::shim::AtomicBool::new(false), Object::new("flag"))
    }

    /// One whose owner says what is touched.
    pub(crate) fn untouched() -> Self {
        Self(super::shim::AtomicBool::new(false), Object::none())
    }

    /// Throws the switch; `true` for the first to do so.
    #[cfg_attr(test, track_caller)]
    pub(crate) fn raise(&self) -> bool {
        self.1.touch(Access::Write);
        // AcqRel: the winner's past is seen by whoever sees the flag.
        // Checked by: counter::model::a_raised_flag_carries_its_past
        !self.0.swap(true, super::shim::order!(AcqRel, "counter.raise"))
    }

    #[cfg_attr(test, track_caller)]
    pub(crate) fn lower(&self) {
        self.1.touch(Access::Write);
        // Release: as in `raise`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        self.0.store(false, super::shim::kept!(Release));
    }

    #[inline(always)]
    #[cfg_attr(test, track_caller)]
    pub(crate) fn is_raised(&self) -> bool {
        self.1.touch(Access::Read);
        // Acquire, paired with `raise`.
        // Checked by: counter::model::a_raised_flag_carries_its_past
        self.0.load(super::shim::order!(Acquire, "counter.flag"))
    }
}

#[cfg(all(test, tidegate_loom))]
mod model;

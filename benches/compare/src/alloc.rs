//! A global allocator that counts live bytes while it is told to.
//!
//! Counting is off while rates are measured: an atomic addition per allocation
//! would be paid by those contestants alone that allocate for each message.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

static COUNTING: AtomicBool = AtomicBool::new(false);
/// Signed: memory from before counting began may be freed during it.
static LIVE: AtomicI64 = AtomicI64::new(0);

/// Counts from here until the guard is dropped.
pub(crate) fn counting() -> Counting {
    LIVE.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    Counting
}

/// While it lives, allocations are counted.
pub(crate) struct Counting;

impl Drop for Counting {
    fn drop(&mut self) {
        COUNTING.store(false, Ordering::Relaxed);
    }
}

/// Bytes asked for and not given back since counting began.
pub(crate) fn live() -> i64 {
    LIVE.load(Ordering::Relaxed)
}

#[inline]
fn changed_by(bytes: i64) {
    // Relaxed: nothing else is published through either, and the reading is
    // taken when the program is at rest.
    if COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The system's allocator with a count beside it.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

// SAFETY: every call is passed on to `System` with the arguments unchanged and
// its result is returned unchanged; the counting beside it neither allocates
// nor unwinds.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        changed_by(layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc`, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        changed_by(layout.size() as i64);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        changed_by(-(layout.size() as i64));
        // SAFETY: `block` came from `System` through this allocator, with this
        // layout, as the caller of `dealloc` promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        changed_by(size as i64 - layout.size() as i64);
        // SAFETY: as for `dealloc`, and the caller promises a valid new size.
        unsafe { System.realloc(block, layout, size) }
    }
}

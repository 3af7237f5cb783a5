//! A global allocator that counts live bytes.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

static LIVE: AtomicI64 = AtomicI64::new(0);

/// Bytes asked for and not given back.
pub(crate) fn live() -> i64 {
    LIVE.load(Ordering::Relaxed)
}

struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

// SAFETY: every call is passed on to `System` with the arguments unchanged and
// its result is returned unchanged; the counting beside it neither allocates
// nor unwinds.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: `block` came from `System` through this allocator, with this
        // layout, as the caller of `dealloc` promises.
        unsafe { System.dealloc(block, layout) }
    }
}

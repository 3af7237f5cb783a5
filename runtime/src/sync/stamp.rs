//! Moments that are kept for people: how long a message has waited.
//!
//! Not touched when a program is explored: what is measured decides nothing.

use super::shim::{AtomicU64, Ordering::Relaxed};

/// The first of several moments, until it is taken.
#[derive(Debug)]
pub(crate) struct Stamp(AtomicU64);

impl Stamp {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Keeps `now`, unless there is an earlier moment.
    pub(crate) fn note(&self, now: std::time::Duration) {
        let now = u64::try_from(now.as_nanos()).map_or(u64::MAX - 1, |nanos| nanos.min(u64::MAX - 2) + 1);
        // Relaxed: a number for people; nothing is reached through it.
        // Not modelled: one that comes too late for its reader is left out.
        let _ = self.0.compare_exchange(0, now, Relaxed, Relaxed);
    }

    /// Whether `note` would keep a moment.
    pub(crate) fn is_open(&self) -> bool {
        // Relaxed: see `note`.
        // Not modelled: see `note`.
        self.0.load(Relaxed) == 0
    }

    /// Keeps no moment until the next `take`.
    pub(crate) fn shut(&self) {
        // Relaxed: see `note`.
        // Not modelled: see `note`.
        self.0.store(u64::MAX, Relaxed);
    }

    pub(crate) fn take(&self) -> Option<std::time::Duration> {
        // Relaxed: see `note`. The load spares the usual case, in which there
        // is none, a locked instruction.
        // Not modelled: see `note`.
        if self.0.load(Relaxed) == 0 {
            return None;
        }
        // Relaxed: see `note`.
        // Not modelled: see `note`.
        let nanos = self.0.swap(0, Relaxed);
        (nanos != u64::MAX).then(|| nanos.checked_sub(1).map(std::time::Duration::from_nanos)).flatten()
    }
}

//! The grant limit of a subscription: pure arithmetic, the same in process, over
//! a network and in the models.
//!
//! Item number `t`, counted from 0, may be sent only while `t < limit`, and
//!
//! ```text
//! limit = min(requested, done + window)
//! ```
//!
//! as for a mailbox. `requested` is what the subscriber has asked for, in all,
//! and infinite under a window; `done` is what it has done with, and `window`
//! is infinite under demand by hand. A limit never moves back. It moves on in
//! steps, when no more than `low` of what was granted is left: so a source is
//! asked for many items now and then, and not for one at each item.

/// Demand without end; Reactive Streams rule 3.17.
pub const UNBOUNDED: u64 = u64::MAX;

/// How much one subscription has asked for, been sent, and done with.
///
/// All counts are absolute and begin at 0; they stick at [`UNBOUNDED`].
///
/// ```
/// use tidegate::flow::Ledger;
/// let mut ledger = Ledger::window(4, 2);
/// assert_eq!(ledger.allowance(), 4);
/// assert!(ledger.send() && ledger.send());
/// ledger.done(1);
/// assert_eq!(ledger.allowance(), 2, "more than half is left: not asked again");
/// ledger.done(1);
/// assert_eq!(ledger.allowance(), 4, "asked for two more");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    requested: u64,
    window: u64,
    low: u64,
    limit: u64,
    sent: u64,
    done: u64,
}

impl Ledger {
    /// Nothing is asked for but by [`request`](Self::request).
    #[must_use]
    pub const fn manual() -> Self {
        Self { requested: 0, window: UNBOUNDED, low: UNBOUNDED, limit: 0, sent: 0, done: 0 }
    }

    /// At most `size` items are granted and not done with; more are granted
    /// when no more than `low` of them are left.
    ///
    /// # Panics
    /// If `size` is 0, or `low` is not below it: nothing would ever come, or
    /// the window would be no window.
    #[must_use]
    pub const fn window(size: u64, low: u64) -> Self {
        assert!(size > 0, "a window is at least 1");
        assert!(low < size, "a low mark is below its window");
        Self { requested: UNBOUNDED, window: size, low, limit: size, sent: 0, done: 0 }
    }

    /// Asks for `n` more. Additive and saturating; what was without end stays
    /// so. `false` for 0, which changes nothing.
    pub const fn request(&mut self, n: u64) -> bool {
        self.requested = self.requested.saturating_add(n);
        self.advance();
        n > 0
    }

    /// Uses one grant up. `false` if there is none: then nothing has changed,
    /// and the item is not to be sent.
    #[inline(always)]
    pub const fn send(&mut self) -> bool {
        let granted = self.allowance() > 0;
        if granted {
            self.sent += 1;
        }
        granted
    }

    /// `n` more items are done with. More than were sent cannot be: the rest is
    /// left out.
    pub const fn done(&mut self, n: u64) {
        let outstanding = self.outstanding();
        self.done += if n < outstanding { n } else { outstanding };
        self.advance();
    }

    const fn advance(&mut self) {
        if self.limit.saturating_sub(self.done) > self.low {
            return;
        }
        let by_window = self.done.saturating_add(self.window);
        let target = if by_window < self.requested { by_window } else { self.requested };
        if target > self.limit {
            self.limit = target;
        }
    }

    /// How many items may be sent now.
    #[must_use]
    #[inline(always)]
    pub const fn allowance(&self) -> u64 {
        self.limit - self.sent
    }

    /// How many items were sent and are not done with.
    #[must_use]
    pub const fn outstanding(&self) -> u64 {
        self.sent - self.done
    }

    /// How many more are to be done with before more is granted, at least one.
    pub(super) const fn lacking(&self) -> u64 {
        let left = self.limit.saturating_sub(self.done);
        if left > self.low { left - self.low } else { 1 }
    }

    /// How far the sender may go.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// What was asked for in all; [`UNBOUNDED`] under a window.
    #[must_use]
    pub const fn requested(&self) -> u64 {
        self.requested
    }

    /// How many items were sent in all.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// How many items are done with.
    #[must_use]
    pub const fn finished(&self) -> u64 {
        self.done
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn s5_requests_add_up_and_stick_at_unbounded() {
        let mut ledger = Ledger::manual();
        assert!(!ledger.request(0) && ledger.allowance() == 0);
        assert!(ledger.request(3) && ledger.request(2));
        assert_eq!(ledger.allowance(), 5);
        assert!(ledger.request(u64::MAX));
        assert!(ledger.send() && ledger.request(7));
        assert_eq!((ledger.requested(), ledger.limit()), (UNBOUNDED, UNBOUNDED));
    }

    #[test]
    fn s1_nothing_is_sent_beyond_the_limit() {
        let mut ledger = Ledger::manual();
        ledger.request(2);
        assert!(ledger.send() && ledger.send() && !ledger.send());
        assert_eq!(ledger.sent(), 2);
    }

    #[test]
    fn l7_a_window_of_one_is_filled_again_and_again() {
        let mut ledger = Ledger::window(1, 0);
        for _ in 0..5 {
            assert!(ledger.send() && !ledger.send());
            ledger.done(1);
        }
        assert_eq!(ledger.limit(), 6);
    }

    #[test]
    fn a_window_is_refilled_at_its_low_mark_and_never_exceeded() {
        for (size, low) in [(1, 0), (2, 1), (5, 2), (8, 7), (8, 0)] {
            let mut ledger = Ledger::window(size, low);
            let mut state = size * 31 + low;
            for _ in 0..2_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if state >> 62 == 0 {
                    ledger.done(state >> 60 & 3);
                } else {
                    ledger.send();
                }
                assert!(ledger.limit() - ledger.finished() <= size, "{ledger:?}");
                assert!(ledger.limit() - ledger.finished() > low || ledger.allowance() == size, "{ledger:?}");
            }
            assert!(ledger.sent() > 100);
        }
    }

    #[test]
    fn more_cannot_be_done_than_was_sent() {
        let mut ledger = Ledger::window(4, 2);
        ledger.send();
        ledger.done(9);
        assert_eq!((ledger.finished(), ledger.outstanding()), (1, 0));
    }
}

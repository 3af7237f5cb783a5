//! Who raises the limit, and by how much.

use std::num::NonZeroU64;

use crate::mailbox::Mode;

/// The consumer's half of the demand: everything that decides up to where items
/// may be sent.
///
/// `limit - done <= window` at all times, whatever the mode: an item that may be
/// sent has a place where it will fit (S2). Numbers are absolute and saturate,
/// and `u64::MAX` is "all" from then on (S5, S11).
///
/// Not a [`Ledger`](crate::flow::Ledger), although the rule is the same one, and
/// in push, where nothing is switched, so are the numbers (`tests/flow_link.rs`
/// compares them). A ledger counts what was sent, which is known at the other end
/// only; it belongs to one owner for good, where this one changes hands; and it
/// is either asked or has a window, where this one is asked within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Refill {
    epoch: u64,
    mode: Mode,
    window: u64,
    /// What the handler has asked for so far, or been sent unasked.
    requested: u64,
    limit: u64,
    /// What the handler has taken.
    done: u64,
}

impl Refill {
    pub(super) fn new(mode: Mode, window: NonZeroU64) -> Self {
        let mut new = Self { epoch: 0, mode, window: window.get(), requested: 0, limit: 0, done: 0 };
        new.raise();
        new
    }

    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) const fn requested(&self) -> u64 {
        self.requested
    }

    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) const fn done(&self) -> u64 {
        self.done
    }

    /// The handler wants `n` more. Whether the limit rose.
    ///
    /// At once and not at half of the window: the handler has put together in one
    /// call what it wants together.
    pub(super) fn request(&mut self, n: NonZeroU64) -> bool {
        self.requested = self.requested.saturating_add(n.get());
        self.raise()
    }

    /// The handler has taken one. Whether the limit rose: when no more than half
    /// of the window is left, so that one grant serves many items; with a window
    /// of 1 that is when nothing is left.
    pub(super) fn take(&mut self) -> bool {
        self.done = self.done.saturating_add(1);
        self.limit.saturating_sub(self.done) <= self.window / 2 && self.raise()
    }

    /// Hands the refilling over (S13). Whether anything changed.
    ///
    /// Nothing is taken back. To pull: what was granted unasked counts as asked
    /// for, so it is used up before the handler's next request grants anything.
    /// To push: what is left of the requests is kept for the next time, and
    /// covers what push grants in between, rather than being granted once more.
    pub(super) fn switch(&mut self, mode: Mode) -> bool {
        if mode == self.mode {
            return false;
        }
        self.mode = mode;
        self.epoch = self.epoch.saturating_add(1);
        self.requested = self.requested.max(self.limit);
        if mode == Mode::Push {
            self.raise();
        }
        true
    }

    /// The only place where the limit changes. The mode names the one owner of
    /// the refill: the runtime in push, whoever requests in pull.
    fn raise(&mut self) -> bool {
        let room = self.done.saturating_add(self.window);
        let target = match self.mode {
            Mode::Push => room,
            Mode::Pull => room.min(self.requested),
        };
        let rises = target > self.limit;
        self.limit = self.limit.max(target);
        rises
    }
}

//! How a subscriber asks.

use std::time::Duration;

use super::ledger::{Ledger, UNBOUNDED};
use crate::mailbox::{Mailbox, Push};

/// How a subscription asks its source for items.
///
/// Whatever it is, the subscriber's mailbox counts too: a source is never asked
/// for what the mailbox would not let in, so an actor that pulls by hand gets
/// nothing that it has not requested, window or not.
///
/// ```
/// use std::time::Duration;
/// use tidegate::flow::Demand;
/// let slow_work = Demand::max_in_flight(8);
/// let ahead = Demand::window(64).low(16);
/// let polite = Demand::window(8).rate(100, Duration::from_secs(1));
/// # let _ = (slow_work, ahead, polite);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a demand does nothing until it is given to `subscribe`"]
pub struct Demand {
    kind: Kind,
    rate: Option<Rate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unbounded,
    Manual,
    /// By hand, and by nobody but the subscriber itself.
    Own,
    Window {
        size: u64,
        low: u64,
    },
}

/// So many items in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) items: u64,
    pub(super) per: Duration,
}

impl Demand {
    /// As many items as the subscriber's mailbox lets in: its capacity is the
    /// window, and its delivery the demand. So under [`Pull`](crate::Pull) the
    /// actor's own [`request`](crate::Context::request) asks the source.
    pub const fn unbounded() -> Self {
        Self { kind: Kind::Unbounded, rate: None }
    }

    /// Nothing is asked for but by
    /// [`Subscription::request`](super::Subscription::request).
    pub const fn manual() -> Self {
        Self { kind: Kind::Manual, rate: None }
    }

    /// As [`manual`](Self::manual), for an actor that keeps the subscription to
    /// itself.
    pub(super) const fn own() -> Self {
        Self { kind: Kind::Own, rate: None }
    }

    /// Whether nobody brings demand but the subscriber, by its work.
    pub(super) const fn is_worked_off(self) -> bool {
        !matches!(self.kind, Kind::Manual)
    }

    /// At most `size` items wait in the subscriber's mailbox, and more are asked
    /// for when half of them have been taken out; see [`low`](Self::low). The
    /// one that is being handled has been taken out.
    ///
    /// # Panics
    /// If `size` is 0.
    pub const fn window(size: usize) -> Self {
        assert!(size > 0, "a window is at least 1");
        Self { kind: Kind::Window { size: size as u64, low: size as u64 / 2 }, rate: None }
    }

    /// At most `limit` items are in flight, and another is asked for as soon as
    /// one is done with: taken out of the mailbox, or, for an inlet that
    /// [holds](super::Inlet::holding) its items, acknowledged by dropping it.
    ///
    /// # Panics
    /// If `limit` is 0.
    pub const fn max_in_flight(limit: usize) -> Self {
        assert!(limit > 0, "at least 1 is in flight");
        Self { kind: Kind::Window { size: limit as u64, low: limit as u64 - 1 }, rate: None }
    }

    /// How many of a window are left when it is filled up again.
    ///
    /// # Panics
    /// If this is no window, or `low` is not below its size.
    pub const fn low(mut self, low: usize) -> Self {
        match self.kind {
            Kind::Window { size, .. } if (low as u64) < size => self.kind = Kind::Window { size, low: low as u64 },
            _ => panic!("a low mark belongs to a window and is below its size"),
        }
        self
    }

    /// And on average no more than `items` in each `per`, measured by the system's
    /// clock: a bucket that holds `items` and is filled evenly. It begins full, and
    /// is full after a pause: then up to twice as many come within one `per`.
    ///
    /// # Panics
    /// If `items` or `per` is zero.
    pub const fn rate(mut self, items: u64, per: Duration) -> Self {
        assert!(items > 0 && !per.is_zero(), "a rate is more than nothing");
        self.rate = Some(Rate { items, per });
        self
    }

    pub(super) const fn ledger(self) -> Ledger {
        match self.kind {
            Kind::Unbounded => {
                let mut ledger = Ledger::manual();
                ledger.request(UNBOUNDED);
                ledger
            }
            Kind::Manual | Kind::Own => Ledger::manual(),
            Kind::Window { size, low } => Ledger::window(size, low),
        }
    }

    /// What holds as many items as this asks for, and no more.
    pub(super) fn mailbox<T>(self) -> Mailbox<T> {
        match self.kind {
            Kind::Unbounded => Push::bounded(1).into(),
            // Each of them was asked for.
            Kind::Manual | Kind::Own => Push::unbounded().into(),
            Kind::Window { size, .. } => Push::bounded(size as usize).into(),
        }
    }

    pub(super) const fn limit_of_rate(self) -> Option<Rate> {
        self.rate
    }

    /// The size of the window, if there is one.
    #[must_use]
    pub const fn size(self) -> Option<u64> {
        match self.kind {
            Kind::Unbounded | Kind::Manual | Kind::Own => None,
            Kind::Window { size, .. } => Some(size),
        }
    }
}

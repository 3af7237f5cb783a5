//! The three ways to deliver: [`Push`], [`Pull`], [`Adaptive`].
//!
//! Builders that are valid from the start: required values in the constructor,
//! options by name, and what cannot be is refused where it is written.

use std::time::Duration;

use super::config::{Delivery, Mailbox, Overflow, Watermarks};
use crate::sync::words::MAX_CAPACITY;

/// How a pulling mailbox asks when the actor does not do so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Nothing is asked for but by the handler.
    Manual,
    /// One more when the last has been handled.
    OneByOne,
    /// Up to `size`, again when no more than `low` are outstanding.
    Window {
        /// The most that is asked for ahead.
        size: usize,
        /// Outstanding demand at which more is asked for.
        low: usize,
    },
    /// As many as keep queued, handled and held messages at `limit`.
    MaxInFlight {
        /// Messages queued, in the handler, or held by an in-flight guard.
        limit: usize,
    },
}

/// Eager delivery: a message goes in as long as there is room.
///
/// ```
/// use tidegate::{Overflow, Push};
/// const INBOX: Push = Push::bounded(1024).overflow(Overflow::DropOldest);
/// # let _: tidegate::Mailbox<u8> = INBOX.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a mailbox setting does nothing until it is given to `spawn`"]
pub struct Push {
    pub(super) capacity: u64,
    pub(super) overflow: Overflow,
    pub(super) watermarks: Option<Watermarks>,
}

impl Push {
    /// At most `capacity` messages wait.
    ///
    /// # Panics
    /// If `capacity` is 0 (a compile error in a `const`) or above 2^41.
    pub const fn bounded(capacity: usize) -> Self {
        Self { capacity: checked(capacity), overflow: Overflow::Wait, watermarks: None }
    }

    /// Any number of messages wait: memory is the only bound. A burst that the
    /// actor cannot keep up with grows until the process dies; prefer
    /// [`bounded`](Self::bounded).
    pub const fn unbounded() -> Self {
        Self { capacity: MAX_CAPACITY, overflow: Overflow::Wait, watermarks: None }
    }

    /// What a sender meets at capacity. The default is [`Overflow::Wait`].
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// When pressure is signalled. The default is at a quarter of the capacity
    /// free, and off again at half.
    pub const fn watermarks(mut self, watermarks: Watermarks) -> Self {
        self.watermarks = Some(watermarks);
        self
    }
}

/// Demand-driven delivery: nothing moves that was not asked for.
///
/// ```
/// use tidegate::Pull;
/// let strict = Pull::one_by_one();
/// let ahead = Pull::window(64).low(16);
/// # let _: (tidegate::Mailbox<u8>, tidegate::Mailbox<u8>) = (strict.into(), ahead.into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a mailbox setting does nothing until it is given to `spawn`"]
pub struct Pull {
    pub(super) strategy: Strategy,
    pub(super) capacity: u64,
    pub(super) overflow: Overflow,
    pub(super) watermarks: Option<Watermarks>,
}

impl Pull {
    const fn with(strategy: Strategy, capacity: u64) -> Self {
        Self { strategy, capacity, overflow: Overflow::Wait, watermarks: None }
    }

    /// The handler asks, with `cx.request(n)`. At most 1024 messages are let
    /// in at a time, however many are asked for; see [`capacity`](Self::capacity).
    pub const fn manual() -> Self {
        Self::with(Strategy::Manual, 1024)
    }

    /// One message is asked for when the one before has been handled.
    pub const fn one_by_one() -> Self {
        Self::with(Strategy::OneByOne, 1)
    }

    /// Up to `size` messages are asked for ahead, and more when half of them
    /// have been taken; see [`low`](Self::low).
    ///
    /// # Panics
    /// If `size` is 0.
    pub const fn window(size: usize) -> Self {
        let capacity = checked(size);
        Self::with(Strategy::Window { size, low: size / 2 }, capacity)
    }

    /// As many messages are asked for as keep the number queued, in the
    /// handler, or held by an in-flight guard at `limit`.
    ///
    /// # Panics
    /// If `limit` is 0.
    pub const fn max_in_flight(limit: usize) -> Self {
        let capacity = checked(limit);
        Self::with(Strategy::MaxInFlight { limit }, capacity)
    }

    /// Outstanding demand at which a window is filled up again.
    ///
    /// # Panics
    /// If the strategy is not a window, or `low` is not below its size.
    pub const fn low(mut self, low: usize) -> Self {
        match self.strategy {
            Strategy::Window { size, .. } if low < size => self.strategy = Strategy::Window { size, low },
            _ => panic!("a low mark belongs to a window and is below its size"),
        }
        self
    }

    /// How many messages may wait, whatever was asked for.
    ///
    /// # Panics
    /// If `capacity` is 0 or above 2^41.
    pub const fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = checked(capacity);
        self
    }

    /// What a sender meets without a grant. The default is [`Overflow::Wait`].
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// When pressure is signalled; see [`Push::watermarks`].
    pub const fn watermarks(mut self, watermarks: Watermarks) -> Self {
        self.watermarks = Some(watermarks);
        self
    }
}

/// When an adaptive mailbox turns from push to pull and back.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// The window has been exhausted for this long: pull. Default 20 ms.
    pub overloaded_for: Duration,
    /// Everything queued would be handled within the window's idle demand for
    /// this long: push. Longer than `overloaded_for`. Default 100 ms.
    pub relieved_for: Duration,
    /// A message's service time, smoothed, has risen to this multiple of what
    /// it was while the actor kept up, and a queue has formed: pull. Default 4.
    pub slowdown: f64,
    /// No switch sooner than this after the last. Default 50 ms.
    pub dwell: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            overloaded_for: Duration::from_millis(20),
            relieved_for: Duration::from_millis(100),
            slowdown: 4.0,
            dwell: Duration::from_millis(50),
        }
    }
}

/// Push while the actor keeps up, pull while it does not.
///
/// ```
/// use tidegate::Adaptive;
/// let inbox = Adaptive::window(256).pull_window(16);
/// # let _: tidegate::Mailbox<u8> = inbox.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a mailbox setting does nothing until it is given to `spawn`"]
pub struct Adaptive {
    pub(super) capacity: u64,
    pub(super) pull_window: usize,
    pub(super) thresholds: Thresholds,
    pub(super) overflow: Overflow,
    pub(super) watermarks: Option<Watermarks>,
}

impl Adaptive {
    /// Pushes up to `capacity` waiting messages; pulls with a window of an
    /// eighth of that when the actor falls behind.
    ///
    /// # Panics
    /// If `capacity` is 0 or above 2^41.
    pub const fn window(capacity: usize) -> Self {
        let pull_window = if capacity < 8 { 1 } else { capacity / 8 };
        Self {
            capacity: checked(capacity),
            pull_window,
            // `Default` is not const.
            thresholds: Thresholds {
                overloaded_for: Duration::from_millis(20),
                relieved_for: Duration::from_millis(100),
                slowdown: 4.0,
                dwell: Duration::from_millis(50),
            },
            overflow: Overflow::Wait,
            watermarks: None,
        }
    }

    /// How many messages are asked for ahead while pulling.
    ///
    /// # Panics
    /// If `size` is 0 or larger than the capacity.
    pub const fn pull_window(mut self, size: usize) -> Self {
        assert!(size > 0 && size as u64 <= self.capacity, "a pull window is between 1 and the capacity");
        self.pull_window = size;
        self
    }

    /// When to switch.
    ///
    /// # Panics
    /// Unless `relieved_for` is longer than `overloaded_for` and `slowdown` is
    /// above 1: the mailbox would switch to and fro.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        assert!(thresholds.relieved_for > thresholds.overloaded_for, "relief must take longer to show than overload");
        assert!(thresholds.slowdown > 1.0, "a slowdown is a factor above 1");
        self.thresholds = thresholds;
        self
    }

    /// What a sender meets without a grant. The default is [`Overflow::Wait`].
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// When pressure is signalled; see [`Push::watermarks`].
    pub const fn watermarks(mut self, watermarks: Watermarks) -> Self {
        self.watermarks = Some(watermarks);
        self
    }
}

const fn checked(capacity: usize) -> u64 {
    assert!(capacity > 0, "a capacity or window is at least 1");
    assert!(capacity as u64 <= MAX_CAPACITY, "a capacity is at most 2^41; say `unbounded` if you mean it");
    capacity as u64
}

impl<M> From<Push> for Mailbox<M> {
    fn from(push: Push) -> Self {
        Self::new(Delivery::Push, push.capacity, push.overflow, push.watermarks)
    }
}

impl<M> From<Pull> for Mailbox<M> {
    fn from(pull: Pull) -> Self {
        Self::new(Delivery::Pull(pull.strategy), pull.capacity, pull.overflow, pull.watermarks)
    }
}

impl<M> From<Adaptive> for Mailbox<M> {
    fn from(adaptive: Adaptive) -> Self {
        let delivery = Delivery::Adaptive { pull_window: adaptive.pull_window, thresholds: adaptive.thresholds };
        Self::new(delivery, adaptive.capacity, adaptive.overflow, adaptive.watermarks)
    }
}

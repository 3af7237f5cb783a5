//! What a mailbox is: how messages are delivered, how many may wait, and what
//! a sender meets when no more may.
//!
//! Every value made here is valid: what cannot be is refused where it is
//! written, at compile time in a `const`.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use super::buffer::{Conflate, Conflater};
use crate::sync::queue::Terms;
use crate::sync::words::MAX_CAPACITY;

/// What a sender meets when there is no grant left.
///
/// | policy | the sender | what is lost | order of what is kept |
/// |---|---|---|---|
/// | `Wait` | waits, first in first out | nothing | kept |
/// | `Reject` | gets the message back at once | nothing | kept |
/// | `DropNewest` | goes on; its message is dropped | the newest | kept |
/// | `DropOldest` | goes on; the oldest queued is dropped | the oldest | kept |
/// | `Latest` | goes on; all queued are dropped | all but the newest | kept |
/// | `Divert` | goes on; its message goes to the dead letters | nothing | kept |
/// | `Fail` | gets the message back; the mailbox fails | see below | kept |
///
/// Everything dropped is counted by reason and reported to the dead letters.
/// `try_tell` never waits, whatever the policy. Under `Fail` the first message
/// too many closes the mailbox; what was accepted before is still delivered.
/// Conflation by key is set with [`Mailbox::conflate`], since it needs code.
///
/// `DropOldest`, `Latest` and conflation keep messages in a buffer that can be
/// reached into, under a lock, and hold back *delivery* rather than senders
/// when there is no demand; the others use the lock-free slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Wait for a grant: backpressure. The default.
    #[default]
    Wait,
    /// Refuse the message, at once.
    Reject,
    /// Drop the message that came last.
    DropNewest,
    /// Drop the message that has waited longest.
    DropOldest,
    /// Drop everything queued and keep the newest. With a capacity of 1 there is
    /// never more than the latest; with more, up to that many wait until one too
    /// many comes.
    Latest,
    /// Send the message to the dead letters instead.
    Divert,
    /// Refuse the message and fail the mailbox: overflow is an error here.
    Fail,
}

/// When pressure is on and when it is off again, by the number of free grants.
///
/// Pressure comes on when no more than `low` grants are free, and goes off
/// when at least `high` are; between the two it stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    low: usize,
    high: usize,
}

impl Watermarks {
    /// Marks in free grants.
    ///
    /// # Panics
    /// Unless `low < high`: equal marks would chatter.
    #[must_use]
    pub const fn new(low: usize, high: usize) -> Self {
        assert!(low < high, "the low watermark must be below the high one");
        Self { low, high }
    }

    /// No more free grants than this: pressure.
    #[must_use]
    pub const fn low(self) -> usize {
        self.low
    }

    /// At least this many free grants: relief.
    #[must_use]
    pub const fn high(self) -> usize {
        self.high
    }

    /// A quarter and a half of the capacity.
    pub(crate) const fn of(capacity: u64) -> (u64, u64) {
        let low = capacity / 4;
        let high = capacity / 2;
        (low, if high > low { high } else { low + 1 })
    }
}

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

/// Which way messages are delivered at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Eager: only capacity holds a sender back.
    Push,
    /// Demand-driven: nothing moves that was not asked for.
    Pull,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Delivery {
    Push,
    Pull(Strategy),
    Adaptive { pull_window: usize, thresholds: Thresholds },
}

/// What happens without a grant, with the code it may need.
pub(crate) enum Policy<M> {
    Slots(Overflow),
    Evict(Evict<M>),
}

/// The policies that reach into the queue.
pub(crate) enum Evict<M> {
    Oldest,
    All,
    Conflate(Arc<dyn Conflater<M>>),
}

impl<M> Clone for Evict<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Oldest => Self::Oldest,
            Self::All => Self::All,
            Self::Conflate(with) => Self::Conflate(Arc::clone(with)),
        }
    }
}

impl<M> Clone for Policy<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Slots(overflow) => Self::Slots(*overflow),
            Self::Evict(evict) => Self::Evict(evict.clone()),
        }
    }
}

/// A complete mailbox setting, for messages of type `M`.
///
/// Made from [`Push`], [`Pull`] or [`Adaptive`], or read from a configuration
/// file as [`MailboxConfig`](super::MailboxConfig) with the feature `serde`.
#[must_use = "a mailbox setting does nothing until it is given to `spawn`"]
pub struct Mailbox<M> {
    pub(crate) delivery: Delivery,
    pub(crate) capacity: u64,
    pub(crate) policy: Policy<M>,
    pub(crate) watermarks: Option<Watermarks>,
}

impl<M> Mailbox<M> {
    fn new(delivery: Delivery, capacity: u64, overflow: Overflow, watermarks: Option<Watermarks>) -> Self {
        let policy = match overflow {
            Overflow::DropOldest => Policy::Evict(Evict::Oldest),
            Overflow::Latest => Policy::Evict(Evict::All),
            other => Policy::Slots(other),
        };
        Self { delivery, capacity, policy, watermarks }
    }

    /// Conflates by key on overflow: the new message is merged into the queued
    /// one with the same key, which keeps its place. Without one of that key
    /// the oldest message is dropped, and counted.
    ///
    /// `key` and `merge` run under the mailbox's lock: keep them short. If
    /// `merge` panics, the sender panics and the queued message stays as far
    /// as it was changed. `merge` is to leave the key as it was: a queued
    /// message goes on being found under the key that it came with.
    ///
    /// ```
    /// use tidegate::{Mailbox, Push};
    /// struct Price { symbol: u32, cents: u64 }
    /// let inbox: Mailbox<Price> = Mailbox::from(Push::bounded(256))
    ///     .conflate(|price: &Price| price.symbol, |queued, new| *queued = new);
    /// # let _ = inbox;
    /// ```
    pub fn conflate<K>(
        mut self,
        key: impl Fn(&M) -> K + Send + Sync + 'static,
        merge: impl Fn(&mut M, M) + Send + Sync + 'static,
    ) -> Self
    where
        K: Hash + Eq + Send + 'static,
        M: 'static,
    {
        self.policy = Policy::Evict(Evict::Conflate(Arc::new(Conflate::new(key, merge))));
        self
    }

    /// How many messages may wait; `None` if any number may.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        (self.capacity < MAX_CAPACITY).then_some(self.capacity as usize)
    }

    /// The same for other messages; `None` if it conflates, which needs code
    /// for these.
    pub(crate) fn cast<N>(&self) -> Option<Mailbox<N>> {
        let policy = match &self.policy {
            Policy::Slots(overflow) => Policy::Slots(*overflow),
            Policy::Evict(Evict::Oldest) => Policy::Evict(Evict::Oldest),
            Policy::Evict(Evict::All) => Policy::Evict(Evict::All),
            Policy::Evict(Evict::Conflate(_)) => return None,
        };
        Some(Mailbox { delivery: self.delivery, capacity: self.capacity, policy, watermarks: self.watermarks })
    }

    pub(crate) fn initial_mode(&self) -> Mode {
        match self.delivery {
            Delivery::Pull(_) => Mode::Pull,
            Delivery::Push | Delivery::Adaptive { .. } => Mode::Push,
        }
    }

    pub(crate) fn terms(&self) -> Terms {
        match self.initial_mode() {
            Mode::Push => Terms::push(self.capacity),
            Mode::Pull => Terms::pull(self.capacity),
        }
    }
}

impl<M> Default for Mailbox<M> {
    /// `Push::bounded(1024)`: eager, bounded, and senders wait.
    fn default() -> Self {
        Push::bounded(1024).into()
    }
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self {
            delivery: self.delivery,
            capacity: self.capacity,
            policy: self.policy.clone(),
            watermarks: self.watermarks,
        }
    }
}

impl<M> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy: &dyn fmt::Debug = match &self.policy {
            Policy::Slots(overflow) => overflow,
            Policy::Evict(Evict::Oldest) => &Overflow::DropOldest,
            Policy::Evict(Evict::All) => &Overflow::Latest,
            Policy::Evict(Evict::Conflate(_)) => &"Conflate",
        };
        f.debug_struct("Mailbox")
            .field("delivery", &self.delivery)
            .field("capacity", &self.capacity())
            .field("overflow", policy)
            .field("watermarks", &self.watermarks)
            .finish()
    }
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

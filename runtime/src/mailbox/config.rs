//! What a mailbox is: how messages are delivered, how many may wait, and what
//! a sender meets when no more may.
//!
//! Every value made here is valid: what cannot be is refused where it is
//! written, at compile time in a `const`.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use super::buffer::{Conflate, Conflater};
use super::modes::{Push, Strategy, Thresholds};
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
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
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

/// Which way messages are delivered at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
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
/// Made from [`Push`], [`Pull`](super::Pull) or [`Adaptive`](super::Adaptive), or read from a configuration
/// file as [`MailboxConfig`](super::MailboxConfig) with the feature `serde`.
#[must_use = "a mailbox setting does nothing until it is given to `spawn`"]
pub struct Mailbox<M> {
    pub(crate) delivery: Delivery,
    pub(crate) capacity: u64,
    pub(crate) policy: Policy<M>,
    pub(crate) watermarks: Option<Watermarks>,
}

impl<M> Mailbox<M> {
    pub(super) fn new(delivery: Delivery, capacity: u64, overflow: Overflow, watermarks: Option<Watermarks>) -> Self {
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

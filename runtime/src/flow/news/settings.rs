//! How a store is followed.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::supervision::Backoff;

/// How a store is followed: from where, how much at once, how often without a
/// notice, and how long to try.
///
/// ```
/// use std::time::Duration;
/// use tidegate::Backoff;
/// use tidegate::flow::news::Follow;
///
/// let stored = 1200; // what the last life wrote down
/// let settings = Follow::at(stored)
///     .page(100)
///     .poll_every(Duration::from_secs(300))
///     .retry(Backoff::exponential(Duration::from_secs(1), Duration::from_secs(60)).jitter(0.5))
///     .give_up_after(20);
/// # let _ = settings;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "settings do nothing until something is followed with them"]
pub struct Follow {
    pub(super) cursor: u64,
    pub(super) page: NonZeroU64,
    pub(super) poll: Option<Duration>,
    pub(super) retry: Backoff,
    pub(super) give_up: Option<u32>,
    pub(super) within: Duration,
}

impl Follow {
    /// From the beginning, or from the oldest that is still there, which then
    /// begins with a [`Gap`](super::Gap).
    pub const fn from_start() -> Self {
        Self::at(0)
    }

    /// From a cursor: one that was written down ([`News::cursor`](super::News::cursor)),
    /// or the end of the store, for what is new from now on.
    pub const fn at(cursor: u64) -> Self {
        Self {
            cursor,
            page: NonZeroU64::new(256).unwrap(),
            poll: Some(Duration::from_secs(30)),
            retry: Backoff::exponential(Duration::from_millis(100), Duration::from_secs(30)).jitter(0.5),
            give_up: None,
            within: Duration::from_secs(30),
        }
    }

    /// The most items in one fetch, also if more are wanted. The default is 256.
    ///
    /// # Panics
    /// If it is zero.
    pub const fn page(mut self, items: u64) -> Self {
        self.page = match NonZeroU64::new(items) {
            Some(items) => items,
            None => panic!("a page holds at least one item"),
        };
        self
    }

    /// How long to wait for a notice before looking without one: the longest
    /// that an item is late whose notice was lost. The default is 30 seconds.
    /// The waits are shortened by up to an eighth, by chance, so that those who
    /// were told at the same time do not look at the same time.
    pub const fn poll_every(mut self, interval: Duration) -> Self {
        self.poll = Some(interval);
        self
    }

    /// Never looks without a notice: for notices that cannot be lost, as those
    /// of a [`Log`](super::Log) in the same process.
    pub const fn never_poll(mut self) -> Self {
        self.poll = None;
        self
    }

    /// How long to wait before another attempt after a fetch that failed, or
    /// that brought nothing of what a notice had promised. The default is 100
    /// ms, doubled up to 30 seconds, less a random part of up to a half.
    pub const fn retry(mut self, backoff: Backoff) -> Self {
        self.retry = backoff;
        self
    }

    /// After how many failures in a row to give up, with the fault of the last.
    /// The default is never to. A page that brought nothing is no failure.
    pub const fn give_up_after(mut self, failures: u32) -> Self {
        self.give_up = Some(failures);
        self
    }

    /// How long a fetch may take. One that takes longer is given up, which is a
    /// failure. The default is 30 seconds.
    pub const fn fetch_within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }
}

//! A log in this process: appended by many, followed by many.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use super::bell::{Bell, Notices};
use super::page::{Fetch, FetchError, Page};
use super::retained::{CursorAhead, LogClosed, Retained};
use crate::sync::access::Access;
use crate::sync::shim::Mutex;

/// A topic that keeps its newest items: they are appended, numbered, and fetched
/// by whoever follows, each at its own pace. Cheap to clone; all clones are the
/// same log.
///
/// Appending never waits and knows no followers: one that is slow, or has gone,
/// costs it nothing and keeps nothing in memory. What goes before such a one has
/// fetched it, is a [`Gap`](super::Gap) there. Followers share the items, which
/// are reference-counted and need not be `Clone`.
///
/// ```
/// use std::num::NonZeroU64;
/// use tidegate::flow::news::Log;
///
/// let log = Log::retaining(1000);
/// assert_eq!(log.append("first").unwrap(), 0);
/// assert_eq!(log.append("second").unwrap(), 1);
/// let page = log.fetch(1, NonZeroU64::MAX).unwrap();
/// assert_eq!(page.items.len(), 1);
/// assert_eq!((page.next, page.more), (2, false));
/// ```
///
/// How much is kept is a number of items. To keep by age or by bytes, also
/// [drop the oldest](Self::drop_oldest_while) yourself.
///
/// It lives as long as the process. Where numbers have to go on after a restart,
/// begin at the number where the last life ended
/// ([`beginning_at`](Self::beginning_at)): a cursor past the end is refused.
pub struct Log<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    kept: Mutex<Retained<Arc<T>>>,
    bell: Arc<Bell>,
}

impl<T: Send + Sync + 'static> Log<T> {
    /// A log that keeps the newest `most` items.
    ///
    /// # Panics
    /// If `most` is zero.
    #[must_use]
    pub fn retaining(most: usize) -> Self {
        Self::beginning_at(0, most)
    }

    /// A log that keeps the newest `most` items and numbers them from `first`.
    ///
    /// # Panics
    /// If `most` is zero.
    #[must_use]
    pub fn beginning_at(first: u64, most: usize) -> Self {
        let kept = Mutex::new(Retained::beginning_at(first, most));
        Self { inner: Arc::new(Inner { kept, bell: Arc::default() }) }
    }

    /// Appends an item, and returns its number. Those who follow hear of it.
    ///
    /// # Errors
    /// The item, if the log is closed.
    pub fn append(&self, item: T) -> Result<u64, LogClosed<T>> {
        let item = Arc::new(item);
        let mut kept = self.inner.kept.lock();
        let appended = kept.append(item);
        drop(kept);
        match appended {
            Ok((sequence, dropped)) => {
                // Without the lock: two appends may tell in the other order, and
                // the higher number counts.
                self.inner.bell.notifier().notify(sequence.saturating_add(1));
                drop(dropped);
                Ok(sequence)
            }
            Err(LogClosed(item)) => {
                let Some(item) = Arc::into_inner(item) else { unreachable!("it was not shared with anybody") };
                Err(LogClosed(item))
            }
        }
    }

    /// Lets nothing be appended any more. Those who follow complete when they
    /// have what is there.
    pub fn close(&self) {
        let mut kept = self.inner.kept.lock();
        kept.close();
        let end = kept.end();
        drop(kept);
        self.inner.bell.notifier().close(end);
    }

    /// Up to `n` items from `cursor` on, and what is missing before them.
    ///
    /// # Errors
    /// If the cursor lies past the end: it comes from another log.
    pub fn fetch(&self, cursor: u64, n: NonZeroU64) -> Result<Page<Arc<T>>, CursorAhead> {
        self.inner.kept.lock_to(Access::Read).fetch(cursor, n)
    }

    /// Drops the oldest items for as long as `stale` says so, and returns how
    /// many: for retention by age or by bytes. It is asked without a lock held,
    /// so it may use this log.
    pub fn drop_oldest_while(&self, mut stale: impl FnMut(&T) -> bool) -> usize {
        let mut dropped = 0;
        loop {
            let oldest = self.inner.kept.lock().oldest().map(|(sequence, item)| (sequence, Arc::clone(item)));
            let Some((sequence, item)) = oldest else { return dropped };
            if !stale(&item) {
                return dropped;
            }
            let mut kept = self.inner.kept.lock();
            // Unless it has gone meanwhile.
            let gone = if kept.first() == sequence { kept.drop_first() } else { None };
            drop(kept);
            dropped += usize::from(gone.is_some());
        }
    }

    /// Notices of what is appended, for one follower.
    #[must_use]
    pub fn notices(&self) -> Notices {
        Notices::new(Arc::clone(&self.inner.bell))
    }

    /// The number of the oldest item that is kept; if there is none, of the next.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.inner.kept.lock_to(Access::Read).first()
    }

    /// The number of the next item: the cursor for what is new from now on.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.inner.kept.lock_to(Access::Read).end()
    }

    /// How many items are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.kept.lock_to(Access::Read).len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Send + Sync + 'static> Fetch for Log<T> {
    type Item = Arc<T>;

    /// # Errors
    /// If the cursor lies past the end, which no retry mends.
    async fn fetch(&mut self, cursor: u64, n: NonZeroU64) -> Result<Page<Arc<T>>, FetchError> {
        Self::fetch(self, cursor, n).map_err(FetchError::permanent)
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for Log<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.inner.kept.lock();
        f.debug_struct("Log")
            .field("first", &kept.first())
            .field("end", &kept.end())
            .field("closed", &kept.is_closed())
            .finish_non_exhaustive()
    }
}

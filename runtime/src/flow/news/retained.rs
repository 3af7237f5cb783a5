//! Numbered items, the oldest of which go.

use std::collections::VecDeque;
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};

use super::page::{Gap, Page};

/// Numbered items, of which the newest are kept: a [`Log`](super::Log) as a
/// plain value, without a lock and without notices. For a store that has both
/// already, and for models.
///
/// ```
/// use std::num::NonZeroU64;
/// use tidegate::flow::news::{Gap, Retained};
///
/// let mut kept = Retained::new(2);
/// for word in ["a", "stitch", "in", "time"] {
///     kept.append(word).unwrap();
/// }
/// let page = kept.fetch(0, NonZeroU64::MAX).unwrap();
/// assert_eq!(page.gap, Some(Gap { from: 0, to: 2 }));
/// assert_eq!(page.items, [(2, "in"), (3, "time")]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retained<T> {
    items: VecDeque<T>,
    /// The number of the first of them.
    first: u64,
    most: NonZeroUsize,
    closed: bool,
}

impl<T> Retained<T> {
    /// Keeps the newest `most`; numbers begin at 0.
    ///
    /// # Panics
    /// If `most` is zero.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::beginning_at(0, most)
    }

    /// Keeps the newest `most`; numbers begin at `first` and end below
    /// `u64::MAX`.
    ///
    /// # Panics
    /// If `most` is zero.
    #[must_use]
    pub fn beginning_at(first: u64, most: usize) -> Self {
        let most = NonZeroUsize::new(most).expect("a log keeps at least one item");
        Self { items: VecDeque::new(), first, most, closed: first == u64::MAX }
    }

    /// The number of the oldest that is kept; if there is none, of the next.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The number of the next item: what a notice of news has to say.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.items.len() as u64)
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether nothing can be appended any more: it was closed, or all numbers
    /// are used up.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Appends an item; returns its number, and the item that had to go for it.
    ///
    /// # Errors
    /// The item, if the log [is closed](Self::is_closed).
    pub fn append(&mut self, item: T) -> Result<(u64, Option<T>), LogClosed<T>> {
        if self.closed {
            return Err(LogClosed(item));
        }
        let dropped = if self.items.len() >= self.most.get() { self.drop_first() } else { None };
        let sequence = self.end();
        self.items.push_back(item);
        // A cursor has to have a number behind the last.
        self.closed = self.end() == u64::MAX;
        Ok((sequence, dropped))
    }

    /// Lets nothing be appended any more. What is kept stays.
    pub const fn close(&mut self) {
        self.closed = true;
    }

    /// Drops the oldest item.
    pub fn drop_first(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.first += 1;
        Some(item)
    }

    /// The oldest item, and its number.
    #[must_use]
    pub fn oldest(&self) -> Option<(u64, &T)> {
        self.items.front().map(|item| (self.first, item))
    }
}

impl<T: Clone> Retained<T> {
    /// Up to `n` items from `cursor` on, and what is missing before them.
    ///
    /// # Errors
    /// If the cursor lies past the end: it comes from another log.
    pub fn fetch(&self, cursor: u64, n: NonZeroU64) -> Result<Page<T>, CursorAhead> {
        let end = self.end();
        if cursor > end {
            return Err(CursorAhead { cursor, end });
        }
        let from = cursor.max(self.first);
        let to = from.saturating_add(n.get()).min(end);
        // Both lie within what is kept, so within `usize`.
        let (skip, take) = ((from - self.first) as usize, (to - from) as usize);
        let items = (from..to).zip(self.items.iter().skip(skip).take(take).cloned()).collect();
        Ok(Page::new(items, to)
            .more(to < end)
            .closed(self.closed && to == end)
            .gap((cursor < from).then_some(Gap { from: cursor, to: from })))
    }
}

/// An item that came too late: the log is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LogClosed<T>(pub T);

impl<T> fmt::Debug for LogClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogClosed(..)")
    }
}

impl<T> fmt::Display for LogClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the log is closed")
    }
}

impl<T> std::error::Error for LogClosed<T> {}

/// A cursor past the end of a log. It was handed out by another one, as that of
/// a former life of the process: going on would pass over what comes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CursorAhead {
    /// What was asked for.
    pub cursor: u64,
    /// Where the log ends.
    pub end: u64,
}

impl fmt::Display for CursorAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cursor {} lies past the end of the log, {}", self.cursor, self.end)
    }
}

impl std::error::Error for CursorAhead {}

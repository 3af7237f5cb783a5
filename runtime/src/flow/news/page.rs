//! What a follower asks of a store, and what comes back.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::actor::Fault;

/// A store that can be read from a cursor on.
///
/// A cursor is a sequence number: that of the first item that is wanted.
/// Fetching changes nothing, so it can be repeated: after a failure, after a
/// crash, or since nobody knows what became of the first attempt. Dropping the
/// future gives the fetch up.
///
/// Closures are stores:
///
/// ```
/// use std::num::NonZeroU64;
/// use tidegate::flow::news::{Fetch, FetchError, Page};
///
/// async fn fetches<F: Fetch<Item = char>>(mut store: F) {
///     let page = store.fetch(2, NonZeroU64::MIN).await.unwrap();
///     assert_eq!((page.items, page.next, page.more), (vec![(2, 'c')], 3, true));
/// }
/// # tidegate::block_on(
/// fetches(async |cursor: u64, n: NonZeroU64| {
///     let wanted = ('a'..='e').enumerate().skip(cursor as usize).take(n.get() as usize);
///     let items: Vec<_> = wanted.map(|(at, letter)| (at as u64, letter)).collect();
///     let next = cursor + items.len() as u64;
///     Ok::<_, FetchError>(Page::new(items, next).more(next < 5))
/// })
/// # );
/// ```
pub trait Fetch: Send + 'static {
    /// What is stored.
    type Item: Send + 'static;

    /// Fetches up to `n` items whose sequence numbers are `cursor` or higher.
    ///
    /// # Errors
    /// If it could not be fetched: [for now](FetchError::transient), which is
    /// what `?` makes of any error, or [for good](FetchError::permanent).
    fn fetch(
        &mut self,
        cursor: u64,
        n: NonZeroU64,
    ) -> impl Future<Output = Result<Page<Self::Item>, FetchError>> + Send;
}

impl<F, R, T> Fetch for F
where
    F: FnMut(u64, NonZeroU64) -> R + Send + 'static,
    R: Future<Output = Result<Page<T>, FetchError>> + Send,
    T: Send + 'static,
{
    type Item = T;

    fn fetch(&mut self, cursor: u64, n: NonZeroU64) -> impl Future<Output = Result<Page<T>, FetchError>> + Send {
        self(cursor, n)
    }
}

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use]
pub struct Page<T> {
    /// Items and their sequence numbers, which rise from one to the next. They
    /// need not be consecutive. All lie below `next`; those below the cursor
    /// are ignored.
    pub items: Vec<(u64, T)>,
    /// The cursor with which to go on.
    pub next: u64,
    /// Whether there is something at `next` or above already. If not, the
    /// follower waits for news.
    pub more: bool,
    /// Whether nothing will ever be stored at `next` or above. Counts only
    /// without `more`.
    pub closed: bool,
    /// What the store has dropped between the cursor and the first item.
    pub gap: Option<Gap>,
}

impl<T> Page<T> {
    /// A page behind which there is nothing at present.
    pub const fn new(items: Vec<(u64, T)>, next: u64) -> Self {
        Self { items, next, more: false, closed: false, gap: None }
    }

    /// A page of items whose numbers follow one another, from `first` on.
    pub fn numbered(first: u64, items: impl IntoIterator<Item = T>) -> Self {
        // In this order: no number is taken for which there is no item.
        let items: Vec<_> = items.into_iter().zip(first..).map(|(item, number)| (number, item)).collect();
        let next = items.last().map_or(first, |(last, _)| last.saturating_add(1));
        Self::new(items, next)
    }

    /// Says whether there is more behind it.
    pub fn more(mut self, more: bool) -> Self {
        self.more = more;
        self
    }

    /// Says whether it is the last, and nothing will be stored behind it.
    pub fn closed(mut self, closed: bool) -> Self {
        self.closed = closed;
        self
    }

    /// Says that the store has dropped something before its first item.
    pub fn gap(mut self, gap: Option<Gap>) -> Self {
        self.gap = gap;
        self
    }
}

/// Items that the store had dropped before they were fetched: those with the
/// sequence numbers from `from` up to, and without, `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// The first that is missing.
    pub from: u64,
    /// The first behind the gap.
    pub to: u64,
}

/// What a follower delivers: items in the order of their numbers, each once,
/// and gaps where there are none any more. Each counts as one item of demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum News<T> {
    /// An item and its sequence number.
    Item(u64, T),
    /// Items that the store has dropped, and that will not come.
    Gap(Gap),
}

impl<T> News<T> {
    /// The cursor with which to go on behind this. Store it once this is
    /// handled, and begin with it next time ([`Follow::at`](super::Follow::at)):
    /// then everything is handled at least once.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        match self {
            Self::Item(sequence, _) => sequence.saturating_add(1),
            Self::Gap(gap) => gap.to,
        }
    }

    /// The item, unless it is a gap.
    #[must_use]
    pub fn into_item(self) -> Option<T> {
        match self {
            Self::Item(_, item) => Some(item),
            Self::Gap(_) => None,
        }
    }
}

/// Why a fetch brought nothing.
///
/// `?` makes one of any error, for a follower that tries again. Like a
/// [`Fault`] it is no [`Error`](std::error::Error) itself, for the sake of that.
pub struct FetchError {
    pub(super) fault: Fault,
    pub(super) permanent: bool,
    pub(super) retry_after: Duration,
}

impl FetchError {
    /// One that may pass: the follower tries again, with growing waits.
    pub fn transient(fault: impl Into<Fault>) -> Self {
        Self { fault: fault.into(), permanent: false, retry_after: Duration::ZERO }
    }

    /// One that will not pass: the follower gives up at once. For what a retry
    /// cannot mend: the store is gone, or the cursor means nothing to it.
    pub fn permanent(fault: impl Into<Fault>) -> Self {
        Self { permanent: true, ..Self::transient(fault) }
    }

    /// Waits at least this long before the next attempt, as the store has asked
    /// for (`Retry-After` of HTTP).
    #[must_use]
    pub fn retry_after(mut self, least: Duration) -> Self {
        self.retry_after = least;
        self
    }

    /// What went wrong.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Whether another attempt is of no use.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.permanent
    }
}

impl<E: Into<Fault>> From<E> for FetchError {
    fn from(error: E) -> Self {
        Self::transient(error)
    }
}

impl fmt::Debug for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchError")
            .field("fault", &self.fault)
            .field("permanent", &self.permanent)
            .field("retry_after", &self.retry_after)
            .finish()
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

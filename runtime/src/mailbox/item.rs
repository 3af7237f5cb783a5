//! What lies in a mailbox: a message, and the span it was sent in.
//!
//! Without the feature `tracing` that is the message and nothing else, in size
//! and in what is done for it.

use std::fmt;

#[cfg(feature = "tracing")]
use tracing::level_filters::LevelFilter;

use super::account::Account;

/// A message on its way.
pub(crate) struct Item<M> {
    pub(crate) message: M,
    pub(crate) trace: Trace,
    pub(super) account: Account,
}

impl<M> Item<M> {
    /// A message that is sent now, by whoever runs on this thread.
    #[inline(always)]
    pub(crate) fn new(message: M) -> Self {
        Self { message, trace: Trace::current(), account: Account::open() }
    }

    #[inline(always)]
    pub(crate) fn into_message(self) -> M {
        self.account.close();
        self.message
    }
}

impl<M> fmt::Debug for Item<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").finish_non_exhaustive()
    }
}

/// The span that a message was sent in. It stays open until the message has
/// been handled.
#[cfg(feature = "tracing")]
#[derive(Debug)]
pub(crate) struct Trace(pub(crate) tracing::Span);

/// Nothing: nobody traces.
#[cfg(not(feature = "tracing"))]
#[derive(Debug)]
pub(crate) struct Trace;

#[cfg(feature = "tracing")]
impl Trace {
    /// The span that is current on this thread.
    #[inline]
    pub(crate) fn current() -> Self {
        // One relaxed load while nobody wants spans of this level.
        if LevelFilter::current() < LevelFilter::DEBUG {
            return Self::none();
        }
        Self(tracing::Span::current())
    }

    pub(crate) fn none() -> Self {
        Self(tracing::Span::none())
    }
}

#[cfg(not(feature = "tracing"))]
impl Trace {
    #[inline(always)]
    pub(crate) fn current() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn none() -> Self {
        Self
    }
}

#[cfg(all(test, not(feature = "tracing"), not(feature = "explore"), not(tidegate_loom)))]
mod tests {
    use super::Item;

    #[test]
    fn an_item_is_its_message_and_nothing_else() {
        assert_eq!(size_of::<Item<u64>>(), size_of::<u64>());
        assert_eq!(size_of::<Item<[u8; 3]>>(), 3);
        assert_eq!(size_of::<Option<Item<Box<u8>>>>(), size_of::<usize>(), "the niche stays");
    }
}

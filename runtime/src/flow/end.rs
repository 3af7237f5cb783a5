//! How subscriptions end.

use std::fmt;

use crate::actor::Fault;

/// How a subscription has ended.
///
/// A terminal needs no demand, comes after the items that were accepted
/// ([unless it is asked for at once](super::Inlet::end_at_once)), and is the
/// last that is heard of the subscription. Reactive Streams rules 1.4 to 1.7.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End {
    /// The source has no more.
    Completed,
    /// The source failed. One that panics or goes away without a word has failed
    /// too.
    Failed(Fault),
    /// The subscriber wanted no more, or ended. Never sent to a subscriber; only
    /// [`Subscription::ended`](super::Subscription::ended) tells.
    Cancelled,
}

impl End {
    /// Whether the source came to its own end.
    #[must_use]
    pub const fn is_completed(&self) -> bool {
        matches!(self, Self::Completed)
    }

    /// Why it failed, if it did.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Failed(fault) => Some(fault),
            Self::Completed | Self::Cancelled => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Failed(fault) => write!(f, "failed: {fault}"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

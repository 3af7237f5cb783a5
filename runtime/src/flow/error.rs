//! Why an item is not sent.

use std::fmt;

use crate::mailbox::Cycle;

/// Why nothing will ever be sent again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Unwanted {
    /// The subscriber has cancelled, or it has ended.
    Cancelled,
    /// The subscriber waits, directly or not, for the actor that wanted to send
    /// to it. Only while deadlocks are [broken](crate::Deadlocks).
    Deadlock(Cycle),
}

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the subscription was cancelled"),
            Self::Deadlock(cycle) => write!(f, "deadlock: {cycle}"),
        }
    }
}

impl std::error::Error for Unwanted {}

impl Unwanted {
    /// The same, of an item that was to be sent.
    pub(super) fn of<T>(self, item: T) -> EmitError<T> {
        match self {
            Self::Cancelled => EmitError::Cancelled(item),
            Self::Deadlock(cycle) => EmitError::Deadlock(item, cycle),
        }
    }
}

/// Why an item was not sent. It comes back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmitError<T> {
    /// It has not been asked for, or there is no room for it, at present.
    NoDemand(T),
    /// Nothing is wanted any more; see [`Unwanted`].
    Cancelled(T),
    /// The wait for it was part of a deadlock, and was broken. Only from `send`.
    Deadlock(T, Cycle),
}

impl<T> EmitError<T> {
    /// The item.
    #[must_use]
    pub fn into_item(self) -> T {
        match self {
            Self::NoDemand(item) | Self::Cancelled(item) | Self::Deadlock(item, _) => item,
        }
    }
}

impl<T> fmt::Debug for EmitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDemand(_) => f.write_str("NoDemand(..)"),
            Self::Cancelled(_) => f.write_str("Cancelled(..)"),
            Self::Deadlock(_, cycle) => write!(f, "Deadlock(.., {cycle})"),
        }
    }
}

impl<T> fmt::Display for EmitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDemand(_) => f.write_str("not asked for at present"),
            Self::Cancelled(_) => f.write_str("the subscription was cancelled"),
            Self::Deadlock(_, cycle) => write!(f, "deadlock: {cycle}"),
        }
    }
}

impl<T> std::error::Error for EmitError<T> {}

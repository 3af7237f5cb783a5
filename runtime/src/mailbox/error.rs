//! What comes of sending: one type for each operation, and every failure
//! hands the message back.

use std::fmt;

/// What became of a message that was let in, or that a policy disposed of.
///
/// A sender that must know that its message is queued looks at this; one that
/// chose a lossy mailbox usually does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Admission {
    /// It waits in the mailbox.
    Queued,
    /// It waits; one or more older messages were dropped to make room.
    Displaced,
    /// It was merged into a queued message with the same key.
    Conflated,
    /// It was dropped: no grant was free, and the policy drops the newest.
    Dropped,
    /// It went to the dead letters.
    Diverted,
}

impl Admission {
    /// Whether the message itself, or its content, is in the mailbox.
    #[must_use]
    pub fn is_in(self) -> bool {
        matches!(self, Self::Queued | Self::Displaced | Self::Conflated)
    }
}

/// Why a message was not let in. It is inside.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<M> {
    /// As many messages wait as may, or others wait to send. Transient: the
    /// receiver makes room.
    Full(M),
    /// The receiver has asked for no more. Transient: `request` makes room.
    NoDemand(M),
    /// The receiver has gone or goes. Permanent.
    Closed(M),
    /// There was no grant, and overflow is a failure here: the mailbox is
    /// closed now. Permanent.
    Overflowed(M),
}

impl<M> SendError<M> {
    /// The message that was not let in.
    pub fn into_message(self) -> M {
        match self {
            Self::Full(m) | Self::NoDemand(m) | Self::Closed(m) | Self::Overflowed(m) => m,
        }
    }

    /// Whether the same message may be let in later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full(_) | Self::NoDemand(_))
    }

    /// The same error about another message.
    pub fn map<N>(self, f: impl FnOnce(M) -> N) -> SendError<N> {
        match self {
            Self::Full(m) => SendError::Full(f(m)),
            Self::NoDemand(m) => SendError::NoDemand(f(m)),
            Self::Closed(m) => SendError::Closed(f(m)),
            Self::Overflowed(m) => SendError::Overflowed(f(m)),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Full(_) => "the mailbox is full",
            Self::NoDemand(_) => "the receiver has asked for no more messages",
            Self::Closed(_) => "the receiver has gone",
            Self::Overflowed(_) => "the mailbox overflowed, which its policy makes a failure",
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Full(_) => "Full(..)",
            Self::NoDemand(_) => "NoDemand(..)",
            Self::Closed(_) => "Closed(..)",
            Self::Overflowed(_) => "Overflowed(..)",
        }
    }
}

// No bound on `M`: `?` has to work for any message.
impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl<M> std::error::Error for SendError<M> {}

/// Why `tell_within` did not send. The message is inside.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TellWithinError<M> {
    /// No grant came in time. Transient.
    Timeout(M),
    /// It was refused sooner.
    Refused(SendError<M>),
}

impl<M> TellWithinError<M> {
    /// The message that was not let in.
    pub fn into_message(self) -> M {
        match self {
            Self::Timeout(m) => m,
            Self::Refused(error) => error.into_message(),
        }
    }
}

impl<M> fmt::Debug for TellWithinError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(_) => f.write_str("Timeout(..)"),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}

impl<M> fmt::Display for TellWithinError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(_) => f.write_str("no grant came in time"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl<M> std::error::Error for TellWithinError<M> {}

/// The receiver has gone: nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receiver has gone")
    }
}

impl std::error::Error for Closed {}

/// Why several grants could not be set aside together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveManyError {
    /// The receiver has gone. Permanent.
    Closed,
    /// Under the mailbox's present terms so many are never free together: its
    /// capacity is smaller, or the receiver never asks for so many ahead. Who
    /// waited for them would wait for ever, and everybody behind.
    TooMany,
}

impl fmt::Display for ReserveManyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the receiver has gone",
            Self::TooMany => "so many grants are never free together",
        })
    }
}

impl std::error::Error for ReserveManyError {}

/// Why no grant could be set aside at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryReserveError {
    /// As many messages wait as may, or others wait to send. Transient.
    Full,
    /// The receiver has asked for no more. Transient.
    NoDemand,
    /// The receiver has gone. Permanent.
    Closed,
}

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the mailbox is full",
            Self::NoDemand => "the receiver has asked for no more messages",
            Self::Closed => "the receiver has gone",
        })
    }
}

impl std::error::Error for TryReserveError {}

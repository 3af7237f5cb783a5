//! What comes of sending: one type for each operation, and every failure
//! hands the message back.

use std::fmt;
use std::sync::Arc;

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

/// The mailboxes on a cycle of actors that wait for each other: none of them
/// could ever have gone on. It prints as `/a -> /b -> /a`: the actor at `/a`
/// waits for room in the mailbox of `/b`, or for an answer from there, and so
/// on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cycle(Arc<Vec<Arc<str>>>);

impl Cycle {
    pub(crate) fn new(mailboxes: Vec<Arc<str>>) -> Self {
        Self(Arc::new(mailboxes))
    }

    /// The paths of the mailboxes on the cycle, each once, beginning with that
    /// of the actor whose wait was ended.
    pub fn mailboxes(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.0.iter().map(|path| &**path)
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mailboxes().try_for_each(|path| write!(f, "{path} -> "))?;
        f.write_str(self.mailboxes().next().unwrap_or_default())
    }
}

impl fmt::Debug for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cycle({self})")
    }
}

/// A message whose sender would have waited for ever.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlock<M> {
    /// The message, which was not let in.
    pub message: M,
    /// Who waited for whom.
    pub cycle: Cycle,
}

impl<M> fmt::Debug for Deadlock<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlock").field("cycle", &self.cycle).finish_non_exhaustive()
    }
}

/// Why a message was not let in. It is inside.
#[derive(Clone, PartialEq, Eq)]
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
    /// The sender's handler waited for an actor that waited, perhaps by way of
    /// others, for the sender. This wait was ended so that the others can go
    /// on. Seen only where [deadlocks are broken](crate::Deadlocks).
    Deadlock(Box<Deadlock<M>>),
}

impl<M> SendError<M> {
    /// The message that was not let in.
    pub fn into_message(self) -> M {
        match self {
            Self::Full(m) | Self::NoDemand(m) | Self::Closed(m) | Self::Overflowed(m) => m,
            Self::Deadlock(deadlock) => deadlock.message,
        }
    }

    /// Whether the same message may be let in later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full(_) | Self::NoDemand(_) | Self::Deadlock(_))
    }

    pub(crate) fn deadlock(message: M, cycle: Cycle) -> Self {
        Self::Deadlock(Box::new(Deadlock { message, cycle }))
    }

    /// The same error about another message.
    pub fn map<N>(self, f: impl FnOnce(M) -> N) -> SendError<N> {
        match self {
            Self::Full(m) => SendError::Full(f(m)),
            Self::NoDemand(m) => SendError::NoDemand(f(m)),
            Self::Closed(m) => SendError::Closed(f(m)),
            Self::Overflowed(m) => SendError::Overflowed(f(m)),
            Self::Deadlock(deadlock) => SendError::deadlock(f(deadlock.message), deadlock.cycle),
        }
    }
}

// No bound on `M`: `?` has to work for any message.
impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::NoDemand(_) => f.write_str("NoDemand(..)"),
            Self::Closed(_) => f.write_str("Closed(..)"),
            Self::Overflowed(_) => f.write_str("Overflowed(..)"),
            Self::Deadlock(deadlock) => deadlock.fmt(f),
        }
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the mailbox is full"),
            Self::NoDemand(_) => f.write_str("the receiver has asked for no more messages"),
            Self::Closed(_) => f.write_str("the receiver has gone"),
            Self::Overflowed(_) => f.write_str("the mailbox overflowed, which its policy makes a failure"),
            Self::Deadlock(deadlock) => write!(f, "deadlock: {}", deadlock.cycle),
        }
    }
}

impl<M> std::error::Error for SendError<M> {}

/// Why `tell_within` did not send. The message is inside.
#[derive(Clone, PartialEq, Eq)]
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

/// Why an actor's grant could not be set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveError {
    /// The actor has ended. Permanent.
    Closed,
    /// As [`SendError::Deadlock`].
    Deadlock(Cycle),
}

impl ReserveError {
    /// The error of a `message` that the grant was for.
    pub(crate) fn of<M>(self, message: M) -> SendError<M> {
        match self {
            Self::Closed => SendError::Closed(message),
            Self::Deadlock(cycle) => SendError::deadlock(message, cycle),
        }
    }
}

impl From<Closed> for ReserveError {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => Closed.fmt(f),
            Self::Deadlock(cycle) => write!(f, "deadlock: {cycle}"),
        }
    }
}

impl std::error::Error for ReserveError {}

/// Why several grants could not be set aside together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReserveManyError {
    /// The receiver has gone. Permanent.
    Closed,
    /// Under the mailbox's present terms so many are never free together: its
    /// capacity is smaller, or the receiver never asks for so many ahead. Who
    /// waited for them would wait for ever, and everybody behind.
    TooMany,
    /// As [`SendError::Deadlock`].
    Deadlock(Cycle),
}

impl fmt::Display for ReserveManyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the receiver has gone"),
            Self::TooMany => f.write_str("so many grants are never free together"),
            Self::Deadlock(cycle) => write!(f, "deadlock: {cycle}"),
        }
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

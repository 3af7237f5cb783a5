//! What comes of sending through a router.

use std::fmt;

use crate::mailbox::{Cycle, SendError};

/// Why a router did not send, or not to everybody. The message is inside.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteError<M> {
    /// There is no member, or all have ended. Transient where members may
    /// still join.
    NoMember(M),
    /// The members that were tried refused it. The last one's reason.
    Refused(SendError<M>),
    /// No member let it in in time.
    Timeout(M),
    /// A broadcast that some members did not get.
    Partly {
        /// How many got it.
        reached: usize,
        /// Why the others did not; one at least. Members that have ended are
        /// not counted.
        missed: Vec<RouteError<M>>,
    },
}

impl<M> RouteError<M> {
    /// The message; one of the copies of a broadcast.
    pub fn into_message(self) -> M {
        match self {
            Self::NoMember(message) | Self::Timeout(message) => message,
            Self::Refused(error) => error.into_message(),
            Self::Partly { missed, .. } => match missed.into_iter().next() {
                Some(error) => error.into_message(),
                None => unreachable!("a broadcast that nobody missed is no error"),
            },
        }
    }
}

// No bound on `M`: `?` has to work for any message.
impl<M> fmt::Debug for RouteError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMember(_) => f.write_str("NoMember(..)"),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
            Self::Timeout(_) => f.write_str("Timeout(..)"),
            Self::Partly { reached, missed } => {
                f.debug_struct("Partly").field("reached", reached).field("missed", missed).finish()
            }
        }
    }
}

impl<M> fmt::Display for RouteError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partly { reached, missed } => {
                write!(f, "{} of {} members did not get a broadcast", missed.len(), reached + missed.len())
            }
            Self::NoMember(_) => f.write_str("there is no member"),
            Self::Refused(error) => error.fmt(f),
            Self::Timeout(_) => f.write_str("no member let it in in time"),
        }
    }
}

impl<M> std::error::Error for RouteError<M> {}

/// Why a question that was asked through a router has no answer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteAskError<M> {
    /// The question was not let in. It is inside.
    Refused(RouteError<M>),
    /// The question was let in, and will not be answered: the handler dropped
    /// the reply, failed, or the actor ended or dropped the message.
    NoReply,
    /// No answer in time. The question may still be handled.
    Timeout,
    /// Whoever is to answer waited for the asker; see
    /// [`AskError::Deadlock`](crate::AskError::Deadlock).
    Deadlock(Cycle),
}

impl<M> fmt::Debug for RouteAskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
            Self::NoReply => f.write_str("NoReply"),
            Self::Timeout => f.write_str("Timeout"),
            Self::Deadlock(cycle) => f.debug_tuple("Deadlock").field(cycle).finish(),
        }
    }
}

impl<M> fmt::Display for RouteAskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "the question was refused: {error}"),
            Self::NoReply => f.write_str("the question will not be answered"),
            Self::Timeout => f.write_str("the question was not answered in time"),
            Self::Deadlock(cycle) => write!(f, "deadlock: {cycle}"),
        }
    }
}

impl<M> std::error::Error for RouteAskError<M> {}

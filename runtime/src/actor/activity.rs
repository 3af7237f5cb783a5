//! What an actor is doing, as others see it.

use std::fmt;

use super::lifecycle::ActorPath;

/// What an actor is doing: for people who ask why nothing happens. It may be
/// out of date when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Activity {
    /// It has not begun to handle messages: it was just spawned, or its
    /// `started` hook runs.
    Starting,
    /// It waits for a message.
    Parked,
    /// A handler or hook runs, or waits for something that is not an actor.
    Working,
    /// Its handler waits for room in the mailbox of the actor named. Seen only
    /// while waits are watched, as they are in debug builds.
    WaitingForRoom(ActorPath),
    /// It waits until a subscriber asks for more.
    WaitingForDemand(ActorPath),
    /// Its handler waits for the answer of the actor named. Seen only while
    /// waits are watched, as they are in debug builds.
    WaitingForAnswer(ActorPath),
    /// It has failed, and is to begin anew after a while.
    BackingOff,
    /// It ends: its children do, or its `stopped` hook runs.
    Stopping,
    /// It has ended.
    Ended,
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Parked => f.write_str("parked"),
            Self::Working => f.write_str("working"),
            Self::WaitingForRoom(path) => write!(f, "waiting for room in {path}"),
            Self::WaitingForDemand(path) => write!(f, "waiting for demand of {path}"),
            Self::WaitingForAnswer(path) => write!(f, "waiting for an answer of {path}"),
            Self::BackingOff => f.write_str("backing off"),
            Self::Stopping => f.write_str("stopping"),
            Self::Ended => f.write_str("ended"),
        }
    }
}

/// What an actor notes of itself, in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doing {
    Starting,
    Parked,
    Working,
    BackingOff,
    Stopping,
    /// As `Working`, on what did not come from the queue just now: a timer's
    /// message, one that was put aside, news.
    Aside,
}

impl Doing {
    pub(super) fn read(mark: u8) -> Self {
        match mark {
            0 => Self::Starting,
            1 => Self::Parked,
            3 => Self::BackingOff,
            4 => Self::Stopping,
            5 => Self::Aside,
            _ => Self::Working,
        }
    }
}

impl From<Doing> for Activity {
    fn from(doing: Doing) -> Self {
        match doing {
            Doing::Starting => Self::Starting,
            Doing::Parked => Self::Parked,
            Doing::Working | Doing::Aside => Self::Working,
            Doing::BackingOff => Self::BackingOff,
            Doing::Stopping => Self::Stopping,
        }
    }
}

//! A mailbox's numbers.

use super::config::{Mode, Overflow};
use super::core::{Core, ModeSwitch};
use super::dead_letters::{DropCounts, DropReason};
use crate::sync::access::Access;

/// What a mailbox has done so far, and how it stands.
///
/// Each number is right for some moment during the call; they are not one
/// consistent cut.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MailboxStats {
    /// Messages handed to the handler, less those it was interrupted in, and
    /// less those that it has [put aside](crate::Context::stash).
    pub handled: u64,
    /// How often the receiver was polled: its wake-ups.
    pub polls: u64,
    /// The deepest queue that the receiver has met.
    pub high_water: u64,
    /// Messages waiting.
    pub len: usize,
    /// Messages put aside by the handler.
    pub stashed: usize,
    /// Messages that would be let in.
    pub free: usize,
    /// How many messages may wait; `None` if any number may.
    pub capacity: Option<usize>,
    /// Messages taken out, in all: with [`requested`](Self::requested) and
    /// [`limit`](Self::limit) the numbers of the
    /// [one rule](crate::mailbox#one-number).
    pub taken: u64,
    /// Messages asked for, in all; `None` for demand without end, as it is
    /// under push.
    pub requested: Option<u64>,
    /// How far senders may go, in all; `None` if nothing bounds them.
    pub limit: Option<u64>,
    /// Grants set aside by permits.
    pub permits: u64,
    /// Senders that wait for a grant.
    pub waiting_senders: usize,
    /// Messages dropped, by reason.
    pub drops: DropCounts,
    /// What becomes of a message without a grant. Of a mailbox that conflates:
    /// of one that has no twin.
    pub overflow: Overflow,
    /// The delivery mode.
    pub mode: Mode,
    /// How often the mode has changed.
    pub epoch: u64,
    /// The last changes of mode, oldest first.
    pub switches: Vec<ModeSwitch>,
}

impl MailboxStats {
    pub(crate) fn of<M>(core: &Core<M>) -> Self {
        let (len, free, waiting_senders, drops) = (core.len(), core.free(), core.queue.waiting_senders(), core.drops());
        let (standing, capacity) = (core.queue.standing(), core.capacity());
        let bounded = capacity.is_some() || standing.requested.is_some();
        let (stashed, unhandled) = core.unhandled();
        let terms = core.terms.lock_to(Access::Read);
        let (epoch, switches) = terms.switches();
        Self {
            handled: core.books.handled.get().saturating_sub(drops.of(DropReason::Interrupted) + unhandled),
            polls: core.books.polls.get(),
            high_water: core.books.high_water.get(),
            len,
            stashed: stashed as usize,
            free,
            capacity,
            taken: standing.taken,
            requested: standing.requested,
            limit: bounded.then_some(standing.limit),
            permits: standing.permits,
            waiting_senders,
            drops,
            overflow: terms.overflow(),
            mode: terms.mode,
            epoch,
            switches,
        }
    }
}

/// A duration as monitoring wants it.
#[cfg(feature = "serde")]
pub(crate) fn seconds<S: serde::Serializer>(duration: &std::time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// The same of one that may not be there.
#[cfg(feature = "serde")]
pub(crate) fn maybe_seconds<S: serde::Serializer>(
    duration: &Option<std::time::Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_some(&duration.as_secs_f64()),
        None => serializer.serialize_none(),
    }
}

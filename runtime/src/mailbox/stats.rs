//! A mailbox's numbers.

use super::config::Mode;
use super::core::{Core, ModeSwitch};
use super::dead_letters::{DropCounts, DropReason};

/// What a mailbox has done so far, and how it stands.
///
/// Each number is right for some moment during the call; they are not one
/// consistent cut.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MailboxStats {
    /// Messages handed to the handler, less those it was interrupted in.
    pub handled: u64,
    /// How often the receiver was polled: its wake-ups.
    pub polls: u64,
    /// The deepest queue that the receiver has met.
    pub high_water: u64,
    /// Messages waiting.
    pub len: usize,
    /// Messages that would be let in.
    pub free: usize,
    /// Senders that wait for a grant.
    pub waiting_senders: usize,
    /// Messages dropped, by reason.
    pub drops: DropCounts,
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
        let terms = core.terms.lock();
        let (epoch, switches) = terms.switches();
        Self {
            handled: core.books.handled.get().saturating_sub(drops.of(DropReason::Interrupted)),
            polls: core.books.polls.get(),
            high_water: core.books.high_water.get(),
            len,
            free,
            waiting_senders,
            drops,
            mode: terms.mode,
            epoch,
            switches,
        }
    }
}

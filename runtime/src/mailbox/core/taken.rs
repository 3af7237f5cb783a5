//! Messages that were taken from the mailbox and yet not handled: put aside,
//! or found expired. They count as handled when they are taken, so the books
//! have to say which of them were not.

use std::sync::Arc;

use super::Core;
use crate::mailbox::dead_letters::DropReason;
use crate::mailbox::leash::{Cut, Tick};
use crate::sync::access::Access;

/// How many messages were taken and not handled.
#[derive(Clone, Copy, Default)]
pub(super) struct Taken {
    /// In the stash at present.
    stashed: u64,
    /// Given up since.
    dropped: u64,
}

impl<M> Core<M> {
    fn with_taken<T>(&self, f: impl FnOnce(&mut Taken) -> T) -> T {
        f(&mut self.terms.lock().memory.get_or_insert_default().taken)
    }

    /// A message that was taken is put aside.
    pub(crate) fn note_stashed(&self) {
        self.with_taken(|taken| taken.stashed += 1);
    }

    /// A message that was put aside goes to the handler.
    pub(crate) fn note_unstashed(&self) {
        self.with_taken(|taken| taken.stashed -= 1);
    }

    /// How many messages are put aside, and how many of those taken have not
    /// been handled.
    pub(crate) fn unhandled(&self) -> (u64, u64) {
        let terms = self.terms.lock_to(Access::Read);
        let taken = terms.memory.as_ref().map(|memory| memory.taken).unwrap_or_default();
        (taken.stashed, taken.stashed + taken.dropped)
    }
}

impl<M: Send + 'static> Core<M> {
    /// The actor has ended with messages put aside.
    pub(crate) fn bury_stashed(&self, messages: Vec<M>) {
        let n = messages.len() as u64;
        self.with_taken(|taken| {
            taken.stashed -= n;
            taken.dropped += n;
        });
        self.bury(DropReason::Stopped, messages);
    }

    /// A message that came past the bound, if it is still wanted. One whose
    /// timer has ended with an earlier life goes to the dead letters.
    pub(crate) fn take_tick(&self, message: M, timer: Option<Arc<Cut>>) -> Option<M> {
        match timer.map_or(Tick::Wanted, |timer| timer.take_tick()) {
            Tick::Wanted => return Some(message),
            Tick::Withdrawn => {}
            Tick::Late => self.bury(DropReason::Stopped, vec![message]),
        }
        None
    }

    /// A message that was taken has expired before it was handled.
    pub(crate) fn bury_expired(&self, message: M) {
        self.with_taken(|taken| taken.dropped += 1);
        self.bury(DropReason::Expired, vec![message]);
    }
}

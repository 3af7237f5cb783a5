//! Messages that were taken from the mailbox and yet not handled: put aside,
//! or found expired. They count as handled when they are taken, so the books
//! have to say which of them were not.

use super::Core;
use crate::mailbox::dead_letters::DropReason;

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
        let terms = self.terms.lock();
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

    /// A message that was taken has expired before it was handled.
    pub(crate) fn bury_expired(&self, message: M) {
        self.with_taken(|taken| taken.dropped += 1);
        self.bury(DropReason::Expired, vec![message]);
    }
}

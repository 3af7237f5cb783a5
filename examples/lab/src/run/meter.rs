//! What waits in the mailboxes, counted where it happens.
//!
//! Every message carries a [`Load`]: made when the message is, dropped when a
//! consumer begins with it or when a policy drops it. So the count is exact
//! under every policy, without asking the mailboxes.
//!
//! Peak memory is the most bytes that waited at one time, each message in the
//! [`slot`] that its size makes. It is what the mailboxes hold on behalf of the
//! senders; empty slots and the actors themselves are not in it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Bytes that a mailbox spends on a message of so many: a slot is the message
/// and a byte of state, each padded to the message's alignment, which is taken
/// to be that of a word.
const fn slot(bytes: u32) -> u64 {
    let word = align_of::<u64>() as u64;
    let state = (size_of::<(u8, u64)>() - size_of::<u64>()) as u64;
    (bytes as u64).next_multiple_of(word) + state
}

/// Counts of one run, shared by its messages.
// Relaxed throughout: these are statistics, and no decision rests on them.
#[derive(Debug, Default)]
pub(super) struct Meter {
    waiting: AtomicU64,
    bytes: AtomicU64,
    deepest: AtomicU64,
    peak_bytes: AtomicU64,
}

/// One message's share of a [`Meter`].
#[derive(Debug)]
pub(super) struct Load {
    meter: Arc<Meter>,
    bytes: u64,
}

impl Meter {
    /// Counts a message in that is about to be sent.
    pub(super) fn load(self: &Arc<Self>, bytes: u32) -> Load {
        let bytes = slot(bytes);
        self.waiting.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        Load { meter: Arc::clone(self), bytes }
    }

    /// Notes the depth, after a send: what the send dropped is out by then.
    pub(super) fn note(&self) {
        self.deepest.fetch_max(self.waiting.load(Relaxed), Relaxed);
        self.peak_bytes.fetch_max(self.bytes.load(Relaxed), Relaxed);
    }

    pub(super) fn deepest(&self) -> u64 {
        self.deepest.load(Relaxed)
    }

    pub(super) fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.meter.waiting.fetch_sub(1, Relaxed);
        self.meter.bytes.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_counted_out() {
        let meter = Arc::new(Meter::default());
        let loads: Vec<Load> = (0..3).map(|_| meter.load(92)).collect();
        meter.note();
        drop(loads);
        let _one = meter.load(92);
        meter.note();
        assert_eq!((meter.deepest(), meter.peak_bytes()), (3, 3 * 104));
    }

    #[test]
    fn a_slot_is_what_the_compiler_makes_of_a_message_and_its_state() {
        #[expect(dead_code)]
        struct Slot<M>(u8, M);
        assert_eq!(slot(8), 16);
        assert_eq!(slot(8), size_of::<Slot<u64>>() as u64);
        assert_eq!(slot(256), size_of::<Slot<[u64; 32]>>() as u64);
        assert_eq!(slot(713), slot(720));
    }
}

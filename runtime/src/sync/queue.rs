//! The grant queue: the gate, the slots behind it, and everybody who waits.
//!
//! # The rule
//! A sender may claim sequence `t` only while `t < limit`, and
//! `limit = min(requested, taken + capacity)`. `taken` is moved by the
//! receiver, `requested` by whoever owns the delivery mode. A claim is one
//! compare-exchange of the tail; what has been claimed is written into its
//! slot and published there ([`Ring`]).
//!
//! # The limit that senders see
//! The word `limit` is the rule's limit cut off at the end of the storage
//! there is: `min(allowed, storage end)`. The receiver publishes it in
//! batches; `allowed` never moves back. A sender that meets the end of the
//! storage, and not of what is allowed, takes the lock and makes room. The
//! word itself moves back in one place, when an idle mailbox gets its first ring
//! again, smaller than the one it gave back, while the tail
//! is frozen: a claim that read the old word fails there, since the tail has
//! changed, or is the very first after it, for which there is always a slot.
//!
//! # Frozen
//! With `FROZEN` in the tail no claim succeeds without the lock. It is set for
//! good while there is no storage (an idle mailbox has none), and for a moment
//! while a ring is replaced, which fixes the sequence where the new one
//! begins. So storage needs no reclamation scheme: for every claimed sequence
//! its ring stays until the receiver has passed it.
//!
//! # Who wakes whom
//! - A sender wakes the receiver when its swap says that the receiver sleeps
//!   on that slot.
//! - A waiting sender sets `WAITERS` in the limit, by a read-modify-write, and
//!   then looks again. Whoever makes room (the receiver by raising the limit,
//!   another sender by giving up a permit) does so by a read-modify-write on
//!   the limit or the tail. Of two such operations on one word one comes
//!   first, so one of the two sides sees the other.
//! - While `WAITERS` is set nobody passes: grants are handed over in order,
//!   under the lock, by whoever made the room.

use std::fmt;
use std::task::Waker;

use super::access::{self, Access};
use super::ring::{Got, Put, Ring};
use super::shim::{
    AtomicPtr, AtomicU64, Line, Mutex,
    Ordering::{Acquire, Relaxed, Release},
    kept, mutant, order,
};
use super::wait_cell::WaitCell;
use super::waiters::{Left, Outcome, Ticket, Waiters, Want};
use super::watch::{Until, Watch};
use super::words::{
    BELOW_SEQUENCE, BUFFERED, CLOSED, FOLLOWED, FROZEN, LIMIT_FLAGS, MAX_CAPACITY, MAX_PERMITS, ONE_MESSAGE,
    ONE_PERMIT, REPORTED, SEQUENCE_MASK, WAITERS, WATCHED, ahead, limit_word, permits, sequence,
};

mod claim;
mod consume;
mod follow;
mod seen;
mod storage;
mod terms;
mod waiting;

pub(crate) use consume::Consumer;
use seen::Seen;
pub(crate) use terms::Terms;

/// Demand without end: push.
pub(crate) const UNBOUNDED: u64 = u64::MAX;

/// Why a claim was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many messages wait as may.
    Full,
    /// The receiver has asked for no more.
    NoDemand,
    /// The mailbox is closed.
    Closed,
    /// The mailbox keeps its messages in the buffer at present.
    Buffered,
}

/// How a queue stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Messages taken, in all.
    pub(crate) taken: u64,
    /// Messages asked for, in all; `None` for demand without end.
    pub(crate) requested: Option<u64>,
    /// How far senders may go.
    pub(crate) limit: u64,
    /// Grants set aside.
    pub(crate) permits: u64,
}

/// What the receiver publishes and senders read: eight words, a cache line.
struct Published<T> {
    limit: AtomicU64,
    taken: AtomicU64,
    requested: AtomicU64,
    capacity: AtomicU64,
    /// What was allowed when terms became narrower: it stays granted.
    floor: AtomicU64,
    /// The newest ring; null while there is no storage.
    ring: AtomicPtr<Ring<T>>,
    ring_base: AtomicU64,
    ring_len: AtomicU64,
}

struct Slow<T> {
    waiters: Waiters<T>,
    watch: Option<Box<Watch>>,
    /// More permits than this are never there together under these terms.
    at_once: u64,
    consumer_taken: bool,
}

/// A bounded queue of many senders and one receiver whose bound is a limit
/// that the receiver moves.
///
/// In this order: what senders write and what the receiver publishes are a
/// cache line apart, without the padding that an alignment would cost an idle
/// mailbox.
#[repr(C)]
pub(crate) struct Queue<T> {
    tail: Line<AtomicU64>,
    receiver: WaitCell,
    slow: Mutex<Slow<T>>,
    published: Line<Published<T>>,
    seen: Seen,
}

// SAFETY: messages go from the thread that claims a slot to the one that
// receives, hence `T: Send`. Rings are shared by pointer under the rules in
// the module's head. Nothing gives out a `&T`.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Queue<T> {}
// SAFETY: the queue owns its rings; see above.
#[allow(unsafe_code)]
unsafe impl<T: Send> Send for Queue<T> {}

/// Things to do once the lock is free: wakers run foreign code.
#[derive(Default)]
pub(crate) struct Wakes {
    senders: Vec<Waker>,
    receiver: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(terms: Terms) -> Self {
        Self::starting_at(terms, 0)
    }

    /// A queue whose first sequence is `start`: for tests of the wrap-around.
    pub(crate) fn starting_at(terms: Terms, start: u64) -> Self {
        let Terms { capacity, requested } = terms;
        let requested = requested.map_or(UNBOUNDED, |n| start.saturating_add(n));
        let at = limit_word(start & SEQUENCE_MASK, 0);
        Self {
            tail: Line(AtomicU64::new(at | FROZEN)),
            published: Line(Published {
                limit: AtomicU64::new(at),
                taken: AtomicU64::new(start),
                requested: AtomicU64::new(requested),
                capacity: AtomicU64::new(capacity.min(MAX_CAPACITY)),
                floor: AtomicU64::new(start),
                ring: AtomicPtr::new(std::ptr::null_mut()),
                ring_base: AtomicU64::new(start & SEQUENCE_MASK),
                ring_len: AtomicU64::new(0),
            }),
            receiver: WaitCell::new(),
            // Untouched: whoever takes it says what it touches.
            slow: Mutex::untouched(Slow {
                waiters: Waiters::new(),
                watch: None,
                at_once: u64::MAX,
                consumer_taken: false,
            }),
            seen: Seen::new(),
        }
    }

    /// Says what people call it.
    pub(crate) fn name(&self, name: &str) {
        self.seen.name(name);
    }

    /// What explorers know it by.
    #[cfg(all(feature = "explore", not(tidegate_loom)))]
    pub(crate) fn object(&self) -> super::access::ObjectId {
        self.seen.tail.id()
    }

    /// The receiving side. Given out once.
    pub(crate) fn consumer(&self) -> Option<Consumer<T>> {
        let mut slow = self.slow.lock();
        if std::mem::replace(&mut slow.consumer_taken, true) {
            return None;
        }
        // Relaxed: nobody but the consumer made here writes it.
        // Not modelled: read before the consumer exists.
        Some(Consumer::new(self, self.published.0.taken.load(Relaxed)))
    }

    pub(crate) fn receiver(&self) -> &WaitCell {
        &self.receiver
    }

    /// How many accepted messages the receiver has not taken, as published.
    pub(crate) fn len(&self) -> u64 {
        self.seen.read();
        // Acquire on `taken` first: the tail read next is at least as far.
        // Not modelled: a count that is out of date when it is returned.
        let taken = self.published.0.taken.load(Acquire);
        let tail = self.tail.0.load(Acquire);
        ahead(sequence(tail), taken).max(0) as u64
    }

    /// How many more claims would be granted now.
    pub(crate) fn free(&self) -> u64 {
        self.seen.read();
        // Acquire as in `len`.
        // Not modelled: a count that is out of date when it is returned.
        let tail = self.tail.0.load(Acquire);
        if tail & CLOSED != 0 {
            return 0;
        }
        ahead(self.allowed(), sequence(tail) + permits(tail)).max(0) as u64
    }

    /// The numbers of the rule, for people: each right for some moment.
    pub(crate) fn standing(&self) -> Standing {
        self.seen.read();
        // Relaxed: numbers that are out of date when they are returned.
        // Not modelled: nothing is decided by them.
        let (taken, requested) = (self.published.0.taken.load(Relaxed), self.published.0.requested.load(Relaxed));
        let permits = permits(self.tail.0.load(Relaxed));
        Standing { taken, requested: (requested != UNBOUNDED).then_some(requested), limit: self.allowed(), permits }
    }

    /// How many messages may wait.
    pub(crate) fn capacity(&self) -> u64 {
        self.seen.head.touch(Access::Read);
        // Relaxed: a setting that others may change at any time.
        // Not modelled: a number that is out of date when it is returned.
        self.published.0.capacity.load(Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.seen.tail.touch(Access::Read);
        // Acquire: who sees the mailbox closed sees why.
        // Checked by: queue::model::ending::a_closed_queue_shows_why
        self.tail.0.load(order!(Acquire, "queue.is_closed")) & CLOSED != 0
    }

    /// Whether a sender waits for a grant.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.seen.waiting.touch(Access::Read);
        // Acquire: asked after the receiver has left its waker, so a sender
        // that waited before is seen, and one that comes later wakes it.
        // Not modelled: the wake-up is the wait cell's, which has its models.
        self.published.0.limit.load(Acquire) & WAITERS != 0
    }

    pub(crate) fn waiting_senders(&self) -> usize {
        self.seen.waiting.touch(Access::Read);
        self.slow.lock().waiters.len()
    }

    /// The limit of the rule, whatever storage there is at present.
    fn allowed(&self) -> u64 {
        let p = &self.published.0;
        // Acquire on each: `taken` stands for slots emptied before it was
        // stored, and terms that became narrower for a floor stored before.
        // Checked by: queue::model::terms::terms_change_as_one,
        // queue::model::claims::nothing_comes_that_was_not_asked_for
        let taken = p.taken.load(kept!(Acquire));
        let capacity = p.capacity.load(order!(Acquire, "queue.allowed_capacity"));
        let requested = p.requested.load(order!(Acquire, "queue.allowed_requested"));
        // Once more, and the smaller: with new demand goes the capacity that
        // came before it, not the one before that.
        // Checked by: queue::model::terms::terms_change_as_one
        let again = if mutant!("queue.allowed_looks_once") { capacity } else { p.capacity.load(Relaxed) };
        let capacity = capacity.min(again);
        // Relaxed: ordered by the loads above.
        // Not modelled: there is nothing weaker to put here.
        let floor = p.floor.load(Relaxed);
        requested.min(taken.saturating_add(capacity)).max(floor)
    }

    /// Closes the mailbox: no claim succeeds any more, waiting senders get
    /// their messages back, and the receiver drains what was accepted.
    pub(crate) fn close(&self) {
        self.seen.change();
        // AcqRel: the last claim before it is ordered before the close, and
        // who sees it sees what the closer did before.
        // Checked by: queue::model::ending::a_closed_queue_shows_why
        self.tail.0.fetch_or(CLOSED, order!(AcqRel, "queue.close"));
        let mut wakes = Wakes { receiver: true, ..Wakes::default() };
        let mut slow = self.slow.lock();
        self.refuse_waiters(&mut slow, &mut wakes);
        if let Some(watch) = &mut slow.watch {
            watch.release_all(&mut wakes.senders);
        }
        self.tell_followers(&mut slow, &mut wakes);
        drop(slow);
        self.wake(wakes);
    }

    fn refuse_waiters(&self, slow: &mut Slow<T>, wakes: &mut Wakes) {
        if mutant!("queue.close_forgets_waiters") {
            return;
        }
        slow.waiters.refuse_all(&mut wakes.senders);
        // Relaxed: the lock orders it against the other writer of the flag.
        // Not modelled: there is nothing weaker to put here.
        self.published.0.limit.fetch_and(!WAITERS, Relaxed);
    }

    pub(crate) fn wake(&self, wakes: Wakes) {
        if wakes.receiver {
            self.receiver.wake();
        }
        for waker in wakes.senders {
            waker.wake();
        }
    }
}

impl<T> Drop for Queue<T> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // Relaxed: the last owner is alone; it dropped its handle with an
        // acquire.
        // Not modelled: exclusive.
        let mut ring = access::unseen(|| self.published.0.ring.load(Relaxed));
        while !ring.is_null() {
            // SAFETY: the queue owns the chain from the newest ring to the one
            // that the receiver was reading, whose `older` is null, and nobody
            // else has a pointer to it any more. Messages left in slots, which
            // a receiver that was dropped has buried, are not dropped here.
            let boxed = unsafe { Box::from_raw(ring) };
            ring = boxed.older();
        }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).field("free", &self.free()).finish_non_exhaustive()
    }
}

#[cfg(all(test, tidegate_loom))]
mod model;
#[cfg(all(test, not(tidegate_loom)))]
mod tests;

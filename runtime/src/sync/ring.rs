//! Slot storage: where accepted messages wait.
//!
//! A [`Ring`] is an array of slots, a power of two long. The message with
//! sequence `p` lives in slot `p & mask`, so a claim names its slot and two
//! claims never share one: the gate hands out a sequence only while its slot
//! is free. Rings are made when a mailbox is first used and grow by a chain:
//! from sequence `base` on, messages go to the new ring; those before stay
//! where they are until the receiver has passed `end` and frees the old ring.
//!
//! A slot is `EMPTY`; `FULL`, holding a message; `PARKED`, empty with the
//! receiver asleep on it; `SKIPPED`, claimed by somebody who gave it up; or
//! `DEAD`, left behind by a receiver that has gone. One swap publishes a
//! message *and* tells whether the receiver sleeps on this very slot, so no
//! flag is shared between senders, and no store-load fence is needed.

use std::fmt;
use std::mem::MaybeUninit;

use super::shim::{
    AtomicPtr, AtomicU8, AtomicU64,
    Ordering::{Relaxed, Release},
    UnsafeCell, mutant, order,
};

const EMPTY: u8 = 0;
const FULL: u8 = 1;
const PARKED: u8 = 2;
const SKIPPED: u8 = 3;
const DEAD: u8 = 4;

/// `Ring::end` while the ring is the newest.
const OPEN: u64 = u64::MAX;

struct Slot<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// What a sender learns when it has filled or given up its slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Put<T> {
    /// The receiver will find it in its own time.
    Done,
    /// The receiver sleeps on this slot: wake it.
    Wake,
    /// The receiver has gone; here is the message back.
    Dead(T),
}

/// What the receiver finds in a slot.
#[derive(Debug)]
pub(crate) enum Got<T> {
    Item(T),
    Skipped,
    Nothing,
}

/// One array of slots in the chain.
pub(crate) struct Ring<T> {
    slots: Box<[Slot<T>]>,
    mask: u64,
    /// The first sequence that lives here.
    base: u64,
    /// The first sequence that no longer does, once there is a newer ring.
    end: AtomicU64,
    /// The ring before, while the receiver still reads it.
    older: AtomicPtr<Ring<T>>,
    newer: AtomicPtr<Ring<T>>,
}

impl<T> Ring<T> {
    /// A ring of `len` slots (a power of two) from sequence `base` on.
    ///
    /// With `parked`, the receiver already sleeps on the first slot: it went
    /// to sleep when there was no ring to sleep on.
    pub(crate) fn new(len: usize, base: u64, older: *mut Ring<T>, parked: bool) -> Box<Self> {
        debug_assert!(len.is_power_of_two());
        let mask = len as u64 - 1;
        let first = (base & mask) as usize;
        let slots = (0..len)
            .map(|i| Slot {
                state: AtomicU8::new(if parked && i == first { PARKED } else { EMPTY }),
                value: UnsafeCell::new(MaybeUninit::uninit()),
            })
            .collect();
        Box::new(Self {
            slots,
            mask,
            base,
            end: AtomicU64::new(OPEN),
            older: AtomicPtr::new(older),
            newer: AtomicPtr::new(std::ptr::null_mut()),
        })
    }

    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The ring before this one; null once the receiver has left it.
    pub(crate) fn older(&self) -> *mut Ring<T> {
        // Relaxed: written before this ring was published, and again only when
        // nobody follows it any more: a sender does so for a sequence before
        // `base`, and the receiver leaves that ring when all of them are taken.
        // Not modelled: there is nothing weaker to put here.
        self.older.load(Relaxed)
    }

    /// Says that the receiver has left the ring before this one.
    pub(crate) fn forget_older(&self) {
        // Relaxed: see `older`.
        // Not modelled: there is nothing weaker to put here.
        self.older.store(std::ptr::null_mut(), Relaxed);
    }

    #[allow(unsafe_code)]
    #[inline(always)]
    fn slot(&self, sequence: u64) -> &Slot<T> {
        // SAFETY: there are `mask + 1` slots.
        unsafe { self.slots.get_unchecked((sequence & self.mask) as usize) }
    }

    /// Writes `item` into the slot of a claimed sequence and publishes it.
    ///
    /// # Safety
    /// The caller claimed `sequence` from the gate, has not used it before,
    /// and this is the ring of that sequence.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) unsafe fn put(&self, sequence: u64, item: T) -> Put<T> {
        let slot = self.slot(sequence);
        slot.value.with_mut(|cell| {
            // SAFETY: exclusive, since a sequence is claimed once and the
            // caller holds it; empty, since the gate grants a sequence only
            // after the receiver has emptied its slot.
            unsafe { (*cell).write(item) };
        });
        // Release, paired with the Acquire in `get`: the message is whole when
        // it is seen. Acquire: a DEAD slot was left by a receiver that will
        // not touch it again.
        // Checked by: queue::model::claims::a_message_arrives_whole
        match slot.state.swap(FULL, order!(AcqRel, "ring.put")) {
            PARKED => Put::Wake,
            DEAD => Put::Dead(slot.value.with_mut(|cell| {
                // SAFETY: exclusive: a receiver that marked the slot DEAD never
                // comes back to it.
                let cell = unsafe { &*cell };
                // SAFETY: written above by this caller.
                unsafe { cell.assume_init_read() }
            })),
            _ => Put::Done,
        }
    }

    /// Gives up a claimed sequence: the receiver will pass over it.
    /// Returns whether the receiver sleeps on it.
    pub(crate) fn skip(&self, sequence: u64) -> bool {
        // Release, paired with the Acquire in `get`: there is no message, but
        // the receiver may free this ring next, and this caller has read it.
        // Not modelled: loom does not see memory being freed.
        self.slot(sequence).state.swap(SKIPPED, Release) == PARKED
    }

    /// Whether there is a message in the slot of `sequence`.
    #[inline(always)]
    pub(crate) fn is_full(&self, sequence: u64) -> bool {
        // Acquire, paired with the swap in `put`.
        // Checked by: queue::model::claims::a_ready_message_is_whole
        self.slot(sequence).state.load(order!(Acquire, "ring.is_full")) == FULL
    }

    /// Looks at the message in the slot of `sequence`, and leaves it there.
    ///
    /// # Safety
    /// As [`take_full`](Self::take_full).
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) unsafe fn look_full<R>(&self, sequence: u64, look: impl FnOnce(&T) -> R) -> R {
        self.slot(sequence).value.with(|cell| {
            // SAFETY: FULL means that the sender has left; the receiver alone
            // is here, and takes the message later.
            let cell = unsafe { &*cell };
            // SAFETY: FULL: it was written.
            look(unsafe { cell.assume_init_ref() })
        })
    }

    /// Takes the message out of the slot of `sequence`.
    ///
    /// # Safety
    /// Only the receiver calls this, with its next sequence, after it has seen
    /// the slot full; this is the ring of that sequence.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) unsafe fn take_full(&self, sequence: u64) -> T {
        let slot = self.slot(sequence);
        let item = slot.value.with_mut(|cell| {
            // SAFETY: FULL means that the sender has left; the receiver alone
            // is here.
            let cell = unsafe { &*cell };
            // SAFETY: FULL: it was written. Taken once, since EMPTY is set
            // next and the receiver never comes back to a sequence.
            unsafe { cell.assume_init_read() }
        });
        // Relaxed: the next sender of this slot is let in by the gate's limit,
        // whose Release comes after this store.
        // Not modelled: there is nothing weaker to put here.
        slot.state.store(EMPTY, Relaxed);
        item
    }

    /// Takes what is in the slot of `sequence`, the receiver's next.
    ///
    /// # Safety
    /// Only the receiver calls this, with its next sequence, and this is the
    /// ring of that sequence.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) unsafe fn get(&self, sequence: u64) -> Got<T> {
        let slot = self.slot(sequence);
        // Acquire, paired with the swap in `put`.
        // Checked by: queue::model::claims::a_message_arrives_whole
        match slot.state.load(order!(Acquire, "ring.get")) {
            // SAFETY: FULL was seen just now, and as of this function.
            FULL => Got::Item(unsafe { self.take_full(sequence) }),
            SKIPPED => {
                // Relaxed for the same reason.
                // Not modelled: there is nothing weaker to put here.
                slot.state.store(EMPTY, Relaxed);
                Got::Skipped
            }
            _ => Got::Nothing,
        }
    }

    /// Puts the receiver to sleep on the slot of `sequence`. `false` if there
    /// is something in it by now.
    ///
    /// The receiver has registered its waker before, and looks afterwards at
    /// [`ended_at`](Self::ended_at) and at whether the mailbox was closed.
    pub(crate) fn park(&self, sequence: u64) -> bool {
        if mutant!("ring.park_blindly") {
            return true;
        }
        // Relaxed: the exchange and the swap in `put` are on one word, so a
        // message is found here or the sleeper there; what the sender then
        // needs of the receiver, its waker, the wait cell orders.
        // Not modelled: there is nothing weaker to put here.
        let parked = self.slot(sequence).state.compare_exchange(EMPTY, PARKED, Relaxed, Relaxed);
        matches!(parked, Ok(_) | Err(PARKED))
    }

    /// Marks the slot of `sequence` as never to be received from, and returns
    /// a message that was in it.
    ///
    /// # Safety
    /// Only the receiver calls this, once for each sequence it has not taken,
    /// and takes nothing afterwards.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn bury(&self, sequence: u64) -> Option<T> {
        let slot = self.slot(sequence);
        // AcqRel: a message found is whole, and a sender that finds DEAD knows
        // that the receiver left before.
        // Checked by: queue::model::ending::a_waiting_sender_outlives_the_receiver
        if slot.state.swap(DEAD, order!(AcqRel, "ring.bury")) != FULL {
            return None;
        }
        Some(slot.value.with_mut(|cell| {
            // SAFETY: it was FULL: the sender has left.
            let cell = unsafe { &*cell };
            // SAFETY: it was FULL: written; taken once, since it is DEAD now.
            unsafe { cell.assume_init_read() }
        }))
    }

    /// Ends this ring at `sequence`: from there on messages live in `newer`.
    pub(crate) fn end_at(&self, sequence: u64, newer: *mut Ring<T>) {
        // Relaxed: published by the Release of `end` below.
        // Not modelled: there is nothing weaker to put here.
        self.newer.store(newer, Relaxed);
        // Release, paired with the Acquire in `ended_at`: the newer ring is
        // whole when the receiver follows.
        // Checked by: queue::model::storage::growing_never_strands_the_receiver
        self.end.store(sequence, order!(Release, "ring.end"));
    }

    /// The newer ring, if this one ends at `sequence`.
    pub(crate) fn ended_at(&self, sequence: u64) -> Option<*mut Ring<T>> {
        // Acquire, paired with the Release in `end_at`.
        // Checked by: queue::model::storage::growing_never_strands_the_receiver
        if self.end.load(order!(Acquire, "ring.ended")) != sequence {
            return None;
        }
        // Relaxed: stored before `end`, which was acquired.
        // Not modelled: there is nothing weaker to put here.
        Some(self.newer.load(Relaxed))
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("len", &self.slots.len()).field("base", &self.base).finish_non_exhaustive()
    }
}

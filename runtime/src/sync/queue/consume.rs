//! The receiving side: takes messages in order, publishes the limit, sleeps,
//! gives storage back, and leaves nothing behind when it goes.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::task::Waker;

use super::{
    Access, CLOSED, FROZEN, Got, Queue, Relaxed, Release, Ring, SEQUENCE_MASK, UNBOUNDED, Wakes, kept, mutant, order,
    sequence,
};

/// The one receiver of a queue. Every method takes the queue it came from.
pub(crate) struct Consumer<T> {
    /// The ring being read; none before the first message and after storage
    /// was given back.
    ring: Option<NonNull<Ring<T>>>,
    /// How many messages have been taken or passed over, in all.
    taken: u64,
    /// `taken` as last published.
    published: u64,
    /// How many of those taken since were given up by their senders.
    passed: u32,
    /// Tells queues apart.
    queue: *const Queue<T>,
    _owns: PhantomData<T>,
}

// SAFETY: the consumer is the only reader of its rings' messages, wherever it
// is moved; `T: Send` since messages leave with it.
#[allow(unsafe_code)]
unsafe impl<T: Send> Send for Consumer<T> {}
// SAFETY: every method that touches a ring takes `&mut self`.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Consumer<T> {}

impl<T> Consumer<T> {
    pub(super) fn new(queue: &Queue<T>, taken: u64) -> Self {
        Self { ring: None, taken, published: taken, passed: 0, queue, _owns: PhantomData }
    }

    /// How many messages have been taken, in all.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// How many have been taken since the limit was last published.
    #[inline(always)]
    pub(crate) fn unpublished(&self) -> u64 {
        self.taken.wrapping_sub(self.published)
    }

    /// How many messages have been taken since the limit was last published:
    /// less than [`unpublished`](Self::unpublished) by what was given up.
    /// Counts anew from here.
    pub(crate) fn count_taken(&mut self) -> u64 {
        self.unpublished() - u64::from(std::mem::take(&mut self.passed))
    }

    #[inline(always)]
    fn check(&self, queue: &Queue<T>) {
        assert!(std::ptr::eq(self.queue, queue), "a consumer is used with the queue it came from");
    }

    #[inline(always)]
    fn next(&self) -> u64 {
        self.taken & SEQUENCE_MASK
    }

    /// Whether the next message lies in the slot that is looked at first: the
    /// usual case. If not, [`try_take`](Self::try_take) looks everywhere.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) fn is_ready(&self) -> bool {
        // SAFETY: the ring is alive until this consumer leaves it.
        self.ring.is_some_and(|ring| unsafe { ring.as_ref() }.is_full(self.next()))
    }

    /// Looks at the next message if it [`is_ready`](Self::is_ready), and leaves
    /// it there.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) fn look_ready<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        // SAFETY: the ring is alive until this consumer leaves it.
        let ring = unsafe { self.ring?.as_ref() };
        let next = self.next();
        // SAFETY: this is the one receiver, at its next sequence, and the slot
        // is seen full.
        ring.is_full(next).then(|| unsafe { ring.look_full(next, look) })
    }

    /// Takes the message that [`is_ready`](Self::is_ready) has seen.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) fn take_ready(&mut self, queue: &Queue<T>) -> T {
        assert!(self.is_ready(), "a message is taken when it is ready");
        queue.seen.head.touch(Access::Write);
        let Some(ring) = self.ring else { unreachable!("a message lies in a ring") };
        // SAFETY: the ring is alive until this consumer leaves it.
        let ring = unsafe { ring.as_ref() };
        let next = self.next();
        self.taken += 1;
        // SAFETY: this is the one receiver, at its next sequence, and the slot
        // was seen full.
        unsafe { ring.take_full(next) }
    }

    /// Takes the next message if it is there. Publishes nothing.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(crate) fn try_take(&mut self, queue: &Queue<T>) -> Option<T> {
        self.check(queue);
        if let Some(ring) = self.ring {
            // SAFETY: the ring is alive until this consumer leaves it.
            let ring = unsafe { ring.as_ref() };
            // SAFETY: this is the one receiver, at its next sequence; `follow`
            // keeps `ring` the ring of that sequence.
            match unsafe { ring.get(self.next()) } {
                Got::Item(item) => {
                    queue.seen.head.touch(Access::Write);
                    self.taken += 1;
                    return Some(item);
                }
                // The look emptied the slot: it is not found again.
                Got::Skipped => self.pass_over(queue),
                Got::Nothing => {}
            }
        }
        self.try_take_slowly(queue)
    }

    /// Nothing in the slot looked at: there may be another ring, or a slot
    /// that was given up.
    #[allow(unsafe_code)]
    #[cold]
    fn try_take_slowly(&mut self, queue: &Queue<T>) -> Option<T> {
        loop {
            let Some(ring) = self.ring else {
                if self.find_ring(queue) {
                    continue;
                }
                queue.seen.read();
                return None;
            };
            // SAFETY: the ring is alive until this consumer leaves it.
            let ring = unsafe { ring.as_ref() };
            // SAFETY: as in `try_take`.
            match unsafe { ring.get(self.next()) } {
                Got::Item(item) => {
                    queue.seen.head.touch(Access::Write);
                    self.taken += 1;
                    return Some(item);
                }
                Got::Skipped => self.pass_over(queue),
                Got::Nothing => {
                    if !self.follow() {
                        queue.seen.read();
                        return None;
                    }
                }
            }
        }
    }

    /// Counts a message that came from the buffer, which took no slot.
    pub(crate) fn count_buffered(&mut self, queue: &Queue<T>, set_aside: bool) {
        self.check(queue);
        queue.seen.head.touch(Access::Write);
        if !set_aside {
            queue.set_aside(1);
        }
        self.taken += 1;
    }

    /// A claim was given up: its grant goes back to whoever asked for it.
    #[cold]
    fn pass_over(&mut self, queue: &Queue<T>) {
        queue.seen.head.touch(Access::Write);
        self.taken += 1;
        self.passed += 1;
        if !mutant!("consume.skip_spends_demand") {
            queue.add_requested(1);
        }
    }

    /// Moves to the newer ring if the present one ends here.
    #[allow(unsafe_code)]
    fn follow(&mut self) -> bool {
        let Some(ring) = self.ring else { return false };
        // SAFETY: alive until this consumer leaves it, below.
        let Some(newer) = unsafe { ring.as_ref() }.ended_at(self.next()) else { return false };
        // SAFETY: `end_at` got it from a box; it stays alive until this
        // consumer leaves it.
        unsafe { (*newer).forget_older() };
        self.ring = NonNull::new(newer);
        // SAFETY: it came from a box. All sequences before its end are taken,
        // so no sender has business with it, and the queue's chain no longer
        // leads to it.
        drop(unsafe { Box::from_raw(ring.as_ptr()) });
        true
    }

    /// Looks for the ring of the next sequence after there was none.
    #[allow(unsafe_code)]
    #[cold]
    fn find_ring(&mut self, queue: &Queue<T>) -> bool {
        // Acquire, paired with the Release of the first ring.
        // Not modelled: weakened, every model still passes. Kept: the argument above
        // asks for it, and it costs nothing here.
        let mut ring = queue.published.0.ring.load(kept!(Acquire));
        while let Some(found) = NonNull::new(ring) {
            self.ring = Some(found);
            // SAFETY: rings are freed by this consumer alone.
            ring = unsafe { found.as_ref() }.older();
        }
        self.ring.is_some()
    }

    /// Publishes how far the receiver has come, so that senders may go on,
    /// and hands grants to those that wait.
    #[inline]
    pub(crate) fn publish(&mut self, queue: &Queue<T>) {
        self.check(queue);
        if self.taken == self.published {
            return;
        }
        self.published = self.taken;
        queue.seen.head.touch(Access::Write);
        // Release: the slots of what was taken are empty for whoever reads it.
        // Checked by: queue::model::claims::a_slot_is_reused_only_when_empty
        queue.published.0.taken.store(self.taken, order!(Release, "consume.taken"));
        queue.raise_and_settle();
    }

    /// Asks for `n` more messages. Beyond `u64::MAX` it is unbounded.
    pub(crate) fn request(&mut self, queue: &Queue<T>, n: u64) {
        self.check(queue);
        queue.seen.head.touch(Access::Write);
        queue.add_requested(n);
        queue.raise_and_settle();
    }

    /// How many messages have been asked for and not yet taken.
    pub(crate) fn demand(&self, queue: &Queue<T>) -> u64 {
        queue.seen.head.touch(Access::Read);
        // Relaxed: written by this task.
        // Not modelled: single-threaded.
        match queue.published.0.requested.load(Relaxed) {
            UNBOUNDED => UNBOUNDED,
            requested => requested.saturating_sub(self.taken),
        }
    }

    /// Sleeps until there is a message. `false`: there is news already. The
    /// limit is published first, so a sleeping receiver holds nobody back.
    #[allow(unsafe_code)]
    pub(crate) fn park(&mut self, queue: &Queue<T>, waker: &Waker) -> bool {
        self.publish(queue);
        queue.receiver.register(waker);
        let asleep = match self.ring {
            None => !self.find_ring(queue),
            // SAFETY: alive until this consumer leaves it.
            Some(ring) => {
                // SAFETY: alive until this consumer leaves it.
                let ring = unsafe { ring.as_ref() };
                ring.park(self.next()) && (ring.ended_at(self.next()).is_none() || mutant!("consume.park_past_the_end"))
            }
        };
        asleep && !self.is_drained(queue)
    }

    /// Whether the mailbox is closed and everything accepted has been taken.
    pub(crate) fn is_drained(&self, queue: &Queue<T>) -> bool {
        queue.seen.tail.touch(Access::Read);
        // Acquire: who closed it had claimed everything before.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let tail = queue.tail.0.load(kept!(Acquire));
        tail & CLOSED != 0 && sequence(tail) == self.next()
    }

    /// Whether there is slot storage at present.
    pub(crate) fn holds_storage(&self, queue: &Queue<T>) -> bool {
        // Relaxed: only a hint.
        // Not modelled: a stale answer is harmless.
        self.ring.is_some() || !queue.published.0.ring.load(Relaxed).is_null()
    }

    /// Gives all slot storage back if nothing is in the mailbox. `false` if
    /// something is, or there was no storage.
    pub(crate) fn retire(&mut self, queue: &Queue<T>) -> bool {
        self.publish(queue);
        queue.seen.change();
        // Under the lock, so that no sender is about to grow the ring.
        let slow = queue.slow.lock();
        if self.ring.is_none() && !self.find_ring(queue) {
            return false;
        }
        // Acquire: as in `claim`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let tail = queue.tail.0.load(kept!(Acquire));
        if tail & (CLOSED | FROZEN) != 0 || sequence(tail) != self.next() {
            return false;
        }
        // AcqRel: from here on a claim takes the lock first. That it succeeds
        // says that every claimed sequence has been taken, so nobody uses a
        // slot any more.
        // Checked by: queue::model::storage::an_old_look_at_the_limit_is_harmless
        let frozen = queue.tail.0.compare_exchange(tail, tail | FROZEN, kept!(AcqRel), Relaxed);
        if frozen.is_err() && !mutant!("consume.retire_under_a_claim") {
            return false;
        }
        // Relaxed on both: under the lock, as whoever reads them to lay a ring.
        // Not modelled: there is nothing weaker to put here.
        queue.published.0.ring_len.store(0, Relaxed);
        queue.published.0.ring.store(std::ptr::null_mut(), Relaxed);
        drop(slow);
        while self.follow() {}
        self.free_ring();
        true
    }

    #[allow(unsafe_code)]
    fn free_ring(&mut self) {
        if let Some(ring) = self.ring.take() {
            // SAFETY: it came from a box, nothing claimed is left in it, and
            // the queue no longer leads to it.
            drop(unsafe { Box::from_raw(ring.as_ptr()) });
        }
    }

    /// Closes the mailbox and hands every message that is still in it to
    /// `sink`. A message that is being written at this moment goes back to its
    /// sender instead, as refused: each is accounted for exactly once.
    #[allow(unsafe_code)]
    pub(crate) fn bury(&mut self, queue: &Queue<T>, mut sink: impl FnMut(T)) {
        self.check(queue);
        queue.close();
        // Acquire: the last claim there will be.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let end = sequence(queue.tail.0.load(kept!(Acquire)));
        while self.next() != end {
            if self.ring.is_none() && !self.find_ring(queue) {
                debug_assert!(false, "what was claimed has a ring");
                return;
            }
            let Some(ring) = self.ring else { return };
            // SAFETY: alive until this consumer leaves it.
            let ring = unsafe { ring.as_ref() };
            if let Some(newer) = ring.ended_at(self.next()) {
                // The older ring stays: a sender may still have to write into
                // it and learn there that it came too late. The queue frees it.
                self.ring = NonNull::new(newer);
                continue;
            }
            // SAFETY: the one receiver, once for this sequence.
            let item = unsafe { ring.bury(self.next()) };
            self.taken += 1;
            if let Some(item) = item {
                sink(item);
            }
        }
        // Release: as in `publish`.
        // Not modelled: only counts are read after a close.
        queue.published.0.taken.store(self.taken, Release);
        self.published = self.taken;
    }
}

impl<T> Queue<T> {
    /// Raises the limit, and sees to those who wait for it.
    #[inline]
    pub(super) fn raise_and_settle(&self) {
        if self.raise_limit() != 0 && !mutant!("consume.raise_without_settling") {
            self.settle();
        }
    }

    /// Adds to what has been asked for; sticks at unbounded.
    pub(super) fn add_requested(&self, n: u64) {
        // Relaxed load and a Release on success: the sum is an atomic update,
        // and `allowed` acquires it.
        // Checked by: queue::model::claims::nothing_comes_that_was_not_asked_for
        let _ = self.published.0.requested.fetch_update(order!(Release, "consume.request"), Relaxed, |requested| {
            (requested != UNBOUNDED).then(|| requested.saturating_add(n))
        });
    }

    /// Asks for `n` more messages on the receiver's behalf, from anywhere.
    pub(crate) fn request(&self, n: u64) {
        self.seen.head.touch(Access::Write);
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        self.add_requested(n);
        self.raise_limit();
        self.grant(&mut slow, &mut wakes);
        self.observe(&mut slow, &mut wakes);
        drop(slow);
        self.wake(wakes);
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("taken", &self.taken).finish_non_exhaustive()
    }
}

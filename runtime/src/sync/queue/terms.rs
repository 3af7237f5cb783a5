//! The terms of delivery: how many may wait, how many were asked for, and
//! whether slots or the buffer hold them. They can change at any time.

use super::{
    Access, Acquire, BUFFERED, Consumer, FROZEN, MAX_CAPACITY, Queue, Relaxed, UNBOUNDED, Wakes, Want, ahead, kept,
    mutant, order, permits, sequence,
};

/// What a mailbox is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How many accepted messages may wait.
    pub(crate) capacity: u64,
    /// How many messages are asked for to begin with; `None` is all: push.
    pub(crate) requested: Option<u64>,
}

impl Terms {
    pub(crate) const fn push(capacity: u64) -> Self {
        Self { capacity, requested: None }
    }

    pub(crate) const fn pull(capacity: u64) -> Self {
        Self { capacity, requested: Some(0) }
    }
}

impl<T> Queue<T> {
    /// Changes the terms, in order with the messages: the receiver does it,
    /// between two of them.
    ///
    /// What is granted stays granted. Narrower terms take effect as the
    /// receiver catches up with what was allowed under the old ones; an
    /// unbounded mailbox has granted what it has storage for. Going
    /// from push to pull, demand begins with what is granted already; back,
    /// demand that is left over is swallowed by demand without end.
    pub(crate) fn set_terms(&self, consumer: &mut Consumer<T>, terms: Terms) {
        consumer.publish(self);
        self.seen.change();
        let p = &self.published.0;
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        let granted = self.granted();
        // Relaxed on the first, Release on the others, paired with the
        // Acquires in `allowed`: who sees the narrower terms sees the floor.
        // Checked by: queue::model::terms::capacity_goes_down_and_up
        if !mutant!("terms.switch_takes_grants_back") {
            p.floor.store(granted, Relaxed);
        }
        // Relaxed: written by the receiver's task, which this is.
        // Not modelled: single-threaded.
        let before = p.requested.load(Relaxed);
        let requested = match (before, terms.requested) {
            (_, None) => UNBOUNDED,
            (UNBOUNDED, Some(n)) => granted.saturating_add(n),
            (requested, Some(_)) => requested,
        };
        let capacity = terms.capacity.clamp(1, MAX_CAPACITY);
        // What is asked for narrows first and widens last, so that in between
        // nobody is granted more than by the old terms or by the new.
        // Checked by: queue::model::terms::terms_change_as_one,
        // queue::model::terms::a_switch_to_push_releases_who_waits
        let narrows = requested < before && !mutant!("terms.narrow_last");
        let order = order!(Release, "terms.change");
        if narrows {
            p.requested.store(requested, order);
        }
        p.capacity.store(capacity, order);
        if !narrows {
            p.requested.store(requested, order);
        }
        self.raise_limit();
        if !mutant!("terms.switch_forgets_waiters") {
            self.grant(&mut slow, &mut wakes);
        }
        self.observe(&mut slow, &mut wakes);
        drop(slow);
        self.wake(wakes);
    }

    /// What is granted already and stays so under other terms: all that is
    /// allowed, or, where that has no bound, what there is storage for. Under
    /// the lock.
    fn granted(&self) -> u64 {
        let allowed = self.allowed();
        // Relaxed: written by the receiver's task, which this is.
        // Not modelled: single-threaded.
        let taken = self.published.0.taken.load(Relaxed);
        if allowed.wrapping_sub(taken) < MAX_CAPACITY {
            return allowed;
        }
        // Acquire: as in `claim`. Claims that come between these loads and the
        // new terms keep to the limit read here, or there is no storage and
        // they take the lock first.
        // Not modelled: a permit that slips through is honoured where it is used.
        let tail = self.tail.0.load(Acquire);
        let limit = self.published.0.limit.load(Acquire);
        let stored = if tail & FROZEN != 0 { 0 } else { ahead(sequence(limit), taken) };
        taken.wrapping_add(stored.max(ahead(sequence(tail) + permits(tail), taken)) as u64)
    }

    /// Sees to it that a permit's message is allowed at the sequence `at`: one
    /// that was set aside while an unbounded mailbox got a bound may lie
    /// beyond it, and is a grant all the same. Under the lock.
    pub(super) fn honour_permit(&self, at: u64) {
        let beyond = ahead(at, self.allowed());
        if beyond >= 0 {
            // Relaxed: under the lock, as every change of it; who reads an
            // older one is granted less.
            // Not modelled: it only ever moves on.
            self.published.0.floor.store(self.allowed().wrapping_add(beyond as u64 + 1), Relaxed);
        }
    }

    /// Sends later messages to the buffer; those claimed before stay in slots
    /// and come first. Returns what waiting senders wanted to put, which goes
    /// to the buffer in their order: `put` is called under the lock that keeps
    /// later senders behind.
    pub(crate) fn seal(&self, mut put: impl FnMut(T)) {
        self.seen.change();
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        // AcqRel: a claim is before this, and in a slot, or after, and sees it.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        self.tail.0.fetch_or(BUFFERED, kept!(AcqRel));
        while let Some((want, waker)) = slow.waiters.let_first_in() {
            // Under an evicting policy there is always room: who waits for
            // permits needs none.
            if let Want::Put(item) = want {
                put(item);
            }
            wakes.senders.extend(waker);
        }
        self.published.0.limit.fetch_and(!super::WAITERS, Relaxed);
        drop(slow);
        self.wake(wakes);
    }

    /// Sends later messages to slots again. Under the buffer's lock, so that
    /// everything in the buffer is older.
    pub(crate) fn unseal(&self) {
        self.seen.tail.touch(Access::Write);
        // Release: the buffer's content was set aside before.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        self.tail.0.fetch_and(!BUFFERED, kept!(AcqRel));
    }

    /// Whether messages go to the buffer at present. Decisive under the
    /// buffer's lock; a hint elsewhere.
    pub(crate) fn is_sealed(&self) -> bool {
        self.seen.tail.touch(Access::Read);
        // Acquire: as in `claim`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        self.tail.0.load(kept!(Acquire)) & BUFFERED != 0
    }

    /// Whether every message that went to a slot has been taken.
    pub(crate) fn slots_drained(&self, consumer: &Consumer<T>) -> bool {
        self.seen.tail.touch(Access::Read);
        // Acquire: as in `is_drained`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let tail = self.tail.0.load(kept!(Acquire));
        ahead(sequence(tail), consumer.taken()) <= 0
    }

    /// Sets `n` sequences aside for messages that are not in slots: those of
    /// the buffer when the mailbox goes back to slots. They count as accepted
    /// and come before every later claim. Only while sealed and without
    /// storage, which is to say: by the receiver, after [`Consumer::retire`].
    pub(crate) fn set_aside(&self, n: u64) {
        self.seen.tail.touch(Access::Write);
        // AcqRel: ordered with the unsealing that follows.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let mut tail = self.tail.0.load(Relaxed);
        while let Err(now) = self.tail.0.compare_exchange_weak(
            tail,
            tail.wrapping_add(n.wrapping_mul(super::ONE_MESSAGE)),
            kept!(AcqRel),
            Relaxed,
        ) {
            tail = now;
        }
    }
}

//! The sending side: claims, permits, and what a refused claim runs into.

use super::super::access;
use super::{
    Access, BELOW_SEQUENCE, BUFFERED, CLOSED, FROZEN, LIMIT_FLAGS, MAX_PERMITS, ONE_MESSAGE, ONE_PERMIT, Put, Queue,
    REPORTED, Refusal, Relaxed, WAITERS, Wakes, ahead, kept, mutant, order, permits, sequence,
};

impl<T> Queue<T> {
    /// Puts `item` in if there is a grant for it, without waiting.
    ///
    /// On success `item` is accepted: the receiver gets it, or accounts for it.
    #[inline(always)]
    pub(crate) fn try_put(&self, item: T) -> Result<(), (Refusal, T)> {
        match self.claim() {
            Ok(claimed) => self.fill(claimed, item),
            Err(refusal) => Err((refusal, item)),
        }
    }

    /// The same for the message in `from`, which is taken out of it on success:
    /// a large message is copied once, to its slot.
    #[inline(always)]
    pub(crate) fn try_put_from(&self, from: &mut Option<T>) -> Result<(), Refusal> {
        let claimed = self.claim()?;
        let Some(item) = from.take() else {
            // Nothing to send: the slot is given up.
            self.give_up(claimed);
            return Ok(());
        };
        self.fill(claimed, item).map_err(|(refusal, item)| {
            *from = Some(item);
            refusal
        })
    }

    /// The same, and says where it was put.
    pub(crate) fn try_put_at(&self, item: T) -> Result<u64, (Refusal, T)> {
        match self.claim() {
            Ok(claimed) => self.fill(claimed, item).map(|()| claimed),
            Err(refusal) => Err((refusal, item)),
        }
    }

    /// Claims a slot first and makes the message then: `make` runs only if
    /// there is a grant. Should it panic, the slot is given up.
    ///
    /// Says where it was put. If the receiver goes away while the message is made,
    /// it was accepted all the same, and is given to `lost`.
    pub(crate) fn try_put_with_or<N>(
        &self,
        from: N,
        make: impl FnOnce(N) -> T,
        lost: impl FnOnce(T),
    ) -> Result<u64, (Refusal, N)> {
        match self.claim() {
            Ok(claimed) => {
                self.fill_with(claimed, from, make, lost);
                Ok(claimed)
            }
            Err(refusal) => Err((refusal, from)),
        }
    }

    #[inline(always)]
    fn claim(&self) -> Result<u64, Refusal> {
        // Only a guess, the compare-exchange below decides. But Acquire: a grant
        // given back is seen in the tail, and with it that somebody waits.
        // Checked by: queue::model::waiting::a_grant_given_back_is_not_snatched
        let look = order!(Acquire, "queue.claim_look");
        let mut tail = self.tail.0.load(look);
        loop {
            // Acquire, paired with the Release that raises the limit: the slot
            // this claim may name has been emptied.
            // Checked by: queue::model::claims::a_slot_is_reused_only_when_empty
            let limit = self.published.0.limit.load(order!(Acquire, "queue.claim_limit"));
            // No flag, no permit out, and the limit ahead: on bare words, since
            // what lies below the sequences is zero. Everything else is slow.
            if (tail | limit) & BELOW_SEQUENCE == 0 && limit.wrapping_sub(tail) as i64 > 0 {
                // Acquire, paired with the Release that ends a freeze: the
                // ring of this sequence is seen whole. The claim itself
                // publishes nothing; the slot does.
                // Checked by: queue::model::storage::an_old_look_at_the_limit_is_harmless
                match self.tail.0.compare_exchange_weak(
                    tail,
                    tail.wrapping_add(ONE_MESSAGE),
                    order!(Acquire, "queue.claim"),
                    look,
                ) {
                    Ok(_) => {
                        self.has_claimed(tail, 1);
                        return Ok(sequence(tail));
                    }
                    Err(now) => tail = now,
                }
            } else if let Some(claimed) = self.claim_slowly(&mut tail).inspect_err(|_| self.seen.read())? {
                return Ok(claimed);
            }
        }
    }

    /// A claim that met a flag or the limit. `None`: try again with `tail`.
    #[cold]
    fn claim_slowly(&self, tail: &mut u64) -> Result<Option<u64>, Refusal> {
        // Acquire: a refusal is answered from what is so now, not from a guess.
        // Checked by: queue::model::waiting::a_grant_given_back_is_not_snatched,
        // queue::model::ending::a_waiting_sender_outlives_the_receiver
        *tail = self.tail.0.load(order!(Acquire, "queue.claim_slow_tail"));
        if *tail & CLOSED != 0 && !mutant!("queue.claim_ignores_close") {
            return Err(Refusal::Closed);
        }
        if *tail & BUFFERED != 0 {
            return Err(Refusal::Buffered);
        }
        // Acquire: as in `claim`.
        // Checked by: queue::model::storage::growing_never_strands_the_receiver,
        // queue::model::waiting::waiting_senders_are_served_in_order
        let limit = self.published.0.limit.load(order!(Acquire, "queue.claim_slow_limit"));
        if limit & WAITERS != 0 && !mutant!("queue.claim_overtakes_waiters") {
            return Err(Refusal::Full);
        }
        let used = sequence(*tail) + permits(*tail);
        if ahead(self.allowed(), used) <= 0 {
            return Err(self.refusal(used));
        }
        if *tail & FROZEN != 0 || ahead(sequence(limit), used) <= 0 {
            let mut wakes = Wakes::default();
            let mut slow = self.slow.lock();
            self.make_room(&mut slow, &mut wakes, used);
            drop(slow);
            self.wake(wakes);
            // Acquire: as above; the loop decides anew.
            // Not modelled: weakened, every model still passes.
            *tail = self.tail.0.load(kept!(Acquire));
            return Ok(None);
        }
        // Acquire: as in `claim`.
        // Checked by: queue::model::storage::growing_keeps_order_and_loses_nothing,
        // queue::model::pressure::a_new_listener_misses_nothing
        let claim = order!(Acquire, "queue.claim_slow");
        match self.tail.0.compare_exchange(*tail, tail.wrapping_add(ONE_MESSAGE), claim, claim) {
            Ok(claimed) => {
                self.has_claimed(claimed, 1);
                if claimed & REPORTED != 0 && !mutant!("queue.claim_without_report") {
                    self.settle();
                }
                Ok(Some(sequence(claimed)))
            }
            Err(now) => {
                *tail = now;
                Ok(None)
            }
        }
    }

    /// Touches what a claim of `n`, made when the tail was so, depends on: on what
    /// was taken and asked for, unless there was room for it from the beginning.
    #[inline(always)]
    fn has_claimed(&self, tail: u64, n: u64) {
        self.seen.tail.touch(Access::Write);
        if access::is_exploring() {
            // Relaxed: explored programs have one thread.
            // Not modelled: as that.
            let (published, used) = (&self.published.0, sequence(tail) + permits(tail) + n);
            let is_push = published.requested.load(Relaxed) == super::UNBOUNDED;
            if !is_push || used > published.capacity.load(Relaxed) {
                self.seen.head.touch(Access::Read);
            }
        }
    }

    fn refusal(&self, used: u64) -> Refusal {
        // Relaxed: it only names the reason.
        // Not modelled: a word for the user.
        let requested = self.published.0.requested.load(Relaxed);
        let by_capacity = self.published.0.taken.load(Relaxed) + self.published.0.capacity.load(Relaxed);
        if requested != super::UNBOUNDED && ahead(by_capacity, used) > 0 { Refusal::NoDemand } else { Refusal::Full }
    }

    /// Writes the message of a claimed sequence.
    #[inline(always)]
    fn fill(&self, claimed: u64, item: T) -> Result<(), (Refusal, T)> {
        match self.put_at(claimed, item) {
            Put::Done => Ok(()),
            Put::Wake => {
                if !mutant!("queue.put_without_wake") {
                    self.receiver.wake();
                }
                Ok(())
            }
            Put::Dead(item) => Err((Refusal::Closed, item)),
        }
    }

    #[allow(unsafe_code)]
    #[inline(always)]
    pub(super) fn put_at(&self, claimed: u64, item: T) -> Put<T> {
        // SAFETY: the receiver has not passed `claimed`, so its ring is alive.
        let ring = unsafe { &*self.ring_of(claimed) };
        // SAFETY: `claimed` comes from a successful exchange of the tail and
        // is used up here; this is its ring.
        unsafe { ring.put(claimed, item) }
    }

    /// Makes the message of a claimed sequence, and writes it. If the receiver
    /// goes away in between, the message is `lost`, like those that it found;
    /// it was accepted when the sequence was claimed.
    fn fill_with<N>(&self, claimed: u64, from: N, make: impl FnOnce(N) -> T, lost: impl FnOnce(T)) {
        /// Gives the slot up when `make` panics, so that the receiver does
        /// not wait for it for ever.
        struct Hole<'a, T>(&'a Queue<T>, u64);
        impl<T> Drop for Hole<'_, T> {
            fn drop(&mut self) {
                self.0.give_up(self.1);
            }
        }
        let hole = Hole(self, claimed);
        let item = make(from);
        std::mem::forget(hole);
        if let Err((_, item)) = self.fill(claimed, item) {
            lost(item);
        }
    }

    /// Gives up a claimed slot: the receiver will pass over it.
    #[allow(unsafe_code)]
    #[cold]
    fn give_up(&self, claimed: u64) {
        let ring = self.ring_of(claimed);
        // SAFETY: the sequence is claimed and not yet used, so the receiver
        // has not passed it and its ring is alive.
        if unsafe { (*ring).skip(claimed) } {
            self.receiver.wake();
        }
    }

    // ---- permits -------------------------------------------------------

    /// Sets `n` grants aside, without waiting.
    pub(crate) fn try_reserve(&self, n: u64) -> Result<(), Refusal> {
        self.try_set_aside(n).inspect_err(|_| self.seen.read())
    }

    fn try_set_aside(&self, n: u64) -> Result<(), Refusal> {
        // Acquire: as in `claim_slowly`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let look = kept!(Acquire);
        let mut tail = self.tail.0.load(look);
        loop {
            if tail & CLOSED != 0 {
                return Err(Refusal::Closed);
            }
            if tail & BUFFERED != 0 {
                return Err(Refusal::Buffered);
            }
            // Acquire: nobody overtakes a sender that was waiting before.
            // Checked by: queue::model::permits::permits_are_grants
            let limit = self.published.0.limit.load(kept!(Acquire));
            let used = sequence(tail) + permits(tail);
            if limit & WAITERS != 0 || permits(tail) + n > MAX_PERMITS {
                return Err(Refusal::Full);
            }
            if ahead(self.allowed(), used) < n as i64 && !mutant!("queue.reserve_without_grant") {
                return Err(self.refusal(used));
            }
            // AcqRel: ordered against the read-modify-write in `grant`.
            // Checked by: queue::model::pressure::pressure_edges_alternate_and_end_at_the_level
            match self.tail.0.compare_exchange_weak(tail, tail + n * ONE_PERMIT, kept!(AcqRel), look) {
                Ok(_) => {
                    self.has_claimed(tail, n);
                    if tail & REPORTED != 0 && !mutant!("queue.reserve_without_report") {
                        self.settle();
                    }
                    return Ok(());
                }
                Err(now) => tail = now,
            }
        }
    }

    /// Uses a permit up: the message that `make` makes takes its place in the
    /// order now. As for `try_put_with_or`, it may be `lost`.
    pub(crate) fn put_reserved_or<N>(
        &self,
        from: N,
        make: impl FnOnce(N) -> T,
        lost: impl FnOnce(T),
    ) -> Result<u64, (Refusal, N)> {
        self.seen.tail.touch(Access::Write);
        // Acquire: as in `claim_slowly`.
        // Checked by: queue::model::permits::permits_outlive_a_close_without_harm
        let look = kept!(Acquire);
        let mut tail = self.tail.0.load(look);
        loop {
            if tail & (CLOSED | BUFFERED) != 0 && !mutant!("queue.permit_ignores_close") {
                self.release_permits(1);
                let refusal = if tail & CLOSED != 0 { Refusal::Closed } else { Refusal::Buffered };
                return Err((refusal, from));
            }
            // Acquire: as in `claim`.
            // Not modelled: weakened, every model still passes. Kept: it is off the
            // fast path, and the argument above asks for it.
            let limit = self.published.0.limit.load(kept!(Acquire));
            if tail & FROZEN != 0 || ahead(sequence(limit), sequence(tail)) <= 0 {
                let mut wakes = Wakes::default();
                let mut slow = self.slow.lock();
                self.honour_permit(sequence(tail));
                self.make_room(&mut slow, &mut wakes, sequence(tail));
                drop(slow);
                self.wake(wakes);
                tail = self.tail.0.load(look);
                continue;
            }
            let next = tail.wrapping_add(ONE_MESSAGE) - ONE_PERMIT;
            // Acquire: as in `claim`.
            // Not modelled: weakened, every model still passes. Kept: it is off the
            // fast path, and the argument above asks for it.
            match self.tail.0.compare_exchange_weak(tail, next, kept!(AcqRel), look) {
                Ok(_) => {
                    self.fill_with(sequence(tail), from, make, lost);
                    return Ok(sequence(tail));
                }
                Err(now) => tail = now,
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn try_put_with<N>(&self, from: N, make: impl FnOnce(N) -> T) -> Result<(), (Refusal, N)> {
        self.try_put_with_or(from, make, drop).map(|_| ())
    }

    #[cfg(test)]
    pub(crate) fn put_reserved<N>(&self, from: N, make: impl FnOnce(N) -> T) -> Result<(), (Refusal, N)> {
        self.put_reserved_or(from, make, drop).map(|_| ())
    }

    /// Gives back `n` grants that were set aside.
    pub(crate) fn release_permits(&self, n: u64) {
        self.seen.tail.touch(Access::Write);
        // AcqRel, a read-modify-write, paired with the one in `grant`: a
        // sender that waits sees the grant, or this sees its flag below.
        // Checked by: queue::model::permits::a_dropped_permit_reaches_the_next_sender
        self.tail.0.fetch_sub(n * ONE_PERMIT, order!(AcqRel, "queue.release_permit"));
        // Acquire: the flag set before the look that this came after.
        // Checked by: queue::model::permits::a_dropped_permit_reaches_the_next_sender
        let limit = self.published.0.limit.load(kept!(Acquire));
        if limit & LIMIT_FLAGS != 0 && !mutant!("queue.release_without_settling") {
            self.settle();
        }
    }
}

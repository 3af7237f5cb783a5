//! Making room: the first ring, larger rings, and finding a sequence's ring.

use super::{
    Acquire, CLOSED, FROZEN, MAX_CAPACITY, Queue, Relaxed, Ring, SEQUENCE_MASK, Slow, Wakes, ahead, kept, limit_word,
    mutant, order, permits, sequence,
};

/// Slots of a first ring. Small, since most mailboxes hold few messages at a
/// time; rings grow fourfold, so a deep one is reached in a few steps.
#[cfg(not(tidegate_loom))]
const FIRST_RING: u64 = 16;
/// Two under the models, so that they reach a second ring.
#[cfg(tidegate_loom)]
const FIRST_RING: u64 = 2;

impl<T> Queue<T> {
    /// The ring of a claimed sequence that has not been used.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(super) fn ring_of(&self, claimed: u64) -> *const Ring<T> {
        // Acquire, paired with the Release that installs a ring. The claim has
        // seen the ring of its own sequence whole; but another may have been
        // installed since, and its `base` is read here.
        // Not modelled: `base` is a plain field, which the checker does not
        // watch; ThreadSanitizer reports it.
        let mut ring = self.published.0.ring.load(Acquire);
        // SAFETY: there is a ring, since nothing is claimed while there is
        // none; the receiver frees a ring when it has passed its last
        // sequence, and has not passed `claimed`, so that sequence's ring and
        // all newer ones are alive, and the walk ends at the former.
        while ahead(claimed, unsafe { (*ring).base() }) < 0 {
            // SAFETY: as above.
            ring = unsafe { (*ring).older() };
        }
        ring
    }

    /// Sees to it that there is a slot for the sequence `at`, if the rule
    /// allows a claim there. Under the lock. `false` if it does not.
    pub(super) fn make_room(&self, _locked: &mut Slow<T>, wakes: &mut Wakes, at: u64) -> bool {
        // Acquire: what is decided here is decided from the present state.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let tail = self.tail.0.load(kept!(Acquire));
        let allowed = self.allowed();
        if tail & CLOSED != 0 || ahead(allowed, at) <= 0 {
            return false;
        }
        if tail & FROZEN != 0 {
            self.lay_first_ring(tail, allowed, at);
            return true;
        }
        if ahead(self.storage_end(), at) <= 0 {
            self.grow(allowed, at, wakes);
        }
        self.raise_limit();
        true
    }

    /// The first sequence that has no slot.
    pub(super) fn storage_end(&self) -> u64 {
        // Relaxed on both: they change under the lock while the tail is
        // frozen. The receiver, who reads them without it, may see an older
        // pair, which is never further ahead.
        // Not modelled: there is nothing weaker to put here.
        let base = self.published.0.ring_base.load(Relaxed);
        let len = self.published.0.ring_len.load(Relaxed);
        // Acquire: slots up to here have been emptied.
        // Not modelled: weakened, every model still passes. Kept: the argument above
        // asks for it, and it costs nothing here.
        let taken = self.published.0.taken.load(kept!(Acquire));
        (if ahead(taken, base) > 0 { taken } else { base }).wrapping_add(len)
    }

    /// Raises the limit to what is allowed and stored; returns its flags.
    pub(super) fn raise_limit(&self) -> u64 {
        let allowed = self.allowed();
        let end = self.storage_end();
        let target = if ahead(allowed, end) < 0 { allowed } else { end } & SEQUENCE_MASK;
        let limit = &self.published.0.limit;
        // Relaxed: a guess; the exchange decides.
        // Not modelled: a stale guess fails there.
        let mut now = limit.load(Relaxed);
        loop {
            let flags = now & super::LIMIT_FLAGS;
            let next = if ahead(target, sequence(now)) > 0 { limit_word(target, flags) } else { now };
            // Release, paired with the Acquire in `claim`: slots were emptied
            // before the sequences that reuse them are granted. A
            // read-modify-write even if nothing changes: it is ordered
            // against the one by which a sender says that it waits.
            // Checked by: queue::model::claims::a_slot_is_reused_only_when_empty
            match limit.compare_exchange_weak(now, next, order!(AcqRel, "queue.raise"), Relaxed) {
                Ok(_) => return flags,
                Err(other) => now = other,
            }
        }
    }

    /// The mailbox had no storage: gives it some and thaws the tail.
    fn lay_first_ring(&self, tail: u64, allowed: u64, at: u64) {
        let base = sequence(tail);
        // What may be claimed before the receiver takes anything.
        let most = (ahead(allowed, base).max(1) as u64).next_power_of_two();
        let needed = (ahead(at, base).max(0) as u64 + 1).next_power_of_two();
        let len = FIRST_RING.max(needed).max(permits(tail).next_power_of_two()).min(most.max(needed)).min(MAX_CAPACITY);
        // The receiver went to sleep when there was no slot to sleep on, so
        // the first slot is born with it asleep.
        let parked = !mutant!("storage.first_ring_forgets_the_sleeper");
        let ring = Box::into_raw(Ring::new(len as usize, base, std::ptr::null_mut(), parked));
        // Relaxed on both: published by the thaw.
        // Not modelled: there is nothing weaker to put here.
        self.published.0.ring_base.store(base, Relaxed);
        self.published.0.ring_len.store(len, Relaxed);
        // Release, paired with the receiver's Acquire when it looks for a ring.
        // Not modelled: weakened, every model still passes. Kept: the argument above
        // asks for it, and it costs nothing here.
        self.published.0.ring.store(ring, kept!(Release));
        let end = base.wrapping_add(len);
        let target = if ahead(allowed, end) < 0 { allowed } else { end } & SEQUENCE_MASK;
        let limit = &self.published.0.limit;
        // Relaxed: a guess; the exchange decides.
        // Not modelled: a stale guess fails there.
        let mut now = limit.load(Relaxed);
        // The one place where the word moves back: see the module's head.
        // Release as in `raise_limit`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        while let Err(other) =
            limit.compare_exchange_weak(now, limit_word(target, now & super::LIMIT_FLAGS), kept!(Release), Relaxed)
        {
            now = other;
        }
        // Release, paired with the Acquire of a claim: the ring and the limit
        // are there for whoever claims.
        // Checked by: queue::model::storage::an_old_look_at_the_limit_is_harmless
        self.tail.0.fetch_and(!FROZEN, order!(AcqRel, "storage.thaw"));
    }

    /// All slots are taken and more is allowed: a larger ring from here on.
    #[allow(unsafe_code)]
    fn grow(&self, allowed: u64, at: u64, wakes: &mut Wakes) {
        // AcqRel: fixes the sequence at which the new ring begins; claims
        // before it are ordered before, and none comes after until the thaw.
        // Checked by: queue::model::storage::growing_keeps_order_and_loses_nothing
        let base = if mutant!("storage.grow_without_freezing") {
            sequence(self.tail.0.load(Acquire))
        } else {
            sequence(self.tail.0.fetch_or(FROZEN, kept!(AcqRel)))
        };
        // Relaxed: changed under the lock, which is held.
        // Not modelled: there is nothing weaker to put here.
        let old = self.published.0.ring.load(Relaxed);
        let old_len = self.published.0.ring_len.load(Relaxed);
        // Relaxed: as large as it may have to be, or larger.
        // Not modelled: a size.
        let most = ahead(allowed, self.published.0.taken.load(Relaxed)).max(1) as u64;
        let needed = ahead(at, base).max(0) as u64 + 1;
        // Fourfold while small, so that a busy mailbox settles soon; twofold
        // when large, so that a burst does not cost four times its memory.
        let factor = if old_len < 1024 { 4 } else { 2 };
        let len = (old_len * factor).min(most.next_power_of_two()).max(needed.next_power_of_two());
        // Never smaller: the receiver may just have raised the limit by the
        // old length, and `allowed` may be from before that.
        // Not modelled: there is nothing weaker to put here.
        let len = len.max(old_len);
        let ring = Box::into_raw(Ring::new(len as usize, base, old, false));
        // Relaxed on both: published by the thaw.
        // Checked by: queue::model::claims::producers_keep_their_order
        self.published.0.ring_base.store(base, Relaxed);
        self.published.0.ring_len.store(len, Relaxed);
        self.published.0.ring.store(ring, order!(Release, "storage.grown_ring"));
        // SAFETY: the receiver frees a ring when it leaves it, and leaves the
        // newest ring only when it has ended. It ends here, by the last access
        // that this call makes to it.
        unsafe { (*old).end_at(base, ring) };
        // The receiver may sleep on the slot where the old ring ends.
        // Checked by: queue::model::storage::growing_never_strands_the_receiver
        wakes.receiver |= !mutant!("storage.grow_without_wake");
        self.raise_limit();
        // Release: as in `lay_first_ring`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        self.tail.0.fetch_and(!FROZEN, kept!(AcqRel));
    }
}

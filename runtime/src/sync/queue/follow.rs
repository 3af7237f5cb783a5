//! Waiting until the receiver has come further, whatever that does to the limit,
//! and for room without a place in the queue.
//!
//! A subscription counts what is left of its own items in a mailbox that others
//! send to as well. So it waits for what was taken. And one that has nothing to
//! send at present wants to know of room, but not to be given it.

use std::task::{Poll, Waker};

use super::super::access;
use super::super::watch::Following;
use super::{Access, FOLLOWED, Queue, Relaxed, Slow, Until, Wakes, Watch, kept, mutant, order};

impl<T> Queue<T> {
    /// How many messages the receiver has taken, as published.
    pub(crate) fn taken(&self) -> u64 {
        self.seen.head.touch(Access::Read);
        // Acquire, paired with the Release of `publish`: what was done with
        // those messages by then is seen.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and a caller may well rely on it.
        self.published.0.taken.load(kept!(Acquire))
    }

    /// Waits for what `until` says, or until the mailbox is closed. While this is
    /// pending, `key` says whose waker it is: to be handed in again, or [given
    /// up](Self::unfollow).
    ///
    /// Who waits for room has no place in the queue: others may have it first.
    pub(crate) fn follow(&self, until: Until, key: &mut Option<Following>, waker: &Waker) -> Poll<()> {
        let look = access::look();
        let mut slow = self.slow.lock();
        let watch = slow.watch.get_or_insert_with(|| Box::new(Watch::new(0, 1)));
        let old = watch.followers.wait(key, until, waker);
        // AcqRel, a read-modify-write: the receiver's raise of the same word,
        // which follows its count, comes before, and the count is seen below,
        // or after, and sees the flag.
        // Checked by: queue::model::pressure::progress_is_not_slept_through,
        // queue::model::pressure::room_is_not_slept_through
        if !mutant!("queue.follow_without_flag") {
            self.published.0.limit.fetch_or(FOLLOWED, order!(AcqRel, "queue.follow"));
        }
        // A read-modify-write of the tail, too: who gives a permit back comes
        // before, and the room is seen below, or after, and sees the flag.
        // Checked by: queue::model::pressure::a_permit_given_back_is_room
        if !mutant!("queue.follow_reads_plainly") {
            self.tail.0.fetch_add(0, order!(AcqRel, "queue.follow_look"));
        }
        let waits = !self.has_come(until) || mutant!("queue.follow_without_second_look");
        let gone = if waits { None } else { self.forget_follower(&mut slow, key) };
        // Wakers are foreign code: dropped when the lock is free.
        drop(slow);
        drop((old, gone));
        if waits {
            look.waits();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn has_come(&self, until: Until) -> bool {
        match until {
            Until::Taken(at) => self.taken() >= at || self.is_closed(),
            // A buffer holds nobody back, whatever was asked for.
            Until::Room => self.free() > 0 || self.is_sealed() || self.is_closed(),
        }
    }

    /// Waits no longer.
    pub(crate) fn unfollow(&self, key: &mut Option<Following>) {
        if key.is_some() {
            let gone = self.forget_follower(&mut self.slow.lock(), key);
            drop(gone);
        }
    }

    fn forget_follower(&self, slow: &mut Slow<T>, key: &mut Option<Following>) -> Option<Waker> {
        let watch = slow.watch.as_mut()?;
        let gone = watch.followers.forget(key);
        self.mark_followed(watch);
        gone
    }

    /// Wakes those who have something to see. Under the lock.
    pub(super) fn tell_followers(&self, slow: &mut Slow<T>, wakes: &mut Wakes) {
        let Some(watch) = slow.watch.as_mut().filter(|watch| !watch.followers.is_empty()) else { return };
        watch.followers.tell(|until| self.has_come(until), &mut wakes.senders);
        self.mark_followed(watch);
    }

    fn mark_followed(&self, watch: &Watch) {
        if watch.followers.is_empty() {
            // Relaxed: under the lock, as every change of this flag.
            // Not modelled: there is nothing weaker to put here.
            self.published.0.limit.fetch_and(!FOLLOWED, Relaxed);
        }
    }
}

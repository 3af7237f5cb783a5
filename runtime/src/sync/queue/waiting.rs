//! Those who wait, for room or for news of pressure, and who serves them.

use std::task::Waker;

use super::super::access;
use super::{
    Access, BUFFERED, CLOSED, Left, MAX_PERMITS, ONE_MESSAGE, ONE_PERMIT, Outcome, Put, Queue, REPORTED, Refusal,
    Relaxed, Slow, Ticket, UNBOUNDED, WAITERS, WATCHED, Wakes, Want, Watch, ahead, kept, mutant, order, permits,
    sequence,
};

impl<T> Queue<T> {
    /// Joins the waiting senders. The ticket is to be looked at, or left.
    pub(crate) fn wait(&self, want: Want<T>, waker: &Waker) -> Result<Ticket, (Refusal, Want<T>)> {
        self.seen.change();
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        // Acquire: as in `claim`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let tail = self.tail.0.load(kept!(Acquire));
        if tail & CLOSED != 0 {
            return Err((Refusal::Closed, want));
        }
        if tail & BUFFERED != 0 {
            return Err((Refusal::Buffered, want));
        }
        let many = matches!(want, Want::Permits(n) if n > 1);
        let ticket = slow.waiters.join(want, waker.clone());
        // AcqRel, a read-modify-write: the receiver's raise of the same word
        // comes before it, and is seen in `grant`, or after it, and sees the
        // flag.
        // Checked by: queue::model::permits::a_dropped_permit_reaches_the_next_sender,
        // queue::model::waiting::demand_reaches_a_waiting_sender
        if !mutant!("queue.wait_without_flag") {
            self.published.0.limit.fetch_or(WAITERS, order!(AcqRel, "queue.wait"));
        }
        if !mutant!("queue.wait_without_second_look") {
            self.grant(&mut slow, &mut wakes);
        }
        // A grant found here is one less.
        // Checked by: queue::model::pressure::a_grant_found_while_waiting_counts
        if !mutant!("queue.wait_without_observing") {
            self.observe(&mut slow, &mut wakes);
        }
        // A receiver that asks by the window sleeps while a part of it is
        // left; that may be too little for who wants many at once.
        wakes.receiver |= many && slow.waiters.first().is_some();
        drop(slow);
        self.wake(wakes);
        Ok(ticket)
    }

    /// Looks at a ticket; while it waits, `waker` is woken when it need not.
    pub(crate) fn look(&self, ticket: Ticket, waker: &Waker) -> Outcome<T> {
        let mut old = None;
        let look = access::look();
        self.seen.waiting.touch(Access::Read);
        // Its own place, which nobody else looks at.
        let outcome = self.slow.lock_to(Access::Read).waiters.look(ticket, waker, &mut old);
        if matches!(outcome, Outcome::Waiting(_)) {
            look.waits();
        }
        // A waker is foreign code: dropped when the lock is free.
        drop(old);
        outcome
    }

    /// Gives up waiting. What had been granted goes to the next in the queue.
    /// Returns a message that was not put.
    #[cold]
    pub(crate) fn leave(&self, ticket: &Ticket) -> Option<T> {
        self.seen.change();
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        let left = slow.waiters.leave(ticket);
        // The next may want less than the one that left.
        self.grant(&mut slow, &mut wakes);
        self.observe(&mut slow, &mut wakes);
        drop(slow);
        self.wake(wakes);
        match left {
            Left::Waiting(Want::Put(item)) => Some(item),
            Left::Waiting(Want::Permits(_)) => None,
            Left::Granted(n) => {
                if n > 0 && !mutant!("queue.cancel_keeps_permits") {
                    self.release_permits(n);
                }
                None
            }
            Left::Refused(item) => item,
        }
    }

    /// Hands grants to waiting senders, in order, while there are any.
    pub(super) fn grant(&self, slow: &mut Slow<T>, wakes: &mut Wakes) {
        if slow.waiters.first().is_some() {
            self.seen.change();
        }
        while let Some(first) = slow.waiters.first() {
            let need = match first {
                Want::Put(_) => 1,
                Want::Permits(n) => *n,
            };
            // A read-modify-write, so that it is ordered against the one by
            // which another sender gives up a permit: this sees the permit
            // free, or that sender sees the flag of the one waiting here.
            // Checked by: queue::model::permits::a_dropped_permit_reaches_the_next_sender
            let mut tail = if mutant!("queue.grant_reads_plainly") {
                self.tail.0.load(Relaxed)
            } else {
                self.tail.0.fetch_add(0, order!(AcqRel, "queue.grant_look"))
            };
            let claimed = loop {
                if tail & CLOSED != 0 {
                    self.refuse_waiters(slow, wakes);
                    return;
                }
                if tail & BUFFERED != 0 {
                    return;
                }
                let used = sequence(tail) + permits(tail);
                let next = match need {
                    _ if ahead(self.allowed(), used) < need as i64 => {
                        if need > slow.at_once {
                            break None;
                        }
                        return;
                    }
                    _ if matches!(slow.waiters.first(), Some(Want::Put(_))) => {
                        if !self.make_room(slow, wakes, used) {
                            return;
                        }
                        // Acquire: as in `claim`.
                        // Not modelled: weakened, every model still passes. Kept: it is off the
                        // fast path, and the argument above asks for it.
                        let now = self.tail.0.load(kept!(Acquire));
                        if now != tail {
                            tail = now;
                            continue;
                        }
                        tail.wrapping_add(ONE_MESSAGE)
                    }
                    _ if permits(tail) + need > MAX_PERMITS => return,
                    _ => tail + need * ONE_PERMIT,
                };
                // Acquire: the ring of the claimed sequence is seen whole.
                // Not modelled: weakened, every model still passes. Kept: it is off the
                // fast path, and the argument above asks for it.
                let claim = kept!(Acquire);
                match self.tail.0.compare_exchange(tail, next, claim, claim) {
                    Ok(_) => break Some(sequence(tail)),
                    Err(now) => tail = now,
                }
            };
            let Some(claimed) = claimed else {
                // It would wait for ever, and everybody behind it.
                slow.waiters.refuse_first(&mut wakes.senders);
                continue;
            };
            let Some((place, want, waker)) = slow.waiters.grant_first() else { return };
            if let Want::Put(item) = want {
                match self.put_at(claimed, item) {
                    Put::Done => slow.waiters.note_put(place, claimed),
                    Put::Wake => {
                        slow.waiters.note_put(place, claimed);
                        wakes.receiver = true;
                    }
                    Put::Dead(item) => slow.waiters.take_back(place, item),
                }
            }
            wakes.senders.extend(waker);
        }
        // Relaxed: under the lock, as every change of this flag.
        // Not modelled: there is nothing weaker to put here.
        self.published.0.limit.fetch_and(!WAITERS, Relaxed);
    }

    // ---- pressure ------------------------------------------------------

    /// Tells the listeners, if any, how many grants are free now, and the
    /// followers what they wait for.
    pub(super) fn observe(&self, slow: &mut Slow<T>, wakes: &mut Wakes) {
        self.tell_followers(slow, wakes);
        let Some(watch) = &mut slow.watch else { return };
        if watch.is_listened_to() {
            self.seen.change();
        }
        // Acquire: as in `claim`.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        let tail = self.tail.0.load(kept!(Acquire));
        if tail & CLOSED != 0 {
            // The level stays what it was.
            return;
        }
        // A buffer holds nobody back, whatever was asked for.
        let free = if tail & BUFFERED != 0 { UNBOUNDED } else { self.free() };
        watch.observe(free, &mut wakes.senders);
    }

    /// Whoever has moved the limit or the tail while somebody waits for room
    /// or listens for pressure comes here.
    #[cold]
    pub(super) fn settle(&self) {
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        self.grant(&mut slow, &mut wakes);
        if !mutant!("queue.settle_without_observing") {
            self.observe(&mut slow, &mut wakes);
        }
        drop(slow);
        self.wake(wakes);
    }

    /// Says how many permits can be had together under the present terms. Who
    /// waits for more is refused.
    pub(crate) fn set_at_once(&self, n: u64) {
        self.seen.change();
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        slow.at_once = n;
        self.grant(&mut slow, &mut wakes);
        drop(slow);
        self.wake(wakes);
    }

    /// Sets the marks of a watch that there is.
    pub(crate) fn adjust_watch(&self, press: u64, relieve: u64) {
        self.seen.change();
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        if let Some(watch) = &mut slow.watch {
            watch.set_marks(press, relieve);
        }
        self.observe(&mut slow, &mut wakes);
        drop(slow);
        self.wake(wakes);
    }

    /// Runs `f` on the watch, which is made when first needed.
    /// The free grants that its level is of are `accessed` so.
    pub(crate) fn with_watch<R>(&self, f: impl FnOnce(&mut Watch) -> R, accessed: Access) -> R {
        self.seen.touch(accessed);
        let mut wakes = Wakes::default();
        let mut slow = self.slow.lock();
        let watch = slow.watch.get_or_insert_with(|| Box::new(Watch::new(0, 1)));
        let result = f(watch);
        let listened = watch.is_listened_to();
        // A read-modify-write: claims and raises that come after it report.
        // Not modelled: weakened, every model still passes. Kept: it is off the
        // fast path, and the argument above asks for it.
        if listened {
            self.published.0.limit.fetch_or(WATCHED, kept!(AcqRel));
            // In the tail, too: a claim is before this and counted in the look
            // below, or its exchange fails and it comes to see that it reports.
            // Checked by: queue::model::pressure::a_new_listener_misses_nothing
            if !mutant!("queue.watch_without_tail") {
                self.tail.0.fetch_or(REPORTED, kept!(AcqRel));
            }
        } else {
            self.published.0.limit.fetch_and(!WATCHED, Relaxed);
            self.tail.0.fetch_and(!REPORTED, Relaxed);
        }
        access::unseen(|| self.observe(&mut slow, &mut wakes));
        drop(slow);
        self.wake(wakes);
        result
    }
}

//! Where the items of one subscription go: into an actor's mailbox, past no
//! grant, and with an eye on how many of them are still there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::end::End;
use super::line::Line;
use crate::actor::ActorRef;
use crate::actor::reserving::Reserving;
use crate::mailbox::ReserveError;
use crate::mailbox::core::emit::Refused;
use crate::sync::watch::{Following, Until};
use crate::sync::words::{SEQUENCE_MASK, ahead};

/// The receiving end of a subscription, as its [`Emitter`](super::Emitter) uses
/// it.
pub(super) trait Target<T>: Send {
    /// Lets an item in, if there is a grant at present.
    fn send(&mut self, item: T) -> Result<(), (Refused, T)>;

    /// How many items may go in now, at least one: set aside if need be.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, ReserveError>>;

    /// Gives up what was set aside.
    fn release(&mut self);

    /// As `poll_room`, for who has nothing to send at present: others may have the
    /// room first.
    fn poll_free(&mut self, cx: &mut Context<'_>) -> Poll<u64>;

    /// How many of the items sent have left the mailbox so far.
    fn taken(&mut self) -> u64;

    /// Waits until `more` of them have since, or all, if they are fewer. May be
    /// ready too early.
    fn poll_taken(&mut self, more: u64, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether nothing goes in any more.
    fn is_closed(&self) -> bool;

    /// Passes the terminal on, past every bound.
    fn end(&mut self, end: End);
}

pub(super) type MakeEnd<M> = Box<dyn Fn(End) -> M + Send>;

/// Makes the target of an inlet: so what makes messages of items is part of the
/// target's type, and an item is sent by one call through a pointer.
pub(super) type Open<T, M> = Box<dyn FnOnce(ActorRef<M>, Option<MakeEnd<M>>, Arc<Line>) -> Box<dyn Target<T>> + Send>;

/// An actor, and what becomes of an item on the way into its mailbox.
pub(super) struct ToActor<M: Send + 'static, F> {
    actor: ActorRef<M>,
    make: F,
    /// A free place was not to be had: others wait for it.
    refused: bool,
    /// A grant is set aside, perhaps.
    granted: bool,
    places: Places,
    line: Arc<Line>,
    grant: Reserving<M>,
    on_end: Option<MakeEnd<M>>,
    seen: u64,
    follower: Option<Following>,
}

/// Opens a target whose messages `make` makes, given the line that held items let
/// go of.
pub(super) fn to_actor<T, M, F>(make: F) -> Open<T, M>
where
    T: Send + 'static,
    M: Send + 'static,
    F: Fn(T, &Arc<Line>) -> M + Send + 'static,
{
    Box::new(move |actor, on_end, line| {
        let grant = Reserving::unseen(actor.clone());
        let (places, follower) = (Places::default(), None);
        let (refused, granted, seen) = (false, false, 0);
        Box::new(ToActor { actor, make, refused, granted, places, line, grant, on_end, seen, follower })
    })
}

impl<M: Send + 'static, F> ToActor<M, F> {
    #[inline(always)]
    fn note(&mut self, place: Option<u64>) {
        match place {
            Some(place) => self.places.note(place),
            None => self.note_buffered(),
        }
    }

    #[cold]
    #[inline(never)]
    fn note_buffered(&mut self) {
        // In this order: what is taken in between counts twice, and not never.
        let queued = self.actor.queued() as u64;
        self.places.note_buffered(queued, self.actor.taken());
    }

    /// With the grant that was set aside, or after a refusal.
    #[cold]
    #[inline(never)]
    fn send_slowly<T>(&mut self, item: T) -> Result<(), (Refused, T)>
    where
        F: Fn(T, &Arc<Line>) -> M,
    {
        self.granted = false;
        let make = |item| (self.make)(item, &self.line);
        let sent = match self.grant.take() {
            Some(permit) => permit.emit(item, make),
            None => self.actor.emit(item, make),
        };
        match sent {
            Ok(place) => {
                self.refused = false;
                self.note(place);
                Ok(())
            }
            Err((refused, item)) => {
                self.refused = true;
                Err((refused, item))
            }
        }
    }
}

impl<T, M, F> Target<T> for ToActor<M, F>
where
    T: Send + 'static,
    M: Send + 'static,
    F: Fn(T, &Arc<Line>) -> M + Send + 'static,
{
    #[inline]
    fn send(&mut self, item: T) -> Result<(), (Refused, T)> {
        if self.granted {
            return self.send_slowly(item);
        }
        match self.actor.emit(item, |item| (self.make)(item, &self.line)) {
            Ok(place) => {
                self.note(place);
                Ok(())
            }
            Err(refused) => {
                // Seen to at the next poll for room.
                self.refused = true;
                Err(refused)
            }
        }
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, ReserveError>> {
        if !self.refused && !self.grant.is_waiting() {
            let free = self.actor.free_grants();
            if free > 0 {
                return Poll::Ready(Ok(free));
            }
        }
        self.refused = false;
        self.granted = true;
        self.grant.poll(cx).map(|granted| granted.map(|()| 1))
    }

    fn poll_free(&mut self, cx: &mut Context<'_>) -> Poll<u64> {
        if self.grant.is_waiting() {
            self.grant.release();
        }
        loop {
            let free = self.actor.free_grants();
            if free > 0 && !self.refused {
                return Poll::Ready(free);
            }
            // Refused although there was room: others wait for it.
            let until = if free > 0 { Until::Taken(self.actor.taken() + 1) } else { Until::Room };
            if self.actor.follow(until, &mut self.follower, cx.waker()).is_pending() {
                return Poll::Pending;
            }
            self.refused = false;
            if free == 0 {
                // A buffer has room at any time.
                return Poll::Ready(self.actor.free_grants().max(1));
            }
        }
    }

    fn release(&mut self) {
        self.grant.release();
    }

    fn taken(&mut self) -> u64 {
        self.seen = self.actor.taken();
        let actor = &self.actor;
        self.places.leave(self.seen, actor.is_closed(), || actor.queued() as u64)
    }

    fn poll_taken(&mut self, more: u64, cx: &mut Context<'_>) -> Poll<()> {
        self.actor.follow(Until::Taken(self.places.left_at(more, self.seen)), &mut self.follower, cx.waker())
    }

    fn is_closed(&self) -> bool {
        self.actor.is_closed()
    }

    fn end(&mut self, end: End) {
        if let Some(on_end) = &self.on_end {
            // Nobody there needs no terminal.
            self.actor.post(on_end(end));
        }
    }
}

impl<M: Send + 'static, F> Drop for ToActor<M, F> {
    fn drop(&mut self) {
        self.actor.unfollow(&mut self.follower);
    }
}

/// Where the items of one subscription stand in a mailbox that others send to
/// as well: runs of neighbours, so one run for a source that is alone.
#[derive(Debug, Default)]
struct Places {
    /// The newest run: where it begins, and where it goes on.
    start: u64,
    next: u64,
    /// Those before it, each with its length.
    runs: VecDeque<(u64, u64)>,
    /// In a buffer, which has no places: by when each of them has been taken, or
    /// displaced before.
    unplaced: VecDeque<u64>,
    left: u64,
}

impl Places {
    #[inline]
    fn note(&mut self, place: u64) {
        if place == self.next {
            self.next = (place + 1) & SEQUENCE_MASK;
        } else {
            self.note_apart(place);
        }
    }

    /// Others have sent in between.
    #[cold]
    #[inline(never)]
    fn note_apart(&mut self, place: u64) {
        let len = ahead(self.next, self.start);
        if len > 0 {
            self.runs.push_back((self.start, len as u64));
        }
        (self.start, self.next) = (place & SEQUENCE_MASK, (place + 1) & SEQUENCE_MASK);
    }

    /// Forgets what has left, given how many messages were taken in all and how
    /// many of anybody's are queued; returns how many of ours have left so far.
    fn leave(&mut self, taken: u64, closed: bool, queued: impl FnOnce() -> u64) -> u64 {
        while let Some((start, len)) = self.runs.front_mut() {
            let passed = if closed { *len } else { (ahead(taken, *start).max(0) as u64).min(*len) };
            if passed == 0 {
                break;
            }
            self.left += passed;
            *start = start.wrapping_add(passed);
            *len -= passed;
            if *len > 0 {
                break;
            }
            self.runs.pop_front();
        }
        if self.runs.is_empty() {
            let len = ahead(self.next, self.start).max(0) as u64;
            let passed = if closed { len } else { (ahead(taken, self.start).max(0) as u64).min(len) };
            self.left += passed;
            self.start = self.start.wrapping_add(passed) & SEQUENCE_MASK;
        }
        if !self.unplaced.is_empty() {
            let most = if closed { 0 } else { queued() };
            self.leave_buffer(taken, most);
        }
        self.left
    }

    /// The last in a buffer that holds `queued` messages.
    fn note_buffered(&mut self, queued: u64, taken: u64) {
        // A buffer is first in, first out: it goes no later than that.
        self.unplaced.push_back(taken.saturating_add(queued));
        self.leave_buffer(taken, queued);
    }

    fn leave_buffer(&mut self, taken: u64, queued: u64) {
        // No more of ours can be there than there are, and the oldest are displaced
        // first.
        while let Some(&by) = self.unplaced.front() {
            if by > taken && self.unplaced.len() as u64 <= queued {
                break;
            }
            self.unplaced.pop_front();
            self.left += 1;
        }
    }

    /// How many messages will have been taken, in all, when `more` of ours have
    /// left, or all of them: no less than that, given how many have been now.
    fn left_at(&self, mut more: u64, taken: u64) -> u64 {
        if !self.unplaced.is_empty() {
            // Or displaced.
            return taken + 1;
        }
        let len = ahead(self.next, self.start).max(0) as u64;
        let mut at = taken + 1;
        for &(start, len) in self.runs.iter().chain((len > 0).then_some(&(self.start, len))) {
            let last = more.min(len);
            at = taken.saturating_add_signed(ahead(start.wrapping_add(last), taken));
            more -= last;
            if more == 0 {
                break;
            }
        }
        at
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_run_and_strangers_between_are_not_counted() {
        let mut places = Places::default();
        for place in [5, 6, 7, 10, 12, 13] {
            places.note(place);
        }
        assert_eq!(places.runs.len(), 2, "and the newest");
        let at = [1, 3, 4, 5, 6, 7, u64::MAX].map(|more| places.left_at(more, 4));
        assert_eq!(at, [6, 8, 11, 13, 14, 14, 14]);
        let mut left = |taken| places.leave(taken, false, || 0);
        assert_eq!([left(5), left(7), left(9), left(11), left(12), left(14)], [0, 2, 3, 4, 4, 6]);
        assert_eq!(places.runs.len(), 0);
    }

    #[test]
    fn runs_survive_the_wrap_of_sequences() {
        let mut places = Places::default();
        for place in [SEQUENCE_MASK, 0, 1] {
            places.note(place);
        }
        let round = SEQUENCE_MASK + 1;
        assert_eq!([1, 2, 9].map(|more| places.left_at(more, round - 2)), [round, round + 1, round + 2]);
        assert_eq!(places.leave(SEQUENCE_MASK + 2, false, || 0), 2);
        assert_eq!(places.leave(SEQUENCE_MASK + 3, false, || 0), 3);
    }

    #[test]
    fn what_has_no_place_has_left_when_it_cannot_be_there() {
        let mut places = Places::default();
        // Behind one of another's; then the buffer holds three, later others'.
        (2..6).for_each(|queued| places.note_buffered(queued, 0));
        assert_eq!(places.leave(0, false, || 3), 1);
        assert_eq!(places.leave(0, false, || 9), 1);
        assert_eq!(places.leave(3, false, || 9), 2, "in their turn, however many others come");
        assert_eq!(places.leave(3, false, || 0), 4);
    }

    #[test]
    fn nothing_is_left_in_a_closed_mailbox() {
        let mut places = Places::default();
        places.note(3);
        places.note_buffered(7, 0);
        assert_eq!(places.leave(0, true, || 7), 2);
    }
}

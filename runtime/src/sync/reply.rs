//! A slot for one answer.
//!
//! The answering side writes once or goes away; the asking side waits or goes
//! away. Whoever comes second finds out, so a value is delivered or handed
//! back, never lost, and an asker never waits for somebody who has gone.
//!
//! States: `OPEN`; `WAITING`, with the asker's waker in place; `REGISTERING`,
//! while the asker changes it; and the ends `SENT`, `DROPPED` (no answer will
//! come) and `LEFT` (nobody wants one).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::access::{self, Access, Object};
use super::shim::{Arc, AtomicU8, UnsafeCell, kept, mutant, order};

const OPEN: u8 = 0;
const WAITING: u8 = 1;
const REGISTERING: u8 = 2;
const SENT: u8 = 3;
const DROPPED: u8 = 4;
const LEFT: u8 = 5;

struct Slot<R> {
    state: AtomicU8,
    /// How long the asker will wait, on a clock that is not this file's.
    deadline: Option<Duration>,
    value: UnsafeCell<Option<R>>,
    waker: UnsafeCell<Option<Waker>>,
    object: Object,
}

// SAFETY: `state` decides who touches what: `value` is written by the answerer
// before SENT and taken by the asker after it, or kept by the answerer if it
// finds LEFT; `waker` is the asker's except in WAITING, which the answerer
// ends before it takes the waker. `R: Send` since the value changes threads.
#[allow(unsafe_code)]
unsafe impl<R: Send> Sync for Slot<R> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<R: Send> Send for Slot<R> {}

/// The answering half.
pub(crate) struct Answer<R>(Option<Arc<Slot<R>>>);

/// The asking half: a future of the answer, `None` if there will be none.
pub(crate) struct Pending<R>(Option<Arc<Slot<R>>>);

/// A new slot, both halves of it, for an asker that waits until `deadline`.
pub(crate) fn slot<R>(deadline: Option<Duration>) -> (Answer<R>, Pending<R>) {
    let slot = Arc::new(Slot {
        state: AtomicU8::new(OPEN),
        deadline,
        value: UnsafeCell::new(None),
        waker: UnsafeCell::new(None),
        object: Object::new("reply"),
    });
    (Answer(Some(Arc::clone(&slot))), Pending(Some(slot)))
}

impl<R> Slot<R> {
    #[allow(unsafe_code)]
    fn put(&self, value: R) {
        self.value.with_mut(|cell| {
            // SAFETY: before SENT only the one answerer touches the value.
            unsafe { *cell = Some(value) };
        });
    }

    #[allow(unsafe_code)]
    fn take(&self) -> Option<R> {
        self.value.with_mut(|cell| {
            // SAFETY: called by the asker after SENT, or by the answerer after
            // LEFT: in either case the other side is done with it.
            unsafe { (*cell).take() }
        })
    }

    #[allow(unsafe_code)]
    fn set_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        self.waker.with_mut(|cell| {
            // SAFETY: called by the asker outside WAITING, or by the answerer
            // that has just ended WAITING: the other side keeps off.
            unsafe { std::mem::replace(&mut *cell, waker) }
        })
    }

    /// The answerer ends the slot in `end`; what it was before.
    fn end(&self, end: u8) -> u8 {
        self.object.touch(Access::Write);
        // Release: the value is whole when SENT is seen. Acquire: the waker is
        // whole when WAITING is found, and the asker is done when LEFT is.
        // Checked by: reply::model::an_answer_arrives_whole
        self.state.swap(end, order!(AcqRel, "reply.end"))
    }

    fn wake(&self) {
        if mutant!("reply.send_without_wake") {
            return;
        }
        if let Some(waker) = self.set_waker(None) {
            waker.wake();
        }
    }
}

impl<R> Answer<R> {
    /// Answers. The value comes back if nobody waits for it any more.
    pub(crate) fn send(mut self, value: R) -> Result<(), R> {
        let Some(slot) = self.0.take() else { return Err(value) };
        access::note_answer(&slot.object, || access::type_name::<R>());
        slot.put(value);
        match slot.end(SENT) {
            LEFT => match slot.take() {
                Some(value) => Err(value),
                None => Ok(()),
            },
            WAITING => {
                slot.wake();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes the answer and never tells the asker, who waits on: it goes with the slot.
    pub(crate) fn lose(mut self, value: R) {
        if let Some(slot) = self.0.take() {
            slot.put(value);
        }
    }

    /// Until when the asker waits; `None` if for as long as it takes.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.0.as_ref()?.deadline
    }

    /// Whether the asker has gone.
    pub(crate) fn is_unwanted(&self) -> bool {
        // Acquire: as in `end`.
        // Not modelled: a hint.
        self.0.as_ref().is_none_or(|slot| {
            slot.object.touch(Access::Read);
            slot.state.load(kept!(Acquire)) == LEFT
        })
    }
}

impl<R> Drop for Answer<R> {
    fn drop(&mut self) {
        if let Some(slot) = &self.0 {
            access::note_answer(&slot.object, || "nothing".to_owned());
        }
        if let Some(slot) = self.0.take()
            && !mutant!("reply.drop_silently")
            && slot.end(DROPPED) == WAITING
        {
            slot.wake();
        }
    }
}

impl<R> Future for Pending<R> {
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R>> {
        let Some(slot) = &self.0 else { return Poll::Ready(None) };
        let look = access::look();
        slot.object.touch(Access::Read);
        // Acquire, paired with the swap in `end`: the value is whole.
        // Checked by: reply::model::an_answer_arrives_whole
        let mut state = slot.state.load(order!(Acquire, "reply.poll"));
        if state == OPEN || state == WAITING {
            // Takes the waker's place back from the answerer, or learns that
            // it has answered. Acquire as above.
            // Checked by: reply::model::an_answer_arrives_whole
            match slot.state.compare_exchange(
                state,
                REGISTERING,
                kept!(Acquire),
                order!(Acquire, "reply.register_failed"),
            ) {
                Ok(_) => {
                    drop(slot.set_waker(Some(cx.waker().clone())));
                    // Release: the waker is whole when WAITING is seen. The
                    // exchange fails if the answer came meanwhile, without a
                    // wake since it found no WAITING.
                    // Checked by: reply::model::an_answer_arrives_whole
                    match slot.state.compare_exchange(
                        REGISTERING,
                        WAITING,
                        order!(AcqRel, "reply.registered"),
                        order!(Acquire, "reply.answered"),
                    ) {
                        Ok(_) => {
                            look.waits();
                            access::note_wait(&slot.object, "an answer");
                            return Poll::Pending;
                        }
                        Err(now) => state = now,
                    }
                }
                Err(now) => state = now,
            }
        }
        // It stays as it is: looked at later, it would be the same.
        look.repeats();
        let answer = if state == SENT { slot.take() } else { None };
        self.0 = None;
        Poll::Ready(answer)
    }
}

impl<R> Drop for Pending<R> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.object.touch(Access::Write);
            // AcqRel: an answer found is whole, and an answerer that finds
            // LEFT may touch the slot alone.
            // Checked by: reply::model::an_answer_is_delivered_or_handed_back
            match slot.state.swap(LEFT, order!(AcqRel, "reply.leave")) {
                SENT => drop(slot.take()),
                DROPPED => {}
                _ => access::note_left(&slot.object),
            }
        }
    }
}

impl<R> fmt::Debug for Answer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Pending<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

#[cfg(all(test, tidegate_loom))]
mod model;

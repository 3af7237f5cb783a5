//! Times without a clock on the way of a message: when to look at one, and
//! what follows from it.
//!
//! A sender looks at no clock. How long messages wait is found out by the
//! receiver, in two ways:
//!
//! - A receiver that sleeps is woken by the message that ends its sleep; the
//!   waker notes when. From then to the first look at the mailbox that message
//!   has waited.
//! - A receiver that works notes, now and then, the last sequence that is
//!   claimed, and the time. When it has taken that far, as long has passed as
//!   a message waits that comes at the moment of the note.
//!
//! A handler's time is taken for the first message after a wake-up, for one in
//! [`EVERY`] after that, and for the next after each that took longer than
//! [`SLOW`], where two looks at a clock are nothing. Of wake-ups that follow
//! closely on each other, as when two actors ask each other questions, one in
//! [`SOME`] is looked at.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use super::histogram::{Filling, Timing};
use super::meter::Meter;
use crate::sync::stamp::Stamp;

/// One in so many quick messages is timed.
pub(crate) const EVERY: u32 = 64;
/// A handler that takes longer has the next message timed as well.
pub(crate) const SLOW: Duration = Duration::from_micros(10);

/// Wake-ups closer to each other than this on average are too many to time
/// each: then one in [`SOME`] is.
const THICK: Duration = Duration::from_micros(50);
const SOME: u32 = 8;

/// Where the time comes from.
pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> Duration;
}

/// A mailbox's meter, clock and histograms.
pub(crate) struct Observed {
    clock: Arc<dyn Clock>,
    pub(crate) meter: Arc<Meter>,
    queue_wait: Filling,
    handling: Filling,
    /// When the sleeping receiver was woken.
    woken: Stamp,
}

impl Observed {
    pub(crate) fn new(clock: Arc<dyn Clock>, meter: Arc<Meter>) -> Self {
        Self { clock, meter, queue_wait: Filling::new(), handling: Filling::new(), woken: Stamp::new() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(crate) fn timing(&self) -> Timing {
        Timing { queue_wait: self.queue_wait.read(), handling: self.handling.read() }
    }

    pub(crate) fn handled_in(&self, time: Duration) {
        self.handling.record(time);
        self.meter.handling.record(time);
    }

    fn waited(&self, time: Duration) {
        self.queue_wait.record(time);
        self.meter.queue_wait.record(time);
    }
}

/// What the receiver keeps of its observations.
pub(crate) struct Observer {
    pub(crate) observed: Arc<Observed>,
    /// What notes when the task is woken, twice: once as the waker. It holds the
    /// only clone of the task's own, as there is one without metrics: who
    /// counts the clones, to tell what a handler waits for, relies on it.
    waker: Option<(Arc<Noting>, Waker)>,
    /// A sequence that was the last to be claimed, and when it was.
    note: Option<(u64, Duration)>,
    /// When a wake-up was looked at last, how many are passed over from then to
    /// the next look, and how many of those are left.
    last: Duration,
    passed: u32,
    pass: u32,
    /// This wake-up is looked at; and it has not been yet.
    looking: bool,
    woke: bool,
}

impl Observer {
    pub(crate) fn new(observed: Arc<Observed>) -> Self {
        Self { observed, waker: None, note: None, last: Duration::ZERO, passed: 0, pass: 0, looking: true, woke: false }
    }

    /// The receiver is about to sleep, with so many messages taken: the waker
    /// to leave.
    pub(crate) fn sleep(&mut self, taken: u64, waker: &Waker) -> &Waker {
        if self.note.is_some_and(|(sequence, _)| taken >= sequence) {
            self.settle(taken, self.observed.now());
        }
        // What woke it so far has been seen to.
        self.observed.woken.take();
        self.looking = self.pass == 0;
        self.woke = self.looking;
        if !self.looking {
            self.pass -= 1;
            self.observed.woken.shut();
        }
        self.noting(waker)
    }

    /// Whether the wake-up that ended the last sleep is one to look at.
    pub(crate) fn is_looking(&self) -> bool {
        self.looking
    }

    /// The waker that notes when it is used.
    pub(crate) fn noting(&mut self, waker: &Waker) -> &Waker {
        let known = self.waker.take().filter(|(noting, _)| noting.inner.will_wake(waker));
        let known = known.unwrap_or_else(|| {
            // Cloned once, as a mailbox that is not observed does: whoever
            // counts a waker's clones sees no difference.
            let noting = Arc::new(Noting { inner: waker.clone(), observed: Arc::clone(&self.observed) });
            (Arc::clone(&noting), Waker::from(noting))
        });
        &self.waker.insert(known).1
    }

    /// The sequence at which to look again.
    pub(crate) fn noted(&self) -> Option<u64> {
        self.note.map(|(sequence, _)| sequence)
    }

    /// A message is about to be handled after the receiver was polled, or
    /// after many others: `taken` are out, `outstanding` in the mailbox.
    pub(crate) fn look(&mut self, taken: u64, outstanding: u64) -> Duration {
        let now = self.observed.now();
        // What came while a handler waited woke nobody who slept.
        let woken = std::mem::take(&mut self.woke).then(|| self.observed.woken.take()).flatten();
        if let Some(woken) = woken {
            self.observed.waited(now.saturating_sub(woken));
            // On a clock that stands still nothing follows closely.
            let since = now.saturating_sub(self.last);
            let thick = !since.is_zero() && since < THICK * (self.passed + 1);
            self.passed = if thick { SOME - 1 } else { 0 };
            (self.last, self.pass) = (now, self.passed);
        }
        // One that woke the receiver and is alone has been accounted for.
        let queue = outstanding > u64::from(woken.is_some());
        // One note, then one look at what became of it: two for each round of
        // messages, however short the queue.
        if !self.settle(taken, now) && self.note.is_none() && queue {
            self.note = Some((taken + outstanding, now));
        }
        now
    }

    fn settle(&mut self, taken: u64, now: Duration) -> bool {
        let reached = self.note.take_if(|(sequence, _)| taken >= *sequence);
        if let Some((_, at)) = reached {
            self.observed.waited(now.saturating_sub(at));
        }
        reached.is_some()
    }
}

/// Wakes a task and notes when.
struct Noting {
    inner: Waker,
    observed: Arc<Observed>,
}

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.observed.woken.is_open() {
            self.observed.woken.note(self.observed.now());
        }
        self.inner.wake_by_ref();
    }
}

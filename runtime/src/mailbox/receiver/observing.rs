//! What a mailbox tells those who watch the system: metrics, times, events.
//! Without the features nothing of it is compiled.

use super::super::core::{Core, ModeSwitch};
use super::super::histogram::Timing;
use super::Receiver;
use crate::sync::access;

#[cfg(feature = "metrics")]
use super::super::observed::{EVERY, Observed, Observer, SLOW};
#[cfg(feature = "metrics")]
use std::{sync::Arc, time::Duration};

impl<M> Core<M> {
    /// Messages have been handed to the handler.
    #[inline]
    pub(crate) fn count_handled(&self, n: u64) {
        self.books.handled.add_alone(n);
        #[cfg(feature = "metrics")]
        if let Some(observed) = self.observed.get()
            && n > 0
        {
            observed.meter.handled.increment(n);
        }
    }

    /// The delivery mode has changed.
    pub(super) fn tell_switch(&self, switch: &ModeSwitch) {
        #[cfg(feature = "tracing")]
        tracing::info!(actor = %self.name, to = ?switch.to, epoch = switch.epoch, reason = ?switch.reason,
            "delivery mode changed");
        #[cfg(feature = "metrics")]
        if let Some(observed) = self.observed.get() {
            observed.meter.switched(switch);
        }
        let _ = switch;
    }

    /// How long messages wait here and how long they take; `None` without the
    /// feature `metrics`, and for a mailbox without an actor.
    pub(crate) fn timing(&self) -> Option<Timing> {
        #[cfg(feature = "metrics")]
        return self.observed.get().map(|observed| observed.timing());
        #[cfg(not(feature = "metrics"))]
        return None;
    }
}

impl<M: Send + 'static> Receiver<M> {
    /// The task runs: notes how deep the queue is before it is worked off.
    pub(crate) fn note_poll(&self) {
        self.core.books.polls.add_alone(1);
        #[cfg(feature = "metrics")]
        if let Some(observer) = &self.observer {
            observer.observed.meter.polls.increment(1);
        }
        // A backlog has sequences set aside, so the queue counts it.
        // Unseen: a number for people, by which nothing is decided.
        let depth = access::unseen(|| if self.sealed { self.core.len() } else { self.core.queue.len() as usize });
        self.core.books.high_water.max_alone(depth as u64);
    }
}

#[cfg(feature = "metrics")]
impl<M: Send + 'static> Receiver<M> {
    /// The task was woken: whether its next message is to be timed.
    pub(crate) fn is_looking(&self) -> bool {
        self.observer.as_ref().is_some_and(|observer| observer.is_looking())
    }

    /// Has the mailbox measured from here on.
    pub(crate) fn observe_with(&mut self, observed: Arc<Observed>) {
        self.observer = Some(Box::new(Observer::new(Arc::clone(&observed))));
        let _ = self.core.observed.set(observed);
    }

    /// A message is about to be handled, and to be timed. When it begins, and
    /// how many after it are not looked at.
    #[cold]
    pub(crate) fn begin_sample(&mut self) -> Option<(Duration, u32)> {
        let taken = self.consumer.taken();
        // An evicting policy drops what is counted on, so nothing is.
        // Unseen: how much is sampled, by which nothing is decided.
        let queued = || self.core.queue.len().saturating_sub(self.consumer.unpublished());
        let outstanding = if self.sealed { 0 } else { access::unseen(queued) };
        let observer = self.observer.as_deref_mut()?;
        let now = observer.look(taken, outstanding);
        let next = observer.noted().map_or(u64::from(EVERY), |sequence| sequence.saturating_sub(taken));
        Some((now, next.clamp(1, u64::from(EVERY)) as u32 - 1))
    }

    /// The message that is timed has been handled. `true`: the next is worth
    /// being timed as well.
    #[cold]
    pub(crate) fn end_sample(&self, began: Duration) -> bool {
        let Some(observer) = &self.observer else { return false };
        let took = observer.observed.now().saturating_sub(began);
        observer.observed.handled_in(took);
        took > SLOW
    }
}

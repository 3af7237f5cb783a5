//! Changing the terms: by hand, by the adaptive controller, and giving storage
//! back.

use std::time::Duration;

use super::super::adaptive::{Controller, Observation};
use super::super::config::{Delivery, Mailbox, Mode, Policy};
use super::super::core::SwitchReason;
use super::super::modes::Strategy;
use super::{Adaptive, Receiver};
use crate::sync::queue::Terms;
use crate::sync::shim::Arc;

impl<M: Send + 'static> Receiver<M> {
    /// Other terms from here on, in order with the messages: mode, capacity,
    /// policy. What was granted stays granted; nothing is lost or overtaken.
    ///
    /// A change between slots and the buffer of an evicting policy seals the
    /// old storage and drains it first. Terms that come while that goes on
    /// take effect afterwards; of several, the last.
    pub fn reconfigure(&mut self, mailbox: impl Into<Mailbox<M>>) {
        let mailbox = mailbox.into();
        if (self.sealed && !self.slots_done) || self.backlog.is_some() {
            self.pending = Some(Box::new(mailbox));
            return;
        }
        self.adopt(&mailbox);
    }

    pub(super) fn settle_pending(&mut self) {
        if let Some(mailbox) = self.pending.take() {
            self.adopt(&mailbox);
        }
    }

    fn adopt(&mut self, mailbox: &Mailbox<M>) {
        self.publish();
        let core = Arc::clone(&self.core);
        let evicts = matches!(mailbox.policy, Policy::Evict(_));
        let mut evicted = Vec::new();
        let mut terms = core.terms.lock();
        terms.set_policy(mailbox);
        let eviction = terms.eviction;
        match (self.sealed, evicts) {
            (false, true) => {
                let closed = terms.is_ending();
                if let Some(buffer) = &mut terms.buffer {
                    buffer.closed = closed;
                    core.queue.seal(|message| {
                        buffer.put(message, &mut evicted);
                    });
                }
                (self.sealed, self.slots_done, self.plain) = (true, false, false);
            }
            (true, false) => {
                // The slots are drained and without storage, so sequences can
                // be set aside for what moves to the backlog.
                let buffer = terms.buffer.take();
                let closed = buffer.as_ref().is_some_and(|buffer| buffer.closed);
                let backlog = buffer.map(|mut buffer| buffer.take_all()).unwrap_or_default();
                core.queue.set_aside(backlog.len() as u64);
                self.backlog = (!backlog.is_empty()).then(|| Box::new(backlog));
                if !closed {
                    core.queue.unseal();
                }
                self.sealed = false;
                self.plain = self.backlog.is_none();
            }
            (false, false) | (true, true) => {}
        }
        let switch = terms.record_switch(mailbox.initial_mode(), Duration::ZERO, SwitchReason::Reconfigured);
        drop(terms);
        if let Some(switch) = &switch {
            core.tell_switch(switch);
        }
        core.bury(eviction, evicted);
        core.queue.set_terms(&mut self.consumer, mailbox.terms());
        let (press, relieve) = core.marks();
        core.queue.adjust_watch(press, relieve);
        self.follow_delivery(mailbox);
        self.replenish();
    }

    pub(super) fn follow_delivery(&mut self, mailbox: &Mailbox<M>) {
        (self.strategy, self.adaptive) = match mailbox.delivery {
            Delivery::Push => (None, None),
            Delivery::Pull(strategy) => (Some(strategy), None),
            Delivery::Adaptive { pull_window, thresholds } => {
                let controller = Controller::new(thresholds, pull_window);
                (None, Some(Box::new(Adaptive { controller, pull_window, began: None })))
            }
        };
        self.tell_at_once();
        // Half of what may wait: a waiting sender is let in by the batch, and
        // always before the receiver sleeps.
        self.batch = (mailbox.capacity / 2).clamp(1, 1024) as u32;
    }

    /// Tells senders how many grants can be had together.
    fn tell_at_once(&self) {
        let capacity = self.core.queue.capacity();
        self.core.queue.set_at_once(match self.strategy {
            None | Some(Strategy::Manual) => capacity,
            Some(Strategy::OneByOne) => 1,
            Some(Strategy::Window { size: n, .. } | Strategy::MaxInFlight { limit: n }) => capacity.min(n as u64),
        });
    }

    /// Whether the adaptive controller wants to be told.
    pub(crate) fn is_adaptive(&self) -> bool {
        self.adaptive.is_some()
    }

    /// A message comes to the handler, and the adaptive controller wants to
    /// know how long it stays.
    pub(crate) fn begin(&mut self, now: Duration) {
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.began = Some(now);
        }
    }

    /// Tells the adaptive controller how the receiver is doing; carries out
    /// the switch that it decides on.
    pub(crate) fn observe(&mut self, now: Duration, handled: u64) {
        if self.strategy.is_some() {
            // What was taken is asked for again before demand is looked at: a
            // window of one would never show any, and so never relief.
            self.replenish();
        }
        let Some(adaptive) = self.adaptive.as_mut() else { return };
        let busy = adaptive.began.take().map_or(Duration::ZERO, |began| now.saturating_sub(began));
        // Less what was handled and is not told yet: a queue of that is none.
        let unpublished = self.consumer.unpublished();
        let depth =
            if self.sealed { self.core.len() as u64 } else { self.core.queue.len().saturating_sub(unpublished) };
        let free = if self.sealed { self.core.free() as u64 } else { self.core.queue.free() };
        let verdict = adaptive.controller.observe(Observation { now, depth, free, handled, busy });
        let Some((to, reason)) = verdict else { return };
        let pull_window = adaptive.pull_window;
        let capacity = self.core.queue.capacity();
        let terms = match to {
            Mode::Push => {
                self.strategy = None;
                Terms::push(capacity)
            }
            Mode::Pull => {
                self.strategy = Some(Strategy::Window { size: pull_window, low: pull_window / 2 });
                Terms::pull(capacity)
            }
        };
        // Published here first, which counts what was handled.
        self.publish();
        self.core.queue.set_terms(&mut self.consumer, terms);
        self.replenish();
        self.tell_at_once();
        let switch = self.core.terms.lock().record_switch(to, now, reason);
        if let Some(switch) = &switch {
            self.core.tell_switch(switch);
        }
    }

    /// Gives slot storage back if the mailbox is empty.
    pub(crate) fn retire(&mut self) {
        if self.plain {
            self.publish();
            self.consumer.retire(&self.core.queue);
        }
    }

    pub(crate) fn holds_storage(&self) -> bool {
        self.plain && self.consumer.holds_storage(&self.core.queue)
    }
}

//! What becomes of a message in the end: settled, put into quarantine, lost, or
//! tried again.

use std::time::Duration;

use super::super::quarantine::Quarantined;
use super::super::{DeliveryId, Return};
use super::{After, Entry, Ledger, State};
use crate::mailbox::DropReason;

impl<M: Send + 'static> Ledger<M> {
    /// An attempt has failed.
    pub(super) fn failed(
        &mut self,
        sequence: u64,
        how: Return,
        innocent: bool,
        now: Duration,
        random: impl FnOnce() -> u64,
        after: &mut After<M>,
    ) {
        self.untimed(sequence);
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        entry.failed += u32::from(!innocent);
        if entry.message.is_none() {
            self.lose(sequence, DropReason::Interrupted, after);
        } else if how == Return::Reject || entry.failed >= self.terms.attempts {
            let attempts = entry.failed;
            let message = self.settle(sequence);
            self.quarantine(sequence, attempts, how, message, after);
        } else if self.closed {
            self.lose(sequence, DropReason::Stopped, after);
        } else {
            self.stats.out -= 1;
            if let (Some(keys), Return::Nack) = (&mut self.keys, how) {
                keys.leave_home(entry.key);
            }
            let wait = match (how, entry.failed) {
                (Return::Later(wait), _) => wait,
                (_, failed) if innocent || failed == 0 => Duration::ZERO,
                (_, failed) => self.terms.backoff.delay(failed - 1, random),
            };
            if wait.is_zero() {
                self.make_ready(sequence);
            } else {
                let until = now.saturating_add(wait);
                entry.state = State::Waiting { until };
                self.timers.insert((until, sequence));
            }
        }
    }

    pub(super) fn quarantine(
        &mut self,
        sequence: u64,
        attempts: u32,
        how: Return,
        message: Option<M>,
        after: &mut After<M>,
    ) {
        self.stats.quarantined += 1;
        let Some(message) = message else { return };
        if self.kept.len() < self.terms.keep {
            let id = DeliveryId { source: self.source, sequence };
            self.kept.push_back(Quarantined { id, attempts, rejected: how == Return::Reject, message });
            after.bury.push((DropReason::Quarantined, None));
        } else {
            after.bury.push((DropReason::Quarantined, Some(message)));
        }
    }

    /// Sends nothing any more. What is out may be acknowledged yet.
    pub(in super::super) fn close(&mut self, after: &mut After<M>) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.keys.as_mut().into_iter().for_each(|keys| keys.clear());
        let idle: Vec<u64> = self
            .entries
            .iter()
            .filter(|(_, entry)| !matches!(entry.state, State::Out { .. }))
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in idle {
            self.lose(sequence, DropReason::Stopped, after);
        }
        self.wake(after);
    }

    fn lose(&mut self, sequence: u64, reason: DropReason, after: &mut After<M>) {
        self.stats.lost += 1;
        let message = self.settle(sequence);
        after.bury.push((reason, message));
    }

    /// Takes a message out, whatever its state.
    pub(super) fn settle(&mut self, sequence: u64) -> Option<M> {
        self.untimed(sequence);
        let entry = self.entries.remove(&sequence)?;
        if matches!(entry.state, State::Ready) {
            self.ready.remove(&sequence);
            self.keys.as_mut().into_iter().for_each(|keys| keys.unready(entry.key, sequence));
        }
        if !entry.acked {
            self.stats.out -= usize::from(matches!(entry.state, State::Out { .. }));
            self.stats.unsettled -= 1;
        }
        // Once closed nothing is behind anything.
        if let (Some(keys), false) = (&mut self.keys, self.closed) {
            keys.leave(entry.key, entry.next.is_some());
            if let Some(next) = entry.next {
                self.make_ready(next);
            }
        }
        entry.message
    }

    fn untimed(&mut self, sequence: u64) {
        if let Some(Entry { state: State::Waiting { until } | State::Out { until: Some(until), .. }, .. }) =
            self.entries.get(&sequence)
        {
            self.timers.remove(&(*until, sequence));
        }
    }
}

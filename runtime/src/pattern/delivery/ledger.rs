//! What is known of every message, as a state machine without a clock.
//!
//! ```text
//! accept -> Ready -> Out -> acknowledged: gone
//!             ^       |
//!             |       +-> came back, or late -> Waiting (backoff) -> Ready
//!             |                              -> quarantine, after so many attempts
//!             +-------+-> came back unopened from a mailbox that ended
//! ```
//!
//! With [keys](super::keys) a message is `Behind` first, until those of its key
//! that came before it are gone.
//!
//! A message is acknowledged once, whichever attempt does it, and what comes
//! back late changes nothing. What has to be done without the lock, waking and
//! burying, is left in [`After`].

mod endings;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::Waker;
use std::time::Duration;

use super::keys::Keys;
use super::quarantine::Quarantined;
use super::targets::{Picked, Targets};
use super::terms::{DeliveryStats, Terms};
use super::{DeliveryId, Return, Slip};
use crate::actor::ActorId;
use crate::mailbox::DropReason;

pub(super) struct Ledger<M> {
    pub(super) terms: Terms<M>,
    pub(super) source: ActorId,
    pub(super) targets: Targets<M>,
    entries: BTreeMap<u64, Entry<M>>,
    next: u64,
    tickets: u64,
    ready: BTreeSet<u64>,
    /// Which message somebody was picked for last.
    picked: Option<u64>,
    pub(super) keys: Option<Box<Keys>>,
    /// Ends of backoffs, and deadlines of what is out.
    timers: BTreeSet<(Duration, u64)>,
    /// When the pump wakes by itself.
    pub(super) alarm: Option<Duration>,
    pub(super) kept: VecDeque<Quarantined<M>>,
    stats: DeliveryStats,
    /// Nothing is sent any more.
    pub(super) closed: bool,
    /// The pump waits for the last message to be settled.
    pub(super) draining: bool,
    pub(super) pump: Option<Waker>,
    pub(super) room: Option<Waker>,
}

struct Entry<M> {
    /// `None` while somebody else holds it.
    message: Option<M>,
    failed: u32,
    state: State,
    key: u64,
    /// The next one of its key.
    next: Option<u64>,
    /// Acknowledged by an attempt that was late, while this one is still out:
    /// settled, but for its key, which is not free yet.
    acked: bool,
}

#[derive(Clone, Copy)]
enum State {
    Behind,
    Ready,
    Waiting { until: Duration },
    Out { ticket: u64, target: u64, until: Option<Duration> },
}

/// What is to be sent.
pub(super) struct Sending<M> {
    pub(super) slip: Slip,
    pub(super) message: M,
}

/// What is to be done once the lock is free: it is foreign code.
pub(super) struct After<M> {
    pub(super) wake: [Option<Waker>; 2],
    pub(super) bury: Vec<(DropReason, Option<M>)>,
    pub(super) drop: Vec<M>,
}

impl<M> After<M> {
    pub(super) fn new() -> Self {
        Self { wake: [None, None], bury: Vec::new(), drop: Vec::new() }
    }
}

impl<M: Send + 'static> Ledger<M> {
    pub(super) fn new(terms: Terms<M>) -> Self {
        let keys = terms.key.is_some().then(|| Box::new(Keys::new(terms.remember)));
        Self {
            terms,
            keys,
            source: ActorId(0),
            targets: Targets::new(),
            entries: BTreeMap::new(),
            next: 0,
            tickets: 0,
            ready: BTreeSet::new(),
            picked: None,
            timers: BTreeSet::new(),
            alarm: None,
            kept: VecDeque::new(),
            stats: DeliveryStats::default(),
            closed: false,
            draining: false,
            pump: None,
            room: None,
        }
    }

    pub(super) fn stats(&self) -> DeliveryStats {
        self.stats
    }

    /// Whether another message may be accepted. `ending`: there will be no more
    /// targets than there are.
    pub(super) fn has_room(&self, ending: bool) -> bool {
        if self.closed || (ending && self.targets.len() == 0) {
            return true;
        }
        let used = match self.entries.first_key_value() {
            Some((first, _)) if self.terms.sliding => (self.next - first) as usize,
            _ => self.entries.len(),
        };
        // Which one is next of those that can begin is seen only if they are here.
        let ahead = !self.terms.on_demand || self.keys.is_some();
        used < self.terms.window && (ahead || self.targets.free_slots() > self.ready.len() as u128)
    }

    /// `key` is `None` for a message whose key could not be told: it is given up.
    /// The pump is not told: it may be that there is nothing for it to do.
    pub(super) fn accept(&mut self, message: M, key: Option<u64>, after: &mut After<M>) {
        self.stats.accepted += 1;
        if self.closed {
            self.stats.lost += 1;
            after.bury.push((DropReason::Stopped, Some(message)));
            return;
        }
        let sequence = self.next;
        self.next += 1;
        let Some(key) = key else {
            return self.quarantine(sequence, 0, Return::Reject, Some(message), after);
        };
        self.stats.unsettled += 1;
        let entry = Entry { message: Some(message), failed: 0, state: State::Behind, key, next: None, acked: false };
        self.entries.insert(sequence, entry);
        match self.keys.as_mut().and_then(|keys| keys.enter(key, sequence)) {
            Some(before) => self.entries.get_mut(&before).into_iter().for_each(|entry| entry.next = Some(sequence)),
            None => self.make_ready(sequence),
        }
    }

    fn make_ready(&mut self, sequence: u64) {
        let Some(entry) = self.entries.get_mut(&sequence) else { return };
        entry.state = State::Ready;
        self.ready.insert(sequence);
        if let Some(keys) = &mut self.keys {
            keys.ready(entry.key, sequence);
        }
    }

    /// Tells the pump, and whoever waits for room if there may be some.
    pub(super) fn wake(&mut self, after: &mut After<M>) {
        if let Some(pump) = self.pump.take() {
            after.wake[0] = Some(pump);
        }
        self.wake_room(after);
    }

    fn wake_room(&mut self, after: &mut After<M>) {
        if self.room.is_some() && self.has_room(true) {
            after.wake[1] = self.room.take();
        }
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether somebody is to get one.
    pub(super) fn can_send(&self) -> bool {
        !self.closed && self.has_ready() && self.targets.has_free()
    }

    /// Who is to get the next message. See [`Targets::pick`].
    pub(super) fn pick(&mut self) -> Option<Picked<M>> {
        let oldest = *self.ready.first().filter(|_| !self.closed)?;
        let home = self.keys.as_ref().and_then(|keys| keys.home(self.entries.get(&oldest)?.key));
        let again = self.picked.replace(oldest) == Some(oldest);
        self.targets.pick(home, again)
    }

    /// Something has landed that was not sent by the pump.
    pub(super) fn landed(&mut self, target: u64, after: &mut After<M>) {
        self.targets.landed(target);
        // It may have found nobody free, and does not know the new deadline.
        let late = self.next_timer().is_some_and(|next| self.alarm.is_none_or(|alarm| alarm > next));
        if self.has_ready() || late {
            self.wake(after);
        }
    }

    /// The next message for `target`, in the order in which they came if there
    /// are no keys. None for one that has left since it was picked.
    pub(super) fn send(&mut self, target: u64, now: Duration) -> Option<Sending<M>> {
        if !self.targets.is_open(target) {
            return None;
        }
        let oldest = *self.ready.first()?;
        let sequence = self.keys.as_mut().map_or(oldest, |keys| keys.choose(target, oldest));
        self.ready.remove(&sequence);
        let entry = self.entries.get_mut(&sequence)?;
        if let Some(keys) = &mut self.keys {
            keys.took(entry.key, sequence, target);
        }
        let message = entry.message.take()?;
        self.tickets += 1;
        let until = self.terms.ack_within.map(|limit| now.saturating_add(limit));
        entry.state = State::Out { ticket: self.tickets, target, until };
        if let Some(until) = until {
            self.timers.insert((until, sequence));
        }
        let attempt = entry.failed + 1;
        self.stats.out += 1;
        self.stats.redelivered += u64::from(attempt > 1);
        self.targets.took(target);
        let id = DeliveryId { source: self.source, sequence };
        Some(Sending { slip: Slip { id, attempt, ticket: self.tickets, target }, message })
    }

    /// A copy of what has been sent.
    pub(super) fn keep(&mut self, slip: Slip, copy: M, after: &mut After<M>) {
        match self.entries.get_mut(&slip.id.sequence) {
            Some(entry) if entry.message.is_none() && !entry.acked && matches!(entry.state, State::Out { .. }) => {
                entry.message = Some(copy);
            }
            _ => after.drop.push(copy),
        }
    }

    pub(super) fn ack(&mut self, slip: Slip, after: &mut After<M>) -> bool {
        self.targets.gave(slip.target);
        let first = self.acknowledged(slip, after);
        // Nothing else for the pump to do: the deadline it may sleep for is
        // found to be gone when it comes.
        if self.has_ready() || self.draining {
            self.wake(after);
        } else {
            self.wake_room(after);
        }
        first
    }

    /// `true`: the first time.
    fn acknowledged(&mut self, slip: Slip, after: &mut After<M>) -> bool {
        let sequence = slip.id.sequence;
        let Some(entry) = self.entries.get_mut(&sequence) else { return false };
        let first = !entry.acked;
        if first {
            self.stats.acked += 1;
            self.targets.change(slip.target, |target| target.acked += 1);
        }
        let another = matches!(entry.state, State::Out { ticket, .. } if ticket != slip.ticket);
        if !another || self.keys.is_none() {
            after.drop.extend(self.settle(sequence));
        } else if first {
            // Its key is free once the other attempt is over.
            entry.acked = true;
            after.drop.extend(entry.message.take());
            self.stats.out -= 1;
            self.stats.unsettled -= 1;
        }
        first
    }

    pub(super) fn extend(&mut self, slip: Slip, now: Duration) -> bool {
        let (Some(limit), Some(entry)) = (self.terms.ack_within, self.entries.get_mut(&slip.id.sequence)) else {
            return false;
        };
        match &mut entry.state {
            State::Out { ticket, until: Some(until), .. } if *ticket == slip.ticket => {
                self.timers.remove(&(*until, slip.id.sequence));
                *until = now.saturating_add(limit);
                self.timers.insert((*until, slip.id.sequence));
                true
            }
            _ => false,
        }
    }

    /// A delivery comes back. `random` is for the backoff.
    pub(super) fn take_back(
        &mut self,
        slip: Slip,
        message: Option<M>,
        how: Return,
        opened: bool,
        (now, random): (Duration, impl FnOnce() -> u64),
        after: &mut After<M>,
    ) {
        let sequence = slip.id.sequence;
        // Nobody looked at it, and nobody there can any more: no fault of its own.
        let innocent = !opened && self.targets.has_ended(slip.target);
        self.targets.gave(slip.target);
        self.targets.change(slip.target, |target| target.returned += 1);
        let mine = self
            .entries
            .get_mut(&sequence)
            .filter(|entry| matches!(entry.state, State::Out { ticket, .. } if ticket == slip.ticket));
        match mine {
            // Another attempt goes on, or it is settled.
            None => after.drop.extend(message),
            Some(Entry { acked: true, .. }) => {
                after.drop.extend(message);
                self.settle(sequence);
            }
            Some(entry) => {
                match (&entry.message, message) {
                    (Some(_), message) => after.drop.extend(message),
                    (None, message) => entry.message = message,
                }
                self.failed(sequence, how, innocent, now, random, after);
            }
        }
        self.wake(after);
    }

    /// What is due. `random` is for the backoffs.
    pub(super) fn expire(&mut self, now: Duration, mut random: impl FnMut() -> u64, after: &mut After<M>) {
        while let Some(&(at, sequence)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            let Some(entry) = self.entries.get_mut(&sequence) else { continue };
            match entry.state {
                State::Waiting { .. } => self.make_ready(sequence),
                State::Out { target, .. } => {
                    self.stats.late += 1;
                    self.targets.change(target, |target| target.late += 1);
                    if entry.acked {
                        self.settle(sequence);
                        continue;
                    }
                    self.failed(sequence, Return::Nack, false, now, &mut random, after);
                }
                State::Behind | State::Ready => {}
            }
        }
    }

    pub(super) fn next_timer(&self) -> Option<Duration> {
        self.timers.first().map(|(at, _)| *at)
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::actor::{Actor, Context, Fault};
    use crate::mailbox::Push;
    use crate::pattern::Delivery;
    use crate::system::{ManualExecutor, System};

    struct Idle;

    impl Actor for Idle {
        type Msg = Delivery<u64>;

        async fn handle(&mut self, job: Delivery<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
            job.ack();
            Ok(())
        }
    }

    /// On threads: the pump has looked while a message was on its way to the
    /// only target, and found nobody free.
    #[test]
    fn what_has_landed_tells_the_pump_if_there_is_more_to_send_or_a_deadline_to_keep() {
        let system = System::with_executor(ManualExecutor::new());
        for (more, alarm, told) in
            [(false, Some(5), false), (true, Some(5), true), (false, None, true), (false, Some(20), true)]
        {
            let terms = Terms { ack_within: Some(Duration::from_secs(10)), ..Terms::new(8) };
            let mut ledger: Ledger<u64> = Ledger::new(terms);
            let mut after = After::new();
            ledger.targets.add(system.spawn(Idle, Push::bounded(8)), 4);
            ledger.alarm = alarm.map(Duration::from_secs);
            ledger.accept(0, Some(0), &mut after);
            let Some(Picked { target, .. }) = ledger.pick() else { panic!("it is free") };
            assert!(ledger.send(target, Duration::ZERO).is_some());
            if more {
                ledger.accept(1, Some(0), &mut after);
            }
            assert!(ledger.pick().is_none(), "one is on its way, so nothing overtakes it");
            ledger.pump = Some(Waker::noop().clone());
            ledger.landed(target, &mut after);
            assert_eq!(after.wake[0].is_some(), told, "{more} {alarm:?}");
            assert_eq!(ledger.pick().is_some(), more);
        }
    }
}

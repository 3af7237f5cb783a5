//! What the two sides of a mailbox share: the queue, the buffer of evicting
//! policies, the control lane, and the books.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::buffer::Buffer;
use super::config::{Evict, Mailbox, Mode, Overflow, Policy, Watermarks};
use super::dead_letters::{DeadLetters, DropCounts, DropReason, each};
use super::error::{Admission, SendError};
use super::item::Item;
use super::leash::{Cut, Tick};
use crate::sync::access::Access;
use crate::sync::counter::{Counter, Handles};
use crate::sync::lane::{Lane, Rank};
use crate::sync::queue::{Consumer, Queue, Refusal};
use crate::sync::shim::{Mutex, mutant};
use crate::sync::words::MAX_CAPACITY;

pub(crate) mod emit;
mod taken;

/// What reaches a receiver past every bound and policy.
pub(crate) enum Signal<M> {
    /// Stop now, in the middle of a handler if need be.
    Kill,
    /// End this life now, as `Kill` does; another follows.
    Renew,
    /// Stop after the present message.
    Stop,
    /// Handle what was accepted, then stop.
    Drain,
    /// Other terms from here on.
    Reconfigure(Box<Mailbox<M>>),
    /// The mailbox has been idle: give storage back.
    Retire,
    /// A message past the bound, and the timer that it came from, if one did.
    Timer(M, Option<Arc<Cut>>),
    /// Something for the floors above: a death, for instance.
    Notice(Arc<dyn Any + Send + Sync>),
}

impl<M> Signal<M> {
    fn rank(&self) -> Rank {
        match self {
            Self::Timer(..) | Self::Notice(_) => Rank::News,
            _ => Rank::Order,
        }
    }
}

/// Why a mailbox is closed, if its own doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Somebody closed it, or nobody could send any more.
    Closed,
    /// A message too many, and the policy makes that a failure.
    Overflowed,
}

/// A change of delivery mode.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ModeSwitch {
    /// When, on the executor's clock; zero for a change by hand.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::seconds"))]
    pub at: Duration,
    /// The mode from then on.
    pub to: Mode,
    /// How many switches there have been, this one included.
    pub epoch: u64,
    /// Why.
    pub reason: SwitchReason,
}

/// Why the delivery mode changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum SwitchReason {
    /// By `reconfigure`.
    Reconfigured,
    /// The window was exhausted for too long.
    Exhausted,
    /// The service time rose while a queue formed.
    Slower,
    /// There was more demand than work for long enough.
    Relieved,
}

/// How many switches are remembered.
const REMEMBERED: usize = 64;

/// What changes rarely, and the buffer, under one lock.
pub(crate) struct Terms<M> {
    pub(crate) overflow: Overflow,
    pub(crate) buffer: Option<Box<Buffer<M>>>,
    pub(crate) eviction: DropReason,
    pub(crate) mode: Mode,
    ending: Option<Ending>,
    pub(crate) watermarks: Option<Box<Watermarks>>,
    /// `None` while nothing is worth remembering.
    memory: Option<Box<Memory>>,
}

/// What few mailboxes have to remember.
#[derive(Default)]
struct Memory {
    epoch: u64,
    switches: Vec<ModeSwitch>,
    drops: DropCounts,
    taken: taken::Taken,
}

/// Takes out a function that is called at most once.
fn once<F>(f: &mut Option<F>) -> F {
    match f.take() {
        Some(f) => f,
        None => unreachable!("a message is made once"),
    }
}

/// Numbers that the receiver keeps and others may read.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) handled: Counter,
    pub(crate) polls: Counter,
    pub(crate) high_water: Counter,
    /// Messages handed out with a guard that is still held, plus those whose
    /// guards have been dropped: acquired and released apart, so that each
    /// only grows.
    pub(crate) acquired: Counter,
    pub(crate) released: Counter,
}

pub(crate) struct Core<M> {
    pub(crate) queue: Queue<Item<M>>,
    pub(crate) lane: Lane<Signal<M>>,
    pub(crate) senders: Handles,
    pub(crate) terms: Mutex<Terms<M>>,
    pub(crate) dead: DeadLetters,
    pub(crate) name: Arc<str>,
    pub(crate) books: Books,
    /// Set once, when the mailbox gets its actor.
    #[cfg(feature = "metrics")]
    pub(crate) observed: std::sync::OnceLock<Arc<super::observed::Observed>>,
}

impl<M> Core<M> {
    pub(crate) fn new(mailbox: &Mailbox<M>, dead: DeadLetters, name: Arc<str>) -> Self {
        let core = Self {
            queue: Queue::new(mailbox.terms()),
            lane: Lane::new(),
            senders: Handles::new(),
            terms: Mutex::new(Terms {
                overflow: Overflow::Wait,
                buffer: None,
                eviction: DropReason::DropOldest,
                mode: mailbox.initial_mode(),
                ending: None,
                watermarks: None,
                memory: None,
            }),
            dead,
            name,
            books: Books {
                handled: Counter::new(),
                // Numbers for people.
                polls: Counter::untouched(),
                high_water: Counter::untouched(),
                acquired: Counter::new(),
                released: Counter::new(),
            },
            #[cfg(feature = "metrics")]
            observed: std::sync::OnceLock::new(),
        };
        core.queue.name(&core.name);
        core.lane.name(&core.name);
        core.terms.name(|| format!("the terms of {}", core.name));
        let mut terms = core.terms.lock();
        terms.set_policy(mailbox);
        if terms.buffer.is_some() {
            core.queue.seal(|_| {});
        }
        drop(terms);
        core
    }

    /// How many accepted messages have not been handed to the handler.
    pub(crate) fn len(&self) -> usize {
        let buffered = self.terms.lock_to(Access::Read).buffer.as_ref().map_or(0, |buffer| buffer.len());
        buffered + self.queue.len() as usize
    }

    /// How many messages would be let in now without a policy acting.
    pub(crate) fn free(&self) -> usize {
        let terms = self.terms.lock_to(Access::Read);
        match &terms.buffer {
            Some(buffer) if !buffer.closed => buffer.free(),
            Some(_) => 0,
            None => self.queue.free() as usize,
        }
    }

    /// The receiver will take no more messages than there are.
    pub(crate) fn close(&self, ending: Ending) {
        {
            let mut terms = self.terms.lock();
            terms.ending.get_or_insert(ending);
            if let Some(buffer) = &mut terms.buffer {
                buffer.closed = true;
            }
        }
        self.queue.close();
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.terms.lock_to(Access::Read).ending
    }

    pub(crate) fn signal(&self, signal: Signal<M>) -> Result<(), Signal<M>> {
        let rank = signal.rank();
        self.lane.send(signal, rank, self.queue.receiver())
    }

    /// How many messages may wait; `None` if any number may.
    pub(crate) fn capacity(&self) -> Option<usize> {
        let capacity = self.queue.capacity();
        (capacity < MAX_CAPACITY).then_some(capacity as usize)
    }

    /// Free grants at which pressure comes on and goes off.
    pub(crate) fn marks(&self) -> (u64, u64) {
        match self.terms.lock_to(Access::Read).watermarks.as_deref() {
            Some(marks) => (marks.low() as u64, marks.high() as u64),
            None => Watermarks::of(self.queue.capacity()),
        }
    }

    pub(crate) fn drops(&self) -> DropCounts {
        self.terms.lock_to(Access::Read).memory.as_ref().map(|memory| memory.drops).unwrap_or_default()
    }
}

impl<M> Terms<M> {
    /// Whether the mailbox is closed, or is about to be: a buffer made now takes
    /// nothing in.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// The policy that is in force.
    pub(crate) fn overflow(&self) -> Overflow {
        match (&self.buffer, self.eviction) {
            (None, _) => self.overflow,
            (Some(_), DropReason::Latest) => Overflow::Latest,
            (Some(_), _) => Overflow::DropOldest,
        }
    }

    /// Takes over a mailbox's policy; a buffer is made or kept as it needs.
    pub(crate) fn set_policy(&mut self, mailbox: &Mailbox<M>) {
        self.watermarks = mailbox.watermarks.map(Box::new);
        match &mailbox.policy {
            Policy::Slots(overflow) => self.overflow = *overflow,
            Policy::Evict(evict) => {
                self.eviction = if matches!(evict, Evict::All) { DropReason::Latest } else { DropReason::DropOldest };
                match &mut self.buffer {
                    Some(buffer) => buffer.set(evict.clone(), mailbox.capacity),
                    none => *none = Some(Box::new(Buffer::new(evict.clone(), mailbox.capacity))),
                }
            }
        }
    }

    pub(crate) fn record_switch(&mut self, to: Mode, at: Duration, reason: SwitchReason) -> Option<ModeSwitch> {
        if self.mode == to {
            return None;
        }
        self.mode = to;
        let memory = self.memory.get_or_insert_default();
        memory.epoch += 1;
        let switch = ModeSwitch { at, to, epoch: memory.epoch, reason };
        if memory.switches.len() == REMEMBERED {
            memory.switches.remove(0);
        }
        memory.switches.push(switch);
        Some(switch)
    }

    /// How often the mode has changed, and the last changes.
    pub(crate) fn switches(&self) -> (u64, Vec<ModeSwitch>) {
        self.memory.as_ref().map_or((0, Vec::new()), |memory| (memory.epoch, memory.switches.clone()))
    }
}

impl<M: Send + 'static> Core<M> {
    /// Lets a message in, or lets the policy decide. Never waits: under
    /// [`Overflow::Wait`] a message without a grant comes back.
    #[inline]
    pub(crate) fn admit(&self, message: M) -> Result<Admission, SendError<M>> {
        self.admit_item(Item::new(message)).map_err(|error| {
            self.tell_refused(&error);
            error.map(Item::into_message)
        })
    }

    /// The same for a message that is on its way already.
    #[inline]
    pub(crate) fn admit_item(&self, item: Item<M>) -> Result<Admission, SendError<Item<M>>> {
        let telling = self.telling(Some(&item));
        match self.queue.try_put(item) {
            Ok(()) => {
                self.tell_sent(telling);
                Ok(Admission::Queued)
            }
            Err((refusal, item)) => self.admit_after(refusal, item),
        }
    }

    /// The same after the slots have refused it.
    pub(crate) fn admit_after(&self, refusal: Refusal, item: Item<M>) -> Result<Admission, SendError<Item<M>>> {
        self.admit_refused(refusal, item, |item| {
            self.tell_put(&item);
            item
        })
    }

    /// The same for a message that is made from `from` once it is let in.
    pub(crate) fn admit_with<N>(&self, from: N, make: impl FnOnce(N) -> M) -> Result<Admission, SendError<N>> {
        let mut make = Some(|from| self.item(make(from)));
        // `make` is called at most once: only a success calls it.
        match self.queue.try_put_with_or(from, |from| once(&mut make)(from), |lost| self.bury_late(lost)) {
            Ok(_) => Ok(Admission::Queued),
            Err((refusal, from)) => self.admit_refused(refusal, from, |from| once(&mut make)(from)),
        }
    }

    /// A message that is let in now.
    #[inline]
    fn item(&self, message: M) -> Item<M> {
        let item = Item::new(message);
        self.tell_put(&item);
        item
    }

    #[cold]
    fn admit_refused<N>(
        &self,
        mut refusal: Refusal,
        mut from: N,
        make: impl FnOnce(N) -> Item<M>,
    ) -> Result<Admission, SendError<N>> {
        let mut make = Some(make);
        loop {
            match refusal {
                Refusal::Closed => return Err(SendError::Closed(from)),
                Refusal::Buffered => match self.put_buffered(from, |from| once(&mut make)(from)) {
                    Ok(result) => return result,
                    // Back to slots between the two looks.
                    Err(back) => from = back,
                },
                Refusal::Full | Refusal::NoDemand => {
                    return self.overflow(refusal, from, |from| once(&mut make)(from));
                }
            }
            match self.queue.try_put_with_or(from, |from| once(&mut make)(from), |lost| self.bury_late(lost)) {
                Ok(_) => return Ok(Admission::Queued),
                Err((again, back)) => (refusal, from) = (again, back),
            }
        }
    }

    fn overflow<N>(
        &self,
        refusal: Refusal,
        from: N,
        make: impl FnOnce(N) -> Item<M>,
    ) -> Result<Admission, SendError<N>> {
        let overflow = self.terms.lock_to(Access::Read).overflow;
        match overflow {
            Overflow::DropNewest => {
                self.bury(DropReason::DropNewest, vec![make(from).into_message()]);
                Ok(Admission::Dropped)
            }
            Overflow::Divert => {
                self.bury(DropReason::Diverted, vec![make(from).into_message()]);
                Ok(Admission::Diverted)
            }
            Overflow::Fail => {
                self.close(Ending::Overflowed);
                Err(SendError::Overflowed(from))
            }
            // The evicting policies do not refuse; a mailbox that is about to
            // leave one for slots is, for that moment, one that waits.
            Overflow::Wait | Overflow::Reject | Overflow::DropOldest | Overflow::Latest => Err(match refusal {
                Refusal::NoDemand => SendError::NoDemand(from),
                _ => SendError::Full(from),
            }),
        }
    }

    /// Whether `tell` waits for a grant.
    pub(crate) fn waits(&self) -> bool {
        self.terms.lock_to(Access::Read).overflow == Overflow::Wait
    }

    /// `Err`: the mailbox keeps its messages in slots by now.
    fn put_buffered<N>(&self, from: N, make: impl FnOnce(N) -> Item<M>) -> Result<Result<Admission, SendError<N>>, N> {
        let mut evicted = Vec::new();
        let mut terms = self.terms.lock();
        if !self.queue.is_sealed() {
            return Err(from);
        }
        let eviction = terms.eviction;
        let Some(buffer) = &mut terms.buffer else {
            if mutant!("core.wait_for_the_close") {
                return Err(from);
            }
            // It went back to slots after its end had begun, so it stays
            // sealed; the queue is closed any moment now.
            return Ok(Err(SendError::Closed(from)));
        };
        if buffer.closed {
            return Ok(Err(SendError::Closed(from)));
        }
        let admission = buffer.put(make(from), &mut evicted);
        let wake = std::mem::take(&mut buffer.receiver_sleeps);
        drop(terms);
        if wake {
            self.queue.receiver().wake();
        }
        self.bury(eviction, evicted);
        Ok(Ok(admission))
    }

    /// Uses up a permit.
    pub(crate) fn admit_reserved<N>(&self, from: N, make: impl FnOnce(N) -> M) -> Result<Admission, SendError<N>> {
        let mut make = Some(|from| self.item(make(from)));
        match self.queue.put_reserved_or(from, |from| once(&mut make)(from), |lost| self.bury_late(lost)) {
            Ok(_) => Ok(Admission::Queued),
            Err((refusal, from)) => self.admit_refused(refusal, from, |from| once(&mut make)(from)),
        }
    }

    /// Counts dropped messages here and at the sink.
    pub(crate) fn bury(&self, reason: DropReason, messages: Vec<M>) {
        if messages.is_empty() {
            return;
        }
        for message in &messages {
            self.tell_dropped(message, reason.name());
        }
        self.count_drops(reason, messages.len() as u64);
        self.dead.bury(reason, &self.name, each(messages));
    }

    /// A message was accepted, and its receiver gone before it was written.
    fn bury_late(&self, late: Item<M>) {
        if !mutant!("core.late_message_vanishes") {
            self.bury(DropReason::Stopped, vec![late.into_message()]);
        }
    }

    /// A message was lost with the handler that held it.
    pub(crate) fn bury_lost(&self, reason: DropReason) {
        self.count_drops(reason, 1);
        self.dead.bury(reason, &self.name, std::iter::once(None::<M>));
    }

    pub(crate) fn count_drops(&self, reason: DropReason, n: u64) {
        self.terms.lock_to(Access::Update).memory.get_or_insert_default().drops.add(reason, n);
        #[cfg(feature = "metrics")]
        if let Some(observed) = self.observed.get() {
            observed.meter.dropped(reason, n);
        }
    }

    /// Everything that is still in the mailbox goes to the dead letters.
    pub(crate) fn bury_rest(&self, consumer: &mut Consumer<Item<M>>, mut rest: Vec<M>) {
        self.close(Ending::Closed);
        if let Some(buffer) = &mut self.terms.lock().buffer {
            rest.extend(buffer.take_all().into_iter().map(Item::into_message));
        }
        consumer.bury(&self.queue, |item| rest.push(item.into_message()));
        for signal in self.lane.close() {
            if let Signal::Timer(message, timer) = signal
                && timer.is_none_or(|timer| timer.take_tick() != Tick::Withdrawn)
            {
                rest.push(message);
            }
        }
        self.bury(DropReason::Stopped, rest);
    }
}

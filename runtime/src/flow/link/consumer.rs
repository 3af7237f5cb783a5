//! The end that wants the items.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use super::frame::{End, Grant, ToConsumer, ToProducer};
use super::refill::Refill;
use super::stats::{Aside, ConsumerStats};
use super::timing::{Repeat, Timing};
use crate::mailbox::Mode;

/// The end that asks for items, and yields each once and in order.
///
/// It never has more than a window of items and of places granted to items
/// together, which is all the memory it needs. See [`Producer`](super::Producer)
/// for how its methods go together, and for an example.
///
/// ```
/// use std::{num::NonZeroU64, time::Duration};
/// use tidegate::flow::link::{Consumer, RequestError, Timing};
/// use tidegate::Mode;
/// let window = NonZeroU64::new(8).unwrap();
/// let mut consumer = Consumer::<u8>::new(7, Mode::Push, window, Timing::default(), Duration::ZERO);
/// assert_eq!(consumer.limit(), 8, "push: granted unasked");
/// assert_eq!(consumer.request(2), Err(RequestError::Push));
///
/// consumer.switch(Mode::Pull);
/// assert_eq!(consumer.request(0), Err(RequestError::Zero));
/// consumer.request(2)?;
/// assert_eq!((consumer.limit(), consumer.requested()), (8, 10), "what was granted comes first");
/// # Ok::<(), RequestError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Consumer<T> {
    link: u64,
    refill: Refill,
    /// Items below this number have arrived.
    received: u64,
    /// Arrived and in order: the last of them is number `received - 1`.
    ready: VecDeque<T>,
    /// Arrived before an earlier one did.
    early: BTreeMap<u64, T>,
    end: Option<(u64, End)>,
    violation: Option<Violation>,
    wire: Wire,
    /// A terminal was yielded, or the owner has cancelled: nothing more comes.
    over: bool,
    /// Something is to be said now: `wire` says what.
    due: bool,
    timing: Timing,
    /// By when what has arrived is to be confirmed.
    confirm_at: Option<Duration>,
    repeat: Repeat,
    stats: Aside<ConsumerStats>,
}

/// How matters stand with the producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wire {
    /// Grants are said.
    Open,
    /// Everything is here; said when asked.
    Finished,
    /// To be said until it is answered.
    Cancelling,
    /// It was answered.
    Cancelled,
}

/// What a [`Consumer`] yields: items, then at most one terminal, then nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal<T> {
    /// The next item.
    Item {
        /// The item.
        item: T,
        /// The how manieth, from 0. No number is left out.
        sequence: u64,
        /// The epoch of the mode that it is handled under.
        epoch: u64,
    },
    /// The producer had no more.
    Completed,
    /// The producer could not go on.
    Failed(String),
    /// The producer broke the rules, and was cancelled.
    Violated(Violation),
}

/// What no correct producer does, whatever the network does to its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// An item was sent without credit (S12).
    BeyondLimit {
        /// The number of the item.
        sequence: u64,
        /// Items below this number could be sent.
        limit: u64,
    },
    /// It ended before, or after, what it had said or sent.
    EndMoved {
        /// Where it says now that it ends, or the number of an item beyond the end.
        to: u64,
    },
}

impl<T> Consumer<T> {
    /// A consumer that takes in at most `window` items, and at once has a grant
    /// to send, which is how the producer learns of it.
    ///
    /// `link` tells its frames from those of other links, also of former ones
    /// between the same two addresses: draw it at random, 64 bits.
    pub fn new(link: u64, mode: Mode, window: NonZeroU64, timing: Timing, now: Duration) -> Self {
        let mut repeat = Repeat::new(timing.idle);
        repeat.restart(now);
        Self {
            link,
            refill: Refill::new(mode, window),
            received: 0,
            ready: VecDeque::new(),
            early: BTreeMap::new(),
            end: None,
            violation: None,
            wire: Wire::Open,
            over: false,
            due: true,
            timing,
            confirm_at: None,
            repeat,
            stats: Aside::default(),
        }
    }

    /// Asks for `n` more items; `u64::MAX` for all there will be. Requests add up,
    /// and stay at `u64::MAX` once they get there (S5). After the end it does
    /// nothing.
    ///
    /// # Errors
    /// [`RequestError::Zero`] for none. [`RequestError::Push`] in push, where the
    /// runtime does the asking and nobody else (S13).
    pub fn request(&mut self, n: u64) -> Result<(), RequestError> {
        let n = NonZeroU64::new(n).ok_or(RequestError::Zero)?;
        if self.over {
            return Ok(());
        }
        if self.refill.mode() != Mode::Pull {
            return Err(RequestError::Push);
        }
        self.due |= self.refill.request(n) && self.wire == Wire::Open;
        Ok(())
    }

    /// Hands the asking over: to the runtime for push, to whoever calls
    /// [`request`](Self::request) for pull. Whether that is a change.
    ///
    /// Items that were granted or have arrived stay as they are, and in order.
    /// What is yielded from now on is handled in the new epoch.
    pub fn switch(&mut self, mode: Mode) -> bool {
        let switched = !self.over && self.refill.switch(mode);
        self.due |= switched && self.wire == Wire::Open;
        switched
    }

    /// The next item, or the terminal after the last one. Each item makes room
    /// for another, so take one when you can handle it: this buffer is the only
    /// one there is.
    pub fn poll_signal(&mut self) -> Option<Signal<T>> {
        if self.over {
            return None;
        }
        if let Some(item) = self.ready.pop_front() {
            let (sequence, epoch) = (self.refill.done(), self.refill.epoch());
            self.due |= self.refill.take() && self.wire == Wire::Open;
            return Some(Signal::Item { item, sequence, epoch });
        }
        let terminal = match (self.violation, &self.end) {
            (Some(violation), _) => Signal::Violated(violation),
            (None, Some((_, end))) if self.wire == Wire::Finished => match end {
                End::Completed => Signal::Completed,
                End::Failed(reason) => Signal::Failed(reason.clone()),
            },
            _ => return None,
        };
        self.over = true;
        Some(terminal)
    }

    /// No more items are wanted. What has arrived and was not taken is thrown
    /// away, and counted. Again, or after the end, it does nothing (S9).
    pub fn cancel(&mut self, now: Duration) {
        if self.over {
            return;
        }
        self.over = true;
        self.stats.discarded += (self.ready.len() + self.early.len()) as u64;
        self.ready.clear();
        self.early.clear();
        self.stop_producer(now);
    }

    fn stop_producer(&mut self, now: Duration) {
        // Finished: it has stopped. Cancelling, since a violation: it is being told.
        if self.wire == Wire::Open {
            self.wire = Wire::Cancelling;
            self.due = true;
            self.confirm_at = None;
            self.repeat.restart(now);
        }
    }

    /// Takes in what came from the producer.
    pub fn handle_frame(&mut self, frame: ToConsumer<T>, now: Duration) {
        if frame.link() != self.link {
            self.stats.strays += 1;
            return;
        }
        match (frame, self.wire) {
            (ToConsumer::Cancelled { .. }, Wire::Cancelling) => {
                self.wire = Wire::Cancelled;
                self.due = false;
                self.repeat.stop();
            }
            (ToConsumer::Cancelled { .. }, _) => self.stats.strays += 1,
            (ToConsumer::Item { sequence, item, .. }, Wire::Open) => self.handle_item(sequence, item, now),
            (ToConsumer::Ended { at, end, .. }, Wire::Open) => self.handle_end(at, end, now),
            // It goes on, so it has not heard: said again.
            (frame, Wire::Finished | Wire::Cancelling | Wire::Cancelled) => {
                match (frame, self.wire) {
                    (ToConsumer::Item { .. }, Wire::Finished) => self.stats.duplicates += 1,
                    (ToConsumer::Item { .. }, _) => self.stats.late += 1,
                    _ => {}
                }
                self.due = true;
            }
        }
    }

    fn handle_item(&mut self, sequence: u64, item: T, now: Duration) {
        let limit = self.refill.limit();
        if sequence >= limit {
            return self.violated(Violation::BeyondLimit { sequence, limit }, now);
        }
        if self.end.as_ref().is_some_and(|&(at, _)| sequence >= at) {
            return self.violated(Violation::EndMoved { to: sequence }, now);
        }
        if sequence < self.received || self.early.contains_key(&sequence) {
            // The producer does not know that it has arrived: said at once.
            self.stats.duplicates += 1;
            self.due = true;
            return;
        }
        self.stats.items += 1;
        self.repeat.restart(now);
        if sequence > self.received {
            self.stats.early += 1;
            self.early.insert(sequence, item);
        } else {
            self.ready.push_back(item);
            self.received += 1;
            while let Some(item) = self.early.remove(&self.received) {
                self.ready.push_back(item);
                self.received += 1;
            }
        }
        self.confirm_at.get_or_insert(now.saturating_add(self.timing.confirm));
        self.finish_if_complete();
    }

    fn handle_end(&mut self, at: u64, end: End, now: Duration) {
        let beyond_all = self.early.last_key_value().map_or(self.received, |(&last, _)| last + 1);
        let moved = self.end.as_ref().is_some_and(|known| (at, &end) != (known.0, &known.1));
        if moved || at < beyond_all || at > self.refill.limit() {
            return self.violated(Violation::EndMoved { to: at }, now);
        }
        self.end = Some((at, end));
        self.repeat.restart(now);
        self.finish_if_complete();
    }

    fn finish_if_complete(&mut self) {
        if self.end.as_ref().is_some_and(|&(at, _)| at == self.received) {
            self.wire = Wire::Finished;
            self.due = true;
            self.confirm_at = None;
            self.repeat.stop();
        }
    }

    /// What arrived in order before it is still yielded, then the violation.
    fn violated(&mut self, violation: Violation, now: Duration) {
        self.stats.violations += 1;
        self.stats.discarded += self.early.len() as u64;
        self.early.clear();
        self.violation = Some(violation);
        self.stop_producer(now);
    }

    /// Says again what may have got lost, if it is time to.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.confirm_at.is_some_and(|at| at <= now) {
            self.confirm_at = None;
            self.due = true;
        }
        self.due |= self.repeat.fires(now);
    }

    /// A new connection: what was on its way is gone, and how matters stand is
    /// said at once. Where credit is counted in grants, see
    /// [`Additive`](super::Additive).
    pub fn handle_reconnect(&mut self, now: Duration) {
        if self.repeat.at().is_some() {
            self.repeat.restart(now);
            self.due = true;
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, on the
    /// clock whose time it is given.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        [self.confirm_at, self.repeat.at()].into_iter().flatten().min()
    }

    /// What is to be sent next, if anything.
    pub fn poll_frame(&mut self) -> Option<ToProducer> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        let link = self.link;
        Some(match self.wire {
            Wire::Open => {
                self.confirm_at = None;
                self.stats.grants += 1;
                ToProducer::Grant(Grant {
                    link,
                    epoch: self.refill.epoch(),
                    mode: self.refill.mode(),
                    confirmed: self.received,
                    early: self.early_bits(),
                    limit: self.refill.limit(),
                })
            }
            Wire::Finished => ToProducer::Finished { link },
            Wire::Cancelling | Wire::Cancelled => ToProducer::Cancel { link },
        })
    }

    fn early_bits(&self) -> u64 {
        let bits = self.early.keys().map(|sequence| sequence - self.received - 1);
        bits.take_while(|&bit| bit < 64).fold(0, |bits, bit| bits | 1 << bit)
    }

    /// Which link this is an end of.
    #[must_use]
    pub fn link(&self) -> u64 {
        self.link
    }

    /// Whether the terminal was yielded, or all was cancelled: nothing follows.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether this end has nothing to say of its own accord any more, and would
    /// only answer a producer that has not heard. See [when an end may be
    /// forgotten](super#when-an-end-may-be-forgotten).
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.over && matches!(self.wire, Wire::Finished | Wire::Cancelled)
    }

    /// Items below this number may be sent.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.refill.limit()
    }

    /// Items below this number have arrived.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Items below this number have been taken.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.refill.done()
    }

    /// How many items were asked for, or granted unasked before the last switch.
    #[must_use]
    pub fn requested(&self) -> u64 {
        self.refill.requested()
    }

    /// How many items are here and not taken yet, those that wait for an earlier
    /// one included.
    #[must_use]
    pub fn buffered(&self) -> u64 {
        (self.ready.len() + self.early.len()) as u64
    }

    /// The mode, and how often it was switched.
    #[must_use]
    pub fn mode(&self) -> (Mode, u64) {
        (self.refill.mode(), self.refill.epoch())
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> ConsumerStats {
        self.stats.0
    }
}

/// Why [`Consumer::request`] asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// Nothing was asked for.
    Zero,
    /// The mode is push.
    Push,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "a request for no items",
            Self::Push => "a request in push mode, where the runtime asks",
        })
    }
}

impl std::error::Error for RequestError {}

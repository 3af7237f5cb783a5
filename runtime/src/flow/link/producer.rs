//! The end that has the items.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use super::frame::{End, Grant, ToConsumer, ToProducer};
use super::stats::{Aside, ProducerStats};
use super::timing::{Repeat, Timing};
use crate::mailbox::Mode;

/// The end that sends items, as far as it was granted.
///
/// It keeps each item until it is confirmed, at most a window of them, and sends
/// what is not confirmed again. Nothing is accepted that may not be sent at once,
/// so there is no queue in here: what is refused comes back, and waits with
/// whoever has it.
///
/// Methods are of four kinds. `try_send`, `complete` and `fail` are the owner's;
/// `handle_*` take what comes from outside, frames and time; `poll_frame` yields
/// what is to be sent, and is to be called after any of the others until it
/// yields nothing; the rest looks.
///
/// ```
/// use std::num::NonZeroU64;
/// use std::time::Duration;
/// use tidegate::flow::link::{Consumer, Producer, Refused, Signal, Timing};
/// use tidegate::Mode;
///
/// let (window, now) = (NonZeroU64::new(8).unwrap(), Duration::ZERO);
/// let mut producer = Producer::new(7, window, Timing::default());
/// let mut consumer = Consumer::new(7, Mode::Pull, window, Timing::default(), now);
/// assert_eq!(producer.try_send("unasked", now), Err(Refused::NoDemand("unasked")));
///
/// consumer.request(1)?;
/// while let Some(frame) = consumer.poll_frame() { producer.handle_frame(frame, now) }
/// assert_eq!(producer.allowance(), 1);
/// producer.try_send("asked for", now).unwrap();
/// producer.complete(now);
///
/// while let Some(frame) = producer.poll_frame() { consumer.handle_frame(frame, now) }
/// assert!(matches!(consumer.poll_signal(), Some(Signal::Item { item: "asked for", .. })));
/// assert_eq!(consumer.poll_signal(), Some(Signal::Completed), "which nobody had to ask for");
/// # Ok::<(), tidegate::flow::link::RequestError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Producer<T> {
    link: u64,
    window: u64,
    /// The consumer's, and its epoch, once it was heard of.
    mode: Option<(Mode, u64)>,
    limit: u64,
    sent: u64,
    confirmed: u64,
    /// Sent, and not known to have arrived.
    kept: BTreeMap<u64, T>,
    /// Those of them to be sent now. The first sending is among them: below
    /// `fresh` it is a repetition.
    due: BTreeSet<u64>,
    fresh: u64,
    end: Option<End>,
    state: State,
    /// The terminal, or the answer to a cancel, is to be sent now.
    last_word_due: bool,
    resend: Repeat,
    stats: Aside<ProducerStats>,
}

/// How far a producer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Items may be sent, as far as they are granted.
    Open,
    /// It has ended, and the consumer does not know all yet.
    Ending,
    /// The consumer has everything. Final.
    Finished,
    /// The consumer wants no more. Final.
    Cancelled,
}

impl<T> Producer<T> {
    /// A producer without demand, that keeps at most `window` unconfirmed items.
    /// `link` is the consumer's, which its first frame tells.
    pub fn new(link: u64, window: NonZeroU64, timing: Timing) -> Self {
        Self {
            link,
            window: window.get(),
            mode: None,
            limit: 0,
            sent: 0,
            confirmed: 0,
            kept: BTreeMap::new(),
            due: BTreeSet::new(),
            fresh: 0,
            end: None,
            state: State::Open,
            last_word_due: false,
            resend: Repeat::new(timing.resend),
            stats: Aside::default(),
        }
    }

    /// How many items [`try_send`](Self::try_send) accepts now.
    #[must_use]
    pub fn allowance(&self) -> u64 {
        match self.state {
            State::Open => self.demand().min(self.window.saturating_sub(self.kept.len() as u64)),
            _ => 0,
        }
    }

    /// How many items were asked for and not sent yet, whether or not there is
    /// room to keep them.
    #[must_use]
    pub fn demand(&self) -> u64 {
        self.limit.saturating_sub(self.sent)
    }

    /// Sends an item, and returns its number.
    ///
    /// # Errors
    /// The item comes back, with what it lacks. See [`Refused`].
    pub fn try_send(&mut self, item: T, now: Duration) -> Result<u64, Refused<T>> {
        match self.state {
            State::Open => {}
            State::Cancelled => return Err(Refused::Cancelled(item)),
            State::Ending | State::Finished => return Err(Refused::Ended(item)),
        }
        if self.demand() == 0 {
            return Err(Refused::NoDemand(item));
        }
        if self.allowance() == 0 {
            return Err(Refused::Unconfirmed(item));
        }
        let sequence = self.sent;
        self.sent += 1;
        self.kept.insert(sequence, item);
        self.due.insert(sequence);
        self.resend.start(now);
        Ok(sequence)
    }

    /// There are no more items. Needs no demand; the consumer is told after the
    /// items that were sent. Whether this is the end: the first one is, and not
    /// after a cancel (S8).
    pub fn complete(&mut self, now: Duration) -> bool {
        self.end(End::Completed, now)
    }

    /// There will be no more items, for this reason. Otherwise like
    /// [`complete`](Self::complete).
    pub fn fail(&mut self, reason: impl Into<String>, now: Duration) -> bool {
        self.end(End::Failed(reason.into()), now)
    }

    fn end(&mut self, end: End, now: Duration) -> bool {
        if self.state != State::Open {
            return false;
        }
        self.end = Some(end);
        self.state = State::Ending;
        self.last_word_due = true;
        self.resend.start(now);
        true
    }

    /// Takes in what came from the consumer.
    pub fn handle_frame(&mut self, frame: ToProducer, now: Duration) {
        if frame.link() != self.link {
            self.stats.strays += 1;
            return;
        }
        match frame {
            ToProducer::Grant(grant) => self.handle_grant(&grant, now),
            ToProducer::Cancel { .. } => self.handle_cancel(),
            ToProducer::Finished { .. } => self.handle_finished(),
        }
    }

    fn handle_grant(&mut self, grant: &Grant, now: Duration) {
        self.stats.grants += 1;
        if grant.confirmed > self.sent || grant.limit < grant.confirmed {
            // Ignored as a whole: nothing in it can be relied on.
            self.stats.violations += 1;
            return;
        }
        if self.mode.is_none_or(|(_, epoch)| grant.epoch > epoch) {
            self.mode = Some((grant.mode, grant.epoch));
        }
        if !matches!(self.state, State::Open | State::Ending) {
            return;
        }
        // The largest of each: frames that are late or come twice change nothing.
        self.limit = self.limit.max(grant.limit);
        self.confirmed = self.confirmed.max(grant.confirmed);
        let before = self.kept.len();
        self.kept.retain(|&sequence, _| !grant.has(sequence));
        if self.kept.len() == before {
            return;
        }
        self.due.retain(|sequence| self.kept.contains_key(sequence));
        if self.kept.is_empty() && self.end.is_none() {
            self.resend.stop();
        } else {
            // Progress: what is left has not been waited for yet.
            self.resend.restart(now);
        }
    }

    fn handle_cancel(&mut self) {
        if self.state != State::Finished {
            self.state = State::Cancelled;
            self.due.clear();
            self.resend.stop();
        }
        // Each time, since the consumer asks until it hears this.
        self.last_word_due = true;
    }

    fn handle_finished(&mut self) {
        if self.state != State::Ending {
            self.stats.strays += 1;
            return;
        }
        self.state = State::Finished;
        self.confirmed = self.sent;
        self.kept.clear();
        self.due.clear();
        self.last_word_due = false;
        self.resend.stop();
    }

    /// Sends what is unconfirmed again, if it is time to.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.resend.fires(now) {
            self.say_everything();
        }
    }

    /// A new connection: what was on its way is gone, and what is unconfirmed is
    /// sent at once. Credit is unharmed, since it was never counted in grants.
    pub fn handle_reconnect(&mut self, now: Duration) {
        if self.resend.at().is_some() {
            self.resend.restart(now);
            self.say_everything();
        }
    }

    fn say_everything(&mut self) {
        self.due.extend(self.kept.keys());
        self.last_word_due = self.state == State::Ending;
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, on the
    /// clock whose time it is given.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.resend.at()
    }

    /// Which link this is an end of.
    #[must_use]
    pub fn link(&self) -> u64 {
        self.link
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// How many items were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How many of them, from the first on, are known to have arrived.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Items below this number may be sent.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The consumer's mode and its epoch, as far as they are known here; `None`
    /// until it is heard of.
    #[must_use]
    pub fn mode(&self) -> Option<(Mode, u64)> {
        self.mode
    }

    /// The items that are not known to have arrived, with their numbers.
    pub fn unconfirmed(&self) -> impl Iterator<Item = (u64, &T)> {
        self.kept.iter().map(|(&sequence, item)| (sequence, item))
    }

    /// The items that are not known to have arrived, which each of them may have:
    /// for a link that was cancelled, or that is given up.
    pub fn into_unconfirmed(self) -> impl Iterator<Item = (u64, T)> {
        self.kept.into_iter()
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> ProducerStats {
        self.stats.0
    }
}

impl<T: Clone> Producer<T> {
    /// What is to be sent next, if anything.
    pub fn poll_frame(&mut self) -> Option<ToConsumer<T>> {
        let link = self.link;
        while let Some(sequence) = self.due.pop_first() {
            let Some(item) = self.kept.get(&sequence) else { continue };
            self.stats.item_frames += 1;
            if sequence < self.fresh {
                self.stats.resent += 1;
            }
            self.fresh = self.fresh.max(sequence + 1);
            return Some(ToConsumer::Item { link, sequence, item: item.clone() });
        }
        if !std::mem::take(&mut self.last_word_due) {
            return None;
        }
        match (self.state, &self.end) {
            (State::Ending, Some(end)) => Some(ToConsumer::Ended { link, at: self.sent, end: end.clone() }),
            _ => Some(ToConsumer::Cancelled { link }),
        }
    }
}

impl Grant {
    /// Whether it says that an item has arrived.
    fn has(&self, sequence: u64) -> bool {
        let Some(beyond) = sequence.checked_sub(self.confirmed) else { return true };
        (1..=64).contains(&beyond) && self.early >> (beyond - 1) & 1 == 1
    }
}

/// Why [`Producer::try_send`] does not take an item, which is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use = "the item is in here"]
#[non_exhaustive]
pub enum Refused<T> {
    /// All that was asked for has been sent. Transient: a grant makes room.
    NoDemand(T),
    /// It is asked for, but as many items as the window has are unconfirmed.
    /// Transient: a confirmation makes room.
    Unconfirmed(T),
    /// The consumer wants no more. Permanent.
    Cancelled(T),
    /// This producer has ended. Permanent.
    Ended(T),
}

impl<T> Refused<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            Self::NoDemand(item) | Self::Unconfirmed(item) | Self::Cancelled(item) | Self::Ended(item) => item,
        }
    }

    const fn reason(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoDemand(_) => ("NoDemand", "the consumer has not asked for more"),
            Self::Unconfirmed(_) => ("Unconfirmed", "a window of items is unconfirmed"),
            Self::Cancelled(_) => ("Cancelled", "the consumer has cancelled"),
            Self::Ended(_) => ("Ended", "the producer has ended"),
        }
    }
}

// No bound on `T`: `?` is to work for any item.
impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(..)", self.reason().0)
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().1)
    }
}

impl<T> std::error::Error for Refused<T> {}

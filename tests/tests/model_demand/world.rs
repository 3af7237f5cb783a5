//! The world around the two ends of each link: a network, a handler and a source,
//! and a record of what the rules say about what happened.
//!
//! Everything that decides is the real code, `tidegate::flow::link`. What is in
//! here carries frames, takes items and asks for them, and keeps its own count of
//! all of it. A [`Broken`] world does one of these things wrong.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use tidegate::Mode;
use tidegate::flow::link::{Consumer, Producer, RequestError, Signal, Timing, ToConsumer, ToProducer};

use super::broken::Broken;
use super::witness::{Saw, Witnesses};

/// What a forger sends.
const FORGED: u8 = 200;
/// Timers that have always run out: a model lets them go off whenever it likes,
/// which is more than any clock could do.
const NOW: Duration = Duration::ZERO;

/// How big a model is. Budgets make it finite, and are used up in any order.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) links: usize,
    pub(crate) items: u8,
    /// The consumer's window, and the producer's.
    pub(crate) windows: (u64, u64),
    pub(crate) mode: Mode,
    /// What the handler may ask for at a time, and how often it does.
    pub(crate) amounts: &'static [u64],
    pub(crate) requests: u8,
    pub(crate) switches: u8,
    pub(crate) cancels: u8,
    pub(crate) reconnects: u8,
    pub(crate) forgeries: u8,
    pub(crate) ends: bool,
    pub(crate) network: Network,
}

/// What the network may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// What was sent may arrive, at any time, any number of times, or never: loss,
    /// duplication, delay and reordering without any bound, and the fewest states.
    Everlasting,
    /// What was sent arrives once at most, in any order, except that so many
    /// frames are doubled, and so many lost, by steps of their own.
    Counted { losses: u8, doublings: u8 },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Frame {
    Up(ToProducer),
    Down(ToConsumer<u8>),
}

/// What may happen next, to which link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) link: usize,
    pub(crate) act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Send,
    End,
    Request(u64),
    Switch,
    Take,
    Cancel,
    Deliver(Frame),
    Lose(Frame),
    Double(Frame),
    ProducerTimer,
    ConsumerTimer,
    Reconnect,
    Forge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) links: Vec<Link>,
}

/// One link and its surroundings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    pub(crate) producer: Producer<u8>,
    pub(crate) consumer: Consumer<u8>,
    /// What is on its way, and how many of it.
    pub(crate) network: BTreeMap<Frame, u8>,
    pub(crate) record: Record,
    left: Left,
}

/// What the world has seen happen, counted on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    /// Items that the producer took on.
    pub(crate) accepted: u8,
    /// Items that the handler was given.
    pub(crate) taken: u8,
    /// What the handler has asked for, or push has granted: R of S1.
    pub(crate) asked: u64,
    pub(crate) pulls: bool,
    pub(crate) epoch: u64,
    pub(crate) ended: bool,
    pub(crate) cancelled: bool,
    pub(crate) terminals: u8,
    pub(crate) violated: bool,
    /// Rules that a step has broken, by bit.
    broken: u32,
}

/// What is left of the budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Left {
    requests: u8,
    switches: u8,
    cancels: u8,
    reconnects: u8,
    forgeries: u8,
    losses: u8,
    doublings: u8,
}

/// Rules that are about steps, not about states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    S1,
    S4,
    S5,
    S8,
    S9,
    S10,
    S11,
    S12,
    S13,
}

impl Record {
    fn check(&mut self, rule: Rule, holds: bool) {
        if !holds {
            self.broken |= 1 << rule as u32;
        }
    }

    pub(crate) fn keeps(&self, rule: Rule) -> bool {
        self.broken >> rule as u32 & 1 == 0
    }
}

fn window(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).expect("windows here are not empty")
}

impl World {
    pub(crate) fn new(plan: &Plan, broken: Option<Broken>) -> Self {
        Self { links: (0..plan.links).map(|n| Link::new(n as u64, plan, broken)).collect() }
    }
}

impl Link {
    fn new(id: u64, plan: &Plan, broken: Option<Broken>) -> Self {
        let timing =
            Timing::default().resend(Duration::ZERO, Duration::ZERO).confirm(Duration::ZERO).idle(NOW, Duration::ZERO);
        let (here, there) = plan.windows;
        let here = if broken == Some(Broken::WindowTwice) { here * 2 } else { here };
        let (losses, doublings) = match plan.network {
            Network::Everlasting => (0, 0),
            Network::Counted { losses, doublings } => (losses, doublings),
        };
        let mut new = Self {
            producer: Producer::new(id, window(there), timing),
            consumer: Consumer::new(id, plan.mode, window(here), timing, NOW),
            network: BTreeMap::new(),
            record: Record { pulls: plan.mode == Mode::Pull, ..Record::default() },
            left: Left {
                requests: plan.requests,
                switches: plan.switches,
                cancels: plan.cancels,
                reconnects: plan.reconnects,
                forgeries: plan.forgeries,
                losses,
                doublings,
            },
        };
        if !new.record.pulls {
            new.record.asked = new.consumer.limit();
        }
        new.flush(broken);
        new
    }

    pub(crate) fn acts(&self, plan: &Plan, acts: &mut Vec<Act>) {
        let Self { producer, consumer, record, left, .. } = self;
        if record.accepted < plan.items && producer.allowance() > 0 {
            acts.push(Act::Send);
        }
        if plan.ends && !record.ended {
            acts.push(Act::End);
        }
        acts.extend(plan.amounts.iter().filter(|_| left.requests > 0).map(|&n| Act::Request(n)));
        if left.switches > 0 {
            acts.push(Act::Switch);
        }
        acts.push(Act::Take);
        if left.cancels > 0 {
            acts.push(Act::Cancel);
        }
        for (frame, &count) in &self.network {
            acts.push(Act::Deliver(frame.clone()));
            if left.losses > 0 {
                acts.push(Act::Lose(frame.clone()));
            }
            if left.doublings > 0 && count == 1 {
                acts.push(Act::Double(frame.clone()));
            }
        }
        if producer.deadline().is_some() {
            acts.push(Act::ProducerTimer);
        }
        if consumer.deadline().is_some() {
            acts.push(Act::ConsumerTimer);
        }
        if left.reconnects > 0 {
            acts.push(Act::Reconnect);
        }
        if left.forgeries > 0 {
            acts.push(Act::Forge);
        }
    }

    /// Lets one thing happen, and holds it against the rules.
    pub(crate) fn act(&mut self, plan: &Plan, broken: Option<Broken>, act: Act, seen: &Witnesses) {
        let (limit, sent) = (self.consumer.limit(), self.producer.sent());
        let known = self.producer.limit();
        let may_raise = matches!(act, Act::Request(_) | Act::Switch | Act::Take);
        let may_send = act == Act::Send;
        match act {
            Act::Send => self.send(broken),
            Act::End => self.end(),
            Act::Request(n) => self.request(n, broken),
            Act::Switch => self.switch(broken, seen),
            Act::Take => self.take(broken, seen),
            Act::Cancel => self.cancel(broken, seen),
            Act::Deliver(frame) => {
                if plan.network != Network::Everlasting {
                    self.remove(&frame);
                }
                self.deliver(frame, broken, seen);
            }
            Act::Lose(frame) => {
                self.left.losses -= 1;
                self.note_loss(&frame, seen);
                self.remove(&frame);
            }
            Act::Double(frame) => {
                self.left.doublings -= 1;
                *self.network.get_mut(&frame).expect("it is on its way") += 1;
            }
            Act::ProducerTimer => self.producer_timer(broken),
            Act::ConsumerTimer => self.consumer_timer(broken),
            Act::Reconnect => {
                self.left.reconnects -= 1;
                for frame in self.network.keys() {
                    self.note_loss(frame, seen);
                }
                self.network.clear();
                self.producer.handle_reconnect(NOW);
                self.consumer.handle_reconnect(NOW);
            }
            Act::Forge => self.forge(broken),
        }
        self.flush(broken);

        let Self { producer, consumer, record, .. } = self;
        let raised = consumer.limit() > limit;
        record.check(Rule::S10, consumer.limit() >= limit && producer.limit() >= known);
        record.check(Rule::S10, producer.sent() == sent + u64::from(may_send));
        record.check(Rule::S13, !raised || may_raise);
        if record.pulls {
            record.check(Rule::S13, consumer.limit() <= record.asked);
        } else {
            record.asked = record.asked.max(consumer.limit());
        }
        if record.accepted < plan.items && producer.demand() == 0 && producer.mode().is_some() {
            seen.saw(Saw::HeldBack);
        }
        if record.asked == u64::MAX && consumer.limit() < record.asked {
            seen.saw(Saw::Unbounded);
        }
        if record.violated {
            seen.saw(Saw::Violation);
        }
        record.check(Rule::S1, producer.sent() <= record.asked && producer.limit() <= record.asked);
        record.check(Rule::S11, record.asked != u64::MAX || !record.pulls || consumer.requested() == u64::MAX);
    }

    fn send(&mut self, broken: Option<Broken>) {
        let before = self.producer.demand();
        let sent = self.producer.try_send(self.record.accepted, NOW);
        self.record.check(Rule::S10, sent.is_ok() && self.producer.demand() == before - 1);
        self.record.accepted += 1;
        if broken == Some(Broken::SendsTwice) {
            let _ = self.producer.try_send(self.record.accepted, NOW);
        }
    }

    fn end(&mut self) {
        self.record.ended = true;
        self.producer.complete(NOW);
        let once = self.producer.clone();
        let again = self.producer.complete(NOW) || self.producer.fail("again", NOW);
        self.record.check(Rule::S8, !again && self.producer == once);
    }

    fn request(&mut self, n: u64, broken: Option<Broken>) {
        self.left.requests -= 1;
        let before = self.consumer.clone();
        let over = self.consumer.is_over();
        let made = match broken {
            Some(Broken::RequestTwice) => self.consumer.request(n).and_then(|()| self.consumer.request(n)),
            Some(Broken::ZeroIsOne) => self.consumer.request(n.max(1)),
            Some(Broken::Narrow) => self.consumer.request(u64::from(n as u32)),
            _ => self.consumer.request(n),
        };
        let Self { consumer, record, .. } = self;
        match made {
            Err(RequestError::Zero) => record.check(Rule::S5, n == 0 && *consumer == before),
            Err(_) => record.check(Rule::S13, !record.pulls && *consumer == before),
            Ok(()) if over => record.check(Rule::S8, *consumer == before),
            Ok(()) => {
                record.check(Rule::S13, record.pulls);
                record.check(Rule::S5, n > 0);
                record.asked = record.asked.saturating_add(n);
                let total = before.requested().saturating_add(n);
                // What 32 bits do to it is the business of S11.
                let narrow = broken == Some(Broken::Narrow);
                record.check(Rule::S5, consumer.requested() == total || narrow);
            }
        }
    }

    fn switch(&mut self, broken: Option<Broken>, seen: &Witnesses) {
        self.left.switches -= 1;
        let over = self.consumer.is_over();
        let to = if self.record.pulls { Mode::Push } else { Mode::Pull };
        let before = self.consumer.clone();
        if broken != Some(Broken::SwitchForgotten) {
            self.consumer.switch(to);
        }
        if broken == Some(Broken::TwoOwners) && to == Mode::Pull {
            let _ = self.consumer.request(1);
        }
        let Self { consumer, record, .. } = self;
        if over {
            return record.check(Rule::S8, *consumer == before);
        }
        record.pulls = to == Mode::Pull;
        record.epoch += 1;
        // (a) what has arrived stays, (c) and what was granted, (d) and what is left.
        let same = |of: fn(&Consumer<u8>) -> u64| of(consumer) == of(&before);
        record.check(Rule::S13, same(Consumer::received) && same(Consumer::buffered) && same(Consumer::done));
        record.check(Rule::S13, to == Mode::Push || same(Consumer::limit));
        record.check(Rule::S13, consumer.requested() == before.requested().max(before.limit()));
        if before.limit() > before.received() && self.network.keys().any(|frame| matches!(frame, Frame::Down(_))) {
            seen.saw(if record.pulls { Saw::ToPullInFlight } else { Saw::ToPushInFlight });
        }
        if before.buffered() > 0 {
            seen.saw(Saw::SwitchWithItemsBuffered);
        }
        if !record.pulls && before.requested() > before.limit() {
            seen.saw(Saw::LeftoverDemand);
        }
    }

    pub(crate) fn take(&mut self, broken: Option<Broken>, seen: &Witnesses) {
        let demanded = self.consumer.limit() > self.consumer.done();
        let signal = self.consumer.poll_signal();
        let record = &mut self.record;
        if signal.is_some() {
            record.check(Rule::S8, record.terminals == 0);
            record.check(Rule::S9, !record.cancelled);
        }
        match signal {
            None => {
                if broken == Some(Broken::TerminalTwice) && record.terminals == 1 {
                    record.terminals += 1;
                }
            }
            Some(Signal::Item { item, sequence, epoch }) => {
                let epoch = if broken == Some(Broken::StaleEpoch) { epoch.saturating_sub(1) } else { epoch };
                record.check(Rule::S12, item != FORGED);
                record.check(Rule::S1, demanded);
                record.check(Rule::S4, item == FORGED || (sequence, item) == (u64::from(record.taken), record.taken));
                record.check(Rule::S13, epoch == record.epoch);
                record.taken += 1;
            }
            Some(terminal) => {
                record.terminals += 1;
                let violated = matches!(terminal, Signal::Violated(_));
                record.check(Rule::S12, violated == record.violated);
                record.check(Rule::S8, violated || record.ended && record.taken == record.accepted);
                if !violated && !demanded {
                    seen.saw(Saw::TerminalWithoutDemand);
                }
            }
        }
    }

    fn cancel(&mut self, broken: Option<Broken>, seen: &Witnesses) {
        self.left.cancels -= 1;
        if !self.consumer.is_over() {
            self.record.cancelled = true;
            if self.network.keys().any(|frame| matches!(frame, Frame::Down(ToConsumer::Item { .. }))) {
                seen.saw(Saw::CancelInFlight);
            }
        }
        if broken == Some(Broken::CancelForgotten) {
            return;
        }
        let here = self.consumer.buffered();
        let before = self.consumer.stats().discarded;
        let over = self.consumer.is_over();
        self.consumer.cancel(NOW);
        let gone = self.consumer.stats().discarded - before;
        self.record.check(Rule::S9, over || gone == here && self.consumer.buffered() == 0);
        let once = self.consumer.clone();
        self.consumer.cancel(NOW);
        self.record.check(Rule::S9, self.consumer == once);
    }

    /// An item that nobody has asked for. Not one of the producer's, so it is no
    /// use to let it wait on the network until there is credit for its number.
    fn forge(&mut self, broken: Option<Broken>) {
        self.left.forgeries -= 1;
        let beyond = self.consumer.limit();
        let sequence = if broken == Some(Broken::NoLimit) { self.consumer.received() } else { beyond };
        let open = !self.consumer.is_over() && !self.consumer_has_all() && !self.record.violated;
        let (buffered, violations) = (self.consumer.buffered(), self.consumer.stats().violations);
        let link = self.consumer.link();
        self.consumer.handle_frame(ToConsumer::Item { link, sequence, item: FORGED }, NOW);
        if !open || broken == Some(Broken::NoLimit) {
            return;
        }
        self.record.violated = true;
        self.record.check(Rule::S12, self.consumer.buffered() <= buffered);
        self.record.check(Rule::S12, self.consumer.stats().violations == violations + 1);
        let stops = self.consumer.clone().poll_frame();
        self.record.check(Rule::S12, stops == Some(ToProducer::Cancel { link }));
    }

    /// Whether the end has arrived, and all items before it: a consumer that has
    /// all of it does not mind what else comes.
    fn consumer_has_all(&self) -> bool {
        let mut ahead = self.consumer.clone();
        std::iter::from_fn(|| ahead.poll_signal()).last() == Some(Signal::Completed)
    }

    fn remove(&mut self, frame: &Frame) {
        let count = self.network.get_mut(frame).expect("it is on its way");
        *count -= 1;
        if *count == 0 {
            self.network.remove(frame);
        }
    }

    fn note_loss(&self, frame: &Frame, seen: &Witnesses) {
        match frame {
            Frame::Down(ToConsumer::Item { sequence, .. }) if *sequence >= self.consumer.received() => {
                seen.saw(Saw::ItemLost);
            }
            Frame::Up(ToProducer::Grant(grant)) if grant.limit > self.producer.limit() => seen.saw(Saw::GrantLost),
            Frame::Down(ToConsumer::Ended { .. }) if self.record.terminals == 0 => seen.saw(Saw::EndLost),
            _ => {}
        }
    }

    pub(crate) fn deliver(&mut self, frame: Frame, broken: Option<Broken>, seen: &Witnesses) {
        match frame {
            Frame::Up(mut frame) => {
                if let ToProducer::Grant(grant) = &mut frame {
                    let stale = grant.limit < self.producer.limit() || grant.confirmed < self.producer.confirmed();
                    if stale {
                        seen.saw(Saw::StaleGrant);
                    }
                    match broken {
                        Some(Broken::AdditiveGrants) => {
                            grant.limit = self.producer.limit() + (grant.limit - grant.confirmed);
                        }
                        Some(Broken::ConfirmsAhead) => {
                            grant.confirmed = (grant.confirmed + 1).min(self.producer.sent());
                            grant.limit = grant.limit.max(grant.confirmed);
                        }
                        Some(Broken::FirstEpochOnly) if grant.epoch > 0 => return,
                        _ => {}
                    }
                }
                self.producer.handle_frame(frame, NOW);
            }
            Frame::Down(mut frame) => {
                let before = self.consumer.stats();
                match (&mut frame, broken) {
                    (ToConsumer::Item { sequence, .. }, Some(Broken::NoDeduplication)) => {
                        *sequence = (*sequence).max(self.consumer.received());
                    }
                    (ToConsumer::Ended { at, .. }, Some(Broken::EndsEarly)) => *at = self.consumer.received(),
                    (ToConsumer::Ended { .. }, _) if self.consumer.received() < u64::from(self.record.accepted) => {
                        seen.saw(Saw::EndOvertook);
                    }
                    _ => {}
                }
                self.consumer.handle_frame(frame, NOW);
                let after = self.consumer.stats();
                if after.duplicates > before.duplicates {
                    seen.saw(Saw::Duplicate);
                }
                if after.early > before.early {
                    seen.saw(Saw::Overtaken);
                }
                if after.late > before.late {
                    seen.saw(Saw::ItemAfterCancel);
                }
            }
        }
    }

    pub(crate) fn producer_timer(&mut self, broken: Option<Broken>) {
        match broken {
            Some(Broken::ProducerSleeps) => {}
            Some(Broken::ResendsAsNew) => {
                let again = self.producer.unconfirmed().next().map(|(_, &item)| item);
                if let Some(item) = again {
                    let _ = self.producer.try_send(item, NOW);
                }
            }
            _ => self.producer.handle_timeout(NOW),
        }
    }

    pub(crate) fn consumer_timer(&mut self, broken: Option<Broken>) {
        if broken != Some(Broken::ConsumerSleeps) {
            self.consumer.handle_timeout(NOW);
        }
    }

    /// Sends what the ends have to say.
    pub(crate) fn flush(&mut self, broken: Option<Broken>) {
        // What is said again while it is still on its way makes no second copy: where
        // copies are counted, that is a doubling, which has its own step.
        let mut send = |frame| {
            self.network.entry(frame).or_insert(1);
        };
        while let Some(frame) = self.producer.poll_frame() {
            let held = broken == Some(Broken::EndNeedsDemand) && self.producer.demand() == 0;
            if !(held && matches!(frame, ToConsumer::Ended { .. })) {
                send(Frame::Down(frame));
            }
        }
        while let Some(frame) = self.consumer.poll_frame() {
            send(Frame::Up(frame));
        }
    }
}

//! The control lane: what reaches an actor past every bound and policy.
//!
//! Two short queues under one lock, with a flag that tells the receiver at the
//! cost of one load whether to look. What goes in is bounded by its nature:
//! orders (a stop, other terms), and news (a notice for each death watched, a
//! tick for each timer). Orders pass news, and looking for one of them looks
//! at no news: there may be as many of those as an actor has timers.

use std::collections::VecDeque;

use super::access::{Access, Object};
use super::counter::Flag;
use super::shim::{Mutex, mutant};
use super::wait_cell::WaitCell;

/// Which of the two queues a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    Order,
    News,
}

/// A lane of signals to one receiver.
#[derive(Debug)]
pub(crate) struct Lane<C> {
    pending: Flag,
    state: Mutex<State<C>>,
    orders: Object,
    news: Object,
}

#[derive(Debug)]
struct State<C> {
    /// `None` while there is no signal: most actors never get one.
    // Boxed: a pointer in every mailbox, instead of eight words for few.
    signals: Option<Box<Signals<C>>>,
    closed: bool,
}

#[derive(Debug)]
struct Signals<C> {
    orders: VecDeque<C>,
    news: VecDeque<C>,
}

impl<C> Default for Signals<C> {
    fn default() -> Self {
        Self { orders: VecDeque::new(), news: VecDeque::new() }
    }
}

impl<C> Lane<C> {
    pub(crate) fn new() -> Self {
        let (orders, news) = (Object::new("orders"), Object::new("news"));
        #[cfg(all(test, feature = "explore", not(tidegate_loom)))]
        super::audit::parts(&[orders.id(), news.id()]);
        Self {
            pending: Flag::untouched(),
            // Untouched: each of the two queues is by itself.
            state: Mutex::untouched(State { signals: None, closed: false }),
            orders,
            news,
        }
    }

    /// Says whose lane it is, for people.
    pub(crate) fn name(&self, whose: &str) {
        self.orders.name(|| format!("orders to {whose}"));
        self.news.name(|| format!("news for {whose}"));
    }

    /// Leaves a signal and wakes the receiver. After [`close`](Self::close)
    /// the signal comes back.
    pub(crate) fn send(&self, signal: C, rank: Rank, receiver: &WaitCell) -> Result<(), C> {
        match rank {
            Rank::Order => self.orders.touch(Access::Write),
            Rank::News => self.news.touch(Access::Write),
        }
        {
            let mut state = self.state.lock();
            if state.closed && !mutant!("lane.send_after_close") {
                return Err(signal);
            }
            let signals = state.signals.get_or_insert_default();
            match rank {
                Rank::Order => signals.orders.push_back(signal),
                Rank::News => signals.news.push_back(signal),
            }
            if !mutant!("lane.send_without_flag") {
                self.pending.raise();
            }
        }
        if !mutant!("lane.send_without_wake") {
            receiver.wake();
        }
        Ok(())
    }

    /// Whether there is a signal.
    #[inline(always)]
    pub(crate) fn is_pending(&self) -> bool {
        self.orders.touch(Access::Read);
        self.news.touch(Access::Read);
        self.pending.is_raised()
    }

    /// The oldest order; if there is none, the oldest news.
    pub(crate) fn next(&self) -> Option<C> {
        if !self.is_pending() {
            return None;
        }
        self.orders.touch(Access::Write);
        self.news.touch(Access::Write);
        self.take(|signals| signals.orders.pop_front().or_else(|| signals.news.pop_front()))
    }

    /// The oldest order of those that `wanted` picks.
    pub(crate) fn next_order(&self, wanted: impl Fn(&C) -> bool) -> Option<C> {
        self.orders.touch(Access::Read);
        self.take(|signals| {
            let at = signals.orders.iter().position(wanted)?;
            self.orders.touch(Access::Write);
            signals.orders.remove(at)
        })
    }

    fn take(&self, take: impl FnOnce(&mut Signals<C>) -> Option<C>) -> Option<C> {
        if !self.pending.is_raised() {
            return None;
        }
        let mut state = self.state.lock();
        let signals = state.signals.as_mut()?;
        let signal = take(signals);
        if signals.orders.is_empty() && (signals.news.is_empty() || mutant!("lane.forget_the_news")) {
            self.pending.lower();
            state.signals = None;
        }
        signal
    }

    /// Whether there is an order that `wanted` picks. It stays where it is.
    pub(crate) fn holds_order(&self, wanted: impl Fn(&C) -> bool) -> bool {
        self.orders.touch(Access::Read);
        self.pending.is_raised()
            && self.state.lock().signals.as_ref().is_some_and(|signals| signals.orders.iter().any(wanted))
    }

    /// Takes no more signals; returns those that were not taken.
    pub(crate) fn close(&self) -> VecDeque<C> {
        self.orders.touch(Access::Write);
        self.news.touch(Access::Write);
        let mut state = self.state.lock();
        state.closed = true;
        self.pending.lower();
        let Some(signals) = state.signals.take() else { return VecDeque::new() };
        let Signals { mut orders, mut news } = *signals;
        orders.append(&mut news);
        orders
    }
}

#[cfg(all(test, tidegate_loom))]
mod model;

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn orders_pass_news_and_each_keeps_its_order() {
        let (lane, receiver) = (Lane::new(), WaitCell::new());
        for (signal, rank) in [(1, Rank::News), (2, Rank::Order), (3, Rank::News), (4, Rank::Order), (5, Rank::Order)] {
            lane.send(signal, rank, &receiver).unwrap();
        }
        assert_eq!(lane.next_order(|signal| *signal == 1), None, "news is not looked at");
        assert_eq!(lane.next_order(|signal| *signal == 4), Some(4));
        let rest: Vec<_> = std::iter::from_fn(|| lane.next()).collect();
        assert_eq!(rest, [2, 5, 1, 3]);
        assert!(!lane.is_pending());
    }

    #[test]
    fn a_close_returns_what_is_left() {
        let (lane, receiver) = (Lane::new(), WaitCell::new());
        lane.send(1, Rank::News, &receiver).unwrap();
        lane.send(2, Rank::Order, &receiver).unwrap();
        assert_eq!(lane.close(), [2, 1]);
        assert_eq!(lane.send(3, Rank::Order, &receiver), Err(3));
        assert_eq!((lane.is_pending(), lane.next()), (false, None));
    }
}

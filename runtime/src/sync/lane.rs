//! The control lane: what reaches an actor past every bound and policy.
//!
//! A short queue under a lock, with a flag that tells the receiver at the cost
//! of one load whether to look. What goes in is bounded by its nature: a stop,
//! a notice for each death watched, a tick for each timer.

use std::collections::VecDeque;

use super::counter::Flag;
use super::shim::{Mutex, mutant};
use super::wait_cell::WaitCell;

/// A lane of signals to one receiver.
#[derive(Debug)]
pub(crate) struct Lane<C> {
    pending: Flag,
    state: Mutex<State<C>>,
}

#[derive(Debug)]
struct State<C> {
    /// `None` while there is no signal: most actors never get one.
    // Boxed: a pointer in every mailbox, instead of four words for few.
    #[allow(clippy::box_collection)]
    signals: Option<Box<VecDeque<C>>>,
    closed: bool,
}

impl<C> Lane<C> {
    pub(crate) fn new() -> Self {
        Self { pending: Flag::new(), state: Mutex::new(State { signals: None, closed: false }) }
    }

    /// Leaves a signal and wakes the receiver. After [`close`](Self::close)
    /// the signal comes back.
    pub(crate) fn send(&self, signal: C, receiver: &WaitCell) -> Result<(), C> {
        {
            let mut state = self.state.lock();
            if state.closed && !mutant!("lane.send_after_close") {
                return Err(signal);
            }
            state.signals.get_or_insert_default().push_back(signal);
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
        self.pending.is_raised()
    }

    /// The oldest signal.
    pub(crate) fn next(&self) -> Option<C> {
        if !self.is_pending() {
            return None;
        }
        self.take(|signals| signals.pop_front())
    }

    fn take(&self, take: impl FnOnce(&mut VecDeque<C>) -> Option<C>) -> Option<C> {
        let mut state = self.state.lock();
        let signals = state.signals.as_mut()?;
        let signal = take(signals);
        if signals.is_empty() {
            self.pending.lower();
            state.signals = None;
        }
        signal
    }

    /// The oldest signal of those that `wanted` picks.
    pub(crate) fn next_if(&self, wanted: impl Fn(&C) -> bool) -> Option<C> {
        if !self.is_pending() {
            return None;
        }
        self.take(|signals| signals.iter().position(wanted).and_then(|at| signals.remove(at)))
    }

    /// Takes no more signals; returns those that were not taken.
    pub(crate) fn close(&self) -> VecDeque<C> {
        let mut state = self.state.lock();
        state.closed = true;
        self.pending.lower();
        state.signals.take().map(|signals| *signals).unwrap_or_default()
    }
}

#[cfg(all(test, tidegate_loom))]
mod model;

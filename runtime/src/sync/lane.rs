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
    signals: VecDeque<C>,
    closed: bool,
}

impl<C> Lane<C> {
    pub(crate) fn new() -> Self {
        Self { pending: Flag::new(), state: Mutex::new(State { signals: VecDeque::new(), closed: false }) }
    }

    /// Leaves a signal and wakes the receiver. After [`close`](Self::close)
    /// the signal comes back.
    pub(crate) fn send(&self, signal: C, receiver: &WaitCell) -> Result<(), C> {
        {
            let mut state = self.state.lock();
            if state.closed {
                return Err(signal);
            }
            state.signals.push_back(signal);
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
        let mut state = self.state.lock();
        let signal = state.signals.pop_front();
        if state.signals.is_empty() {
            self.pending.lower();
            if state.signals.capacity() > 16 {
                state.signals = VecDeque::new();
            }
        }
        signal
    }

    /// The oldest signal of those that `wanted` picks.
    pub(crate) fn next_if(&self, wanted: impl Fn(&C) -> bool) -> Option<C> {
        if !self.is_pending() {
            return None;
        }
        let mut state = self.state.lock();
        let at = state.signals.iter().position(wanted)?;
        let signal = state.signals.remove(at);
        if state.signals.is_empty() {
            self.pending.lower();
        }
        signal
    }

    /// Takes no more signals; returns those that were not taken.
    pub(crate) fn close(&self) -> VecDeque<C> {
        let mut state = self.state.lock();
        state.closed = true;
        self.pending.lower();
        std::mem::take(&mut state.signals)
    }
}

#[cfg(all(test, tidegate_loom))]
mod model;

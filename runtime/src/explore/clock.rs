//! A clock that moves while things go on.
//!
//! By itself the clock of a program moves when nothing else can: as on a
//! machine that computes in no time. A jump is a fault; and on a slow machine
//! any timer may be due before anything else is done. Then the clock is a task
//! among others, which moves it to the next timer whenever its turn comes.

use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::executor::{Begins, SimExecutor, State};
use crate::sync::access::Access;

/// The number of the clock's task, apart from those of faults.
const CLOCK: usize = 1 << 20;

/// What people call what it shows.
pub(crate) const NAME: &str = "the time";

/// How often it moves when the body is done and nothing else can run. A timer
/// that is set again and again would never let a run end.
const STRIKES: u32 = 16;

impl SimExecutor {
    /// The clock jumps ahead, past some timers perhaps.
    pub(crate) fn jump(&self, by: Duration) {
        let due = {
            let state = &mut *self.0.state.lock();
            let to = state.now.saturating_add(by);
            state.move_clock(to)
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// From now on the clock may move at any time.
    pub(crate) fn start_clock(&self) {
        let shared = std::sync::Arc::downgrade(&self.0);
        let clock = poll_fn(move |_| {
            let Some(shared) = shared.upgrade() else { return Poll::Ready(()) };
            let due = {
                let state = &mut *shared.state.lock();
                let to = state.timers.first_key_value().map_or(state.now, |(&(at, _), _)| at);
                let due = state.move_clock(to);
                state.wind_clock();
                due
            };
            due.into_iter().for_each(Waker::wake);
            Poll::Pending
        });
        let task = self.0.spawn_apart("clock", CLOCK, Box::pin(clock), Begins::Never);
        self.0.state.lock().clock_task = Some(task);
    }
}

impl State {
    fn move_clock(&mut self, to: Duration) -> Vec<Waker> {
        self.clock.touch(Access::Write);
        self.clock.name(|| NAME.to_owned());
        self.now = self.now.max(to);
        let later = self.timers.split_off(&(self.now, u64::MAX));
        std::mem::replace(&mut self.timers, later).into_values().collect()
    }

    /// There may be a timer: the clock can move, if it can while others do.
    pub(crate) fn wind_clock(&mut self) {
        if let Some(clock) = self.clock_task
            && !self.timers.is_empty()
        {
            self.make_ready(clock);
        }
    }

    /// Whether somebody waits for quiet, and nothing but the clock can run: it may
    /// move first, or not.
    pub(crate) fn may_settle(&self) -> bool {
        !self.settling.is_empty() && self.clock_task.is_some_and(|clock| self.ready == [clock])
    }

    /// The clock does not move before something more happens.
    pub(crate) fn stop_clock(&mut self) {
        if let Some(clock) = self.clock_task {
            self.ready.retain(|task| *task != clock);
            self.tasks[clock].is_ready = false;
        }
    }

    /// Whether nothing can run that should before a run is over, or settled. The
    /// clock comes last in the list of those that can.
    pub(crate) fn is_idle(&mut self) -> bool {
        let Some(clock) = self.clock_task else { return self.ready.is_empty() };
        let Some(at) = self.ready.iter().position(|task| *task == clock) else { return self.ready.is_empty() };
        self.ready.remove(at);
        if self.ready.is_empty() && self.tasks[0].is_done {
            // It moves on at the end: had it moved earlier, what then?
            if self.struck == STRIKES {
                self.tasks[clock].is_ready = false;
                self.trace.is_cut = true;
                return true;
            }
            self.struck += 1;
        }
        self.ready.push(clock);
        false
    }
}

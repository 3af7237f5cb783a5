//! The adaptive controller: when to turn from push to pull, and back.
//!
//! A pure function over what the receiver observes: time is an argument, so
//! the same observations give the same switches, in tests as in production.
//!
//! Pushing, it turns to pull when the window has been exhausted for
//! `overloaded_for`, or when a queue has formed and the smoothed service time
//! has risen to `slowdown` times what it was while the actor kept up. Pulling,
//! it turns back when for `relieved_for` there was more idle demand than work
//! queued. `relieved_for` is the longer of the two, and no switch follows
//! another within `dwell`, so a constant load ends in a constant mode.
//!
//! The pattern is the one network drivers use under load (interrupts while
//! idle, polling while busy; Mogul and Ramakrishnan 1997, Linux NAPI).

use std::time::Duration;

use super::config::Mode;
use super::core::SwitchReason;
use super::modes::Thresholds;

/// What the receiver saw since the last observation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    pub(crate) now: Duration,
    /// Accepted messages not yet taken.
    pub(crate) depth: u64,
    /// Grants that nobody has used.
    pub(crate) free: u64,
    /// Messages handled since, and the time spent on them.
    pub(crate) handled: u64,
    pub(crate) busy: Duration,
}

/// The controller's memory.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    thresholds: Thresholds,
    pull_window: u64,
    mode: Mode,
    switched: Option<Duration>,
    exhausted_since: Option<Duration>,
    idle_since: Option<Duration>,
    /// Smoothed service time, in nanoseconds, and the same while keeping up.
    service: f64,
    baseline: f64,
}

/// The weight of a new observation in the smoothed service time.
const WEIGHT: f64 = 0.2;

impl Controller {
    pub(crate) fn new(thresholds: Thresholds, pull_window: usize) -> Self {
        Self {
            thresholds,
            pull_window: pull_window as u64,
            mode: Mode::Push,
            switched: None,
            exhausted_since: None,
            idle_since: None,
            service: 0.0,
            baseline: 0.0,
        }
    }

    /// Takes an observation; answers with the mode to switch to, if any.
    pub(crate) fn observe(&mut self, seen: Observation) -> Option<(Mode, SwitchReason)> {
        self.measure(seen);
        let settled = self.switched.is_none_or(|at| seen.now.saturating_sub(at) >= self.thresholds.dwell);
        let verdict = match self.mode {
            Mode::Push => self.overloaded(seen).map(|reason| (Mode::Pull, reason)),
            Mode::Pull => self.relieved(seen).then_some((Mode::Push, SwitchReason::Relieved)),
        };
        if !settled {
            return None;
        }
        let (mode, _) = verdict?;
        self.mode = mode;
        self.switched = Some(seen.now);
        self.exhausted_since = None;
        self.idle_since = None;
        verdict
    }

    fn measure(&mut self, seen: Observation) {
        if seen.handled == 0 {
            return;
        }
        let service = seen.busy.as_nanos() as f64 / seen.handled as f64;
        self.service = if self.service == 0.0 { service } else { self.service + WEIGHT * (service - self.service) };
        // Keeping up: nothing is queued when the actor looks.
        if self.baseline == 0.0 {
            self.baseline = self.service;
        } else if seen.depth == 0 {
            self.baseline += WEIGHT * (self.service - self.baseline);
        }
    }

    fn overloaded(&mut self, seen: Observation) -> Option<SwitchReason> {
        if seen.free == 0 {
            let since = *self.exhausted_since.get_or_insert(seen.now);
            if seen.now.saturating_sub(since) >= self.thresholds.overloaded_for {
                return Some(SwitchReason::Exhausted);
            }
        } else {
            self.exhausted_since = None;
        }
        let slower = self.baseline > 0.0 && self.service >= self.baseline * self.thresholds.slowdown;
        (slower && seen.depth > self.pull_window).then_some(SwitchReason::Slower)
    }

    fn relieved(&mut self, seen: Observation) -> bool {
        if seen.free > seen.depth {
            let since = *self.idle_since.get_or_insert(seen.now);
            return seen.now.saturating_sub(since) >= self.thresholds.relieved_for;
        }
        self.idle_since = None;
        false
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn controller() -> Controller {
        Controller::new(Thresholds::default(), 8)
    }

    fn at(ms: u64, depth: u64, free: u64) -> Observation {
        Observation { now: Duration::from_millis(ms), depth, free, handled: 10, busy: Duration::from_micros(100) }
    }

    #[test]
    fn pulls_once_the_window_has_been_exhausted_for_long_enough() {
        let mut c = controller();
        assert_eq!(c.observe(at(0, 64, 0)), None);
        assert_eq!(c.observe(at(19, 64, 0)), None);
        assert_eq!(c.observe(at(20, 64, 0)), Some((Mode::Pull, SwitchReason::Exhausted)));
    }

    #[test]
    fn a_moment_of_room_starts_the_count_anew() {
        let mut c = controller();
        c.observe(at(0, 64, 0));
        c.observe(at(10, 63, 1));
        assert_eq!(c.observe(at(25, 64, 0)), None);
        assert!(c.observe(at(45, 64, 0)).is_some());
    }

    #[test]
    fn pulls_when_service_slows_down_behind_a_queue() {
        let mut c = controller();
        for ms in 0..10 {
            assert_eq!(c.observe(at(ms, 0, 64)), None);
        }
        let slow = |ms| Observation { busy: Duration::from_millis(10), ..at(ms, 20, 44) };
        let switch = (10..40).find_map(|ms| c.observe(slow(ms)));
        assert_eq!(switch, Some((Mode::Pull, SwitchReason::Slower)));
    }

    #[test]
    fn pushes_again_after_lasting_relief_only() {
        let mut c = controller();
        c.observe(at(0, 64, 0));
        c.observe(at(20, 64, 0)).unwrap();
        assert_eq!(c.observe(at(30, 0, 8)), None);
        assert_eq!(c.observe(at(100, 8, 0)), None, "work again: the count starts anew");
        assert_eq!(c.observe(at(110, 0, 8)), None);
        assert_eq!(c.observe(at(209, 0, 8)), None);
        assert_eq!(c.observe(at(210, 0, 8)), Some((Mode::Push, SwitchReason::Relieved)));
    }

    proptest! {
        /// Contract L9: bounded switches per interval, whatever is observed.
        #[test]
        fn switches_keep_their_distance(seen in prop::collection::vec((0u64..30, 0u64..80, 0u64..80), 1..400)) {
            let mut c = controller();
            let (mut now, mut last) = (0, None);
            for (step, depth, free) in seen {
                now += step;
                if c.observe(at(now, depth, free)).is_some() {
                    if let Some(last) = last {
                        prop_assert!(now - last >= 50, "{last} and {now}");
                    }
                    last = Some(now);
                }
            }
        }

        /// Contract L9: a constant load ends in a constant mode.
        #[test]
        fn a_constant_load_settles(depth in 0u64..80, free in 0u64..80) {
            let mut c = controller();
            // In pull the same load shows as idle demand or none: the two
            // readings of one load, not two loads.
            let switches = (0..2000).filter(|ms| c.observe(at(*ms, depth, free)).is_some()).count();
            prop_assert!(switches <= 2, "{switches}");
        }
    }
}

//! Orders at random.

use super::super::report::Coverage;
use super::super::trace::{Point, Trace};
use super::Search;
use super::rng::Rng;

/// At each point any of those that can run, each as likely as the others.
#[derive(Debug)]
pub(crate) struct Random {
    seed: u64,
    schedules: u64,
    run: u64,
    rng: Rng,
}

impl Random {
    pub(crate) fn new(schedules: u64, seed: u64) -> Self {
        Self { seed, schedules, run: 0, rng: Rng::new(seed) }
    }
}

impl Search for Random {
    fn begin(&mut self) -> bool {
        if self.run == self.schedules {
            return false;
        }
        // Each run has numbers of its own, however long the others are.
        self.rng = Rng::new(Rng::new(self.seed ^ self.run.rotate_left(32)).next());
        self.run += 1;
        true
    }

    fn schedule(&mut self, point: &Point<'_>) -> Option<usize> {
        Some(if point.ready.len() == 1 { 0 } else { self.rng.below(point.ready.len()) })
    }

    fn choose(&mut self, options: usize) -> usize {
        self.rng.below(options)
    }

    fn end(&mut self, _trace: &Trace) {}

    fn coverage(&self) -> Coverage {
        Coverage::Sampled
    }
}

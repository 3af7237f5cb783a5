//! Probabilistic concurrency testing.
//!
//! Each task has a priority at random, and the highest of those that can run
//! runs; at a few points of the run, at random, whoever would run falls behind
//! all others. A fault that needs `d` orderings is found by a run with a probability of
//! at least 1/(n·k^(d-1)), for n tasks and k steps (Burckhardt, Kothari, Musuvathi
//! and Nagarakatte, ASPLOS 2010). How long runs are is learnt from those before.

use std::collections::HashMap;

use super::super::report::Coverage;
use super::super::trace::{Point, TaskId, Trace};
use super::Search;
use super::rng::Rng;

/// Runs so many schedules, each with `depth - 1` points where somebody falls behind.
#[derive(Debug)]
pub(crate) struct Pct {
    depth: usize,
    schedules: u64,
    seed: u64,
    run: u64,
    rng: Rng,
    /// The most points of choice of a run so far.
    longest: usize,
    /// The highest runs first.
    priorities: HashMap<TaskId, u64>,
    /// The points of this run where somebody falls behind.
    changes: Vec<usize>,
    point: usize,
    fallen: u64,
}

impl Pct {
    pub(crate) fn new(depth: u32, schedules: u64, seed: u64) -> Self {
        Self {
            depth: depth.max(1) as usize,
            schedules,
            seed,
            run: 0,
            rng: Rng::new(seed),
            longest: 1,
            priorities: HashMap::new(),
            changes: Vec::new(),
            point: 0,
            fallen: 0,
        }
    }

    /// The highest of those that can run.
    fn highest(&mut self, ready: &[TaskId]) -> usize {
        let mut highest = (0, 0);
        for (n, task) in ready.iter().enumerate() {
            let rng = &mut self.rng;
            // Those who have fallen are below all others.
            let priority = *self.priorities.entry(*task).or_insert_with(|| rng.next() | 1 << 63);
            if priority > highest.1 {
                highest = (n, priority);
            }
        }
        highest.0
    }
}

impl Search for Pct {
    fn begin(&mut self) -> bool {
        if self.run == self.schedules {
            return false;
        }
        self.rng = Rng::new(Rng::new(self.seed ^ self.run.rotate_left(32)).next());
        self.run += 1;
        self.priorities.clear();
        (self.point, self.fallen) = (0, 1 << 62);
        let longest = self.longest;
        self.changes = (1..self.depth).map(|_| self.rng.below(longest)).collect();
        true
    }

    fn schedule(&mut self, point: &Point<'_>) -> Option<usize> {
        if point.ready.len() == 1 {
            return Some(0);
        }
        let mut chosen = self.highest(point.ready);
        if self.changes.contains(&self.point) {
            self.fallen -= 1;
            self.priorities.insert(point.ready[chosen], self.fallen);
            chosen = self.highest(point.ready);
        }
        self.point += 1;
        Some(chosen)
    }

    fn choose(&mut self, options: usize) -> usize {
        self.rng.below(options)
    }

    fn end(&mut self, _trace: &Trace) {
        self.longest = self.longest.max(self.point);
    }

    fn coverage(&self) -> Coverage {
        Coverage::Sampled
    }
}

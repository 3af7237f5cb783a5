//! One order, again.

use super::super::report::Coverage;
use super::super::trace::{Point, Trace};
use super::Search;

/// Runs once, as told; where nothing is told, the first of what there is.
#[derive(Debug)]
pub(crate) struct Replay {
    choices: Vec<u32>,
    at: usize,
    begun: bool,
    /// Something was told that could not be done.
    strayed: bool,
}

impl Replay {
    pub(crate) fn new(choices: Vec<u32>) -> Self {
        Self { choices, at: 0, begun: false, strayed: false }
    }

    fn next(&mut self, options: usize) -> usize {
        if options == 1 {
            return 0;
        }
        let told = self.choices.get(self.at).map_or(0, |told| *told as usize);
        self.at += 1;
        self.strayed |= told >= options;
        told.min(options - 1)
    }
}

impl Search for Replay {
    fn begin(&mut self) -> bool {
        self.at = 0;
        !std::mem::replace(&mut self.begun, true)
    }

    fn schedule(&mut self, point: &Point<'_>) -> Option<usize> {
        Some(self.next(point.ready.len()))
    }

    fn choose(&mut self, options: usize) -> usize {
        self.next(options)
    }

    fn end(&mut self, _trace: &Trace) {
        self.strayed |= self.at < self.choices.len();
    }

    fn has_strayed(&self) -> bool {
        self.strayed
    }

    fn coverage(&self) -> Coverage {
        Coverage::Sampled
    }
}

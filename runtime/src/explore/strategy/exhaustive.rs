//! All orders, depth first.

use super::super::report::Coverage;
use super::super::trace::{End, Point, Trace};
use super::Search;

/// Runs every order there is.
#[derive(Debug, Default)]
pub(crate) struct Exhaustive {
    path: Vec<Node>,
    at: usize,
    begun: bool,
    /// A run was too long to be run to its end.
    bounded: bool,
}

#[derive(Debug)]
struct Node {
    options: usize,
    chosen: usize,
}

impl Exhaustive {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn next(&mut self, options: usize) -> usize {
        if options == 1 {
            return 0;
        }
        if self.at == self.path.len() {
            self.path.push(Node { options, chosen: 0 });
        }
        let node = &self.path[self.at];
        debug_assert_eq!(node.options, options, "the program does the same again");
        self.at += 1;
        node.chosen.min(options - 1)
    }
}

impl Search for Exhaustive {
    fn begin(&mut self) -> bool {
        self.at = 0;
        if !std::mem::replace(&mut self.begun, true) {
            return true;
        }
        while let Some(node) = self.path.last_mut() {
            node.chosen += 1;
            if node.chosen < node.options {
                return true;
            }
            self.path.pop();
        }
        false
    }

    fn schedule(&mut self, point: &Point<'_>) -> Option<usize> {
        Some(self.next(point.ready.len()))
    }

    fn choose(&mut self, options: usize) -> usize {
        self.next(options)
    }

    fn end(&mut self, trace: &Trace) {
        self.bounded |= trace.end == End::TooLong;
        // A run that was broken off by a failure: nothing comes after it.
        self.path.truncate(self.at);
    }

    fn coverage(&self) -> Coverage {
        if self.bounded { Coverage::Bounded } else { Coverage::Exhausted }
    }
}

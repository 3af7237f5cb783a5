//! All orders within a bound of delays.
//!
//! Tasks run in the order in which they were woken, but for at most so many
//! delays: a task that is delayed lets one pass that was woken after it (Emmi, Qadeer
//! and Rakamaric, POPL 2011). Most faults of real programs need one or two.

use super::super::report::Coverage;
use super::super::trace::{End, Point, Trace};
use super::Search;

/// Runs every order that takes no more than so many delays. What a program
/// chooses by itself is tried in full, and costs nothing.
#[derive(Debug)]
pub(crate) struct Delays {
    most: usize,
    path: Vec<Node>,
    at: usize,
    /// Delays of this run so far.
    spent: usize,
    /// Something was left out for want of delays.
    bounded: bool,
    begun: bool,
}

#[derive(Debug)]
struct Node {
    options: usize,
    chosen: usize,
}

impl Delays {
    pub(crate) fn new(most: u32) -> Self {
        Self { most: most as usize, path: Vec::new(), at: 0, spent: 0, bounded: false, begun: false }
    }

    fn next(&mut self, options: usize) -> usize {
        if options == 1 {
            return 0;
        }
        if self.at == self.path.len() {
            self.path.push(Node { options, chosen: 0 });
        }
        self.at += 1;
        self.path[self.at - 1].chosen.min(options - 1)
    }
}

impl Search for Delays {
    fn begin(&mut self) -> bool {
        (self.at, self.spent) = (0, 0);
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
        // To pass n tasks takes n delays.
        let affordable = self.most - self.spent + 1;
        self.bounded |= affordable < point.ready.len();
        let chosen = self.next(point.ready.len().min(affordable));
        self.spent += chosen;
        Some(chosen)
    }

    fn choose(&mut self, options: usize) -> usize {
        self.next(options)
    }

    fn end(&mut self, trace: &Trace) {
        self.bounded |= trace.end == End::TooLong;
        self.path.truncate(self.at);
    }

    fn coverage(&self) -> Coverage {
        if self.bounded { Coverage::Bounded } else { Coverage::Exhausted }
    }
}

//! All orders that differ in something: dynamic partial-order reduction.
//!
//! Two steps of different tasks *conflict* when they touch the same object and
//! not both only read it, or both only update it. Orders that differ in steps that do not
//! conflict are one order, and one of them is run. Which those are is
//! learnt while running: whenever a step conflicts with an earlier one of
//! another task, and nothing else puts the two in order, they *race*, and the
//! other order is tried from the point before the earlier one (Flanagan and
//! Godefroid, POPL 2005). Sleep sets (Godefroid 1996) break off what would be
//! another order of the same.
//!
//! A step that wakes a task enables it and does not only race with it: a task
//! that waits for a message and for a timer has two that may wake it. So where the
//! task could not run before the earlier step, all that could are tried there, and the
//! search for races goes on behind it. All are tried as well where the task sleeps: what
//! comes of it first has been seen, and what comes of others that it comes after has not.

use super::super::report::Coverage;
use super::super::trace::{End, Point, TaskId, Trace};
use super::Search;
use super::order::{Footprint, Order};
use crate::sync::planted::{Planted, is_planted};

/// Runs one of all orders that differ in nothing that matters.
#[derive(Default)]
pub(crate) struct Reduced {
    path: Vec<Node>,
    /// How many nodes of the path this run has come by.
    at: usize,
    begun: bool,
    /// This run does, up to here, what the last one did.
    replayed: usize,
    /// Next decision inside of the step that goes on.
    data: usize,
    order: Order,
    firsts: Vec<usize>,
    pruned: u64,
    bounded: bool,
}

/// A point of the present path, and what is known of it.
#[derive(Default)]
struct Node {
    /// Empty for a barrier, where there is nothing to choose.
    ready: Vec<TaskId>,
    chosen: TaskId,
    /// To be tried here.
    wanted: Vec<TaskId>,
    /// Tried, with all that came of it; and what the step touched.
    done: Vec<Sleeper>,
    /// Tried before, and nothing has happened since that touches what it would.
    asleep: Vec<Sleeper>,
    /// What the chosen step was told.
    data: Vec<(usize, usize)>,
    /// What the chosen step touched, whatever it was told.
    touched: Footprint,
}

/// A task that need not run from here on, until a step conflicts with its own.
#[derive(Clone)]
struct Sleeper {
    task: TaskId,
    touched: Footprint,
}

impl Reduced {
    pub(crate) fn new() -> Self {
        Self::default()
    }
}

impl Node {
    fn wants_all(&mut self) {
        for task in &self.ready {
            if !self.wanted.contains(task) {
                self.wanted.push(*task);
            }
        }
    }

    /// Whether all that this task comes first in is run, here or elsewhere.
    fn has(&self, task: TaskId) -> bool {
        self.wanted.contains(&task) || self.asleep.iter().any(|sleeper| sleeper.task == task)
    }

    /// Chooses what is to be tried next here, if there is anything.
    fn turn(&mut self) -> bool {
        // Other answers to the same step come first.
        while let Some((options, chosen)) = self.data.last_mut() {
            *chosen += 1;
            if *chosen < *options {
                return true;
            }
            self.data.pop();
        }
        if self.ready.is_empty() {
            return false;
        }
        let touched = std::mem::take(&mut self.touched);
        self.done.push(Sleeper { task: self.chosen, touched });
        let next = self
            .wanted
            .iter()
            .copied()
            .find(|task| self.done.iter().chain(&self.asleep).all(|sleeper| sleeper.task != *task));
        self.chosen = next.unwrap_or_default();
        next.is_some()
    }
}

impl Search for Reduced {
    fn begin(&mut self) -> bool {
        self.at = 0;
        self.data = 0;
        self.order.clear();
        if !std::mem::replace(&mut self.begun, true) {
            return true;
        }
        while let Some(node) = self.path.last_mut() {
            if node.turn() {
                self.replayed = self.path.len() - 1;
                return true;
            }
            self.path.pop();
        }
        false
    }

    fn schedule(&mut self, point: &Point<'_>) -> Option<usize> {
        self.data = 0;
        if self.at == self.path.len() {
            let asleep = self.asleep_here();
            let awake = |task: &&TaskId| asleep.iter().all(|sleeper| sleeper.task != **task);
            let Some(chosen) = point.ready.iter().find(awake).copied() else {
                self.pruned += 1;
                return None;
            };
            let (ready, wanted) = (point.ready.to_vec(), vec![chosen]);
            self.path.push(Node { ready, chosen, wanted, asleep, ..Node::default() });
        }
        let node = &self.path[self.at];
        self.at += 1;
        let chosen = point.ready.iter().position(|task| *task == node.chosen);
        debug_assert!(chosen.is_some(), "the program does the same again");
        Some(chosen.unwrap_or(0))
    }

    fn choose(&mut self, options: usize) -> usize {
        let node = &mut self.path[self.at - 1];
        if self.data == node.data.len() {
            node.data.push((options, 0));
        }
        self.data += 1;
        node.data[self.data - 1].1
    }

    fn stepped(&mut self, trace: &Trace) {
        let event = trace.events.len() - 1;
        if trace.events[event].kind.is_barrier() {
            if self.at == self.path.len() {
                self.path.push(Node::default());
            }
            self.at += 1;
            self.data = 0;
            self.order.barrier();
            return;
        }
        let node = self.at - 1;
        debug_assert_eq!(node, event, "a node for each event");
        let touched = self.order.footprint(trace.touched(event));
        self.path[node].touched.add(&touched);
        let task = trace.events[event].task;
        let races = self
            .order
            .step(trace, touched, |earlier| is_planted(Planted::Wakes) || self.path[earlier].ready.contains(&task));
        if self.at <= self.replayed {
            // Found when these events were new.
            return;
        }
        for race in races {
            let before = &mut self.path[race];
            if !before.ready.contains(&task) {
                if !is_planted(Planted::Wakes) {
                    before.wants_all();
                }
                continue;
            }
            // Who could begin an order in which this event comes first.
            self.order.firsts(race, event, &mut self.firsts);
            let firsts = self.firsts.iter().map(|event| trace.events[*event].task);
            let mut firsts = firsts.filter(|task| before.ready.contains(task));
            if firsts.clone().any(|task| before.has(task)) {
                continue;
            }
            match firsts.next_back() {
                Some(first) => before.wanted.push(first),
                None => before.wants_all(),
            }
        }
    }

    fn end(&mut self, trace: &Trace) {
        self.path.truncate(self.at);
        self.bounded |= trace.end == End::TooLong;
    }

    fn wants_touches(&self) -> bool {
        true
    }

    fn coverage(&self) -> Coverage {
        if self.bounded { Coverage::Bounded } else { Coverage::Exhausted }
    }

    fn pruned(&self) -> u64 {
        self.pruned
    }
}

impl Reduced {
    /// Who sleeps at the end of the path.
    fn asleep_here(&self) -> Vec<Sleeper> {
        // Whoever sleeps could run, and nothing can at a barrier; but a clock that may move at any time
        // is stopped there.
        let Some(node) = self.path.last().filter(|node| !node.ready.is_empty()) else { return Vec::new() };
        let last = self.order.last_footprint();
        let stay = |sleeper: &&Sleeper| sleeper.task != node.chosen && !sleeper.touched.conflicts(last);
        node.asleep.iter().chain(&node.done).filter(stay).cloned().collect()
    }
}

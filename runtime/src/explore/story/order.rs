//! Runs the steps of another run, in another order.

use std::collections::{BTreeMap, VecDeque};

use super::super::report::Coverage;
use super::super::strategy::Search;
use super::super::trace::{DecisionKind, Point, TaskId, Trace};

/// Whose step is next, as far as it can run; and what each is told.
#[derive(Debug)]
pub(super) struct InOrder {
    steps: VecDeque<TaskId>,
    told: BTreeMap<TaskId, VecDeque<u32>>,
    running: TaskId,
    begun: bool,
}

impl InOrder {
    fn new(trace: &Trace, order: impl Iterator<Item = usize>, other: Option<(usize, u32)>) -> Self {
        let mut told: BTreeMap<TaskId, VecDeque<u32>> = BTreeMap::new();
        for event in &trace.events {
            for at in event.decisions.start..event.decisions.end {
                let decision = trace.decisions[at as usize];
                let chosen = other.filter(|(other, _)| *other == at as usize).map_or(decision.chosen, |other| other.1);
                if decision.kind == DecisionKind::Data {
                    told.entry(event.task).or_default().push_back(chosen);
                }
            }
        }
        let steps = order.map(|event| &trace.events[event]).filter(|event| !event.kind.is_barrier());
        Self { steps: steps.map(|event| event.task).collect(), told, running: TaskId::ROOT, begun: false }
    }

    /// The same, but for one thing that is told: of decision `at`, `other`.
    pub(super) fn choosing(trace: &Trace, at: usize, other: u32) -> Self {
        Self::new(trace, 0..trace.events.len(), Some((at, other)))
    }

    /// The step `first`, and all that comes `later` because of it, after `second`.
    pub(super) fn swapped(trace: &Trace, first: usize, second: usize, later: &[bool]) -> Self {
        let is_late = |event: usize| event == first || (event < second && later[event]);
        let before = (0..second).filter(move |event| !is_late(*event));
        let after = (first..second).filter(move |event| is_late(*event));
        let order = before.chain([second]).chain(after).chain(second + 1..trace.events.len());
        Self::new(trace, order, None)
    }
}

impl Search for InOrder {
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    fn schedule(&mut self, point: &Point<'_>) -> Option<usize> {
        let next = self.steps.iter().position(|task| point.ready.contains(task));
        let chosen = next.and_then(|next| self.steps.remove(next));
        let index = chosen.and_then(|chosen| point.ready.iter().position(|ready| *ready == chosen)).unwrap_or(0);
        self.running = point.ready[index];
        Some(index)
    }

    fn choose(&mut self, options: usize) -> usize {
        let told = self.told.get_mut(&self.running).and_then(VecDeque::pop_front);
        told.map_or(0, |told| told as usize).min(options - 1)
    }

    fn end(&mut self, _trace: &Trace) {}

    fn coverage(&self) -> Coverage {
        Coverage::Sampled
    }
}

//! Runs the steps of another run, in another order.

use std::collections::{BTreeMap, VecDeque};

use super::super::report::Coverage;
use super::super::strategy::Search;
use super::super::trace::{DecisionKind, Point, TaskId, Trace};

/// Whose step is next, as far as it can run; and what each is told.
#[derive(Debug)]
pub(super) struct InOrder {
    steps: VecDeque<Planned>,
    told: BTreeMap<TaskId, VecDeque<u32>>,
    running: TaskId,
    begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Planned {
    task: TaskId,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Any,
    /// What has to come first.
    First,
    /// Not before what has to come first, if anybody else can run: that may have to
    /// wait for others.
    Late,
}

impl InOrder {
    fn new(trace: &Trace, order: impl Iterator<Item = (usize, Place)>, other: Option<(usize, u32)>) -> Self {
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
        let steps = order.filter(|(event, _)| !trace.events[*event].kind.is_barrier());
        let steps = steps.map(|(event, place)| Planned { task: trace.events[event].task, place });
        Self { steps: steps.collect(), told, running: TaskId::ROOT, begun: false }
    }

    /// The same, but for one thing that is told: of decision `at`, `other`.
    pub(super) fn choosing(trace: &Trace, at: usize, other: u32) -> Self {
        Self::new(trace, (0..trace.events.len()).map(|event| (event, Place::Any)), Some((at, other)))
    }

    /// The step `first`, and all that comes `later` because of it, after `second`.
    pub(super) fn swapped(trace: &Trace, first: usize, second: usize, later: &[bool]) -> Self {
        let is_late = |event: usize| event == first || (event < second && later[event]);
        let before = (0..second).filter(move |event| !is_late(*event)).map(|event| (event, Place::Any));
        let late = (first..second).filter(move |event| is_late(*event)).map(|event| (event, Place::Late));
        let after = (second + 1..trace.events.len()).map(|event| (event, Place::Any));
        Self::new(trace, before.chain([(second, Place::First)]).chain(late).chain(after), None)
    }
}

impl Search for InOrder {
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    fn schedule(&mut self, point: &Point<'_>) -> Option<usize> {
        let is_open = self.steps.iter().any(|step| step.place == Place::First);
        let is_ready = |step: &Planned| point.ready.contains(&step.task);
        let in_time = |step: &Planned| !(is_open && step.place == Place::Late);
        let next = self.steps.iter().position(|step| is_ready(step) && in_time(step));
        let next = next.or_else(|| self.steps.iter().position(is_ready));
        let chosen = next.and_then(|next| self.steps.remove(next)).map(|step| step.task);
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

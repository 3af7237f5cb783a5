//! What an order of steps is when all is left out that does not matter.

use std::collections::HashMap;

use super::super::trace::{TaskId, Trace};
use crate::sync::access::ObjectId;

/// A step: of which task, and the how manyeth of it.
type Step = (TaskId, u32);

/// All that the steps of a run have to do with each other: which of two that
/// conflict came first. Runs for which this is equal differ in nothing.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Order {
    steps: Vec<Step>,
    before: Vec<(Step, Step)>,
}

impl Order {
    pub(super) fn of(trace: &Trace) -> Self {
        let mut done: HashMap<TaskId, u32> = HashMap::new();
        let mut steps: Vec<Step> = Vec::with_capacity(trace.events.len());
        let mut before = Vec::new();
        for (later, event) in trace.events.iter().enumerate() {
            let nth = done.entry(event.task).or_default();
            *nth += 1;
            let step = (event.task, *nth);
            for (earlier, other) in steps.iter().enumerate() {
                if other.0 != step.0 && conflict(trace, earlier, later) {
                    before.push((*other, step));
                }
            }
            steps.push(step);
        }
        steps.sort_unstable();
        before.sort_unstable();
        Self { steps, before }
    }
}

fn conflict(trace: &Trace, one: usize, other: usize) -> bool {
    trace.events[one].kind.is_barrier()
        || trace.events[other].kind.is_barrier()
        || [one, other].iter().any(|step| trace.touched(*step).iter().any(|touch| touch.object == ObjectId::PLACE))
        || trace.touched(one).iter().any(|one| trace.touched(other).iter().any(|other| one.conflicts(*other)))
}

//! What no mailbox can beat: one queue in front of all consumers, at no cost.
//!
//! Calculated from the plan, not run. It is the yardstick of the last row: how
//! much of a latency is the workload's own, and how much is delivery.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::{
    measure::{Fate, Observed, Record},
    workload::Workload,
};

/// Every event to the consumer that is free first, in order of arrival.
pub(crate) fn shared_queue(plan: &Workload) -> Observed {
    let mut free: BinaryHeap<Reverse<Duration>> = (0..plan.consumers).map(|_| Reverse(Duration::ZERO)).collect();
    let mut begun = Vec::with_capacity(plan.events.len());
    let mut deepest = 0;
    let mut done = 0;
    let records = plan
        .events
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let begin = free.pop().map_or(e.at, |Reverse(at)| at.max(e.at));
            let end = begin + e.service;
            free.push(Reverse(end));
            begun.push(begin);
            // First come first served, so they begin in order.
            while begun.get(done).is_some_and(|b| *b <= e.at) {
                done += 1;
            }
            deepest = deepest.max(i + 1 - done);
            Record { fate: Fate::Accepted, decided: e.at, waited: false, slept: true, handled: Some(end) }
        })
        .collect();
    Observed { records, deepest: deepest as u64, peak_bytes: 0, runtime: None, cut: false }
}

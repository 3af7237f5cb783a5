//! Which two steps decide it: those that could have come the other way round,
//! and with which nothing would have failed.

use super::super::clock;
use super::super::shrink::is_same_kind;
use super::super::strategy::Search;
use super::super::trace::{DecisionKind, End, EventKind, Trace};
use super::acts::Acts;
use super::order::InOrder;
use crate::sync::access::{Access, ObjectId, Touch};

/// Longer runs are not searched.
const LONGEST: usize = 600;
/// So many pairs are tried the other way round.
const SWAPS: usize = 64;
/// So many that decide are told.
const TOLD: usize = 2;
/// So many are told that do not.
const SOME: usize = 3;

/// Two steps of one run that touch the same thing, with nothing between them
/// that would keep them in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Race {
    pub(super) first: usize,
    pub(super) second: usize,
    on: ObjectId,
}

/// What decides, as people are told; empty if nothing does on its own.
pub(super) fn decisive(trace: &Trace, acts: &Acts, mut replay: impl FnMut(Box<dyn Search>) -> Trace) -> Vec<String> {
    let mut told = Vec::new();
    let Some(failure) = trace.failure() else { return told };
    let mut vanishes = |order: InOrder| {
        let other = replay(Box::new(order));
        let still = other.failure().is_some_and(|other| is_same_kind(other, failure));
        (!still && other.end == End::Done).then_some(other)
    };
    for (at, decision) in trace.decisions.iter().enumerate().filter(|(_, d)| d.kind == DecisionKind::Data).take(SWAPS) {
        let step = trace.events.iter().position(|event| event.decisions.contains(&(at as u32)));
        let (Some(step), true) = (step, told.len() < TOLD) else { break };
        let other = (0..decision.options)
            .find(|other| *other != decision.chosen && vanishes(InOrder::choosing(trace, at, *other)).is_some());
        if let Some(other) = other {
            let chosen = decision.chosen;
            let why = acts.said(step).map_or_else(String::new, |why| format!(" ({why})"));
            told.push(format!("step {step} chooses {chosen}{why}: with {other} it does not fail"));
        }
    }
    for race in races(trace, acts).into_iter().flat_map(|race| with_later(trace, race)).take(SWAPS) {
        if told.len() >= TOLD {
            break;
        }
        let swapped = InOrder::swapped(trace, race.first, race.second, &late(trace, acts, race));
        if vanishes(swapped).is_some_and(|other| is_swapped(trace, &other, race)) {
            told.push(format!("{} The other way round it does not fail.", in_words(trace, acts, race)));
        }
    }
    told
}

fn in_words(trace: &Trace, acts: &Acts, race: Race) -> String {
    let step = |step: usize| {
        // As the chart calls it: others may have its name.
        let task = acts.called(trace, trace.events[step].task);
        let moves = |touch: &Touch| touch.access == Access::Write && acts.name(touch.object) == Some(clock::NAME);
        let passes = trace.touched(step).iter().any(moves);
        let silent = || String::from(if passes { "lets time pass" } else { "goes on" });
        let does = acts.in_words(step).unwrap_or_else(silent);
        format!("step {step}: {task} {does}")
    };
    let on = acts.name(race.on).unwrap_or("something");
    let (first, second) = (step(race.first), step(race.second));
    format!("{first}\n  {second}\n  Both touch {on}.")
}

/// Which events come after which: `[j][i]` says that `j` comes after `i`.
fn after(trace: &Trace, acts: &Acts) -> Vec<Vec<bool>> {
    let n = trace.events.len();
    let mut after = vec![vec![false; n]; n];
    for j in 0..n {
        for i in (0..j).rev() {
            if after[j][i] {
                continue;
            }
            if is_kept(trace, acts, i, j) || conflict(trace, i, j).is_some() {
                let (before, rest) = after.split_at_mut(j);
                for (later, earlier) in rest[0].iter_mut().zip(&before[i]) {
                    *later |= earlier;
                }
                rest[0][i] = true;
            }
        }
    }
    after
}

/// The race, and those that the second task has with the same step later: it may
/// take more than one step to be out of its way.
fn with_later(trace: &Trace, race: Race) -> impl Iterator<Item = Race> + use<'_> {
    let task = trace.events[race.second].task;
    let its = (race.second..trace.events.len()).filter(move |event| trace.events[*event].task == task);
    its.filter_map(move |second| conflict(trace, race.first, second).map(|on| Race { second, on, ..race }))
}

/// What has to come after the first of a race, but for what the race is about.
fn late(trace: &Trace, acts: &Acts, race: Race) -> Vec<bool> {
    let task = trace.events[race.second].task;
    let mut late = vec![false; trace.events.len()];
    late[race.first] = true;
    for k in race.first + 1..race.second {
        late[k] = (race.first..k).filter(|l| late[*l]).any(|l| {
            is_kept(trace, acts, l, k)
                || (conflict(trace, l, k).is_some() && (l != race.first || trace.events[k].task != task))
        });
    }
    late
}

/// Whether `j` cannot come before `i`: of one task, or brought about by it.
fn is_kept(trace: &Trace, acts: &Acts, i: usize, j: usize) -> bool {
    let (one, other) = (&trace.events[i], &trace.events[j]);
    one.task == other.task
        || one.kind.is_barrier()
        || other.kind.is_barrier()
        || acts.carried.contains(&(i, j))
        || trace.tasks.iter().any(|task| task.id == other.task && task.born == Some(i))
}

fn conflict(trace: &Trace, i: usize, j: usize) -> Option<ObjectId> {
    let others = trace.touched(j);
    let touch = trace.touched(i).iter().find(|touch| others.iter().any(|other| touch.conflicts(*other)))?;
    Some(touch.object)
}

/// All races, those nearest to the failure first.
pub(super) fn races(trace: &Trace, acts: &Acts) -> Vec<Race> {
    let n = trace.events.len();
    if n > LONGEST {
        return Vec::new();
    }
    let after = after(trace, acts);
    let mut races = Vec::new();
    for second in (0..n).rev() {
        for first in (0..second).rev() {
            let Some(on) = conflict(trace, first, second) else { continue };
            let between = || (first + 1..second).any(|k| after[k][first] && after[second][k]);
            if !is_kept(trace, acts, first, second) && !between() {
                races.push(Race { first, second, on });
            }
        }
    }
    // People know messages better than what there is inside.
    races.sort_by_key(|race| !is_told(acts, *race));
    races
}

/// The first few races, as people are told, whether they decide or not.
pub(super) fn some(trace: &Trace, acts: &Acts) -> Vec<String> {
    let races = races(trace, acts);
    races.into_iter().filter(|race| is_told(acts, *race)).take(SOME).map(|race| in_words(trace, acts, race)).collect()
}

fn is_told(acts: &Acts, race: Race) -> bool {
    acts.in_words(race.first).is_some() && acts.in_words(race.second).is_some()
}

/// Whether the two did come the other way round.
fn is_swapped(trace: &Trace, other: &Trace, race: Race) -> bool {
    let place = |event: usize| {
        let task = trace.events[event].task;
        let is_its = |kind: EventKind| !kind.is_barrier();
        let nth = trace.events[..event].iter().filter(|e| e.task == task && is_its(e.kind)).count();
        let mut steps = other.events.iter().enumerate().filter(|(_, e)| e.task == task && is_its(e.kind));
        steps.nth(nth).map(|(at, _)| at)
    };
    match (place(race.first), place(race.second)) {
        (Some(first), Some(second)) => second < first,
        (None, Some(_)) => true,
        _ => false,
    }
}

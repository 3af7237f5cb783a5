//! Makes a schedule that fails short.
//!
//! First by what can be left out of it: its tail, choices, one by one and many
//! at once, and whatever is chosen otherwise than by default. That ends where no
//! single change helps. So then short schedules are tried on their own, those
//! with the fewest choices first. Both are bounded by a number of replays, not
//! by time: the same schedule is made the same one on every machine.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::mem::discriminant;

use super::trace::{Decision, Failure, TaskId, Trace};

/// So many schedules are replayed to find a shorter one.
const REPLAYS: u32 = 3_000;
/// So many of them to find one that is shorter than a short one.
const REPLAYS_OF_SHORT: u32 = 400;
/// A schedule that people can follow.
const SHORT: usize = 6;
/// In all these runs together, no more steps than this are taken.
const STEPS: usize = 400_000;

/// What came of running a schedule.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    /// All that was chosen, up to the end of the run.
    decisions: Vec<Decision>,
    pub(super) failure: Option<Failure>,
    switches: usize,
    steps: usize,
}

impl Tried {
    pub(super) fn of(trace: &Trace) -> Self {
        Self {
            decisions: trace.decisions.clone(),
            failure: trace.failure().cloned(),
            switches: switches(trace),
            steps: trace.events.len(),
        }
    }

    /// What was chosen, without what is chosen by default at the end.
    pub(super) fn choices(&self) -> Vec<u32> {
        trimmed(self.decisions.iter().map(|decision| decision.chosen).collect())
    }

    /// How hard it is to follow: the less the better.
    fn cost(&self) -> (usize, usize, usize, u32, usize) {
        let choices = self.choices();
        let others = choices.iter().filter(|choice| **choice > 0).count();
        (choices.len(), self.switches, others, choices.iter().sum(), self.steps)
    }
}

/// How often another task runs than the one before.
fn switches(trace: &Trace) -> usize {
    let tasks: Vec<TaskId> =
        trace.events.iter().filter(|event| !event.kind.is_barrier()).map(|event| event.task).collect();
    tasks.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

fn trimmed(mut choices: Vec<u32>) -> Vec<u32> {
    let end = choices.iter().rposition(|choice| *choice > 0).map_or(0, |last| last + 1);
    choices.truncate(end);
    choices
}

/// Whether two runs fail for the same reason, as far as can be said.
pub(super) fn is_same_kind(one: &Failure, other: &Failure) -> bool {
    match (one, other) {
        (Failure::Panicked { location: Some(one), .. }, Failure::Panicked { location: Some(other), .. }) => {
            one == other
        }
        (Failure::Panicked { message: one, .. }, Failure::Panicked { message: other, .. }) => one == other,
        (Failure::Violated { property: one, .. }, Failure::Violated { property: other, .. }) => one == other,
        _ => discriminant(one) == discriminant(other),
    }
}

/// The shortest run that was found to fail as `found` does; `replay` runs a
/// schedule.
pub(super) fn shrink(found: Tried, replay: impl FnMut(&[u32]) -> Tried) -> Tried {
    let Some(failure) = found.failure.clone() else { return found };
    let mut shrinker = Shrinker { replay, failure, tried: HashSet::new(), replays: REPLAYS, steps: STEPS, best: found };
    shrinker.leave_out();
    if shrinker.best.choices().len() <= SHORT {
        shrinker.replays = shrinker.replays.min(REPLAYS_OF_SHORT);
    }
    shrinker.try_short_ones();
    shrinker.leave_out();
    shrinker.best
}

struct Shrinker<R> {
    replay: R,
    /// What is to remain.
    failure: Failure,
    tried: HashSet<Vec<u32>>,
    /// How many more may be run.
    replays: u32,
    steps: usize,
    best: Tried,
}

impl<R: FnMut(&[u32]) -> Tried> Shrinker<R> {
    /// Runs a schedule, unless it has been run or the bound is reached.
    fn run(&mut self, choices: Vec<u32>) -> Option<Tried> {
        let choices = trimmed(choices);
        if self.replays == 0 || self.steps == 0 || self.tried.contains(&choices) {
            return None;
        }
        self.replays -= 1;
        let tried = (self.replay)(&choices);
        self.steps = self.steps.saturating_sub(tried.steps);
        self.tried.insert(choices);
        Some(tried)
    }

    /// Keeps a run if it is better.
    fn keep(&mut self, tried: &Tried) -> bool {
        let fails = tried.failure.as_ref().is_some_and(|failure| is_same_kind(failure, &self.failure));
        let better = fails && tried.cost() < self.best.cost();
        if better {
            self.best = tried.clone();
        }
        better
    }

    fn attempt(&mut self, choices: Vec<u32>) -> bool {
        self.run(choices).is_some_and(|tried| self.keep(&tried))
    }

    fn leave_out(&mut self) {
        loop {
            let before = self.best.cost();
            self.cut_tail();
            self.without_some(|choices, from, to| drop(choices.drain(from..to)));
            self.without_some(|choices, from, to| choices[from..to].fill(0));
            self.lower();
            if self.best.cost() == before {
                return;
            }
        }
    }

    fn cut_tail(&mut self) {
        let mut keep = 0;
        // From nothing to all but one: the short ones are the fast ones, too.
        while keep < self.best.choices().len() {
            let choices = self.best.choices();
            self.attempt(choices[..keep].to_vec());
            keep += (choices.len() / 16).max(1);
        }
    }

    /// Tries it without each part, of half the length down to one choice.
    fn without_some(&mut self, without: impl Fn(&mut Vec<u32>, usize, usize)) {
        let mut size = self.best.choices().len() / 2;
        while size > 0 {
            let mut end = self.best.choices().len();
            while end > 0 {
                let mut choices = self.best.choices();
                end = end.min(choices.len());
                let from = end.saturating_sub(size);
                without(&mut choices, from, end);
                if !self.attempt(choices) {
                    end = end.saturating_sub(size);
                }
            }
            size /= 2;
        }
    }

    /// Tries each choice nearer to the default.
    fn lower(&mut self) {
        let mut at = 0;
        while at < self.best.choices().len() {
            for lower in 0..self.best.choices()[at] {
                let mut choices = self.best.choices();
                choices[at] = lower;
                if self.attempt(choices) {
                    break;
                }
            }
            at += 1;
        }
    }

    /// Tries all there are, beginning with those that choose little.
    fn try_short_ones(&mut self) {
        let mut waiting: BinaryHeap<Reverse<(usize, Vec<u32>)>> = BinaryHeap::new();
        let mut seen = HashSet::new();
        waiting.push(Reverse((0, Vec::new())));
        while let Some(Reverse((_, choices))) = waiting.pop() {
            let shortest = self.best.choices().len();
            if choices.len() > shortest || !seen.insert(choices.clone()) {
                continue;
            }
            if self.replays == 0 || self.steps == 0 {
                return;
            }
            // Run even if it has been: what can follow is wanted.
            self.tried.remove(&choices);
            let Some(tried) = self.run(choices.clone()) else { continue };
            self.keep(&tried);
            let decisions = tried.decisions.iter().enumerate().take(shortest).skip(choices.len());
            for (at, decision) in decisions {
                for other in 1..decision.options {
                    let mut next = choices.clone();
                    next.resize(at, 0);
                    next.push(other);
                    let others = next.iter().filter(|choice| **choice > 0).count();
                    waiting.push(Reverse((next.len() + 2 * others, next)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trace::DecisionKind;
    use super::*;

    /// A program with so many decisions, each among three, that fails if `fails`
    /// says so.
    fn run(length: usize, choices: &[u32], fails: impl Fn(&[u32]) -> Option<Failure>) -> Tried {
        let mut all: Vec<u32> = choices.iter().map(|choice| (*choice).min(2)).collect();
        all.resize(length, 0);
        let failure = fails(&all);
        let decisions = all.into_iter().map(|chosen| Decision { kind: DecisionKind::Task, options: 3, chosen });
        Tried { decisions: decisions.collect(), failure, switches: 0, steps: length }
    }

    fn shrunk(found: &[u32], fails: impl Fn(&[u32]) -> Option<Failure> + Copy) -> (Vec<u32>, u32) {
        let mut replays = 0;
        let best = shrink(run(60, found, fails), |choices| {
            replays += 1;
            run(60, choices, fails)
        });
        (best.choices(), replays)
    }

    fn error() -> Failure {
        Failure::Error(String::from("wrong"))
    }

    #[test]
    fn what_does_not_matter_is_left_out() {
        let noise: Vec<u32> = (0..50).map(|n| n % 3).collect();
        let (choices, replays) = shrunk(&noise, |all| all.contains(&2).then(error));
        assert_eq!(choices, [2]);
        assert!(replays < 200, "{replays}");
    }

    #[test]
    fn a_schedule_that_no_single_change_betters_is_found_another_for() {
        // Two ways to fail, and no path between them.
        let long = |all: &[u32]| all[..12].iter().all(|choice| *choice == 1);
        let short = |all: &[u32]| all.starts_with(&[2, 0, 2]);
        let (choices, _) = shrunk(&[1; 12], |all| (long(all) || short(all)).then(error));
        assert_eq!(choices, [2, 0, 2]);
    }

    #[test]
    fn another_failure_is_not_taken_for_it() {
        let panicked = |line| Failure::Panicked {
            task: String::from("body"),
            message: String::from("wrong"),
            location: Some(format!("a.rs:{line}")),
        };
        let (choices, _) = shrunk(&[1, 2, 1, 2], |all| match all {
            [1, 2, 1, ..] => Some(panicked(7)),
            [1, ..] => Some(panicked(3)),
            _ => None,
        });
        assert_eq!(choices, [1, 2, 1]);
    }

    #[test]
    fn it_ends_after_so_many_replays() {
        let found: Vec<u32> = (0..60).map(|n| 1 + n % 2).collect();
        let all_matter = found.as_slice();
        let (choices, replays) = shrunk(&found, |all| (all == all_matter).then(error));
        assert_eq!(choices, found);
        assert_eq!(replays, REPLAYS);
    }
}

//! From the measured rows and the objectives to a recommendation. Pure.
//!
//! Limits come first: a configuration that keeps them all is preferred to any
//! that does not. Among those, the objective's figure decides; what is within
//! the noise of the best ([`clearly_worse`]) counts as equal, and then loss,
//! latency, freshness, memory and at last simplicity decide. So a configuration
//! that another one clearly dominates is never recommended.

use std::{cmp::Ordering, str::FromStr, time::Duration};

use crate::{measure::Measured, text};

/// What the workload is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objective {
    /// Lowest p99; up to 1 % may be lost.
    Latency,
    /// Lowest age of what is known; losing what has been superseded is fine.
    Freshness,
    /// Every event handled, one by one; then lowest p99.
    Complete,
    /// Least mailbox memory; up to 1 % may be lost.
    Memory,
}

impl Objective {
    pub(crate) const ALL: [Self; 4] = [Self::Complete, Self::Latency, Self::Freshness, Self::Memory];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Freshness => "freshness",
            Self::Complete => "complete",
            Self::Memory => "memory",
        }
    }

    /// The loss, in per cent, that it allows when nobody says.
    fn usual_loss(self) -> Option<f64> {
        match self {
            Self::Complete => Some(0.0),
            Self::Latency | Self::Memory => Some(1.0),
            Self::Freshness => None,
        }
    }

    /// The figures that decide, in order.
    fn figures(self) -> [Figure; 4] {
        use Figure::{Age, Loss, Memory, P99};
        match self {
            Self::Latency | Self::Complete => [P99, Loss, Age, Memory],
            Self::Freshness => [Age, Loss, P99, Memory],
            Self::Memory => [Memory, Loss, P99, Age],
        }
    }
}

impl FromStr for Objective {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|o| o.name() == s)
            .ok_or_else(|| format!("{s:?} is not one of latency, freshness, complete, memory"))
    }
}

/// What must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) max_p99: Option<Duration>,
    pub(crate) max_loss: Option<f64>,
    pub(crate) max_memory: Option<u64>,
    pub(crate) max_age: Option<Duration>,
    /// Merged events count as handled.
    pub(crate) merge_ok: bool,
}

/// An objective and its limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Goal {
    pub(crate) objective: Objective,
    pub(crate) limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    P99,
    Loss,
    Age,
    Memory,
}

/// The answer. Indices are into the rows that were judged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// Best first.
    pub(crate) ranking: Vec<usize>,
    /// How many of the ranking keep every limit.
    pub(crate) feasible: usize,
    /// Per row, what it violates, in words.
    pub(crate) violations: Vec<Vec<String>>,
    /// Per row: no other is better in one of p99, loss, age and memory and no
    /// worse in the others.
    pub(crate) pareto: Vec<bool>,
    /// The rows that keep the limits and are within the noise of the best in the
    /// figure that the objective is about.
    pub(crate) equals: Vec<usize>,
}

impl Verdict {
    /// The recommended row.
    pub(crate) fn best(&self) -> usize {
        self.ranking[0]
    }

    pub(crate) fn is_feasible(&self) -> bool {
        self.feasible > 0
    }
}

/// Judges the rows. There is at least one; earlier rows are the simpler ones.
pub(crate) fn judge(rows: &[Measured], goal: &Goal) -> Verdict {
    let max_loss = goal.limits.max_loss.or(goal.objective.usual_loss());
    let checks: Vec<(f64, Vec<String>)> = rows.iter().map(|m| check(m, &goal.limits, max_loss)).collect();
    let (mut keep, mut break_): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|i| checks[*i].1.is_empty());
    let feasible = keep.len();
    let first = goal.objective.figures()[0];
    let value = |i: usize, f: Figure| figure(&rows[i], f, &goal.limits);
    let best_first = keep.iter().map(|i| value(*i, first)).fold(f64::INFINITY, f64::min);
    let equals = keep.iter().copied().filter(|i| !clearly_worse(first, value(*i, first), best_first)).collect();

    let mut ranking = Vec::with_capacity(rows.len());
    while !keep.is_empty() {
        let next = pick(&keep, &goal.objective.figures(), value);
        keep.retain(|i| *i != next);
        ranking.push(next);
    }
    // What breaks limits is ranked by how far it is from keeping them.
    break_.sort_by(|a, b| checks[*a].0.partial_cmp(&checks[*b].0).unwrap_or(Ordering::Equal).then(a.cmp(b)));
    ranking.extend(break_);

    const FIGURES: [Figure; 4] = [Figure::P99, Figure::Loss, Figure::Age, Figure::Memory];
    let dominates = |a: usize, b: usize| {
        FIGURES.iter().all(|f| value(a, *f) <= value(b, *f)) && FIGURES.iter().any(|f| value(a, *f) < value(b, *f))
    };
    let pareto = (0..rows.len()).map(|b| !(0..rows.len()).any(|a| dominates(a, b))).collect();
    Verdict { ranking, feasible, violations: checks.into_iter().map(|(_, v)| v).collect(), pareto, equals }
}

/// Removes, figure by figure, what is clearly worse than the best that is left;
/// of the rest the first.
fn pick(among: &[usize], figures: &[Figure], value: impl Fn(usize, Figure) -> f64) -> usize {
    let mut left = among.to_vec();
    for f in figures {
        let best = left.iter().map(|i| value(*i, *f)).fold(f64::INFINITY, f64::min);
        left.retain(|i| !clearly_worse(*f, value(*i, *f), best));
    }
    left[0]
}

/// Smaller is better in each.
fn figure(m: &Measured, f: Figure, limits: &Limits) -> f64 {
    match f {
        Figure::P99 => m.latency.map_or(f64::INFINITY, |l| l.p99.as_secs_f64()),
        Figure::Loss => m.loss_percent(!limits.merge_ok),
        Figure::Age => m.age_p99.as_secs_f64(),
        Figure::Memory => m.peak_bytes as f64,
    }
}

/// Whether `x` is worse than `best` by more than a run differs from the next.
///
/// Times: 10 % and 2 ms, the timer's step being 1 ms. Memory: half as much
/// again, and a kibibyte. Loss: a twentieth of a per cent, but any loss is worse
/// than none. For a given `best` this grows with `x`, on which rests that
/// nothing clearly dominated is picked.
fn clearly_worse(f: Figure, x: f64, best: f64) -> bool {
    if best.is_infinite() {
        return false;
    }
    match f {
        Figure::P99 | Figure::Age => x > best * 1.1 && x > best + 0.002,
        Figure::Memory => x > best * 1.5 && x > best + 1024.0,
        Figure::Loss => x > best + 0.05 || (best == 0.0 && x > 0.0),
    }
}

/// How far a row is from keeping the limits, and which it breaks.
fn check(m: &Measured, limits: &Limits, max_loss: Option<f64>) -> (f64, Vec<String>) {
    let mut excess = 0.0;
    let mut broken = Vec::new();
    let mut over = |value: f64, limit: f64, floor: f64, say: String| {
        if value > limit {
            excess += (value - limit) / limit.max(floor);
            broken.push(say);
        }
    };
    if let Some(max) = max_loss {
        let loss = m.loss_percent(!limits.merge_ok);
        over(loss, max, 1.0, format!("loses {}", text::percent(loss)));
    }
    if let (Some(max), Some(l)) = (limits.max_p99, m.latency) {
        over(l.p99.as_secs_f64(), max.as_secs_f64(), 0.001, format!("p99 {}", text::time(l.p99)));
    }
    if let Some(max) = limits.max_age {
        over(m.age_p99.as_secs_f64(), max.as_secs_f64(), 0.001, format!("age {}", text::time(m.age_p99)));
    }
    if let Some(max) = limits.max_memory {
        over(m.peak_bytes as f64, max as f64, 1024.0, format!("memory {}", text::bytes(m.peak_bytes)));
    }
    if m.handled == 0 {
        // Worse than any loss.
        over(1e9, 0.0, 1.0, "handled nothing".to_owned());
    }
    (excess, broken)
}

#[cfg(test)]
#[path = "judge_props.rs"]
mod props;

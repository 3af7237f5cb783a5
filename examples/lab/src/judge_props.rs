//! Properties of the judge over arbitrary tables.

use proptest::prelude::*;

use super::*;
use crate::{
    measure::Latency,
    probe::{Drops, Switches},
};

/// Small ranges on purpose, so that ties and dominance are frequent.
fn row() -> impl Strategy<Value = Measured> {
    (0_u64..30, 0_u64..4, 0_u64..4, 0_u64..40, 0_u64..5, any::<bool>()).prop_map(
        |(p99, lost, merged, age, kib, any)| {
            let handled = if any || lost > 0 { 1000 - lost - merged } else { 0 };
            let t = Duration::from_millis(p99);
            Measured {
                offered: 1000,
                handled,
                merged: if handled > 0 { merged } else { 0 },
                lost: [1000 - handled - if handled > 0 { merged } else { 0 }, 0, 0, 0, 0],
                goodput: 1.0,
                latency: (handled > 0).then_some(Latency { p50: t, p99: t, p999: t }),
                age_p99: Duration::from_millis(age),
                age_mean: Duration::from_millis(age),
                deepest: 1,
                peak_bytes: kib * 1024,
                at_source: 0,
                wakes: None,
                clock_p99: Duration::ZERO,
                switches: Switches::default(),
                dead_letters: Drops::new(),
                disagreements: Vec::new(),
                high_water: 0,
                cut: false,
            }
        },
    )
}

fn goal() -> impl Strategy<Value = Goal> {
    let maybe = |max: u64| prop::option::of(0..max);
    (0_usize..4, maybe(30), prop::option::of(0.0_f64..0.5), maybe(5), maybe(40), any::<bool>()).prop_map(
        |(objective, p99, loss, kib, age, merge_ok)| Goal {
            objective: Objective::ALL[objective],
            limits: Limits {
                max_p99: p99.map(Duration::from_millis),
                max_loss: loss,
                max_memory: kib.map(|k| k * 1024),
                max_age: age.map(Duration::from_millis),
                merge_ok,
            },
        },
    )
}

const FIGURES: [Figure; 4] = [Figure::P99, Figure::Loss, Figure::Age, Figure::Memory];

proptest! {
    /// A limit is kept if any configuration keeps them all.
    #[test]
    fn no_limit_is_broken_where_another_keeps_them_all(rows in prop::collection::vec(row(), 1..12), goal in goal()) {
        let v = judge(&rows, &goal);
        let kept = v.violations.iter().filter(|b| b.is_empty()).count();
        prop_assert_eq!(v.feasible, kept);
        prop_assert_eq!(v.violations[v.best()].is_empty(), kept > 0);
        prop_assert!(v.ranking[..kept].iter().all(|i| v.violations[*i].is_empty()));
    }

    /// Every row is ranked once, and the same rows give the same answer.
    #[test]
    fn the_ranking_is_a_permutation_and_deterministic(rows in prop::collection::vec(row(), 1..12), goal in goal()) {
        let v = judge(&rows, &goal);
        let mut seen = v.ranking.clone();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..rows.len()).collect::<Vec<_>>());
        prop_assert_eq!(v, judge(&rows, &goal));
    }

    /// What another configuration that keeps the limits clearly dominates is
    /// not recommended.
    #[test]
    fn nothing_clearly_dominated_is_recommended(rows in prop::collection::vec(row(), 1..12), goal in goal()) {
        let v = judge(&rows, &goal);
        prop_assume!(v.is_feasible());
        let value = |i: usize, f: Figure| figure(&rows[i], f, &goal.limits);
        let best = v.best();
        for a in (0..rows.len()).filter(|i| v.violations[*i].is_empty()) {
            let no_worse = FIGURES.iter().all(|f| value(a, *f) <= value(best, *f));
            let better = FIGURES.iter().any(|f| clearly_worse(*f, value(best, *f), value(a, *f)));
            prop_assert!(!(no_worse && better), "{} dominates {}", a, best);
        }
    }

    /// The order of the rows matters only where nothing tells them apart.
    #[test]
    fn another_order_gives_an_equally_good_answer(rows in prop::collection::vec(row(), 1..12), goal in goal()) {
        let mut turned = rows.clone();
        turned.reverse();
        let (a, b) = (judge(&rows, &goal), judge(&turned, &goal));
        prop_assert_eq!(a.feasible, b.feasible);
        prop_assume!(a.is_feasible());
        let first = goal.objective.figures()[0];
        let x = figure(&rows[a.best()], first, &goal.limits);
        let y = figure(&turned[b.best()], first, &goal.limits);
        prop_assert!(!clearly_worse(first, x, y) && !clearly_worse(first, y, x), "{} {}", x, y);
    }

    /// The front is not empty, and nothing on it is dominated.
    #[test]
    fn the_front_is_a_front(rows in prop::collection::vec(row(), 1..12), goal in goal()) {
        let v = judge(&rows, &goal);
        prop_assert!(v.pareto.contains(&true));
        let value = |i: usize, f: Figure| figure(&rows[i], f, &goal.limits);
        for (b, on_front) in v.pareto.iter().enumerate() {
            let dominated = (0..rows.len()).any(|a| {
                FIGURES.iter().all(|f| value(a, *f) <= value(b, *f)) && FIGURES.iter().any(|f| value(a, *f) < value(b, *f))
            });
            prop_assert_eq!(*on_front, !dominated);
        }
    }
}

//! Strategies against what there is to find, in the world of abstract programs.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::report::Coverage;
use super::super::trace::Trace;
use super::toy::{Op, Program};
use super::{Delays, Exhaustive, Pct, Random, Reduced, Search};

/// Programs with more orders are not searched in full.
const MOST: u64 = 1_000;

/// How many programs were compared, and in how many runs of either search.
#[derive(Debug, Default)]
struct Compared {
    programs: u64,
    full: u64,
    reduced: u64,
}

/// Holds the reduction against full search, on the programs of these seeds.
fn compare(seeds: Range<u64>) -> Result<Compared, String> {
    let mut compared = Compared::default();
    for seed in seeds {
        let program = Program::random(seed);
        let Some((all, full)) = program.outcomes(&mut Exhaustive::new(), MOST) else { continue };
        let Some((some, reduced)) = program.outcomes(&mut Reduced::new(), MOST * 10) else {
            return Err(format!("seed {seed}: no end: {program:?}"));
        };
        if all != some {
            let missing: Vec<_> = all.difference(&some).collect();
            return Err(format!("seed {seed}: {program:?}: the reduction misses {missing:?}"));
        }
        compared.programs += 1;
        compared.full += full;
        compared.reduced += reduced;
    }
    Ok(compared)
}

#[test]
fn what_the_reduction_leaves_out_changes_no_outcome() {
    let compared = compare(0..1_500).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    assert!(compared.programs > 1_000, "most are too big: {compared:?}");
    assert!(compared.reduced * 4 < compared.full, "{compared:?}");
}

/// Who ran, step by step, in each run.
fn runs(program: &Program, search: &mut dyn Search) -> Vec<Vec<u32>> {
    let mut runs = Vec::new();
    let ran = |trace: &Trace| trace.events.iter().map(|event| event.task.0).collect();
    assert!(program.each_run(search, 100_000, |trace, _| runs.push(ran(trace))));
    runs
}

/// `n` tasks of one step each.
fn steps(n: usize) -> Program {
    Program::of(&vec![[Op::Write(0)].as_slice(); n])
}

#[test]
fn delays_are_counted() {
    // Of four, so many orders have so many pairs the other way round: each is a delay.
    for (most, orders) in [(0, 1), (1, 4), (2, 9), (3, 15), (4, 20), (5, 23), (6, 24)] {
        let mut search = Delays::new(most);
        let all: BTreeSet<_> = runs(&steps(4), &mut search).into_iter().collect();
        assert_eq!(all.len(), orders, "at most {most} delays");
        let coverage = if orders < 24 { Coverage::Bounded } else { Coverage::Exhausted };
        assert_eq!(search.coverage(), coverage, "at most {most} delays");
    }
}

#[test]
fn what_a_program_chooses_is_no_delay() {
    let program = Program::of(&[&[Op::Choose(3), Op::Choose(2)], &[Op::Write(0)]]);
    assert_eq!(runs(&program, &mut Delays::new(0)).len(), 6);
}

#[test]
fn the_same_seed_makes_the_same_runs() {
    let program = steps(5);
    let of_random = |seed| runs(&program, &mut Random::new(200, seed));
    let of_pct = |seed| runs(&program, &mut Pct::new(3, 200, seed));
    for seed in [0, 1, 2] {
        assert_eq!((of_random(seed), of_pct(seed)), (of_random(seed), of_pct(seed)), "seed {seed}");
        assert_eq!((of_random(seed).len(), of_pct(seed).len()), (200, 200), "seed {seed}");
        assert_ne!((of_random(seed), of_pct(seed)), (of_random(seed + 1), of_pct(seed + 1)), "seed {seed}");
    }
}

#[test]
fn all_orders_come_up_by_chance() {
    let orders = |mut search: Box<dyn Search>| runs(&steps(4), &mut *search).into_iter().collect::<BTreeSet<_>>().len();
    assert_eq!(orders(Box::new(Random::new(1_000, 7))), 24, "seed 7");
    assert_eq!(orders(Box::new(Pct::new(3, 1_000, 7))), 24, "seed 7");
}

/// A fault of depth two: one task has to go on when all others have done nothing of what they could.
#[test]
fn priorities_find_what_is_found_by_chance_too_seldom() {
    let long = [Op::Write(0), Op::Yield].repeat(12);
    let program = Program::of(&[&long, &[Op::Write(1)]]);
    let last = |runs: Vec<Vec<u32>>| runs.iter().filter(|run| run.last() == Some(&2)).count();
    let by_chance = last(runs(&program, &mut Random::new(400, 3)));
    let by_priority = last(runs(&program, &mut Pct::new(1, 400, 3)));
    assert!(by_chance < 4 && by_priority > 150, "seed 3: {by_chance} and {by_priority} of 400");
}

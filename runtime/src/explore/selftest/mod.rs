//! Whether the reduction leaves anything out: random programs, explored in full
//! and reduced.
//!
//! [`Strategy::Reduced`](super::Strategy::Reduced) runs one of all orders that
//! differ in nothing that matters. That is right only if all that matters is
//! known: every shared thing that a step touches, and every step that enables
//! another. Nobody can see by looking at it that nothing was forgotten. So
//! [`check`] makes programs at random, of one to three actors and as many
//! clients, which tell, ask, reserve, wait, watch, stop, kill, fail, and switch
//! modes, on the same runtime as any other; searches each of them in full, by
//! [`Strategy::Exhaustive`](super::Strategy::Exhaustive), and reduced; and holds
//! what can come of it, one way and the other, against each other. What comes of
//! a program is what each of its actors and clients has seen, in order, and how
//! it ended, well or not.
//!
//! ```
//! let found = tidegate::explore::selftest::check(0..5);
//! assert!(found.is_clean(), "{found}");
//! assert_eq!(found.programs, 5);
//! ```

mod order;
mod program;
mod space;
#[cfg(all(test, not(tidegate_loom)))]
mod tests;
mod world;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::program::Program;
use self::space::{Outcome, Space, explore};
use super::schedule::Schedule;
use super::strategy::{Exhaustive, Random, Reduced};

/// A program with more orders than this is not searched in full by [`check`].
const MOST: u64 = 500;

/// How many orders are taken at random of each program.
const RANDOM: u64 = 20;

/// What [`check`] has found.
#[derive(Clone, Debug, Default)]
#[must_use = "this says whether the reduction can be relied on"]
#[non_exhaustive]
pub struct Checked {
    /// How many programs were made.
    pub programs: u64,
    /// How many of them have too many orders to search them all. Nothing is
    /// known of these.
    pub too_big: u64,
    /// How many different things can come of the others, added up.
    pub outcomes: u64,
    /// How many orders of them there are, added up.
    pub orders: u64,
    /// How many of these the reduction ran.
    pub reduced: u64,
    /// How many it broke off.
    pub pruned: u64,
    /// Where the two differ.
    pub mismatches: Vec<Mismatch>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A program of which the reduction shows too little, or too much.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mismatch {
    /// The program's seed: `check(seed..seed + 1)` shows it again.
    pub seed: u64,
    /// The smallest program made from it that shows a difference.
    pub program: String,
    /// What is different, and a schedule for it.
    pub differences: Vec<String>,
}

impl Checked {
    /// How many programs were searched both ways.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.programs - self.too_big
    }

    /// Whether no program shows a difference.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.mismatches.is_empty()
    }
}

/// Makes a program of each seed, and compares what comes of it in all orders
/// and in those that the reduction runs.
///
/// Programs with more than 500 orders are counted, and not compared: about one in
/// three. Equal seeds make equal programs.
pub fn check(seeds: Range<u64>) -> Checked {
    check_up_to(seeds, MOST)
}

/// The same, of programs with up to `most` orders.
///
/// ```
/// let found = tidegate::explore::selftest::check_up_to(0..5, 50);
/// assert!(found.is_clean() && found.too_big > 0, "{found}");
/// ```
pub fn check_up_to(seeds: Range<u64>, most: u64) -> Checked {
    let begun = Instant::now();
    let mut checked = Checked::default();
    for seed in seeds {
        checked.programs += 1;
        let program = Program::random(seed);
        match compare(&program, most) {
            Compared::TooBig => checked.too_big += 1,
            Compared::Both { full, reduced, differences } => {
                checked.outcomes += full.outcomes.len() as u64;
                checked.orders += full.runs;
                checked.reduced += reduced.runs;
                checked.pruned += reduced.pruned;
                if !differences.is_empty() {
                    let (program, differences) = smallest(program, differences, most);
                    checked.mismatches.push(Mismatch { seed, program: program.to_string(), differences });
                }
            }
        }
    }
    checked.elapsed = begun.elapsed();
    checked
}

enum Compared {
    TooBig,
    Both { full: Space, reduced: Space, differences: Vec<String> },
}

fn compare(program: &Program, most: u64) -> Compared {
    let program = Arc::new(program.clone());
    let full = explore(&program, Box::new(Exhaustive::new()), most);
    if !full.is_complete {
        return Compared::TooBig;
    }
    // It may be worse than a search of everything, but not without end.
    let reduced = explore(&program, Box::new(Reduced::new()), most * 4);
    let random = explore(&program, Box::new(Random::new(RANDOM, 0)), RANDOM);
    let mut differences = Vec::new();
    if !reduced.is_complete {
        differences.push(format!("the reduction runs more than {}", most * 4));
    }
    differences.extend(reduced.again.iter().map(|schedule| format!("run before when reduced (schedule {schedule})")));
    differences.extend(missing(&full, &reduced).map(|it| tell("not seen when reduced", it)));
    differences.extend(missing(&reduced, &full).map(|it| tell("seen only when reduced", it)));
    differences.extend(missing(&random, &full).map(|it| tell("seen only at random", it)));
    Compared::Both { full, reduced, differences }
}

/// What the one has and the other has not.
fn missing<'a>(of: &'a Space, other: &'a Space) -> impl Iterator<Item = (&'a Outcome, &'a Schedule)> {
    of.outcomes.iter().filter(|(outcome, _)| !other.outcomes.contains_key(outcome))
}

fn tell(how: &str, (outcome, schedule): (&Outcome, &Schedule)) -> String {
    format!("{how}: {outcome} (schedule {schedule})")
}

/// Takes things out of a program for as long as it shows a difference.
fn smallest(mut program: Program, mut differences: Vec<String>, most: u64) -> (Program, Vec<String>) {
    'smaller: loop {
        for smaller in program.smaller() {
            if let Compared::Both { differences: found, .. } = compare(&smaller, most)
                && !found.is_empty()
            {
                (program, differences) = (smaller, found);
                continue 'smaller;
            }
        }
        return (program, differences);
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { programs, too_big, outcomes, orders, reduced, pruned, mismatches, elapsed } = self;
        write!(
            f,
            "{} of {programs} programs compared ({too_big} too big), {} mismatches: {outcomes} outcomes, {orders} \
             orders, {reduced} reduced ({pruned} pruned), in {elapsed:.1?}",
            self.compared(),
            mismatches.len(),
        )?;
        mismatches.iter().try_for_each(|mismatch| write!(f, "\n\n{mismatch}"))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}\n{}", self.seed, self.program)?;
        self.differences.iter().try_for_each(|difference| write!(f, "\n{difference}"))
    }
}

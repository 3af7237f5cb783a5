//! `cargo xtask test`: every part, one after another, and what came of it.

use std::time::{Duration, Instant};

use crate::parts::{PARTS, Part};
use crate::tally::{Outcome, Tally};
use crate::{Ended, Result};

/// Runs the parts named, or all of them, in their own order.
pub(crate) fn command(args: &[String]) -> Result<Ended> {
    if let Some(unknown) = args.iter().find(|arg| PARTS.iter().all(|part| part.name != **arg)) {
        let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        return Ok(Ended::Misused(format!("`test` has no part `{unknown}`; it has {}", known.join(", "))));
    }
    let chosen: Vec<&Part> =
        PARTS.iter().filter(|part| args.is_empty() || args.iter().any(|arg| arg == part.name)).collect();
    let begun = Instant::now();
    let mut ended = Vec::new();
    for (index, part) in chosen.iter().enumerate() {
        println!("\n== {} ({} of {}): {}", part.name, index + 1, chosen.len(), part.what);
        let begun = Instant::now();
        let outcome = (part.run)();
        let took = begun.elapsed();
        match &outcome.complaint {
            None => println!("== {} passed in {}", part.name, seconds(took)),
            Some(why) => println!("== {} FAILED in {}: {why}", part.name, seconds(took)),
        }
        ended.push((*part, outcome, took));
    }
    Ok(Ended::Ran(report(&ended, begun.elapsed())))
}

/// Prints how each part ended and the closing line; `true` if all passed.
fn report(ended: &[(&Part, Outcome, Duration)], took: Duration) -> bool {
    println!("\n{:<10} {:<7} {:>7} {:>10}", "part", "", "tests", "time");
    for (part, outcome, took) in ended {
        let verdict = if outcome.passed() { "passed" } else { "FAILED" };
        let tests = outcome.tally.passed + outcome.tally.failed;
        println!("{:<10} {verdict:<7} {tests:>7} {:>10}", part.name, seconds(*took));
    }
    println!("{:<10} {:<7} {:>7} {:>10}", "in all", "", "", seconds(took));

    let failed: Vec<&(&Part, Outcome, Duration)> = ended.iter().filter(|(_, outcome, _)| !outcome.passed()).collect();
    if !failed.is_empty() {
        println!("\nWhat failed, and how to run only that again:");
        for (part, outcome, _) in &failed {
            println!("  {}: {}", part.name, outcome.complaint.as_deref().unwrap_or_default());
            println!("      cargo xtask test {}", part.name);
        }
    }
    println!("\n{}", closing_line(ended.iter().map(|(_, outcome, _)| outcome)));
    failed.is_empty()
}

/// `N passed, N failed`: the parts, and the single tests, models, mutants,
/// examples and feature sets in them.
fn closing_line<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    let mut all = Tally::default();
    for outcome in outcomes {
        all += outcome.tally;
        all.count(outcome.passed());
    }
    format!("{} passed, {} failed", all.passed, all.failed)
}

/// Writes a duration as a person reads it.
pub(crate) fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{closing_line, command};
    use crate::Ended;
    use crate::tally::{Outcome, Tally};

    #[test]
    fn the_closing_line_counts_parts_and_tests() {
        let outcomes = [
            Outcome::from(Ok(())),
            Outcome::from((Tally { passed: 10, failed: 2, ignored: 0 }, Ok(()))),
            Outcome::from((Tally { passed: 5, failed: 0, ignored: 0 }, Err("killed".to_owned()))),
        ];
        assert_eq!(closing_line(outcomes.iter()), "16 passed, 4 failed");
    }

    #[test]
    fn an_unknown_part_is_a_mistake_that_names_the_known_ones() {
        let Ok(Ended::Misused(why)) = command(&["models".to_owned(), "lint".to_owned()]) else {
            panic!("nothing may run");
        };
        assert!(why.starts_with("`test` has no part `lint`; it has fmt, book, "), "{why}");
    }
}

//! `cargo xtask bench` and `cargo xtask lab`: programs that take their own arguments.

use crate::shell::{cargo, run};
use crate::{Ended, Result};

/// Our own benchmarks; with `explore` first, how fast programs are explored; with
/// `compare` first, those against other crates.
pub(crate) fn bench(args: &[String]) -> Result<Ended> {
    match args.split_first() {
        // The profile of the figures in the documentation: one codegen unit, LTO.
        Some((first, rest)) if first == "compare" => hand_on(&["--profile", "bench", "-p", "tidegate-compare"], rest),
        // Apart: what exploring needs costs the rest a little.
        Some((first, rest)) if first == "explore" => own(&["--features", "explore", "--bench", "explore"], rest),
        _ => own(&[], args),
    }
}

/// The lab.
pub(crate) fn lab(args: &[String]) -> Result<Ended> {
    hand_on(&["--release", "-p", "lab"], args)
}

fn hand_on(program: &[&str], args: &[String]) -> Result<Ended> {
    run(cargo(&["run"]).args(program).arg("--").args(args)).map(|()| Ended::Ran(true))
}

/// Benchmarks are no program of their own: `cargo bench` runs them.
fn own(what: &[&str], args: &[String]) -> Result<Ended> {
    run(cargo(&["bench", "-p", "tidegate-benches"]).args(what).arg("--").args(args)).map(|()| Ended::Ran(true))
}

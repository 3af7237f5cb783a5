//! The parts of `cargo xtask test`.
//!
//! They share one target directory, and their order lets one reuse what another
//! has built. What a part cannot run makes it fail; none is skipped.

use crate::shell::{cargo, run, stream};
use crate::tally::{Outcome, Tally};
use crate::{book, examples, features, model, mutants, package, tools};

/// One part.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn() -> Outcome,
}

/// All of them, in the order they run: what takes seconds comes first.
pub(crate) const PARTS: &[Part] = &[
    Part { name: "fmt", what: "everything is formatted", run: fmt },
    Part { name: "book", what: "the book's listings, links and pages are there", run: book },
    Part { name: "package", what: "what would be published has what it needs", run: package },
    Part { name: "deny", what: "licences, sources and bans of all dependencies", run: deny },
    Part { name: "clippy", what: "no lint anywhere, all targets and features", run: clippy },
    Part { name: "features", what: "each feature alone, none, and all", run: features },
    Part { name: "docs", what: "the documentation builds without a warning", run: docs },
    Part { name: "unit", what: "unit, integration and compile-fail tests", run: unit },
    Part { name: "doctest", what: "the examples in the documentation", run: doctest },
    Part { name: "examples", what: "each example prints what it is expected to", run: examples },
    Part { name: "models", what: "every loom model, one process each", run: models },
    Part { name: "loom-user", what: "a user's own models, beside tidegate's structures", run: loom_user },
    Part { name: "mutants", what: "every mutant is killed by its model", run: mutants },
];

fn fmt() -> Outcome {
    run(&mut cargo(&["fmt", "--all", "--check"])).into()
}

fn clippy() -> Outcome {
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])).into()
}

/// Without the comparison with other crates: its dependencies are heavy, and it
/// documents nothing that a user reads.
fn docs() -> Outcome {
    let mut doc = cargo(&["doc", "--no-deps", "--workspace", "--exclude", "tidegate-compare", "--all-features"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings")).into()
}

fn unit() -> Outcome {
    cargo_test(&["--lib", "--bins", "--tests", "--examples"])
}

fn doctest() -> Outcome {
    cargo_test(&["--doc"])
}

/// Tests of the default members; the comparison only has to pass clippy.
fn cargo_test(what: &[&str]) -> Outcome {
    let mut tally = Tally::default();
    let result = stream(cargo(&["test", "--all-features", "--no-fail-fast"]).args(what), |line| tally.read(line));
    let ran = tally.passed + tally.failed > 0;
    let result = result.and_then(|()| if ran { Ok(()) } else { Err("not one test was run".to_owned()) });
    (tally, result).into()
}

fn features() -> Outcome {
    features::check()
}

fn deny() -> Outcome {
    tools::deny().into()
}

fn models() -> Outcome {
    model::run_all(&model::Options::default())
}

fn loom_user() -> Outcome {
    let mut tally = Tally::default();
    let result = model::loom_target().and_then(|target| {
        let mut test = cargo(&["test", "-p", "tidegate-loom-user", "--profile", "loom", "--tests"]);
        stream(model::under_loom(test.arg("--target-dir").arg(target)), |line| tally.read(line))
    });
    // Without the cfg there would be none.
    let found = if tally.passed + tally.failed > 0 { Ok(()) } else { Err("not one model was run".to_owned()) };
    (tally, result.and(found)).into()
}

fn mutants() -> Outcome {
    mutants::run_all(&model::Options::default())
}

fn book() -> Outcome {
    book::check().into()
}

fn examples() -> Outcome {
    examples::check()
}

fn package() -> Outcome {
    package::check()
}

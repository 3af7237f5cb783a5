//! `cargo xtask model --mutants`: a model is worth what it notices.
//!
//! The concurrent code names the places where one step is left out or one
//! ordering is weakened if `TIDEGATE_MUTANT` says so, each with the model that
//! must notice. Here every one is switched on, alone, and its model has to fail.
//! The same model has to pass without it, or its failing would mean nothing.

use std::collections::BTreeSet;

use crate::Result;
use crate::model::{Options, Program};
use crate::shell::{Finished, ending, in_parallel};
use crate::tally::{Outcome, Tally};
use crate::test::seconds;

/// How the listing test starts each of its lines.
const MARK: &str = "tidegate-mutant: ";
/// The test that prints the list.
const LIST: &str = "mutants::list";

/// A weakened place, and the model that notices.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mutant {
    name: String,
    model: String,
}

/// Builds the models and runs the mutants that the filter wants.
pub(crate) fn run_all(options: &Options) -> Outcome {
    let mut tally = Tally::default();
    let result = Program::build().and_then(|program| run_mutants(&program, options, &mut tally));
    (tally, result).into()
}

fn run_mutants(program: &Program, options: &Options, tally: &mut Tally) -> Result<()> {
    let all = list(program, options)?;
    let wanted: Vec<&Mutant> =
        all.iter().filter(|mutant| options.wants(&mutant.name) || options.wants(&mutant.model)).collect();
    if wanted.is_empty() {
        return Err(format!("none of {} mutants has that in its name or in the name of its model", all.len()));
    }
    sound_without_mutant(program, options, &wanted)?;

    let width = wanted.iter().map(|mutant| mutant.name.len()).max().unwrap_or(0);
    let model_width = wanted.iter().map(|mutant| mutant.model.len()).max().unwrap_or(0);
    println!("{:<width$} {:<model_width$} {:>10}  killed by", "mutant", "model", "time");
    let verdicts = in_parallel(
        &wanted,
        |mutant| {
            let finished = program.run(&mutant.model, options, Some(&mutant.name))?;
            judge(&finished).map(|how| (how, finished.took))
        },
        |mutant, verdict| {
            let Mutant { name, model } = mutant;
            match verdict {
                Ok((how, took)) => println!("{name:<width$} {model:<model_width$} {:>10}  {how}", seconds(*took)),
                Err(why) => println!(
                    "{name:<width$} {model:<model_width$} {:>10}  {why}\n  by hand: TIDEGATE_MUTANT={name} {}",
                    "FAILED",
                    program.by_hand(model)
                ),
            }
        },
    );
    for verdict in &verdicts {
        tally.count(verdict.is_ok());
    }
    if options.filter.is_none() {
        let named: BTreeSet<&str> = all.iter().map(|mutant| mutant.model.as_str()).collect();
        for model in program.models().filter(|model| !named.contains(model)) {
            println!("note: {model} has no mutant, so nobody knows what it would notice");
        }
    }
    println!("{} mutants, {} killed", wanted.len(), tally.passed);
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(())
}

/// Asks the test program for its mutants.
fn list(program: &Program, options: &Options) -> Result<Vec<Mutant>> {
    let suffix = format!("::{LIST}");
    let mut lists = program.tests().iter().filter(|test| *test == LIST || test.ends_with(&suffix));
    let (Some(test), None) = (lists.next(), lists.next()) else {
        return Err(format!("the test program needs exactly one test `{LIST}` that prints the mutants"));
    };
    let finished = program.run(test, options, None)?;
    if !finished.succeeded() {
        return Err(format!("`{test}` failed, so the mutants are not known; {}", program.by_hand(test)));
    }
    let models: BTreeSet<&str> = program.models().collect();
    read_list(finished.lines(), &models)
}

/// Reads the list, and refuses one that could hide a mutant.
fn read_list<'a>(lines: impl Iterator<Item = &'a str>, models: &BTreeSet<&str>) -> Result<Vec<Mutant>> {
    let mut mutants: Vec<Mutant> = Vec::new();
    // Not at the start of the line: the test harness has written its own there.
    for entry in lines.filter_map(|line| line.split_once(MARK)).map(|(_, entry)| entry) {
        let mut words = entry.split_whitespace();
        let (Some(name), Some(model), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("`{MARK}{entry}` is not `{MARK}NAME MODEL`"));
        };
        if !models.contains(model) {
            return Err(format!("the mutant `{name}` names the model `{model}`, which is not there"));
        }
        if mutants.iter().any(|mutant| mutant.name == name) {
            return Err(format!("there are two mutants `{name}`"));
        }
        mutants.push(Mutant { name: name.to_owned(), model: model.to_owned() });
    }
    if mutants.is_empty() { Err(format!("`{LIST}` prints no mutant")) } else { Ok(mutants) }
}

/// Runs each model that is needed as it is: it has to pass.
fn sound_without_mutant(program: &Program, options: &Options, wanted: &[&Mutant]) -> Result<()> {
    let models: Vec<&str> =
        wanted.iter().map(|mutant| mutant.model.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    println!("running {} models without a mutant first", models.len());
    let sound = in_parallel(
        &models,
        |model| program.run(model, options, None).is_ok_and(|finished| finished.succeeded()),
        |model, sound| {
            if !sound {
                println!("{model} fails without any mutant");
            }
        },
    );
    let unsound = sound.iter().filter(|sound| !**sound).count();
    if unsound == 0 { Ok(()) } else { Err(format!("{unsound} models fail without any mutant: see to these first")) }
}

/// Decides whether the model noticed, and says how.
fn judge(finished: &Finished) -> Result<String> {
    let Some(status) = finished.status else {
        return Err(format!("cut off after {}: the model has not noticed in time", seconds(finished.took)));
    };
    if !finished.lines().any(|line| line.trim() == "running 1 test") {
        return Err("the model did not run".to_owned());
    }
    if status.success() {
        return Err("SURVIVED: the model does not notice".to_owned());
    }
    Ok(format!("{}, {}", ending(status), first_panic(finished)))
}

/// The first thing that a panic said.
fn first_panic(finished: &Finished) -> String {
    // Standard error comes first in time where the two were written to in turn.
    let mut lines = finished.stderr.lines().chain(finished.stdout.lines());
    while let Some(line) = lines.next() {
        if line.contains("panicked at ") {
            // The message is on the line behind the place.
            let message = lines.find(|line| !line.trim().is_empty()).unwrap_or(line);
            return message.trim().chars().take(100).collect();
        }
    }
    "without a panic".to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Mutant, judge, read_list};
    use std::collections::BTreeSet;

    fn read(text: &str) -> Result<Vec<Mutant>, String> {
        read_list(text.lines(), &BTreeSet::from(["a::model::x", "a::model::y"]))
    }

    #[test]
    fn a_list_is_read() {
        let list = read(
            "running 1 test\ntest mutants::list ... tidegate-mutant: one a::model::x\ntidegate-mutant: two a::model::y\nok",
        );
        let mutant = |name: &str, model: &str| Mutant { name: name.to_owned(), model: model.to_owned() };
        assert_eq!(list, Ok(vec![mutant("one", "a::model::x"), mutant("two", "a::model::y")]));
    }

    #[test]
    fn a_list_that_could_hide_a_mutant_is_refused() {
        let refused = |text: &str, why: &str| {
            let error = read(text).expect_err(text);
            assert!(error.contains(why), "{error}");
        };
        refused("ok", "prints no mutant");
        refused("tidegate-mutant: one", "is not");
        refused("tidegate-mutant: one a::model::gone", "not there");
        refused("tidegate-mutant: one a::model::x\ntidegate-mutant: one a::model::y", "two mutants `one`");
    }

    #[cfg(unix)]
    #[test]
    fn a_mutant_is_dead_only_if_its_model_ran_and_failed() {
        use crate::shell::watch;
        use std::process::Command;
        use std::time::Duration;

        let wrote = |script: &str, seconds: f32| {
            let limit = Duration::from_secs_f32(seconds);
            judge(&watch(Command::new("/bin/sh").args(["-c", script]), limit).expect("starts"))
        };
        let panic = "echo 'running 1 test'; echo \"thread 'x' panicked at src/a.rs:1:2:\" >&2; echo 'lost wake-up' >&2";
        assert_eq!(wrote(&format!("{panic}; exit 101"), 60.0).as_deref(), Ok("exit 101, lost wake-up"));
        assert_eq!(wrote(&format!("{panic}; kill -ABRT $$"), 60.0).as_deref(), Ok("signal 6, lost wake-up"));
        let survived = wrote("echo 'running 1 test'", 60.0).expect_err("lives");
        assert!(survived.starts_with("SURVIVED"), "{survived}");
        let absent = wrote("echo 'running 0 tests'; exit 101", 60.0).expect_err("did not run");
        assert_eq!(absent, "the model did not run");
        let slow = wrote("echo 'running 1 test'; exec sleep 100", 0.3).expect_err("too slow");
        assert!(slow.starts_with("cut off"), "{slow}");
    }
}

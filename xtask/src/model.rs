//! `cargo xtask model`: every loom model, in a process of its own.
//!
//! A process each, because loom ends a deadlock by aborting, which would take the
//! models behind it along. A run that was cut off counts as failed, and so does a
//! model that reports no iterations or only one: it has explored nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::metadata::{Metadata, executables};
use crate::mutants;
use crate::shell::{Finished, cargo, ending, in_parallel, output_of, root, shown, watch};
use crate::tally::{Outcome, Tally};
use crate::test::seconds;
use crate::{Ended, Result};

/// Fewer models than this and something has got lost on the way here.
const FEWEST: usize = 25;
/// What the helper of the crate prints when a model has explored everything.
const MARK: &str = "tidegate-model: iterations=";
/// Settings of loom that end a model early and call it passed, or that change
/// what it explores; they stay out whatever the environment says.
const NOT_FROM_OUTSIDE: [&str; 5] = [
    "LOOM_MAX_DURATION",
    "LOOM_MAX_PERMUTATIONS",
    "LOOM_MAX_THREADS",
    "LOOM_CHECKPOINT_FILE",
    "LOOM_CHECKPOINT_INTERVAL",
];

/// What may be set on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// How many preemptions loom explores; a model may set its own.
    pub(crate) bound: usize,
    /// What one model may take.
    pub(crate) limit: Duration,
    /// Run the mutants instead of the models.
    pub(crate) mutants: bool,
    /// Only names that contain this.
    pub(crate) filter: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { bound: 2, limit: Duration::from_secs(120), mutants: false, filter: None }
    }
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--mutants" => options.mutants = true,
                "--bound" => options.bound = number(arg, args.next())?,
                "--limit" => options.limit = Duration::from_secs(number(arg, args.next())?),
                flag if flag.starts_with('-') => return Err(format!("`model` has no option `{flag}`")),
                filter if options.filter.is_none() => options.filter = Some(filter.to_owned()),
                second => return Err(format!("`model` takes one filter; what is `{second}`?")),
            }
        }
        Ok(options)
    }

    /// Whether the filter lets this name through.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filter.as_deref().is_none_or(|filter| name.contains(filter))
    }
}

fn number<N: std::str::FromStr>(option: &str, value: Option<&String>) -> Result<N> {
    let value = value.ok_or_else(|| format!("`{option}` needs a number"))?;
    value.parse().map_err(|_| format!("`{option}` needs a number, and `{value}` is none"))
}

/// `cargo xtask model`.
pub(crate) fn command(args: &[String]) -> Result<Ended> {
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(why) => return Ok(Ended::Misused(why)),
    };
    let outcome = if options.mutants { mutants::run_all(&options) } else { run_all(&options) };
    if let Some(why) = &outcome.complaint {
        eprintln!("error: {why}");
    }
    Ok(Ended::Ran(outcome.passed()))
}

/// A target directory of its own: the flags of these builds differ from those of
/// every other, and one directory would hold only the latest.
pub(crate) fn loom_target() -> Result<PathBuf> {
    Ok(Metadata::read()?.target.join("loom"))
}

/// Has a command of cargo's build for loom.
pub(crate) fn under_loom(cargo: &mut Command) -> &mut Command {
    // In place of whatever flags the environment sets: cargo takes this
    // variable before all others, so no setting outside can drop the cfg.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "--cfg\x1ftidegate_loom").env_remove("RUSTFLAGS")
}

/// The test program of the crate, built for loom.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// All tests in it, by their full names.
    tests: Vec<String>,
}

impl Program {
    /// Builds it.
    pub(crate) fn build() -> Result<Self> {
        let target = loom_target()?;
        let mut build = cargo(&["test", "-p", "tidegate", "--lib", "--no-default-features", "--profile", "loom"]);
        build.args(["--no-run", "--message-format=json-render-diagnostics", "--target-dir"]).arg(target);
        under_loom(&mut build);
        println!("$ RUSTFLAGS=\"--cfg tidegate_loom\" {}", shown(&build));
        let built = executables(&output_of(&mut build)?);
        let [(_, path)] = built.as_slice() else {
            return Err(format!("cargo built {} test programs of `tidegate` where one was expected", built.len()));
        };
        let listed = output_of(Command::new(path).args(["--list", "--format", "terse"]))?;
        let tests = listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect();
        Ok(Self { path: path.clone(), tests })
    }

    /// All tests that are models.
    pub(crate) fn models(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().map(String::as_str).filter(|name| is_model(name))
    }

    /// All tests.
    pub(crate) fn tests(&self) -> &[String] {
        &self.tests
    }

    /// Runs one test by its full name.
    pub(crate) fn run(&self, test: &str, options: &Options, mutant: Option<&str>) -> Result<Finished> {
        let mut command = Command::new(&self.path);
        command.args(["--exact", test, "--nocapture", "--test-threads=1"]).current_dir(root().join("runtime"));
        for name in NOT_FROM_OUTSIDE {
            command.env_remove(name);
        }
        command.env("LOOM_MAX_PREEMPTIONS", options.bound.to_string()).env_remove("TIDEGATE_MUTANT");
        if let Some(mutant) = mutant {
            command.env("TIDEGATE_MUTANT", mutant);
        }
        watch(&mut command, options.limit)
    }

    /// The command that runs one test by hand.
    pub(crate) fn by_hand(&self, test: &str) -> String {
        format!("{} --exact {test} --nocapture --test-threads=1", Path::new(&self.path).display())
    }
}

fn is_model(name: &str) -> bool {
    name.contains("::model::") || name.starts_with("model::")
}

/// Builds and runs the models that the filter wants.
pub(crate) fn run_all(options: &Options) -> Outcome {
    let mut tally = Tally::default();
    let result = Program::build().and_then(|program| run_models(&program, options, &mut tally));
    (tally, result).into()
}

fn run_models(program: &Program, options: &Options, tally: &mut Tally) -> Result<()> {
    let found = program.models().count();
    let wanted: Vec<&str> = program.models().filter(|name| options.wants(name)).collect();
    if let (true, Some(filter)) = (wanted.is_empty(), &options.filter) {
        return Err(format!("none of {found} models has `{filter}` in its name"));
    }
    let width = wanted.iter().map(|name| name.len()).max().unwrap_or(0);
    println!("{:<width$} {:>12} {:>10}   at most {} preemptions", "model", "iterations", "time", options.bound);
    let begun = Instant::now();
    let verdicts = in_parallel(
        &wanted,
        |name| program.run(name, options, None).and_then(|finished| judge(&finished).map(|n| (n, finished.took))),
        |name, verdict| match verdict {
            Ok((iterations, took)) => println!("{name:<width$} {iterations:>12} {:>10}", seconds(*took)),
            Err(why) => println!("{name:<width$} {:>12}\n{why}\n  by hand: {}", "FAILED", program.by_hand(name)),
        },
    );
    let cut_off = verdicts.iter().filter(|verdict| matches!(verdict, Err(why) if why.starts_with(CUT_OFF))).count();
    let iterations: u64 = verdicts.iter().filter_map(|verdict| verdict.as_ref().ok()).map(|(n, _)| n).sum();
    for verdict in &verdicts {
        tally.count(verdict.is_ok());
    }
    println!("{}", seconds(begun.elapsed()));
    let cut_off = if cut_off == 0 { "none".to_owned() } else { cut_off.to_string() };
    println!("{} models, {iterations} iterations, {cut_off} cut off", wanted.len());
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if found < FEWEST {
        return Err(format!("{found} models were found where at least {FEWEST} are expected"));
    }
    Ok(())
}

const CUT_OFF: &str = "cut off";

/// Decides whether a model passed, and says how many schedules it has explored.
fn judge(finished: &Finished) -> Result<u64> {
    let Some(status) = finished.status else {
        return Err(format!("{CUT_OFF} after {}: nothing is known about it", seconds(finished.took)));
    };
    if !status.success() {
        return Err(format!("{}:\n{}", ending(status), last_lines(finished)));
    }
    let mut total = 0;
    let mut models = 0;
    for line in finished.lines() {
        // Not at the start of the line: the test harness has written its own there.
        let Some((_, count)) = line.split_once(MARK) else { continue };
        let count: u64 = count.trim().parse().map_err(|_| format!("`{line}` names no number of iterations"))?;
        if count < 2 {
            return Err(format!("explored {count} schedule: it models nothing"));
        }
        total += count;
        models += 1;
    }
    if models == 0 {
        return Err(format!("passed without the line `{MARK}N`: it models nothing"));
    }
    Ok(total)
}

/// The end of what a failed model wrote, set off from the table around it.
fn last_lines(finished: &Finished) -> String {
    const SHOWN: usize = 30;
    let lines: Vec<&str> = finished.lines().collect();
    let lines: Vec<String> =
        lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Options, is_model, judge};
    use crate::shell::{Finished, watch};
    use std::process::Command;
    use std::time::Duration;

    fn options(args: &[&str]) -> Result<Options, String> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        assert_eq!(options(&[]), Ok(Options::default()));
        let all = options(&["--bound", "3", "gate", "--mutants", "--limit", "7"]);
        let filter = Some("gate".to_owned());
        assert_eq!(all, Ok(Options { bound: 3, limit: Duration::from_secs(7), mutants: true, filter }));
        assert_eq!(options(&["--bound", "x"]), Err("`--bound` needs a number, and `x` is none".to_owned()));
        assert_eq!(options(&["--limit"]), Err("`--limit` needs a number".to_owned()));
        assert_eq!(options(&["--fast"]), Err("`model` has no option `--fast`".to_owned()));
        assert_eq!(options(&["a", "b"]), Err("`model` takes one filter; what is `b`?".to_owned()));
    }

    #[test]
    fn models_are_told_from_other_tests() {
        assert!(is_model("sync::ring::model::no_slot_is_written_twice"));
        assert!(!is_model("sync::ring::tests::grows"));
        assert!(!is_model("lab::remodel::x"));
    }

    fn wrote(script: &str, limit: Duration) -> Finished {
        watch(Command::new("/bin/sh").args(["-c", script]), limit).expect("starts")
    }

    #[cfg(unix)]
    #[test]
    fn a_model_passes_only_if_it_says_what_it_explored() {
        let long = Duration::from_secs(60);
        let passed = wrote("echo 'test a::model::b ... tidegate-model: iterations=17'; echo ok", long);
        assert_eq!(judge(&passed), Ok(17));
        let two = wrote("echo tidegate-model: iterations=17; echo tidegate-model: iterations=3 >&2", long);
        assert_eq!(judge(&two), Ok(20));
        let one = judge(&wrote("echo tidegate-model: iterations=1", long)).expect_err("explored nothing");
        assert!(one.contains("models nothing"), "{one}");
        let none = judge(&wrote("echo ok", long)).expect_err("is no model");
        assert!(none.contains("models nothing"), "{none}");
        let failed = judge(&wrote("echo tidegate-model: iterations=17; exit 101", long)).expect_err("failed");
        assert!(failed.starts_with("exit 101"), "{failed}");
    }

    #[cfg(unix)]
    #[test]
    fn a_model_that_was_cut_off_has_failed() {
        let finished = wrote("echo tidegate-model: iterations=17; exec sleep 100", Duration::from_millis(300));
        let cut = judge(&finished).expect_err("was cut off");
        assert!(cut.starts_with("cut off after"), "{cut}");
    }
}

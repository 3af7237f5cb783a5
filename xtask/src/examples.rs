//! Each example runs, ends by itself, and prints what it is expected to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::metadata::{Metadata, executables};
use crate::shell::{Finished, cargo, output_of, root, shown, watch};
use crate::tally::{Outcome, Tally};

/// The package whose examples these are.
const PACKAGE: &str = "tidegate-examples";
/// What one example may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Builds and runs all examples and compares their output.
pub(crate) fn check() -> Outcome {
    let mut tally = Tally::default();
    let result = run_all(&mut tally);
    (tally, result).into()
}

fn run_all(tally: &mut Tally) -> Result<()> {
    let metadata = Metadata::read()?;
    let wanted: BTreeSet<&str> =
        metadata.package(PACKAGE)?.targets("example").map(|target| target.name.as_str()).collect();
    if wanted.is_empty() {
        return Err(format!("{PACKAGE} has no examples"));
    }
    let expected = root().join("examples").join("expected");
    // The same selection of packages and features as in the tests, so that
    // nothing is built twice.
    let mut build = cargo(&["build", "--all-features", "--examples", "--message-format=json-render-diagnostics"]);
    println!("$ {}", shown(&build));
    let built = executables(&output_of(&mut build)?);
    for name in &wanted {
        let executable = built.iter().find(|(target, _)| target.name == *name).map(|(_, path)| path);
        let verdict = match executable {
            Some(path) => run_one(path, &expected.join(format!("{name}.out"))),
            None => Err("cargo did not build it".to_owned()),
        };
        println!("example {name}: {}", verdict.as_ref().map_or_else(String::as_str, |()| "as expected"));
        tally.count(verdict.is_ok());
    }
    let stray = strays(&expected, &wanted);
    for path in &stray {
        println!("{} belongs to no example", path.display());
    }
    if stray.is_empty() { Ok(()) } else { Err(format!("{} expected outputs belong to no example", stray.len())) }
}

fn run_one(executable: &Path, expected: &Path) -> Result<()> {
    let finished = watch(Command::new(executable).current_dir(root()), LIMIT)?;
    match finished.status {
        None => return Err(format!("did not end within {} s", LIMIT.as_secs())),
        Some(status) if !status.success() => {
            return Err(format!("{}\n{}", crate::shell::ending(status), finished.stderr));
        }
        Some(_) => {}
    }
    let wanted = fs::read_to_string(expected).map_err(|error| {
        format!(
            "no expected output: {}: {error}\n  if it prints what it should: {} > {}",
            expected.display(),
            executable.display(),
            expected.display()
        )
    })?;
    compare(&finished, &wanted)
}

fn compare(finished: &Finished, wanted: &str) -> Result<()> {
    let mut got = finished.stdout.lines();
    let mut wanted = wanted.lines();
    for number in 1.. {
        match (got.next(), wanted.next()) {
            (None, None) => break,
            (got, wanted) if got == wanted => {}
            (got, wanted) => {
                let shown = |line: Option<&str>| line.map_or_else(|| "the end".to_owned(), |line| format!("{line:?}"));
                return Err(format!("line {number}: expected {}, printed {}", shown(wanted), shown(got)));
            }
        }
    }
    Ok(())
}

/// Expected outputs of examples that are not there (any more).
fn strays(expected: &Path, wanted: &BTreeSet<&str>) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(expected) else { return Vec::new() };
    let mut strays: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| !path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| wanted.contains(stem)))
        .collect();
    strays.sort();
    strays
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::shell::Finished;
    use std::time::Duration;

    fn printed(text: &str) -> Finished {
        Finished { status: None, stdout: text.to_owned(), stderr: String::new(), took: Duration::ZERO }
    }

    #[test]
    fn the_same_output_is_accepted_whatever_ends_its_lines() {
        assert_eq!(compare(&printed("a\nb\n"), "a\r\nb\r\n"), Ok(()));
    }

    #[test]
    fn the_first_difference_is_named() {
        let changed = compare(&printed("a\nx\n"), "a\nb\n").expect_err("differs");
        assert_eq!(changed, "line 2: expected \"b\", printed \"x\"");
        let short = compare(&printed("a\n"), "a\nb\n").expect_err("differs");
        assert_eq!(short, "line 2: expected \"b\", printed the end");
        let long = compare(&printed("a\nb\nc\n"), "a\nb\n").expect_err("differs");
        assert_eq!(long, "line 3: expected the end, printed \"c\"");
    }
}

//! The command line.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::rounds::Settings;
use crate::workload;

pub(crate) const USAGE: &str = "\
tidegate-compare: tidegate against other actor runtimes and channels

usage: tidegate-compare [options]

  --quick           few and short rounds: for a first look, under 90 seconds
  --full            many and long rounds: for figures to quote
  --only A[,B..]    these workloads only (see --list)
  --rounds N        this many rounds
  --modes           tidegate also under pull and adaptive delivery
  --seed N          the order of the contestants, as printed by an earlier run
  --json FILE       also write all figures to FILE
  --list            name the workloads and contestants, and stop
  --help            this text, and stop
";

/// What the command line asks for.
pub(crate) enum Command {
    Help,
    List,
    Run { settings: Settings, json: Option<PathBuf> },
}

/// Reads the arguments, the program's name not among them.
///
/// # Errors
///
/// A sentence that says which argument is wrong and why.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments;
    let (mut quick, mut full, mut modes) = (false, false, false);
    let (mut rounds, mut seed, mut json) = (None, None, None);
    let mut workloads = workload::ALL.to_vec();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value after it"));
        match argument.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--list" => return Ok(Command::List),
            "--quick" => quick = true,
            "--full" => full = true,
            "--modes" => modes = true,
            "--only" => workloads = chosen(&value()?)?,
            "--rounds" => rounds = Some(number(&argument, &value()?)?),
            "--seed" => seed = Some(number(&argument, &value()?)?),
            "--json" => json = Some(PathBuf::from(value()?)),
            _ => return Err(format!("unknown argument: {argument}")),
        }
    }
    if quick && full {
        return Err("--quick and --full exclude each other".into());
    }
    if rounds == Some(0) {
        return Err("--rounds: at least one".into());
    }
    let (usual_rounds, run_for) = match (quick, full) {
        (true, _) => (3, 60),
        (_, true) => (15, 300),
        _ => (7, 150),
    };
    let settings = Settings {
        workloads,
        rounds: rounds.map_or(usual_rounds, |rounds| usize::try_from(rounds).unwrap_or(usize::MAX)),
        run_for: Duration::from_millis(run_for),
        quick,
        full,
        modes,
        seed: seed.unwrap_or_else(seed_of_the_moment),
    };
    Ok(Command::Run { settings, json })
}

fn chosen(names: &str) -> Result<Vec<workload::Workload>, String> {
    names
        .split(',')
        .map(|name| {
            workload::named(name.trim()).ok_or_else(|| format!("--only: no workload named {name:?}; --list names them"))
        })
        .collect()
}

fn number(argument: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{argument}: {value:?} is not a whole number"))
}

fn seed_of_the_moment() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() ^ u64::from(since.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(arguments: &[&str]) -> String {
        match parse(arguments.iter().map(ToString::to_string)) {
            Ok(_) => panic!("{arguments:?} should be refused"),
            Err(complaint) => complaint,
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(complaint(&["--fast"]).contains("--fast"));
        assert!(complaint(&["--only", "counting,cuonting"]).contains("cuonting"));
        assert!(complaint(&["--rounds"]).contains("--rounds"));
        assert!(complaint(&["--rounds", "many"]).contains("many"));
        assert!(complaint(&["--rounds", "0"]).contains("at least one"));
        assert!(complaint(&["--quick", "--full"]).contains("--full"));
    }

    #[test]
    fn workloads_are_chosen_by_name() {
        let arguments = ["--only", "ask,idle", "--rounds", "2"].map(String::from);
        let Ok(Command::Run { settings, .. }) = parse(arguments.into_iter()) else {
            panic!("these arguments are fine");
        };
        let names: Vec<_> = settings.workloads.iter().map(|workload| workload.name).collect();
        assert_eq!(names, ["ask", "idle"]);
        assert_eq!(settings.rounds, 2);
    }
}

//! Push, pull or hybrid, for this workload?
//!
//!     cargo run --release -p lab
//!
//! Runs a workload on tidegate actors under push, pull and adaptive mailboxes
//! with several overflow policies, prints one table and recommends a
//! configuration. Without arguments the workload is a real week of earthquakes.
//!
//! The pure parts come first and are tested by themselves: [`trace`] and
//! [`generate`] make arrivals, [`workload`] makes a plan of them, [`candidates`]
//! says what to try, [`measure`] sums a run up, [`check`] holds it against the
//! runtime's own account, [`judge`] recommends, [`why`] and [`report`] say it.
//! [`run`] is the one part that runs anything.
#![deny(unsafe_code)]

mod candidates;
mod check;
mod cli;
mod export;
mod generate;
mod ideal;
mod judge;
mod measure;
mod probe;
mod progress;
mod report;
mod rng;
mod run;
mod service;
mod text;
mod trace;
mod why;
mod workload;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use cli::{Command, Options};
use measure::Measured;
use progress::Progress;
use report::Report;
use run::Runner;
use workload::Workload;

/// USGS, all earthquakes of 2018-01-31 to 2018-02-07; in the program, so that it
/// runs from any folder.
pub(crate) const EARTHQUAKES: &[u8] = include_bytes!("../../data/earthquakes-week.geojson");

/// A bad option or a bad file.
const USAGE: u8 = 2;
/// The shell's code for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    match cli::parse(env::args_os().skip(1)) {
        Err(reason) => fail(USAGE, &format!("{reason}\nTry 'lab --help'.")),
        Ok(Command::Help) => print(cli::HELP),
        Ok(Command::Version) => print(concat!("lab ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run(options)) => match prepare(&options) {
            Err(reason) => fail(USAGE, &reason),
            Ok(plan) => measure_and_report(&options, &plan).unwrap_or_else(|reason| fail(1, &reason)),
        },
    }
}

/// Everything that can be wrong with what was asked for.
fn prepare(options: &Options) -> Result<Workload, String> {
    let plan = Workload::plan(&options.spec)?;
    [&options.json, &options.csv].into_iter().flatten().try_for_each(|path| export::try_write(path))?;
    Ok(plan)
}

fn measure_and_report(options: &Options, plan: &Workload) -> Result<ExitCode, String> {
    let runner = Runner::new().map_err(|e| format!("the runtime does not start: {e}"))?;
    let mut runs: Vec<Vec<Measured>> = vec![Vec::new(); options.candidates.len()];
    let mut progress = Progress::new(options.candidates.len() * options.repeat, plan.events.len() as u64);
    // Round by round, so that whatever else the machine does in the meantime
    // falls on all configurations.
    'rounds: for _ in 0..options.repeat {
        for (candidate, runs) in options.candidates.iter().zip(&mut runs) {
            progress.begin(&candidate.name);
            let seen = runner.run(plan, candidate, progress.counter())?;
            if runner.stopped() {
                // Cut in the middle, its figures say nothing.
                break 'rounds;
            }
            runs.push(measure::sum_up(plan, &seen));
        }
    }
    progress.end();

    // A configuration that was not run has no row.
    let planned = options.candidates.len();
    let (candidates, runs): (Vec<_>, Vec<_>) =
        options.candidates.iter().cloned().zip(runs).filter(|(_, runs)| !runs.is_empty()).unzip();
    let rows: Vec<Measured> = runs.iter().map(|runs| measure::median(runs)).collect();
    let verdict = (!rows.is_empty()).then(|| judge::judge(&rows, &options.goal));
    let failures: Vec<String> = candidates
        .iter()
        .zip(&runs)
        .flat_map(|(c, runs)| runs.iter().flat_map(|m| &m.disagreements).map(|d| format!("{}: {d}", c.name)))
        .collect();
    let ideal = measure::sum_up(plan, &ideal::shared_queue(plan));
    let report = Report {
        plan,
        goal: options.goal,
        candidates: &candidates,
        rows: &rows,
        ideal: &ideal,
        verdict: verdict.as_ref(),
        rounds: options.repeat,
        failures: &failures,
        interrupted: runner.stopped().then_some(planned),
    };
    let code = print(&report.to_string());
    if let Some(path) = &options.json {
        let all = export::json(plan, &options.goal, &candidates, &rows, &runs, &ideal, verdict.as_ref());
        export::write(path, &format!("{all:#}\n"))?;
    }
    if let Some(path) = &options.csv {
        export::write(path, &export::csv(&candidates, &rows))?;
    }
    if !failures.is_empty() {
        return Err(format!("SELF-CHECK FAILED, believe no figure: {}", failures.join("; ")));
    }
    Ok(if runner.stopped() { ExitCode::from(INTERRUPTED) } else { code })
}

/// Prints to standard output; whoever closed it has read enough.
fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => fail(1, &format!("standard output: {e}")),
        _ => ExitCode::SUCCESS,
    }
}

fn fail(code: u8, reason: &str) -> ExitCode {
    // Where stderr is closed there is only the code to tell.
    let _ = writeln!(io::stderr(), "lab: {reason}");
    ExitCode::from(code)
}

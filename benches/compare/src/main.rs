//! tidegate measured against other actor runtimes and channels.
//!
//! Everything runs in one process and in interleaved rounds: a round runs each
//! contestant of a workload once, in an order shuffled anew for that round, so
//! that a busy spell of the machine falls on all of them alike. What is
//! printed for each workload is the median, the spread and the ratio to
//! tidegate; below the tables stand the project's targets, each with the
//! figure measured and whether it was met. Targets that were missed are
//! printed like any other and the exit code stays 0: this is a measurement,
//! not a test.
//!
//! Every contestant does the same work, checks its result, and is called the
//! way its own documentation recommends for speed. What a library cannot do is
//! printed as `-` with the reason.
//!
//! ```text
//! cargo run --release -p tidegate-compare -- --quick
//! cargo run --release -p tidegate-compare -- --only counting,ask --rounds 15
//! ```

mod alloc;
mod cli;
mod contestants;
mod json;
mod lineup;
mod report;
mod rounds;
mod stats;
mod support;
mod targets;
mod workload;

use std::io::{self, Write};
use std::process::ExitCode;

use cli::Command;
use rounds::Settings;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(problem) => {
            complain(&format!("{problem}\n\n{}", cli::USAGE));
            return ExitCode::from(2);
        }
    };
    let outcome = match command {
        Command::Help => write!(io::stdout(), "{}", cli::USAGE),
        Command::List => report::list(&mut io::stdout()),
        Command::Run { settings, json } => return run(&settings, json.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(settings: &Settings, json_file: Option<&std::path::Path>) -> ExitCode {
    // crossfire asks for this once at start; on small machines it halves its
    // spinning and is worth a factor of two to it.
    crossfire::detect_backoff_cfg();

    let mut out = io::stdout().lock();
    let printed = report::preamble(&mut out, settings).and_then(|()| {
        let mut measured = Vec::new();
        for workload in &settings.workloads {
            let result = rounds::measure(workload, settings);
            report::table(&mut out, &result)?;
            measured.push(result);
        }
        report::targets(&mut out, &targets::judge(&measured))?;
        Ok(measured)
    });
    let measured = match printed {
        Ok(measured) => measured,
        Err(problem) => {
            complain(&format!("cannot print: {problem}"));
            return ExitCode::FAILURE;
        }
    };
    if let Some(path) = json_file
        && let Err(problem) = json::save(path, settings, &measured)
    {
        complain(&format!("{}: {problem}", path.display()));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Writes to standard error; a closed one is nothing to stop for.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

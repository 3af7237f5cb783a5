//! The checks and tools of this repository: `cargo xtask <command>`.
//!
//! Everything that has to hold is checked here and not in the configuration of a
//! CI service, so that a developer and a machine run the same thing.

// This is a program that talks to the person who started it.
#![allow(clippy::print_stdout)]

mod bench;
mod book;
mod examples;
mod features;
mod markdown;
mod metadata;
mod model;
mod mutants;
mod package;
mod parts;
mod shell;
mod tally;
mod test;
mod tools;

use std::process::ExitCode;

/// What a task says when it fails: text for the person who started it.
type Result<T, E = String> = std::result::Result<T, E>;

const HELP: &str = "\
The checks and tools of this repository.

Usage: cargo xtask <command> [arguments]

  test [PART]...        all checks and tests, or only the parts named
  model [FILTER]        the loom models of floors 1 and 2, one process each
      --bound N             preemptions to explore (default 2)
      --limit SECONDS       what one model may take (default 120)
      --mutants             run each mutant against its model: every one must die
  bench [ARGS]          our own benchmarks
  bench explore [ARGS]  how fast programs are explored
  bench compare [ARGS]  tidegate against other actor crates and channels
  lab [ARGS]            push, pull or hybrid for a workload of yours
  book                  check the book, then build it into book/book
      --check               only check it
  help                  this text

Parts of `test`, in the order they run:
";

/// How a command ended.
enum Ended {
    /// It ran; `true` if all is well.
    Ran(bool),
    /// It was not called as it wants to be.
    Misused(String),
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(Ended::Ran(true)) => ExitCode::SUCCESS,
        Ok(Ended::Ran(false)) => ExitCode::FAILURE,
        Ok(Ended::Misused(why)) => {
            eprintln!("error: {why}\n\nRun `cargo xtask help` for the commands.");
            ExitCode::from(2)
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<Ended> {
    let Some((command, rest)) = args.split_first() else {
        return Ok(Ended::Misused("a command is missing".to_owned()));
    };
    let wants_help = rest.iter().any(|arg| arg == "--help" || arg == "-h");
    match command.as_str() {
        "help" | "--help" | "-h" => Ok(help()),
        // These two hand their arguments on, `--help` too.
        "bench" => bench::bench(rest),
        "lab" => bench::lab(rest),
        "test" | "model" | "book" if wants_help => Ok(help()),
        "test" => test::command(rest),
        "model" => model::command(rest),
        "book" => book::command(rest),
        unknown => Ok(Ended::Misused(format!("there is no command `{unknown}`"))),
    }
}

fn help() -> Ended {
    print!("{HELP}");
    for part in parts::PARTS {
        println!("  {:<10} {}", part.name, part.what);
    }
    Ended::Ran(true)
}

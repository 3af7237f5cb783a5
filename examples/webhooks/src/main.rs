//! The program; see the library for what it is made of.
//!
//!     cargo run --release -p webhooks

use std::env;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::pin::pin;
use std::process::ExitCode;
use std::task::Poll;

use webhooks::cli::{self, Command};
use webhooks::corpus::Corpus;
use webhooks::run::{Setup, run};

/// A bad option.
const USAGE: u8 = 2;
/// The shell's code for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    match cli::parse(env::args_os().skip(1)) {
        Err(why) => fail(USAGE, &format!("{why}\nTry 'webhooks --help'.")),
        Ok(Command::Help) => print(cli::HELP),
        Ok(Command::Version) => print(concat!("webhooks ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run { setup, inspect }) => play(&setup, inspect).unwrap_or_else(|why| fail(1, &why)),
    }
}

#[tokio::main]
async fn play(setup: &Setup, inspect: bool) -> Result<ExitCode, String> {
    let corpus = Corpus::github().map_err(|why| format!("github-webhooks.jsonl: {why}"))?;
    let mut stop = pin!(interrupted());
    // Polled, it listens: from here on Ctrl-C does what is said next.
    let _ = poll_fn(|cx| Poll::Ready(stop.as_mut().poll(cx))).await;
    print(&format!("seed {}, {} deliveries; Ctrl-C ends it in order\n", setup.seed, setup.deliveries));
    let outcome = run(corpus, setup, stop).await.map_err(|why| why.to_string())?;
    if inspect {
        print(&format!("{}\n\n", outcome.inspection));
    }
    let code = print(&outcome.report(setup).to_string());
    let complaints = outcome.complaints(setup);
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    Ok(if outcome.interrupted { ExitCode::from(INTERRUPTED) } else { code })
}

/// The first Ctrl-C ends everything in order, the second at once.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Then nobody can interrupt it.
        std::future::pending::<()>().await;
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(INTERRUPTED.into());
        }
    });
}

/// Prints to standard output; whoever closed it has read enough.
fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => fail(1, &format!("standard output: {why}")),
        _ => ExitCode::SUCCESS,
    }
}

fn fail(code: u8, why: &str) -> ExitCode {
    // Where stderr is closed there is only the code to tell.
    let _ = writeln!(io::stderr(), "webhooks: {why}");
    ExitCode::from(code)
}

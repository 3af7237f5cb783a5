//! Running other programs: streamed, captured, cut off when they take too long.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// The folder of the workspace.
///
/// Asked for at run time, since a checkout may be moved after xtask was built.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    let here = PathBuf::from(here);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// The cargo that started us, in the folder of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(args).current_dir(root());
    command
}

/// Writes a command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for arg in command.get_args() {
        let _ = write!(text, " {}", arg.to_string_lossy());
    }
    text
}

/// Says how a process ended, in words.
pub(crate) fn ending(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| "no exit code".to_owned(), |code| format!("exit {code}"))
}

/// Runs a command on our own terminal.
///
/// # Errors
/// If it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().map_err(|error| not_started(command, &error))?;
    succeeded(command, status)
}

/// Runs a command and hands its standard output on as it comes, line by line, to
/// our own and to `line`. Standard error stays where it is.
///
/// # Errors
/// If it cannot be started or does not succeed.
pub(crate) fn stream(command: &mut Command, mut line: impl FnMut(&str)) -> Result<()> {
    println!("$ {}", shown(command));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| not_started(command, &error))?;
    let stdout = child.stdout.take().ok_or("a pipe was asked for and is not there")?;
    for text in BufReader::new(stdout).split(b'\n') {
        let text = text.map_err(|error| format!("cannot read from `{}`: {error}", shown(command)))?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        line(&text);
    }
    let status = child.wait().map_err(|error| not_started(command, &error))?;
    succeeded(command, status)
}

/// Runs a command and returns its standard output; standard error is left alone.
///
/// # Errors
/// If it cannot be started or does not succeed.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(command, &error))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What became of a command that was watched.
#[derive(Debug)]
pub(crate) struct Finished {
    /// `None` if it was cut off.
    pub(crate) status: Option<ExitStatus>,
    /// Standard output, then standard error.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Finished {
    pub(crate) fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// All lines that the command wrote, its standard output first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.stdout.lines().chain(self.stderr.lines())
    }
}

/// Runs a command without showing what it writes, and ends it after `limit`.
///
/// # Errors
/// If it cannot be started or watched. Failing, and being cut off, are results.
pub(crate) fn watch(command: &mut Command, limit: Duration) -> Result<Finished> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    // Read while it runs: a full pipe would stop it.
    let stdout = child.stdout.take().map(read_aside);
    let stderr = child.stderr.take().map(read_aside);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if begun.elapsed() >= limit => {
                // If it ended this very moment there is nothing left to kill.
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(format!("cannot wait for `{}`: {error}", shown(command))),
        }
    };
    let took = begun.elapsed();
    let text =
        |reader: Option<thread::JoinHandle<String>>| reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
    Ok(Finished { status, stdout: text(stdout), stderr: text(stderr), took })
}

fn read_aside(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({})", shown(command), ending(status))) }
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("cannot run `{}`: {error}", shown(command))
}

/// Does `work` on every item, as many at a time as there are cores, and calls
/// `done` here, on each as it is finished. Results come back in the order of items.
pub(crate) fn in_parallel<I: Sync, R: Send>(
    items: &[I],
    work: impl Fn(&I) -> R + Sync,
    mut done: impl FnMut(&I, &R),
) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = Mutex::new(items.iter().enumerate());
    let (results, finished) = mpsc::channel();
    let mut collected: Vec<(usize, R)> = thread::scope(|scope| {
        for _ in 0..cores.min(items.len()) {
            let results = results.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                loop {
                    let item = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                    let Some((index, item)) = item else { break };
                    // Whoever collects outlives this thread.
                    let _ = results.send((index, work(item)));
                }
            });
        }
        drop(results);
        finished.iter().inspect(|(index, result)| done(&items[*index], result)).collect()
    });
    collected.sort_by_key(|(index, _)| *index);
    collected.into_iter().map(|(_, result)| result).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::{Duration, ending, in_parallel, shown, watch};
    use std::process::Command;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_command_that_takes_too_long_is_cut_off_and_what_it_wrote_is_kept() {
        let finished = watch(&mut sh("echo begun; exec sleep 100"), Duration::from_millis(300)).expect("starts");
        assert!(finished.status.is_none());
        assert!(!finished.succeeded());
        assert_eq!(finished.stdout, "begun\n");
    }

    #[test]
    fn more_output_than_a_pipe_holds_does_not_stop_a_command() {
        let script = "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo end >&2";
        let finished = watch(&mut sh(script), Duration::from_secs(60)).expect("starts");
        assert!(finished.succeeded());
        assert_eq!(finished.lines().count(), 20_001);
    }

    #[test]
    fn endings_are_told_apart() {
        let code = watch(&mut sh("exit 3"), Duration::from_secs(60)).expect("starts");
        assert_eq!(code.status.map(ending).as_deref(), Some("exit 3"));
        let signal = watch(&mut sh("kill -ABRT $$"), Duration::from_secs(60)).expect("starts");
        assert_eq!(signal.status.map(ending).as_deref(), Some("signal 6"));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_names_it() {
        let error = watch(&mut Command::new("/no/such/program"), Duration::from_secs(1)).expect_err("not there");
        assert!(error.contains("cannot run `program`"), "{error}");
    }

    #[test]
    fn a_command_is_shown_without_the_path_of_its_program() {
        assert_eq!(shown(&sh("true")), "sh -c true");
    }

    #[test]
    fn results_come_back_in_order_and_each_is_announced_once() {
        let items: Vec<u32> = (0..100).collect();
        let mut announced = 0;
        let results = in_parallel(&items, |n| n * 2, |_, _| announced += 1);
        assert_eq!(results, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(announced, 100);
    }
}

//! Users' models of their own structures, a process for each.

#[cfg(tidegate_loom)]
use std::future::Future;

/// Runs a model under loom: every schedule of `f`, with at most `preemptions` of
/// them, or all of them if that is `None`.
///
/// loom is for what is smaller than an actor: two or three threads on a
/// structure of your own, down to the orderings of its atomics. Where
/// the build has `--cfg tidegate_loom`, tidegate is built on loom itself, so that
/// what it has for such structures is part of the model: both ends of a
/// [mailbox](crate::mailbox::channel), [permits](crate::Permits), and
/// [replies](crate::Reply::channel). Systems and actors are not: they have more
/// threads and steps than loom can hold. For these there is the feature
/// `explore`.
///
/// Each model has a process of its own, since loom ends a deadlock by aborting,
/// and what it was told by the environment of a model must not change another: this
/// runs the test again, alone, in the test program that it is in. So `test` is
/// the path of the test that calls this, as `cargo test -- --list` has it. How
/// many schedules there were is printed.
///
/// `LOOM_MAX_PREEMPTIONS` raises the bound, for a night. `TIDEGATE_LOOM_SECONDS`
/// is how long a model may take, 300 unless it is said.
///
/// # Panics
/// - If the model fails: with what it has written.
/// - If it was cut off, by time or by settings of loom's: loom would call that
///   passed.
/// - If it has only one schedule: it models nothing.
/// - If `test` is not the name of the test that calls this.
/// - In a build without `--cfg tidegate_loom`.
///
/// # Examples
/// A file in `tests`, with `loom` among the dependencies of
/// `cfg(tidegate_loom)`:
/// ```text
/// #![cfg(tidegate_loom)]
/// use loom::thread;
/// use tidegate::testkit::{loom_block_on, loom_model};
/// use tidegate::{Push, mailbox};
///
/// #[test]
/// fn what_is_accepted_arrives() {
///     loom_model("what_is_accepted_arrives", Some(2), || {
///         let (tx, mut rx) = mailbox::channel(Push::bounded(1));
///         let sender = thread::spawn(move || loom_block_on(tx.tell(7)).is_ok());
///         assert_eq!(loom_block_on(rx.recv()), Some(7));
///         assert!(sender.join().unwrap());
///     });
/// }
/// ```
/// ```text
/// $ RUSTFLAGS="--cfg tidegate_loom" cargo test --release --test models
/// ```
pub fn loom_model(test: &str, preemptions: Option<usize>, f: impl Fn() + Send + Sync + 'static) {
    #[cfg(tidegate_loom)]
    imp::model(test, preemptions, f);
    #[cfg(not(tidegate_loom))]
    {
        let _ = (preemptions, f);
        panic!("{test} is a model: build it with RUSTFLAGS=\"--cfg tidegate_loom\", or it has nothing to explore");
    }
}

/// Waits for a future in a [model](loom_model), on one of its threads.
///
/// Unlike loom's own it lets others go on when the future has woken itself. Like
/// loom's, it polls once without a reason, as any executor may.
#[cfg(tidegate_loom)]
pub fn loom_block_on<F: Future>(future: F) -> F::Output {
    crate::sync::modelled::block_on(future)
}

#[cfg(tidegate_loom)]
mod imp {
    use std::env;
    use std::io::Read;
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use crate::sync::modelled;

    /// Names the model that a process is for.
    const MODEL: &str = "TIDEGATE_LOOM_MODEL";
    /// What a model has written when it is through.
    const MARK: &str = "tidegate-model: iterations=";
    /// What may cut a model off, or change what it explores.
    const NOT_FROM_OUTSIDE: [&str; 5] = [
        "LOOM_MAX_DURATION",
        "LOOM_MAX_PERMUTATIONS",
        "LOOM_MAX_THREADS",
        "LOOM_CHECKPOINT_FILE",
        "LOOM_CHECKPOINT_INTERVAL",
    ];

    pub(super) fn model(test: &str, preemptions: Option<usize>, f: impl Fn() + Send + Sync + 'static) {
        match env::var(MODEL) {
            Err(_) => again(test),
            Ok(model) if model == test => {
                let bound = preemptions.map(|bound| bound.max(modelled::preemptions().unwrap_or(0)));
                say(&format!("{MARK}{}", modelled::explore(bound, f)));
            }
            Ok(model) => panic!("the test {model} calls `loom_model` with the name {test}"),
        }
    }

    #[allow(clippy::print_stdout)]
    fn say(what: &str) {
        println!("{what}");
    }

    /// Runs the test in a process of its own, and says what came of it.
    fn again(test: &str) {
        let program = env::current_exe().unwrap_or_else(|why| panic!("{test}: no test program to run again: {why}"));
        let mut command = Command::new(program);
        command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]).env(MODEL, test);
        for name in NOT_FROM_OUTSIDE {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{test}: it cannot be run again: {why}"));
        let (out, err) = (written(child.stdout.take()), written(child.stderr.take()));
        let limit = limit();
        // It ends what it writes to when it ends.
        let Ok(out) = out.recv_timeout(limit) else {
            end(&mut child);
            panic!("{test} was cut off after {limit:?}: nothing is known of it");
        };
        let err = err.recv_timeout(limit).unwrap_or_default();
        let status = child.wait().unwrap_or_else(|why| panic!("{test}: how it ended is not known: {why}"));
        assert!(status.success(), "{test} failed, {status}:\n{out}\n{err}");
        let iterations = out.lines().find_map(|line| line.split_once(MARK)).map(|(_, iterations)| iterations);
        let Some(iterations) = iterations else {
            panic!("no model was run: `{test}` is to be the path of the test, as `--list` has it\n{out}");
        };
        say(&format!("{test}: {iterations} schedules in {:.1?}", begun.elapsed()));
    }

    fn end(child: &mut Child) {
        // It may have ended by now.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// All that is read there, when it ends.
    fn written(from: Option<impl Read + Send + 'static>) -> Receiver<String> {
        let (send, receive) = channel();
        thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut from) = from {
                // What was read before an error is what there is.
                let _ = from.read_to_end(&mut text);
            }
            let _ = send.send(String::from_utf8_lossy(&text).into_owned());
        });
        receive
    }

    /// # Panics
    /// If the environment says something else than a number.
    fn limit() -> Duration {
        let seconds = env::var("TIDEGATE_LOOM_SECONDS").map_or(300, |text| {
            text.parse().unwrap_or_else(|_| panic!("TIDEGATE_LOOM_SECONDS={text}: a number of seconds is wanted"))
        });
        Duration::from_secs(seconds)
    }
}

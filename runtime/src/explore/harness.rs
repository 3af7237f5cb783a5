//! What `#[explore_test]` calls: one body, explored, and on a real runtime.

use std::env;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use super::explorer::{Explorer, Outcome, Strategy};
use super::report::Report;
use super::schedule::Schedule;
use super::sim::Sim;
use super::story::command;

/// How a test explores unless it says otherwise.
pub fn explorer() -> Explorer {
    Explorer::default()
}

/// The explorer as `set` sets it.
pub fn with(explorer: Explorer, set: impl FnOnce(Explorer) -> Explorer) -> Explorer {
    set(explorer)
}

/// Explores `body` as a test: on a thread of its own, where there is no runtime
/// that a body could escape to; and fails unless the report is clean.
///
/// The environment may say otherwise what to do: `TIDEGATE_REPLAY` is one
/// schedule to run, `TIDEGATE_SEED` the seed of the program's own random
/// numbers, `TIDEGATE_SCHEDULES` and `TIDEGATE_SECONDS` the budget: where a strategy
/// says itself how many orders it runs, that many.
///
/// # Panics
/// If something is wrong, or the budget was used up.
#[track_caller]
pub fn explored<F, Fut>(name: &str, place: Place, explorer: Explorer, body: F)
where
    F: Fn(Sim) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome + Send,
{
    let explorer = Setting::from_environment().apply(explorer);
    let mut report = apart(name, move || explorer.run(body));
    report.replayed_by(|schedule| command(name, &place, schedule));
    report.assert_clean();
    say(format_args!("{name}: {report}"));
}

/// Tests print what came of them, as the harness of tests does.
#[allow(clippy::print_stdout)]
pub(super) fn say(what: fmt::Arguments<'_>) {
    println!("{what}");
}

/// Runs `explore` on a thread of its own; a panic goes on here.
fn apart(name: &str, explore: impl FnOnce() -> Report + Send + 'static) -> Report {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(explore);
    let thread = thread.unwrap_or_else(|why| panic!("no thread to explore on: {why}"));
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What the environment says of an exploration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) replay: Option<Schedule>,
    pub(super) seed: Option<u64>,
    schedules: Option<u64>,
    seconds: Option<u64>,
}

impl Setting {
    pub(super) fn from_environment() -> Self {
        Self::read(|name| env::var(name).ok())
    }

    /// # Panics
    /// If what is there cannot be read: nothing else was meant.
    fn read(of: impl Fn(&str) -> Option<String>) -> Self {
        fn parsed<T: FromStr<Err: fmt::Display>>(name: &str, text: Option<String>) -> Option<T> {
            let text = text?;
            Some(text.trim().parse().unwrap_or_else(|why| panic!("{name}={text}: {why}")))
        }
        Self {
            replay: parsed("TIDEGATE_REPLAY", of("TIDEGATE_REPLAY")),
            seed: parsed("TIDEGATE_SEED", of("TIDEGATE_SEED")),
            schedules: parsed("TIDEGATE_SCHEDULES", of("TIDEGATE_SCHEDULES")),
            seconds: parsed("TIDEGATE_SECONDS", of("TIDEGATE_SECONDS")),
        }
    }

    fn apply(self, mut explorer: Explorer) -> Explorer {
        if let Some(schedule) = self.replay {
            explorer = explorer.strategy(Strategy::Replay(schedule));
        }
        if let Some(seed) = self.seed {
            explorer = explorer.seed(seed);
        }
        if let Some(most) = self.schedules {
            explorer = explorer.of_schedules(most);
        }
        if let Some(seconds) = self.seconds {
            explorer = explorer.time(Duration::from_secs(seconds));
        }
        explorer
    }
}

#[cfg(feature = "tokio")]
pub use super::on_tokio::on_tokio;
pub use super::story::Place;

/// What is written for tokio, if it is there.
#[cfg(feature = "tokio")]
#[doc(hidden)]
#[macro_export]
macro_rules! __explore_on_tokio {
    ($($item:tt)*) => { $($item)* };
}

/// What is written for tokio, which is not there.
#[cfg(not(feature = "tokio"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __explore_on_tokio {
    ($($item:tt)*) => {};
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(set: &[(&str, &str)]) -> Setting {
        let set: BTreeMap<&str, &str> = set.iter().copied().collect();
        Setting::read(|name| set.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn the_environment_says_what_to_do() {
        assert_eq!(read(&[]), Setting::default());
        let all = read(&[
            ("TIDEGATE_REPLAY", "0.1.2"),
            ("TIDEGATE_SEED", " 7 "),
            ("TIDEGATE_SCHEDULES", "9"),
            ("TIDEGATE_SECONDS", "3"),
        ]);
        let replay = Some(Schedule::from_choices(vec![0, 1, 2]));
        assert_eq!(all, Setting { replay, seed: Some(7), schedules: Some(9), seconds: Some(3) });
    }

    #[test]
    #[should_panic(expected = "TIDEGATE_REPLAY=0.x: a schedule is numbers")]
    fn what_cannot_be_read_is_not_passed_over() {
        let _ = read(&[("TIDEGATE_REPLAY", "0.x")]);
    }
}

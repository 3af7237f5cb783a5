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

/// How a test explores unless it says otherwise.
#[must_use]
pub fn explorer() -> Explorer {
    Explorer::new(Strategy::Exhaustive)
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
/// numbers, `TIDEGATE_SCHEDULES` and `TIDEGATE_SECONDS` the budget.
///
/// # Panics
/// If something is wrong, or the budget was used up.
#[track_caller]
pub fn explored<F, Fut>(name: &str, explorer: Explorer, body: F)
where
    F: Fn(Sim) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome + Send,
{
    let explorer = Setting::from_environment().apply(explorer);
    let report = apart(name, move || explorer.run(body));
    report.assert_clean();
    say(format_args!("{name}: {report}"));
}

/// Tests print what came of them, as the harness of tests does.
#[allow(clippy::print_stdout)]
fn say(what: fmt::Arguments<'_>) {
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
struct Setting {
    replay: Option<Schedule>,
    seed: Option<u64>,
    schedules: Option<u64>,
    seconds: Option<u64>,
}

impl Setting {
    fn from_environment() -> Self {
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
            explorer = explorer.schedules(most);
        }
        if let Some(seconds) = self.seconds {
            explorer = explorer.time(Duration::from_secs(seconds));
        }
        explorer
    }
}

#[cfg(feature = "tokio")]
pub use self::tokio_runs::on_tokio;

#[cfg(feature = "tokio")]
mod tokio_runs {
    use std::collections::BTreeSet;
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Poll;
    use std::time::Duration;

    use ::tokio::runtime::Builder;
    use ::tokio::time::timeout;

    use super::super::explorer::Outcome;
    use super::super::monitor::Monitors;
    use super::super::real::RealExecutor;
    use super::super::sim::Sim;
    use super::super::trace::Failure;
    use super::{Setting, say};
    use crate::actor::{AnswerFuture, Executor, Reply};
    use crate::system::{System, TokioExecutor};

    /// How long one run may take: longer than any test, shorter than the
    /// patience of whoever waits for a deadlock to be told.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Runs `body` so many times as a test on tokio, with several threads.
    ///
    /// # Panics
    /// If something is wrong in one of them.
    pub fn on_tokio<F, Fut>(name: &str, times: u64, body: F)
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        let setting = Setting::from_environment();
        if setting.replay.is_some() {
            return say(format_args!("{name}: a schedule is replayed; tokio has an order of its own"));
        }
        let seed = setting.seed.unwrap_or(0);
        for n in 0..times {
            if let Err(failure) = once(seed.wrapping_add(n), &body) {
                panic!("{name}, on tokio, run {} of {times}: {failure}", n + 1);
            }
        }
    }

    /// One run, in a runtime of its own: nothing is left of it.
    fn once<F, Fut>(seed: u64, body: &F) -> Result<(), Failure>
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build();
        let runtime = runtime.unwrap_or_else(|why| panic!("no runtime to test on: {why}"));
        let result = runtime.block_on(async {
            let executor = RealExecutor::new(TokioExecutor::new(), seed);
            let system = System::builder().build_on(executor.clone());
            let monitors = Arc::new(Monitors::new(system.clone(), BTreeSet::new(), Arc::default()));
            let sim = Sim::real(system.clone(), executor.clone(), Arc::clone(&monitors));
            let ended = timeout(PATIENCE, first(run(&executor, &sim, body(sim.clone())), executor.panicked())).await;
            ended.unwrap_or_else(|_| {
                let waits = system.explain();
                Err(Failure::Deadlock(format!("not done after {} s\n{waits}", PATIENCE.as_secs())))
            })
        });
        runtime.shutdown_background();
        result
    }

    /// The body, and what is to hold when nothing goes on any more.
    async fn run<Fut>(executor: &RealExecutor, sim: &Sim, body: Fut) -> Result<(), Failure>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        let done = spawned(executor, async move { body.await.failure() }).await;
        if let Some(failure) = done {
            return Err(Failure::Error(failure));
        }
        let end = sim.clone();
        spawned(executor, async move { end.settled().await }).await;
        Ok(())
    }

    /// What `future` returns, run as a task that is counted. Never, if it panics.
    async fn spawned<T: Send + 'static>(
        executor: &RealExecutor,
        future: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (reply, done): (Reply<T>, AnswerFuture<T>) = Reply::channel();
        executor.spawn(
            "body",
            Box::pin(async move {
                // Nobody waits for one that comes too late.
                let _ = reply.send(future.await);
            }),
        );
        match done.await {
            Some(done) => done,
            None => std::future::pending().await,
        }
    }

    /// The result of `run`, unless a task panics before.
    async fn first(
        run: impl Future<Output = Result<(), Failure>>,
        panicked: impl Future<Output = Failure>,
    ) -> Result<(), Failure> {
        let (mut run, mut panicked) = (pin!(run), pin!(panicked));
        poll_fn(|cx| match panicked.as_mut().poll(cx) {
            Poll::Ready(failure) => Poll::Ready(Err(failure)),
            Poll::Pending => run.as_mut().poll(cx),
        })
        .await
    }
}

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

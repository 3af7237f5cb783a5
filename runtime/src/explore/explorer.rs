//! Runs a program again and again, under a strategy, within a budget.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::executor::SimExecutor;
use super::monitor::Monitors;
use super::report::{Coverage, Finding, Report};
use super::run::{Chooser, Limits, run};
use super::schedule::Schedule;
use super::sim::Sim;
use super::strategy::{self, Search};
use super::trace::{End, Failure, TaskId, Trace};
use crate::actor::Deadlocks;
use crate::sync::access;
use crate::sync::shim::Mutex;
use crate::system::System;

/// Which orders are run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Every order there is.
    Exhaustive,
    /// One schedule, again.
    Replay(Schedule),
}

impl Strategy {
    fn search(&self) -> Box<dyn Search> {
        match self {
            Self::Exhaustive => Box::new(strategy::Exhaustive::new()),
            Self::Replay(schedule) => Box::new(strategy::Replay::new(schedule.choices.clone())),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhaustive => f.write_str("exhaustive"),
            Self::Replay(schedule) => write!(f, "replay of {schedule}"),
        }
    }
}

/// How a program is explored.
#[derive(Clone, Debug)]
#[must_use = "nothing is explored before `run`"]
pub struct Explorer {
    strategy: Strategy,
    schedules: u64,
    time: Duration,
    steps: usize,
    seed: u64,
}

/// What a body may return.
pub trait Outcome {
    /// What is wrong, if that is what it says.
    fn failure(&self) -> Option<String>;
}

impl Outcome for () {
    fn failure(&self) -> Option<String> {
        None
    }
}

impl<T, E: fmt::Debug> Outcome for Result<T, E> {
    fn failure(&self) -> Option<String> {
        self.as_ref().err().map(|error| format!("{error:?}"))
    }
}

impl Explorer {
    /// Explores by `strategy`, with at most 1,000,000 schedules, in at most a
    /// minute.
    pub fn new(strategy: Strategy) -> Self {
        Self { strategy, schedules: 1_000_000, time: Duration::from_secs(60), steps: 10_000, seed: 0 }
    }

    /// At most so many schedules.
    pub fn schedules(mut self, most: u64) -> Self {
        self.schedules = most;
        self
    }

    /// At most so long.
    pub fn time(mut self, most: Duration) -> Self {
        self.time = most;
        self
    }

    /// At most so many steps in one run: a program that does more is not called
    /// right.
    pub fn steps(mut self, most: usize) -> Self {
        self.steps = most;
        self
    }

    /// What the program's own random numbers come from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Explores `body` until something is wrong, all is seen, or the budget is
    /// used up.
    pub fn run<F, Fut>(&self, body: F) -> Report
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        self.run_each(body, |_, _| {})
    }

    /// The same; `seen` is shown each run, and what the body returned.
    pub(crate) fn run_each<F, Fut>(&self, body: F, mut seen: impl FnMut(&Trace, Option<Fut::Output>)) -> Report
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        let begun = Instant::now();
        let executor = SimExecutor::new();
        let chooser: Chooser = Arc::new(Mutex::untouched(self.strategy.search()));
        let mut report = Report {
            strategy: self.strategy.to_string(),
            coverage: Coverage::CutOff,
            schedules: 0,
            pruned: 0,
            too_long: 0,
            elapsed: Duration::ZERO,
            finding: None,
        };
        loop {
            if !chooser.lock().begin() {
                report.coverage = chooser.lock().coverage();
                break;
            }
            if report.schedules >= self.schedules || begun.elapsed() >= self.time {
                break;
            }
            let limits = Limits { steps: self.steps, touching: chooser.lock().wants_touches(), telling: false };
            let outcome = self.once(&executor, &chooser, &body, limits);
            let state = executor.0.state.lock();
            chooser.lock().end(&state.trace);
            seen(&state.trace, outcome);
            match &state.trace.end {
                End::Abandoned => continue,
                End::Done => {}
                End::TooLong => report.too_long += 1,
                End::Failed(failure) => {
                    let found = Schedule::of(&state.trace);
                    let (failure, found_at) = (failure.clone(), report.schedules + 1);
                    let (schedule, story) = (found.clone(), String::new());
                    report.finding = Some(Finding { failure, found_at, found, schedule, story });
                }
            }
            report.schedules += 1;
            if report.finding.is_some() {
                break;
            }
        }
        report.pruned = chooser.lock().pruned();
        report.elapsed = begun.elapsed();
        report
    }

    /// One run, from an empty world to an empty world. The trace stays with the
    /// executor.
    pub(crate) fn once<F, Fut>(
        &self,
        executor: &SimExecutor,
        chooser: &Chooser,
        body: &F,
        limits: Limits,
    ) -> Option<Fut::Output>
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        access::begin_step(TaskId::ROOT.0, 0, false, limits.telling);
        executor.begin(self.seed);
        let system = System::builder().for_exploring(Deadlocks::off()).build_on(executor.clone());
        let monitors = Arc::new(Monitors::default());
        let sim = Sim::explored(system.clone(), executor.clone(), Arc::clone(chooser), Arc::clone(&monitors));
        let outcome = Arc::new(Mutex::untouched(None));
        let result = Arc::clone(&outcome);
        let future = body(sim);
        executor.0.spawn(
            "body",
            Box::pin(async move {
                let done = future.await;
                *result.lock() = Some(done);
            }),
        );
        {
            let state = &mut *executor.0.state.lock();
            access::end_step(&mut state.trace.touches, &mut state.trace.notes, false);
        }
        run(executor, chooser, &monitors, limits);
        let done = outcome.lock().take();
        {
            let trace = &mut executor.0.state.lock().trace;
            if trace.end == End::Done
                && let Some(failure) = done.as_ref().and_then(Outcome::failure)
            {
                trace.end = End::Failed(Failure::Error(failure));
            }
        }
        // Nothing of it is looked at any more.
        drop(crate::actor::panic::contained(|| {
            drop(monitors);
            drop(executor.clear());
            drop(system);
        }));
        done
    }
}

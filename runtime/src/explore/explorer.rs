//! Runs a program again and again, under a strategy, within a budget.

mod crossed;
mod explained;
mod once;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::escape;
use super::executor::SimExecutor;
use super::faults::Faults;
use super::monitor::Flaw;
use super::properties::Sightings;
use super::report::{Coverage, Finding, Report};
use super::run::{Chooser, Limits};
use super::schedule::Schedule;
use super::sim::Sim;
use super::strategy::{self, Search};
use super::trace::{End, Failure, Trace};
use crate::actor::Deadlocks;
use crate::sync::shim::Mutex;

/// Which orders are run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Every order there is.
    Exhaustive,
    /// One of all orders that differ in nothing that matters.
    Reduced,
    /// Every order in which tasks run as they were woken, but for at most so many
    /// delays, each of which lets one other pass. Most faults need one or two.
    Delays(u32),
    /// Priorities at random, and `depth - 1` points where the highest falls
    /// behind: finds a fault that needs `depth` orderings with a probability that is
    /// known.
    Pct {
        /// How many orderings a fault may need; at least 1.
        depth: u32,
        /// How many schedules are run.
        schedules: u64,
        /// What priorities and points come from.
        seed: u64,
    },
    /// Orders at random.
    Random {
        /// How many schedules are run.
        schedules: u64,
        /// What they come from.
        seed: u64,
    },
    /// One schedule, again.
    Replay(Schedule),
}

impl Strategy {
    fn search(&self) -> Box<dyn Search> {
        match self {
            Self::Exhaustive => Box::new(strategy::Exhaustive::new()),
            Self::Reduced => Box::new(strategy::Reduced::new()),
            Self::Delays(most) => Box::new(strategy::Delays::new(*most)),
            Self::Pct { depth, schedules, seed } => Box::new(strategy::Pct::new(*depth, *schedules, *seed)),
            Self::Random { schedules, seed } => Box::new(strategy::Random::new(*schedules, *seed)),
            Self::Replay(schedule) => Box::new(strategy::Replay::new(schedule.choices.clone())),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhaustive => f.write_str("exhaustive"),
            Self::Reduced => f.write_str("reduced"),
            Self::Delays(most) => write!(f, "at most {most} delays"),
            Self::Pct { depth, seed, .. } => write!(f, "priorities at random, depth {depth}, seed {seed}"),
            Self::Random { seed, .. } => write!(f, "random, seed {seed}"),
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
    pub(super) steps: usize,
    seed: u64,
    deadlocks: Deadlocks,
    pub(super) allowed: BTreeSet<Flaw>,
    faults: Faults,
    any_time: bool,
    cross_check: u64,
    /// Of the exploration that goes on.
    sightings: Arc<Sightings>,
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

/// Whatever a body returns, where nothing is wrong with it.
struct Returned<T>(T);

impl<T> Outcome for Returned<T> {
    fn failure(&self) -> Option<String> {
        None
    }
}

impl Explorer {
    /// Explores by `strategy`, with at most 1,000,000 schedules, in at most a
    /// minute.
    pub fn new(strategy: Strategy) -> Self {
        let time = Duration::from_secs(60);
        Self {
            strategy,
            schedules: 1_000_000,
            time,
            steps: 10_000,
            seed: 0,
            deadlocks: Deadlocks::off(),
            allowed: BTreeSet::new(),
            faults: Faults::default(),
            any_time: false,
            cross_check: crossed::SCHEDULES,
            sightings: Arc::default(),
        }
    }

    /// By another strategy, with all else the same.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// At most so many schedules.
    pub fn schedules(mut self, most: u64) -> Self {
        self.schedules = most;
        self
    }

    /// As many schedules as that, where the strategy says how many there are, and at
    /// most so many elsewhere.
    pub(super) fn of_schedules(mut self, number: u64) -> Self {
        if let Strategy::Random { schedules, .. } | Strategy::Pct { schedules, .. } = &mut self.strategy {
            *schedules = number;
        }
        self.schedules(number)
    }

    /// At most so long: a run that goes on then is cut off, too.
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

    /// What the system does about actors that wait for each other in a circle.
    /// The default is [off](Deadlocks::off), unlike elsewhere: nothing is broken,
    /// so that a deadlock is found.
    pub fn deadlocks(mut self, deadlocks: Deadlocks) -> Self {
        self.deadlocks = deadlocks;
        self
    }

    /// What the program's own random numbers come from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Explores the program with these faults, too.
    ///
    /// # Panics
    /// If there may be some, and no kind of fault is named.
    #[track_caller]
    pub fn faults(mut self, faults: Faults) -> Self {
        assert!(
            !faults.is_pointless(),
            "`Faults::at_most` says how many, and `crash`, `drop` ... which: none is named"
        );
        self.faults = faults;
        self
    }

    pub(super) fn faults_optional(mut self) -> Self {
        self.faults = self.faults.optional();
        self
    }

    /// Lets the clock move at any time, as on a slow machine: to the next timer,
    /// while others could run, and between the taking of a message and what its
    /// handler does. By default it moves when nothing else can, and no timer is late.
    ///
    /// A program that sets a timer again and again has no end of orders then. Nor of
    /// a run: when the body is done and nothing else can run, the clock moves on 16
    /// times at most, and where it could have gone on, what is looked at is
    /// [`Bounded`](Coverage::Bounded).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::explore::{Explorer, Strategy};
    /// use tidegate::prelude::*;
    /// # struct Echo; impl Actor for Echo { type Msg = Reply<()>;
    /// # async fn handle(&mut self, reply: Reply<()>, _: &mut Context<Self>) -> Result<(), Fault> { let _ = reply.send(()); Ok(()) } }
    /// let body = |sim: tidegate::explore::Sim| async move {
    ///     let echo = sim.system().spawn(Echo, Push::bounded(1));
    ///     echo.ask_within(Duration::from_secs(9), |reply| reply).await.is_ok()
    /// };
    /// let explorer = Explorer::new(Strategy::Exhaustive);
    /// assert_eq!(explorer.outcomes(body).1, [true].into());
    /// assert_eq!(explorer.any_time().outcomes(body).1, [false, true].into());
    /// ```
    pub fn any_time(mut self) -> Self {
        self.any_time = true;
        self
    }

    /// Runs that end with this flaw are not called wrong.
    ///
    /// ```
    /// use std::future::pending;
    /// use tidegate::explore::{Explorer, Flaw, Strategy};
    /// use tidegate::prelude::*;
    /// struct Sleeper;
    /// impl Actor for Sleeper {
    ///     type Msg = ();
    ///     async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> { pending().await }
    /// }
    /// let explorer = Explorer::new(Strategy::Exhaustive);
    /// let body = |sim: tidegate::explore::Sim| async move {
    ///     sim.system().spawn(Sleeper, Push::bounded(1)).tell(()).await.unwrap();
    /// };
    /// assert!(!explorer.run(body).is_clean());
    /// explorer.allow(Flaw::Stuck).run(body).assert_clean();
    /// ```
    pub fn allow(mut self, flaw: Flaw) -> Self {
        self.allowed.insert(flaw);
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

    /// As [`run`](Self::run), and returns everything that the body has returned,
    /// in some order or other. Nothing it returns is a failure.
    ///
    /// ```
    /// use tidegate::explore::{Explorer, Strategy};
    /// use tidegate::prelude::*;
    /// # struct Keep(u64); impl Actor for Keep { type Msg = (u64, Option<Reply<u64>>);
    /// # async fn handle(&mut self, (n, reply): Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
    /// #     if let Some(reply) = reply { let _ = reply.send(self.0); } else { self.0 = n; } Ok(()) } }
    /// let (report, outcomes) = Explorer::new(Strategy::Exhaustive).outcomes(|sim| async move {
    ///     let keep = sim.system().spawn(Keep(0), Push::bounded(4));
    ///     let writers = [1, 2].map(|n| {
    ///         let keep = keep.clone();
    ///         sim.spawn("writer", async move { keep.tell((n, None)).await.unwrap() })
    ///     });
    ///     for writer in writers {
    ///         writer.await;
    ///     }
    ///     keep.ask(|reply| (0, Some(reply))).await.unwrap()
    /// });
    /// report.assert_clean();
    /// assert_eq!(outcomes, [1, 2].into());
    /// ```
    pub fn outcomes<T, F, Fut>(&self, body: F) -> (Report, BTreeSet<T>)
    where
        F: Fn(Sim) -> Fut,
        Fut: Future<Output = T> + Send + 'static,
        T: Ord + Send + 'static,
    {
        let mut outcomes = BTreeSet::new();
        let returned = |sim| {
            let body = body(sim);
            async move { Returned(body.await) }
        };
        let report = self.run_each(returned, |trace, outcome| {
            // What was broken off is run to its end elsewhere.
            let ended = outcome.filter(|_| !matches!(trace.end, End::Abandoned | End::OutOfTime));
            outcomes.extend(ended.map(|Returned(outcome)| outcome));
        });
        (report, outcomes)
    }

    /// What was to come about in some run, and did in none.
    fn missing(&self, schedules: u64) -> Option<Failure> {
        let vacuous = || self.faults.vacuous(&self.sightings, schedules);
        self.sightings.missing(schedules).or_else(vacuous)
    }

    /// The same; `seen` is shown each run, and what the body returned.
    pub(crate) fn run_each<F, Fut>(&self, body: F, mut seen: impl FnMut(&Trace, Option<Fut::Output>)) -> Report
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        let begun = Instant::now();
        let this = &Self { sightings: Arc::default(), ..self.clone() };
        let executor = SimExecutor::new();
        let chooser: Chooser = Arc::new(Mutex::untouched(self.strategy.search()));
        let mut report = Report {
            strategy: self.strategy.to_string(),
            coverage: Coverage::CutOff,
            schedules: 0,
            pruned: 0,
            too_long: 0,
            cross_checked: 0,
            elapsed: Duration::ZERO,
            finding: None,
        };
        if let Some(why) = escape::surrounded() {
            report.finding = Some(Finding::of_no_run(Failure::Escaped(why), 0));
            return report;
        }
        let (mut crossing, mut is_cut) = (false, false);
        loop {
            if !chooser.lock().begin() {
                if crossing {
                    break;
                }
                let coverage = chooser.lock().coverage();
                report.coverage = if is_cut && coverage == Coverage::Exhausted { Coverage::Bounded } else { coverage };
                report.pruned = chooser.lock().pruned();
                let Some(random) = self.crossed(coverage) else { break };
                crossing = true;
                *chooser.lock() = random;
                continue;
            }
            if begun.elapsed() >= self.time || (!crossing && report.schedules >= self.schedules) {
                report.pruned = report.pruned.max(chooser.lock().pruned());
                break;
            }
            let touching = chooser.lock().wants_touches();
            let until = begun.checked_add(self.time);
            let limits = Limits { steps: self.steps, until, touching, telling: false };
            let outcome = this.once(&executor, &chooser, &body, limits);
            {
                let trace = &executor.0.state.lock().trace;
                chooser.lock().end(trace);
                is_cut |= trace.is_cut;
                seen(trace, outcome);
            }
            this.look_for_leaks(&executor, &body);
            let end = executor.0.state.lock().trace.end.clone();
            match end {
                End::Abandoned => continue,
                End::OutOfTime => break,
                End::Done => {}
                End::TooLong => report.too_long += 1,
                End::Failed(_) => {
                    report.finding =
                        Some(self.explained(&executor, &body, report.schedules + report.cross_checked + 1));
                }
            }
            if crossing {
                report.cross_checked += 1;
            } else {
                report.schedules += 1;
            }
            if report.finding.is_none() && report.schedules + report.cross_checked == 1 {
                report.finding = self.repeated(&executor, &body, limits, 1);
            }
            if report.finding.is_some() {
                break;
            }
        }
        let touching = chooser.lock().wants_touches();
        let limits = Limits { steps: self.steps, until: None, touching, telling: false };
        if report.finding.is_none() && report.schedules > 0 {
            report.finding = self.repeated(&executor, &body, limits, report.schedules);
        }
        if report.schedules == 0 {
            report.coverage = Coverage::CutOff;
        }
        // One schedule shows nothing of what others do.
        if report.finding.is_none()
            && report.coverage != Coverage::CutOff
            && !matches!(self.strategy, Strategy::Replay(_))
            && let Some(failure) = this.missing(report.schedules)
        {
            report.finding = Some(Finding::of_no_run(failure, report.schedules));
        }
        if report.finding.is_none() && chooser.lock().has_strayed() {
            let why = "it was found in another program, or in this one before it was changed, and this one does well \
                       under what is left of it";
            report.finding = Some(Finding::of_no_run(Failure::Strayed(why.to_owned()), report.schedules));
        }
        if let Some(finding) = report.finding.as_mut().filter(|_| report.cross_checked > 0) {
            crossed::tell(finding);
        }
        report.pruned = report.pruned.max(chooser.lock().pruned());
        report.elapsed = begun.elapsed();
        report
    }
}

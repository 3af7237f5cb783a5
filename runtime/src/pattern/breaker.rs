//! A circuit breaker: stops calling what keeps failing, and finds out when it
//! works again.
//!
//! | state | a call | leaves it |
//! |---|---|---|
//! | closed | is made, and its outcome counted | too many failures: open |
//! | open | is refused at once | after the cool-down: half-open |
//! | half-open | is made if it is one of a few probes, refused if not | enough probes succeed: closed; one fails: open, for longer |
//!
//! Nothing runs by itself: the state moves when somebody calls, by the clock of
//! the system's executor. An outcome counts in the state in which its call was
//! let through; what comes later is for the statistics.

mod builder;
mod error;
mod window;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use self::builder::BreakerBuilder;
pub use self::error::BreakerError;
use self::window::Window;
use crate::actor::world::World;
use crate::actor::{ActorRef, AskError, Reply};
use crate::sync::access::{self, Access};
use crate::sync::shim::Mutex;
use crate::system::System;

/// Stops calling what keeps failing. Cheap to clone; all clones are one breaker.
///
/// One breaker stands before one thing that can fail as a whole: a service, a
/// database, an actor that fronts one. [`call`](Self::call) takes any future,
/// [`ask`](Self::ask) a question to an actor, and [`acquire`](Self::acquire) is
/// what both are made of.
///
/// ```
/// use std::time::Duration;
/// use tidegate::pattern::{BreakerError, BreakerState, CircuitBreaker};
/// use tidegate::{Backoff, ManualExecutor, System};
///
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let second = Duration::from_secs(1);
/// let breaker = CircuitBreaker::builder()
///     .after_failures(2)
///     .cool_down(Backoff::exponential(second, 60 * second))
///     .build(&system);
///
/// let failing = || breaker.call(async { Err::<u32, _>("no route") });
/// for _ in 0..2 {
///     assert_eq!(executor.block_on(failing()), Err(BreakerError::Failed("no route")));
/// }
/// assert_eq!(executor.block_on(failing()), Err(BreakerError::Open { input: (), retry_in: second }));
///
/// executor.advance(second);
/// assert_eq!(breaker.state(), BreakerState::HalfOpen);
/// assert_eq!(executor.block_on(breaker.call(async { Ok::<_, &str>(7) })), Ok(7));
/// assert_eq!(breaker.state(), BreakerState::Closed);
/// ```
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    settings: BreakerBuilder,
    circuit: Mutex<Circuit>,
}

struct Circuit {
    phase: Phase,
    /// Counts the changes of phase: what belongs to an earlier one is told by it.
    epoch: u64,
    window: Window,
    /// How often it opened without having been closed for long.
    in_a_row: u32,
    closed_since: Option<Duration>,
    counts: BreakerCounts,
}

#[derive(Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Duration },
    HalfOpen { out: u32, good: u32, last: Duration, patience: Duration },
}

/// Whether calls are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// They are.
    Closed,
    /// They are not.
    Open,
    /// A few are, to see how they fare.
    HalfOpen,
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// What became of the calls of a [`CircuitBreaker`] since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerCounts {
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that failed, panicked, or took too long.
    pub failed: u64,
    /// Calls that were dropped before they were done. They count neither way.
    pub abandoned: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// How often the breaker opened.
    pub opened: u64,
}

impl CircuitBreaker {
    /// A breaker that opens after five failures in a row; see [`BreakerBuilder`]
    /// for what the defaults are.
    #[must_use]
    pub fn new(system: &System) -> Self {
        BreakerBuilder::default().build(system)
    }

    /// Begins to make a breaker with settings of its own.
    pub fn builder() -> BreakerBuilder {
        BreakerBuilder::default()
    }

    /// Whether calls are let through. Open becomes half-open when the cool-down
    /// is over, though nobody may have called yet.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        let now = self.now();
        match self.0.circuit.lock().phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { until } if now < until => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// What became of the calls so far.
    #[must_use]
    pub fn counts(&self) -> BreakerCounts {
        self.0.circuit.lock_to(Access::Read).counts
    }

    /// Opens it now, for a first cool-down: when it is known from elsewhere that
    /// calling is of no use.
    pub fn trip(&self) {
        let changed = {
            let now = self.now();
            let mut circuit = self.0.circuit.lock();
            self.0.open(&mut circuit, now)
        };
        self.0.tell(Some(changed));
    }

    /// Closes it now, and forgets what failed.
    pub fn reset(&self) {
        let changed = {
            let now = self.now();
            let mut circuit = self.0.circuit.lock();
            circuit.in_a_row = 0;
            circuit.close(now)
        };
        self.0.tell(Some(changed));
    }

    /// Makes a call, unless the breaker is open. An `Err` of `task` is a
    /// failure; so is a panic, and a timeout if there is [one](BreakerBuilder::timeout).
    ///
    /// # Errors
    /// [`BreakerError::Open`] if `task` was not begun, [`BreakerError::Failed`]
    /// with its error, [`BreakerError::Timeout`] if it was dropped for its time.
    /// # Cancel safety
    /// Dropped, it drops `task`. The call counts neither way, and its place
    /// among the probes is free again.
    pub async fn call<T, E>(&self, task: impl Future<Output = Result<T, E>>) -> Result<T, BreakerError<E>> {
        self.call_judged(task, Result::is_err).await
    }

    /// As [`call`](Self::call), where `failed` says which outcomes are failures:
    /// that a row is not there is no failure of the database.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_judged<T, E>(
        &self,
        task: impl Future<Output = Result<T, E>>,
        failed: impl FnOnce(&Result<T, E>) -> bool,
    ) -> Result<T, BreakerError<E>> {
        poll_fn(access::pass).await;
        let pass = self.acquire().map_err(|retry_in| BreakerError::Open { input: (), retry_in })?;
        let mut task = pin!(task);
        let mut sleep = self.0.settings.timeout.map(|limit| self.0.world.executor.sleep(limit));
        let outcome = poll_fn(|cx| {
            if let Poll::Ready(outcome) = task.as_mut().poll(cx) {
                return Poll::Ready(Some(outcome));
            }
            sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx).map(|()| None))
        })
        .await;
        let Some(outcome) = outcome else {
            pass.fail();
            return Err(BreakerError::Timeout);
        };
        pass.end(!failed(&outcome));
        outcome.map_err(BreakerError::Failed)
    }

    /// Asks an actor, unless the breaker is open. No answer, for whatever reason,
    /// is a failure. With a [timeout](BreakerBuilder::timeout) this is
    /// [`ActorRef::ask_within`].
    ///
    /// # Errors
    /// [`BreakerError::Open`] with the question, [`BreakerError::Failed`] with
    /// what `ask` says.
    /// # Cancel safety
    /// As [`ActorRef::ask`]; the call counts neither way.
    pub async fn ask<M: Send + 'static, R>(
        &self,
        actor: &ActorRef<M>,
        question: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, BreakerError<AskError<M>, M>> {
        poll_fn(access::pass).await;
        let pass = match self.acquire() {
            Ok(pass) => pass,
            // Made nevertheless, so that what is in it comes back.
            Err(retry_in) => return Err(BreakerError::Open { input: question(Reply::channel().0), retry_in }),
        };
        let answer = match self.0.settings.timeout {
            Some(limit) => actor.ask_within(limit, question).await,
            None => actor.ask(question).await,
        };
        pass.end(answer.is_ok());
        answer.map_err(BreakerError::Failed)
    }

    /// Lets one call through, whose outcome is told to what this returns.
    ///
    /// # Errors
    /// In how long it may be tried again, as far as is known now.
    pub fn acquire(&self) -> Result<BreakerPass, Duration> {
        access::act();
        let now = self.now();
        let mut circuit = self.0.circuit.lock();
        let mut changed = None;
        if let Phase::Open { until } = circuit.phase {
            if now < until {
                circuit.counts.refused += 1;
                return Err(until - now);
            }
            let patience = self.0.settings.cool_down.delay(circuit.in_a_row.saturating_sub(1), || 0);
            changed = Some(circuit.turn(Phase::HalfOpen { out: 0, good: 0, last: now, patience }));
        }
        if let Phase::HalfOpen { out, good, last, patience } = &mut circuit.phase {
            // A probe that never ends does not keep the breaker open for ever:
            // after as long as the cool-down was, another is let through.
            let late = last.saturating_add(*patience).saturating_sub(now);
            if *out + *good >= self.0.settings.probes && !late.is_zero() {
                let retry_in = late;
                circuit.counts.refused += 1;
                return Err(retry_in);
            }
            *out += 1;
            *last = now;
        }
        let epoch = circuit.epoch;
        drop(circuit);
        self.0.tell(changed);
        Ok(BreakerPass { breaker: self.clone(), epoch, settled: false })
    }

    pub(super) fn with(settings: BreakerBuilder, system: &System) -> Self {
        let circuit = Circuit {
            phase: Phase::Closed,
            epoch: 0,
            window: Window::new(settings.trip),
            in_a_row: 0,
            closed_since: None,
            counts: BreakerCounts::default(),
        };
        Self(Arc::new(Inner { world: Arc::clone(system.world()), settings, circuit: Mutex::new(circuit) }))
    }

    fn now(&self) -> Duration {
        self.0.world.executor.now()
    }

    fn settle(&self, epoch: u64, outcome: Outcome) {
        access::act();
        let now = self.now();
        let changed = {
            let mut circuit = self.0.circuit.lock();
            match outcome {
                Outcome::Succeeded => circuit.counts.succeeded += 1,
                Outcome::Failed => circuit.counts.failed += 1,
                Outcome::Abandoned => circuit.counts.abandoned += 1,
            }
            if circuit.epoch == epoch { self.0.judge(&mut circuit, now, outcome) } else { None }
        };
        self.0.tell(changed);
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("state", &self.state())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// What an outcome does to the present phase.
    fn judge(&self, circuit: &mut Circuit, now: Duration, outcome: Outcome) -> Option<BreakerState> {
        match (&mut circuit.phase, outcome) {
            (Phase::Closed, Outcome::Succeeded) => circuit.window.succeeded(now),
            (Phase::Closed, Outcome::Failed) => {
                if circuit.window.failed(now) {
                    return Some(self.open(circuit, now));
                }
            }
            (Phase::HalfOpen { .. }, Outcome::Failed) => return Some(self.open(circuit, now)),
            (Phase::HalfOpen { out, good, .. }, Outcome::Succeeded) => {
                *out -= 1;
                *good += 1;
                if *good >= self.settings.probes {
                    return Some(circuit.close(now));
                }
            }
            (Phase::HalfOpen { out, .. }, Outcome::Abandoned) => *out -= 1,
            (Phase::Closed, Outcome::Abandoned) | (Phase::Open { .. }, _) => {}
        }
        None
    }

    fn open(&self, circuit: &mut Circuit, now: Duration) -> BreakerState {
        let cool_down = &self.settings.cool_down;
        if circuit.closed_since.is_some_and(|since| now.saturating_sub(since) >= cool_down.quiet()) {
            circuit.in_a_row = 0;
        }
        let until = now.saturating_add(cool_down.delay(circuit.in_a_row, || self.world.executor.random()));
        circuit.in_a_row = circuit.in_a_row.saturating_add(1);
        circuit.closed_since = None;
        circuit.counts.opened += 1;
        circuit.turn(Phase::Open { until })
    }

    fn tell(&self, changed: Option<BreakerState>) {
        let Some(state) = changed else { return };
        #[cfg(feature = "tracing")]
        tracing::info!(%state, "circuit breaker");
        if let Some(listener) = &self.settings.listener {
            listener(state);
        }
    }
}

impl Circuit {
    fn close(&mut self, now: Duration) -> BreakerState {
        self.closed_since = Some(now);
        self.window.clear();
        self.turn(Phase::Closed)
    }

    fn turn(&mut self, phase: Phase) -> BreakerState {
        self.phase = phase;
        self.epoch += 1;
        match phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

#[derive(Clone, Copy)]
enum Outcome {
    Succeeded,
    Failed,
    Abandoned,
}

/// One call that was let through. Dropped without an outcome it counts neither
/// way, unless a panic drops it: that is a failure.
#[derive(Debug)]
#[must_use = "dropped, the call counts neither way"]
pub struct BreakerPass {
    breaker: CircuitBreaker,
    epoch: u64,
    settled: bool,
}

impl BreakerPass {
    /// The call succeeded.
    pub fn succeed(self) {
        self.end(true);
    }

    /// The call failed.
    pub fn fail(self) {
        self.end(false);
    }

    fn end(mut self, well: bool) {
        self.settle(if well { Outcome::Succeeded } else { Outcome::Failed });
    }

    fn settle(&mut self, outcome: Outcome) {
        self.settled = true;
        self.breaker.settle(self.epoch, outcome);
    }
}

impl Drop for BreakerPass {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(if std::thread::panicking() { Outcome::Failed } else { Outcome::Abandoned });
        }
    }
}

//! What a body is given: a system, tasks, a clock, choices, properties.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::executor::SimExecutor;
use super::monitor::Monitors;
use super::real::RealExecutor;
use super::run::{Chooser, choose};
use crate::actor::{AnswerFuture, Executor, Reply};
use crate::system::System;

/// A program under exploration, as its body sees it. Clones are the same.
#[derive(Clone)]
pub struct Sim(Arc<Inner>);

struct Inner {
    system: System,
    executor: Arc<dyn Executor>,
    backend: Backend,
    monitors: Arc<Monitors>,
}

/// Who runs the program.
enum Backend {
    /// The explorer, which chooses every order.
    Explored { executor: SimExecutor, chooser: Chooser },
    /// A runtime, in whatever order it happens to.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    Real(RealExecutor),
}

impl Sim {
    pub(crate) fn explored(system: System, executor: SimExecutor, chooser: Chooser, monitors: Arc<Monitors>) -> Self {
        let backend = Backend::Explored { executor: executor.clone(), chooser };
        Self(Arc::new(Inner { system, executor: Arc::new(executor), backend, monitors }))
    }

    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn real(system: System, executor: RealExecutor, monitors: Arc<Monitors>) -> Self {
        let backend = Backend::Real(executor.clone());
        Self(Arc::new(Inner { system, executor: Arc::new(executor), backend, monitors }))
    }

    /// The system to spawn actors in.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.0.system
    }

    /// Whether orders are chosen, and not left to a real runtime.
    #[must_use]
    pub fn is_explored(&self) -> bool {
        matches!(self.0.backend, Backend::Explored { .. })
    }

    /// Runs `future` beside the body: a client, for example. The name is for
    /// people.
    pub fn spawn<T: Send + 'static>(&self, name: &str, future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        let (reply, done) = Reply::channel_within();
        let task = Box::pin(async move {
            // Nobody has to wait for it.
            let _ = reply.send(future.await);
        });
        match &self.0.backend {
            Backend::Explored { executor, .. } => executor.spawn_beside(name, task),
            Backend::Real(executor) => executor.spawn(name, task),
        }
        Task { done, name: name.into() }
    }

    /// Has messages of this type told of by what is in them, and not by their
    /// type alone, where a finding is explained.
    ///
    /// ```
    /// use tidegate::explore::{Explorer, Strategy};
    /// let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
    ///     sim.describe::<u64>();
    ///     assert!(sim.system().is_empty());
    /// });
    /// report.assert_clean();
    /// ```
    pub fn describe<M: fmt::Debug + 'static>(&self) {
        crate::sync::access::describe_by_debug::<M>();
    }

    /// The time since some fixed moment.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.0.executor.now()
    }

    /// Waits so long, on the program's clock.
    pub async fn sleep(&self, duration: Duration) {
        self.0.executor.sleep(duration).await;
    }

    /// Waits until nothing else can go on without the clock.
    ///
    /// On a real runtime this is when every task waits that the system and
    /// [`spawn`](Self::spawn) have started on it; what runs elsewhere, as on a
    /// thread of its own, is not waited for. Properties are looked at then.
    ///
    /// # Panics
    /// On a real runtime, if a property does not hold.
    pub async fn settled(&self) {
        match &self.0.backend {
            Backend::Explored { executor, .. } => executor.settled().await,
            Backend::Real(executor) => {
                executor.settled().await;
                if let Some(violated) = self.0.monitors.at_rest() {
                    panic!("{violated}");
                }
            }
        }
    }

    /// One of `options` numbers from 0: every one is tried.
    ///
    /// # Panics
    /// If `options` is 0.
    #[must_use]
    pub fn choose(&self, options: usize) -> usize {
        assert!(options > 0, "there is something to choose from");
        let Backend::Explored { executor, chooser } = &self.0.backend else {
            return (self.0.executor.random() % options as u64) as usize;
        };
        choose(executor, chooser, options)
    }

    /// Has `holds` looked at after every step, from the one on that says this:
    /// `Err`, or a panic, says what is wrong. It is a violation to be that, once,
    /// for as long as one step.
    ///
    /// Read what the system tells, [`System::inspect`] for instance, or what is
    /// in a cell that the explorer knows. What else is read, it cannot see, and a
    /// strategy that leaves orders out may leave out the one that matters; only a
    /// property that reads nothing else has every step looked at. Say it before
    /// anything is spawned that it is about.
    ///
    /// On a real runtime it is looked at whenever all has [settled](Self::settled).
    ///
    /// ```
    /// use tidegate::explore::{Explorer, Strategy};
    /// use tidegate::prelude::*;
    /// # struct Sink; impl Actor for Sink { type Msg = u64;
    /// # async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
    ///     let system = sim.system().clone();
    ///     sim.always("one waits at most", move || match system.inspect().find("/sink") {
    ///         Some(sink) if sink.mailbox.len > 1 => Err(format!("{} wait", sink.mailbox.len)),
    ///         _ => Ok(()),
    ///     });
    ///     let sink = sim.system().build(|| Sink).named("sink").spawn();
    ///     sink.tell(1).await.unwrap();
    ///     sink.tell(2).await.unwrap();
    /// });
    /// assert!(report.finding.unwrap().failure.to_string().ends_with("does not hold: 2 wait"));
    /// ```
    pub fn always(&self, name: &str, holds: impl FnMut() -> Result<(), String> + Send + 'static) {
        self.0.monitors.always(name, holds);
    }

    /// `holds` has to be true once: after at most `within` further steps, and
    /// before the end of the run. What holds true already when it is said does.
    ///
    /// What it reads should be as for [`always`](Self::always). Every poll of a task
    /// is a step, and so is a move of the clock. With `usize::MAX` only the end is the
    /// bound, which takes [`Reduced`](super::Strategy::Reduced) fewer orders: otherwise
    /// it also runs those that differ in how many steps come before. On a real runtime it
    /// is looked at whenever all has [settled](Self::settled), which counts as a step,
    /// and at the end.
    ///
    /// ```
    /// use tidegate::explore::{Explorer, Strategy};
    /// use tidegate::prelude::*;
    /// # struct Sink; impl Actor for Sink { type Msg = u64;
    /// # async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// Explorer::new(Strategy::Exhaustive).run(|sim| async move {
    ///     let sink = sim.system().spawn(Sink, Push::bounded(1));
    ///     sink.tell(1).await.unwrap();
    ///     sim.eventually("it is handled", 4, move || sink.stats().handled == 1);
    /// }).assert_clean();
    /// ```
    pub fn eventually(&self, name: &str, within: usize, holds: impl FnMut() -> bool + Send + 'static) {
        self.0.monitors.eventually(name, within, holds);
    }

    /// `seen` has to be true in some run, whenever this is said in it: a check of
    /// what happens in a case that never comes is no check. That it was not is
    /// found at the end of an exploration that has done all it was to do.
    ///
    /// ```
    /// use tidegate::explore::{Explorer, Strategy};
    /// let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
    ///     let toss = sim.choose(2);
    ///     sim.sometimes("heads", toss == 0);
    ///     sim.sometimes("on the edge", toss == 2);
    /// });
    /// assert!(report.finding.unwrap().failure.to_string().starts_with("on the edge does not hold"));
    /// ```
    pub fn sometimes(&self, name: &str, seen: bool) {
        self.0.monitors.sometimes(name, seen);
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("explored", &self.is_explored()).finish_non_exhaustive()
    }
}

/// What a task that was spawned by [`Sim::spawn`] returns.
///
/// Dropping it leaves the task to itself.
#[derive(Debug)]
#[must_use = "this waits when it is awaited"]
pub struct Task<T> {
    done: AnswerFuture<T>,
    name: Arc<str>,
}

impl<T> Future for Task<T> {
    type Output = T;

    /// # Panics
    /// If the task has panicked.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match Pin::new(&mut self.done).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(done)) => Poll::Ready(done),
            Poll::Ready(None) => panic!("the task {} has ended without a result", self.name),
        }
    }
}

//! Floor 7: testing actors, with the feature `testkit`.
//!
//! [`TestKit`] is a system on a clock that stands still. Nothing runs unless the
//! test lets it, so a test never sleeps, never waits for "long enough", and
//! prints the same on every machine. Beside the actors under test it has
//! [probes](Probe), which are references like any other and say what came;
//! [assertions on flow](Flow): what is free, what was asked for, who would wait,
//! what was dropped; and [faults](Faults), which make an actor fail at the k-th
//! message. [`TestActor`] is one actor without a system, and
//! [`in_all_modes!`](crate::in_all_modes) runs a test under every way to deliver.
//!
//! What it is not: a proof. A seed gives one interleaving of tasks, on one
//! thread. All of them are for the feature `explore`; races between threads, in
//! structures of your own, for loom: [`loom_model`] runs a model of them.

mod actor;
mod faulty;
mod flow;
mod models;
mod modes;
mod probe;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use self::actor::TestActor;
pub use self::faulty::{Faults, Faulty};
pub use self::flow::{Flow, flow};
#[cfg(tidegate_loom)]
pub use self::models::loom_block_on;
pub use self::models::loom_model;
pub use self::modes::TestMode;
pub use self::probe::Probe;

use crate::actor::reference::Halt;
use crate::actor::{Actor, ActorRef, Child, Executor, StopReason};
use crate::mailbox::{DropReason, Mailbox};
use crate::sync::counter::Counter;
use crate::sync::shim::Mutex;
use crate::system::{ManualExecutor, Spawn, System, SystemBuilder};

/// A system for one test: nothing runs and no time passes unless it is told to.
///
/// ```
/// use std::time::Duration;
/// use tidegate::prelude::*;
/// use tidegate::testkit::TestKit;
///
/// /// Reports once a minute what it has counted.
/// struct PerMinute { count: u64, to: ActorRef<u64> }
/// enum Msg { Hit, Minute }
/// impl Actor for PerMinute {
///     type Msg = Msg;
///     async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
///         cx.send_every(Duration::from_secs(60), || Msg::Minute);
///         Ok(())
///     }
///     async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
///         match msg {
///             Msg::Hit => self.count += 1,
///             Msg::Minute => { self.to.tell(std::mem::take(&mut self.count)).await?; }
///         }
///         Ok(())
///     }
/// }
///
/// let kit = TestKit::new();
/// let mut reports = kit.probe::<u64>();
/// let counter = kit.spawn(PerMinute { count: 0, to: reports.me() }, Push::bounded(8));
/// for _ in 0..3 { counter.try_tell(Msg::Hit).unwrap(); }
///
/// reports.expect_nothing();
/// assert_eq!(reports.expect_within(Duration::from_secs(60)), 3);
/// assert_eq!(kit.now(), Duration::from_secs(60), "and it took no time");
/// ```
pub struct TestKit {
    executor: ManualExecutor,
    system: System,
    /// Numbers for the names of probes and stubs.
    names: Counter,
    stubs: Mutex<Vec<Arc<dyn Child>>>,
}

impl TestKit {
    /// A system at time zero.
    #[must_use]
    pub fn new() -> Self {
        Self::on(ManualExecutor::new(), System::builder())
    }

    /// A system whose ready tasks run in an order that `seed` chooses: another
    /// interleaving for each seed, the same in every run. Print the seed when
    /// the test fails.
    #[must_use]
    pub fn shuffled(seed: u64) -> Self {
        Self::on(ManualExecutor::shuffled(seed), System::builder())
    }

    /// A system with settings of its own.
    #[must_use]
    pub fn with(settings: SystemBuilder) -> Self {
        Self::on(ManualExecutor::new(), settings)
    }

    fn on(executor: ManualExecutor, settings: SystemBuilder) -> Self {
        let system = settings.build_on(executor.clone());
        Self { executor, system, names: Counter::new(), stubs: Mutex::new(Vec::new()) }
    }

    /// The system.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.system
    }

    /// What it runs on, to go step by step.
    #[must_use]
    pub fn executor(&self) -> &ManualExecutor {
        &self.executor
    }

    /// The time since the beginning of the test.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.executor.now()
    }

    /// Runs until nothing is left to do at the present time.
    pub fn settle(&self) {
        self.executor.run_until_idle();
    }

    /// Lets time pass, and runs what becomes due, each at its time.
    pub fn advance(&self, by: Duration) {
        self.executor.advance(by);
    }

    /// Runs `future` and everything else until it is done, letting time pass
    /// whenever nothing else is left to do.
    ///
    /// # Panics
    /// If it waits for something that never comes.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.executor.block_on(future)
    }

    /// Starts `future` beside the actors: a sender that may have to wait, or
    /// a question whose answer the test itself will give.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// # use tidegate::testkit::TestKit;
    /// let kit = TestKit::new();
    /// let mut store = kit.probe::<(u32, Reply<String>)>();
    /// let to = store.me();
    /// let asked = kit.start(async move { to.ask(|reply| (7, reply)).await });
    /// assert!(asked.is_waiting());
    /// store.reply(|(key, reply)| { reply.send(format!("value {key}")).unwrap(); });
    /// assert_eq!(asked.expect().unwrap(), "value 7");
    /// ```
    pub fn start<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Running<T> {
        let result = Arc::new(Mutex::new(None));
        let put = Arc::clone(&result);
        let task = async move {
            let done = future.await;
            *put.lock() = Some(done);
        };
        self.executor.spawn("test", Box::pin(task));
        Running { executor: self.executor.clone(), result }
    }

    /// Spawns an actor; see [`System::spawn`].
    pub fn spawn<A: Actor>(&self, actor: A, mailbox: impl Into<Mailbox<A::Msg>>) -> ActorRef<A::Msg> {
        self.system.spawn(actor, mailbox)
    }

    /// Begins to spawn an actor from a factory; see [`System::build`].
    pub fn build<A: Actor>(&self, make: impl FnMut() -> A + Send + 'static) -> Spawn<'_, A> {
        self.system.build(make)
    }

    /// A probe whose mailbox takes 1024 messages before senders wait.
    #[must_use]
    pub fn probe<M: Send + 'static>(&self) -> Probe<M> {
        self.probe_with(Mailbox::default())
    }

    /// A probe with a mailbox of your choice: it takes a message only when the
    /// test expects one, so it is as slow a receiver as the test wants.
    ///
    /// ```
    /// use tidegate::{Pull, SendError};
    /// use tidegate::testkit::TestKit;
    /// let kit = TestKit::new();
    /// let mut probe = kit.probe_with(Pull::manual());
    /// assert_eq!(probe.me().try_tell(1), Err(SendError::NoDemand(1)));
    /// probe.request(1);
    /// probe.me().try_tell(1).unwrap();
    /// assert_eq!(probe.expect(), 1);
    /// ```
    #[must_use]
    pub fn probe_with<M: Send + 'static>(&self, mailbox: impl Into<Mailbox<M>>) -> Probe<M> {
        let name = format!("probe-{}", self.names.next());
        Probe::new(&self.system, Some(self.executor.clone()), &name, &mailbox.into())
    }

    /// A collaborator that is this function: it stands for an actor that is
    /// not under test, and answers at once. Its panics are those of the test.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// # use tidegate::testkit::TestKit;
    /// let kit = TestKit::new();
    /// let prices = kit.stub(Push::bounded(8), |(item, reply): (u32, Reply<u32>)| reply.send(item * 100).unwrap());
    /// assert_eq!(kit.block_on(prices.ask(|reply| (3, reply))).unwrap(), 300);
    /// ```
    pub fn stub<M: Send + 'static>(
        &self,
        mailbox: impl Into<Mailbox<M>>,
        mut answer: impl FnMut(M) + Send + 'static,
    ) -> ActorRef<M> {
        let name = format!("stub-{}", self.names.next());
        let (me, mut rx) = self.system.by_hand(&name, &mailbox.into());
        let life = Arc::clone(me.life());
        // Not an actor, whose panics would be its supervisor's business.
        let task = async move {
            while let Some(message) = rx.recv().await {
                answer(message);
            }
            life.end(StopReason::Stopped);
        };
        self.executor.spawn(&name, Box::pin(task));
        self.stubs.lock().push(Arc::new(me.clone()));
        me
    }

    /// What can be said of the flow to `actor`, once nothing is left to do at
    /// the present time.
    #[must_use = "a flow is looked at to assert something of it"]
    pub fn flow<M: Send + 'static>(&self, actor: &ActorRef<M>) -> Flow {
        self.settle();
        flow(actor)
    }

    /// Asserts that `actor` has ended, or ends within `limit`; tells why it
    /// did. It need not have been watched.
    ///
    /// # Panics
    /// If it has not ended by then.
    #[track_caller]
    pub fn expect_terminated<M: Send + 'static>(&self, actor: &ActorRef<M>, limit: Duration) -> StopReason {
        terminated(&self.executor, actor, limit)
    }

    /// Asserts what the system has dropped so far: these reasons with these
    /// counts, and no other.
    ///
    /// # Panics
    /// If it dropped something else.
    #[track_caller]
    pub fn expect_dropped<const N: usize>(&self, expected: [(DropReason, u64); N]) {
        self.settle();
        flow::assert_dropped("the system", &self.system.dead_letters().counts(), &expected, "");
    }

    /// Shuts the system down and asserts that everything accepted was handled,
    /// that everybody ended within a minute of the test's time, and that no
    /// task is left.
    ///
    /// # Panics
    /// If not, with the report.
    #[track_caller]
    pub fn finish(self) {
        let report = self.executor.block_on(self.system.shutdown(Duration::from_secs(60)));
        assert!(report.is_clean(), "at the end of the test: {report}");
        for stub in std::mem::take(&mut *self.stubs.lock()) {
            stub.halt(Halt::Stop);
        }
        // Who looks after idle mailboxes goes home when none is left.
        self.executor.advance(self.system.world().settings.idle_after);
        self.settle();
        let left = self.executor.tasks();
        assert!(left == 0, "at the end of the test {left} tasks are left");
    }
}

impl Default for TestKit {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TestKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestKit").field("executor", &self.executor).field("system", &self.system).finish()
    }
}

/// What [`TestKit::start`] has started.
#[must_use = "what was started goes on by itself; bind it to learn what came of it"]
pub struct Running<T> {
    executor: ManualExecutor,
    result: Arc<Mutex<Option<T>>>,
}

impl<T> Running<T> {
    /// Whether it still waits when nothing is left to do at the present time.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.executor.run_until_idle();
        self.result.lock().is_none()
    }

    /// What it returned; once.
    ///
    /// # Panics
    /// If it is not done when nothing is left to do at the present time, or
    /// its result was taken before.
    #[track_caller]
    pub fn expect(&self) -> T {
        self.executor.run_until_idle();
        let result = self.result.lock().take();
        match result {
            Some(result) => result,
            None => panic!("it is not done at {:?}", self.executor.now()),
        }
    }
}

impl<T> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

/// Runs until `done` says so; lets time pass up to `limit` from now, and no
/// further than needed.
fn run_until<T>(executor: &ManualExecutor, limit: Duration, mut done: impl FnMut() -> Option<T>) -> Option<T> {
    let until = executor.now().saturating_add(limit);
    loop {
        executor.run_until_idle();
        if let Some(done) = done() {
            return Some(done);
        }
        // What `done` looked at may have let somebody go on.
        if executor.run_until_idle() > 0 {
            continue;
        }
        let next = executor.next_timer().filter(|at| *at <= until);
        let at = next.unwrap_or(until);
        executor.advance(at.saturating_sub(executor.now()));
        if next.is_none() {
            return done();
        }
    }
}

#[track_caller]
fn terminated<M: Send + 'static>(executor: &ManualExecutor, actor: &ActorRef<M>, limit: Duration) -> StopReason {
    match run_until(executor, limit, || actor.stop_reason()) {
        Some(reason) => reason,
        None => panic!("{} has not ended by {:?}\n{}", actor.path(), executor.now(), flow(actor)),
    }
}

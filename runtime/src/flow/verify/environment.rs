//! Where a subject lives while it is checked: tasks that run when they are told
//! to, and time that passes when it is told to.

use std::fmt;
use std::time::Duration;

use crate::system::{ManualExecutor, System};

/// A world of its own for one check.
///
/// Nothing runs but in [`settle`](Self::settle), so "nothing more comes" is
/// something that a check sees, and not that it has waited long enough.
///
/// ```
/// use tidegate::Executor;
/// use tidegate::flow::verify::Environment;
/// let env = Environment::manual();
/// let (to, heard) = std::sync::mpsc::channel();
/// env.executor().unwrap().spawn("late", Box::pin(async move { to.send("done").unwrap() }));
/// assert!(heard.try_recv().is_err());
/// env.settle();
/// assert_eq!(heard.try_recv(), Ok("done"));
/// ```
pub struct Environment {
    host: Host,
    system: System,
    patience: Duration,
}

enum Host {
    Manual(ManualExecutor),
    #[cfg(feature = "tokio")]
    Tokio(Box<tokio::runtime::Runtime>),
}

/// How much time passes in [`Environment::settle`].
const PATIENCE: Duration = Duration::from_secs(1);

impl Environment {
    /// On a [`ManualExecutor`]: one thread, one order of tasks.
    #[must_use]
    pub fn manual() -> Self {
        Self::on(ManualExecutor::new())
    }

    /// On a [`ManualExecutor`] that runs ready tasks in an order that `seed` chooses.
    #[must_use]
    pub fn shuffled(seed: u64) -> Self {
        Self::on(ManualExecutor::shuffled(seed))
    }

    fn on(executor: ManualExecutor) -> Self {
        let system = System::with_executor(executor.clone());
        Self { host: Host::Manual(executor), system, patience: PATIENCE }
    }

    /// On a tokio runtime, for what needs tokio's tasks and timers.
    ///
    /// It has to be a current-thread runtime with a paused clock
    /// (`Builder::new_current_thread().enable_time().start_paused(true)`, tokio's
    /// feature `test-util`): on another, each check waits for real, and some
    /// find what is not there.
    ///
    /// ```
    /// use tidegate::flow::reactive::from_iter;
    /// use tidegate::flow::verify::{Environment, PublisherSuite, Suite};
    /// let suite = PublisherSuite::new(|env, n| from_iter(env.system(), 0..n)).on(|| {
    ///     let mut runtime = tokio::runtime::Builder::new_current_thread();
    ///     Environment::tokio(runtime.enable_time().start_paused(true).build().unwrap())
    /// });
    /// suite.run().assert_kept();
    /// ```
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn tokio(runtime: tokio::runtime::Runtime) -> Self {
        let system = {
            let _entered = runtime.enter();
            System::new()
        };
        Self { host: Host::Tokio(Box::new(runtime)), system, patience: PATIENCE }
    }

    /// Lets more or less time pass in [`settle`](Self::settle), instead of a second:
    /// as much as the subject may take for what it owes. Virtual, so it costs
    /// nothing.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// A system of actors in it.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.system
    }

    /// What runs its tasks. `None` on tokio, where `tokio::spawn` does.
    #[must_use]
    pub fn executor(&self) -> Option<&ManualExecutor> {
        match &self.host {
            Host::Manual(executor) => Some(executor),
            #[cfg(feature = "tokio")]
            Host::Tokio(_) => None,
        }
    }

    /// Runs all there is to run, and lets [time](Self::patience) pass.
    pub fn settle(&self) {
        match &self.host {
            Host::Manual(executor) => executor.advance(self.patience),
            #[cfg(feature = "tokio")]
            Host::Tokio(runtime) => runtime.block_on(tokio::time::sleep(self.patience)),
        }
    }

    /// Runs `check` as if it were in it: `tokio::spawn` finds its runtime.
    pub(super) fn within<R>(&self, check: impl FnOnce(&Self) -> R) -> R {
        #[cfg(feature = "tokio")]
        let _entered = match &self.host {
            Host::Manual(_) => None,
            Host::Tokio(runtime) => Some(runtime.enter()),
        };
        check(self)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match &self.host {
            Host::Manual(_) => "manual",
            #[cfg(feature = "tokio")]
            Host::Tokio(_) => "tokio",
        };
        f.debug_struct("Environment").field("host", &host).field("patience", &self.patience).finish_non_exhaustive()
    }
}

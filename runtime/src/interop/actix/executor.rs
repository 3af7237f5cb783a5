//! An actix arbiter as an executor.

use std::fmt;
use std::time::Duration;

use actix::{Arbiter, ArbiterHandle};

use crate::actor::{BoxTask, Executor};
use crate::system::{LocalExecutor, TokioExecutor};

/// Runs actors on an actix arbiter: one thread, shared with the actix actors
/// there. Clones are the same arbiter.
///
/// An actor whose arbiter stops ends as
/// [`Abandoned`](crate::StopReason::Abandoned).
///
/// ```
/// use tidegate::interop::actix::ActixExecutor;
/// use tidegate::prelude::*;
/// # #[derive(Default)] struct Sum(u64); enum Msg { Add(u64), Get(Reply<u64>) }
/// # impl Actor for Sum { type Msg = Msg;
/// # async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
/// # match msg { Msg::Add(n) => self.0 += n, Msg::Get(reply) => drop(reply.send(self.0)) } Ok(()) } }
/// actix::System::new().block_on(async {
///     let system = System::with_executor(ActixExecutor::current());
///     let sum = system.spawn(Sum::default(), Pull::window(4));
///     sum.tell(Msg::Add(2)).await.unwrap();
///     assert_eq!(sum.ask(Msg::Get).await.unwrap(), 2);
/// });
/// ```
#[derive(Clone)]
pub struct ActixExecutor {
    arbiter: ArbiterHandle,
    clock: std::sync::Arc<TokioExecutor>,
}

impl ActixExecutor {
    /// On an arbiter of your choice. If it runs a whole system, its clock is
    /// that of the tokio runtime in whose context this is called, or else of
    /// the one where time is asked for.
    #[must_use]
    pub fn on(arbiter: ArbiterHandle) -> Self {
        Self { arbiter, clock: std::sync::Arc::new(TokioExecutor::new()) }
    }

    /// On the arbiter of the calling thread.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn current() -> Self {
        Self::on(Arbiter::current())
    }
}

impl Executor for ActixExecutor {
    fn spawn(&self, _name: &str, task: BoxTask) {
        // Dropped if the arbiter has gone; it was never polled.
        let _ = self.arbiter.spawn(task);
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        self.clock.sleep(duration)
    }

    fn random(&self) -> u64 {
        self.clock.random()
    }

    fn note_context(&self) {
        self.clock.note_context();
    }
}

/// An arbiter is a thread, and its tasks do not leave it.
impl LocalExecutor for ActixExecutor {}

impl fmt::Debug for ActixExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixExecutor").field("arbiter", &self.arbiter).finish_non_exhaustive()
    }
}

//! The executors under test: each runs one test on a system of its own, and
//! looks that nothing is left behind.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidegate::interop::actix::ActixExecutor;
use tidegate::prelude::*;
use tidegate::{BoxTask, Executor, LocalExecutor, ManualExecutor, Spawn, ThreadExecutor, TokioExecutor, block_on};

/// How long a shutdown at the end of a test may take: it is done long before.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where a test's actors run.
pub(crate) struct Stage {
    pub(crate) system: System,
    place: Place,
}

enum Place {
    /// As the system does.
    System,
    /// Each on a thread of its own.
    Threads,
    /// All on this, and the system on another.
    There(Arc<dyn Executor>),
}

impl Stage {
    fn of(executor: impl Executor) -> Self {
        // Storage is given back often, beside everything else.
        Self { system: System::builder().idle_after(Duration::from_millis(5)).build_on(executor), place: Place::System }
    }

    /// Begins to spawn an actor at its place.
    pub(crate) fn build<A: Actor>(&self, make: impl FnMut() -> A + Send + 'static) -> Spawn<'_, A> {
        let spawn = self.system.build(make);
        match &self.place {
            Place::System => spawn,
            Place::Threads => spawn.on_thread(),
            Place::There(executor) => spawn.on(Arc::clone(executor)),
        }
    }
}

/// The end of every test: what is left ends, in time, and nobody is stuck.
async fn strike(system: System) {
    let report = system.shutdown(DEADLINE).await;
    assert!(report.stuck.is_empty(), "{report}");
    assert!(system.is_empty());
}

async fn play<F: Future<Output = ()>>(stage: Stage, test: impl FnOnce(Stage) -> F) {
    let system = stage.system.clone();
    test(stage).await;
    strike(system).await;
}

pub(crate) fn manual<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    let executor = ManualExecutor::new();
    executor.block_on(play(Stage::of(executor.clone()), test));
    executor.run_until_idle();
}

pub(crate) fn tokio_one_thread<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { play(Stage::of(TokioExecutor::new()), test).await });
}

fn many_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

pub(crate) fn tokio_many_threads<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    many_threads().block_on(async { play(Stage::of(TokioExecutor::new()), test).await });
}

pub(crate) fn thread<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    let executor = ThreadExecutor::new("conformance");
    block_on(play(Stage::of(executor.clone()), test));
    // Returns once no task and no timer is left.
    executor.join();
}

pub(crate) fn thread_each<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    many_threads().block_on(async {
        play(Stage { system: System::new(), place: Place::Threads }, test).await;
    });
}

pub(crate) fn thread_shared<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    let there = ThreadExecutor::new("conformance");
    many_threads().block_on(async {
        play(Stage { system: System::new(), place: Place::There(Arc::new(there.clone())) }, test).await;
    });
    there.join();
}

pub(crate) fn arbiter<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    actix::System::new().block_on(async {
        let arbiter = actix::Arbiter::new();
        play(Stage::of(ActixExecutor::on(arbiter.handle())), test).await;
        arbiter.stop();
        arbiter.join().unwrap();
    });
}

pub(crate) fn arbiter_shared<F: Future<Output = ()>>(test: impl FnOnce(Stage) -> F) {
    // Its clock is that of a system on another runtime.
    let runtime = many_threads();
    let system = System::with_executor(TokioExecutor::on(runtime.handle().clone()));
    actix::System::new().block_on(async {
        let arbiter = actix::Arbiter::new();
        let there = Arc::new(ActixExecutor::on(arbiter.handle()));
        play(Stage { system, place: Place::There(there) }, test).await;
        arbiter.stop();
        arbiter.join().unwrap();
    });
}

/// An executor for actors that do not leave their thread, whichever it is.
#[derive(Clone)]
pub(crate) struct Somewhere(Arc<dyn Executor>);

impl Executor for Somewhere {
    fn spawn(&self, name: &str, task: BoxTask) {
        self.0.spawn(name, task);
    }
    fn now(&self) -> Duration {
        self.0.now()
    }
    fn sleep(&self, duration: Duration) -> BoxTask {
        self.0.sleep(duration)
    }
    fn random(&self) -> u64 {
        self.0.random()
    }
}

impl LocalExecutor for Somewhere {}

/// Runs `test` with a system and an executor that keeps to one thread.
pub(crate) mod local {
    use super::*;

    pub(crate) fn manual<F: Future<Output = ()>>(test: impl FnOnce(System, Somewhere) -> F) {
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let there = Somewhere(Arc::new(executor.clone()));
        executor.block_on(async { test(system.clone(), there).await });
        executor.block_on(strike(system));
    }

    pub(crate) fn thread<F: Future<Output = ()>>(test: impl FnOnce(System, Somewhere) -> F) {
        let executor = ThreadExecutor::new("local");
        let system = System::with_executor(executor.clone());
        block_on(test(system.clone(), Somewhere(Arc::new(executor.clone()))));
        block_on(strike(system));
        executor.join();
    }

    pub(crate) fn arbiter<F: Future<Output = ()>>(test: impl FnOnce(System, Somewhere) -> F) {
        actix::System::new().block_on(async {
            let arbiter = actix::Arbiter::new();
            let system = System::new();
            test(system.clone(), Somewhere(Arc::new(ActixExecutor::on(arbiter.handle())))).await;
            strike(system).await;
            arbiter.stop();
            arbiter.join().unwrap();
        });
    }
}

//! The same body on the real runtime: tokio's threads, clock and order.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ::tokio::runtime::Builder;
use ::tokio::time::timeout;

use super::explorer::Outcome;
use super::harness::{Setting, say};
use super::monitor::Monitors;
use super::real::RealExecutor;
use super::sim::Sim;
use super::trace::Failure;
use crate::actor::{AnswerFuture, Executor, Reply};
use crate::system::{System, TokioExecutor};

/// How long one run may take: longer than any test, shorter than the
/// patience of whoever waits for a deadlock to be told.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long what is to come true may take when the body is done, and how often
/// that is looked at.
const UNTRUE: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(5);

/// Runs `body` so many times as a test on tokio, with several threads.
///
/// Nothing of it is chosen: there are no faults, [`Sim::choose`] is random, and what
/// [`Sim::sometimes`] asks for need not come. `always` and `eventually` are looked at
/// when nothing goes on any more. A run has 30 seconds.
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
        let ended =
            timeout(PATIENCE, first(run(&executor, &sim, &monitors, body(sim.clone())), executor.panicked())).await;
        monitors.clear();
        ended.unwrap_or_else(|_| {
            let waits = system.explain();
            Err(Failure::Deadlock(format!("not done after {} s of real time\n{waits}", PATIENCE.as_secs())))
        })
    });
    runtime.shutdown_background();
    result
}

/// The body, and what is to hold when nothing goes on any more.
async fn run<Fut>(executor: &RealExecutor, sim: &Sim, monitors: &Monitors, body: Fut) -> Result<(), Failure>
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
    // A timer may still bring it about.
    let patient_until = executor.now().saturating_add(UNTRUE);
    while let Some(failure) = monitors.missing() {
        if executor.now() >= patient_until {
            return Err(failure);
        }
        executor.sleep(MOMENT).await;
    }
    Ok(())
}

/// What `future` returns, run as a task that is counted. Never, if it panics.
async fn spawned<T: Send + 'static>(executor: &RealExecutor, future: impl Future<Output = T> + Send + 'static) -> T {
    let (reply, done): (Reply<T>, AnswerFuture<T>) = Reply::channel_within();
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

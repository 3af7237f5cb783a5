//! The workers: each takes a delivery when it is free, asks the source what it
//! is about, and hands that to the keeper.
//!
//! A request is under way for as long as a worker holds a job, and it holds one
//! at a time: so the source sees no more requests than there are workers, however
//! many webhooks come.

use std::sync::Arc;

use tidegate::flow::Held;
use tidegate::flow::news::News;
use tidegate::pattern::{Claim, Dedup, Delivery, Novelty};
use tidegate::prelude::*;

use crate::keeper::{Learned, ToKeeper, What};
use crate::remote::{Remote, RemoteError};
use crate::rng::draw;

/// A delivery that is to be fetched.
///
/// It holds its place in the window of the subscription until the last clone is
/// gone, and the keeper has one until the delivery is in the state. So what is
/// listed and not yet in the state is never more than the window.
#[derive(Clone, Debug)]
pub struct Job(Arc<Held<News<()>>>);

impl Job {
    /// One for what has been listed.
    #[must_use]
    pub fn new(listed: Held<News<()>>) -> Self {
        Self(Arc::new(listed))
    }
}

/// Matter of chance: whether a worker fails after the work and before it says so.
const CRASH: u64 = 20;

/// One of them.
pub struct Worker {
    remote: Remote,
    keeper: ActorRef<ToKeeper>,
    /// What was handed over. It outlives the worker that knows it.
    done: Dedup<()>,
    crashes: f64,
    seed: u64,
}

impl Worker {
    /// A worker that fails now and then: for this part of all deliveries.
    #[must_use]
    pub fn new(remote: Remote, keeper: ActorRef<ToKeeper>, done: Dedup<()>, crashes: f64, seed: u64) -> Self {
        Self { remote, keeper, done, crashes, seed }
    }

    async fn learn(&self, job: &Job) -> Result<Learned, RemoteError> {
        let what = match **job.0 {
            News::Item(number, ()) => What::Happened(number, self.remote.detail(number).await?),
            News::Gap(gap) => What::Gone(gap),
            ref other => return Err(RemoteError::Never(format!("{other:?}: what is that?"))),
        };
        Ok(Learned { what, job: job.clone() })
    }
}

impl Actor for Worker {
    type Msg = Delivery<Job>;

    async fn handle(&mut self, job: Delivery<Job>, _: &mut Context<Self>) -> Result<(), Fault> {
        // The number of what is to be known by then.
        let number = job.0.cursor();
        let claim = match self.done.claim((), number) {
            Novelty::First(claim) => Some(claim),
            Novelty::Done => {
                job.ack();
                return Ok(());
            }
            // Dropped, it comes again.
            Novelty::Underway => return Ok(()),
            // Long ago. The keeper knows whether it has been done.
            Novelty::Unknown => None,
        };
        match self.learn(&job).await {
            Ok(learned) => {
                self.keeper.tell(ToKeeper::Learned(learned)).await?;
                // Nothing can fail between the two.
                claim.into_iter().for_each(Claim::done);
                if job.attempt() == 1 && draw(self.seed, CRASH, number) < self.crashes {
                    return Err(Fault::msg("failed after the work, before it said so"));
                }
                job.ack();
            }
            Err(RemoteError::Later(_) | RemoteError::Limited(_)) => job.nack(),
            Err(RemoteError::Never(_)) => job.reject(),
        }
        Ok(())
    }
}

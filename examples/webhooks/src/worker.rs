//! The workers: each takes a delivery when it is free, asks the source what it
//! is about, and hands that to the keeper.
//!
//! A request is under way for as long as a worker holds a job, and it holds one
//! at a time: so the source sees no more requests than there are workers, however
//! many webhooks come.

use std::sync::Arc;

use tidegate::flow::Held;
use tidegate::flow::news::{Gap, News};
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
    terms: Terms,
}

/// How long a worker tries, and how often it fails itself.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// A delivery that was asked for so often is given up.
    pub attempts: u32,
    /// The part of all deliveries at which a worker fails.
    pub crashes: f64,
    /// At which ones follows from it.
    pub seed: u64,
}

impl Worker {
    /// Asks `remote`, and tells `keeper`.
    #[must_use]
    pub fn new(remote: Remote, keeper: ActorRef<ToKeeper>, done: Dedup<()>, terms: Terms) -> Self {
        Self { remote, keeper, done, terms }
    }

    async fn learn(&self, job: &Job) -> Result<What, RemoteError> {
        let what = match **job.0 {
            News::Item(number, ()) => What::Happened(number, self.remote.detail(number).await?),
            News::Gap(gap) => What::Missing(gap, "the source does not keep it any more".to_owned()),
            ref other => return Err(RemoteError::Never(format!("{other:?}: what is that?"))),
        };
        Ok(what)
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
        let what = match self.learn(&job).await {
            Ok(what) => what,
            Err(RemoteError::Later(_) | RemoteError::Limited(_)) if job.attempt() < self.terms.attempts => {
                job.nack();
                return Ok(());
            }
            // Put aside it would keep its place in the window, and those behind
            // it would wait for it. So the keeper is told that there is a hole.
            Err(why) => What::Missing(Gap { from: number - 1, to: number }, why.to_string()),
        };
        self.keeper.tell(ToKeeper::Learned(Learned { what, job: job.clone() })).await?;
        // Nothing can fail between the two.
        claim.into_iter().for_each(Claim::done);
        if job.attempt() == 1 && draw(self.terms.seed, CRASH, number) < self.terms.crashes {
            return Err(Fault::msg("failed after the work, before it said so"));
        }
        job.ack();
        Ok(())
    }
}

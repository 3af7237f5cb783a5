//! The consumer: an actor that takes its time for every message.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tidegate::prelude::*;

use super::meter::Load;
use crate::service::Work;

/// A message: one event of the plan.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) event: u32,
    pub(super) key: u32,
    pub(super) service: Duration,
    pub(super) load: Load,
}

/// What was handled, and when. Shared with the runner, so that it is there even
/// if the actor has to be killed; written by one actor, so never contended.
pub(super) type Log = Arc<Mutex<Vec<(u32, Instant)>>>;

pub(super) struct Worker {
    work: Work,
    log: Log,
    /// How much longer the timer has taken than it was asked to.
    overslept: Duration,
}

/// The timer's step is a millisecond and it never fires early, so a sleep lasts
/// half a step too long on average. The excess is taken off the next sleep, up
/// to this much: a longer one is a real delay and stays in the figures.
const STEP: Duration = Duration::from_millis(2);

impl Worker {
    pub(super) fn new(work: Work, log: Log) -> Self {
        Self { work, log, overslept: Duration::ZERO }
    }

    async fn serve(&mut self, service: Duration) {
        let begin = Instant::now();
        match self.work {
            Work::Busy => {
                while begin.elapsed() < service {
                    std::hint::spin_loop();
                }
            }
            Work::Wait => {
                let asked = service.saturating_sub(self.overslept);
                self.overslept = self.overslept.saturating_sub(service);
                if asked > Duration::ZERO {
                    tokio::time::sleep(asked).await;
                    self.overslept = begin.elapsed().saturating_sub(asked).min(STEP);
                }
            }
        }
    }
}

impl Actor for Worker {
    type Msg = Job;

    async fn handle(&mut self, job: Job, _cx: &mut Context<Self>) -> Result<(), Fault> {
        let Job { event, service, load, .. } = job;
        // From here on the message no longer waits.
        drop(load);
        self.serve(service).await;
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push((event, Instant::now()));
        Ok(())
    }
}

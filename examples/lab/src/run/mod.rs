//! One configuration, run for real: tidegate actors on tokio.
//!
//! The consumers are actors of a system on a multi-threaded runtime. The
//! producers run on a runtime of their own with one thread, so that consumers
//! that compute cannot keep the schedule from being kept: events come from
//! outside, and outside does not slow down.

mod meter;
mod producer;
mod worker;

use std::{
    io,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use tidegate::{Mailbox, MailboxConfig, prelude::*};
use tokio::{runtime, sync::watch, time::timeout_at};

use self::{
    meter::Meter,
    producer::{Producer, Share, patience},
    worker::{Job, Log, Worker},
};
use crate::{
    candidates::{Candidate, Policy},
    measure::{Observed, Record},
    probe,
    workload::{Event, Workload},
};

/// The two runtimes and the wish to stop. One serves all configurations.
pub(crate) struct Runner {
    consumers: runtime::Runtime,
    producers: runtime::Runtime,
    stop: watch::Sender<bool>,
}

/// From spawning the actors to the first event: nobody is to start late.
const LEAD: Duration = Duration::from_millis(20);

impl Runner {
    /// Starts the runtimes; from now on Ctrl-C ends the run that is on.
    pub(crate) fn new() -> io::Result<Self> {
        let consumers = runtime::Builder::new_multi_thread().thread_name("consumers").enable_all().build()?;
        let producers =
            runtime::Builder::new_multi_thread().worker_threads(1).thread_name("producers").enable_all().build()?;
        let (stop, _) = watch::channel(false);
        let pressed = stop.clone();
        producers.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                pressed.send_replace(true);
            }
            // Whoever presses again does not want to wait for the table.
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
        Ok(Self { consumers, producers, stop })
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Runs the plan under one configuration. `done` hears of events as they are
    /// handed in.
    ///
    /// # Errors
    /// A sentence, where the configuration is not one for this runtime.
    pub(crate) fn run(
        &self,
        plan: &Workload,
        candidate: &Candidate,
        done: impl Fn(u64) + Clone + Send + Sync + 'static,
    ) -> Result<Observed, String> {
        let config: MailboxConfig =
            toml::from_str(&candidate.toml()).map_err(|e| format!("{}: {e}", candidate.name))?;
        Ok(self.consumers.block_on(self.observe(plan, candidate, &config, done)))
    }

    async fn observe(
        &self,
        plan: &Workload,
        candidate: &Candidate,
        config: &MailboxConfig,
        done: impl Fn(u64) + Clone + Send + Sync + 'static,
    ) -> Observed {
        let system = System::new();
        let logs: Vec<Log> = (0..plan.consumers).map(|_| Log::default()).collect();
        let actors: Vec<ActorRef<Job>> = logs
            .iter()
            .map(|log| system.spawn(Worker::new(plan.service.work, Arc::clone(log)), mailbox(candidate, config)))
            .collect();
        let meter = Arc::new(Meter::default());
        let events: Arc<Vec<Event>> = Arc::new(plan.events.clone());
        let begin = Instant::now() + LEAD;
        let end = begin + plan.span() + patience(plan.span());

        // One stop for both reasons: the user's, and patience that ran out.
        let (stop, _) = watch::channel(false);
        let playing: Vec<_> = (0..plan.producers)
            .map(|p| {
                let producer = Producer {
                    consumers: actors.clone(),
                    dispatch: plan.dispatch,
                    waits: candidate.waits(),
                    meter: Arc::clone(&meter),
                    turn: p,
                };
                let share = Share { first: p, step: plan.producers };
                self.producers.spawn(producer.play(Arc::clone(&events), share, begin, stop.subscribe(), done.clone()))
            })
            .collect();

        let mut pressed = self.stop.subscribe();
        let mut records = vec![Record::UNTOUCHED; events.len()];
        let play = async {
            let mut played = Vec::with_capacity(playing.len());
            for producer in playing {
                // A producer does not panic; one that did has handed nothing in.
                played.extend(producer.await.unwrap_or_default());
            }
            played
        };
        tokio::pin!(play);
        let (played, mut cut) = tokio::select! {
            played = &mut play => (played, false),
            _ = pressed.wait_for(|s| *s) => { stop.send_replace(true); (play.await, true) }
            () = tokio::time::sleep_until(end.into()) => { stop.send_replace(true); (play.await, true) }
        };
        for (i, record) in played {
            records[i] = record;
        }

        if !cut {
            for actor in &actors {
                actor.drain();
            }
            for actor in &actors {
                let stopped = tokio::select! {
                    stopped = timeout_at(end.into(), actor.stopped()) => stopped.is_ok(),
                    _ = pressed.wait_for(|s| *s) => false,
                };
                cut |= !stopped;
            }
        }
        if cut {
            for actor in &actors {
                actor.kill();
            }
        }
        // A handler that computes ends when it is done, killed or not; its
        // account is open until then.
        let ended = system.shutdown(Duration::from_secs(1)).await.stuck.is_empty();
        let reading = probe::read(&system, &actors);

        for log in logs {
            for (event, at) in log.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                records[event as usize].handled = Some(at.saturating_duration_since(begin));
            }
        }
        Observed {
            records,
            deepest: meter.deepest(),
            peak_bytes: meter.peak_bytes(),
            runtime: ended.then_some(reading),
            cut,
        }
    }
}

/// The mailbox that the configuration describes.
fn mailbox(candidate: &Candidate, config: &MailboxConfig) -> Mailbox<Job> {
    let mailbox = Mailbox::from(*config);
    match candidate.policy {
        Policy::Conflate => mailbox.conflate(|job: &Job| job.key, |queued: &mut Job, new: Job| *queued = new),
        _ => mailbox,
    }
}

//! A run: all parts, put together, set going and ended in order.

use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use tidegate::flow::End;
use tidegate::prelude::*;
use tidegate::{Inspection, Shutdown};

use crate::client::Client;
use crate::corpus::Corpus;
use crate::faults::Faults;
use crate::keeper::{Kept, ToKeeper};
use crate::outcome::Outcome;
use crate::receiver::{Receiver, Tally};
use crate::remote::Remote;
use crate::sender::{Mishaps, Sender};
use crate::server::Server;
use crate::service::Service;
use crate::signature::Secret;
use crate::source::Source;

/// Everything that a run follows from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How much happens.
    pub deliveries: u64,
    /// All chance follows from it.
    pub seed: u64,
    /// How much happens in a second; `None` for as fast as can be.
    pub rate: Option<f64>,
    /// What becomes of webhooks.
    pub mishaps: Mishaps,
    /// The receiver is killed before the first of these deliveries, and is there
    /// again, somewhere else, from the end on.
    pub outage: Option<Range<u64>>,
    /// Webhooks that the receiver takes at a time.
    pub room: usize,
    /// As many deliveries are kept by the source; older ones are forgotten.
    pub keep: usize,
    /// What goes wrong at the source.
    pub faults: Faults,
    /// How often a delivery is asked for before it is given up.
    pub attempts: u32,
    /// How many fetch at a time.
    pub workers: usize,
    /// Deliveries that may be listed and not yet in the state.
    pub window: usize,
    /// How often to look at the source without a notice.
    pub poll: Duration,
    /// The part of all deliveries at which a worker fails.
    pub crashes: f64,
    /// A run in which nothing happens, and nothing comes into the state, for so
    /// long and for as long as between two looks, has failed.
    pub patience: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            deliveries: 10_000,
            seed: 1,
            rate: Some(2500.0),
            mishaps: Mishaps { loss: 0.05, double: 0.05, forge: 0.01 },
            outage: None,
            room: 64,
            keep: usize::MAX,
            faults: Faults {
                errors: 0.05,
                slow: 0.05,
                delay: Duration::from_millis(20),
                quota: NonZeroU64::new(6000),
                pause: Duration::from_secs(1),
            },
            // One request in three may fail, and not one delivery in a million is
            // given up.
            attempts: 24,
            workers: 8,
            window: 64,
            poll: Duration::from_millis(250),
            crashes: 0.002,
            patience: Duration::from_secs(60),
        }
    }
}

/// Why a run could not be made, or came to no end.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// No port, or none any more.
    Io(io::Error),
    /// A delivery cannot be read, so nobody knows what the state should be.
    NotUnderstood(serde_json::Error),
    /// It stood still. What everybody was doing is inside.
    Stuck(Box<Inspection>),
    /// The keeper has ended, and the state with it.
    StateLost,
}

/// What the end of anything may take.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Runs, until all is done or `stop` resolves; then everything ends in order.
///
/// # Errors
/// If there is no outcome to speak of.
pub async fn run(corpus: Corpus, setup: &Setup, stop: impl Future<Output = ()>) -> Result<Outcome, RunError> {
    let begun = Instant::now();
    let mut plant = Plant::start(corpus, setup).await?;
    let (source, keeper) = (plant.source.clone(), plant.service.keeper.clone());
    let interrupted = tokio::select! {
        biased;
        () = stop => true,
        played = plant.play(setup) => {
            played?;
            false
        }
        () = stands_still(source, keeper, setup.patience.saturating_add(setup.poll)) => {
            return Err(RunError::Stuck(Box::new(plant.system.inspect())));
        }
    };
    plant.end(begun, interrupted).await
}

/// Ends when nothing has happened, and nothing has come into the state, for
/// `patience`: at least that, and at most twice.
async fn stands_still(source: Source, keeper: ActorRef<ToKeeper>, patience: Duration) {
    let mut before = None;
    loop {
        // A keeper that does not answer does not go on either.
        let kept = tokio::time::timeout(patience, keeper.ask(ToKeeper::Reach)).await;
        let now = Some((source.reach(), kept.ok().and_then(Result::ok)));
        if now == before {
            return;
        }
        before = now;
        tokio::time::sleep(patience).await;
    }
}

/// What is running.
struct Plant {
    system: System,
    secret: Secret,
    source: Source,
    source_server: Server,
    receiver: Option<Receiver>,
    tally: Tally,
    sender: Sender,
    service: Service,
}

impl Plant {
    async fn start(corpus: Corpus, setup: &Setup) -> Result<Self, RunError> {
        let source = Source::new(corpus, setup.seed, setup.keep, setup.faults.clone());
        let source_server = source.serve().await?;

        let system = System::new();
        let remote = Remote::new(Client::new(source_server.address()));
        let service = Service::start(&system, setup, &source, remote);
        // The receiver is the one that guards: what is signed is known to both.
        let secret = Secret::new("It's a Secret to Everybody");
        let tally = Tally::default();
        let receiver = Receiver::start(secret.clone(), service.intake.clone(), tally.clone()).await?;
        let sender = Sender::new(source.clone(), secret.clone(), receiver.address(), setup.mishaps, setup.seed);

        Ok(Self { system, secret, source, source_server, receiver: Some(receiver), tally, sender, service })
    }

    /// All happens, and all of it is fetched.
    async fn play(&mut self, setup: &Setup) -> Result<(), RunError> {
        let begun = tokio::time::Instant::now();
        let outage = setup.outage.clone().unwrap_or(u64::MAX..u64::MAX);
        for number in 0..setup.deliveries {
            if let Some(rate) = setup.rate {
                tokio::time::sleep_until(begun + Duration::from_secs_f64(number as f64 / rate)).await;
            }
            if number == outage.start
                && let Some(receiver) = self.receiver.take()
            {
                receiver.kill().await;
            }
            if number == outage.end {
                let intake = self.service.intake.clone();
                let receiver = Receiver::start(self.secret.clone(), intake, self.tally.clone()).await?;
                self.sender.aim(receiver.address());
                self.receiver = Some(receiver);
            }
            if let Some(number) = self.source.happen() {
                self.sender.deliver(number).await;
            }
        }
        self.sender.finish().await;
        // No notice tells of this: the next look finds it.
        self.source.close();
        self.service.subscription.ended().await;
        self.service.workers.actor_ref().drain();
        self.service.workers.actor_ref().stopped().await;
        Ok(())
    }

    /// From the intake to the state, so that each finds those alive whom it
    /// sends to.
    async fn end(mut self, begun: Instant, interrupted: bool) -> Result<Outcome, RunError> {
        if let Some(receiver) = self.receiver.take() {
            receiver.drain(END_WITHIN).await;
        }
        self.service.subscription.cancel();
        self.service.workers.actor_ref().drain();
        // If they are late the shutdown says so.
        let _ = tokio::time::timeout(END_WITHIN, self.service.workers.actor_ref().stopped()).await;
        let kept: Kept = self.service.keeper.ask(ToKeeper::Show).await.map_err(|_| RunError::StateLost)?;
        let took = begun.elapsed();
        let inspection = self.system.inspect();
        let shutdown = self.system.shutdown_in_phases(Shutdown::new().within(END_WITHIN)).await;
        self.source_server.drain(END_WITHIN).await;
        let right = self.source.truth(kept.reach).map_err(RunError::NotUnderstood)?;
        Ok(Outcome {
            interrupted,
            happened: self.source.reach(),
            difference: kept.state.difference(&right),
            kept,
            sent: self.sender.sent(),
            received: self.tally.read(),
            notified: *self.service.notified.lock().unwrap_or_else(PoisonError::into_inner),
            looks: *self.service.looks.lock().unwrap_or_else(PoisonError::into_inner),
            listing: self.service.subscription.end().unwrap_or(End::Cancelled),
            fetched: self.service.workers.stats(),
            duplicates: self.service.done.duplicates(),
            traffic: self.source.traffic(),
            inspection,
            shutdown,
            took,
        })
    }
}

impl From<io::Error> for RunError {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(why) => write!(f, "no server: {why}"),
            Self::NotUnderstood(why) => write!(f, "a delivery is not understood: {why}"),
            Self::Stuck(seen) => write!(f, "it does not go on, and this is how it stood:\n{seen}"),
            Self::StateLost => f.write_str("the keeper of the state has ended"),
        }
    }
}

impl std::error::Error for RunError {}

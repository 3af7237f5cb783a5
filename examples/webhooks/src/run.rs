//! A run: all parts, put together, set going and ended in order.

use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tidegate::flow::news::{Follow, Notifier, follow, notices};
use tidegate::flow::{Demand, End, Inlet, Subscription};
use tidegate::pattern::{Dedup, Workers};
use tidegate::prelude::*;
use tidegate::{Backoff, Inspection, Phase, Shutdown};

use crate::client::Client;
use crate::corpus::Corpus;
use crate::faults::Faults;
use crate::intake::{Intake, Notified};
use crate::keeper::{Keeper, Kept, ToKeeper};
use crate::outcome::Outcome;
use crate::receiver::{Receiver, Tally};
use crate::remote::{Deliveries, Looks, Remote};
use crate::sender::{Mishaps, Sender};
use crate::server::Server;
use crate::signature::Secret;
use crate::source::Source;
use crate::worker::{Job, Terms, Worker};

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

/// As many deliveries are remembered as done.
const REMEMBERED: usize = 4096;
/// Between two attempts at anything. What fails together does not come back together.
const AGAIN: Backoff = Backoff::exponential(Duration::from_millis(4), Duration::from_millis(500)).jitter(0.5);
/// What the end of anything may take.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Runs, until all is done or `stop` resolves; then everything ends in order.
///
/// # Errors
/// If there is no outcome to speak of.
pub async fn run(corpus: Corpus, setup: &Setup, stop: impl Future<Output = ()>) -> Result<Outcome, RunError> {
    let begun = Instant::now();
    let mut plant = Plant::start(corpus, setup).await?;
    let (source, keeper) = (plant.source.clone(), plant.keeper.clone());
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
    intake: ActorRef<crate::intake::Told>,
    receiver: Option<Receiver>,
    tally: Tally,
    sender: Sender,
    notified: Arc<Mutex<Notified>>,
    looks: Arc<Mutex<Looks>>,
    done: Dedup<()>,
    workers: Workers<Job>,
    keeper: ActorRef<ToKeeper>,
    subscription: Subscription,
    /// The end of the notices would be the end of the news.
    _notifier: Notifier,
}

impl Plant {
    async fn start(corpus: Corpus, setup: &Setup) -> Result<Self, RunError> {
        let source = Source::new(corpus, setup.seed, setup.keep, setup.faults.clone());
        let source_server = source.serve().await?;

        let system = System::new();
        let (notifier, heard) = notices();
        let notified = Arc::default();
        let intake = {
            let (notifier, notified) = (notifier.clone(), Arc::clone(&notified));
            system
                .build(move || Intake::new(notifier.clone(), Arc::clone(&notified)))
                .named("intake")
                .mailbox(Push::bounded(setup.room))
                .restart(Restart::on_failure())
                .phase(Phase::INTAKE)
                .spawn()
        };
        // The receiver is the one that guards: what is signed is known to both.
        let secret = Secret::new("It's a Secret to Everybody");
        let tally = Tally::default();
        let receiver = Receiver::start(secret.clone(), intake.clone(), tally.clone()).await?;
        let sender = Sender::new(source.clone(), secret.clone(), receiver.address(), setup.mishaps, setup.seed);

        let keeper = {
            let source = source.clone();
            let make = move || Keeper::new(source.clone());
            system.build(make).named("keeper").mailbox(Push::bounded(setup.window)).phase(Phase::STATE).spawn()
        };
        let remote = Remote::new(Client::new(source_server.address()));
        let done = Dedup::new(REMEMBERED);
        let workers = hire(&system, setup, &remote, &keeper, &done);

        let looks = Arc::default();
        let deliveries = Deliveries::new(remote, Arc::clone(&notified), Arc::clone(&looks));
        let how = Follow::from_start().page(100).poll_every(setup.poll).retry(AGAIN);
        let subscription = system.subscribe(
            follow(deliveries, heard, how),
            Inlet::holding(workers.actor_ref(), Job::new),
            Demand::window(setup.window),
        );
        Ok(Self {
            system,
            secret,
            source,
            source_server,
            intake,
            receiver: Some(receiver),
            tally,
            sender,
            notified,
            looks,
            done,
            workers,
            keeper,
            subscription,
            _notifier: notifier,
        })
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
                let receiver = Receiver::start(self.secret.clone(), self.intake.clone(), self.tally.clone()).await?;
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
        self.subscription.ended().await;
        self.workers.actor_ref().drain();
        self.workers.actor_ref().stopped().await;
        Ok(())
    }

    /// From the intake to the state, so that each finds those alive whom it
    /// sends to.
    async fn end(mut self, begun: Instant, interrupted: bool) -> Result<Outcome, RunError> {
        if let Some(receiver) = self.receiver.take() {
            receiver.drain(END_WITHIN).await;
        }
        self.subscription.cancel();
        self.workers.actor_ref().drain();
        // If they are late the shutdown says so.
        let _ = tokio::time::timeout(END_WITHIN, self.workers.actor_ref().stopped()).await;
        let kept: Kept = self.keeper.ask(ToKeeper::Show).await.map_err(|_| RunError::StateLost)?;
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
            notified: *self.notified.lock().unwrap_or_else(PoisonError::into_inner),
            looks: *self.looks.lock().unwrap_or_else(PoisonError::into_inner),
            listing: self.subscription.end().unwrap_or(End::Cancelled),
            fetched: self.workers.stats(),
            duplicates: self.done.duplicates(),
            traffic: self.source.traffic(),
            inspection,
            shutdown,
            took,
        })
    }
}

/// The workers, joined.
fn hire(
    system: &System,
    setup: &Setup,
    remote: &Remote,
    keeper: &ActorRef<ToKeeper>,
    done: &Dedup<()>,
) -> Workers<Job> {
    let workers = Workers::builder()
        .named("fetch")
        .mailbox(Push::bounded(setup.window))
        .window(setup.window)
        // The workers give up before that.
        .attempts(setup.attempts.saturating_mul(2))
        .backoff(AGAIN)
        .keep_copies()
        .spawn(system);
    for number in 0..setup.workers {
        let (remote, keeper, done) = (remote.clone(), keeper.clone(), done.clone());
        let terms = Terms { attempts: setup.attempts, crashes: setup.crashes, seed: setup.seed };
        let worker = system
            .build(move || Worker::new(remote.clone(), keeper.clone(), done.clone(), terms))
            .named(format!("worker-{number}"))
            .restart(Restart::on_failure().limit(1000, Duration::from_secs(10)).backoff(AGAIN))
            .spawn();
        workers.join(&worker);
    }
    workers
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

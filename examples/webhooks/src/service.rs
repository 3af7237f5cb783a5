//! The actors, wired: from the notice to the state, whoever brings notices and
//! wherever the source is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::flow::news::{Follow, Notifier, follow, notices};
use tidegate::flow::{Demand, Inlet, Subscription};
use tidegate::pattern::{Dedup, Workers};
use tidegate::prelude::*;
use tidegate::{Backoff, Phase};

use crate::intake::{Intake, Notified, Told};
use crate::keeper::{Keeper, ToKeeper};
use crate::remote::{Deliveries, Looks, Remote};
use crate::run::Setup;
use crate::source::Source;
use crate::worker::{Job, Terms, Worker};

/// As many deliveries are remembered as done.
const REMEMBERED: usize = 4096;
/// Between two attempts at anything. What fails together does not come back together.
const AGAIN: Backoff = Backoff::exponential(Duration::from_millis(4), Duration::from_millis(500)).jitter(0.5);

/// The service, as its owner sees it.
#[derive(Debug)]
pub struct Service {
    /// Hears of webhooks.
    pub intake: ActorRef<Told>,
    /// Has the state.
    pub keeper: ActorRef<ToKeeper>,
    /// Ask what deliveries are.
    pub workers: Workers<Job>,
    /// Brings them what is listed.
    pub subscription: Subscription,
    /// What was handed to the keeper.
    pub done: Dedup<()>,
    /// What the intake has heard.
    pub notified: Arc<Mutex<Notified>>,
    /// Why one looked at the source.
    pub looks: Arc<Mutex<Looks>>,
    /// The end of the notices would be the end of the news.
    _notifier: Notifier,
}

impl Service {
    /// Starts all of it in `system`: it asks `remote`, and has its clock from `source`.
    #[must_use]
    pub fn start(system: &System, setup: &Setup, source: &Source, remote: Remote) -> Self {
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
        let keeper = {
            let source = source.clone();
            let make = move || Keeper::new(source.clone());
            system.build(make).named("keeper").mailbox(Push::bounded(setup.window)).phase(Phase::STATE).spawn()
        };
        let done = Dedup::new(REMEMBERED);
        let workers = hire(system, setup, &remote, &keeper, &done);

        let looks = Arc::default();
        let deliveries = Deliveries::new(remote, Arc::clone(&notified), Arc::clone(&looks));
        let how = Follow::from_start().page(100).poll_every(setup.poll).retry(AGAIN);
        let subscription = system.subscribe(
            follow(deliveries, heard, how),
            Inlet::holding(workers.actor_ref(), Job::new),
            Demand::window(setup.window),
        );
        Self { intake, keeper, workers, subscription, done, notified, looks, _notifier: notifier }
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

//! Work pulling: any number of workers take from one mailbox, each when it has
//! asked for more.
//!
//! Work stays where it was sent to until somebody can do it. So there is nothing
//! to be dealt out in advance, and nothing to be taken back when workers come
//! and go: a worker that comes has work at once, however many have come before
//! it, and one that goes leaves behind what it has not acknowledged.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::delivery::courier::Clerk;
use super::delivery::desk::Desk;
use super::delivery::terms::Terms;
use super::{Delivery, DeliveryStats, KeyStats, Quarantine, WorkerStats};
use crate::actor::ActorRef;
use crate::mailbox::{Mailbox, Pull};
use crate::supervision::Backoff;
use crate::sync::access;
use crate::system::{Phase, System};

/// Workers that share one mailbox, each with a demand of its own.
///
/// Producers send plain jobs to [`actor_ref`](Self::actor_ref). A worker is any
/// actor that takes [`Delivery`]s: it [joins](Self::join), holds as many jobs as
/// its prefetch allows, which is 1 unless said otherwise, and gets the next when
/// it has acknowledged one. The job goes to whoever holds the fewest, and among
/// those to whoever has been free longest.
///
/// A worker's own mailbox counts too: one that pulls by hand gets nothing that
/// it has not asked for. But whatever it is set to, nobody hoards.
///
/// A job that comes back, because its worker failed, ended or said so, goes to
/// whoever is free, as [`Courier`](super::Courier) describes; so does what is
/// said there about attempts and quarantine.
///
/// A worker that sends jobs to the mailbox it works for should not wait for
/// room there: all workers may come to wait for a worker. The room that
/// [`try_tell`](ActorRef::try_tell) finds is enough, or there is none.
///
/// ```
/// use tidegate::pattern::{Delivery, Workers};
/// use tidegate::prelude::*;
/// struct Worker;
/// impl Actor for Worker {
///     type Msg = Delivery<u64>;
///     async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
///         cx.sleep(std::time::Duration::from_millis(*job)).await;
///         job.ack();
///         Ok(())
///     }
/// }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let system = System::new();
/// let workers = Workers::new(&system);
/// for _ in 0..3 {
///     workers.join(&system.spawn(Worker, Push::bounded(16)));
/// }
/// for job in 0..30 {
///     workers.actor_ref().tell(job).await.unwrap();
/// }
/// workers.actor_ref().drain();
/// workers.actor_ref().stopped().await;
/// assert_eq!(workers.stats().acked, 30);
/// # }
/// ```
pub struct Workers<M> {
    desk: Arc<Desk<M>>,
    actor: ActorRef<M>,
    prefetch: usize,
}

/// Before those who do the work.
const BEFORE_WORK: Phase = Phase::new(Phase::WORK.order() - 1);

impl<M: Send + 'static> Workers<M> {
    /// Workers to be, none yet, with the defaults of [`WorkersBuilder`].
    #[must_use]
    pub fn new(system: &System) -> Self {
        Self::builder().spawn(system)
    }

    /// Begins to make workers with settings of their own.
    pub fn builder() -> WorkersBuilder<M> {
        let terms = Terms { on_demand: true, ..Terms::new(1024) };
        WorkersBuilder { name: None, mailbox: Pull::one_by_one().into(), phase: BEFORE_WORK, prefetch: 1, terms }
    }

    /// What producers send to. Draining it ends the workers' work when all that
    /// was accepted is settled; the workers themselves live on.
    #[must_use]
    pub fn actor_ref(&self) -> &ActorRef<M> {
        &self.actor
    }

    /// A worker joins, until it ends or is told to [leave](Self::leave). `false`
    /// if it is one of them already, or there is no work any more.
    #[allow(clippy::must_use_candidate)]
    pub fn join(&self, worker: &ActorRef<Delivery<M>>) -> bool {
        self.join_with(worker, self.prefetch)
    }

    /// As [`join`](Self::join), for a worker that may hold so many jobs at a
    /// time; at least 1.
    #[allow(clippy::must_use_candidate)]
    pub fn join_with(&self, worker: &ActorRef<Delivery<M>>, prefetch: usize) -> bool {
        self.desk.join(worker, prefetch.max(1))
    }

    /// A worker leaves: it gets no more jobs. What it holds is still its own, to
    /// be acknowledged or given back. `false` if it is not one of them.
    #[allow(clippy::must_use_candidate)]
    pub fn leave(&self, worker: &ActorRef<Delivery<M>>) -> bool {
        self.desk.dismiss(worker)
    }

    /// How many workers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.desk.targets()
    }

    /// Whether there are no workers. Then jobs wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes how many jobs a worker may hold; at least 1. If it holds more, it
    /// gets none until it holds fewer. `false` if it is not one of them.
    #[allow(clippy::must_use_candidate)]
    pub fn set_prefetch(&self, worker: &ActorRef<Delivery<M>>, prefetch: usize) -> bool {
        self.desk.change(worker, |target| target.slots = prefetch.max(1))
    }

    /// A worker gets no more jobs until it is [resumed](Self::resume): while it
    /// is looked at, or does something else. What it holds is still its own.
    /// `false` if it is not one of them.
    ///
    /// It is still one of them, and who [drains](ActorRef::drain) their mailbox
    /// waits for it; one that [leaves](Self::leave) is waited for no longer.
    #[allow(clippy::must_use_candidate)]
    pub fn pause(&self, worker: &ActorRef<Delivery<M>>) -> bool {
        self.desk.change(worker, |target| target.paused = true)
    }

    /// A worker that was [paused](Self::pause) gets jobs again. `false` if it is
    /// not one of them.
    #[allow(clippy::must_use_candidate)]
    pub fn resume(&self, worker: &ActorRef<Delivery<M>>) -> bool {
        self.desk.change(worker, |target| target.paused = false)
    }

    /// How each worker stands, in the order in which they joined.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerStats> {
        self.desk.worker_stats()
    }

    /// How the keys stand. All zero without [`keyed`](WorkersBuilder::keyed).
    #[must_use]
    pub fn key_stats(&self) -> KeyStats {
        self.desk.key_stats()
    }

    /// What became of the jobs so far.
    #[must_use]
    pub fn stats(&self) -> DeliveryStats {
        self.desk.stats()
    }

    /// The jobs that were given up.
    #[must_use]
    pub fn quarantine(&self) -> Quarantine<M> {
        Quarantine::new(&self.desk)
    }
}

impl<M> Clone for Workers<M> {
    fn clone(&self) -> Self {
        Self { desk: Arc::clone(&self.desk), actor: self.actor.clone(), prefetch: self.prefetch }
    }
}

impl<M> fmt::Debug for Workers<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// Everything about workers to be; see [`Workers::builder`].
#[must_use = "workers are made by `spawn`"]
pub struct WorkersBuilder<M> {
    name: Option<String>,
    mailbox: Mailbox<M>,
    phase: Phase,
    prefetch: usize,
    terms: Terms<M>,
}

impl<M: Send + 'static> WorkersBuilder<M> {
    /// A name for the path of their mailbox.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The mailbox that they share. The default is
    /// [`Pull::one_by_one()`](crate::Pull::one_by_one): jobs stay with their
    /// producers until there is a worker for them. A bounded push mailbox is a
    /// backlog of that size, with the overflow policy of your choice.
    pub fn mailbox(mut self, mailbox: impl Into<Mailbox<M>>) -> Self {
        self.mailbox = mailbox.into();
        self
    }

    /// When their mailbox's turn comes in a shutdown. The default is just before
    /// [`Phase::WORK`], in which the workers are. Its producers belong into
    /// [`Phase::INTAKE`].
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// How many jobs a worker may hold at a time, the one that it works on
    /// among them. The default is 1; at least 1. More saves the time between two
    /// jobs, and commits jobs to a worker that may be slow.
    pub fn prefetch(mut self, jobs: usize) -> Self {
        self.prefetch = jobs.max(1);
        self
    }

    /// Keeps the jobs of each key in order, one at a time: the next one of a key
    /// begins when the one before is acknowledged or given up. A job that comes
    /// back is still the first of its key, so also then nothing overtakes it.
    /// Different keys do not wait for each other.
    ///
    /// A key goes to the worker that had its last job, as long as there are more
    /// of it, or [longer](Self::affinity). But nobody is idle for it: if that
    /// worker has no room, has ended, or has failed the job, whoever is free takes
    /// it, and the key with it. So keys follow the workers that come and go. A worker
    /// prefers its own keys, but a job that can begin is overtaken for that by no
    /// more than 16 younger ones while it is the oldest.
    ///
    /// Jobs that wait for others of their key count for the
    /// [`window`](Self::window): so far is looked ahead for a key that is free.
    /// A key without jobs is forgotten.
    ///
    /// That no two workers are at one key holds as long as workers are in time:
    /// one that overruns [`ack_within`](Self::ack_within) may still be at its job
    /// when another has it. [`Delivery::fence`] tells them apart.
    ///
    /// `key` is called once for each job. A job for which it panics is put into
    /// quarantine.
    ///
    /// ```
    /// use tidegate::pattern::{Delivery, Workers};
    /// # use tidegate::prelude::*;
    /// # use std::sync::{Arc, Mutex};
    /// /// An account, and what to add to it.
    /// struct Booking(u32, i64);
    /// struct Worker(Arc<Mutex<Vec<(u32, i64)>>>);
    /// impl Actor for Worker {
    ///     type Msg = Delivery<Booking>;
    ///     async fn handle(&mut self, job: Delivery<Booking>, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         let Booking(account, amount) = *job;
    ///         cx.sleep(std::time::Duration::from_millis(amount as u64)).await;
    ///         self.0.lock().unwrap().push((account, amount));
    ///         job.ack();
    ///         Ok(())
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let system = System::new();
    /// let workers = Workers::builder().keyed(|booking: &Booking| booking.0).spawn(&system);
    /// let done = Arc::new(Mutex::new(Vec::new()));
    /// for _ in 0..2 {
    ///     workers.join(&system.spawn(Worker(done.clone()), Push::bounded(16)));
    /// }
    /// // The first takes longest, and the second of that account waits for it.
    /// for (account, amount) in [(1, 50), (1, 1), (2, 10), (2, 20)] {
    ///     workers.actor_ref().tell(Booking(account, amount)).await.unwrap();
    /// }
    /// workers.actor_ref().drain();
    /// workers.actor_ref().stopped().await;
    /// assert_eq!(*done.lock().unwrap(), [(2, 10), (2, 20), (1, 50), (1, 1)]);
    /// # }
    /// ```
    pub fn keyed<K: Hash>(mut self, key: impl Fn(&M) -> K + Send + Sync + 'static) -> Self {
        let hashes = RandomState::new();
        // Explored, a key is the same number in every run.
        let exploring = access::is_exploring();
        self.terms.key = Some(Arc::new(move |job| match exploring {
            true => BuildHasherDefault::<DefaultHasher>::new().hash_one(key(job)),
            false => hashes.hash_one(key(job)),
        }));
        self
    }

    /// Remembers for so many keys that have no jobs which worker had the last
    /// one, and those that have had none for longest are forgotten: for workers
    /// that keep something of each key. The default is 0. Without effect without
    /// [`keyed`](Self::keyed).
    pub fn affinity(mut self, keys: usize) -> Self {
        self.terms.remember = keys;
        self
    }

    /// How many jobs may be with workers, wait to be tried again, or wait for
    /// others of their [key](Self::keyed). The default is 1024; at least 1.
    pub fn window(mut self, jobs: usize) -> Self {
        self.terms.window = jobs.max(1);
        self
    }

    /// As [`CourierBuilder::attempts`](super::CourierBuilder::attempts).
    pub fn attempts(mut self, most: u32) -> Self {
        self.terms.attempts = most.max(1);
        self
    }

    /// As [`CourierBuilder::backoff`](super::CourierBuilder::backoff).
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.terms.backoff = backoff;
        self
    }

    /// As [`CourierBuilder::keep`](super::CourierBuilder::keep).
    pub fn keep(mut self, quarantined: usize) -> Self {
        self.terms.keep = quarantined;
        self
    }

    /// Starts their mailbox.
    pub fn spawn(self, system: &System) -> Workers<M> {
        let desk = Desk::new(self.terms, system);
        let actor = Clerk::spawn(&desk, system, self.name, self.mailbox, self.phase);
        Workers { desk, actor, prefetch: self.prefetch }
    }
}

impl<M: Clone + Send + 'static> WorkersBuilder<M> {
    /// As [`CourierBuilder::ack_within`](super::CourierBuilder::ack_within). A
    /// worker that is late gets no more jobs until it has settled that one.
    pub fn ack_within(mut self, limit: Duration) -> Self {
        self.terms.ack_within = Some(limit);
        self.keep_copies()
    }

    /// As [`CourierBuilder::keep_copies`](super::CourierBuilder::keep_copies).
    pub fn keep_copies(mut self) -> Self {
        self.terms.copy = Some(M::clone);
        self
    }
}

impl<M> fmt::Debug for WorkersBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkersBuilder").field("prefetch", &self.prefetch).finish_non_exhaustive()
    }
}

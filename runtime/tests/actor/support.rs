//! What the actor tests share: an actor that does what each message tells it,
//! a log of what happened, every mailbox there is, and a way to see all dead
//! letters.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{BoxTask, DeadLetterSubscription, DropReason, Executor, ManualExecutor};

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A system on an executor that moves only when told.
pub(crate) fn manual() -> (ManualExecutor, System) {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    (executor, system)
}

/// Locks also after a panic, which some tests are about.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, what: impl Display) {
        lock(&self.0).push(what.to_string());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        lock(&self.0).clone()
    }

    /// What happened since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// How often `what` happened.
    pub(crate) fn count(&self, what: &str) -> usize {
        lock(&self.0).iter().filter(|line| *line == what).count()
    }

    /// The numbers of the messages that were handled, in order.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        lock(&self.0).iter().filter_map(|line| line.parse().ok()).collect()
    }
}

/// Writes to a log when it is dropped.
pub(crate) struct DropNote(pub(crate) Log, pub(crate) String);

impl Drop for DropNote {
    fn drop(&mut self) {
        self.0.add(&self.1);
    }
}

pub(crate) type Script = Box<dyn FnOnce(&mut Worker, &mut Context<Worker>) -> Result<(), Fault> + Send>;

/// What a [`Worker`] is to do.
pub(crate) enum Job {
    /// Note the number.
    Note(u64),
    /// Wait on the clock, then note the number.
    Slow(u64, Duration),
    /// Note the number and return nevermore.
    Stuck(u64),
    /// Answer with how many numbers were noted.
    Count(Reply<u64>),
    Do(Script),
}

impl Job {
    pub(crate) fn run(
        script: impl FnOnce(&mut Worker, &mut Context<Worker>) -> Result<(), Fault> + Send + 'static,
    ) -> Self {
        Self::Do(Box::new(script))
    }

    pub(crate) fn panic(text: &'static str) -> Self {
        Self::run(move |_, _| panic!("{text}"))
    }

    pub(crate) fn fail(text: &'static str) -> Self {
        Self::run(move |_, _| Err(Fault::msg(text)))
    }

    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Note(n) | Self::Slow(n, _) | Self::Stuck(n) => Some(*n),
            Self::Count(_) | Self::Do(_) => None,
        }
    }
}

/// Does as it is told and logs its hooks.
pub(crate) struct Worker {
    pub(crate) log: Log,
    pub(crate) noted: u64,
    /// Asks for one message at the start and for one after each.
    pub(crate) asks: bool,
    /// Things to keep until the end of this life.
    pub(crate) kept: Vec<Box<dyn std::any::Any + Send>>,
}

impl Worker {
    pub(crate) fn new(log: &Log) -> Self {
        Self { log: log.clone(), noted: 0, asks: false, kept: Vec::new() }
    }

    /// For [`Pull::manual`].
    pub(crate) fn asking(mut self) -> Self {
        self.asks = true;
        self
    }

    fn note(&mut self, n: u64) {
        self.noted += 1;
        self.log.add(n);
    }
}

impl Actor for Worker {
    type Msg = Job;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add("started");
        if self.asks {
            cx.request(1);
        }
        Ok(())
    }

    async fn handle(&mut self, job: Job, cx: &mut Context<Self>) -> Result<(), Fault> {
        match job {
            Job::Note(n) => self.note(n),
            Job::Slow(n, how_long) => {
                cx.sleep(how_long).await;
                self.note(n);
            }
            Job::Stuck(n) => {
                self.note(n);
                std::future::pending::<()>().await;
            }
            Job::Count(reply) => drop(reply.send(self.noted)),
            Job::Do(script) => script(self, cx)?,
        }
        if self.asks {
            cx.request(1);
        }
        Ok(())
    }

    async fn terminated(&mut self, who: Terminated, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add(format_args!("terminated {} {}", who.path, who.reason));
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        self.log.add(format_args!("stopped: {reason}"));
    }
}

/// A worker from a factory that may be begun anew `restarts` times.
pub(crate) fn renewable(system: &System, log: &Log, restarts: u32) -> ActorRef<Job> {
    let log = log.clone();
    system
        .build(move || Worker::new(&log))
        .named("worker")
        .mailbox(Push::bounded(64))
        .restart(Restart::on_failure().limit(restarts, Duration::from_secs(10)))
        .spawn()
}

pub(crate) fn tell(actor: &ActorRef<Job>, job: Job) {
    actor.try_tell(job).unwrap();
}

/// Asks for as many as each message says.
pub(crate) struct Asker {
    pub(crate) first: u64,
    pub(crate) log: Log,
}

impl Actor for Asker {
    type Msg = u64;
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.request(self.first);
        Ok(())
    }
    async fn handle(&mut self, more: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add(more);
        cx.request(more);
        Ok(())
    }
}

/// The policies whose mailboxes keep every message that they let in.
pub(crate) const KEEPING: [Overflow; 5] =
    [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::Divert, Overflow::Fail];
pub(crate) const POLICIES: [Overflow; 7] = [
    Overflow::Wait,
    Overflow::Reject,
    Overflow::DropNewest,
    Overflow::Divert,
    Overflow::Fail,
    Overflow::DropOldest,
    Overflow::Latest,
];

/// A mailbox with its name, and whether the handler has to ask.
pub(crate) struct Case<M> {
    pub(crate) name: String,
    pub(crate) mailbox: Mailbox<M>,
    pub(crate) overflow: Overflow,
    pub(crate) manual: bool,
}

/// Every mode and strategy, of a capacity of 8 or less.
pub(crate) fn modes<M>(overflow: Overflow) -> Vec<Case<M>> {
    let case = |name: &str, mailbox: Mailbox<M>| Case {
        name: format!("{name}, {overflow:?}"),
        mailbox,
        overflow,
        manual: name == "pull by hand",
    };
    vec![
        case("push", Push::bounded(8).overflow(overflow).into()),
        case("push, one place", Push::bounded(1).overflow(overflow).into()),
        case("pull by hand", Pull::manual().capacity(8).overflow(overflow).into()),
        case("pull one by one", Pull::one_by_one().overflow(overflow).into()),
        case("pull a window", Pull::window(8).overflow(overflow).into()),
        case("pull a narrow window", Pull::window(3).low(0).overflow(overflow).into()),
        case("pull max in flight", Pull::max_in_flight(4).overflow(overflow).into()),
        case("adaptive", Adaptive::window(8).overflow(overflow).into()),
    ]
}

/// Every mode under every policy; and without a bound.
pub(crate) fn every_mailbox<M>() -> Vec<Case<M>> {
    let mut cases: Vec<_> = POLICIES.into_iter().flat_map(modes).collect();
    cases.push(Case {
        name: "push, unbounded".into(),
        mailbox: Push::unbounded().into(),
        overflow: Overflow::Wait,
        manual: false,
    });
    cases
}

/// Spawns a worker into the case's mailbox.
pub(crate) fn spawn_worker(system: &System, case: &Case<Job>, log: &Log) -> ActorRef<Job> {
    let (log, manual) = (log.clone(), case.manual);
    system
        .build(move || if manual { Worker::new(&log).asking() } else { Worker::new(&log) })
        .mailbox(case.mailbox.clone())
        .spawn()
}

/// Why a message died, and its number if it has one.
pub(crate) type Letter = (DropReason, Option<u64>);

/// Every dead letter, by number where the message has one.
pub(crate) struct Dead {
    letters: Arc<Mutex<Vec<Letter>>>,
    _subscription: DeadLetterSubscription,
}

impl Dead {
    pub(crate) fn watch(system: &System) -> Self {
        let letters = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&letters);
        let subscription = system.dead_letters().subscribe(move |letter| {
            let number =
                letter.message.as_ref().and_then(|message| message.downcast_ref::<Job>()).and_then(Job::number);
            lock(&seen).push((letter.reason, number));
        });
        Self { letters, _subscription: subscription }
    }

    pub(crate) fn all(&self) -> Vec<Letter> {
        lock(&self.letters).clone()
    }

    /// The numbers of those with a reason, in order.
    pub(crate) fn of(&self, reason: DropReason) -> Vec<u64> {
        self.all().into_iter().filter(|(why, _)| *why == reason).filter_map(|(_, number)| number).collect()
    }
}

/// Gives up the thread once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// SplitMix64: few lines, and the same numbers in every run.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A manual executor on which every poll may, by chance, come later: the same
/// program in many interleavings, each given by its seed.
pub(crate) struct Jittery {
    executor: ManualExecutor,
    chance: Arc<Mutex<Random>>,
}

impl Jittery {
    pub(crate) fn new(executor: ManualExecutor, seed: u64) -> Self {
        Self { executor, chance: Arc::new(Mutex::new(Random(seed))) }
    }
}

impl Executor for Jittery {
    fn spawn(&self, name: &str, mut task: BoxTask) {
        let chance = Arc::clone(&self.chance);
        let jittered = poll_fn(move |cx| {
            if lock(&chance).below(3) == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            task.as_mut().poll(cx)
        });
        self.executor.spawn(name, Box::pin(jittered));
    }

    fn now(&self) -> Duration {
        self.executor.now()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        self.executor.sleep(duration)
    }

    fn random(&self) -> u64 {
        lock(&self.chance).next()
    }
}

/// Runs `task` on the executor beside the actors; what it returns can be
/// fetched once it is done.
pub(crate) fn start<T: Send + 'static>(
    executor: &impl Executor,
    task: impl Future<Output = T> + Send + 'static,
) -> Started<T> {
    let result = Arc::new(Mutex::new(None));
    let put = Arc::clone(&result);
    executor.spawn(
        "beside",
        Box::pin(async move {
            let done = task.await;
            *lock(&put) = Some(done);
        }),
    );
    Started(result)
}

pub(crate) struct Started<T>(Arc<Mutex<Option<T>>>);

impl<T> Started<T> {
    /// The result, if the task is done.
    pub(crate) fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }
}

/// Polls a future by hand, once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

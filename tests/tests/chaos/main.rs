//! A tree of two hundred actors under load, while ten thousand things happen to
//! it at random: kills, panics, faults, stops, drains, changes of mode, policy
//! and capacity. Afterwards every message is accounted for, no task is left,
//! the shutdown kept its deadline, and memory is where it was.
//!
//! The seed is printed; `TIDEGATE_CHAOS_SEED` repeats the choices of a run. What
//! the threads make of them differs from run to run.

mod ledger;
mod memory;
mod tree;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tidegate::prelude::*;
use tidegate::{BoxTask, DropReason, Executor, TokioExecutor};
use tokio::sync::Notify;

use tree::{Job, Shared, What, plant};

const EVENTS: u64 = 10_000;
/// So many messages are handled between two events, at least.
const BETWEEN: u64 = 20;
const PRODUCERS: usize = 3;
/// How often it is let come to rest.
const PARTS: u64 = 5;
/// How much more memory may be in use at rest, later, than after the first
/// part. A parent lets go of children that have ended by the batch, so there is
/// some unrest; fifty thousand lives that leave 60 bytes each are found.
const GROWTH: i64 = 3 << 20;
const DEADLINE: Duration = Duration::from_secs(20);

/// Tokio, counting the tasks that have not ended.
struct Counting {
    tokio: TokioExecutor,
    tasks: Arc<Tasks>,
}

#[derive(Default)]
struct Tasks {
    live: AtomicU64,
    fewer: Notify,
}

impl Tasks {
    async fn all_ended(&self) {
        loop {
            let fewer = self.fewer.notified();
            if self.live.load(Ordering::SeqCst) == 0 {
                return;
            }
            fewer.await;
        }
    }
}

struct Ending(Arc<Tasks>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
        self.0.fewer.notify_waiters();
    }
}

impl Executor for Counting {
    fn spawn(&self, name: &str, mut task: BoxTask) {
        self.tasks.live.fetch_add(1, Ordering::SeqCst);
        let ending = Ending(Arc::clone(&self.tasks));
        let counted = async move {
            let _ending = ending;
            poll_fn(|cx| Pin::new(&mut task).poll(cx)).await;
        };
        self.tokio.spawn(name, Box::pin(counted));
    }

    fn now(&self) -> Duration {
        self.tokio.now()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        self.tokio.sleep(duration)
    }

    fn random(&self) -> u64 {
        self.tokio.random()
    }
}

/// Says whether there is to be load.
#[derive(Default)]
struct Tap {
    closed: AtomicBool,
    enough: AtomicBool,
    opened: Notify,
}

impl Tap {
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        self.opened.notify_waiters();
    }

    async fn flows(&self) -> bool {
        loop {
            let opened = self.opened.notified();
            if self.enough.load(Ordering::SeqCst) || !self.closed.load(Ordering::SeqCst) {
                return !self.enough.load(Ordering::SeqCst);
            }
            opened.await;
        }
    }
}

/// Sends to anybody, in every way there is.
async fn produce(shared: Arc<Shared>, tap: Arc<Tap>) {
    while tap.flows().await {
        for _ in 0..4 {
            let Some(to) = shared.anybody() else { continue };
            let what = match shared.below(16) {
                0 => What::Yield,
                1 if shared.below(4) == 0 => What::Nap,
                2..4 => What::Pass,
                4..8 => What::Push,
                _ => What::Plain,
            };
            match shared.below(8) {
                0 => shared.ask(&to).await,
                1..4 => shared.push(&to, what).await,
                _ => shared.pass(&to, what),
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Something that can happen: its name, how often in sixteen, and how.
type Blow = (&'static str, u64, fn(&Shared, &ActorRef<Job>));

const BLOWS: [Blow; 6] = [
    ("kills", 3, |_, actor| actor.kill()),
    ("panics", 4, |shared, actor| shared.pass(actor, What::Panic)),
    ("faults", 3, |shared, actor| shared.pass(actor, What::Fail)),
    ("stops", 1, |_, actor| actor.stop()),
    ("drains", 1, |_, actor| actor.drain()),
    ("reconfigurations", 4, |shared, actor| actor.reconfigure(shared.mailbox())),
];

/// One of the things that happen: which.
fn befall(shared: &Shared, actor: &ActorRef<Job>) -> usize {
    let mut drawn = shared.below(16);
    for (kind, (_, often, blow)) in BLOWS.iter().enumerate() {
        match drawn.checked_sub(*often) {
            Some(rest) => drawn = rest,
            None => {
                blow(shared, actor);
                return kind;
            }
        }
    }
    unreachable!("the shares are sixteen together")
}

#[test]
fn a_tree_of_two_hundred_survives_ten_thousand_blows() {
    let seed = std::env::var("TIDEGATE_CHAOS_SEED").ok().map_or_else(
        || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64,
        |text| text.parse().expect("TIDEGATE_CHAOS_SEED is a number"),
    );
    eprintln!("TIDEGATE_CHAOS_SEED={seed}");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        // Once to fill what is filled once, and then in earnest.
        tokio::spawn(chaos(seed ^ 1, EVENTS / 20)).await.expect("the short one");
        let before = memory::live();
        tokio::spawn(chaos(seed, EVENTS)).await.expect("the long one");
        let left = memory::live() - before;
        eprintln!("{left} bytes more than before");
        assert!(left < 256 * 1024, "{left} bytes are left after the end (seed {seed})");
    });
}

async fn chaos(seed: u64, events: u64) {
    let tasks = Arc::new(Tasks::default());
    let system = System::builder()
        .idle_after(Duration::from_millis(5))
        .build_on(Counting { tokio: TokioExecutor::new(), tasks: Arc::clone(&tasks) });
    let shared = Shared::new(seed);
    let heard = system.dead_letters().subscribe(|letter| {
        if let Some(job) = letter.message.as_ref().and_then(|message| message.downcast_ref::<Job>()) {
            job.token.dead();
        }
    });
    plant(&system, &shared);
    let tap = Arc::new(Tap::default());
    let producers: Vec<_> =
        (0..PRODUCERS).map(|_| tokio::spawn(produce(Arc::clone(&shared), Arc::clone(&tap)))).collect();

    // What is in use at rest, after the first part and after the last.
    let mut at_rest = Vec::new();
    let mut blows = [0; BLOWS.len()];
    for event in 0..events {
        if let Some(actor) = shared.anybody() {
            blows[befall(&shared, &actor)] += 1;
        }
        plant(&system, &shared);
        let goal = shared.ledger.handled() + BETWEEN;
        let since = Instant::now();
        while shared.ledger.handled() < goal {
            assert!(since.elapsed() < Duration::from_secs(60), "nothing is handled any more (seed {seed})");
            tokio::task::yield_now().await;
        }
        if (event + 1) % (events / PARTS) == 0 {
            tap.close();
            at_rest.push(rest(&shared).await);
            tap.open();
        }
    }
    tap.enough.store(true, Ordering::SeqCst);
    tap.open();
    for producer in producers {
        producer.await.expect("a producer does not panic");
    }

    let began = Instant::now();
    let report = system.shutdown(DEADLINE).await;
    let took = began.elapsed();
    assert!(took < DEADLINE, "the shutdown took {took:?} (seed {seed}): {report}");
    assert!(report.killed.is_empty() && report.stuck.is_empty(), "seed {seed}: {report}");
    shared.clear();
    let interrupted = system.dead_letters().counts().of(DropReason::Interrupted);
    drop(system);
    tokio::time::timeout(DEADLINE, tasks.all_ended())
        .await
        .unwrap_or_else(|_| panic!("{} tasks are left (seed {seed})", tasks.live.load(Ordering::SeqCst)));
    drop(heard);

    let sums = shared.ledger.sums();
    let lives = shared.lives.load(Ordering::Relaxed);
    let kinds: Vec<String> = BLOWS.iter().zip(blows).map(|((name, ..), n)| format!("{n} {name}")).collect();
    eprintln!("{}: {lives} lives; {sums}; shut down in {took:?}; bytes at rest {at_rest:?}", kinds.join(", "));
    assert!(blows.iter().all(|n| *n >= events / 50), "some of everything: {blows:?} (seed {seed})");
    assert_eq!(sums.lost, 0, "seed {seed}: {sums}");
    assert_eq!(sums.twice, 0, "seed {seed}: {sums}");
    assert_eq!(sums.settled(), sums.created, "seed {seed}: {sums}");
    assert_eq!(sums.interrupted, interrupted, "interrupted messages are counted (seed {seed})");
    assert!(sums.handled >= events * BETWEEN && lives > tree::ACTORS as u64, "seed {seed}: {sums}");
    let most = at_rest.iter().max().copied().unwrap_or_default();
    let warm = events == EVENTS;
    assert!(!warm || most < at_rest[0] + GROWTH, "memory grew: {at_rest:?} bytes at rest (seed {seed})");
}

/// Waits until every message has met its fate, and until idle mailboxes, all
/// made the same, have given their storage back. Returns the bytes in use then.
async fn rest(shared: &Shared) -> i64 {
    for actor in (0..tree::ACTORS).filter_map(|place| shared.at(place)) {
        actor.reconfigure(Push::bounded(8));
    }
    let since = Instant::now();
    let mut least = i64::MAX;
    let mut unchanged = 0;
    while unchanged < 20 {
        assert!(since.elapsed() < Duration::from_secs(60), "it does not come to rest: {}", shared.ledger.sums());
        tokio::time::sleep(Duration::from_millis(5)).await;
        let sums = shared.ledger.sums();
        unchanged += 1;
        if sums.settled() < sums.created || memory::live() < least {
            unchanged = 0;
        }
        least = memory::live().min(least);
    }
    least
}

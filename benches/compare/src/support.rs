//! What all contestants share: the same tokio runtime, the same payloads, the
//! same bookkeeping, so that they differ in nothing but the library.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Capacity of every bounded mailbox and channel.
pub(crate) const CAPACITY: usize = 1024;
/// Worker threads of the tokio runtime.
pub(crate) const WORKERS: usize = 2;
/// Senders of the many-to-one workload.
pub(crate) const PRODUCERS: u64 = 4;
/// Actors of the thread ring.
pub(crate) const RING: u64 = 100;
/// How far a stage of a pipeline may be behind the one before it.
pub(crate) const WINDOW: usize = 256;
/// Stages between the source of a pipeline and its sink.
pub(crate) const STAGES: usize = 2;
/// Actors of the fork-join.
pub(crate) const FORKS: u64 = 60;

/// Runs `work` as a task of a fresh tokio runtime with [`WORKERS`] workers.
///
/// A task and not the body of `block_on`, for the latter would run on a third
/// thread. Starting and dropping the runtime is not part of what is measured.
pub(crate) fn on_tokio<T, F>(work: F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .expect("a tokio runtime");
    runtime.block_on(async { tokio::spawn(work).await }).expect("the workload ran to its end")
}

/// A message that carries a number.
pub(crate) trait Payload: Send + Unpin + 'static {
    fn of(number: u64) -> Self;
    fn number(&self) -> u64;
}

impl Payload for u64 {
    fn of(number: u64) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

/// 64 bytes. All of it is written and both ends are read.
pub(crate) struct Wide([u64; 8]);

impl Payload for Wide {
    fn of(number: u64) -> Self {
        Self([number; 8])
    }

    fn number(&self) -> u64 {
        self.0[0] & self.0[7]
    }
}

/// After every 64th actor, lets those run that were started.
///
/// A loop that only starts actors leaves all of them lying about at once. No
/// contestant gains from that and most lose a third, so none has to do it.
pub(crate) async fn let_them_run(number: u64) {
    if number % 64 == 63 {
        tokio::task::yield_now().await;
    }
}

/// What the numbers `0..items` add up to.
pub(crate) fn sum_below(items: u64) -> u64 {
    if items == 0 { 0 } else { items * (items - 1) / 2 }
}

/// Counts and adds up what a receiver gets, and reports the sum after the last
/// message that it was told to expect.
pub(crate) struct Tally {
    left: u64,
    sum: u64,
    report: Arc<Latch>,
}

impl Tally {
    pub(crate) fn new(expected: u64, report: Arc<Latch>) -> Self {
        Self { left: expected, sum: 0, report }
    }

    /// Takes one message; `true` once it was the last.
    #[inline]
    pub(crate) fn add(&mut self, number: u64) -> bool {
        self.sum += number;
        self.left -= 1;
        if self.left == 0 {
            self.report.arrive(self.sum);
        }
        self.left == 0
    }
}

/// One place in a ring through which a token is passed.
pub(crate) struct Relay {
    seen: u64,
    report: Arc<Latch>,
}

impl Relay {
    pub(crate) fn new(report: Arc<Latch>) -> Self {
        Self { seen: 0, report }
    }

    /// Takes the token, which says how many hops are left, and returns what to
    /// pass on. At the end of the journey it reports how often it was here.
    #[inline]
    pub(crate) fn take(&mut self, token: u64) -> Option<u64> {
        self.seen += 1;
        if token == 0 {
            self.report.arrive(self.seen);
            return None;
        }
        Some(token - 1)
    }
}

/// The hops of a journey through `size` places that visits each equally often,
/// and the token to start with.
pub(crate) fn journey(size: u64, items: u64) -> (u64, u64) {
    let rounds = (items / size).max(1);
    (rounds, rounds * size - 1)
}

/// Waited for until a number of arrivals; adds up what they bring.
pub(crate) struct Latch {
    left: AtomicU64,
    sum: AtomicU64,
    open: Mutex<Option<oneshot::Sender<u64>>>,
}

impl Latch {
    pub(crate) fn new(arrivals: u64) -> (Arc<Self>, oneshot::Receiver<u64>) {
        let (open, opened) = oneshot::channel();
        let latch = Self { left: AtomicU64::new(arrivals), sum: AtomicU64::new(0), open: Mutex::new(Some(open)) };
        (Arc::new(latch), opened)
    }

    pub(crate) fn arrive(&self, brought: u64) {
        // The sum is read by whoever brings `left` to zero: its AcqRel
        // decrement orders every earlier addition before that read.
        self.sum.fetch_add(brought, Ordering::Relaxed);
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let open = self.open.lock().expect("no one panics in here").take();
            if let Some(open) = open {
                let _ = open.send(self.sum.load(Ordering::Relaxed));
            }
        }
    }
}

/// Live bytes before the actors are started, once the runtime has come to rest.
pub(crate) async fn bytes_before() -> i64 {
    settled_bytes(Duration::from_millis(200)).await
}

/// Live bytes of actors that have nothing to do.
///
/// A runtime may keep storage for a while after the last message: tidegate
/// looks for idle mailboxes every second and gives back what it finds unused
/// twice. So this waits for two and a half seconds without a change, whoever
/// is measured.
pub(crate) async fn bytes_after() -> i64 {
    settled_bytes(Duration::from_millis(2500)).await
}

/// Waits, for fifteen seconds at most, until nothing has changed for `rest`.
async fn settled_bytes(rest: Duration) -> i64 {
    const STEP: Duration = Duration::from_millis(50);
    let begin = Instant::now();
    let (mut bytes, mut since) = (crate::alloc::live(), begin);
    while since.elapsed() < rest && begin.elapsed() < Duration::from_secs(15) {
        tokio::time::sleep(STEP).await;
        let now = crate::alloc::live();
        if now != bytes {
            (bytes, since) = (now, Instant::now());
        }
    }
    bytes
}

/// Bytes per actor between two readings.
pub(crate) fn per_actor(before: i64, after: i64, actors: u64) -> f64 {
    (after - before) as f64 / actors as f64
}

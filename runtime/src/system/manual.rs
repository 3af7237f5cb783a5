//! An executor that runs only when told: for tests, step by step, with a clock
//! that stands still until it is moved.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::actor::{BoxTask, Executor};
use crate::sync::shim::Mutex;

/// A deterministic executor on the calling thread: nothing runs between two
/// calls of [`step`](Self::step), and time passes only by
/// [`advance`](Self::advance). Tasks run in the order in which they were
/// woken. Clones are the same executor.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::ManualExecutor;
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let sum = system.build(|| Sum(0)).budget(1).spawn();
/// sum.try_tell(1).unwrap();
/// sum.try_tell(2).unwrap();
/// executor.step();
/// assert_eq!(sum.stats().handled, 1, "a budget of one: one message a step");
/// executor.run_until_idle();
/// assert_eq!(sum.stats().handled, 2);
/// ```
#[derive(Clone)]
pub struct ManualExecutor(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Duration,
    random: u64,
    /// `Some`: what is ready runs in an order that this chooses.
    shuffle: Option<u64>,
    next: u64,
    ready: VecDeque<u64>,
    /// `None` while the task is being polled.
    tasks: BTreeMap<u64, Option<BoxTask>>,
    timers: BTreeMap<(Duration, u64), Waker>,
}

struct Ready {
    shared: Arc<Shared>,
    task: u64,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        let mut state = self.shared.state.lock();
        if state.tasks.contains_key(&self.task) && !state.ready.contains(&self.task) {
            state.ready.push_back(self.task);
        }
    }
}

impl ManualExecutor {
    /// An executor with nothing to do, at time zero.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared { state: Mutex::new(State::default()) }))
    }

    /// An executor whose random numbers, and the order in which ready tasks
    /// run, come from `seed`: another interleaving for each seed, the same in
    /// every run.
    ///
    /// ```
    /// use tidegate::prelude::*;
    /// use tidegate::ManualExecutor;
    /// # struct Log(std::sync::mpsc::Sender<u64>); impl Actor for Log { type Msg = u64;
    /// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(self.0.send(n)?) } }
    /// let order_of = |seed| {
    ///     let executor = ManualExecutor::shuffled(seed);
    ///     let system = System::with_executor(executor.clone());
    ///     let (log, order) = std::sync::mpsc::channel();
    ///     for n in 0..5 {
    ///         system.spawn(Log(log.clone()), Push::bounded(1)).try_tell(n).unwrap();
    ///     }
    ///     executor.run_until_idle();
    ///     order.try_iter().collect::<Vec<_>>()
    /// };
    /// assert_eq!(order_of(7), order_of(7));
    /// assert_ne!(order_of(7), order_of(8));
    /// ```
    #[must_use]
    pub fn shuffled(seed: u64) -> Self {
        let state = State { random: seed, shuffle: Some(!seed), ..State::default() };
        Self(Arc::new(Shared { state: Mutex::new(state) }))
    }

    /// Polls the task that was woken first, once. `false` if none was.
    #[must_use]
    pub fn try_step(&self) -> bool {
        let mut state = self.0.state.lock();
        let Some(task) = state.next_ready() else { return false };
        let Some(mut future) = state.tasks.get_mut(&task).and_then(Option::take) else { return true };
        drop(state);
        let waker = Waker::from(Arc::new(Ready { shared: Arc::clone(&self.0), task }));
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = self.0.state.lock();
        match polled {
            Poll::Ready(()) => {
                state.tasks.remove(&task);
                drop(state);
                drop(future);
            }
            Poll::Pending => {
                state.tasks.insert(task, Some(future));
            }
        }
        true
    }

    /// Polls the task that was woken first, once.
    ///
    /// # Panics
    /// If there is none: the test expected something to happen.
    pub fn step(&self) {
        assert!(self.try_step(), "no task is ready to run");
    }

    /// Runs until no task is ready. Returns how many polls that took.
    ///
    /// # Panics
    /// After a million polls: something keeps waking itself.
    pub fn run_until_idle(&self) -> usize {
        let mut steps = 0;
        while self.try_step() {
            steps += 1;
            assert!(steps < 1_000_000, "a task wakes itself for ever");
        }
        steps
    }

    /// Moves the clock, and runs what becomes due, each at its time.
    pub fn advance(&self, by: Duration) {
        let until = self.now().saturating_add(by);
        loop {
            self.run_until_idle();
            let waker = {
                let mut state = self.0.state.lock();
                match state.timers.first_key_value() {
                    Some((&(at, key), _)) if at <= until => {
                        state.now = state.now.max(at);
                        state.timers.remove(&(at, key))
                    }
                    _ => {
                        state.now = until;
                        return;
                    }
                }
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Runs `future` and everything else until it is done, moving the clock
    /// to the next timer whenever nothing else is left to do.
    ///
    /// # Panics
    /// If it waits for something that never comes: nothing is ready, and no
    /// timer is set.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        loop {
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return done;
            }
            if self.run_until_idle() > 0 {
                continue;
            }
            let Some(at) = self.next_timer() else { panic!("deadlock: nothing is ready and no timer is set") };
            self.advance(at.saturating_sub(self.now()));
        }
    }

    /// When the next timer is due, on this executor's clock; `None` if none is
    /// set.
    #[must_use]
    pub fn next_timer(&self) -> Option<Duration> {
        self.0.state.lock().timers.first_key_value().map(|(&(at, _), _)| at)
    }

    /// How many tasks have not ended.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.0.state.lock().tasks.len()
    }
}

impl Default for ManualExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for ManualExecutor {
    fn spawn(&self, _name: &str, task: BoxTask) {
        let mut state = self.0.state.lock();
        state.next += 1;
        let key = state.next;
        state.tasks.insert(key, Some(task));
        state.ready.push_back(key);
    }

    fn now(&self) -> Duration {
        self.0.state.lock().now
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        let at = self.now().saturating_add(duration);
        Box::pin(Sleep { shared: Arc::clone(&self.0), at, key: None })
    }

    /// SplitMix64 from 0: the same numbers in every run.
    fn random(&self) -> u64 {
        split_mix(&mut self.0.state.lock().random)
    }
}

impl State {
    fn next_ready(&mut self) -> Option<u64> {
        let Some(seed) = &mut self.shuffle else { return self.ready.pop_front() };
        if self.ready.is_empty() {
            return None;
        }
        let at = split_mix(seed) % self.ready.len() as u64;
        self.ready.remove(at as usize)
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

struct Sleep {
    shared: Arc<Shared>,
    at: Duration,
    key: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state.lock();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| {
            state.next += 1;
            state.next
        });
        self.key = Some(key);
        state.timers.insert((self.at, key), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let removed = self.shared.state.lock().timers.remove(&(self.at, key));
            drop(removed);
        }
    }
}

impl fmt::Debug for ManualExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        f.debug_struct("ManualExecutor")
            .field("now", &state.now)
            .field("tasks", &state.tasks.len())
            .field("ready", &state.ready.len())
            .finish_non_exhaustive()
    }
}

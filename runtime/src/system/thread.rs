//! An executor with a thread of its own, for what would hold others up.
//!
//! One queue, a crossbeam channel, holds what is to be done: tasks to start
//! and tasks that were woken. The thread takes from it one at a time, polls,
//! and looks at the timers in between. A task is in the queue at most once, so
//! the queue is no longer than there are tasks. A task is polled and dropped
//! on the thread and nowhere else.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Builder, JoinHandle, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::LocalExecutor;
use crate::actor::{BoxTask, Executor};
use crate::sync::shim::Mutex;

/// Runs actors on an operating system thread of its own: for handlers that
/// block, or compute for long, and would keep a thread of an asynchronous
/// runtime from everybody else on it.
///
/// Clones are the same thread. Actors that share one wait for each other; with
/// [`Spawn::on_thread`](crate::Spawn::on_thread) an actor has one to itself.
///
/// The thread ends by itself once all clones are dropped and all its tasks and
/// timers are done; [`join`](Self::join) waits for that. A panic of a task ends
/// that task.
///
/// It can also run a whole [`System`](crate::System), without tokio. Its timers
/// are then late while a handler blocks.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::{ThreadExecutor, block_on};
/// struct Digest;
/// impl Actor for Digest {
///     type Msg = (Vec<u8>, Reply<u64>);
///     async fn handle(&mut self, (data, reply): Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
///         // As long as it takes: nobody else needs this thread.
///         let _ = reply.send(data.iter().map(|byte| u64::from(*byte)).sum());
///         Ok(())
///     }
/// }
/// let executor = ThreadExecutor::new("digest");
/// let system = System::with_executor(executor.clone());
/// let digest = system.spawn(Digest, Push::bounded(8));
/// assert_eq!(digest.blocking_ask(|reply| (vec![1, 2, 3], reply)).unwrap(), 6);
/// assert!(block_on(system.shutdown(std::time::Duration::from_secs(5))).is_clean());
/// executor.join();
/// ```
#[derive(Clone)]
pub struct ThreadExecutor(Arc<Owner>);

/// What the clones share, and the tasks do not: it goes while they run.
struct Owner {
    shared: Arc<Shared>,
    thread: Thread,
    /// Held by whoever waits for the end, so that others wait for it too.
    end: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: Sender<Job>,
    start: Instant,
    timers: Mutex<Timers>,
}

#[derive(Default)]
struct Timers {
    next: u64,
    wakers: BTreeMap<(Duration, u64), Waker>,
    /// Nothing more is started.
    closing: bool,
    /// Nobody looks at the timers any more.
    gone: bool,
}

enum Job {
    Start(BoxTask),
    Wake(u64),
    /// Look at the timers: they have changed.
    Look,
}

struct Task {
    future: BoxTask,
    ready: Arc<Ready>,
}

/// Puts a task into the queue.
struct Ready {
    task: u64,
    shared: Arc<Shared>,
    /// It is in the queue. A lock and not a flag: whoever finds it set leaves
    /// what it did to be seen by the poll that is to come.
    queued: Mutex<bool>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        if !std::mem::replace(&mut *self.queued.lock(), true) {
            // Nobody there needs no waking.
            let _ = self.shared.queue.send(Job::Wake(self.task));
        }
    }
}

impl ThreadExecutor {
    /// Starts the thread. The name is for people and debuggers.
    ///
    /// # Panics
    /// If the operating system has no thread to give.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let (queue, jobs) = unbounded();
        let shared = Arc::new(Shared { queue, start: Instant::now(), timers: Mutex::new(Timers::default()) });
        let mine = Arc::clone(&shared);
        // A name with a zero in it is none.
        let name = name.replace('\0', "");
        let end = match Builder::new().name(name).spawn(move || run(&jobs, &mine)) {
            Ok(thread) => thread,
            Err(error) => panic!("no thread for an executor: {error}"),
        };
        Self(Arc::new(Owner { shared, thread: end.thread().clone(), end: Mutex::new(Some(end)) }))
    }

    /// Takes no more tasks, waits until those it has are done, and for the end
    /// of the thread. A task that is started later, through another clone, is
    /// dropped: its actor ends as [`Abandoned`](crate::StopReason::Abandoned).
    ///
    /// Blocks the calling thread until the actors have ended: tell them first.
    ///
    /// # Panics
    /// If it is called on the thread itself, which cannot wait for its own end.
    pub fn join(self) {
        assert!(self.0.thread.id() != std::thread::current().id(), "a thread cannot wait for its own end");
        self.0.shared.close();
        if let Some(thread) = self.0.end.lock().take() {
            // Panics of tasks are caught, and nothing else on it panics.
            let _ = thread.join();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Executor for ThreadExecutor {
    fn spawn(&self, _name: &str, task: BoxTask) {
        let closing = self.0.shared.timers.lock().closing;
        if !closing {
            // Comes back, and is dropped here, if the thread has just gone. It
            // was never polled, so nothing of it belongs to that thread.
            drop(self.0.shared.queue.send(Job::Start(task)));
        }
    }

    fn now(&self) -> Duration {
        self.0.shared.start.elapsed()
    }

    /// Over at once if the thread has ended: nobody is there to wait with.
    fn sleep(&self, duration: Duration) -> BoxTask {
        let at = self.now().saturating_add(duration);
        Box::pin(Sleep { shared: Arc::clone(&self.0.shared), at, key: None })
    }

    fn random(&self) -> u64 {
        // Each state is keyed anew, from the operating system's randomness.
        RandomState::new().hash_one(self.0.shared.start)
    }
}

impl LocalExecutor for ThreadExecutor {}

impl fmt::Debug for ThreadExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadExecutor").field("thread", &self.0.thread.name()).finish_non_exhaustive()
    }
}

/// The thread: starts, polls, and waits, until there is nothing left to do.
fn run(jobs: &Receiver<Job>, shared: &Arc<Shared>) {
    let mut tasks: HashMap<u64, Task> = HashMap::new();
    let mut next = 0;
    loop {
        // One too far off for the clock is none.
        let until = shared.fire().and_then(|at| shared.start.checked_add(at));
        let job = match (jobs.try_recv(), until) {
            (Ok(job), _) => job,
            (Err(_), _) if tasks.is_empty() && shared.may_go() => return,
            (Err(_), Some(at)) => match jobs.recv_deadline(at) {
                Ok(job) => job,
                Err(_) => continue,
            },
            (Err(_), None) => match jobs.recv() {
                Ok(job) => job,
                Err(_) => unreachable!("the thread itself holds a sender"),
            },
        };
        let key = match job {
            Job::Look => continue,
            Job::Wake(key) => key,
            Job::Start(future) => {
                next += 1;
                let ready = Ready { task: next, shared: Arc::clone(shared), queued: Mutex::new(true) };
                tasks.insert(next, Task { future, ready: Arc::new(ready) });
                next
            }
        };
        let Some(task) = tasks.get_mut(&key) else { continue };
        // Before the poll: a wake that comes during it is not lost.
        *task.ready.queued.lock() = false;
        let waker = Waker::from(Arc::clone(&task.ready));
        let polled = catch_unwind(AssertUnwindSafe(|| task.future.as_mut().poll(&mut Context::from_waker(&waker))));
        if !matches!(polled, Ok(Poll::Pending)) {
            let done = tasks.remove(&key);
            // Foreign code runs in drops too.
            drop(catch_unwind(AssertUnwindSafe(|| drop(done))));
        }
    }
}

impl Shared {
    fn close(&self) {
        self.timers.lock().closing = true;
        self.look();
    }

    fn look(&self) {
        let _ = self.queue.send(Job::Look);
    }

    /// Wakes those whose time has come; when the next one's will.
    fn fire(&self) -> Option<Duration> {
        loop {
            let waker = {
                let mut timers = self.timers.lock();
                let (&(at, key), _) = timers.wakers.first_key_value()?;
                if at > self.start.elapsed() {
                    return Some(at);
                }
                timers.wakers.remove(&(at, key))
            };
            // A waker may be that of another executor: foreign code.
            drop(catch_unwind(AssertUnwindSafe(|| waker.map(Waker::wake))));
        }
    }

    /// Whether the thread, which has no tasks, may end. Decided once, together
    /// with what timers that come later are told.
    fn may_go(&self) -> bool {
        let mut timers = self.timers.lock();
        // What was started before the closing is in the queue by now, or its
        // sender is told that nobody is there.
        timers.gone = timers.closing && timers.wakers.is_empty() && self.queue.is_empty();
        timers.gone
    }
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
        let mut timers = shared.timers.lock();
        if timers.gone || shared.start.elapsed() >= self.at {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| {
            timers.next += 1;
            timers.next
        });
        self.key = Some(key);
        let old = timers.wakers.insert((self.at, key), cx.waker().clone());
        let is_next = timers.wakers.first_key_value().is_some_and(|((_, first), _)| *first == key);
        drop(timers);
        if old.is_none() && is_next {
            shared.look();
        }
        drop(old);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let (removed, closing) = {
            let mut timers = self.shared.timers.lock();
            (timers.wakers.remove(&(self.at, key)), timers.closing)
        };
        if removed.is_some() && closing {
            // It may have been the last thing to wait for.
            self.shared.look();
        }
        drop(removed);
    }
}

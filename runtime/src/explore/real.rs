//! The real runtime under a body that can also be explored: its executor, with
//! an eye on whether anybody can still go on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::executor::mix;
use super::trace::Failure;
use crate::actor::panic::contained;
use crate::actor::{BoxTask, Executor};
use crate::sync::shim::Mutex;

/// An executor that runs what it is given on another, and knows when nothing of
/// it can go on without the clock. Clones are the same.
#[derive(Clone)]
pub(crate) struct RealExecutor(Arc<Shared>);

struct Shared {
    under: Box<dyn Executor>,
    state: Mutex<State>,
}

/// It is quiet when nothing has run for so many moments, one after the other.
const MOMENTS: usize = 4;
const MOMENT: Duration = Duration::from_millis(1);

struct State {
    /// Tasks that run or were woken.
    busy: usize,
    /// How often tasks were polled, for themselves.
    polls: u64,
    /// Those who wait until there are none, and how often that was so.
    settling: Vec<Waker>,
    settled: u64,
    /// The first panic of a task. Those of actors end in their supervision.
    panicked: Option<Failure>,
    /// Who is to be told of it.
    watching: Option<Waker>,
    random: u64,
}

impl RealExecutor {
    pub(crate) fn new(under: impl Executor, seed: u64) -> Self {
        let state = State {
            busy: 0,
            polls: 0,
            settling: Vec::new(),
            settled: 0,
            panicked: None,
            watching: None,
            random: mix(seed),
        };
        Self(Arc::new(Shared { under: Box::new(under), state: Mutex::untouched(state) }))
    }

    /// Waits until every task waits: for another, for the clock, or for what is
    /// outside.
    ///
    /// A runtime may put off a wake, as tokio does with that of a task that
    /// yields, and nobody sees it then. So it is to be quiet for a few moments: more
    /// than one, since the thread that has put it off may have to wait for a core.
    pub(crate) async fn settled(&self) {
        let mut quiet = 0;
        while quiet < MOMENTS {
            Settled { shared: Arc::clone(&self.0), since: None }.await;
            let before = self.polls_of_others();
            self.sleep(MOMENT).await;
            quiet = if self.polls_of_others() == before { quiet + 1 } else { 0 };
        }
    }

    /// How often tasks were polled, but for what they did in
    /// [`settled`](Self::settled), which is what the caller does.
    fn polls_of_others(&self) -> u64 {
        let mut state = self.0.state.lock();
        state.polls = state.polls.wrapping_sub(1);
        state.polls
    }

    /// Resolves when a task has panicked.
    pub(crate) async fn panicked(&self) -> Failure {
        std::future::poll_fn(|cx| {
            let mut state = self.0.state.lock();
            if let Some(failure) = state.panicked.take() {
                return Poll::Ready(failure);
            }
            state.watching = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Executor for RealExecutor {
    fn spawn(&self, name: &str, task: BoxTask) {
        self.0.state.lock().busy += 1;
        let pace = Pace { woken: true, running: false, waker: None };
        let tracker = Arc::new(Tracker { shared: Arc::clone(&self.0), pace: Mutex::untouched(pace) });
        self.0.under.spawn(name, Box::pin(Tracked { task, tracker, name: name.to_owned() }));
    }

    fn now(&self) -> Duration {
        self.0.under.now()
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        self.0.under.sleep(duration)
    }

    fn random(&self) -> u64 {
        let mut state = self.0.state.lock();
        state.random = mix(state.random);
        state.random
    }

    fn note_context(&self) {
        self.0.under.note_context();
    }
}

impl Shared {
    /// One task less can go on.
    fn rest(&self) {
        let mut state = self.state.lock();
        state.busy -= 1;
        if state.busy > 0 {
            return;
        }
        state.settled += 1;
        let settling = std::mem::take(&mut state.settling);
        drop(state);
        settling.into_iter().for_each(Waker::wake);
    }
}

/// Counts one task as busy from when it is woken until it waits again.
struct Tracker {
    shared: Arc<Shared>,
    pace: Mutex<Pace>,
}

struct Pace {
    woken: bool,
    running: bool,
    /// Of the task, on the executor below. `None` before it is polled, and when
    /// it is done.
    waker: Option<Waker>,
}

impl Wake for Tracker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut pace = self.pace.lock();
        let Some(waker) = pace.waker.clone() else { return };
        if !pace.woken && !pace.running {
            self.shared.state.lock().busy += 1;
        }
        pace.woken = true;
        drop(pace);
        waker.wake();
    }
}

struct Tracked {
    task: BoxTask,
    tracker: Arc<Tracker>,
    name: String,
}

impl Future for Tracked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        {
            let mut pace = this.tracker.pace.lock();
            let mut state = this.tracker.shared.state.lock();
            state.polls = state.polls.wrapping_add(1);
            // Polled for a reason of the executor's own.
            if !pace.woken {
                state.busy += 1;
            }
            drop(state);
            *pace = Pace { woken: false, running: true, waker: Some(cx.waker().clone()) };
        }
        let waker = Waker::from(Arc::clone(&this.tracker));
        let polled = contained(|| this.task.as_mut().poll(&mut Context::from_waker(&waker)));
        if let Ok(Poll::Pending) = polled {
            let mut pace = this.tracker.pace.lock();
            pace.running = false;
            if !pace.woken {
                drop(pace);
                this.tracker.shared.rest();
            }
            return Poll::Pending;
        }
        if let Err(panic) = polled {
            let mut state = this.tracker.shared.state.lock();
            let (message, location) = (panic.message().to_owned(), panic.location().map(str::to_owned));
            let failure = Failure::Panicked { task: this.name.clone(), message, location };
            state.panicked.get_or_insert(failure);
            let watching = state.watching.take();
            drop(state);
            watching.into_iter().for_each(Waker::wake);
        }
        Poll::Ready(())
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let mut pace = self.tracker.pace.lock();
        let was_busy = pace.woken || pace.running;
        *pace = Pace { woken: true, running: true, waker: None };
        drop(pace);
        if was_busy {
            self.tracker.shared.rest();
        }
    }
}

/// Resolves when no task runs or has been woken.
struct Settled {
    shared: Arc<Shared>,
    /// How often it had been quiet when this was asked.
    since: Option<u64>,
}

impl Future for Settled {
    type Output = ();

    /// Whoever polls this is busy: so it is quiet when that one waits too.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state.lock();
        let since = *self.since.get_or_insert(state.settled);
        if state.settled > since {
            return Poll::Ready(());
        }
        state.settling.push(cx.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for RealExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealExecutor").finish_non_exhaustive()
    }
}

//! The executor of an explored program: one thread, a clock that moves when
//! nothing else can, and an order that is chosen.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::escape;
use super::run::Limits;
use super::sameness::Sameness;
use super::trace::{Failure, TaskId, TaskInfo, Trace};
use crate::actor::{BoxTask, Executor};
use crate::sync::access::{self, Access, Object};
use crate::sync::planted::{Planted, is_planted};
use crate::sync::shim::Mutex;

/// The executor. Clones are the same.
#[derive(Clone)]
pub(crate) struct SimExecutor(pub(crate) Arc<Shared>);

/// What the tasks of a program and the loop that runs them share. Everything is
/// done on one thread: the lock is for the wakers, which may be anywhere.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
}

pub(crate) struct State {
    /// To be woken when the lock is free.
    pub(crate) due: Vec<Waker>,
    pub(crate) now: Duration,
    pub(crate) seed: u64,
    /// Tells the wakers of this run from those of runs before.
    pub(crate) run: u64,
    pub(crate) tasks: Vec<Task>,
    /// Who can run, in the order in which they were woken: indices of tasks.
    pub(crate) ready: Vec<usize>,
    pub(crate) timers: BTreeMap<(Duration, u64), Waker>,
    pub(crate) next_timer: u64,
    /// Tasks that begin when one of that name is spawned.
    awaited: Vec<(String, usize)>,
    /// What moves the clock while others run, if anything does.
    pub(crate) clock_task: Option<usize>,
    /// How often it has when nothing else was left to do.
    pub(crate) struck: u32,
    /// Those who wait until nothing else can run.
    pub(crate) settling: BTreeMap<u64, Waker>,
    next_settling: u64,
    /// The task that runs.
    pub(crate) current: Option<usize>,
    /// The run makes no sense any more: something escaped, or was not the same.
    pub(crate) broken: Option<Failure>,
    /// Where it runs: a task that is woken elsewhere was woken by what escaped.
    pub(crate) home: Thread,
    pub(crate) sameness: Sameness,
    /// Threads of the program's own were waited for.
    pub(crate) waited: bool,
    pub(crate) trace: Trace,
    /// Registering a timer, and reading the clock.
    pub(crate) clock: Object,
    names: Names,
}

pub(crate) struct Task {
    pub(crate) id: TaskId,
    /// What its random numbers come from: the same also where other runs came
    /// before, which [`id`](Self::id) is not.
    chance: u64,
    /// `None` while it is polled, and when it is done.
    pub(crate) future: Option<BoxTask>,
    pub(crate) waker: Waker,
    pub(crate) is_ready: bool,
    pub(crate) is_done: bool,
    /// Objects it has made.
    pub(crate) made: u32,
    /// Tasks it has spawned.
    spawned: u32,
    /// The program has spawned it by itself, beside its body.
    pub(crate) is_beside: bool,
    /// Random numbers it has drawn.
    drawn: u64,
}

/// When a task of the explorer's own begins.
pub(crate) enum Begins {
    Now,
    /// When a task of this name is spawned.
    With(String),
    /// When it is woken.
    Never,
}

/// Gives the same task the same number in every run: by who spawned it, and as
/// which of its own.
#[derive(Default)]
struct Names {
    known: HashMap<(TaskId, u32), TaskId>,
}

impl Names {
    fn of(&mut self, parent: TaskId, nth: u32) -> TaskId {
        let next = self.known.len() as u32 + 1;
        *self.known.entry((parent, nth)).or_insert(TaskId(next))
    }
}

struct TaskWaker {
    shared: Arc<Shared>,
    run: u64,
    task: usize,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let state = &mut *self.shared.state.lock();
        let is_current = state.run == self.run;
        if !access::is_exploring() && state.home.id() != thread::current().id() {
            // Of a run before, it may come at any time in this one.
            let name = state.trace.tasks.get(self.task).filter(|_| is_current).map_or("a task", |task| &task.name);
            let woken = Failure::Escaped(escape::woken_from_outside(name));
            state.broken.get_or_insert(woken);
            state.home.unpark();
        }
        if is_current {
            state.make_ready(self.task);
        }
    }
}

impl State {
    /// How long the lists of the trace are: touches, decisions, notes.
    pub(crate) fn marks(&self) -> (u32, u32, u32) {
        let trace = &self.trace;
        (trace.touches.len() as u32, trace.decisions.len() as u32, trace.notes.len() as u32)
    }

    pub(crate) fn make_ready(&mut self, task: usize) {
        let slot = &mut self.tasks[task];
        if !slot.is_done && !slot.is_ready {
            slot.is_ready = true;
            self.ready.push(task);
        }
    }
}

impl SimExecutor {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            // Untouched: what is left there for others is touched by name.
            state: Mutex::untouched(State {
                due: Vec::new(),
                now: Duration::ZERO,
                seed: 0,
                run: 0,
                tasks: Vec::new(),
                ready: Vec::new(),
                timers: BTreeMap::new(),
                next_timer: 0,
                awaited: Vec::new(),
                clock_task: None,
                struck: 0,
                settling: BTreeMap::new(),
                next_settling: 0,
                current: None,
                broken: None,
                home: thread::current(),
                sameness: Sameness::default(),
                waited: false,
                trace: Trace::default(),
                clock: Object::none(),
                names: Names::default(),
            }),
        }))
    }

    /// Begins a run with nothing there. What was left of the last one is
    /// dropped by now.
    pub(crate) fn begin(&self, seed: u64, limits: Limits) {
        let mut state = self.0.state.lock();
        let state = &mut *state;
        state.now = Duration::ZERO;
        state.seed = seed;
        state.run += 1;
        state.ready.clear();
        state.next_timer = 0;
        state.awaited.clear();
        state.clock_task = None;
        state.struck = 0;
        state.current = None;
        state.home = thread::current();
        state.sameness.begin(limits.touching, limits.telling);
        state.trace.clear();
        state.clock = if is_planted(Planted::Clock) { Object::none() } else { Object::new("clock") };
    }

    /// Drops everything that a program has left. `false` if there was no task.
    pub(crate) fn clear(&self) -> bool {
        let mut state = self.0.state.lock();
        // Wakers of this run wake nobody any more.
        state.run += 1;
        state.ready.clear();
        let left = std::mem::take(&mut state.tasks);
        let wakers = (std::mem::take(&mut state.timers), std::mem::take(&mut state.settling));
        let clock = std::mem::replace(&mut state.clock, Object::none());
        drop(state);
        let any = !left.is_empty();
        // Foreign code, which may come back here.
        drop((left, wakers, clock));
        any
    }

    /// Spawns a task beside the body.
    pub(crate) fn spawn_beside(&self, name: &str, task: BoxTask) {
        access::act();
        let index = self.0.spawn(name, task);
        self.0.state.lock().tasks[index].is_beside = true;
    }

    /// Resolves when nothing else can run.
    pub(crate) fn settled(&self) -> Settled {
        Settled { shared: Arc::clone(&self.0), asked: None }
    }
}

impl Shared {
    pub(crate) fn spawn(self: &Arc<Self>, name: &str, future: BoxTask) -> usize {
        access::goes_on();
        let mut state = self.state.lock();
        let state = &mut *state;
        let index = state.tasks.len();
        let (parent, nth, chance) = match state.current {
            Some(current) => {
                let parent = &mut state.tasks[current];
                parent.spawned += 1;
                (parent.id, parent.spawned, parent.chance)
            }
            // The first task of all.
            None => (TaskId::ROOT, index as u32, state.seed),
        };
        let id = state.names.of(parent, nth);
        let chance = mix(chance ^ u64::from(nth).rotate_left(32));
        self.add(state, name, future, (id, chance));
        state.make_ready(index);
        // A fault of theirs can happen from now on.
        let (now, later) = std::mem::take(&mut state.awaited).into_iter().partition(|(awaited, _)| awaited == name);
        state.awaited = later;
        let now: Vec<(String, usize)> = now;
        now.into_iter().for_each(|(_, task)| state.make_ready(task));
        index
    }

    /// A task of the explorer's own, which does not count among those that the
    /// present one has spawned.
    pub(crate) fn spawn_apart(self: &Arc<Self>, name: &str, nth: usize, future: BoxTask, begins: Begins) -> usize {
        access::goes_on();
        let mut state = self.state.lock();
        let state = &mut *state;
        let index = state.tasks.len();
        let parent = state.current.map_or(TaskId::ROOT, |current| state.tasks[current].id);
        let id = state.names.of(parent, u32::MAX - nth as u32);
        self.add(state, name, future, (id, 0));
        match begins {
            Begins::Now => state.make_ready(index),
            Begins::With(awaited) => state.awaited.push((awaited, index)),
            Begins::Never => {}
        }
        index
    }

    fn add(self: &Arc<Self>, state: &mut State, name: &str, future: BoxTask, (id, chance): (TaskId, u64)) {
        let index = state.tasks.len();
        let waker = Waker::from(Arc::new(TaskWaker { shared: Arc::clone(self), run: state.run, task: index }));
        state.tasks.push(Task {
            id,
            chance,
            future: Some(future),
            waker,
            is_ready: false,
            is_done: false,
            made: 0,
            spawned: 0,
            is_beside: false,
            drawn: 0,
        });
        let born = state.current.map(|_| state.trace.events.len());
        state.trace.tasks.push(TaskInfo { id, name: name.to_owned(), born });
    }
}

impl Executor for SimExecutor {
    /// What the new task does may come before what its maker does next.
    fn spawn(&self, name: &str, task: BoxTask) {
        access::act();
        self.0.spawn(name, task);
    }

    /// Touches the clock: whether it has moved may matter.
    fn now(&self) -> Duration {
        let state = self.0.state.lock();
        state.clock.touch(Access::Read);
        state.now
    }

    fn sleep(&self, duration: Duration) -> BoxTask {
        let at = self.now().saturating_add(duration);
        Box::pin(Sleep { shared: Arc::clone(&self.0), at, key: None, waited: false })
    }

    /// Each task has numbers of its own: they do not depend on the order.
    fn random(&self) -> u64 {
        access::goes_on();
        let mut state = self.0.state.lock();
        let state = &mut *state;
        let Some(current) = state.current else { return mix(state.seed) };
        let task = &mut state.tasks[current];
        task.drawn += 1;
        mix(task.chance.wrapping_add(task.drawn))
    }
}

/// SplitMix64's output function.
pub(crate) fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

struct Sleep {
    shared: Arc<Shared>,
    at: Duration,
    key: Option<u64>,
    /// The step in which it was due from the beginning is over.
    waited: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut guard = shared.state.lock();
        let state = &mut *guard;
        state.clock.touch(Access::Read);
        if state.now >= self.at {
            if self.key.is_some() || std::mem::replace(&mut self.waited, true) {
                return Poll::Ready(());
            }
            // To wait for nothing lets others go on, as on a runtime; and who does that for ever
            // takes steps, and not one without an end.
            drop(guard);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let key = self.key.unwrap_or_else(|| {
            state.next_timer += 1;
            state.next_timer
        });
        self.key = Some(key);
        // Timers are told apart by their keys, and those of one moment fire
        // together: setting one may change places with setting another.
        state.timers.insert((self.at, key), cx.waker().clone());
        state.wind_clock();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let removed = {
                let mut state = self.shared.state.lock();
                // A clock that moves any time may be about to fire it.
                state.clock.touch(Access::Read);
                state.timers.remove(&(self.at, key))
            };
            drop(removed);
        }
    }
}

/// The future of [`SimExecutor::settled`].
pub(crate) struct Settled {
    shared: Arc<Shared>,
    /// Its place among those who wait for quiet, from the first poll on.
    asked: Option<u64>,
}

impl Future for Settled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut guard = this.shared.state.lock();
        let state = &mut *guard;
        let key = *this.asked.get_or_insert_with(|| {
            state.next_settling += 1;
            state.settling.insert(state.next_settling, cx.waker().clone());
            state.next_settling
        });
        // Taken from there when it was quiet.
        let Some(waker) = state.settling.get_mut(&key) else { return Poll::Ready(()) };
        let old = std::mem::replace(waker, cx.waker().clone());
        drop(guard);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        let waker = self.asked.and_then(|key| self.shared.state.lock().settling.remove(&key));
        drop(waker);
    }
}

impl fmt::Debug for SimExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimExecutor").finish_non_exhaustive()
    }
}

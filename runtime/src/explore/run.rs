//! One run of a program under a strategy, from its first step to its end.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::executor::{SimExecutor, State};
use super::monitor::{Found, Monitors, deadlock};
use super::strategy::Search;
use super::trace::{Decision, DecisionKind, End, Event, EventKind, Failure, Point, TaskId};
use super::{escape, sameness};
use crate::actor::BoxTask;
use crate::actor::panic::{contained, take_panics};
use crate::sync::access;
use crate::sync::shim::Mutex;

/// The strategy, where the loop and the program's own choices find it.
pub(crate) type Chooser = Arc<Mutex<Box<dyn Search>>>;

/// One of so many numbers, of which each is tried.
pub(crate) fn choose(executor: &SimExecutor, chooser: &Chooser, options: usize) -> usize {
    if options == 1 {
        return 0;
    }
    access::goes_on();
    choose_in(&mut executor.0.state.lock(), chooser, options)
}

fn choose_in(state: &mut State, chooser: &Chooser, options: usize) -> usize {
    if state.sameness.among_data(options).is_err() {
        let broken = Failure::Nondeterministic(sameness::told(&state.trace));
        state.broken.get_or_insert(broken);
        return 0;
    }
    let chosen = chooser.lock().choose(options);
    let decision = Decision { kind: DecisionKind::Data, options: options as u32, chosen: chosen as u32 };
    state.trace.decisions.push(decision);
    state.sameness.chosen(chosen);
    chosen
}

/// What a run is limited to, and what is kept of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// No more steps than this.
    pub(crate) steps: usize,
    /// Not longer than this.
    pub(crate) until: Option<Instant>,
    /// What events touch is kept.
    pub(crate) touching: bool,
    /// What there is to tell is kept.
    pub(crate) telling: bool,
}

/// How long a wake from another thread is waited for, when nothing can go on.
const FOREIGN_WAKES: Duration = Duration::from_millis(50);

/// So many steps, and the time is looked at: one run may be as long as all that
/// there is time for.
const STEPS_BETWEEN_LOOKS: usize = 64;

/// What the loop does next.
enum Next {
    Poll(Chosen),
    /// The clock has moved, or those who waited for quiet were woken.
    Woken,
    End(End),
}

/// A task that was taken out to be polled.
struct Chosen {
    task: usize,
    id: TaskId,
    made: u32,
    future: BoxTask,
    waker: Waker,
    /// How many decisions there were before the one for it.
    decided: u32,
}

/// Runs everything that was spawned, until the first task is done and nothing
/// can go on. How it ended is in the trace. `begin` is called once in each step, before
/// its task is polled: what it does in the first, the first task does.
pub(crate) fn run(
    executor: &SimExecutor,
    chooser: &Chooser,
    monitors: &Monitors,
    limits: Limits,
    begin: &mut dyn FnMut(),
) {
    let mut ids: Vec<TaskId> = Vec::new();
    let end = loop {
        let mut next = next(&mut executor.0.state.lock(), chooser, limits, &mut ids);
        if let Next::End(End::Done) = next {
            match monitors.at_end(executor) {
                Found::Nothing => break End::Done,
                Found::Failure(failure) => break End::Failed(translated(failure)),
                Found::NotYet => next = move_on(&mut executor.0.state.lock()),
            }
        }
        let failure = match next {
            Next::End(End::Failed(Failure::Deadlock(why))) => {
                wait_for_threads(executor);
                let broken = executor.0.state.lock().broken.take();
                break End::Failed(broken.unwrap_or(Failure::Deadlock(why)));
            }
            Next::End(end) => break end,
            Next::Woken => {
                let due = std::mem::take(&mut executor.0.state.lock().due);
                due.into_iter().for_each(Waker::wake);
                None
            }
            Next::Poll(chosen) => poll(executor, chosen, limits, begin),
        };
        // Before the strategy looks: a property may have seen the step.
        let failure = failure.or_else(|| monitors.after_step(executor, limits.touching).map(translated));
        chooser.lock().stepped(&executor.0.state.lock().trace);
        if let Some(failure) = failure {
            break End::Failed(failure);
        }
    };
    let state = &mut *executor.0.state.lock();
    let same = state.sameness.end(&end);
    state.trace.end = same.map_or_else(|()| End::Failed(not_the_same(state)), |()| end);
}

/// A property may have left the program, too.
fn translated(failure: Failure) -> Failure {
    take_panics(|panic| escape::translated("a property", panic)).map_or(failure, Failure::Escaped)
}

fn not_the_same(state: &State) -> Failure {
    Failure::Nondeterministic(sameness::told(&state.trace))
}

/// What a thread of the program's own can still wake, it may wake now: nobody
/// knows of it but by that.
fn wait_for_threads(executor: &SimExecutor) {
    let waited = std::mem::replace(&mut executor.0.state.lock().waited, true);
    if !waited {
        std::thread::park_timeout(FOREIGN_WAKES);
    }
}

fn next(state: &mut State, chooser: &Chooser, limits: Limits, ids: &mut Vec<TaskId>) -> Next {
    if let Some(broken) = state.broken.take() {
        return Next::End(End::Failed(broken));
    }
    let step = state.trace.events.len();
    if step >= limits.steps {
        return Next::End(End::TooLong);
    }
    if step % STEPS_BETWEEN_LOOKS == STEPS_BETWEEN_LOOKS - 1
        && limits.until.is_some_and(|until| Instant::now() >= until)
    {
        return Next::End(End::OutOfTime);
    }
    if state.may_settle() && choose_in(state, chooser, 2) == 0 {
        state.stop_clock();
    }
    if state.is_idle() {
        return idle(state);
    }
    ids.clear();
    ids.extend(state.ready.iter().map(|task| state.tasks[*task].id));
    if ids.len() > 1 && state.sameness.among(ids).is_err() {
        return Next::End(End::Failed(not_the_same(state)));
    }
    let point = Point { ready: ids };
    let Some(chosen) = chooser.lock().schedule(&point) else { return Next::End(End::Abandoned) };
    let decided = state.trace.decisions.len() as u32;
    if ids.len() > 1 {
        let options = ids.len() as u32;
        state.trace.decisions.push(Decision { kind: DecisionKind::Task, options, chosen: chosen as u32 });
        state.sameness.chosen(chosen);
    }
    let task = state.ready.remove(chosen);
    let id = ids[chosen];
    state.current = Some(task);
    let slot = &mut state.tasks[task];
    slot.is_ready = false;
    let Some(future) = slot.future.take() else { unreachable!("a task that is ready is not done") };
    Next::Poll(Chosen { task, id, made: slot.made, future, waker: slot.waker.clone(), decided })
}

/// Nothing can run.
fn idle(state: &mut State) -> Next {
    if !state.settling.is_empty() {
        state.due = std::mem::take(&mut state.settling).into_values().collect();
        // From here on it may move at any moment, as before.
        state.wind_clock();
        return barrier(state, EventKind::Settled);
    }
    if state.tasks.first().is_none_or(|main| main.is_done) {
        return Next::End(End::Done);
    }
    move_on(state)
}

/// The clock moves to the next moment for which a timer is set.
fn move_on(state: &mut State) -> Next {
    let Some((&(at, _), _)) = state.timers.first_key_value() else {
        return Next::End(End::Failed(deadlock(state)));
    };
    state.now = state.now.max(at);
    let later = state.timers.split_off(&(at, u64::MAX));
    let due = std::mem::replace(&mut state.timers, later);
    state.due = due.into_values().collect();
    barrier(state, EventKind::Time)
}

fn barrier(state: &mut State, kind: EventKind) -> Next {
    let (touched, decisions, notes) = state.marks();
    state.trace.events.push(Event {
        task: TaskId::ROOT,
        kind,
        touched: touched..touched,
        decisions: decisions..decisions,
        notes: notes..notes,
        at: state.now,
    });
    Next::Woken
}

/// Polls a task once. What went wrong, if anything did.
fn poll(executor: &SimExecutor, chosen: Chosen, limits: Limits, begin: &mut dyn FnMut()) -> Option<Failure> {
    let Chosen { task, id, made, mut future, waker, decided } = chosen;
    access::begin_step(id.0, made, limits.touching, limits.telling);
    let polled = contained(|| {
        begin();
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => Some(future),
            Poll::Ready(()) => {
                // What it held goes in this step.
                drop(future);
                None
            }
        }
    });
    let mut state = executor.0.state.lock();
    let state = &mut *state;
    let (touched, _, notes) = state.marks();
    // Woken by itself, it has not gone to sleep.
    let sleeps = matches!(polled, Ok(Some(_))) && !state.tasks[task].is_ready;
    let made = access::end_step(&mut state.trace.touches, &mut state.trace.notes, sleeps);
    let (touched_end, decisions_end, notes_end) = state.marks();
    let slot = &mut state.tasks[task];
    slot.made = made;
    slot.is_done = !matches!(polled, Ok(Some(_)));
    // It may have been woken in its last step, by itself too.
    if slot.is_done && std::mem::take(&mut slot.is_ready) {
        state.ready.retain(|ready| *ready != task);
    }
    state.current = None;
    let kind = if slot.is_done { EventKind::Last } else { EventKind::Step };
    state.trace.events.push(Event {
        task: id,
        kind,
        touched: touched..touched_end,
        decisions: decided..decisions_end,
        notes: notes..notes_end,
        at: state.now,
    });
    state.sameness.stepped(&state.trace);
    let panicked = match polled {
        Ok(future) => {
            slot.future = future;
            None
        }
        Err(panic) => Some(Failure::Panicked {
            task: state.trace.tasks[task].name.clone(),
            message: panic.message().to_owned(),
            location: panic.location().map(str::to_owned),
        }),
    };
    // Those of actors too, which supervision has taken care of.
    let escaped = take_panics(|panic| escape::translated(&state.trace.tasks[task].name, panic));
    escaped.map(Failure::Escaped).or(panicked)
}

//! What has to hold while a program runs, and when it is done.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::executor::{SimExecutor, State};
use super::properties::{Properties, Sightings};
use super::trace::{Failure, TaskId};
use crate::actor::Activity;
use crate::actor::open::{forget_waiters, waiters};
use crate::mailbox::account::take_lost;
use crate::sync::shim::Mutex;
use crate::system::System;

/// What is wrong with a program at the end of a run, whatever it is for. Each
/// run is searched for all of them, unless one is
/// [allowed](super::Explorer::allow).
///
/// The end of a run is when the body is done and nothing can go on. Actors that
/// wait for a message then are as they should be. While somebody waits and others
/// have set timers, they are given a while to help. Whoever has set timers itself
/// waits for those that are set by then, and is as it should be if it has set
/// another: it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// An actor is in a handler or hook that will never return, or a task of
    /// [`Sim::spawn`](super::Sim::spawn) is not done, though it waits for no actor:
    /// [`Failure::Deadlock`].
    Stuck,
    /// A task, or one that an actor has spawned, waits for an answer or for room
    /// that will never come: [`Failure::Violated`], by the name
    /// `every ask resolves`.
    Unanswered,
    /// A message was accepted, and then neither handled, nor counted among the
    /// dead letters, nor left in its mailbox: [`Failure::Violated`], by the name
    /// `every message is accounted for`. A program cannot do that; if this is
    /// found, the fault is with the runtime.
    Unaccounted,
    /// Something of the system lives on when all its actors, tasks and
    /// references should be gone: [`Failure::Leaked`].
    Leak,
}

/// The properties of one run.
pub(crate) struct Monitors {
    system: System,
    allowed: BTreeSet<Flaw>,
    sightings: Arc<Sightings>,
    properties: Mutex<Properties>,
    /// How often the clock was moved on at the end.
    waited: Mutex<u32>,
}

/// What is found at the end of a run.
pub(crate) enum Found {
    Nothing,
    /// Somebody waits whom a timer may help.
    NotYet,
    Failure(Failure),
}

/// How often the clock is moved on for those who are not done at the end. Where that
/// is not enough, more could be run.
const PATIENCE: u32 = 64;

impl Monitors {
    pub(crate) fn new(system: System, allowed: BTreeSet<Flaw>, sightings: Arc<Sightings>) -> Self {
        forget_waiters();
        take_lost();
        // Untouched: only the explorer looks.
        let (properties, waited) = (Mutex::untouched(Properties::default()), Mutex::untouched(0));
        Self { system, allowed, sightings, properties, waited }
    }

    pub(crate) fn always(&self, name: &str, holds: impl FnMut() -> Result<(), String> + Send + 'static) {
        self.properties.lock().always(name, Box::new(holds));
    }

    pub(crate) fn eventually(&self, name: &str, within: usize, holds: impl FnMut() -> bool + Send + 'static) {
        self.properties.lock().eventually(name, within, Box::new(holds));
    }

    pub(crate) fn sometimes(&self, name: &str, seen: bool) {
        self.sightings.note(name, seen);
    }

    /// Looks at everything that has to hold after each step.
    pub(crate) fn after_step(&self, executor: &SimExecutor, touching: bool) -> Option<Failure> {
        self.with_properties(|properties| properties.after_step(executor, touching))
    }

    /// The same on a real runtime, where nothing moves at the moment.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn at_rest(&self) -> Option<Failure> {
        self.with_properties(Properties::look)
    }

    /// Whether something has not come true, on a real runtime, and why that is wrong at its end.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn missing(&self) -> Option<Failure> {
        self.with_properties(|properties| if properties.is_missing() { properties.missing() } else { None })
    }

    /// Without the lock: a property may say another.
    fn with_properties(&self, look: impl FnOnce(&mut Properties) -> Option<Failure>) -> Option<Failure> {
        let mut properties = {
            let mut place = self.properties.lock();
            if place.is_empty() {
                return None;
            }
            std::mem::take(&mut *place)
        };
        let found = look(&mut properties);
        let mut place = self.properties.lock();
        let new = std::mem::replace(&mut *place, properties);
        place.append(new);
        found
    }

    /// The body is done and nothing can run: what has to hold now.
    pub(crate) fn at_end(&self, executor: &SimExecutor) -> Found {
        let actors: Vec<(String, Activity)> = self
            .system
            .world()
            .actors()
            .iter()
            .map(|actor| (actor, actor.life().activity()))
            .filter(|(_, activity)| !matches!(activity, Activity::Parked | Activity::Ended))
            .map(|(actor, activity)| (actor.life().path.to_string(), activity))
            .collect();
        let state = &mut *executor.0.state.lock();
        // No timer brings back what is lost.
        if let Some(failure) = self.unaccounted() {
            return Found::Failure(failure);
        }
        let mut has_timer = false;
        let failure = self
            .stuck(&actors, state, &mut has_timer)
            .or_else(|| self.unanswered(state, &mut has_timer))
            .or_else(|| self.properties.lock().missing());
        let waited = &mut *self.waited.lock();
        let goes_on = failure.is_some() || has_timer;
        if goes_on && !state.timers.is_empty() && *waited < PATIENCE {
            *waited += 1;
            return Found::NotYet;
        }
        state.trace.is_cut |= goes_on && failure.is_none();
        failure.map_or(Found::Nothing, Found::Failure)
    }

    /// Those who have set timers are not, and `has_timer` says that there are some.
    fn stuck(&self, actors: &[(String, Activity)], state: &State, has_timer: &mut bool) -> Option<Failure> {
        if self.allowed.contains(&Flaw::Stuck) {
            return None;
        }
        let waiters = waiters();
        let mut stuck: Vec<String> = actors
            .iter()
            .filter_map(|(path, activity)| {
                let task = task_of(state, path)?;
                if waits_for_timer(state, task) {
                    *has_timer = true;
                    return None;
                }
                let id = state.trace.tasks[task].id;
                let waits = waiters.iter().find(|waiter| waiter.task == id.0);
                Some(waits.map_or_else(|| format!("{path} is {activity}"), |waits| format!("{path} {waits}")))
            })
            .collect();
        for (index, task) in state.tasks.iter().enumerate().filter(|(_, task)| task.is_beside && !task.is_done) {
            if waits_for_timer(state, index) {
                *has_timer = true;
            } else if !waiters.iter().any(|waiter| waiter.task == task.id.0) {
                // Who waits for an actor is told of apart.
                stuck.push(unseen(&state.trace.tasks[index].name));
            }
        }
        let message = || format!("the body is done, and these never will be: {}", stuck.join("; "));
        (!stuck.is_empty()).then(|| Failure::Deadlock(message()))
    }

    fn unanswered(&self, state: &State, has_timer: &mut bool) -> Option<Failure> {
        if self.allowed.contains(&Flaw::Unanswered) {
            return None;
        }
        let open: Vec<String> = waiters()
            .iter()
            .filter_map(|waiter| {
                let task = state.trace.tasks.iter().position(|task| task.id == TaskId(waiter.task))?;
                if waits_for_timer(state, task) {
                    *has_timer = true;
                    return None;
                }
                Some(format!("{} {waiter}", state.trace.tasks[task].name))
            })
            .collect();
        let property = String::from("every ask resolves");
        (!open.is_empty()).then(|| Failure::Violated { property, message: open.join("; ") })
    }

    fn unaccounted(&self) -> Option<Failure> {
        let lost = take_lost();
        if lost == 0 || self.allowed.contains(&Flaw::Unaccounted) {
            return None;
        }
        let property = String::from("every message is accounted for");
        Some(Failure::Violated { property, message: format!("{lost} of those accepted vanished") })
    }

    /// Lets go of what the program has put here, which may be what put it here.
    pub(crate) fn clear(&self) {
        let properties = std::mem::take(&mut *self.properties.lock());
        drop(properties);
    }
}

/// Nothing can go on before the body is done: who is to blame.
pub(crate) fn deadlock(state: &State) -> Failure {
    let waiters = waiters();
    let waits: Vec<String> = (state.trace.tasks.iter().zip(&state.tasks))
        .filter(|(_, task)| !task.is_done)
        .filter_map(|(info, task)| match waiters.iter().find(|waiter| waiter.task == info.id.0) {
            Some(waiter) => Some(format!("{} {waiter}", info.name)),
            None => task.is_beside.then(|| unseen(&info.name)),
        })
        .collect();
    let body = state.trace.tasks.first().map_or("body", |body| body.name.as_str());
    let mut message = format!("nothing can go on, and the {body} is not done");
    if !waits.is_empty() {
        message = format!("{message}: {}", waits.join("; "));
    }
    Failure::Deadlock(message)
}

/// Of one that waits for something that is no actor.
fn unseen(name: &str) -> String {
    format!("{name} is not done, and waits for no actor: for a task, or a lock or channel that is not the runtime's")
}

/// The task of an actor. Of those before it that had its name, it is told by their end,
/// and of its own, which have that name too, by its age.
fn task_of(state: &State, path: &str) -> Option<usize> {
    let mut tasks = state.trace.tasks.iter().zip(&state.tasks);
    tasks.position(|(info, task)| info.name == path && !task.is_done)
}

/// Whether a task has set a timer that is not due yet.
fn waits_for_timer(state: &State, task: usize) -> bool {
    state.timers.values().any(|waker| waker.will_wake(&state.tasks[task].waker))
}

impl fmt::Debug for Monitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitors").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Flaw;
    use crate::actor::{Actor, Context, Fault};
    use crate::explore::{Explorer, Failure, Sim, Strategy};
    use crate::mailbox::Push;
    use crate::mailbox::item::Item;

    struct Sink;

    impl Actor for Sink {
        type Msg = u64;
        async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }

    #[test]
    fn a_message_that_vanishes_is_missed() {
        let explorer = Explorer::new(Strategy::Exhaustive);
        let vanish = |sim: Sim| async move {
            drop(Item::new(1));
            // Whoever still sleeps does not bring it back.
            drop(sim.spawn("sleeper", {
                let sim = sim.clone();
                async move { sim.sleep(Duration::from_secs(1)).await }
            }));
        };
        let report = explorer.run(vanish);
        let Some(Failure::Violated { property, .. }) = report.finding.map(|finding| finding.failure) else {
            panic!("it is gone")
        };
        assert_eq!(property, "every message is accounted for");
        explorer.allow(Flaw::Unaccounted).run(vanish).assert_clean();
    }

    #[test]
    fn messages_that_are_handled_refused_dropped_given_up_or_left_are_accounted_for() {
        let explorer = Explorer::new(Strategy::Exhaustive);
        let report = explorer.run(|sim| async move {
            let sink = sim.system().spawn(Sink, Push::bounded(1));
            drop(sink.tell(0));
            let client = sink.clone();
            let client = sim.spawn("client", async move { drop(client.tell(1).await) });
            drop((sink.try_tell(2), sink.try_tell(3)));
            sink.kill();
            client.await;
            drop(sink.try_tell(4));
        });
        report.assert_clean();
        assert!(report.schedules > 1, "{report}");
    }
}

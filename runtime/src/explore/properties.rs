//! Properties that are looked at after every step.
//!
//! A reduction has to know on which steps a property depends, or it would take
//! orders for the same that the property tells apart. So what a property reads
//! is recorded. A step that writes any of it is *visible*: to the reduction it
//! reads, too, what the property read before and after it, and all visible steps
//! conflict.
//! A property that reads nothing that is recorded makes every step visible.
//!
//! What has to come true within so many steps depends on how many come before it, of
//! whatever kind. So the step with which the count begins changes places with no
//! other, nor does the one with which it comes true; and while it has not, a step that
//! finds nothing is one, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::executor::SimExecutor;
use super::trace::Failure;
use crate::actor::panic::contained;
use crate::sync::access::{self, Access, ObjectId, Touch};
use crate::sync::shim::Mutex;

/// What all visible steps write.
const VISIBLE: ObjectId = ObjectId(u64::MAX);

/// The task that properties run in, as far as objects are concerned.
const OBSERVER: u32 = u32::MAX;

/// Those of one run.
#[derive(Default)]
pub(crate) struct Properties {
    watched: Vec<Watched>,
    /// Objects that were made in properties.
    made: u32,
}

struct Watched {
    name: String,
    what: What,
    /// What it read the last time that it was looked at; `None` before the first.
    reads: Option<BTreeSet<ObjectId>>,
}

enum What {
    Always(Box<dyn FnMut() -> Result<(), String> + Send>),
    /// `left` is `None` if only the end is the bound.
    Eventually {
        holds: Box<dyn FnMut() -> bool + Send>,
        within: usize,
        left: Option<usize>,
    },
}

/// How a property was found.
enum Looked {
    Holds,
    /// It need not be looked at again.
    Done,
    Violated(String),
}

impl Watched {
    fn look(&mut self) -> Looked {
        let looked = contained(|| match &mut self.what {
            What::Always(holds) => holds().map_or_else(Looked::Violated, |()| Looked::Holds),
            What::Eventually { holds, within, left } => match (holds(), left) {
                (true, _) => Looked::Done,
                (false, None) => Looked::Holds,
                (false, Some(0)) => Looked::Violated(format!("it was not within {within} steps")),
                (false, Some(left)) => {
                    *left -= 1;
                    Looked::Holds
                }
            },
        });
        looked.unwrap_or_else(|panic| Looked::Violated(panic.to_string()))
    }

    fn counts_steps(&self) -> bool {
        matches!(self.what, What::Eventually { left: Some(_), .. })
    }

    /// Whether a step that touches so may have changed what it says.
    fn is_shown(&self, touches: &[Touch]) -> bool {
        let Some(reads) = &self.reads else { return true };
        reads.is_empty() || touches.iter().any(|touch| touch.access != Access::Read && reads.contains(&touch.object))
    }
}

impl Properties {
    pub(crate) fn always(&mut self, name: &str, holds: Box<dyn FnMut() -> Result<(), String> + Send>) {
        self.watched.push(Watched { name: name.to_owned(), what: What::Always(holds), reads: None });
    }

    pub(crate) fn eventually(&mut self, name: &str, within: usize, holds: Box<dyn FnMut() -> bool + Send>) {
        let left = (within != usize::MAX).then_some(within);
        let what = What::Eventually { holds, within, left };
        self.watched.push(Watched { name: name.to_owned(), what, reads: None });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// Those of `other` come behind these.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.watched.append(&mut other.watched);
    }

    /// Looks at all of them, without a record.
    pub(crate) fn look(&mut self) -> Option<Failure> {
        let mut found = None;
        self.watched.retain_mut(|watched| match watched.look() {
            Looked::Holds => true,
            Looked::Done => false,
            Looked::Violated(message) => {
                found.get_or_insert_with(|| Failure::Violated { property: watched.name.clone(), message });
                true
            }
        });
        found
    }

    /// Looks at all of them after a step of a run, and says in its trace which
    /// of them saw it.
    pub(crate) fn after_step(&mut self, executor: &SimExecutor, touching: bool) -> Option<Failure> {
        if !touching {
            self.begin(false);
            let found = self.look();
            self.end(&mut Vec::new());
            return found;
        }
        let mut touched = {
            let trace = &executor.0.state.lock().trace;
            trace.touched(trace.events.len() - 1).to_vec()
        };
        let (before, mut found) = (touched.len(), None);
        let mut watched = std::mem::take(&mut self.watched);
        watched.retain_mut(|watched| {
            let shown = watched.is_shown(&touched[..before]);
            self.begin(true);
            let (is_first, looked) = (watched.reads.is_none(), watched.look());
            let mut seen = Vec::new();
            self.end(&mut seen);
            if watched.counts_steps() && is_first != matches!(looked, Looked::Done) {
                // The count begins here, or ends.
                touched.push(Touch { object: ObjectId::PLACE, access: Access::Write });
            }
            let reads: BTreeSet<ObjectId> =
                seen.iter().map(|touch| touch.object).filter(|object| object.0 >> 24 != u64::from(OBSERVER)).collect();
            // Whatever made it look elsewhere: from here on it depends on that.
            if shown || watched.reads.as_ref() != Some(&reads) {
                touched.push(Touch { object: VISIBLE, access: Access::Write });
                // And what it read before: a step that ends that does not change places with one that
                // would have been seen.
                let read = reads.iter().chain(watched.reads.iter().flatten());
                touched.extend(read.map(|&object| Touch { object, access: Access::Read }));
            }
            watched.reads = Some(reads);
            match looked {
                Looked::Holds => true,
                Looked::Done => false,
                Looked::Violated(message) => {
                    found.get_or_insert_with(|| Failure::Violated { property: watched.name.clone(), message });
                    true
                }
            }
        });
        self.watched = watched;
        access::count_steps(self.watched.iter().any(Watched::counts_steps));
        let trace = &mut executor.0.state.lock().trace;
        trace.touches.extend_from_slice(&touched[before..]);
        if let Some(event) = trace.events.last_mut() {
            event.touched.end = trace.touches.len() as u32;
        }
        found
    }

    fn begin(&self, touching: bool) {
        access::begin_step(OBSERVER, self.made, touching, false);
    }

    fn end(&mut self, seen: &mut Vec<Touch>) {
        self.made = access::end_step(seen, &mut Vec::new(), false);
    }

    /// Whether there is one that has not come true, even now.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn is_missing(&mut self) -> bool {
        self.watched.retain_mut(|watched| match &mut watched.what {
            What::Always(_) => true,
            What::Eventually { holds, .. } => !contained(&mut *holds).unwrap_or(false),
        });
        self.missing().is_some()
    }

    /// What has not come true by the end.
    pub(crate) fn missing(&self) -> Option<Failure> {
        let missing = self.watched.iter().find(|watched| matches!(watched.what, What::Eventually { .. }))?;
        let message = String::from("it was not by the end");
        Some(Failure::Violated { property: missing.name.clone(), message })
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.watched.iter().map(|watched| &watched.name)).finish()
    }
}

/// What was to be so in some run, and whether it was.
#[derive(Debug)]
pub(crate) struct Sightings {
    named: Mutex<BTreeMap<String, bool>>,
    /// The faults that there was something for, by their numbers.
    faults: Mutex<BTreeSet<usize>>,
}

impl Default for Sightings {
    fn default() -> Self {
        // Untouched: it is of all runs, and none of them reads it.
        Self { named: Mutex::untouched(BTreeMap::new()), faults: Mutex::untouched(BTreeSet::new()) }
    }
}

impl Sightings {
    /// There was something that the fault could happen to.
    pub(crate) fn note_fault(&self, nth: usize) {
        self.faults.lock().insert(nth);
    }

    pub(crate) fn has_fault(&self, nth: usize) -> bool {
        self.faults.lock().contains(&nth)
    }

    pub(crate) fn note(&self, name: &str, seen: bool) {
        let mut sightings = self.named.lock();
        match sightings.get_mut(name) {
            Some(before) => *before |= seen,
            None => drop(sightings.insert(name.to_owned(), seen)),
        }
    }

    /// The first that was so in none of `schedules` runs.
    pub(crate) fn missing(&self, schedules: u64) -> Option<Failure> {
        let sightings = self.named.lock();
        let property = sightings.iter().find(|(_, seen)| !**seen)?.0.clone();
        let message = format!("it was so in none of {schedules} schedules, so nothing was checked that needs it");
        Some(Failure::Violated { property, message })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::super::executor::SimExecutor;
    use super::super::explorer::{Explorer, Strategy};
    use super::super::run::{Chooser, Limits};
    use super::super::strategy::Exhaustive;
    use super::super::trace::{TaskId, Trace};
    use super::*;
    use crate::actor::{Actor, Context, Fault};
    use crate::explore::Sim;
    use crate::mailbox::Push;

    struct Sink;

    impl Actor for Sink {
        type Msg = u64;
        async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }

    /// The steps of a run, each by its task and its number there.
    type Steps = Vec<(TaskId, usize)>;

    fn steps(trace: &Trace) -> Steps {
        let mut seen: BTreeMap<TaskId, usize> = BTreeMap::new();
        let nth = |task| {
            let nth = seen.entry(task).or_default();
            *nth += 1;
            (task, *nth)
        };
        trace.events.iter().map(|event| event.task).map(nth).collect()
    }

    /// The same steps, two neighbours that do not conflict the other way round.
    fn swapped(trace: &Trace) -> Vec<Steps> {
        let free = |at: &usize| {
            let (one, other) = (trace.touched(at - 1), trace.touched(*at));
            let conflict = one.iter().any(|one| other.iter().any(|other| one.conflicts(*other)));
            !conflict && !trace.events[at - 1].kind.is_barrier() && !trace.events[*at].kind.is_barrier()
        };
        let swap = |at| {
            let mut steps = steps(trace);
            steps.swap(at - 1, at);
            steps
        };
        (1..trace.events.len()).filter(free).map(swap).collect()
    }

    type Log = Arc<Mutex<Vec<String>>>;

    /// What a property sees, one after the other, in each order, and which others
    /// a reduction takes for the same.
    fn seen(body: fn(&Sim, Log)) -> BTreeMap<Steps, (Vec<String>, Vec<Steps>)> {
        let executor = SimExecutor::new();
        let chooser: Chooser = Arc::new(Mutex::untouched(Box::new(Exhaustive::new())));
        let limits = Limits { steps: 1_000, until: None, touching: true, telling: false };
        let mut runs = BTreeMap::new();
        loop {
            if !chooser.lock().begin() {
                break runs;
            }
            let log: Log = Arc::new(Mutex::untouched(Vec::new()));
            let place = Arc::clone(&log);
            let program = move |sim: Sim| {
                let place = Arc::clone(&place);
                async move { body(&sim, place) }
            };
            Explorer::new(Strategy::Exhaustive).once(&executor, &chooser, &program, limits);
            let trace = &executor.0.state.lock().trace;
            assert_eq!(trace.failure(), None);
            chooser.lock().end(trace);
            let log = std::mem::take(&mut *log.lock());
            runs.insert(steps(trace), (log, swapped(trace)));
        }
    }

    /// How many neighbours could change places. The property must not have
    /// noticed.
    fn unnoticed(body: fn(&Sim, Log)) -> usize {
        let runs = seen(body);
        let mut swaps = 0;
        for (steps, (log, same)) in &runs {
            // Not a run if one of the two has woken the other.
            for (other, (theirs, _)) in same.iter().filter_map(|other| Some((other, runs.get(other)?))) {
                assert_eq!(log, theirs, "{steps:?} and {other:?}");
                swaps += 1;
            }
        }
        swaps
    }

    /// Writes down what it sees, whenever that is something else.
    fn watch(sim: &Sim, log: Log, look: impl Fn() -> String + Send + 'static) {
        sim.always("it is seen", move || {
            let (saw, mut log) = (look(), log.lock());
            if log.last() != Some(&saw) {
                log.push(saw);
            }
            Ok(())
        });
    }

    fn tell_two(sim: &Sim) -> [crate::ActorRef<u64>; 2] {
        let sinks = ["a", "b"].map(|name| sim.system().build(|| Sink).named(name).mailbox(Push::bounded(2)).spawn());
        for (sink, name) in sinks.iter().zip(["to a", "to b"]) {
            let sink = sink.clone();
            drop(sim.spawn(name, async move { drop(sink.tell(1).await) }));
        }
        sinks
    }

    fn both(sim: &Sim, log: Log) {
        let [a, b] = tell_two(sim);
        watch(sim, log, move || format!("{} {}", a.stats().handled, b.stats().handled));
    }

    /// Reads the second only when the first is so far.
    fn one_then_the_other(sim: &Sim, log: Log) {
        let [a, b] = tell_two(sim);
        watch(sim, log, move || match a.stats().handled {
            0 => String::from("-"),
            _ => b.stats().handled.to_string(),
        });
    }

    fn one(sim: &Sim, log: Log) {
        let [a, _] = tell_two(sim);
        watch(sim, log, move || a.stats().handled.to_string());
    }

    fn nothing(sim: &Sim, log: Log) {
        tell_two(sim);
        watch(sim, log, String::new);
    }

    #[test]
    fn orders_that_a_reduction_takes_for_the_same_are_the_same_to_a_property() {
        unnoticed(both);
        unnoticed(one_then_the_other);
        // One that reads of one of the two leaves the steps of the other alone.
        assert!(unnoticed(one) > 0);
        // Both orders of the two are seen.
        let runs = seen(both);
        let all: BTreeSet<&str> = runs.values().flat_map(|(log, _)| log).map(String::as_str).collect();
        assert_eq!(all, ["0 0", "0 1", "1 0", "1 1"].into());
    }

    #[test]
    fn a_property_that_reads_nothing_recorded_tells_all_orders_apart() {
        assert_eq!(unnoticed(nothing), 0);
    }
}

//! Properties that are looked at after every step.
//!
//! A reduction has to know on which steps a property depends, or it would take
//! orders for the same that the property tells apart. So what a property reads
//! is recorded. A step that writes any of it is *visible*: to the reduction it
//! reads, too, what the property read after it, and all visible steps conflict.
//! A property that reads nothing that is recorded makes every step visible.

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
    Eventually { holds: Box<dyn FnMut() -> bool + Send>, within: usize, left: usize },
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
            What::Eventually { holds, within, left } => match (holds(), left.checked_sub(1)) {
                (true, _) => Looked::Done,
                (false, None) => Looked::Violated(format!("it was not within {within} steps")),
                (false, Some(less)) => {
                    *left = less;
                    Looked::Holds
                }
            },
        });
        looked.unwrap_or_else(|panic| Looked::Violated(panic.to_string()))
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
        let what = What::Eventually { holds, within, left: within };
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
            let looked = watched.look();
            let mut seen = Vec::new();
            self.end(&mut seen);
            let reads: BTreeSet<ObjectId> =
                seen.iter().map(|touch| touch.object).filter(|object| object.0 >> 24 != u64::from(OBSERVER)).collect();
            if shown {
                touched.push(Touch { object: VISIBLE, access: Access::Write });
                touched.extend(reads.iter().map(|&object| Touch { object, access: Access::Read }));
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

/// What was to be so in some run: by name, and whether it was.
#[derive(Debug)]
pub(crate) struct Sightings(Mutex<BTreeMap<String, bool>>);

impl Default for Sightings {
    fn default() -> Self {
        // Untouched: it is of all runs, and none of them reads it.
        Self(Mutex::untouched(BTreeMap::new()))
    }
}

impl Sightings {
    pub(crate) fn note(&self, name: &str, seen: bool) {
        let mut sightings = self.0.lock();
        match sightings.get_mut(name) {
            Some(before) => *before |= seen,
            None => drop(sightings.insert(name.to_owned(), seen)),
        }
    }

    /// The first that was so in none of `schedules` runs.
    pub(crate) fn missing(&self, schedules: u64) -> Option<Failure> {
        let sightings = self.0.lock();
        let property = sightings.iter().find(|(_, seen)| !**seen)?.0.clone();
        let message = format!("it was so in none of {schedules} schedules, so nothing was checked that needs it");
        Some(Failure::Violated { property, message })
    }
}

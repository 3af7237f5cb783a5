//! Which steps of a run are in order, and which race.

use std::collections::HashMap;

use super::super::trace::{TaskId, Trace};
use crate::sync::access::{Access, ObjectId, Touch};

/// What a step touches: each object once, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Footprint {
    touched: Vec<(u32, Access)>,
    /// It conflicts with every other: [`ObjectId::PLACE`].
    has_place: bool,
}

impl Footprint {
    /// Whether the order of two steps that touch so matters.
    pub(super) fn conflicts(&self, other: &Self) -> bool {
        if self.has_place || other.has_place {
            return true;
        }
        let (mut mine, mut theirs) = (self.touched.iter().peekable(), other.touched.iter().peekable());
        while let (Some((object, access)), Some((other, their))) = (mine.peek(), theirs.peek()) {
            match object.cmp(other) {
                std::cmp::Ordering::Less => drop(mine.next()),
                std::cmp::Ordering::Greater => drop(theirs.next()),
                std::cmp::Ordering::Equal if clash(*access, *their) => return true,
                std::cmp::Ordering::Equal => drop((mine.next(), theirs.next())),
            }
        }
        false
    }

    /// Touches also what `other` does.
    pub(super) fn add(&mut self, other: &Self) {
        self.has_place |= other.has_place;
        if self.touched.is_empty() {
            self.touched.clone_from(&other.touched);
        } else if self.touched != other.touched {
            self.touched.extend_from_slice(&other.touched);
            self.tidy();
        }
    }

    /// Each object once: touched in two ways, it is written.
    fn tidy(&mut self) {
        self.touched.sort_unstable();
        self.touched.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same && later.1 != earlier.1 {
                earlier.1 = Access::Write;
            }
            same
        });
    }
}

fn clash(one: Access, other: Access) -> bool {
    one != other || one == Access::Write
}

/// A task, and its events with how they touch.
type ByTask = (u32, Vec<(u32, Access)>);

/// The happens-before relation of a run, event by event.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Objects by number, the same in all runs.
    numbers: HashMap<ObjectId, u32>,
    /// For each object who has touched it since the last barrier, and in which
    /// events, task by task.
    touched_by: Vec<Vec<ByTask>>,
    /// Those of them that are not empty.
    dirty: Vec<u32>,
    /// The first event since the last barrier.
    since: usize,
    /// Those since then that conflict with every other.
    placed: Vec<u32>,
    /// For each event its task, which of that task's events it is, and its clock.
    events: Vec<(u32, u32)>,
    clocks: Vec<Vec<u32>>,
    /// For each task how many events it has had, and the last of them.
    tasks: Vec<(u32, Option<usize>)>,
    /// Tasks by their place among those of this run.
    places: HashMap<TaskId, u32>,
    last: Footprint,
}

impl Order {
    pub(super) fn clear(&mut self) {
        self.forget_touches();
        self.events.clear();
        self.clocks.clear();
        self.tasks.clear();
        self.places.clear();
        self.since = 0;
        self.last = Footprint::default();
    }

    fn forget_touches(&mut self) {
        for object in self.dirty.drain(..) {
            self.touched_by[object as usize].clear();
        }
        self.placed.clear();
    }

    pub(super) fn footprint(&mut self, touches: &[Touch]) -> Footprint {
        let mut footprint = Footprint { touched: Vec::with_capacity(touches.len()), has_place: false };
        for touch in touches {
            if touch.object == ObjectId::PLACE {
                footprint.has_place = true;
                continue;
            }
            let next = self.numbers.len() as u32;
            let number = *self.numbers.entry(touch.object).or_insert(next);
            footprint.touched.push((number, touch.access));
        }
        self.touched_by.resize_with(self.numbers.len(), Vec::new);
        footprint.tidy();
        footprint
    }

    pub(super) fn last_footprint(&self) -> &Footprint {
        &self.last
    }

    /// Everything that follows comes after everything before.
    pub(super) fn barrier(&mut self) {
        self.forget_touches();
        self.clocks.truncate(self.events.len());
        self.events.push((u32::MAX, 0));
        self.clocks.push(Vec::new());
        self.since = self.events.len();
        self.last = Footprint::default();
    }

    /// Takes in the last event of `trace`. Returns those that it races with,
    /// latest first. `could_run` says whether its task could have run instead
    /// of an earlier event.
    pub(super) fn step(&mut self, trace: &Trace, touched: Footprint, could_run: impl Fn(usize) -> bool) -> Vec<usize> {
        let event = self.events.len();
        let place = self.place(trace, trace.events[event].task);
        let mut clock = self.clock_before(trace, place);
        let mut found: Vec<u32> = Vec::new();
        for (object, access) in &touched.touched {
            let list = &mut self.touched_by[*object as usize];
            if list.is_empty() {
                self.dirty.push(*object);
            }
            for (task, theirs) in &*list {
                // What is in order with this event anyway need not be looked at: a task may have done it a
                // thousand times.
                let seen = clock.get(*task as usize).copied().unwrap_or(0);
                let unordered = theirs.iter().rev().take_while(|(event, _)| self.events[*event as usize].1 > seen);
                found.extend(unordered.filter(|(_, other)| clash(*access, *other)).map(|(event, _)| *event));
            }
            match list.iter_mut().find(|(task, _)| *task == place) {
                Some((_, mine)) => mine.push((event as u32, *access)),
                None => list.push((place, vec![(event as u32, *access)])),
            }
        }
        let unordered = |event: &u32| {
            let (task, nth) = self.events[*event as usize];
            clock.get(task as usize).is_none_or(|seen| *seen < nth)
        };
        if touched.has_place {
            found.extend((self.since as u32..event as u32).filter(unordered));
            self.placed.push(event as u32);
        } else {
            found.extend(self.placed.iter().copied().filter(unordered));
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.dedup();
        let mut races = Vec::new();
        // What is in order with this event anyway, and what is from now on.
        let mut ordered = clock.clone();
        for earlier in found {
            let (task, nth) = self.events[earlier as usize];
            let theirs = &self.clocks[earlier as usize];
            if task != place && ordered.get(task as usize).is_none_or(|seen| *seen < nth) {
                races.push(earlier as usize);
                if could_run(earlier as usize) {
                    // What comes before it is in order by it.
                    join(&mut ordered, theirs);
                }
            }
            join(&mut clock, theirs);
        }
        let (had, last) = &mut self.tasks[place as usize];
        *had += 1;
        *last = Some(event);
        let nth = *had;
        set(&mut clock, place as usize, nth);
        self.events.push((place, nth));
        self.clocks.truncate(event);
        self.clocks.push(clock);
        self.last = touched;
        races
    }

    /// Of what follows `earlier` up to `later` and is not after it in any order,
    /// that which nothing else of it has to come before.
    pub(super) fn firsts(&self, earlier: usize, later: usize, firsts: &mut Vec<usize>) {
        firsts.clear();
        let (task, nth) = self.events[earlier];
        let is_after = |event: usize, (task, nth): (u32, u32)| {
            self.clocks[event].get(task as usize).is_some_and(|seen| *seen >= nth)
        };
        // The first event of each task: what comes after any of a task comes after that.
        let mut begun: Vec<(u32, u32)> = Vec::new();
        for event in earlier + 1..=later {
            if event < later && is_after(event, (task, nth)) {
                continue;
            }
            if !begun.iter().any(|first| is_after(event, *first)) {
                firsts.push(event);
            }
            let (task, nth) = self.events[event];
            if begun.iter().all(|(other, _)| *other != task) {
                begun.push((task, nth));
            }
        }
    }

    fn place(&mut self, trace: &Trace, task: TaskId) -> u32 {
        if let Some(place) = self.places.get(&task) {
            return *place;
        }
        for (n, info) in trace.tasks.iter().enumerate().skip(self.tasks.len()) {
            self.places.insert(info.id, n as u32);
            self.tasks.push((0, None));
        }
        self.places[&task]
    }

    /// What comes before the next event of a task, whatever that touches.
    fn clock_before(&self, trace: &Trace, place: u32) -> Vec<u32> {
        let (_, last) = self.tasks[place as usize];
        match last.or(trace.tasks[place as usize].born) {
            Some(before) => self.clocks[before].clone(),
            None => Vec::new(),
        }
    }
}

fn join(clock: &mut Vec<u32>, other: &[u32]) {
    if clock.len() < other.len() {
        clock.resize(other.len(), 0);
    }
    for (mine, theirs) in clock.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}

fn set(clock: &mut Vec<u32>, place: usize, to: u32) {
    if clock.len() <= place {
        clock.resize(place + 1, 0);
    }
    clock[place] = to;
}

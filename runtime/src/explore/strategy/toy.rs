//! A world of small abstract programs, for strategies to be tried in: tasks that
//! read and write cells, signal and wait, sleep, spawn, choose. It tells a
//! strategy what the real one does: touches, wakes, births, barriers.

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

pub(super) use self::program::{Op, Program};
use super::super::trace::{End, Event, EventKind, Point, TaskId, TaskInfo, Trace};
use super::Search;
use crate::sync::access::{Access, ObjectId, Touch};

const CELLS: usize = 2;
const FLAGS: usize = 2;
const CLOCK: usize = CELLS + FLAGS;
const VISIBLE: usize = CLOCK + 1;
const BOXES: usize = VISIBLE + 1;

impl Program {
    /// All that can come of it, with the number of runs; `None`: more than `most`.
    pub(super) fn outcomes(&self, search: &mut dyn Search, most: u64) -> Option<(BTreeSet<String>, u64)> {
        let (mut found, mut runs) = (BTreeSet::new(), 0);
        let all = self.each_run(search, most, |_, outcome| {
            runs += 1;
            found.extend(outcome);
        });
        all.then_some((found, runs))
    }

    /// Shows who ran in each step, and what came of it if the run was not broken off. Whether
    /// that were all.
    pub(super) fn each_run(
        &self,
        search: &mut dyn Search,
        most: u64,
        mut seen: impl FnMut(&Trace, Option<String>),
    ) -> bool {
        let (mut trace, mut runs) = (Trace::default(), 0);
        while search.begin() {
            if runs == most {
                return false;
            }
            runs += 1;
            trace.clear();
            let outcome = World::new(self).run(search, &mut trace);
            search.end(&trace);
            seen(&trace, outcome);
        }
        true
    }
}

/// Where a task is.
#[derive(Clone, Debug, Default, PartialEq)]
struct Place {
    op: usize,
    known: u64,
    until: Option<u64>,
    settled: bool,
}

struct World<'a> {
    program: &'a Program,
    cells: [u64; CELLS],
    flags: [u64; FLAGS],
    now: u64,
    ready: Vec<usize>,
    waiters: [Vec<usize>; FLAGS],
    /// What was posted to each task, and whether that waits for it.
    boxes: Vec<(u64, bool)>,
    timers: BTreeMap<u64, Vec<usize>>,
    settling: Vec<usize>,
    at: Vec<Place>,
    is_known: BTreeSet<usize>,
    born: Vec<usize>,
    touched: Vec<(usize, Access)>,
    /// The step has done nothing before; and where it looked for what was not there.
    is_fresh: bool,
    rests: Option<usize>,
    /// What the property has read, and all it has seen.
    reads: Vec<usize>,
    shown: Vec<Vec<u64>>,
}

impl<'a> World<'a> {
    fn new(program: &'a Program) -> Self {
        let mut world = Self {
            program,
            cells: [0; CELLS],
            flags: [0; FLAGS],
            now: 0,
            ready: Vec::new(),
            waiters: Default::default(),
            boxes: vec![(0, false); program.tasks.len()],
            timers: BTreeMap::new(),
            settling: Vec::new(),
            at: vec![Place::default(); program.tasks.len()],
            is_known: BTreeSet::new(),
            born: Vec::new(),
            touched: Vec::new(),
            is_fresh: true,
            rests: None,
            reads: vec![0],
            shown: vec![vec![0]],
        };
        for task in 0..program.tasks.len() {
            match program.started.get(&task) {
                None => {
                    world.ready.push(task);
                    world.is_known.insert(task);
                }
                Some(true) => drop(world.is_known.insert(task)),
                Some(false) => {}
            }
        }
        world
    }

    /// The task of the clock.
    fn clock(&self) -> usize {
        self.program.tasks.len()
    }

    fn touch(&mut self, object: usize, access: Access) {
        self.is_fresh = false;
        self.touched.push((object, access));
    }

    fn wake(&mut self, task: usize) {
        if !self.ready.contains(&task) {
            self.ready.push(task);
        }
    }

    fn learn(&mut self, task: usize, what: u64) {
        let known = &mut self.at[task].known;
        *known = (known.wrapping_mul(31).wrapping_add(what)) % 65_521;
    }

    fn take(&mut self, task: usize, flag: usize) -> bool {
        self.touch(CELLS + flag, Access::Write);
        let taken = self.flags[flag] > 0;
        if taken {
            self.flags[flag] -= 1;
            self.learn(task, 100 + flag as u64);
        } else if !self.waiters[flag].contains(&task) {
            self.waiters[flag].push(task);
        }
        taken
    }

    fn receive(&mut self, task: usize) -> bool {
        let (posted, waits) = &mut self.boxes[task];
        if *posted == 0 {
            *waits = true;
            self.rests = self.is_fresh.then_some(self.touched.len());
            self.touch(BOXES + task, Access::Read);
            return false;
        }
        *posted -= 1;
        self.touch(BOXES + task, Access::Write);
        self.learn(task, 200);
        true
    }

    /// Whether it is time; asks to be woken then if not.
    fn is_due(&mut self, task: usize, after: u64) -> bool {
        self.touch(CLOCK, Access::Read);
        let until = *self.at[task].until.get_or_insert(self.now + after);
        if self.now < until {
            let timers = self.timers.entry(until).or_default();
            if !timers.contains(&task) {
                timers.push(task);
            }
            if self.program.any_time {
                self.wake(self.clock());
            }
        }
        self.now >= until
    }

    /// To the next timer, if there is one.
    fn move_clock(&mut self) -> bool {
        let Some((now, tasks)) = self.timers.pop_first() else { return false };
        self.now = now;
        tasks.into_iter().for_each(|task| self.wake(task));
        true
    }

    /// Polls a task; `true`: it is done.
    fn poll(&mut self, task: usize, search: &mut dyn Search) -> bool {
        if task == self.clock() {
            self.touch(CLOCK, Access::Write);
            self.move_clock();
            if !self.timers.is_empty() {
                self.wake(task);
            }
            return false;
        }
        while let Some(op) = self.program.tasks[task].get(self.at[task].op).copied() {
            let mut skip = 0;
            match op {
                Op::Read(cell) => {
                    self.touch(cell, Access::Read);
                    self.learn(task, self.cells[cell]);
                }
                Op::Write(cell) => {
                    self.touch(cell, Access::Write);
                    self.cells[cell] = self.at[task].known + task as u64 + 1;
                }
                Op::Add(cell, n) => {
                    self.touch(cell, Access::Update);
                    self.cells[cell] += n;
                }
                Op::Choose(options) => {
                    let told = search.choose(options);
                    self.learn(task, told as u64);
                }
                Op::SkipIfOdd => skip = (self.at[task].known % 2) as usize,
                Op::Signal(flag) => {
                    self.touch(CELLS + flag, Access::Write);
                    self.flags[flag] += 1;
                    for waiter in std::mem::take(&mut self.waiters[flag]) {
                        self.wake(waiter);
                    }
                }
                Op::Wait(one, other) => {
                    if !self.take(task, one) && !self.take(task, other) {
                        return false;
                    }
                }
                Op::Post(to) => {
                    self.touch(BOXES + to, Access::Write);
                    self.boxes[to].0 += 1;
                    if std::mem::take(&mut self.boxes[to].1) {
                        self.wake(to);
                    }
                }
                Op::Receive => {
                    if !self.receive(task) {
                        if let Some(at) = self.rests {
                            self.touched.truncate(at);
                        }
                        return false;
                    }
                }
                Op::ReceiveFor(time) => {
                    if !self.receive(task) && !self.is_due(task, time) {
                        return false;
                    }
                    self.touch(CLOCK, Access::Read);
                    self.learn(task, self.now);
                }
                Op::WaitFor(flag, time) => {
                    if !self.take(task, flag) && !self.is_due(task, time) {
                        return false;
                    }
                    self.touch(CLOCK, Access::Read);
                    self.learn(task, self.now);
                }
                Op::Sleep(time) => {
                    if !self.is_due(task, time) {
                        return false;
                    }
                }
                Op::Now => {
                    self.touch(CLOCK, Access::Read);
                    self.learn(task, self.now);
                }
                Op::Settle => {
                    if !std::mem::replace(&mut self.at[task].settled, true) {
                        self.settling.push(task);
                        return false;
                    }
                    // Not before, whoever else wakes it.
                    if self.settling.contains(&task) {
                        return false;
                    }
                    self.at[task].settled = false;
                }
                Op::Start(child) => {
                    if self.is_known.insert(child) {
                        self.born.push(child);
                    }
                    self.wake(child);
                }
                Op::Yield => {}
            }
            self.is_fresh = false;
            self.at[task].until = None;
            self.at[task].op += 1 + skip;
            if matches!(op, Op::Yield) && self.at[task].op < self.program.tasks[task].len() {
                self.wake(task);
                return false;
            }
        }
        true
    }

    /// A property looks at what the step has done.
    fn look(&mut self) {
        if !self.program.watched {
            return;
        }
        let seen = if self.cells[0] % 2 == 1 { self.cells.to_vec() } else { vec![self.cells[0]] };
        let written = |object: usize, access: Access| access != Access::Read && self.reads.contains(&object);
        let is_shown = self.touched.iter().any(|&(object, access)| written(object, access));
        let before = std::mem::replace(&mut self.reads, (0..seen.len()).collect());
        if is_shown {
            self.touch(VISIBLE, Access::Write);
            for object in 0..before.len().max(seen.len()) {
                self.touch(object, Access::Read);
            }
        }
        if self.shown.last() != Some(&seen) {
            self.shown.push(seen);
        }
    }

    fn run(mut self, search: &mut dyn Search, trace: &mut Trace) -> Option<String> {
        trace.tasks.extend(self.is_known.iter().map(|task| info(*task, None)));
        if self.program.any_time {
            trace.tasks.push(info(self.clock(), None));
        }
        loop {
            // The clock may move first, or not.
            if self.ready == [self.clock()] && !self.settling.is_empty() && search.choose(2) == 0 {
                self.ready.clear();
            }
            if let Some(at) = self.ready.iter().position(|task| *task == self.clock()) {
                // It comes last.
                self.ready[at..].rotate_left(1);
            }
            if self.ready.is_empty() {
                let kind = if self.settling.is_empty() {
                    if !self.move_clock() {
                        break;
                    }
                    EventKind::Time
                } else {
                    let settling = std::mem::take(&mut self.settling);
                    settling.into_iter().for_each(|task| self.wake(task));
                    if self.program.any_time && !self.timers.is_empty() {
                        self.wake(self.clock());
                    }
                    EventKind::Settled
                };
                self.touched.clear();
                self.record(trace, TaskId::ROOT, kind);
                search.stepped(trace);
                continue;
            }
            let ready: Vec<TaskId> = self.ready.iter().map(|task| id(*task)).collect();
            let Some(chosen) = search.schedule(&Point { ready: &ready }) else {
                trace.end = End::Abandoned;
                return None;
            };
            let task = self.ready.remove(chosen);
            self.touched.clear();
            (self.is_fresh, self.rests) = (true, None);
            let kind = if self.poll(task, search) { EventKind::Last } else { EventKind::Step };
            self.look();
            let event = trace.events.len();
            trace.tasks.extend(self.born.drain(..).map(|child| info(child, Some(event))));
            self.record(trace, id(task), kind);
            search.stepped(trace);
        }
        let known: Vec<(usize, u64)> = self.at.iter().map(|place| (place.op, place.known)).collect();
        Some(told(&(self.cells, self.flags, self.boxes, known, self.shown)))
    }

    fn record(&self, trace: &mut Trace, task: TaskId, kind: EventKind) {
        let from = trace.touches.len() as u32;
        let touches = self.touched.iter().map(|&(n, access)| Touch { object: ObjectId(n as u64 + 1), access });
        trace.touches.extend(touches);
        let touched = from..trace.touches.len() as u32;
        let at = Duration::from_secs(self.now);
        trace.events.push(Event { task, kind, touched, decisions: 0..0, notes: 0..0, at });
    }
}

fn told(what: &dyn Debug) -> String {
    format!("{what:?}")
}

fn id(task: usize) -> TaskId {
    TaskId(task as u32 + 1)
}

fn info(task: usize, born: Option<usize>) -> TaskInfo {
    TaskInfo { id: id(task), name: task.to_string(), born }
}

//! The reduction against full search, on small abstract programs: the same
//! outcomes, whatever the program. Deterministic; a mismatch prints its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::trace::{End, Event, EventKind, Point, TaskId, TaskInfo, Trace};
use super::rng::Rng;
use super::{Exhaustive, Reduced, Search};
use crate::sync::access::{Access, ObjectId, Touch};

#[derive(Clone, Copy, Debug)]
enum Op {
    Read(usize),
    Write(usize),
    Add(usize, u64),
    Choose(usize),
    /// Goes on at the next but one operation if what it knows is odd.
    SkipIfOdd,
    Signal(usize),
    /// Takes of either flag; waits until one has something.
    Wait(usize, usize),
    /// As `Wait`, and gives up.
    WaitFor(usize, u64),
    Sleep(u64),
    Spawn(usize),
    /// The step ends here.
    Yield,
}

type Program = Vec<Vec<Op>>;

const CELLS: usize = 2;
const FLAGS: usize = 2;

fn program(rng: &mut Rng) -> Program {
    let tasks = 2 + rng.below(2);
    let mut program: Program = (0..tasks).map(|_| body(rng)).collect();
    if rng.below(3) == 0 {
        program.push(body(rng));
        let child = tasks;
        let at = rng.below(program[0].len() + 1);
        program[0].insert(at, Op::Spawn(child));
    }
    program
}

fn body(rng: &mut Rng) -> Vec<Op> {
    let mut ops = Vec::new();
    for _ in 0..1 + rng.below(3) {
        ops.push(match rng.below(14) {
            0..=2 => Op::Read(rng.below(CELLS)),
            3 | 4 => Op::Write(rng.below(CELLS)),
            5 => Op::Add(rng.below(CELLS), 1 + rng.next() % 7),
            6 => Op::Choose(2),
            7 => Op::SkipIfOdd,
            8 | 9 => Op::Signal(rng.below(FLAGS)),
            10 => Op::Wait(rng.below(FLAGS), rng.below(FLAGS)),
            11 | 12 => Op::WaitFor(rng.below(FLAGS), 1 + rng.next() % 2),
            _ => Op::Sleep(1 + rng.next() % 2),
        });
        if rng.below(3) > 0 {
            ops.push(Op::Yield);
        }
    }
    ops
}

#[derive(Default)]
struct Run {
    cells: [u64; CELLS],
    flags: [u64; FLAGS],
    now: u64,
    ready: Vec<usize>,
    waiters: [Vec<usize>; FLAGS],
    timers: BTreeMap<u64, Vec<usize>>,
    /// Where each task is, what it knows, until when it waits.
    at: Vec<(usize, u64, Option<u64>)>,
    touched: BTreeSet<(u64, Access)>,
}

impl Run {
    fn touch(&mut self, object: usize, access: Access) {
        self.touched.insert((object as u64, access));
    }

    fn wake(&mut self, task: usize) {
        if !self.ready.contains(&task) {
            self.ready.push(task);
        }
    }

    fn learn(&mut self, task: usize, what: u64) {
        let known = &mut self.at[task].1;
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

    /// Whether it is time; asks to be woken then if not.
    fn due(&mut self, task: usize, after: u64) -> bool {
        let until = *self.at[task].2.get_or_insert(self.now + after);
        if self.now < until {
            let timers = self.timers.entry(until).or_default();
            if !timers.contains(&task) {
                timers.push(task);
            }
        }
        self.now >= until
    }

    /// Polls a task; `true`: it is done.
    fn poll(&mut self, program: &Program, task: usize, search: &mut dyn Search, born: &mut Vec<usize>) -> bool {
        while let Some(op) = program[task].get(self.at[task].0).copied() {
            let mut skip = 0;
            match op {
                Op::Read(cell) => {
                    self.touch(cell, Access::Read);
                    self.learn(task, self.cells[cell]);
                }
                Op::Write(cell) => {
                    self.touch(cell, Access::Write);
                    self.cells[cell] = self.at[task].1 + task as u64 + 1;
                }
                Op::Add(cell, n) => {
                    self.touch(cell, Access::Update);
                    self.cells[cell] += n;
                }
                Op::Choose(options) => {
                    let told = search.choose(options);
                    self.learn(task, told as u64);
                }
                Op::SkipIfOdd => skip = (self.at[task].1 % 2) as usize,
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
                Op::WaitFor(flag, time) => {
                    if !self.take(task, flag) && !self.due(task, time) {
                        return false;
                    }
                    self.learn(task, self.now);
                }
                Op::Sleep(time) => {
                    if !self.due(task, time) {
                        return false;
                    }
                }
                Op::Spawn(child) => {
                    born.push(child);
                    self.wake(child);
                }
                Op::Yield => {}
            }
            self.at[task].2 = None;
            self.at[task].0 += 1 + skip;
            if matches!(op, Op::Yield) && self.at[task].0 < program[task].len() {
                self.wake(task);
                return false;
            }
        }
        true
    }
}

fn id(task: usize) -> TaskId {
    TaskId(task as u32 + 1)
}

fn info(task: usize, born: Option<usize>) -> TaskInfo {
    TaskInfo { id: id(task), name: task.to_string(), born }
}

/// All outcomes, and how many schedules it took; `None`: more than `most`.
fn outcomes(program: &Program, search: &mut dyn Search, most: u64) -> Option<(BTreeSet<String>, u64)> {
    let (mut found, mut runs) = (BTreeSet::new(), 0);
    let mut trace = Trace::default();
    while search.begin() {
        runs += 1;
        if runs > most {
            return None;
        }
        trace.clear();
        if let Some(outcome) = run(program, search, &mut trace) {
            found.insert(outcome);
        }
        search.end(&trace);
    }
    Some((found, runs))
}

fn run(program: &Program, search: &mut dyn Search, trace: &mut Trace) -> Option<String> {
    let mut world = Run { at: vec![(0, 0, None); program.len()], ..Run::default() };
    let children: Vec<usize> =
        program.iter().flatten().filter_map(|op| if let Op::Spawn(child) = op { Some(*child) } else { None }).collect();
    for task in (0..program.len()).filter(|task| !children.contains(task)) {
        world.ready.push(task);
        trace.tasks.push(info(task, None));
    }
    loop {
        if world.ready.is_empty() {
            let Some((now, tasks)) = world.timers.pop_first() else { break };
            world.now = now;
            tasks.into_iter().for_each(|task| world.wake(task));
            record(trace, TaskId::ROOT, EventKind::Time, &world);
            search.stepped(trace);
            continue;
        }
        let ready: Vec<TaskId> = world.ready.iter().map(|task| id(*task)).collect();
        let point = Point { ready: &ready };
        let Some(chosen) = search.schedule(&point) else {
            trace.end = End::Abandoned;
            return None;
        };
        let task = world.ready.remove(chosen);
        world.touched.clear();
        let mut born = Vec::new();
        let done = world.poll(program, task, search, &mut born);
        let event = trace.events.len();
        trace.tasks.extend(born.into_iter().map(|child| info(child, Some(event))));
        record(trace, id(task), if done { EventKind::Last } else { EventKind::Step }, &world);
        search.stepped(trace);
    }
    Some(format!("{:?} {:?} {:?}", world.cells, world.flags, world.at))
}

fn record(trace: &mut Trace, task: TaskId, kind: EventKind, world: &Run) {
    let from = trace.touches.len() as u32;
    if !kind.is_barrier() {
        trace.touches.extend(world.touched.iter().map(|(n, access)| Touch { object: ObjectId(*n), access: *access }));
    }
    let touched = from..trace.touches.len() as u32;
    let at = Duration::from_secs(world.now);
    trace.events.push(Event { task, kind, touched, decisions: 0..0, notes: 0..0, at });
}

/// Compares `programs` of them from `seed` on; answers how many were compared,
/// and how many schedules either took.
fn compare(seeds: std::ops::Range<u64>) -> Result<(u64, u64, u64), String> {
    let (mut compared, mut full, mut reduced) = (0, 0, 0);
    for seed in seeds {
        let program = program(&mut Rng::new(seed.wrapping_mul(0x9e37_79b9)));
        let Some((all, runs)) = outcomes(&program, &mut Exhaustive::new(), 3_000) else { continue };
        let Some((some, fewer)) = outcomes(&program, &mut Reduced::new(), 30_000) else {
            return Err(format!("seed {seed}: no end: {program:?}"));
        };
        if all != some {
            let missing: Vec<_> = all.difference(&some).collect();
            return Err(format!("seed {seed}: {program:?}: the reduction misses {missing:?}"));
        }
        (compared, full, reduced) = (compared + 1, full + runs, reduced + fewer);
    }
    Ok((compared, full, reduced))
}

#[test]
fn outcomes_of_the_reduction_are_those_of_full_search() {
    let (compared, full, reduced) = compare(0..3_000).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    eprintln!("{compared} programs: {full} schedules in full, {reduced} reduced");
    assert!(compared > 2_000, "only {compared} programs are small enough");
    assert!(reduced * 4 < full, "{reduced} of {full}");
}

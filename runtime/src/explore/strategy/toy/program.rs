//! The programs of the toy world.

use std::collections::BTreeMap;

use super::super::rng::Rng;
use super::{CELLS, FLAGS};

#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Op {
    Read(usize),
    Write(usize),
    Add(usize, u64),
    Choose(usize),
    /// Goes on at the next but one operation if what it knows is odd.
    SkipIfOdd,
    Signal(usize),
    /// Takes of either flag; waits until one has something.
    Wait(usize, usize),
    /// To this task alone.
    Post(usize),
    /// Takes what was posted; touches nothing if it falls asleep, as a receiver does.
    Receive,
    /// As `Wait`, and gives up.
    WaitFor(usize, u64),
    /// As `Receive`, and gives up.
    ReceiveFor(u64),
    Sleep(u64),
    Now,
    /// Waits until nothing else can run.
    Settle,
    /// Makes this task run, which is new, or was there before.
    Start(usize),
    /// The step ends here.
    Yield,
}

#[derive(Clone, Debug, Default)]
pub(in super::super) struct Program {
    pub(in super::super) tasks: Vec<Vec<Op>>,
    /// Those that another starts; with `true` they are known from the beginning
    /// on, as those are that bring faults about.
    pub(in super::super) started: BTreeMap<usize, bool>,
    /// The clock may move at any time.
    pub(in super::super) any_time: bool,
    /// A property reads cells: the second one when the first is odd.
    pub(in super::super) watched: bool,
}

impl Program {
    pub(in super::super) fn of(tasks: &[&[Op]]) -> Self {
        Self { tasks: tasks.iter().map(|ops| ops.to_vec()).collect(), ..Self::default() }
    }

    pub(in super::super) fn random(seed: u64) -> Self {
        let rng = &mut Rng::new(seed.wrapping_mul(0x9e37_79b9));
        let tasks = 2 + rng.below(3);
        let longest = 5 - tasks.min(4) + rng.below(2);
        let mut program = Self {
            tasks: (0..tasks).map(|_| body(rng, tasks, longest)).collect(),
            any_time: rng.below(4) == 0,
            watched: rng.below(4) == 0,
            ..Self::default()
        };
        for _ in 0..rng.below(3) {
            let child = program.tasks.len();
            program.tasks.push(body(rng, child + 1, 2));
            program.started.insert(child, rng.below(2) == 0);
            let parent = rng.below(child);
            let at = rng.below(program.tasks[parent].len() + 1);
            program.tasks[parent].insert(at, Op::Start(child));
        }
        program
    }
}

fn body(rng: &mut Rng, tasks: usize, longest: usize) -> Vec<Op> {
    let mut ops = Vec::new();
    for _ in 0..1 + rng.below(longest) {
        ops.push(match rng.below(20) {
            0..=2 => Op::Read(rng.below(CELLS)),
            3 | 4 => Op::Write(rng.below(CELLS)),
            5 => Op::Add(rng.below(CELLS), 1 + rng.next() % 7),
            6 => Op::Choose(2 + rng.below(2)),
            7 => Op::SkipIfOdd,
            8 | 9 => Op::Signal(rng.below(FLAGS)),
            10 => Op::Wait(rng.below(FLAGS), rng.below(FLAGS)),
            11 | 12 => Op::Post(rng.below(tasks)),
            13 => Op::Receive,
            14 => Op::ReceiveFor(1 + rng.next() % 2),
            15 | 16 => Op::WaitFor(rng.below(FLAGS), 1 + rng.next() % 2),
            17 => Op::Sleep(1 + rng.next() % 2),
            18 => Op::Now,
            _ => Op::Settle,
        });
        if rng.below(3) > 0 {
            ops.push(Op::Yield);
        }
    }
    ops
}

//! Small programs at random, and those that are smaller.

use std::fmt;
use std::time::Duration;

use super::super::executor::mix;
use super::super::faults::Faults;

/// A program of a few actors and a few clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) actors: Vec<Plan>,
    pub(super) clients: Vec<Vec<Op>>,
    /// The actors are at rest before the clients begin.
    pub(super) settles: bool,
    /// How many actors a message passes that make others of it.
    pub(super) hops: u8,
    /// The clock moves whenever it likes.
    pub(super) any_time: bool,
    /// How many steps the first client takes to come to its end is part of what comes of it.
    pub(super) counts: bool,
    /// What goes wrong once, or does not.
    pub(super) fault: Option<Wrong>,
}

/// A fault. The number is an actor; clocks jump by a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Crash(usize),
    Kill(usize),
    Drop(usize),
    DropAnswer(usize),
    Delay(usize),
    /// Between it and the first client.
    Partition(usize),
    Jump,
}

/// What an actor is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) mailbox: Setting,
    pub(super) restarts: bool,
    /// What it does with a message.
    pub(super) does: Vec<Op>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Push(usize),
    PushOldest(usize),
    PushReject(usize),
    PullOne,
    PullWindow(usize),
}

/// What a client or an actor does. The numbers are actors, milliseconds, and
/// how many there are to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Tell(usize),
    TryTell(usize),
    TellWithin(usize, u64),
    Ask(usize),
    AskWithin(usize, u64),
    /// Reserves, and sends when all else is done.
    Reserve(usize),
    /// How many messages wait, and whether it is closed.
    Look(usize),
    Stop(usize),
    Drain(usize),
    Kill(usize),
    Mode(usize, Setting),
    Sleep(u64),
    Now,
    Choose(usize),
    /// Actors only.
    Watch(usize),
    /// Actors only: a task of its own tells.
    Aside(usize),
    /// Actors only.
    Fail,
    /// Clients only: waits for the end of an actor, whom it lets go.
    Ended(usize),
}

/// Where the numbers of a program come from.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.0) % n as u64) as usize
    }

    fn of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

impl Program {
    /// The program of a seed.
    pub(super) fn random(seed: u64) -> Self {
        let mut dice = Dice(mix(seed));
        let actors = dice.of(&[1, 1, 2, 2, 2, 3]);
        let plans = (0..actors).map(|_| Plan::random(&mut dice, actors)).collect();
        let clients = dice.of(&[1, 2, 2, 2, 3]);
        // About as many as can be searched in full.
        let most = [3, 2, 1][clients - 1] + usize::from(actors == 1);
        let client = |dice: &mut Dice| (0..1 + dice.below(most)).map(|_| Op::of_client(dice, actors)).collect();
        Self {
            actors: plans,
            clients: (0..clients).map(|_| client(&mut dice)).collect(),
            settles: dice.below(4) != 0,
            hops: dice.of(&[1, 1, 2]),
            any_time: dice.below(4) == 0,
            counts: dice.below(4) == 0,
            fault: Wrong::random(&mut dice, actors),
        }
    }

    /// Each program that is this one without something.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut program = self.clone();
            change(&mut program);
            if program != *self {
                all.push(program);
            }
        };
        for client in 0..self.clients.len() {
            add(&|program| drop(program.clients.remove(client)));
            for op in 0..self.clients[client].len() {
                add(&|program| {
                    program.clients[client].remove(op);
                });
            }
        }
        for actor in 0..self.actors.len() {
            add(&|program| program.remove_actor(actor));
            for op in 0..self.actors[actor].does.len() {
                add(&|program| {
                    program.actors[actor].does.remove(op);
                });
            }
            add(&|program| program.actors[actor].mailbox = Setting::Push(2));
            add(&|program| program.actors[actor].restarts = false);
        }
        add(&|program| program.settles = true);
        add(&|program| program.hops = 1);
        add(&|program| program.any_time = false);
        add(&|program| program.counts = false);
        add(&|program| program.fault = None);
        all
    }

    fn remove_actor(&mut self, actor: usize) {
        self.actors.remove(actor);
        self.fault = None;
        let scripts = self.clients.iter_mut().chain(self.actors.iter_mut().map(|plan| &mut plan.does));
        for script in scripts {
            script.retain_mut(|op| match op.target() {
                Some(target) if *target == actor => false,
                Some(target) => {
                    *target -= usize::from(*target > actor);
                    true
                }
                None => true,
            });
        }
    }
}

impl Wrong {
    fn random(dice: &mut Dice, actors: usize) -> Option<Self> {
        let whose = dice.below(actors);
        let kinds = [Self::Crash, Self::Kill, Self::Drop, Self::DropAnswer, Self::Delay, Self::Partition];
        match dice.below(3 * (kinds.len() + 1)) {
            0 => Some(Self::Jump),
            n => kinds.get(n - 1).map(|kind| kind(whose)),
        }
    }

    pub(super) fn faults(self) -> Faults {
        let (one, path) = (Faults::at_most(1).optional(), |actor: usize| format!("/{actor}"));
        match self {
            Self::Crash(actor) => one.crash(path(actor)),
            Self::Kill(actor) => one.kill(path(actor)),
            Self::Drop(actor) => one.drop(path(actor)),
            Self::DropAnswer(actor) => one.drop_answer(path(actor)),
            Self::Delay(actor) => one.delay(path(actor)),
            Self::Partition(actor) => one.partition(["client-0"], [path(actor)]),
            Self::Jump => one.clock_jump(Duration::from_millis(1)),
        }
    }
}

impl Plan {
    fn random(dice: &mut Dice, actors: usize) -> Self {
        let does = if actors == 1 { dice.below(2) } else { dice.of(&[0, 1, 1, 2]) };
        Self {
            mailbox: Setting::random(dice),
            restarts: dice.below(4) == 0,
            does: (0..does).map(|_| Op::of_actor(dice, actors)).collect(),
        }
    }
}

impl Setting {
    fn random(dice: &mut Dice) -> Self {
        let size = 1 + dice.below(2);
        match dice.below(8) {
            0..=2 => Self::Push(size),
            3 => Self::PushOldest(size),
            4 => Self::PushReject(size),
            5 | 6 => Self::PullOne,
            _ => Self::PullWindow(2),
        }
    }
}

impl Op {
    fn of_anybody(dice: &mut Dice, actors: usize) -> Self {
        let (to, ms) = (dice.below(actors), 1 + dice.below(2) as u64);
        match dice.below(20) {
            0..=2 => Self::Tell(to),
            3 | 4 => Self::TryTell(to),
            5 => Self::TellWithin(to, ms),
            6 | 7 => Self::Ask(to),
            8 | 9 => Self::AskWithin(to, ms),
            10 => Self::Reserve(to),
            11 => Self::Look(to),
            12 => Self::Stop(to),
            13 => Self::Drain(to),
            14 => Self::Kill(to),
            15 => Self::Mode(to, Setting::random(dice)),
            16 | 17 => Self::Sleep(ms),
            18 => Self::Now,
            _ => Self::Choose(2),
        }
    }

    fn of_client(dice: &mut Dice, actors: usize) -> Self {
        match dice.below(12) {
            0 => Self::Ended(dice.below(actors)),
            // Most of what clients do is to send.
            1..=3 => Self::Tell(dice.below(actors)),
            4 => Self::AskWithin(dice.below(actors), 1),
            _ => Self::of_anybody(dice, actors),
        }
    }

    fn of_actor(dice: &mut Dice, actors: usize) -> Self {
        match dice.below(10) {
            0 => Self::Watch(dice.below(actors)),
            1 => Self::Aside(dice.below(actors)),
            2 => Self::Fail,
            _ => Self::of_anybody(dice, actors),
        }
    }

    fn target(&mut self) -> Option<&mut usize> {
        match self {
            Self::Tell(to)
            | Self::TryTell(to)
            | Self::TellWithin(to, _)
            | Self::Ask(to)
            | Self::AskWithin(to, _)
            | Self::Reserve(to)
            | Self::Look(to)
            | Self::Stop(to)
            | Self::Drain(to)
            | Self::Kill(to)
            | Self::Mode(to, _)
            | Self::Watch(to)
            | Self::Aside(to)
            | Self::Ended(to) => Some(to),
            Self::Sleep(_) | Self::Now | Self::Choose(_) | Self::Fail => None,
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Plan { mailbox, restarts, does }) in self.actors.iter().enumerate() {
            let restarts = if *restarts { ", restarts" } else { "" };
            writeln!(f, "actor {n}: {mailbox:?}{restarts}: {does:?}")?;
        }
        for (n, does) in self.clients.iter().enumerate() {
            writeln!(f, "client {n}: {does:?}")?;
        }
        let Self { settles, hops, any_time, counts, fault, .. } = self;
        write!(f, "settles: {settles}, hops: {hops}, any time: {any_time}, counts: {counts}, fault: {fault:?}")
    }
}

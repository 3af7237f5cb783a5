//! Programs at random.

use std::collections::BTreeSet;

use crate::program::{
    Handle, Life, Look, Op, Own, Plan, Program, Property, Restarts, Sending, Setting, Slot, Wide, World, Wrong,
    first_word,
};

/// Where the numbers of a program come from: a xorshift.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x0123_4567);
        // Seeds that are close to each other begin alike.
        for _ in 0..5 {
            let _ = dice.below(2);
        }
        dice
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % n as u64) as usize
    }

    fn of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn is_one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn ms(&mut self) -> u64 {
        1 + self.below(3) as u64
    }
}

/// What operations have to do with.
#[derive(Clone, Copy)]
enum Theme {
    Sends,
    Asks,
    Permits,
    Looks,
    Modes,
    Ends,
    Names,
    Shutdown,
    World,
    Cells,
    Channel,
    Slots,
    Compounds,
}

const THEMES: [Theme; 13] = [
    Theme::Sends,
    Theme::Asks,
    Theme::Permits,
    Theme::Looks,
    Theme::Modes,
    Theme::Ends,
    Theme::Names,
    Theme::Shutdown,
    Theme::World,
    Theme::Cells,
    Theme::Channel,
    Theme::Slots,
    Theme::Compounds,
];

/// How many groups there are of what only actors do.
const OWN: usize = 9;

/// Makes one program. What has to do with each other would seldom meet in one that
/// has a bit of everything, so that each is of one or two themes mostly.
struct Maker {
    dice: Dice,
    actors: usize,
    themes: [Theme; 2],
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let actors = dice.of(&[1, 1, 1, 2, 2, 3]);
        let theme = dice.of(&THEMES);
        let themes = [theme, if dice.is_one_in(2) { theme } else { dice.of(&THEMES) }];
        Self { dice, actors, themes }
    }

    /// What anybody can do; deeper, as part of something else.
    fn common(&mut self, depth: usize) -> Op {
        let theme = if self.dice.is_one_in(6) { self.dice.of(&THEMES) } else { self.dice.of(&self.themes) };
        let theme = if depth == 0 && matches!(theme, Theme::Compounds) { Theme::Sends } else { theme };
        let choices = self.choices(theme, depth);
        self.dice.of(&choices)
    }

    /// What there is to choose from. The more often it is named, the likelier it is.
    fn choices(&mut self, theme: Theme, depth: usize) -> Vec<Op> {
        let (to, ms, slot) = (self.dice.below(self.actors), self.dice.ms(), self.dice.below(2));
        let send = |sending| Op::Send(to, sending);
        let life = |life| Op::Life(to, life);
        let setting = Setting::random(&mut self.dice);
        let reconfigure = Life::Reconfigure(setting);
        match theme {
            Theme::Sends => {
                use Sending::*;
                [Tell, Tell, TryTell, TellWithin(ms), Ask, AskWithin(ms)].map(send).into()
            }
            Theme::Asks => {
                use Sending::*;
                [Tell, Ask, AskWithin(ms), AskAndLeave, AskAndKeep].map(send).into()
            }
            Theme::Permits => {
                use Sending::*;
                let mut all = vec![Op::SendKept, Op::DropKept];
                all.extend([Reserve, Reserve, ReserveTwo, TryReserve, ReserveAndDrop].map(send));
                all
            }
            Theme::Looks => {
                use Look::*;
                [Len, Free, IsClosed, Mode, Handled, Stashed, Waiting, Drops, StopReason, Level]
                    .map(|look| Op::Look(to, look))
                    .into()
            }
            Theme::Modes => vec![
                life(Life::AwaitPressure),
                life(Life::AwaitPressure),
                life(reconfigure),
                life(reconfigure),
                send(Sending::Tell),
                Op::Look(to, Look::Level),
            ],
            Theme::Ends => {
                use Life::*;
                let mut all = vec![send(Sending::Tell), Op::Look(to, Look::Upgrade)];
                all.extend([Stop, Drain, Kill, AwaitEnd, AwaitEnd, LetGo].map(life));
                all
            }
            Theme::Names => {
                use Wide::*;
                let mut all = vec![life(Life::Stop)];
                all.extend([Lookup, Register(to), Unregister, Join(to), Leave(to), Members].map(Op::System));
                all.extend([Count, DeadLetters, Inspect].map(Op::System));
                all
            }
            Theme::Shutdown => {
                use Wide::*;
                let mut all = vec![send(Sending::Tell), send(Sending::Ask), life(Life::AwaitEnd)];
                all.extend([Shutdown(ms), ShutdownInPhases, Count].map(Op::System));
                all
            }
            Theme::World => {
                use World::*;
                [Sleep(ms), Sleep(ms), Now, Choose(2), Choose(2), Settled].map(Op::World).into()
            }
            Theme::Cells => {
                use World::*;
                [Set(slot), Get(slot), Add(slot), Get(slot)].map(Op::World).into()
            }
            Theme::Channel => {
                use Handle::*;
                let mut all = vec![Op::SendKept];
                all.extend([Tell, Tell, TryTell, Reserve, Len, IsClosed, Close, AwaitPressure].map(Op::Channel));
                all.extend([Reconfigure(setting), Recv, Recv, TryRecv, RecvMany, Request].map(Op::Channel));
                all.extend([DropSender, DropReceiver].map(Op::Channel));
                all
            }
            Theme::Slots => {
                use Slot::*;
                [Send, Drop, IsUnwanted, Wait, Wait, Leave].map(|what| Op::Slot(slot, what)).into()
            }
            Theme::Compounds => {
                let depth = depth.saturating_sub(1);
                let mut part = || Box::new(self.common(depth));
                vec![
                    Op::Spawn(part()),
                    Op::SpawnAndWait(part()),
                    Op::Select(part(), part()),
                    Op::Select(part(), part()),
                    Op::Both(part(), part()),
                    Op::Within(ms, part()),
                ]
            }
        }
    }

    fn of_actor(&mut self) -> Op {
        if self.dice.is_one_in(2) {
            return self.common(1);
        }
        let group = self.dice.below(OWN);
        let choices = self.choices_of_actor(group);
        self.dice.of(&choices)
    }

    fn choices_of_actor(&mut self, group: usize) -> Vec<Op> {
        use Own::*;
        let (to, ms) = (self.dice.below(self.actors), self.dice.ms());
        let own = match group {
            0 => vec![Stash, Stash, Unstash, UnstashAll],
            1 => vec![Aside(Box::new(self.common(0)))],
            // Seldom enough to come to an end.
            2 => vec![After(ms), Every(400_000), Named(ms), CancelNamed],
            3 => vec![Watch(to), Watch(to), Unwatch(to), Link(to)],
            4 => vec![Fail, Panic, Stop, Drain],
            5 => vec![Request, TakeInFlight, DropInFlight],
            6 => {
                let does = [
                    Op::Own(Fail),
                    Op::Send(to, Sending::Tell),
                    Op::World(World::Set(0)),
                    Op::Own(Stop),
                    Op::World(World::Sleep(ms)),
                ];
                vec![Child(Box::new(self.dice.of(&does))), TellChild, TellChild]
            }
            7 => vec![HoldReply, AnswerHeld, Forward(to)],
            _ => return vec![Op::Send(to, Sending::Tell), Op::Send(to, Sending::Ask), Op::World(World::Sleep(ms))],
        };
        own.into_iter().map(Op::Own).collect()
    }

    fn several(&mut self, how_many: &[usize]) -> Vec<Op> {
        (0..self.dice.of(how_many)).map(|_| self.of_actor()).collect()
    }

    fn plan(&mut self) -> Plan {
        Plan {
            mailbox: Setting::random(&mut self.dice),
            restarts: self.dice.of(&Restarts::ALL),
            does: self.several(&[0, 0, 1, 1, 1, 2, 2]),
            starts: self.several(&[0, 0, 0, 0, 1]),
            phase: self.dice.below(2) as i32,
        }
    }

    fn client(&mut self, most: usize) -> Vec<Op> {
        (0..1 + self.dice.below(most)).map(|_| self.common(1)).collect()
    }

    fn program(mut self) -> Program {
        let actors = (0..self.actors).map(|_| self.plan()).collect();
        let clients = self.dice.of(&[1, 2, 2, 2, 3, 3]);
        // About as many as can be searched in full.
        let most = [3, 2, 1][clients - 1] + usize::from(self.actors == 1);
        let clients = (0..clients).map(|_| self.client(most)).collect();
        let faults = if self.dice.is_one_in(4) { 1 + self.dice.below(2) } else { 0 };
        let whose = self.dice.below(self.actors);
        Program {
            actors,
            clients,
            channel: Setting::random(&mut self.dice),
            settles: !self.dice.is_one_in(4),
            keeps: self.dice.is_one_in(2),
            hops: self.dice.of(&[1, 1, 2]),
            any_time: self.dice.is_one_in(6),
            most: 1 + self.dice.below(2),
            faults: (0..faults).map(|_| self.dice.of(&Wrong::all(whose))).collect(),
            property: self.dice.is_one_in(5).then(|| self.dice.of(&Property::ALL)),
        }
    }
}

impl Program {
    /// The program of a seed.
    pub(crate) fn random(seed: u64) -> Self {
        Maker::new(seed).program()
    }
}

/// The kinds of all that programs can have.
pub(crate) fn all_kinds() -> BTreeSet<String> {
    let mut maker = Maker::new(0);
    let mut kinds = BTreeSet::new();
    for theme in THEMES {
        kinds.extend(maker.choices(theme, 1).iter().map(Op::kind));
    }
    for group in 0..OWN {
        kinds.extend(maker.choices_of_actor(group).iter().map(Op::kind));
    }
    kinds.extend(Setting::ALL.map(|setting| format!("Mailbox {}", first_word(&setting))));
    kinds.extend(Restarts::ALL.map(|restarts| format!("Restarts {}", first_word(&restarts))));
    kinds.extend(Wrong::all(0).map(|fault| format!("Fault {}", first_word(&fault))));
    kinds.extend(Property::ALL.map(|property| format!("Property {}", first_word(&property))));
    kinds
}

impl Setting {
    /// The more often it is named, the likelier it is.
    const ALL: [Self; 21] = [
        Self::Push(1),
        Self::Push(1),
        Self::Push(2),
        Self::Push(2),
        Self::Oldest(1),
        Self::Oldest(2),
        Self::Newest(1),
        Self::Reject(1),
        Self::Latest,
        Self::Conflate(1),
        Self::Unbounded,
        Self::OneByOne,
        Self::OneByOne,
        Self::Window(1),
        Self::Window(2),
        Self::WindowLow,
        Self::InFlight(1),
        Self::InFlight(2),
        Self::Manual,
        Self::Adaptive(2),
        Self::AdaptivePull(2),
    ];

    fn random(dice: &mut Dice) -> Self {
        dice.of(&Self::ALL)
    }
}

impl Restarts {
    const ALL: [Self; 5] = [Self::Never, Self::OnFailure, Self::OnFailureOnce, Self::WithBackoff, Self::Always];
}

impl Wrong {
    fn all(whose: usize) -> [Self; 9] {
        [
            Self::Crash(whose),
            Self::Crash(whose),
            Self::Kill(whose),
            Self::Drop(whose),
            Self::DropAnswer(whose),
            Self::Delay(whose),
            Self::Duplicate(whose),
            Self::Partition(whose),
            Self::Jump(2),
        ]
    }
}

impl Property {
    const ALL: [Self; 4] = [Self::Stats, Self::Count, Self::Cell, Self::Inspected];
}

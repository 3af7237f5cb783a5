//! A program: what its actors are like, and what they and its clients do.

use std::collections::BTreeSet;
use std::fmt;

/// A program of a few actors and a few clients. The clients have one mailbox
/// without an actor and two questions among them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Program {
    pub(crate) actors: Vec<Plan>,
    pub(crate) clients: Vec<Vec<Op>>,
    /// The mailbox that belongs to no actor.
    pub(crate) channel: Setting,
    /// The actors are at rest before the clients begin.
    pub(crate) settles: bool,
    /// Clients who are done keep what they have: what they register, reserve or hold
    /// would be gone in the same step else, before anybody could have seen it.
    pub(crate) keeps: bool,
    /// How many actors a message passes that make others of it.
    pub(crate) hops: u8,
    /// The clock moves whenever it likes.
    pub(crate) any_time: bool,
    /// How many of the faults there may be in one run.
    pub(crate) most: usize,
    pub(crate) faults: Vec<Wrong>,
    pub(crate) property: Option<Property>,
}

/// What an actor is like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) mailbox: Setting,
    pub(crate) restarts: Restarts,
    /// What it does with a message.
    pub(crate) does: Vec<Op>,
    /// What it does when it starts.
    pub(crate) starts: Vec<Op>,
    pub(crate) phase: i32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Setting {
    Push(usize),
    Oldest(usize),
    Newest(usize),
    Reject(usize),
    Latest,
    Conflate(usize),
    Unbounded,
    OneByOne,
    Window(usize),
    WindowLow,
    InFlight(usize),
    Manual,
    Adaptive(usize),
    AdaptivePull(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Restarts {
    Never,
    OnFailure,
    OnFailureOnce,
    WithBackoff,
    Always,
}

/// A fault. The number is an actor; clocks jump by milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wrong {
    Crash(usize),
    Kill(usize),
    Drop(usize),
    DropAnswer(usize),
    Delay(usize),
    Duplicate(usize),
    /// Between it and the first client.
    Partition(usize),
    Jump(u64),
}

/// What is looked at after each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Property {
    Stats,
    Count,
    Cell,
    Inspected,
}

/// What a client or an actor does. The first number is the actor that it is done to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Send(usize, Sending),
    SendKept,
    DropKept,
    Look(usize, Look),
    Life(usize, Life),
    System(Wide),
    World(World),
    Channel(Handle),
    /// With one of the questions.
    Slot(usize, Slot),
    /// Actors only.
    Own(Own),
    /// In a task of its own.
    Spawn(Box<Op>),
    SpawnAndWait(Box<Op>),
    /// Whichever is done first: the other is dropped.
    Select(Box<Op>, Box<Op>),
    Both(Box<Op>, Box<Op>),
    Within(u64, Box<Op>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sending {
    Tell,
    TryTell,
    TellWithin(u64),
    Ask,
    AskWithin(u64),
    /// Nobody waits for the answer.
    AskAndLeave,
    /// The answer is kept, and not looked at.
    AskAndKeep,
    Reserve,
    ReserveTwo,
    TryReserve,
    ReserveAndDrop,
}

/// High water is not among them: it is known not to be followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Look {
    Len,
    Free,
    IsClosed,
    Mode,
    Handled,
    Stashed,
    Waiting,
    Drops,
    StopReason,
    Level,
    Upgrade,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Life {
    Reconfigure(Setting),
    AwaitPressure,
    Stop,
    Drain,
    Kill,
    AwaitEnd,
    LetGo,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wide {
    Lookup,
    Register(usize),
    Unregister,
    Join(usize),
    Leave(usize),
    Members,
    Count,
    DeadLetters,
    Inspect,
    Shutdown(u64),
    ShutdownInPhases,
}

/// Clock, choices and cells that all share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum World {
    Sleep(u64),
    Now,
    Choose(usize),
    Settled,
    Set(usize),
    Get(usize),
    Add(usize),
}

/// With the mailbox that has no actor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Handle {
    Tell,
    TryTell,
    Reserve,
    Len,
    IsClosed,
    Close,
    AwaitPressure,
    Reconfigure(Setting),
    Recv,
    TryRecv,
    RecvMany,
    Request,
    DropSender,
    DropReceiver,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    Send,
    Drop,
    IsUnwanted,
    Wait,
    Leave,
}

/// What only an actor can do: with what its context has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Own {
    Stash,
    Unstash,
    UnstashAll,
    Aside(Box<Op>),
    After(u64),
    Every(u64),
    Named(u64),
    CancelNamed,
    Watch(usize),
    Unwatch(usize),
    Link(usize),
    Fail,
    Panic,
    Request,
    TakeInFlight,
    DropInFlight,
    Stop,
    Drain,
    /// It does this with a message.
    Child(Box<Op>),
    TellChild,
    HoldReply,
    AnswerHeld,
    Forward(usize),
}

impl Op {
    /// What it is made of.
    pub(crate) fn parts(&self) -> Vec<&Op> {
        match self {
            Self::Spawn(one) | Self::SpawnAndWait(one) | Self::Within(_, one) => vec![one],
            Self::Own(Own::Aside(one) | Own::Child(one)) => vec![one],
            Self::Select(one, other) | Self::Both(one, other) => vec![one, other],
            _ => Vec::new(),
        }
    }

    /// Its name, without what it is done to.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Own(own) => format!("Own {}", first_word(own)),
            Self::Send(_, sending) => format!("Send {}", first_word(sending)),
            Self::Look(_, look) => format!("Look {}", first_word(look)),
            Self::Life(_, life) => format!("Life {}", first_word(life)),
            Self::System(wide) => format!("System {}", first_word(wide)),
            Self::World(world) => format!("World {}", first_word(world)),
            Self::Channel(handle) => format!("Channel {}", first_word(handle)),
            Self::Slot(_, slot) => format!("Slot {}", first_word(slot)),
            _ => first_word(self),
        }
    }

    fn add_kinds(&self, kinds: &mut BTreeSet<String>) {
        kinds.insert(self.kind());
        self.parts().into_iter().for_each(|part| part.add_kinds(kinds));
    }
}

/// The name of a variant.
pub(crate) fn first_word(of: &impl fmt::Debug) -> String {
    format!("{of:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

impl Program {
    /// All kinds of things that it has.
    pub(crate) fn kinds(&self) -> BTreeSet<String> {
        let mut kinds = BTreeSet::from([format!("Mailbox {}", first_word(&self.channel))]);
        for plan in &self.actors {
            kinds.insert(format!("Mailbox {}", first_word(&plan.mailbox)));
            kinds.insert(format!("Restarts {}", first_word(&plan.restarts)));
            plan.does.iter().chain(&plan.starts).for_each(|op| op.add_kinds(&mut kinds));
        }
        self.clients.iter().flatten().for_each(|op| op.add_kinds(&mut kinds));
        kinds.extend(self.faults.iter().map(|fault| format!("Fault {}", first_word(fault))));
        kinds.extend(self.property.iter().map(|property| format!("Property {}", first_word(property))));
        kinds
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Plan { mailbox, restarts, does, starts, phase }) in self.actors.iter().enumerate() {
            writeln!(f, "actor {n}: {mailbox:?}, restarts {restarts:?}, phase {phase}: {does:?}, first {starts:?}")?;
        }
        for (n, does) in self.clients.iter().enumerate() {
            writeln!(f, "client {n}: {does:?}")?;
        }
        let Self { channel, settles, keeps, hops, any_time, most, faults, property, .. } = self;
        writeln!(f, "channel: {channel:?}, settles: {settles}, keeps: {keeps}, hops: {hops}, any time: {any_time}")?;
        write!(f, "faults: at most {most} of {faults:?}, property: {property:?}")
    }
}

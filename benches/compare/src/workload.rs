//! The workloads, and how much of each is done in a run.

use crate::lineup::{Entry, Lineup};

/// What a figure of the workload counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// More is better.
    PerSecond(&'static str),
    /// Less is better.
    BytesPerActor,
}

/// How many items a run does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Amount {
    /// As many as take a contestant about the wanted time, this many in a
    /// first run from which that is estimated.
    Timed { probe: u64 },
    /// The same for everyone, since the cost of one depends on how many there
    /// are: quick, and otherwise.
    Fixed { quick: u64, full: u64 },
}

/// One table.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: Unit,
    pub(crate) amount: Amount,
    pub(crate) entry: fn(&Lineup) -> Entry,
}

/// All of them, in the order in which they run.
pub(crate) const ALL: [Workload; 11] = [
    Workload {
        name: "ping-pong",
        title: "two actors or tasks pass one token to and fro",
        unit: Unit::PerSecond("messages"),
        amount: Amount::Timed { probe: 20_000 },
        entry: |lineup| lineup.ping_pong,
    },
    Workload {
        name: "counting",
        title: "one sender that waits for room, bounded (1024), 8-byte messages",
        unit: Unit::PerSecond("messages"),
        amount: Amount::Timed { probe: 100_000 },
        entry: |lineup| lineup.bounded,
    },
    Workload {
        name: "counting-64",
        title: "the same with 64-byte messages",
        unit: Unit::PerSecond("messages"),
        amount: Amount::Timed { probe: 100_000 },
        entry: |lineup| lineup.bounded_wide,
    },
    Workload {
        name: "unbounded",
        title: "one sender into an unbounded mailbox",
        unit: Unit::PerSecond("messages"),
        amount: Amount::Fixed { quick: 500_000, full: 1_000_000 },
        entry: |lineup| lineup.unbounded,
    },
    Workload {
        name: "many-to-one",
        title: "four senders that wait for room, bounded (1024)",
        unit: Unit::PerSecond("messages"),
        amount: Amount::Timed { probe: 100_000 },
        entry: |lineup| lineup.many_to_one,
    },
    Workload {
        name: "ring",
        title: "one token through a ring of 100",
        unit: Unit::PerSecond("messages"),
        amount: Amount::Timed { probe: 20_000 },
        entry: |lineup| lineup.ring,
    },
    Workload {
        name: "fork-join",
        title: "one sender to 60 actors in turn, each reports when done",
        unit: Unit::PerSecond("messages"),
        amount: Amount::Timed { probe: 60_000 },
        entry: |lineup| lineup.fork_join,
    },
    Workload {
        name: "pipeline",
        title: "four stages one after the other, at most 256 items ahead of each",
        unit: Unit::PerSecond("items"),
        amount: Amount::Timed { probe: 60_000 },
        entry: |lineup| lineup.pipeline,
    },
    Workload {
        name: "spawn",
        title: "start an actor, send it one message, it stops (100,000; --quick 20,000)",
        unit: Unit::PerSecond("actors"),
        amount: Amount::Fixed { quick: 20_000, full: 100_000 },
        entry: |lineup| lineup.spawn,
    },
    Workload {
        name: "ask",
        title: "one asker, one question at a time",
        unit: Unit::PerSecond("asks"),
        amount: Amount::Timed { probe: 10_000 },
        entry: |lineup| lineup.ask,
    },
    Workload {
        name: "idle",
        title: "live bytes of an actor that has handled one message, bounded (1024)",
        unit: Unit::BytesPerActor,
        amount: Amount::Fixed { quick: 10_000, full: 10_000 },
        entry: |lineup| lineup.idle,
    },
];

/// The workload of that name.
pub(crate) fn named(name: &str) -> Option<Workload> {
    ALL.into_iter().find(|workload| workload.name == name)
}

//! What a contestant is: a name, its kind, and one function per workload.

use std::time::Duration;

/// How much one run is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Messages to pass, questions to ask or actors to start, by workload.
    pub(crate) items: u64,
}

/// What a contestant has to offer for one workload.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    /// Does the work of the plan and says how long it took.
    Timed(fn(&Plan) -> Duration),
    /// Starts the actors of the plan and says how many live bytes each costs
    /// once all are idle.
    Bytes(fn(&Plan) -> f64),
    /// As `Timed`, with something that the reader of the table should know.
    Noted(fn(&Plan) -> Duration, &'static str),
    /// Cannot do the workload, and why.
    Cannot(&'static str),
}

/// Which comparison a contestant takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// tidegate: its actors.
    Tidegate,
    /// tidegate: a mailbox without an actor, to be held against channels.
    TidegateMailbox,
    /// tidegate: its actors under another delivery mode.
    TidegateMode,
    /// An actor library.
    Actors,
    /// A channel, between tasks or threads.
    Channel,
    /// A channel used in a way that gives up something a mailbox needs; shown
    /// for orientation, no target refers to it.
    Aside,
}

/// One contestant: its entry for every workload, none left out silently.
pub(crate) struct Lineup {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) ping_pong: Entry,
    pub(crate) bounded: Entry,
    pub(crate) bounded_wide: Entry,
    pub(crate) unbounded: Entry,
    pub(crate) many_to_one: Entry,
    pub(crate) ring: Entry,
    pub(crate) fork_join: Entry,
    pub(crate) pipeline: Entry,
    pub(crate) spawn: Entry,
    pub(crate) ask: Entry,
    pub(crate) idle: Entry,
}

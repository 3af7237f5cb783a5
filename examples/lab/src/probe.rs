//! What the runtime says about its actors: the one place that knows where.

use tidegate::prelude::*;

/// Figures of one run, summed over the consumers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// How often they were polled. A handler that waits costs a poll by itself:
    /// two for a message is one to begin and one to end it, one is a consumer
    /// that ends a message and begins the next in the same poll.
    pub(crate) polls: u64,
    /// How often their mailboxes changed between push and pull.
    pub(crate) switches: u64,
}

/// Sums up what the runtime has counted for these actors.
pub(crate) fn read<M: Send + 'static>(actors: &[ActorRef<M>]) -> Reading {
    let mut sum = Reading::default();
    for stats in actors.iter().map(ActorRef::stats) {
        sum.polls += stats.polls;
        sum.switches += stats.epoch;
    }
    sum
}

/// How many dead letters the system has seen.
pub(crate) fn dead_letters(system: &System) -> u64 {
    system.dead_letters().counts().total()
}

//! What the runtime says about a run: the one place that knows where.

use std::collections::BTreeMap;

use tidegate::{DropCounts, DropReason, SwitchReason, prelude::*};

/// Messages dropped, by reason; a reason that did not occur is not in it.
pub(crate) type Drops = BTreeMap<DropReason, u64>;

/// The runtime's figures of one run, summed over the consumers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Messages handed to handlers, and not lost in them.
    pub(crate) handled: u64,
    /// How often the consumers were polled. A handler that waits costs a poll by
    /// itself: two for a message is one to begin and one to end it, one is a
    /// consumer that ends a message and begins the next in the same poll.
    pub(crate) polls: u64,
    /// The deepest queue that any one of them has met.
    pub(crate) high_water: u64,
    pub(crate) switches: Switches,
    /// What the mailboxes have dropped, each by its own count.
    pub(crate) drops: Drops,
    /// What the system's dead letters have been told.
    pub(crate) dead_letters: Drops,
}

/// Changes between push and pull, over all mailboxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Switches {
    pub(crate) total: u64,
    /// To pull, since the window was exhausted for too long.
    pub(crate) exhausted: u64,
    /// To pull, since service slowed down behind a queue.
    pub(crate) slower: u64,
    /// Back to push.
    pub(crate) relieved: u64,
}

/// Sums up what the runtime has counted. For a whole account the actors have to
/// have ended.
pub(crate) fn read<M: Send + 'static>(system: &System, actors: &[ActorRef<M>]) -> Reading {
    let mut sum = Reading { dead_letters: by_reason(&system.dead_letters().counts()), ..Reading::default() };
    for stats in actors.iter().map(ActorRef::stats) {
        sum.handled += stats.handled;
        sum.polls += stats.polls;
        sum.high_water = sum.high_water.max(stats.high_water);
        sum.switches.total += stats.epoch;
        // A mailbox remembers its last switches only; the total is of all.
        for switch in &stats.switches {
            match switch.reason {
                SwitchReason::Exhausted => sum.switches.exhausted += 1,
                SwitchReason::Slower => sum.switches.slower += 1,
                SwitchReason::Relieved => sum.switches.relieved += 1,
                _ => {}
            }
        }
        for (reason, n) in stats.drops.iter() {
            *sum.drops.entry(reason).or_default() += n;
        }
    }
    sum
}

fn by_reason(counts: &DropCounts) -> Drops {
    counts.iter().collect()
}

//! What a shutdown met.

use std::fmt;
use std::time::Duration;

use super::phase::Phase;
use crate::actor::{Activity, ActorId, ActorPath};

/// What a shutdown met.
#[derive(Clone, Debug, Default)]
#[must_use = "a report says what was left undone"]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Actors of the system that ended in time. Children end with them.
    pub drained: usize,
    /// Actors, children too, that had to be killed at the deadline, and what
    /// they were doing then.
    pub killed: Vec<LateActor>,
    /// Actors, children too, that did not end even then: a handler that does
    /// not await, or who waits for a child with such a handler.
    pub stuck: Vec<LateActor>,
    /// Messages that were accepted and never handled.
    pub undelivered: u64,
    /// How each phase went, in their order.
    pub phases: Vec<PhaseReport>,
}

/// How one phase of a shutdown went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseReport {
    /// Which.
    pub phase: Phase,
    /// Actors of the system that ended in time.
    pub drained: usize,
    /// Actors of the system that did not.
    pub late: usize,
    /// How long it took, killing included. Phases that were cut short by a
    /// second signal were so together.
    pub took: Duration,
}

/// An actor that did not end in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LateActor {
    /// Its number.
    pub id: ActorId,
    /// Where it was.
    pub path: ActorPath,
    /// In whose turn it was to end: its own, or that of whose child it is.
    pub phase: Phase,
    /// What it was doing when it was killed; if it is stuck, what it does.
    pub activity: Activity,
    /// How many messages waited for it. A handler that does not await has not
    /// told yet what was taken before: they are counted here too.
    pub queued: usize,
}

impl ShutdownReport {
    /// Whether everything accepted was handled and everybody ended in time.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.killed.is_empty() && self.stuck.is_empty() && self.undelivered == 0
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} actors drained", self.drained)?;
        for (actors, how) in [(&self.killed, "killed at the deadline"), (&self.stuck, "stuck")] {
            for (n, actor) in actors.iter().enumerate() {
                match n {
                    0 => write!(f, "; {} {how}: {actor}", actors.len())?,
                    _ => write!(f, ", {actor}")?,
                }
            }
        }
        write!(f, "; {} messages undelivered", self.undelivered)
    }
}

impl fmt::Display for LateActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.path, self.activity)?;
        if self.queued > 0 {
            write!(f, ", {} queued", self.queued)?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for PhaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, drained, late, took } = self;
        write!(f, "{phase}: {drained} drained, {late} late, in {took:?}")
    }
}

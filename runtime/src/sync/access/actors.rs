//! Numbers of actors that are explored.

use std::fmt;

use super::recorder::{ObjectId, TASK_BITS, new_id};

/// Marks the numbers of actors that are explored.
const EXPLORED: u64 = 1 << 63;

/// A number for an actor, while something is explored: parents have smaller
/// ones than their children, who are made by tasks that were made later.
pub(crate) fn new_actor() -> Option<u64> {
    let ObjectId(id) = new_id();
    (id != 0).then_some(EXPLORED | id)
}

/// A number of an actor, for people.
pub(crate) fn actor_name(id: u64) -> impl fmt::Display {
    ActorName(id)
}

struct ActorName(u64);

impl fmt::Display for ActorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & EXPLORED == 0 {
            return write!(f, "{}", self.0);
        }
        let id = self.0 & !EXPLORED;
        let (task, nth) = (id >> TASK_BITS, id & ((1 << TASK_BITS) - 1));
        // Most are made by the body, which is the first task.
        if task > 1 { write!(f, "{task}.{nth}") } else { write!(f, "{nth}") }
    }
}

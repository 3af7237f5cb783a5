//! Who gets an item: the choices that an [`Outlet`](super::Outlet) can make,
//! apart from everything that sends.
//!
//! A seat is where a subscriber sits: a small number, used again when the
//! subscriber has left. Its demand is what the outlet was told last.

mod assigned;
mod gate;
mod highest;
mod turns;

use std::hash::{DefaultHasher, Hash, Hasher};

pub(super) use self::assigned::Assigned;
pub(super) use self::gate::gate;
pub(super) use self::highest::Highest;
pub(super) use self::turns::Turns;

/// How an outlet chooses.
pub(super) enum Dispatch<T> {
    /// One of those that have demand, in turn.
    ByDemand(Turns),
    /// The one that has most.
    Highest(Highest),
    /// All, by copies.
    Broadcast(fn(&T) -> T),
    /// The one to whom its key belongs.
    Partitioned(Partitioned<T>),
}

/// Subscribers by key.
pub(super) struct Partitioned<T> {
    pub(super) assigned: Assigned,
    key: Box<dyn Fn(&T) -> u64 + Send>,
}

impl<T> Partitioned<T> {
    pub(super) fn new<K: Hash>(partitions: usize, key: impl Fn(&T) -> K + Send + 'static) -> Self {
        let key = Box::new(move |item: &T| {
            // Keyed the same in every outlet and every run.
            let mut hasher = DefaultHasher::new();
            key(item).hash(&mut hasher);
            hasher.finish()
        });
        Self { assigned: Assigned::new(partitions), key }
    }

    /// Whose it is. Calls foreign code, which may panic.
    pub(super) fn partition_of(&self, item: &T) -> usize {
        ((self.key)(item) % self.assigned.partitions() as u64) as usize
    }
}

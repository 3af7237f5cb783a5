//! Who may be sent to, and how many more.
//!
//! Each target has so many slots, and a delivery holds one until it is
//! acknowledged or comes back: also one that is late, so that a stuck worker
//! gets no more. The next message goes to whoever holds the fewest, and among
//! those to whoever has been free longest. So nobody hoards and nobody starves.

use std::collections::{BTreeMap, BTreeSet};

use super::Delivery;
use crate::actor::{ActorId, ActorPath, ActorRef};

/// How one of the [`Workers`](crate::pattern::Workers) stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Which actor it is.
    pub id: ActorId,
    /// Where it is.
    pub path: ActorPath,
    /// How many jobs it may hold.
    pub prefetch: usize,
    /// How many it holds: in its mailbox, in hand, and those of which it has a
    /// receipt. More than `prefetch` only if that was lowered meanwhile.
    pub held: usize,
    /// It gets no more until it is [resumed](crate::pattern::Workers::resume).
    pub paused: bool,
    /// Jobs that it was the first to acknowledge.
    pub acked: u64,
    /// Jobs that came back from it, for whatever reason.
    pub returned: u64,
    /// Jobs that it did not acknowledge in time.
    pub late: u64,
}

pub(super) struct Targets<M> {
    all: BTreeMap<u64, Target<M>>,
    by_actor: BTreeMap<ActorId, u64>,
    /// Those with a free slot that nobody is about to fill.
    free: BTreeSet<Place>,
    stamp: u64,
    /// Free slots of all together: more than a `usize` if some may hold any number.
    slots: u128,
}

/// How many it holds, since when, who.
type Place = (usize, u64, u64);

pub(crate) struct Target<M> {
    pub(super) actor: ActorRef<Delivery<M>>,
    /// By which it is watched, if it is.
    pub(super) watch: Option<u64>,
    pub(crate) slots: usize,
    pub(crate) paused: bool,
    pub(super) acked: u64,
    pub(super) returned: u64,
    pub(super) late: u64,
    held: usize,
    since: u64,
    /// The pump waits for its mailbox to let one in.
    awaited: bool,
}

impl<M> Target<M> {
    fn open(&self) -> usize {
        if self.paused { 0 } else { self.slots.saturating_sub(self.held) }
    }

    fn place(&self, key: u64) -> Option<Place> {
        (self.open() > 0 && !self.awaited).then_some((self.held, self.since, key))
    }
}

impl<M: Send + 'static> Targets<M> {
    pub(super) fn new() -> Self {
        Self { all: BTreeMap::new(), by_actor: BTreeMap::new(), free: BTreeSet::new(), stamp: 0, slots: 0 }
    }

    pub(super) fn add(&mut self, actor: ActorRef<Delivery<M>>, slots: usize) -> u64 {
        self.stamp += 1;
        let key = self.stamp;
        self.by_actor.insert(actor.id(), key);
        let target = Target {
            actor,
            watch: None,
            slots,
            paused: false,
            acked: 0,
            returned: 0,
            late: 0,
            held: 0,
            since: key,
            awaited: false,
        };
        self.slots += target.open() as u128;
        self.free.extend(target.place(key));
        self.all.insert(key, target);
        key
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Target<M>> {
        let target = self.all.remove(&key)?;
        self.by_actor.remove(&target.actor.id());
        if let Some(place) = target.place(key) {
            self.free.remove(&place);
        }
        self.slots -= target.open() as u128;
        Some(target)
    }

    pub(super) fn clear(&mut self) -> BTreeMap<u64, Target<M>> {
        self.by_actor.clear();
        (self.free, self.slots) = (BTreeSet::new(), 0);
        std::mem::take(&mut self.all)
    }

    pub(super) fn find(&self, actor: &ActorRef<Delivery<M>>) -> Option<u64> {
        self.by_actor.get(&actor.id()).copied()
    }

    pub(super) fn keys(&self) -> Vec<u64> {
        self.all.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn free_slots(&self) -> u128 {
        self.slots
    }

    /// Whether it is to get another.
    pub(super) fn is_open(&self, key: u64) -> bool {
        self.all.get(&key).is_some_and(|target| target.open() > 0)
    }

    /// Whether it takes nothing more, or is none of them any more.
    pub(super) fn has_ended(&self, key: u64) -> bool {
        self.all.get(&key).is_none_or(|target| target.actor.is_closed())
    }

    pub(super) fn stats(&self) -> Vec<WorkerStats> {
        let stats = |target: &Target<M>| WorkerStats {
            id: target.actor.id(),
            path: target.actor.path().clone(),
            prefetch: target.slots,
            held: target.held,
            paused: target.paused,
            acked: target.acked,
            returned: target.returned,
            late: target.late,
        };
        self.all.values().map(stats).collect()
    }

    /// Who is to get the next one. It is not picked again until that is settled
    /// by [`took`](Self::took) or [`not_now`](Self::not_now).
    pub(super) fn pick(&mut self) -> Option<(u64, ActorRef<Delivery<M>>)> {
        let &(_, _, key) = self.free.first()?;
        self.pick_this(key)
    }

    /// As [`pick`](Self::pick), this one if it is free.
    pub(super) fn pick_this(&mut self, key: u64) -> Option<(u64, ActorRef<Delivery<M>>)> {
        let target = self.all.get_mut(&key)?;
        self.free.remove(&target.place(key)?);
        target.awaited = true;
        Some((key, target.actor.clone()))
    }

    pub(super) fn not_now(&mut self, key: u64) {
        self.change(key, |target| target.awaited = false);
    }

    /// A slot is filled.
    pub(super) fn took(&mut self, key: u64) {
        self.change(key, |target| {
            target.awaited = false;
            target.held += 1;
        });
    }

    /// A slot is free again.
    pub(super) fn gave(&mut self, key: u64) {
        self.stamp += 1;
        let stamp = self.stamp;
        self.change(key, |target| {
            target.held -= 1;
            target.since = stamp;
        });
    }

    /// Changes something about one of them. `None` if it is none of them.
    pub(super) fn change<R>(&mut self, key: u64, change: impl FnOnce(&mut Target<M>) -> R) -> Option<R> {
        let target = self.all.get_mut(&key)?;
        let (open, place) = (target.open(), target.place(key));
        let result = change(target);
        let (now_open, now_place) = (target.open(), target.place(key));
        self.slots = self.slots - open as u128 + now_open as u128;
        if place != now_place {
            if let Some(place) = place {
                self.free.remove(&place);
            }
            self.free.extend(now_place);
        }
        Some(result)
    }
}

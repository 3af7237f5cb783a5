//! Who may be sent to, and how many more.
//!
//! Each target has so many slots, and a delivery holds one until it is
//! acknowledged or comes back: also one that is late, so that a stuck worker
//! gets no more. The next message goes to whoever holds the fewest, and among
//! those to whoever has been free longest. So nobody hoards and nobody starves.

use std::collections::{BTreeMap, BTreeSet};

use super::Delivery;
use crate::actor::ActorRef;

pub(super) struct Targets<M> {
    all: BTreeMap<u64, Target<M>>,
    /// Those with a free slot that nobody is about to fill: held, since when, who.
    free: BTreeSet<(usize, u64, u64)>,
    stamp: u64,
    /// Free slots of all together.
    slots: usize,
}

pub(super) struct Target<M> {
    pub(super) actor: ActorRef<Delivery<M>>,
    /// By which it is watched, if it is.
    pub(super) watch: Option<u64>,
    slots: usize,
    held: usize,
    since: u64,
    /// The pump waits for its mailbox to let one in.
    awaited: bool,
}

impl<M: Send + 'static> Targets<M> {
    pub(super) fn new() -> Self {
        Self { all: BTreeMap::new(), free: BTreeSet::new(), stamp: 0, slots: 0 }
    }

    pub(super) fn add(&mut self, actor: ActorRef<Delivery<M>>, slots: usize) -> u64 {
        self.stamp += 1;
        let key = self.stamp;
        self.all.insert(key, Target { actor, watch: None, slots, held: 0, since: key, awaited: false });
        self.slots += slots;
        self.list(key);
        key
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Target<M>> {
        self.unlist(key);
        let target = self.all.remove(&key)?;
        self.slots -= target.slots - target.held;
        Some(target)
    }

    pub(super) fn clear(&mut self) -> BTreeMap<u64, Target<M>> {
        (self.free, self.slots) = (BTreeSet::new(), 0);
        std::mem::take(&mut self.all)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Target<M>> {
        self.all.get_mut(&key)
    }

    pub(super) fn find(&self, actor: &ActorRef<Delivery<M>>) -> Option<u64> {
        self.all.iter().find(|(_, target)| target.actor == *actor).map(|(key, _)| *key)
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.all.contains_key(&key)
    }

    pub(super) fn keys(&self) -> Vec<u64> {
        self.all.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn free_slots(&self) -> usize {
        self.slots
    }

    /// Whether it takes nothing more, or is none of them any more.
    pub(super) fn has_ended(&self, key: u64) -> bool {
        self.all.get(&key).is_none_or(|target| target.actor.is_closed())
    }

    /// Who is to get the next one. It is not picked again until that is settled
    /// by [`took`](Self::took) or [`not_now`](Self::not_now).
    pub(super) fn pick(&mut self) -> Option<(u64, ActorRef<Delivery<M>>)> {
        let (_, _, key) = self.free.pop_first()?;
        let target = self.all.get_mut(&key)?;
        target.awaited = true;
        Some((key, target.actor.clone()))
    }

    pub(super) fn not_now(&mut self, key: u64) {
        if let Some(target) = self.all.get_mut(&key) {
            target.awaited = false;
            self.list(key);
        }
    }

    /// A slot is filled.
    pub(super) fn took(&mut self, key: u64) {
        if let Some(target) = self.all.get_mut(&key) {
            target.awaited = false;
            target.held += 1;
            self.slots -= 1;
            self.list(key);
        }
    }

    /// A slot is free again.
    pub(super) fn gave(&mut self, key: u64) {
        self.unlist(key);
        self.stamp += 1;
        if let Some(target) = self.all.get_mut(&key) {
            target.held -= 1;
            target.since = self.stamp;
            self.slots += 1;
            self.list(key);
        }
    }

    fn list(&mut self, key: u64) {
        if let Some(target) = self.all.get(&key)
            && target.held < target.slots
            && !target.awaited
        {
            self.free.insert((target.held, target.since, key));
        }
    }

    fn unlist(&mut self, key: u64) {
        if let Some(target) = self.all.get(&key) {
            self.free.remove(&(target.held, target.since, key));
        }
    }
}

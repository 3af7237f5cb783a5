//! The ledger as it is shared: between an actor, its pump, and everybody who
//! holds a delivery.

use std::sync::{Arc, OnceLock, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::keys::KeyStats;
use super::ledger::{After, Ledger};
use super::targets::{Picked, Target, WorkerStats};
use super::terms::{DeliveryStats, KeyOf, Terms};
use super::{Custody, Delivery, Return, Settle, Slip};
use crate::actor::fate;
use crate::actor::panic::contained;
use crate::actor::world::World;
use crate::actor::{ActorId, ActorPath, ActorRef};
use crate::mailbox::{DropReason, Permit, TryReserveError};
use crate::sync::access::{self, Access};
use crate::sync::shim::Mutex;
use crate::system::System;

pub(crate) struct Desk<M> {
    ledger: Mutex<Ledger<M>>,
    world: Arc<World>,
    path: OnceLock<ActorPath>,
    key: Option<Arc<KeyOf<M>>>,
    copy: Option<fn(&M) -> M>,
    /// Deliveries have deadlines.
    timed: bool,
}

impl<M: Send + 'static> Desk<M> {
    pub(crate) fn new(terms: Terms<M>, system: &System) -> Arc<Self> {
        Arc::new(Self {
            key: terms.key.clone(),
            copy: terms.copy,
            timed: terms.ack_within.is_some(),
            ledger: Mutex::new(Ledger::new(terms)),
            world: Arc::clone(system.world()),
            path: OnceLock::new(),
        })
    }

    /// Whose desk it is: before the first message.
    pub(crate) fn belongs_to(&self, id: ActorId, path: &ActorPath) {
        self.ledger.lock().source = id;
        let _ = self.path.set(path.clone());
    }

    /// Works on the ledger, and does what is left to do once it is free.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Ledger<M>, &mut After<M>) -> R) -> R {
        let mut after = After::new();
        let result = work(&mut self.ledger.lock(), &mut after);
        // By hand: this is on the way of every job, several times.
        let [pump, room] = after.wake;
        if let Some(pump) = pump {
            pump.wake();
        }
        if let Some(room) = room {
            room.wake();
        }
        if !after.bury.is_empty() || !after.drop.is_empty() {
            self.discard(after.bury, after.drop);
        }
        result
    }

    /// Drops messages. What they do about it is foreign code, and must not end
    /// the pump, or the work of whoever has just acknowledged one.
    fn discard(&self, bury: Vec<(DropReason, Option<M>)>, messages: Vec<M>) {
        let path = self.path.get().map_or_else(|| "delivery".into(), |path| Arc::clone(&path.0));
        for (reason, message) in bury {
            let _ = contained(|| self.world.dead.bury(reason, &path, [message].into_iter()));
        }
        for message in messages {
            let _ = contained(|| drop(message));
        }
    }

    pub(crate) fn stats(&self) -> DeliveryStats {
        self.read(Ledger::stats)
    }

    pub(crate) fn key_stats(&self) -> KeyStats {
        self.read(|ledger| ledger.keys.as_ref().map(|keys| keys.stats()).unwrap_or_default())
    }

    pub(crate) fn worker_stats(&self) -> Vec<WorkerStats> {
        self.read(|ledger| ledger.targets.stats())
    }

    /// Changes how many a target may hold. `false` if `actor` is none.
    pub(crate) fn change(&self, actor: &ActorRef<Delivery<M>>, change: impl FnOnce(&mut Target<M>)) -> bool {
        self.with(|ledger, after| {
            let found = ledger.targets.find(actor);
            let changed = found.and_then(|key| ledger.targets.adjust(key, change)).is_some();
            ledger.wake(after);
            changed
        })
    }

    /// How many there are to send to.
    pub(crate) fn targets(&self) -> usize {
        self.read(|ledger| ledger.targets.len())
    }

    pub(super) fn read<R>(&self, look: impl FnOnce(&Ledger<M>) -> R) -> R {
        look(&self.ledger.lock_to(Access::Read))
    }

    pub(super) fn now(&self) -> Duration {
        self.world.executor.now()
    }

    pub(super) fn random(&self) -> u64 {
        self.world.executor.random()
    }

    pub(super) fn sleep(&self, duration: Duration) -> crate::actor::BoxTask {
        self.world.executor.sleep(duration)
    }

    /// Ready once another message may be accepted.
    pub(crate) fn poll_room(&self, ending: bool, waker: &Waker) -> Poll<()> {
        let before = {
            let mut ledger = self.ledger.lock();
            if ledger.has_room(ending) {
                return Poll::Ready(());
            }
            ledger.room.replace(waker.clone())
        };
        drop(before);
        Poll::Pending
    }

    /// Accepts a message, and sends it at once to who can take it: so most do
    /// not need the pump.
    pub(crate) fn accept(self: &Arc<Self>, message: M) {
        let key = match &self.key {
            None => Some(0),
            // Foreign code: not under the lock, and its panic is that message's.
            Some(key) => contained(|| key(&message)).ok(),
        };
        let picked = self.with(|ledger, after| {
            ledger.accept(message, key, after);
            match ledger.pick() {
                Some(Picked { target, actor, wait: false }) => Some((target, actor)),
                // To wait for somebody is up to the pump.
                Some(Picked { target, .. }) => {
                    ledger.landed(target, after);
                    None
                }
                // Whoever is free next says so.
                None => None,
            }
        });
        let Some((target, actor)) = picked else { return };
        match actor.try_reserve() {
            Ok(permit) => {
                self.send(target, permit);
                self.with(|ledger, after| ledger.landed(target, after));
            }
            Err(TryReserveError::Closed) => {
                self.leave(target);
            }
            Err(_) => self.with(|ledger, after| {
                ledger.targets.refused(target);
                ledger.wake(after);
            }),
        }
    }

    /// Uses a permit for the next message that is ready, if one is. `target` is
    /// held until it is told that this has landed.
    pub(super) fn send(self: &Arc<Self>, target: u64, permit: Permit<Delivery<M>>) {
        let now = if self.timed { self.now() } else { Duration::ZERO };
        let Some(sending) = self.with(|ledger, _| ledger.send(target, now)) else { return };
        let slip = sending.slip;
        if let Some(copy) = self.copy {
            // Foreign code: not under the lock, and its panic is a failed attempt.
            match contained(|| copy(&sending.message)) {
                Ok(copied) => self.with(|ledger, after| ledger.keep(slip, copied, after)),
                Err(_) => return self.take_back(slip, Some(sending.message), Return::Nack, true),
            }
        }
        let custody: Arc<dyn Custody<M>> = Arc::clone(self) as _;
        // If it comes back at once, dropping it does what is to be done. What a
        // mapped reference makes of it is foreign code, too.
        let _ = contained(|| {
            let delivery = Delivery::new(sending.message, slip, custody);
            match self.survives(target, delivery) {
                Some(delivery) => drop(permit.send(delivery)),
                None => drop(permit),
            }
        });
    }

    /// The delivery, if it is to arrive now: explored, a fault may have it otherwise.
    fn survives(&self, target: u64, delivery: Delivery<M>) -> Option<Delivery<M>> {
        if !access::is_exploring() {
            return Some(delivery);
        }
        access::act();
        match self.read(|ledger| ledger.targets.actor(target)) {
            Some(actor) => fate::send(&actor, delivery),
            None => Some(delivery),
        }
    }

    pub(crate) fn close(&self) {
        let targets = self.with(|ledger, after| {
            ledger.close(after);
            ledger.targets.clear()
        });
        for target in targets.into_values() {
            unwatch(&target.actor, target.watch);
        }
    }

    /// Takes `actor` among the targets, until it ends.
    pub(crate) fn join(self: &Arc<Self>, actor: &ActorRef<Delivery<M>>, slots: usize) -> bool {
        let key = self.with(|ledger, after| {
            if ledger.closed || ledger.targets.find(actor).is_some() {
                return None;
            }
            let key = ledger.targets.add(actor.clone(), slots);
            ledger.wake(after);
            Some(key)
        });
        let Some(key) = key else { return false };
        let desk: Weak<Self> = Arc::downgrade(self);
        let watch = actor.life().watch(Box::new(move |_| {
            if let Some(desk) = desk.upgrade() {
                desk.leave(key);
            }
        }));
        // It may have left, or ended, meanwhile.
        let there = self.ledger.lock().targets.change(key, |target| target.watch = watch);
        if there.is_none() {
            unwatch(actor, watch);
        }
        true
    }

    /// Sends no more to the target with this key.
    pub(super) fn leave(&self, key: u64) -> bool {
        let target = self.with(|ledger, after| {
            let target = ledger.targets.remove(key);
            ledger.wake(after);
            target
        });
        let Some(target) = target else { return false };
        unwatch(&target.actor, target.watch);
        true
    }

    /// Takes `actor` for a target, with as many slots as the window, and nobody
    /// else.
    pub(crate) fn replace(self: &Arc<Self>, actor: &ActorRef<Delivery<M>>) {
        let (before, slots) = self.with(|ledger, _| (ledger.targets.keys(), ledger.terms.window));
        // First the new one: a courier without a target may end.
        if self.join(actor, slots) {
            for key in before {
                self.leave(key);
            }
        }
    }

    pub(crate) fn dismiss(&self, actor: &ActorRef<Delivery<M>>) -> bool {
        let key = self.read(|ledger| ledger.targets.find(actor));
        key.is_some_and(|key| self.leave(key))
    }
}

fn unwatch<M>(actor: &ActorRef<M>, watch: Option<u64>) {
    if let Some(watch) = watch {
        actor.life().unwatch(watch);
    }
}

impl<M: Send + 'static> Settle for Desk<M> {
    fn ack(&self, slip: Slip) -> bool {
        access::act();
        self.with(|ledger, after| ledger.ack(slip, after))
    }

    fn give_back(&self, slip: Slip, how: Return) {
        self.take_back(slip, None, how, true);
    }

    fn extend(&self, slip: Slip) -> bool {
        let now = self.now();
        self.with(|ledger, _| ledger.extend(slip, now))
    }
}

impl<M: Send + 'static> Custody<M> for Desk<M> {
    fn take_back(&self, slip: Slip, message: Option<M>, how: Return, opened: bool) {
        access::act();
        let now = self.now();
        self.with(|ledger, after| {
            ledger.take_back(slip, message, how, opened, (now, || self.random()), after);
        });
    }
}

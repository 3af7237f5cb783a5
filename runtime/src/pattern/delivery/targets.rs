//! Who may be sent to, and how many more.
//!
//! Each target has so many slots, and a delivery holds one until it is
//! acknowledged or comes back: also one that is late, so that a stuck worker
//! gets no more. The next message goes to whoever holds the fewest, and among
//! those to whoever has been free longest. So nobody hoards and nobody starves.
//!
//! One whose mailbox let nothing in comes after all others, until it gives
//! something back or lets something in. Whether it would by now is asked of one
//! of them for each message, so that what a message costs does not grow with
//! how many of them there are.

use std::collections::BTreeMap;

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
    free: BTreeMap<Place, u64>,
    /// Those that were to get one, and then no more, since this was emptied.
    pub(super) shut: Vec<u64>,
    stamp: u64,
    /// Free slots of all together: more than a `usize` if some may hold any number.
    slots: u128,
}

/// Whether it refused the last (one bit), how many it holds, and since when,
/// which no other has. In one number, since it is compared for every job.
type Place = u128;

/// Before all that refused.
const REFUSED: Place = 1 << 127;

/// Who is to get a message.
pub(super) struct Picked<M> {
    pub(super) target: u64,
    pub(super) actor: ActorRef<Delivery<M>>,
    /// It refused the last one, and so did all others: it is to be waited for.
    pub(super) wait: bool,
}

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
    /// Its mailbox let nothing in, and when.
    refused: Option<u64>,
    /// One is on its way to it, or waits for its mailbox to let one in.
    awaited: bool,
}

impl<M> Target<M> {
    fn open(&self) -> usize {
        if self.paused { 0 } else { self.slots.saturating_sub(self.held) }
    }

    fn place(&self) -> Option<Place> {
        let place = || match self.refused {
            None => (self.held as Place) << 64 | Place::from(self.since),
            Some(at) => REFUSED | Place::from(at),
        };
        (!self.awaited && self.open() > 0).then(place)
    }
}

impl<M: Send + 'static> Targets<M> {
    pub(super) fn new() -> Self {
        Self {
            all: BTreeMap::new(),
            by_actor: BTreeMap::new(),
            free: BTreeMap::new(),
            shut: Vec::new(),
            stamp: 0,
            slots: 0,
        }
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
            refused: None,
            awaited: false,
        };
        self.slots += target.open() as u128;
        self.free.extend(target.place().map(|place| (place, key)));
        self.all.insert(key, target);
        key
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Target<M>> {
        let target = self.all.remove(&key)?;
        self.by_actor.remove(&target.actor.id());
        if let Some(place) = target.place() {
            self.free.remove(&place);
        }
        if target.awaited {
            self.shut.push(key);
        }
        self.slots -= target.open() as u128;
        Some(target)
    }

    pub(super) fn clear(&mut self) -> BTreeMap<u64, Target<M>> {
        self.by_actor.clear();
        (self.free, self.slots) = (BTreeMap::new(), 0);
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

    /// Who that is, unless it has left.
    pub(super) fn actor(&self, key: u64) -> Option<ActorRef<Delivery<M>>> {
        self.all.get(&key).map(|target| target.actor.clone())
    }

    /// Whether there is one to be [picked](Self::pick).
    pub(super) fn has_free(&self) -> bool {
        !self.free.is_empty()
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

    /// Who is to get the next one: `home` if it is free, or whoever is the
    /// first. `again`: this was asked for the same message before, so that those
    /// that refused are no longer asked, unless there is nobody else.
    ///
    /// It is not picked again until that has [landed](Self::landed), or it has
    /// [refused](Self::refused).
    pub(super) fn pick(&mut self, home: Option<u64>, again: bool) -> Option<Picked<M>> {
        let (&first, _) = self.free.first_key_value()?;
        let home = home.and_then(|home| self.all.get(&home)?.place());
        let place = match home {
            Some(home) if home < REFUSED || !again => home,
            _ if again => first,
            _ => self.free.range(REFUSED..).next().map_or(first, |(refused, _)| *refused),
        };
        let key = self.free.remove(&place)?;
        let target = self.all.get_mut(&key)?;
        target.awaited = true;
        Some(Picked { target: key, actor: target.actor.clone(), wait: again && place > REFUSED })
    }

    /// Its mailbox lets nothing in.
    pub(super) fn refused(&mut self, key: u64) {
        self.stamp += 1;
        let stamp = self.stamp;
        self.change(key, |target| {
            target.refused = Some(stamp);
            target.awaited = false;
        });
    }

    /// A slot is filled. The next one goes there when this one has
    /// [landed](Self::landed): so each gets them in order.
    pub(super) fn took(&mut self, key: u64) {
        let Some(target) = self.all.get_mut(&key) else { return };
        // Awaited, it has no place that would change.
        self.slots -= u128::from(target.open() > 0);
        target.refused = None;
        target.held += 1;
    }

    /// What was on its way is there, or does not come.
    pub(super) fn landed(&mut self, key: u64) {
        self.change(key, |target| target.awaited = false);
    }

    /// A slot is free again.
    pub(super) fn gave(&mut self, key: u64) {
        self.stamp += 1;
        let stamp = self.stamp;
        self.change(key, |target| {
            target.held -= 1;
            target.since = stamp;
            // Who is done with one is likely to ask for the next.
            target.refused = None;
        });
    }

    /// Changes how many one of them may hold. `None` if it is none of them.
    pub(super) fn adjust<R>(&mut self, key: u64, change: impl FnOnce(&mut Target<M>) -> R) -> Option<R> {
        let result = self.change(key, change)?;
        if self.all.get(&key).is_some_and(|target| target.awaited && target.open() == 0) {
            self.shut.push(key);
        }
        Some(result)
    }

    /// Changes something about one of them. `None` if it is none of them.
    pub(super) fn change<R>(&mut self, key: u64, change: impl FnOnce(&mut Target<M>) -> R) -> Option<R> {
        let target = self.all.get_mut(&key)?;
        let (open, place) = (target.open(), target.place());
        let result = change(target);
        let (now_open, now_place) = (target.open(), target.place());
        self.slots = self.slots - open as u128 + now_open as u128;
        if place != now_place {
            if let Some(place) = place {
                self.free.remove(&place);
            }
            self.free.extend(now_place.map(|place| (place, key)));
        }
        Some(result)
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::actor::{Actor, Context, Fault};
    use crate::mailbox::Push;
    use crate::system::{ManualExecutor, System};

    struct Idle;

    impl Actor for Idle {
        type Msg = Delivery<()>;

        async fn handle(&mut self, job: Delivery<()>, _: &mut Context<Self>) -> Result<(), Fault> {
            job.ack();
            Ok(())
        }
    }

    /// So many targets with one slot each; the system that they live in.
    fn targets(n: usize) -> (Targets<()>, Vec<u64>, System) {
        let system = System::with_executor(ManualExecutor::new());
        let mut targets = Targets::new();
        let keys = (0..n).map(|_| targets.add(system.spawn(Idle, Push::bounded(1)), 1)).collect();
        (targets, keys, system)
    }

    /// Who gets a message, those in `shut` letting nothing in, and how many were
    /// asked. `None`: one of these is to be waited for.
    fn send(targets: &mut Targets<()>, shut: impl Fn(u64) -> bool) -> (Option<u64>, u32) {
        let mut asked = 0;
        loop {
            let Some(Picked { target, wait, .. }) = targets.pick(None, asked > 0) else { panic!("nobody is free") };
            asked += 1;
            if wait {
                targets.landed(target);
                return (None, asked);
            }
            if shut(target) {
                targets.refused(target);
                continue;
            }
            targets.took(target);
            targets.landed(target);
            return (Some(target), asked);
        }
    }

    #[test]
    fn a_message_costs_the_same_however_many_let_nothing_in() {
        let (mut targets, keys, _system) = targets(100);
        let willing = keys[99];
        // At first nobody knows.
        assert_eq!(send(&mut targets, |key| key != willing), (Some(willing), 100));
        for _ in 0..1000 {
            targets.gave(willing);
            assert_eq!(send(&mut targets, |key| key != willing), (Some(willing), 2));
        }
        assert_eq!(send(&mut targets, |_| true), (None, 2), "all others have refused");
        assert_eq!(targets.free_slots(), 99);
    }

    #[test]
    fn one_that_refused_is_asked_again_in_its_turn_while_others_are_free() {
        let (mut targets, keys, _system) = targets(20);
        let (late, willing) = (keys[7], keys[19]);
        for _ in 0..50 {
            assert_eq!(send(&mut targets, |key| key != willing).0, Some(willing));
            targets.gave(willing);
        }
        // Now another would take one. It gets it before any refuses twice.
        let mut before = 0;
        while send(&mut targets, |key| key != willing && key != late).0 == Some(willing) {
            targets.gave(willing);
            before += 1;
        }
        assert!(before < 19, "{before}");
        assert_eq!(targets.stats()[7].held, 1);
    }

    #[test]
    fn who_gives_something_back_is_no_longer_one_that_refused() {
        let (mut targets, keys, _system) = targets(3);
        targets.adjust(keys[0], |target| target.slots = 2);
        assert_eq!(send(&mut targets, |_| false).0, Some(keys[0]));
        // Asked for its second it refuses; when it is done with the first it is
        // the one that has been free for the shortest time, and asked in its turn.
        assert_eq!(send(&mut targets, |_| false).0, Some(keys[1]));
        assert_eq!(send(&mut targets, |_| false).0, Some(keys[2]));
        assert_eq!(send(&mut targets, |_| true), (None, 2));
        targets.gave(keys[0]);
        let Some(picked) = targets.pick(None, true) else { panic!("it is free") };
        assert!(!picked.wait);
    }

    #[test]
    fn those_that_are_shut_while_one_is_on_its_way_are_told() {
        let (mut targets, keys, _system) = targets(4);
        let Some(Picked { target, .. }) = targets.pick(None, false) else { panic!("all are free") };
        targets.adjust(target, |target| target.paused = true);
        assert_eq!(std::mem::take(&mut targets.shut), [keys[0]]);
        let Some(Picked { target, .. }) = targets.pick(None, false) else { panic!("others are free") };
        assert!(targets.remove(target).is_some());
        assert_eq!(std::mem::take(&mut targets.shut), [keys[1]]);
        targets.adjust(keys[2], |target| target.paused = true);
        assert!(targets.shut.is_empty(), "nothing was on its way");
        targets.landed(keys[0]);
        assert_eq!((targets.free_slots(), targets.free.len()), (1, 1));
    }
}

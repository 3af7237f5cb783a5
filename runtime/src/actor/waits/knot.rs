//! Finding deadlocks, and ending them.
//!
//! A deadlock is a set of actors of which each is in its handler, waits for
//! nothing but room and answers, and gets none of them before another of the
//! set goes on. Two or more wait for each other then, or one for itself. It is
//! looked for in two steps, since a false alarm would break a program that
//! works:
//!
//! 1. *Suspicion*, from the list alone: of all actors that wait, those are
//!    struck out, again and again, that wait for one not in the set, have
//!    waited for less than the grace, or whose wait may end without its target
//!    (a permit is out, or the handler is done with the question).
//! 2. *Certainty*: each suspect is [probed](super::probe) in rounds. If all were
//!    found to wait for nothing else, and all once more after that, with the
//!    same waits, then between the two rounds there was a moment at which none
//!    of them could go on.
//!
//! Then the youngest wait on the cycle ends with an error that names the
//! mailboxes. One is enough for a cycle: its actor goes on, and with it the
//! others. Those who wait for several may be on another one then.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::Waiting;
use super::list::{Facts, List, Seat, Waits, together};
use crate::actor::context::Child;
use crate::actor::lifecycle::ActorId;
use crate::actor::panic::contained;
use crate::actor::world::World;
use crate::mailbox::Cycle;

/// How many rounds of probes a suspicion may take, each twice as long as the one
/// before.
const ROUNDS: u32 = 8;
const FIRST_ROUND: Duration = Duration::from_millis(1);

/// A suspicion that did not come true is not looked at again sooner.
const NOT_SOONER: Duration = Duration::from_millis(10);

/// A long wait is told of at least so often, until it has lasted for `GIVE_UP`.
const SELDOM: Duration = Duration::from_secs(3600);
const GIVE_UP: Duration = Duration::from_secs(30 * 24 * 3600);

type AllFacts = BTreeMap<ActorId, Facts>;

/// Has the list of a world looked after, by one task, as long as there are
/// waits.
pub(super) fn tend(world: &Arc<World>) {
    let task = Box::pin(tending(Arc::clone(world)));
    // Somebody may wait where the executor runs nothing.
    let spawned = catch_unwind(AssertUnwindSafe(|| world.executor.spawn("tidegate-waits", task)));
    if spawned.is_err() {
        world.waits.list.lock().tended = false;
    }
}

async fn tending(world: Arc<World>) {
    loop {
        let now = world.executor.now();
        world.waits.tell_of_long_waits(&world, now);
        let again = world.waits.look_for_deadlocks(&world, now);
        let Some(due) = world.waits.next_due(again) else { return };
        let mut sleep = world.executor.sleep(due.saturating_sub(now));
        poll_fn(|cx| {
            if sleep.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut list = world.waits.list.lock();
            if list.sleeps_until < due || list.edges.is_empty() {
                // Somebody came who is to be looked at sooner, or all have gone.
                return Poll::Ready(());
            }
            let old = list.sleeper.replace(cx.waker().clone());
            drop(list);
            drop(old);
            Poll::Pending
        })
        .await;
    }
}

impl Waits {
    /// When the list is to be looked at next. `None`: never, as it stands.
    fn next_due(&self, again: Option<Duration>) -> Option<Duration> {
        let mut list = self.list.lock();
        // While a suspicion is followed, what made it due is due no more.
        let check_at = |at: Duration| if again.is_some() { Duration::MAX } else { at };
        let due = list.edges.values().map(|edge| edge.tell_at.min(check_at(edge.check_at))).chain(again).min();
        let due = due.filter(|due| *due < Duration::MAX);
        list.sleeps_until = due.unwrap_or(Duration::MAX);
        list.tended = due.is_some();
        due
    }

    fn tell_of_long_waits(&self, world: &World, now: Duration) {
        let long: Vec<u64> = {
            let mut list = self.list.lock();
            let due = list.edges.iter_mut().filter(|(_, edge)| edge.tell_at <= now);
            due.map(|(serial, edge)| {
                let elapsed = now.saturating_sub(edge.since);
                edge.tell_at = if elapsed > GIVE_UP { Duration::MAX } else { now + elapsed.min(SELDOM) };
                *serial
            })
            .collect()
        };
        if long.is_empty() {
            return;
        }
        let listeners = self.listeners.lock().clone();
        for wait in self.seen(world, now, |serial| long.binary_search(&serial).is_ok()) {
            self.long_waits.add(1);
            #[cfg(feature = "tracing")]
            tracing::warn!(actor = wait.who.as_ref().map(tracing::field::display), on = %wait.on, elapsed = ?wait.elapsed, "{wait}");
            #[cfg(feature = "metrics")]
            world.count_long_wait(wait.on.as_str());
            for listener in &listeners {
                // Its panic is not to end the task that breaks deadlocks.
                drop(contained(|| listener(&wait)));
            }
        }
    }

    /// Those who wait, oldest first.
    pub(crate) fn all(&self, world: &World) -> Vec<Waiting> {
        self.seen(world, world.executor.now(), |_| true)
    }

    fn seen(&self, world: &World, now: Duration, which: impl Fn(u64) -> bool) -> Vec<Waiting> {
        let facts = self.facts(world, &which);
        let list = self.list.lock();
        let chosen = list.edges.iter().filter(|(serial, _)| which(**serial));
        chosen.map(|(_, edge)| edge.seen(now, facts.get(&edge.target.id))).collect()
    }

    /// How the mailboxes stand that are waited for. Never under the lock.
    fn facts(&self, world: &World, which: impl Fn(u64) -> bool) -> AllFacts {
        let targets: BTreeSet<ActorId> = {
            let list = self.list.lock();
            let chosen = list.edges.iter().filter(|(serial, _)| which(**serial));
            chosen.map(|(_, edge)| edge.target.id).collect()
        };
        let of = |actor: &dyn Child| Facts { stats: actor.stats(), latest: actor.life().handles_the_latest() };
        targets.into_iter().filter_map(|id| Some((id, of(&*world.actor(id)?)))).collect()
    }

    /// The circles that there seem to be, whether they are certain or not.
    pub(crate) fn circles(&self, world: &World) -> Vec<Cycle> {
        let facts = self.facts(world, |_| true);
        let list = self.list.lock();
        let mut set = list.suspects(&facts, |_, _| true);
        let mut circles = Vec::new();
        while let Some((serial, cycle)) = list.cycle_in(&set) {
            let Some(edge) = list.edges.get(&serial) else { break };
            circles.push(cycle);
            // What leads into it goes with it.
            set.retain(|id| Some(*id) != edge.waiter);
            list.reduce(&mut set);
        }
        circles
    }

    /// `Some`: when to look again.
    fn look_for_deadlocks(&self, world: &World, now: Duration) -> Option<Duration> {
        let grace = self.deadlocks.after?;
        {
            let mut list = self.list.lock();
            // The usual end of a wait that is old enough: it leads to somebody
            // who works. To see that takes no look at all the others.
            if list.rounds == 0 && !list.may_be_stuck(now) {
                list.put_off(now);
                return None;
            }
        }
        let facts = self.facts(world, |_| true);
        let mut list = self.list.lock();
        let old_enough = |list: &List, seat: &Seat| {
            seat.waits.iter().all(|wait| list.edges.get(wait).is_some_and(|edge| edge.since + grace <= now))
        };
        let suspects = list.suspects(&facts, old_enough);
        let round = list.round;
        let certain = list.suspects(&facts, |list, seat| {
            let found = seat.report.as_ref().filter(|report| {
                report.clean && report.last == round && report.first < round && report.seen == seat.waits
            });
            found.is_some() && seat.probing.is_none() && old_enough(list, seat)
        });
        if let Some((serial, cycle)) = list.cycle_in(&certain)
            && let Some(edge) = list.edges.get_mut(&serial)
        {
            #[cfg(feature = "tracing")]
            let told = cycle.to_string();
            edge.cycle = Some(cycle);
            let waker = edge.waker.take();
            list.rounds = 1;
            drop(list);
            self.broken.add(1);
            #[cfg(feature = "metrics")]
            crate::mailbox::meter::count_deadlock();
            #[cfg(feature = "tracing")]
            tracing::error!(cycle = %told, "deadlock");
            if let Some(waker) = waker {
                waker.wake();
            }
            return Some(now + FIRST_ROUND);
        }
        if suspects.is_empty() || list.rounds >= ROUNDS {
            list.rounds = 0;
            list.clear_suspicions(now);
            return None;
        }
        list.rounds += 1;
        list.round += 1;
        let again = now + FIRST_ROUND * (1 << list.rounds.min(ROUNDS));
        for id in &suspects {
            if let Some(seat) = list.seats.get(id) {
                seat.life.suspect(true);
            }
        }
        drop(list);
        for id in suspects {
            if let Some(actor) = world.actor(id) {
                actor.poke();
            }
        }
        Some(again)
    }
}

impl List {
    /// The actors that wait for nobody but each other, of those that `may`.
    fn suspects(&self, facts: &AllFacts, may: impl Fn(&Self, &Seat) -> bool) -> BTreeSet<ActorId> {
        let held_up = |seat: &Seat| {
            seat.waits.iter().all(|wait| {
                let edge = self.edges.get(wait).filter(|edge| edge.cycle.is_none());
                edge.is_some_and(|edge| edge.want.is_held_up(facts.get(&edge.target.id)))
            })
        };
        let seats = self.seats.iter().filter(|(_, seat)| held_up(seat) && may(self, seat));
        let mut set = seats.map(|(id, _)| *id).collect();
        self.reduce(&mut set);
        set
    }

    /// Strikes out whoever waits for one that is not in the set.
    fn reduce(&self, set: &mut BTreeSet<ActorId>) {
        loop {
            let stays = |id: &ActorId| {
                let waits = self.seats.get(id).map(|seat| &seat.waits[..]).unwrap_or_default();
                waits.iter().all(|wait| self.edges.get(wait).is_some_and(|edge| set.contains(&edge.target.id)))
            };
            let out: Vec<ActorId> = set.iter().copied().filter(|id| !stays(id)).collect();
            if out.is_empty() {
                return;
            }
            out.iter().for_each(|id| {
                set.remove(id);
            });
        }
    }

    /// Whether one of those whose waits are to be looked at waits, by whatever
    /// way, for none but actors that wait.
    fn may_be_stuck(&self, now: Duration) -> bool {
        let due = self.edges.values().filter(|edge| edge.check_at <= now).filter_map(|edge| edge.waiter);
        let mut free = BTreeSet::new();
        due.into_iter().any(|waiter| !self.is_free(waiter, &mut free))
    }

    /// Whether there is a way from an actor, along waits, to one that does not
    /// wait. Keeps all that are on it.
    fn is_free(&self, from: ActorId, free: &mut BTreeSet<ActorId>) -> bool {
        let mut seen = BTreeSet::from([from]);
        // The way, and which wait of each is to be followed next.
        let mut way = vec![(from, 0)];
        while let Some((at, next)) = way.last_mut() {
            let seat = self.seats.get(at).filter(|_| !free.contains(at));
            let Some(seat) = seat else {
                free.extend(way.into_iter().map(|(on_it, _)| on_it));
                return true;
            };
            let wait = seat.waits.get(*next);
            *next += 1;
            match wait.map(|wait| self.edges.get(wait)) {
                Some(Some(edge)) if seen.insert(edge.target.id) => way.push((edge.target.id, 0)),
                Some(_) => {}
                None => drop(way.pop()),
            }
        }
        false
    }

    /// The youngest wait that is on a cycle within the set, and the cycle.
    fn cycle_in(&self, set: &BTreeSet<ActorId>) -> Option<(u64, Cycle)> {
        let mut waits: Vec<u64> =
            set.iter().filter_map(|id| self.seats.get(id)).flat_map(|seat| &seat.waits).copied().collect();
        waits.sort_unstable();
        waits.iter().rev().find_map(|wait| {
            let edge = self.edges.get(wait).filter(|edge| edge.cycle.is_none())?;
            let waiter = edge.waiter?;
            let way = self.way(set, edge.target.id, waiter)?;
            let mailboxes = std::iter::once(waiter).chain(way.into_iter().filter(|id| *id != waiter));
            let paths = mailboxes.filter_map(|id| Some(Arc::clone(&self.seats.get(&id)?.life.path.0)));
            Some((*wait, Cycle::new(paths.collect())))
        })
    }

    /// The actors on a shortest way along waits from one to another, both
    /// included.
    fn way(&self, set: &BTreeSet<ActorId>, from: ActorId, to: ActorId) -> Option<Vec<ActorId>> {
        let mut came_from = BTreeMap::from([(from, from)]);
        let mut next = std::collections::VecDeque::from([from]);
        while let Some(at) = next.pop_front() {
            if at == to {
                let mut way = vec![to];
                let mut at = to;
                while at != from {
                    at = *came_from.get(&at)?;
                    way.push(at);
                }
                way.reverse();
                return Some(way);
            }
            let waits = self.seats.get(&at).map(|seat| &seat.waits[..]).unwrap_or_default();
            for target in waits.iter().filter_map(|wait| Some(self.edges.get(wait)?.target.id)) {
                if set.contains(&target) && !came_from.contains_key(&target) {
                    came_from.insert(target, at);
                    next.push_back(target);
                }
            }
        }
        None
    }

    /// Nobody is suspected any more.
    fn clear_suspicions(&mut self, now: Duration) {
        for seat in self.seats.values_mut() {
            seat.life.suspect(false);
            seat.report = None;
        }
        self.put_off(now);
    }

    /// Who was looked at is looked at again when it has waited twice as long.
    fn put_off(&mut self, now: Duration) {
        for edge in self.edges.values_mut().filter(|edge| edge.check_at <= now) {
            let elapsed = now.saturating_sub(edge.since);
            edge.check_at = if elapsed > GIVE_UP { Duration::MAX } else { together(now, elapsed.max(NOT_SOONER)) };
        }
    }
}

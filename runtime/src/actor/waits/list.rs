//! The list of those who wait.
//!
//! Everything is under one lock, which is never held while foreign code runs:
//! wakers, and what goes with the last handle to an actor, are dropped when it
//! is free.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::probe::Probe;
use super::{Deadlocks, Waiting, WaitingFor};
use crate::actor::Activity;
use crate::actor::lifecycle::{ActorId, ActorPath, Life};
use crate::actor::world::World;
use crate::mailbox::{Cycle, MailboxStats, running};
use crate::sync::counter::Counter;
use crate::sync::shim::Mutex;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    Room(u64),
    /// That items of a subscription leave the mailbox.
    Demand,
    Answer {
        placed: Option<u64>,
        handled: u64,
    },
}

/// How an actor stands that is waited for.
pub(super) struct Facts {
    pub(super) stats: MailboxStats,
    /// What it handles, if anything, is the message taken last from the queue,
    /// and not a timer's, or news.
    pub(super) latest: bool,
}

impl Want {
    /// Whether this cannot be had before the actor has gone on with its
    /// messages. No `facts`: the actor has ended.
    pub(super) fn is_held_up(self, facts: Option<&Facts>) -> bool {
        let Some(Facts { stats, latest }) = facts else { return false };
        // So many were begun, and the last of them may be in the handler.
        let in_handler = u64::from(*latest);
        match self {
            // Whoever has a permit may give it back.
            Self::Room(n) => (stats.free as u64) < n && stats.permits == 0,
            // Nobody but the actor takes them out.
            Self::Demand => true,
            Self::Answer { placed: Some(placed), .. } => stats.taken <= placed.saturating_add(in_handler),
            // Of two that began since, the first may have been the question.
            Self::Answer { placed: None, handled } => stats.handled.saturating_sub(handled) <= in_handler,
        }
    }

    fn kind(self, facts: Option<&Facts>) -> WaitingFor {
        match self {
            Self::Room(n) => WaitingFor::Room(n),
            Self::Demand => WaitingFor::Demand,
            Self::Answer { .. } if self.is_held_up(facts) => WaitingFor::Answer,
            Self::Answer { .. } => WaitingFor::Reply,
        }
    }
}

/// One who waits.
pub(super) struct Edge {
    /// The actor of this system in whose task it was polled last.
    pub(super) waiter: Option<ActorId>,
    pub(super) who: Option<ActorPath>,
    pub(super) target: Arc<Life>,
    pub(super) want: Want,
    pub(super) since: Duration,
    limit: Option<Duration>,
    /// When it is to be looked at whether it is part of a deadlock.
    pub(super) check_at: Duration,
    /// When it is to be told of as too long.
    pub(super) tell_at: Duration,
    pub(super) waker: Option<Waker>,
    /// It is part of this, and was chosen to be ended.
    pub(super) cycle: Option<Cycle>,
}

impl Edge {
    pub(super) fn seen(&self, now: Duration, facts: Option<&Facts>) -> Waiting {
        Waiting {
            who: self.who.clone(),
            on: self.target.path.clone(),
            what: self.want.kind(facts),
            elapsed: now.saturating_sub(self.since),
            limit: self.limit,
            mailbox: facts.map(|facts| facts.stats.clone()),
        }
    }
}

/// An actor that waits.
pub(super) struct Seat {
    pub(super) life: Arc<Life>,
    /// Its waits, oldest first.
    pub(super) waits: Vec<u64>,
    pub(super) probing: Option<Probing>,
    pub(super) report: Option<Report>,
}

/// A probe that goes on.
pub(super) struct Probing {
    pub(super) probe: Arc<Probe>,
    /// How many of its clones are those of known waits.
    pub(super) ours: usize,
    pub(super) seen: Vec<u64>,
}

/// What the last probes found.
pub(super) struct Report {
    /// The first and the last round in which they found this.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) seen: Vec<u64>,
    /// It waits for nothing else.
    pub(super) clean: bool,
}

pub(super) struct List {
    pub(super) next: u64,
    pub(super) edges: BTreeMap<u64, Edge>,
    pub(super) seats: BTreeMap<ActorId, Seat>,
    /// A task looks after the list.
    pub(super) tended: bool,
    pub(super) sleeper: Option<Waker>,
    pub(super) sleeps_until: Duration,
    /// Probes come in rounds, numbered on and on.
    pub(super) round: u64,
    /// How many rounds the present suspicion has taken.
    pub(super) rounds: u32,
}

type Listener = Arc<dyn Fn(&Waiting) + Send + Sync>;

/// All waits of a system.
pub(crate) struct Waits {
    pub(super) deadlocks: Deadlocks,
    pub(super) long: Duration,
    pub(super) list: Mutex<List>,
    pub(super) listeners: Mutex<Vec<Listener>>,
    pub(crate) long_waits: Counter,
    pub(crate) broken: Counter,
}

/// When `wait` is over, or a little later: those who began soon after each other
/// are looked at together.
pub(super) fn together(now: Duration, wait: Duration) -> Duration {
    let over = now.saturating_add(wait);
    // A power of two, so that those of unlike waits meet.
    let step = 1 << u64::try_from((wait / 32).as_nanos()).unwrap_or(u64::MAX).max(1).ilog2();
    let past = (over.as_nanos() % u128::from(step)) as u64;
    if past == 0 { over } else { over.saturating_add(Duration::from_nanos(step - past)) }
}

/// The actor of `world` in whose task this runs.
pub(super) fn present(world: &Arc<World>) -> Option<Arc<Life>> {
    present_anywhere().filter(|life| Arc::ptr_eq(&life.world, world))
}

fn present_anywhere() -> Option<Arc<Life>> {
    (running()? as Arc<dyn std::any::Any + Send + Sync>).downcast().ok()
}

impl Waits {
    pub(crate) fn new(deadlocks: Deadlocks, long: Duration) -> Self {
        Self {
            deadlocks,
            long,
            list: Mutex::new(List {
                next: 0,
                edges: BTreeMap::new(),
                seats: BTreeMap::new(),
                tended: false,
                sleeper: None,
                sleeps_until: Duration::MAX,
                round: 0,
                rounds: 0,
            }),
            listeners: Mutex::new(Vec::new()),
            long_waits: Counter::new(),
            broken: Counter::new(),
        }
    }

    pub(crate) fn are_watched(&self) -> bool {
        self.deadlocks.watched
    }

    pub(crate) fn listen(&self, listener: Listener) {
        self.listeners.lock().push(listener);
    }

    pub(super) fn begin(&self, target: &Arc<Life>, want: Want, waker: &Waker) -> u64 {
        let world = &target.world;
        let now = world.executor.now();
        let (someone, me) = (present_anywhere(), present(world));
        let check_at = match (self.deadlocks.after, &me) {
            (Some(grace), Some(_)) => together(now, grace),
            _ => Duration::MAX,
        };
        let tell_at = now.saturating_add(self.long);
        let edge = Edge {
            waiter: me.as_ref().map(|me| me.id),
            who: someone.map(|someone| someone.path.clone()),
            target: Arc::clone(target),
            want,
            since: now,
            limit: None,
            check_at,
            tell_at,
            waker: Some(waker.clone()),
            cycle: None,
        };
        let due = check_at.min(tell_at);
        let mut list = self.list.lock();
        list.next += 1;
        let serial = list.next;
        list.edges.insert(serial, edge);
        if let Some(me) = &me {
            list.take_seat(me, serial);
        }
        let start = due < Duration::MAX && !std::mem::replace(&mut list.tended, true);
        let wake = if due < list.sleeps_until {
            list.sleeps_until = due;
            list.sleeper.take()
        } else {
            None
        };
        drop(list);
        if start {
            super::knot::tend(world);
        }
        if let Some(waker) = wake {
            waker.wake();
        }
        serial
    }

    pub(super) fn set_limit(&self, serial: u64, limit: Duration) {
        if let Some(edge) = self.list.lock().edges.get_mut(&serial) {
            edge.limit = Some(limit);
        }
    }

    /// A wait is polled. The probe, if its actor is being probed.
    pub(super) fn begin_poll(&self, serial: u64, me: Option<&Arc<Life>>) -> Option<Arc<Probe>> {
        let mut list = self.list.lock();
        let waiter = list.edges.get(&serial)?.waiter;
        let mut old = None;
        if waiter != me.map(|me| me.id) {
            // It was moved to another task.
            old = waiter.and_then(|waiter| list.leave_seat(waiter, serial));
            if let Some(edge) = list.edges.get_mut(&serial) {
                edge.waiter = me.map(|me| me.id);
                edge.who = me.map(|me| me.path.clone());
            }
            if let Some(me) = me {
                list.take_seat(me, serial);
            }
        }
        let probe = me.and_then(|me| list.seats.get(&me.id)?.probing.as_ref().map(|it| Arc::clone(&it.probe)));
        drop(list);
        drop(old);
        probe
    }

    /// The poll was fruitless. The cycle it is on, if it is to end.
    pub(super) fn end_poll(
        &self,
        serial: u64,
        me: Option<&Arc<Life>>,
        waker: &Waker,
        probe: Option<&Arc<Probe>>,
        before: usize,
    ) -> Option<Cycle> {
        let mut list = self.list.lock();
        let edge = list.edges.get_mut(&serial)?;
        let same = edge.waker.as_ref().is_some_and(|old| old.will_wake(waker));
        let old = if same { None } else { edge.waker.replace(waker.clone()) };
        let cycle = edge.cycle.take();
        if let (Some(me), Some(probe)) = (me, probe)
            && let Some(probing) = list.seats.get_mut(&me.id).and_then(|seat| seat.probing.as_mut())
        {
            probing.ours += Arc::strong_count(probe).saturating_sub(before);
            probing.seen.push(serial);
        }
        drop(list);
        drop(old);
        cycle
    }

    pub(super) fn end(&self, serial: u64) {
        let mut list = self.list.lock();
        let edge = list.edges.remove(&serial);
        let seat = edge.as_ref().and_then(|edge| edge.waiter).and_then(|waiter| list.leave_seat(waiter, serial));
        // With the last wait goes the task that looks after them.
        let sleeper = if list.edges.is_empty() { list.sleeper.take() } else { None };
        drop(list);
        drop((edge, seat));
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }

    /// What an actor waits for, if it does.
    pub(crate) fn activity(&self, id: ActorId) -> Option<Activity> {
        if !self.are_watched() {
            return None;
        }
        let list = self.list.lock();
        let edge = list.edges.get(list.seats.get(&id)?.waits.last()?)?;
        let path = edge.target.path.clone();
        Some(match edge.want {
            Want::Room(_) => Activity::WaitingForRoom(path),
            Want::Demand => Activity::WaitingForDemand(path),
            Want::Answer { .. } => Activity::WaitingForAnswer(path),
        })
    }
}

impl List {
    fn take_seat(&mut self, me: &Arc<Life>, serial: u64) {
        let seat = self.seats.entry(me.id).or_insert_with(|| Seat {
            life: Arc::clone(me),
            waits: Vec::new(),
            probing: None,
            report: None,
        });
        let at = seat.waits.partition_point(|earlier| *earlier < serial);
        seat.waits.insert(at, serial);
    }

    /// The seat, if that was its last wait: to be dropped when the lock is free.
    fn leave_seat(&mut self, waiter: ActorId, serial: u64) -> Option<Seat> {
        let seat = self.seats.get_mut(&waiter)?;
        seat.waits.retain(|other| *other != serial);
        if !seat.waits.is_empty() {
            return None;
        }
        seat.life.suspect(false);
        self.seats.remove(&waiter)
    }
}

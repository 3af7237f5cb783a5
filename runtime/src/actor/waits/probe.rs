//! Whether an actor waits for nothing but what is known.
//!
//! A handler may wait for anything: a timer beside the room it needs, a socket,
//! a task. Then it is not stuck, whatever circle its known waits are part of. A
//! suspected actor is therefore polled once with a waker of our own. Each
//! future that is still waited for clones that waker; the clones are counted,
//! and so are those that the known waits took while they were polled. If there
//! are more than these (and the one by which signals wake the actor), it waits
//! for something else, and the suspicion was wrong. What hides its futures
//! from a poll, as a `FuturesUnordered` does, counts as something else.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::list::{Probing, Report, Waits};
use crate::actor::lifecycle::{ActorId, Life};
use crate::sync::counter::Flag;

/// The actor's waker, with its clones counted.
pub(super) struct Probe {
    waker: Waker,
    /// The actor is to run again: what it waits for is there, or it has not
    /// really waited. No clone may be left that would say so.
    woken: Flag,
}

impl Wake for Probe {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.raise();
        self.waker.wake_by_ref();
    }
}

/// Polls the task of a suspected actor, and notes what it waits for.
#[cold]
pub(crate) fn probe<T>(life: &Life, cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let waits = &life.world.waits;
    let probe = Arc::new(Probe { waker: cx.waker().clone(), woken: Flag::new() });
    if !waits.begin_probe(life.id, &probe) {
        life.suspect(false);
        return poll(cx);
    }
    let waker = Waker::from(Arc::clone(&probe));
    let polled = poll(&mut Context::from_waker(&waker));
    drop(waker);
    waits.end_probe(life.id, &probe);
    polled
}

impl Waits {
    fn begin_probe(&self, id: ActorId, probe: &Arc<Probe>) -> bool {
        let mut list = self.list.lock();
        let Some(seat) = list.seats.get_mut(&id) else { return false };
        let probing = Probing { probe: Arc::clone(probe), ours: 0, seen: Vec::new() };
        let old = seat.probing.replace(probing);
        drop(list);
        drop(old);
        true
    }

    fn end_probe(&self, id: ActorId, probe: &Arc<Probe>) {
        let mut list = self.list.lock();
        let round = list.round;
        let Some(seat) = list.seats.get_mut(&id) else { return };
        let Some(Probing { probe: ours_too, ours, mut seen }) = seat.probing.take() else { return };
        seen.sort_unstable();
        // Less the two handles held here.
        let clones = Arc::strong_count(probe).saturating_sub(2);
        drop(ours_too);
        let clean = clones <= ours + 1 && !probe.woken.is_raised();
        match &mut seat.report {
            Some(report) if report.seen == seen && report.clean == clean => report.last = round,
            report => *report = Some(Report { first: round, last: round, seen, clean }),
        }
    }
}

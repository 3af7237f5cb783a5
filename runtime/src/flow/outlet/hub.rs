//! What an outlet shares with its ports, and with whoever rings for it: news
//! only. Items never pass through here.

use std::fmt;
use std::sync::Arc;
use std::task::{Wake, Waker};

use super::port::Wish;
use crate::flow::emitter::Emitter;
use crate::flow::end::End;
use crate::sync::access::Access;
use crate::sync::counter::Flag;
use crate::sync::shim::Mutex;

/// A subscriber that the outlet has not seen yet, or that comes back.
pub(super) struct Arrival<T: Send + 'static> {
    pub(super) emitter: Emitter<T>,
    pub(super) wish: Wish,
    /// The seat that is kept for it.
    pub(super) seat: Option<usize>,
}

pub(super) struct Hub<T: Send + 'static> {
    /// Somebody has come or rung since the outlet looked: looked at before every
    /// item, in place of the lock.
    news: Flag,
    state: Mutex<State<T>>,
}

struct State<T: Send + 'static> {
    name: Arc<str>,
    arrived: Vec<Arrival<T>>,
    /// The seats that are to be looked at again.
    rung: Vec<usize>,
    /// The task that waits for demand.
    waiting: Option<Waker>,
    telling: Option<Telling>,
    end: Option<End>,
}

/// How the actor is told, and whether a notice is under way.
struct Telling {
    tell: Arc<dyn Fn(Demanded) + Send + Sync>,
    under_way: bool,
    /// Something came after the outlet was looked at: another notice is to follow
    /// the one that is under way.
    again: bool,
    /// Whether the outlet has been looked at while the notice was under way.
    seen: bool,
}

impl<T: Send + 'static> Hub<T> {
    pub(super) fn new(name: Arc<str>) -> Arc<Self> {
        let (arrived, rung, waiting, telling, end) = (Vec::new(), Vec::new(), None, None, None);
        let state = Mutex::new(State { name, arrived, rung, waiting, telling, end });
        Arc::new(Self { news: Flag::new(), state })
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.state.lock_to(Access::Read).name)
    }

    pub(super) fn rename(&self, name: &str) {
        self.state.lock().name = name.into();
    }

    /// A subscriber comes. After the end it hears of that.
    pub(super) fn arrive(self: &Arc<Self>, arrival: Arrival<T>) {
        let mut state = self.state.lock();
        let Some(end) = state.end.clone() else {
            state.arrived.push(arrival);
            return self.news(state);
        };
        drop(state);
        arrival.emitter.end(end);
    }

    /// A seat is to be looked at again.
    fn ring(self: &Arc<Self>, seat: usize) {
        let mut state = self.state.lock();
        if state.end.is_none() {
            state.rung.push(seat);
            self.news(state);
        }
    }

    /// As `ring`, by the outlet itself, which tells nobody.
    pub(super) fn look_again_at(&self, seat: usize) {
        let mut state = self.state.lock();
        state.rung.push(seat);
        self.news.raise();
    }

    /// There is demand that the actor has not been told of, for all it knows.
    pub(super) fn remind(self: &Arc<Self>) {
        self.news(self.state.lock());
    }

    fn news(self: &Arc<Self>, mut state: crate::sync::shim::MutexGuard<'_, State<T>>) {
        self.news.raise();
        let waiting = state.waiting.take();
        let tell = state.telling.as_mut().and_then(Telling::due);
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
        self.tell(tell);
    }

    fn tell(self: &Arc<Self>, tell: Option<Arc<dyn Fn(Demanded) + Send + Sync>>) {
        if let Some(tell) = tell {
            tell(Demanded { hub: Arc::<Self>::clone(self) });
        }
    }

    #[inline(always)]
    pub(super) fn has_news(&self) -> bool {
        self.news.is_raised()
    }

    /// Takes the news out. `waker` is woken when there are more.
    pub(super) fn look(&self, waker: Option<&Waker>, arrived: &mut Vec<Arrival<T>>, rung: &mut Vec<usize>) {
        let mut state = self.state.lock();
        let old = waker.and_then(|waker| match &state.waiting {
            Some(there) if there.will_wake(waker) => None,
            _ => state.waiting.replace(waker.clone()),
        });
        self.news.lower();
        arrived.append(&mut state.arrived);
        rung.append(&mut state.rung);
        drop(state);
        // Foreign code: dropped when the lock is free.
        drop(old);
    }

    /// The actor is about to look how much demand there is: what comes from here on
    /// is news to it.
    pub(super) fn seen(&self) {
        if let Some(telling) = &mut self.state.lock().telling {
            (telling.seen, telling.again) = (true, false);
        }
    }

    /// The actor is about to look who is there, and not how much demand there is:
    /// what comes from here on is news to it, and what has come stays so.
    pub(super) fn glanced(&self) {
        if let Some(telling) = &mut self.state.lock().telling {
            telling.seen = true;
        }
    }

    pub(super) fn tell_by(self: &Arc<Self>, tell: Arc<dyn Fn(Demanded) + Send + Sync>) {
        let mut state = self.state.lock();
        state.telling = Some(Telling { tell, under_way: false, again: false, seen: false });
        if !state.arrived.is_empty() || !state.rung.is_empty() {
            self.news(state);
        }
    }

    /// No more comes, and none is let in any more; those who had come and not been
    /// seen.
    pub(super) fn end(&self, end: End) -> Vec<Arrival<T>> {
        let (arrived, waiting, telling) = {
            let mut state = self.state.lock();
            state.end = Some(end);
            self.news.lower();
            (std::mem::take(&mut state.arrived), state.waiting.take(), state.telling.take())
        };
        drop((waiting, telling));
        arrived
    }
}

impl Telling {
    /// What tells it, if that is to be done now.
    fn due(&mut self) -> Option<Arc<dyn Fn(Demanded) + Send + Sync>> {
        if std::mem::replace(&mut self.under_way, true) {
            self.again |= self.seen;
            return None;
        }
        (self.seen, self.again) = (false, false);
        Some(Arc::clone(&self.tell))
    }
}

/// The notice that there is demand for an [`Outlet`](super::Outlet)'s items; see
/// [`Outlet::announce`](super::Outlet::announce).
///
/// Until it is dropped there is no other. It says no number: that is
/// [`Outlet::demand`](super::Outlet::demand), as it is by then.
pub struct Demanded {
    hub: Arc<dyn Noticed>,
}

trait Noticed: Send + Sync {
    /// A notice has been dropped.
    fn noticed(self: Arc<Self>);
}

impl<T: Send + 'static> Noticed for Hub<T> {
    fn noticed(self: Arc<Self>) {
        let tell = {
            let mut state = self.state.lock();
            state.telling.as_mut().and_then(|telling| {
                telling.under_way = false;
                if telling.again { telling.due() } else { None }
            })
        };
        self.tell(tell);
    }
}

impl Drop for Demanded {
    fn drop(&mut self) {
        Arc::clone(&self.hub).noticed();
    }
}

impl fmt::Debug for Demanded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Demanded")
    }
}

/// Wakes an outlet for one of its seats.
pub(super) struct Bell<T: Send + 'static> {
    hub: Arc<Hub<T>>,
    seat: usize,
    /// Rung since the seat was looked at.
    rung: Flag,
}

impl<T: Send + 'static> Bell<T> {
    pub(super) fn new(hub: Arc<Hub<T>>, seat: usize) -> Arc<Self> {
        Arc::new(Self { hub, seat, rung: Flag::new() })
    }

    /// The seat is about to be looked at: from here on it rings again.
    pub(super) fn silence(&self) {
        self.rung.lower();
    }
}

impl<T: Send + 'static> Wake for Bell<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.rung.raise() {
            self.hub.ring(self.seat);
        }
    }
}

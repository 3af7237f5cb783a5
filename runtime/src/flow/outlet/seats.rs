//! Who subscribes, each in a seat.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::hub::{Arrival, Bell, Hub};
use super::port::Wish;
use crate::flow::emitter::Emitter;
use crate::pattern::Lag;

/// Where a subscriber sits.
pub(super) struct Seat<T: Send + 'static> {
    pub(super) emitter: Emitter<T>,
    /// How many items may be sent, as last told. At 0 it rings when there is more.
    pub(super) demand: u64,
    pub(super) lag: Lag,
    /// Sends an item elsewhere that the others have, and for which its mailbox has
    /// no room after all. The seat is kept; it has no demand.
    away: bool,
    /// It rings when there is more demand although there is some left.
    listening: bool,
    bell: Arc<Bell<T>>,
    waker: Waker,
}

/// How a seat stands.
pub(super) enum Standing {
    Demand,
    Nothing,
    Gone,
}

/// Seats by number. A number is used again when its subscriber has left.
pub(super) struct Seats<T: Send + 'static> {
    all: Vec<Option<Seat<T>>>,
    free: Vec<usize>,
}

impl<T: Send + 'static> Seat<T> {
    /// Finds out how much demand there is; if none, it rings when there is. Room is
    /// set aside for who has something to `send`.
    pub(super) fn ask(&mut self, send: bool) -> Standing {
        self.demand = 0;
        self.listening = false;
        self.bell.silence();
        if self.away {
            return Standing::Nothing;
        }
        let cx = &mut Context::from_waker(&self.waker);
        match if send { self.emitter.poll_ready(cx) } else { self.emitter.poll_demand(cx) } {
            Poll::Ready(Ok(demand)) => {
                self.demand = demand.get();
                Standing::Demand
            }
            Poll::Pending => Standing::Nothing,
            Poll::Ready(Err(_)) => Standing::Gone,
        }
    }

    /// Has an item sent as soon as there is room; the seat is asked again then.
    pub(super) fn owe(&mut self, item: T, number: usize, hub: &Arc<Hub<T>>) {
        (self.away, self.demand) = (true, 0);
        let hub = Arc::clone(hub);
        let back = move |emitter| hub.arrive(Arrival { emitter, wish: Wish::default(), seat: Some(number) });
        self.emitter.send_apart(item, back);
    }

    /// It is back.
    pub(super) fn resume(&mut self, emitter: Emitter<T>) {
        (self.emitter, self.away) = (emitter, false);
    }

    /// Has it ring for demand that comes while there is some left.
    #[inline]
    pub(super) fn listen(&mut self) {
        if !std::mem::replace(&mut self.listening, true)
            && self.emitter.poll_more(&mut Context::from_waker(&self.waker))
        {
            self.waker.wake_by_ref();
        }
    }
}

impl<T: Send + 'static> Seats<T> {
    pub(super) const fn new() -> Self {
        Self { all: Vec::new(), free: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.all.len()
    }

    /// One more than the highest number in use.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn add(&mut self, arrival: Arrival<T>, hub: &Arc<Hub<T>>) -> usize {
        let number = self.free.pop().unwrap_or(self.all.len());
        let bell = Bell::new(Arc::clone(hub), number);
        let waker = Waker::from(Arc::clone(&bell));
        let lag = arrival.wish.lag.unwrap_or(Lag::Wait);
        let seat = Some(Seat { emitter: arrival.emitter, demand: 0, lag, away: false, listening: false, bell, waker });
        match self.all.get_mut(number) {
            Some(place) => *place = seat,
            None => self.all.push(seat),
        }
        number
    }

    pub(super) fn remove(&mut self, number: usize) -> Option<Seat<T>> {
        let gone = self.all.get_mut(number)?.take()?;
        self.free.push(number);
        Some(gone)
    }

    /// Number 0, if there has never been another at the same time.
    #[inline(always)]
    pub(super) fn only(&mut self) -> Option<&mut Seat<T>> {
        match &mut self.all[..] {
            [only] => only.as_mut(),
            _ => None,
        }
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Seat<T>> {
        self.all.get_mut(number)?.as_mut()
    }

    #[inline(always)]
    pub(super) fn demand_of(&self, number: usize) -> u64 {
        self.all.get(number).and_then(Option::as_ref).map_or(0, |seat| seat.demand)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat<T>> {
        self.all.iter().flatten()
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Seat<T>> {
        self.free.clear();
        std::mem::take(&mut self.all).into_iter().flatten()
    }
}

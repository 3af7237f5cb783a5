//! Who subscribes, each in a seat.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::hub::{Arrival, Bell, Hub};
use crate::flow::emitter::{EmitError, Emitter, Unwanted};
use crate::flow::end::End;
use crate::mailbox::Cycle;
use crate::pattern::Lag;

/// Where a subscriber sits.
pub(super) struct Seat<T: Send + 'static> {
    pub(super) emitter: Emitter<T>,
    /// How many items may be sent, as last told. At 0 it rings when there is more.
    pub(super) demand: u64,
    pub(super) lag: Lag,
    /// An item that the others have, and for which its mailbox has no room after
    /// all: sent before any other.
    pub(super) owed: Option<T>,
    bell: Arc<Bell<T>>,
    waker: Waker,
}

/// How a seat stands.
pub(super) enum Standing {
    Demand,
    Nothing,
    /// Nothing wakes it: it is to be asked again.
    Deadlock(Cycle),
    Gone,
}

/// Seats by number. A number is used again when its subscriber has left.
pub(super) struct Seats<T: Send + 'static> {
    all: Vec<Option<Seat<T>>>,
    free: Vec<usize>,
}

impl<T: Send + 'static> Seat<T> {
    /// Finds out how much demand there is; if none, it rings when there is.
    pub(super) fn ask(&mut self) -> Standing {
        self.demand = 0;
        self.bell.silence();
        loop {
            let demand = match self.emitter.poll_ready(&mut Context::from_waker(&self.waker)) {
                Poll::Ready(Ok(demand)) => demand.get(),
                Poll::Pending => return Standing::Nothing,
                Poll::Ready(Err(Unwanted::Deadlock(cycle))) => return Standing::Deadlock(cycle),
                Poll::Ready(Err(Unwanted::Cancelled)) => return Standing::Gone,
            };
            let Some(owed) = self.owed.take() else {
                self.demand = demand;
                return Standing::Demand;
            };
            match self.emitter.try_send(owed) {
                Ok(()) => {}
                Err(EmitError::NoDemand(owed)) => self.owed = Some(owed),
                Err(EmitError::Cancelled(_)) => return Standing::Gone,
            }
        }
    }

    pub(super) fn end(self, end: End) {
        match self.owed {
            Some(owed) => self.emitter.end_after(owed, end),
            None => self.emitter.end(end),
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
        let seat = Some(Seat { emitter: arrival.emitter, demand: 0, lag, owed: None, bell, waker });
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

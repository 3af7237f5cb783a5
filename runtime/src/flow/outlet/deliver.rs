//! How items get to seats, and seats to their demand.

use std::task::Waker;

use super::hub::Arrival;
use super::seats::Standing;
use super::{Outlet, Unheard};
use crate::actor::Fault;
use crate::flow::dispatch::Dispatch;
use crate::flow::end::End;
use crate::flow::error::EmitError;
use crate::pattern::Lag;

impl<T: Send + 'static> Outlet<T> {
    /// Sends an item if there is demand for it now.
    ///
    /// # Errors
    /// [`EmitError::NoDemand`] if not ([`partition_of`](Self::partition_of) tells
    /// whose), and [`EmitError::Cancelled`] if it has ended or nothing is wanted
    /// any more. The item comes back.
    #[inline]
    pub fn try_send(&mut self, item: T) -> Result<(), EmitError<T>> {
        if self.hub.has_news() {
            self.look(None);
        }
        let Self { dispatch, seats, .. } = self;
        let Dispatch::ByDemand(turns) = dispatch else { return self.send_by_choice(item) };
        if let Some(only) = seats.only()
            && only.demand > 0
            && !self.announces
        {
            // As in `send_to`, without a choice: the way of most items.
            return match only.emitter.try_send(item) {
                Ok(()) => {
                    only.demand -= 1;
                    self.sent += 1;
                    if only.demand == 0 {
                        self.used_up(0);
                    }
                    Ok(())
                }
                Err(refused) => self.send_again(0, refused.into_item()),
            };
        }
        match turns.pick(|seat| seats.demand_of(seat)) {
            Some(seat) => self.send_to(seat, item),
            None => self.send_nowhere(item),
        }
    }

    #[inline]
    fn send_to(&mut self, chosen: usize, item: T) -> Result<(), EmitError<T>> {
        let Some(seat) = self.seats.get_mut(chosen) else { unreachable!("it was chosen among those that are there") };
        match seat.emitter.try_send(item) {
            Ok(()) => {
                seat.demand -= 1;
                let left = seat.demand;
                self.sent += 1;
                if let Dispatch::ByDemand(turns) = &mut self.dispatch {
                    turns.served(left);
                }
                if left == 0 {
                    self.used_up(chosen);
                } else if self.announces {
                    seat.listen();
                }
                Ok(())
            }
            Err(refused) => self.send_again(chosen, refused.into_item()),
        }
    }

    /// The seat has refused the item after all: it has cancelled, or others have
    /// filled its mailbox.
    #[cold]
    #[inline(never)]
    fn send_again(&mut self, refused: usize, item: T) -> Result<(), EmitError<T>> {
        self.refresh(refused);
        self.try_send(item)
    }

    #[inline(never)]
    fn send_by_choice(&mut self, item: T) -> Result<(), EmitError<T>> {
        let partition = self.partition_of(&item);
        let Self { dispatch, seats, .. } = self;
        let chosen = match dispatch {
            Dispatch::Broadcast(copy) => {
                let copy = *copy;
                return self.send_to_all(item, copy);
            }
            Dispatch::Highest(highest) => highest.pick(seats.len(), |seat| seats.demand_of(seat)),
            Dispatch::Partitioned(partitioned) => partition
                .and_then(|partition| partitioned.assigned.owner(partition))
                .filter(|&owner| seats.demand_of(owner) > 0),
            Dispatch::ByDemand(turns) => turns.pick(|seat| seats.demand_of(seat)),
        };
        match chosen {
            Some(seat) => self.send_to(seat, item),
            None => self.send_nowhere(item),
        }
    }

    /// Nobody who is to have it has demand.
    #[cold]
    #[inline(never)]
    pub(super) fn send_nowhere(&mut self, item: T) -> Result<(), EmitError<T>> {
        if self.is_over() {
            return Err(EmitError::Cancelled(item));
        }
        if self.unheard == Unheard::Drop && self.seats.is_empty() {
            self.unheard_items += 1;
            return Ok(());
        }
        Err(EmitError::NoDemand(item))
    }

    /// To all, or to none if one that is waited for has no demand.
    fn send_to_all(&mut self, item: T, copy: fn(&T) -> T) -> Result<(), EmitError<T>> {
        if self.seats.is_empty() || self.total() == 0 {
            return self.send_nowhere(item);
        }
        self.sent += 1;
        let mut item = Some(item);
        let seats = self.seats.len();
        let last = (0..seats).rev().find(|&seat| self.seats.get_mut(seat).is_some());
        for number in 0..seats {
            if self.seats.get_mut(number).is_none() {
                continue;
            }
            let mine = if Some(number) == last { item.take() } else { item.as_ref().map(copy) };
            if let Some(mine) = mine {
                self.send_copy(number, mine);
            }
        }
        Ok(())
    }

    pub(super) fn send_copy(&mut self, number: usize, copy: T) {
        let Some(seat) = self.seats.get_mut(number) else { return };
        if seat.demand > 0 {
            match seat.emitter.try_send(copy) {
                Ok(()) => {
                    seat.demand -= 1;
                    if seat.demand == 0 {
                        self.used_up(number);
                    } else if self.announces {
                        seat.listen();
                    }
                    return;
                }
                Err(EmitError::Cancelled(_) | EmitError::Deadlock(..)) => return self.leave(number),
                Err(EmitError::NoDemand(copy)) if seat.lag == Lag::Wait => {
                    // The others have theirs: it gets its own as soon as there is
                    // room, and holds them back until then.
                    return seat.owe(copy, number, &self.hub);
                }
                Err(EmitError::NoDemand(_)) => self.refresh(number),
            }
        }
        let Some(seat) = self.seats.get_mut(number) else { return };
        seat.emitter.skip();
        if seat.lag == Lag::Disconnect {
            self.dismiss(number, Fault::msg("the subscriber lagged behind"));
        }
    }

    /// The demand that was known of a seat is used up.
    #[cold]
    #[inline(never)]
    fn used_up(&mut self, number: usize) {
        if !self.announces {
            // Asked when it is needed: there may be more by then.
            self.hub.look_again_at(number);
            return;
        }
        // Who is told of demand does not look until then.
        self.refresh(number);
        if self.total() > 0 {
            self.hub.remind();
        }
    }

    /// Takes in what is new. `waker` is woken when there is more.
    #[cold]
    #[inline(never)]
    pub(super) fn look(&mut self, waker: Option<&Waker>) {
        if self.ended {
            return;
        }
        let (mut arrived, mut rung) = (std::mem::take(&mut self.arrived), std::mem::take(&mut self.rung));
        self.hub.look(waker, &mut arrived, &mut rung);
        for arrival in arrived.drain(..) {
            self.seat(arrival);
        }
        for seat in rung.drain(..) {
            self.refresh(seat);
        }
        (self.arrived, self.rung) = (arrived, rung);
    }

    fn seat(&mut self, arrival: Arrival<T>) {
        if let Some(number) = arrival.seat {
            if let Some(seat) = self.seats.get_mut(number) {
                seat.resume(arrival.emitter);
            }
            return self.refresh(number);
        }
        self.had_some = true;
        let wish = arrival.wish;
        let number = self.seats.add(arrival, &self.hub);
        if let Dispatch::Partitioned(partitioned) = &mut self.dispatch
            && !partitioned.assigned.arrive(number, wish.partition)
        {
            return self.dismiss(number, Fault::msg("there is no such partition"));
        }
        self.refresh(number);
    }

    /// An item waits in a handler: if there is one subscriber, it waits in the queue
    /// for room there.
    pub(super) fn insist(&mut self) {
        if !std::mem::replace(&mut self.insists, true) {
            self.ask_only();
        }
    }

    /// It waits no longer. A place that it did not use goes to others.
    pub(super) fn relent(&mut self, sent: bool) {
        self.insists = false;
        if !sent {
            self.ask_only();
        }
    }

    fn ask_only(&mut self) {
        if self.seats.only().is_some_and(|seat| seat.demand == 0 || !self.insists) {
            self.refresh(0);
        }
    }

    /// Finds out how much demand a seat has.
    fn refresh(&mut self, number: usize) {
        let insist = self.insists && self.seats.only().is_some();
        let Some(seat) = self.seats.get_mut(number) else { return };
        match seat.ask(insist) {
            Standing::Demand => {
                if let Dispatch::ByDemand(turns) = &mut self.dispatch {
                    turns.supplied(number);
                }
            }
            Standing::Nothing => {}
            Standing::Gone => self.leave(number),
        }
    }

    fn leave(&mut self, number: usize) {
        let gone = self.seats.remove(number);
        if let Dispatch::Partitioned(partitioned) = &mut self.dispatch {
            partitioned.assigned.leave(number);
        }
        drop(gone);
    }

    /// A subscriber gets no more, for a reason of ours.
    fn dismiss(&mut self, number: usize, why: Fault) {
        let gone = self.seats.remove(number);
        if let Dispatch::Partitioned(partitioned) = &mut self.dispatch {
            partitioned.assigned.leave(number);
        }
        if let Some(seat) = gone {
            seat.emitter.end(End::Failed(why));
        }
    }

    pub(super) fn end(&mut self, end: &End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some(notices) = &self.notices {
            notices.cancel();
        }
        let late = self.hub.end(end.clone());
        for seat in self.seats.take_all() {
            // One that is away hears when it comes back.
            seat.emitter.end(end.clone());
        }
        for arrival in late {
            arrival.emitter.end(end.clone());
        }
    }
}

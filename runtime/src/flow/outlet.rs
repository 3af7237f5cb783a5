//! What an actor emits to whoever subscribes to it.

mod hub;
mod port;
mod send;

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

pub use self::hub::Demanded;
pub use self::port::Port;
pub use self::send::Sending;

use self::hub::{Arrival, Bell, Hub};
use super::dispatch::Turns;
use super::emitter::{EmitError, Emitter, Unwanted};
use super::end::End;
use super::inlet::type_name;
use super::ledger::UNBOUNDED;
use crate::actor::{Actor, Context, Fault};
use crate::mailbox::Cycle;
use crate::system::FlowInspection;

/// What an actor emits, kept among its fields: items go to whoever subscribes to
/// its [`port`](Self::port), as far as they have asked.
///
/// It holds no items. A handler that [`send`](Self::send)s waits for demand; its
/// own mailbox fills meanwhile, and so holds back whoever sends to the actor: that
/// is how demand passes through an actor. One that must not wait looks at
/// [`demand`](Self::demand), and is [told](Self::announce) when there is some.
///
/// With several subscribers each item goes to one of those that have demand, in
/// turn.
///
/// An outlet ends with [`complete`](Self::complete) or [`fail`](Self::fail).
/// Dropped without, as when its actor fails or is restarted, it has failed for all
/// its subscribers; Reactive Streams rule 1.4.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::flow::{Demand, End, Inlet, Outlet, source};
/// enum Msg { Item(u64), End(End) }
/// struct Double { out: Outlet<u64> }
/// impl Actor for Double {
///     type Msg = Msg;
///     async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
///         match msg {
///             Msg::Item(n) => self.out.send(2 * n).await?,
///             Msg::End(_) => self.out.complete(),
///         }
///         Ok(())
///     }
/// }
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let sum = system.spawn(Sum(0), Push::bounded(8));
/// let out = Outlet::new();
/// let port = out.port();
/// let double = system.spawn(Double { out }, Push::bounded(8));
/// let doubled = system.subscribe(port.of(&double), &sum, Demand::window(8));
/// let items = Inlet::new(&double, Msg::Item).on_end(Msg::End);
/// system.subscribe(source::iter(0..100), items, Demand::window(8)).detach();
/// assert!(doubled.ended().await.is_completed());
/// assert_eq!(sum.stats().taken, 100);
/// # }
/// ```
#[must_use = "an outlet that is dropped fails its subscriptions"]
pub struct Outlet<T: Send + 'static> {
    hub: Arc<Hub<T>>,
    seats: Vec<Option<Seat<T>>>,
    free: Vec<usize>,
    turns: Turns,
    unheard: Unheard,
    /// Somebody has subscribed before.
    had_some: bool,
    announces: bool,
    sent: u64,
    unheard_items: u64,
    ended: bool,
    /// A seat's verdict, until somebody who waits can be told.
    deadlock: Option<Cycle>,
    /// Kept for their storage.
    arrived: Vec<Arrival<T>>,
    rung: Vec<usize>,
}

/// Where a subscriber sits.
struct Seat<T: Send + 'static> {
    emitter: Emitter<T>,
    /// How many items may be sent, as last told. At 0 it rings when there is more.
    demand: u64,
    bell: Arc<Bell<T>>,
    waker: Waker,
}

/// What becomes of an item while nobody subscribes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unheard {
    /// It waits for the first, or next, subscriber: there is no demand.
    #[default]
    Wait,
    /// It is dropped, and counted: [`Outlet::unheard_items`].
    Drop,
    /// As `Wait` until the first comes; once the last has gone, nothing is wanted
    /// any more, and the outlet is as cancelled.
    Cancel,
}

impl<T: Send + 'static> Outlet<T> {
    /// An outlet that gives each item to one subscriber, in turn among those that
    /// have demand.
    pub fn new() -> Self {
        Self {
            hub: Hub::new(type_name::<Self>()),
            seats: Vec::new(),
            free: Vec::new(),
            turns: Turns::default(),
            unheard: Unheard::Wait,
            had_some: false,
            announces: false,
            sent: 0,
            unheard_items: 0,
            ended: false,
            deadlock: None,
            arrived: Vec::new(),
            rung: Vec::new(),
        }
    }

    /// What becomes of items while nobody subscribes. The default is
    /// [`Unheard::Wait`].
    pub fn unheard(mut self, unheard: Unheard) -> Self {
        self.unheard = unheard;
        self
    }

    /// Where one subscribes.
    #[must_use]
    pub fn port(&self) -> Port<T> {
        Port::new(&self.hub)
    }

    /// Has the actor told when there is demand, by what `make` makes of the
    /// notice: for an actor that produces as it is asked, without waiting in a
    /// handler. GenStage's `handle_demand`.
    ///
    /// The notice comes past the mailbox's bound, ahead of what is queued, and
    /// there is never more than one of an outlet. It comes when demand arrives; a
    /// handler that sends less than there is demand for sees the rest in
    /// [`demand`](Self::demand) at any time, and is not told of it again before
    /// more arrives.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// use tidegate::flow::{Demand, Demanded, Outlet};
    /// struct Count { next: u64, out: Outlet<u64> }
    /// impl Actor for Count {
    ///     type Msg = Demanded;
    ///     async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         self.out.announce(cx, |demanded| demanded);
    ///         Ok(())
    ///     }
    ///     async fn handle(&mut self, _: Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
    ///         while self.out.demand() > 0 {
    ///             self.out.try_send(self.next)?;
    ///             self.next += 1;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// let out = Outlet::new();
    /// let numbers = out.port();
    /// let count = system.spawn(Count { next: 0, out }, Push::bounded(1));
    /// let mut first = system.items(numbers.of(&count), Demand::window(4));
    /// # use futures_util::TryStreamExt;
    /// for n in 0..20 {
    ///     assert_eq!(first.try_next().await.unwrap(), Some(n));
    /// }
    /// # }
    /// ```
    pub fn announce<A: Actor>(&mut self, cx: &Context<A>, make: impl Fn(Demanded) -> A::Msg + Send + Sync + 'static) {
        let me = cx.me();
        self.hub.rename(cx.path().as_str());
        self.announces = true;
        self.hub.tell_by(Arc::new(move |demanded| {
            // One that has ended needs no notice.
            me.post(make(demanded));
        }));
        if self.total() > 0 {
            self.hub.remind();
        }
    }

    /// How many items can be sent now, without waiting: as far as is known, and no
    /// more than that. [`UNBOUNDED`] if nobody subscribes and items are dropped
    /// then.
    #[must_use]
    pub fn demand(&mut self) -> u64 {
        self.look(None);
        if self.announces {
            self.hub.seen();
        }
        self.total()
    }

    /// Waits until at least one item can be sent, and tells how many.
    ///
    /// # Errors
    /// [`Unwanted`]: it has ended, or nothing is wanted any more
    /// ([`Unheard::Cancel`]).
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ready(&mut self) -> Result<NonZeroU64, Unwanted> {
        poll_fn(|cx| self.poll_ready(cx)).await
    }

    /// As [`ready`](Self::ready), for futures of one's own.
    ///
    /// # Errors
    /// As `ready`.
    pub fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<NonZeroU64, Unwanted>> {
        self.look(Some(cx.waker()));
        if self.is_cancelled() {
            return Poll::Ready(Err(Unwanted::Cancelled));
        }
        if let Some(total) = NonZeroU64::new(self.total()) {
            self.deadlock = None;
            return Poll::Ready(Ok(total));
        }
        match self.deadlock.take() {
            Some(cycle) => Poll::Ready(Err(Unwanted::Deadlock(cycle))),
            None => Poll::Pending,
        }
    }

    /// Sends an item if somebody has demand for it now.
    ///
    /// # Errors
    /// [`EmitError::NoDemand`] if not, and [`EmitError::Cancelled`] if it has ended
    /// or nothing is wanted any more. The item comes back.
    #[inline]
    pub fn try_send(&mut self, item: T) -> Result<(), EmitError<T>> {
        if self.hub.has_news() {
            self.look(None);
        }
        let Self { turns, seats, .. } = self;
        let Some(chosen) = turns.pick(|seat| demand_of(seats, seat)) else { return self.send_nowhere(item) };
        let Some(Some(seat)) = seats.get_mut(chosen) else { unreachable!("it was chosen among those that are there") };
        match seat.emitter.try_send(item) {
            Ok(()) => {
                seat.demand -= 1;
                let left = seat.demand;
                self.sent += 1;
                self.turns.served(left);
                if left == 0 {
                    self.used_up(chosen);
                }
                Ok(())
            }
            Err(refused) => self.send_again(chosen, refused.into_item()),
        }
    }

    /// Waits until somebody has demand for the item, and sends it.
    ///
    /// # Errors
    /// [`EmitError::Cancelled`], with the item: the outlet has ended, nothing is
    /// wanted any more ([`Unheard::Cancel`]), or the wait was part of a deadlock
    /// and was [broken](crate::Deadlocks).
    /// # Cancel safety
    /// If this is dropped before it is done, the item is dropped with it and
    /// nothing is spent. Await [`ready`](Self::ready) and
    /// [`try_send`](Self::try_send) to keep it.
    #[inline]
    pub fn send(&mut self, item: T) -> Sending<'_, T> {
        Sending::new(self, item)
    }

    /// There is no more: every subscriber hears of it after the items that it was
    /// sent, and so does whoever subscribes later. Nothing happens if it has ended
    /// before.
    pub fn complete(&mut self) {
        self.end(End::Completed);
    }

    /// It has failed, as [`complete`](Self::complete).
    pub fn fail(&mut self, fault: impl Into<Fault>) {
        self.end(End::Failed(fault.into()));
    }

    /// Whether nothing can be sent any more: it has ended, or its last subscriber
    /// has gone under [`Unheard::Cancel`].
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.ended || (self.unheard == Unheard::Cancel && self.had_some && self.is_empty())
    }

    /// Who subscribes, with their numbers, as far as the outlet has seen.
    #[must_use]
    pub fn subscribers(&mut self) -> Vec<FlowInspection> {
        self.look(None);
        self.seats.iter().flatten().filter_map(|seat| seat.emitter.line()).map(|line| line.inspect()).collect()
    }

    /// How many items were sent.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// How many items were dropped because nobody subscribed; see
    /// [`Unheard::Drop`].
    #[must_use]
    pub const fn unheard_items(&self) -> u64 {
        self.unheard_items
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.seats.len()
    }

    /// All demand that is known.
    fn total(&self) -> u64 {
        if self.is_cancelled() {
            return 0;
        }
        if self.unheard == Unheard::Drop && self.is_empty() {
            return UNBOUNDED;
        }
        self.seats.iter().flatten().fold(0, |total, seat| seat.demand.saturating_add(total))
    }

    /// Takes in what is new.
    #[cold]
    #[inline(never)]
    fn look(&mut self, waker: Option<&Waker>) {
        if self.ended {
            return;
        }
        let (mut arrived, mut rung) = (std::mem::take(&mut self.arrived), std::mem::take(&mut self.rung));
        self.hub.look(waker, &mut arrived, &mut rung);
        for arrival in arrived.drain(..) {
            let seat = self.seat(arrival);
            self.refresh(seat);
        }
        for seat in rung.drain(..) {
            self.refresh(seat);
        }
        (self.arrived, self.rung) = (arrived, rung);
    }

    fn seat(&mut self, arrival: Arrival<T>) -> usize {
        self.had_some = true;
        let index = self.free.pop().unwrap_or(self.seats.len());
        let bell = Bell::new(Arc::clone(&self.hub), index);
        let waker = Waker::from(Arc::clone(&bell));
        let seat = Some(Seat { emitter: arrival.emitter, demand: 0, bell, waker });
        match self.seats.get_mut(index) {
            Some(place) => *place = seat,
            None => self.seats.push(seat),
        }
        index
    }

    /// Finds out how much demand a seat has; if none, it rings when it has.
    fn refresh(&mut self, index: usize) {
        let Some(Some(seat)) = self.seats.get_mut(index) else { return };
        seat.bell.silence();
        match seat.emitter.poll_ready(&mut TaskContext::from_waker(&seat.waker)) {
            Poll::Ready(Ok(demand)) => {
                seat.demand = demand.get();
                self.turns.supplied(index);
            }
            Poll::Pending => seat.demand = 0,
            Poll::Ready(Err(Unwanted::Cancelled)) => self.leave(index),
            Poll::Ready(Err(Unwanted::Deadlock(cycle))) => {
                seat.demand = 0;
                self.deadlock = Some(cycle);
                // Nothing wakes it any more; the next look begins anew.
                self.hub.look_again_at(index);
            }
        }
    }

    fn leave(&mut self, index: usize) {
        if let Some(gone) = self.seats.get_mut(index).and_then(Option::take) {
            self.free.push(index);
            drop(gone);
        }
    }

    /// The demand that was known of a seat is used up.
    #[cold]
    #[inline(never)]
    fn used_up(&mut self, index: usize) {
        // An actor that is told of demand may not look until it is told.
        if self.announces {
            self.refresh(index);
            if demand_of(&self.seats, index) > 0 {
                self.hub.remind();
            }
        } else {
            self.hub.look_again_at(index);
        }
    }

    /// Nobody has demand.
    #[cold]
    #[inline(never)]
    fn send_nowhere(&mut self, item: T) -> Result<(), EmitError<T>> {
        if self.is_cancelled() {
            return Err(EmitError::Cancelled(item));
        }
        if self.unheard == Unheard::Drop && self.is_empty() {
            self.unheard_items += 1;
            return Ok(());
        }
        Err(EmitError::NoDemand(item))
    }

    /// The seat has refused the item after all: it has cancelled, or others have
    /// filled its mailbox.
    #[cold]
    #[inline(never)]
    fn send_again(&mut self, refused: usize, item: T) -> Result<(), EmitError<T>> {
        if let Some(Some(seat)) = self.seats.get_mut(refused) {
            seat.demand = 0;
        }
        self.refresh(refused);
        self.try_send(item)
    }

    fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let late = self.hub.end(end.clone());
        let seats = self.seats.drain(..).flatten().map(|seat| seat.emitter);
        for emitter in seats.chain(late.into_iter().map(|arrival| arrival.emitter)) {
            emitter.end(end.clone());
        }
        self.free.clear();
    }
}

#[inline(always)]
fn demand_of<T: Send + 'static>(seats: &[Option<Seat<T>>], seat: usize) -> u64 {
    seats.get(seat).and_then(Option::as_ref).map_or(0, |seat| seat.demand)
}

impl<T: Send + 'static> Default for Outlet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Send + 'static> Drop for Outlet<T> {
    fn drop(&mut self) {
        self.end(End::Failed(Fault::msg("the outlet went away without an end")));
    }
}

impl<T: Send + 'static> fmt::Debug for Outlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("name", &self.hub.name()).field("sent", &self.sent).finish_non_exhaustive()
    }
}

//! What an actor emits to whoever subscribes to it.

mod copies;
mod deliver;
mod hub;
mod patience;
mod port;
mod seats;
mod send;

use std::fmt;
use std::future::poll_fn;
use std::hash::Hash;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

pub use self::hub::Demanded;
pub use self::port::Port;
pub use self::send::Sending;

use self::hub::{Arrival, Hub};
use self::patience::Patience;
use self::seats::Seats;
use super::dispatch::{Dispatch, Highest, Partitioned, Turns, gate};
use super::emitter::Lacking;
use super::end::End;
use super::error::Unwanted;
use super::inlet::type_name;
use super::ledger::UNBOUNDED;
use crate::actor::panic::contained;
use crate::actor::{Actor, Context, Fault, Life};
use crate::mailbox::leash::Cut;
use crate::sync::access;
use crate::system::FlowInspection;

/// What an actor emits, kept among its fields: items go to whoever subscribes to
/// its [`port`](Self::port), as far as they have asked.
///
/// It holds no items. A handler that [`send`](Self::send)s waits for demand; its
/// own mailbox fills meanwhile, and so holds back whoever sends to the actor: that
/// is how demand passes through an actor. One that must not wait looks at
/// [`demand`](Self::demand), and is [told](Self::announce) when there is some.
///
/// With several subscribers, who gets an item is the outlet's choice: one of
/// those that have demand, in turn ([`new`](Self::new)), the one that has most
/// ([`highest_demand`](Self::highest_demand)), all of them
/// ([`broadcast`](Self::broadcast)), or the one to whom its key belongs
/// ([`partitioned`](Self::partitioned)). Whoever cancels leaves, and the others
/// get what comes next.
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
    seats: Seats<T>,
    dispatch: Dispatch<T>,
    unheard: Unheard,
    /// Somebody has subscribed before.
    had_some: bool,
    announces: bool,
    sent: u64,
    unheard_items: u64,
    ended: bool,
    /// Takes back the notice that is under way, if the actor is told of demand.
    notices: Option<Arc<Cut>>,
    /// An item waits to be sent.
    insists: bool,
    /// Kept for their storage.
    arrived: Vec<Arrival<T>>,
    rung: Vec<usize>,
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
    /// Each item goes to one subscriber: in turn among those that have demand, so
    /// that none of them waits for more than one item of each of the others.
    pub fn new() -> Self {
        Self::by(Dispatch::ByDemand(Turns::default()))
    }

    /// Each item goes to the subscriber that has most demand, as last told; among
    /// equals, in turn. GenStage's `DemandDispatcher`.
    ///
    /// For subscribers with windows of one size: one whose window is small gets
    /// nothing while another has more demand left than that.
    pub fn highest_demand() -> Self {
        Self::by(Dispatch::Highest(Highest::default()))
    }

    /// Each item goes to all subscribers that are there by then, as copies. The
    /// slowest holds the others back, unless it is subscribed with another
    /// [`lag`](Port::lag).
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// use tidegate::flow::{Demand, Outlet};
    /// use tidegate::pattern::Lag;
    /// # struct Prices { out: Outlet<u64> }
    /// # impl Actor for Prices { type Msg = u64;
    /// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(self.out.send(n).await?) } }
    /// # struct Show; impl Actor for Show { type Msg = u64;
    /// # async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// let (wall, phone) = (system.spawn(Show, Push::bounded(64)), system.spawn(Show, Push::bounded(64)));
    /// let out = Outlet::broadcast();
    /// let port = out.port();
    /// let wall_gets = system.subscribe(port.clone(), &wall, Demand::window(8));
    /// let phone_gets = system.subscribe(port.clone().lag(Lag::Skip), &phone, Demand::manual());
    /// phone_gets.request(1);
    /// let prices = system.spawn(Prices { out }, Push::bounded(8));
    /// for price in 0..20 { prices.tell(price).await.unwrap(); }
    /// prices.kill();
    /// wall_gets.ended().await;
    /// # phone_gets.ended().await;
    /// let (wall, phone) = (wall_gets.inspect(), phone_gets.inspect());
    /// assert_eq!((phone.sent, phone.skipped + 1), (1, wall.sent));
    /// # }
    /// ```
    pub fn broadcast() -> Self
    where
        T: Clone,
    {
        Self::by(Dispatch::Broadcast(T::clone))
    }

    /// Each item goes to the subscriber that has the partition of its key, of so
    /// many partitions: the same key to the same subscriber for as long as that is
    /// there, in order.
    ///
    /// An item waits for its partition, and holds back what comes after it:
    /// whoever must not wait for one slow subscriber takes the items for others
    /// first, by [`demand_for`](Self::demand_for). A partition that no one has
    /// waits for one who [takes it](Port::partition). More subscribers than
    /// partitions stand by. A `key` that panics fails the outlet.
    ///
    /// # Panics
    /// If `partitions` is 0.
    pub fn partitioned<K: Hash>(partitions: usize, key: impl Fn(&T) -> K + Send + 'static) -> Self {
        Self::by(Dispatch::Partitioned(Partitioned::new(partitions, key)))
    }

    fn by(dispatch: Dispatch<T>) -> Self {
        Self {
            hub: Hub::new(type_name::<Self>()),
            seats: Seats::new(),
            dispatch,
            unheard: Unheard::Wait,
            had_some: false,
            announces: false,
            sent: 0,
            unheard_items: 0,
            ended: false,
            notices: None,
            insists: false,
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
    /// there is never more than one of an outlet. It comes when more is asked for,
    /// now and then also when it turns out that nothing more was. A handler that
    /// sends less than there is demand for sees the rest in
    /// [`demand`](Self::demand) at any time. Of the rest alone it is not told
    /// again: it has nothing to send at present, or it would have.
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
        let cut = Arc::clone(self.notices.get_or_insert_with(Cut::new));
        self.hub.rename(cx.path().as_str());
        self.announces = true;
        self.hub.tell_by(Arc::new(move |demanded| {
            // One that has ended needs no notice.
            me.post_notice(make(demanded), &cut);
        }));
        if self.total() > 0 {
            self.hub.remind();
        }
    }

    /// How many items can be sent now, without waiting, whatever they are: all
    /// that the subscribers ask for, or what the slowest of them does if they get
    /// everything, or what that of any partition does. As far as is known, and no
    /// more than that. [`UNBOUNDED`] if nobody holds it back.
    #[must_use]
    pub fn demand(&mut self) -> u64 {
        if self.announces {
            // Before the look: what comes in between is to be told of.
            self.hub.seen();
        }
        self.look(None);
        self.total()
    }

    /// As [`demand`](Self::demand), for this item: under
    /// [`partitioned`](Self::partitioned), that of the partition it belongs to.
    #[must_use]
    pub fn demand_for(&mut self, item: &T) -> u64 {
        let demand = self.demand();
        self.partition_of(item).map_or(demand, |partition| self.demand_of_partition(partition))
    }

    /// The partition that an item belongs to. `None` if the outlet is not
    /// partitioned, or has ended, be it because the key of this very item
    /// panicked.
    pub fn partition_of(&mut self, item: &T) -> Option<usize> {
        let Dispatch::Partitioned(partitioned) = &self.dispatch else { return None };
        match contained(|| partitioned.partition_of(item)) {
            Ok(partition) => (!self.ended).then_some(partition),
            Err(panic) => {
                self.fail(Fault::msg(format!("the key of an item panicked: {panic}")));
                None
            }
        }
    }

    /// Waits until at least one item can be sent, and tells how many.
    ///
    /// # Errors
    /// [`Unwanted`]: it has ended, or nothing is wanted any more
    /// ([`Unheard::Cancel`]).
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ready(&mut self) -> Result<NonZeroU64, Unwanted> {
        let mut patience = Patience::default();
        poll_fn(|cx| access::afresh(cx, |cx| patience.poll(self, None, cx))).await
    }

    /// As [`ready`](Self::ready), for futures of one's own.
    ///
    /// # Errors
    /// As `ready`.
    pub fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<NonZeroU64, Unwanted>> {
        self.poll_ready_for(None, cx)
    }

    fn poll_ready_for(&mut self, item: Option<&T>, cx: &mut TaskContext<'_>) -> Poll<Result<NonZeroU64, Unwanted>> {
        self.look(Some(cx.waker()));
        let demand = match item.and_then(|item| self.partition_of(item)) {
            Some(partition) => self.demand_of_partition(partition),
            None => self.total(),
        };
        if self.is_over() {
            return Poll::Ready(Err(Unwanted::Cancelled));
        }
        NonZeroU64::new(demand).map_or(Poll::Pending, |demand| Poll::Ready(Ok(demand)))
    }

    /// Waits until somebody has demand for the item, and sends it.
    ///
    /// # Errors
    /// [`EmitError`](super::EmitError), with the item: it has ended, nothing is
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
        self.end(&End::Completed);
    }

    /// It has failed, as [`complete`](Self::complete).
    pub fn fail(&mut self, fault: impl Into<Fault>) {
        self.end(&End::Failed(fault.into()));
    }

    /// Whether nothing can be sent any more: it has ended, or its last subscriber
    /// has gone under [`Unheard::Cancel`]. As it is now: like
    /// [`demand`](Self::demand), this looks who has come and gone.
    #[must_use]
    pub fn is_cancelled(&mut self) -> bool {
        if self.announces {
            // Who looked for demand before this has not seen what came since: that
            // is to be told of still.
            self.hub.glanced();
        }
        self.look(None);
        self.is_over()
    }

    /// The same, as far as the outlet has seen.
    pub(in crate::flow) fn is_over(&self) -> bool {
        self.ended || (self.unheard == Unheard::Cancel && self.had_some && self.seats.is_empty())
    }

    /// Who is waited for, if it is one.
    fn waits_for(&self) -> Option<(Arc<Life>, Lacking)> {
        let mut seats = self.seats.iter();
        let (only, None) = (seats.next()?, seats.next()) else { return None };
        only.emitter.waits_for()
    }

    /// Who subscribes, with their numbers, as far as the outlet has seen.
    #[must_use]
    pub fn subscribers(&mut self) -> Vec<FlowInspection> {
        self.look(None);
        self.seats.iter().filter_map(|seat| seat.emitter.line()).map(|line| line.inspect()).collect()
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

    /// All demand that is known.
    fn total(&self) -> u64 {
        if self.is_over() {
            return 0;
        }
        if self.seats.is_empty() {
            return if self.unheard == Unheard::Drop { UNBOUNDED } else { 0 };
        }
        match &self.dispatch {
            Dispatch::ByDemand(_) | Dispatch::Highest(_) => {
                self.seats.iter().fold(0, |total, seat| seat.demand.saturating_add(total))
            }
            Dispatch::Broadcast(_) => gate(self.seats.iter().map(|seat| (seat.lag, seat.demand))).unwrap_or(0),
            Dispatch::Partitioned(partitioned) => partitioned
                .assigned
                .owners()
                .map(|owner| owner.map_or(0, |owner| self.seats.demand_of(owner)))
                .min()
                .unwrap_or(0),
        }
    }

    fn demand_of_partition(&self, partition: usize) -> u64 {
        if self.seats.is_empty() {
            return self.total();
        }
        match &self.dispatch {
            Dispatch::Partitioned(partitioned) => {
                partitioned.assigned.owner(partition).map_or(0, |owner| self.seats.demand_of(owner))
            }
            _ => 0,
        }
    }
}

impl<T: Send + 'static> Default for Outlet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Send + 'static> Drop for Outlet<T> {
    fn drop(&mut self) {
        self.end(&End::Failed(Fault::msg("the outlet went away without an end")));
    }
}

impl<T: Send + 'static> fmt::Debug for Outlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("name", &self.hub.name()).field("sent", &self.sent).finish_non_exhaustive()
    }
}

//! The producer's end of a subscription.

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::end::End;
use super::error::{EmitError, Unwanted};
use super::ledger::Ledger;
use super::line::{Line, Said};
use super::rate::Bucket;
use super::target::Target;
use crate::actor::world::World;
use crate::actor::{Fault, Life};
use crate::mailbox::core::emit::Refused;
use crate::sync::access;

/// The producer's end of one subscription: says how far it may go, and takes
/// items no further.
///
/// It holds no items. One that is sent lies in the subscriber's mailbox, in the
/// order of all its messages. Reactive Streams 1.1, kept here whatever the
/// producer does.
///
/// Dropped without [`complete`](Self::complete) or [`fail`](Self::fail) it has
/// failed: a subscriber never waits for a source that is gone; 1.4.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::flow::{Demand, source};
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let sum = system.spawn(Sum(0), Push::bounded(16));
/// let countdown = source::from_fn(|mut emitter| async move {
///     for n in (1..=3_u64).rev() {
///         if emitter.send(n).await.is_err() {
///             return; // nobody wants it any more
///         }
///     }
///     emitter.complete();
/// });
/// let subscription = system.subscribe(countdown, &sum, Demand::window(2));
/// assert!(subscription.ended().await.is_completed());
/// assert_eq!(sum.stats().taken, 3);
/// # }
/// ```
#[must_use = "an emitter that is dropped fails its subscription"]
pub struct Emitter<T: Send + 'static> {
    /// `None` once it has been ended.
    inner: Option<Inner<T>>,
}

pub(super) struct Inner<T> {
    line: Arc<Line>,
    ledger: Ledger,
    target: Box<dyn Target<T>>,
    /// What counts as done with: what was let go, not what was taken.
    holds: bool,
    /// Whether nobody brings demand but the subscriber, by its work.
    worked_off: bool,
    at_once: bool,
    said: Said,
    rate: Option<Bucket>,
    world: Arc<World>,
    watched: Watched,
}

/// What keeps an item from being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lacking {
    Demand,
    Room,
}

/// Hears of the subscriber's end.
pub(super) struct Watched {
    pub(super) life: Arc<Life>,
    pub(super) key: Option<u64>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.life.unwatch(key);
        }
    }
}

/// Everything that makes an emitter.
pub(super) struct Parts<T> {
    pub(super) line: Arc<Line>,
    pub(super) ledger: Ledger,
    pub(super) target: Box<dyn Target<T>>,
    pub(super) holds: bool,
    pub(super) worked_off: bool,
    pub(super) at_once: bool,
    pub(super) rate: Option<Bucket>,
    pub(super) life: Arc<Life>,
}

impl<T: Send + 'static> Emitter<T> {
    pub(super) fn new(parts: Parts<T>) -> Self {
        let Parts { line, ledger, target, holds, worked_off, at_once, rate, life } = parts;
        let world = Arc::clone(&life.world);
        let told = Arc::clone(&line);
        let key = life.watch(Box::new(move |_| told.cancel()));
        line.show(&ledger);
        let watched = Watched { life, key };
        let said = Said { requested: 0, released: 0 };
        Self { inner: Some(Inner { line, ledger, target, holds, worked_off, at_once, said, rate, world, watched }) }
    }

    pub(super) fn line(&self) -> Option<Arc<Line>> {
        self.inner.as_ref().map(|inner| Arc::clone(&inner.line))
    }

    /// Who is to work before there is demand or room, if nobody else can bring it.
    pub(super) fn waits_for(&self) -> Option<(Arc<Life>, Lacking)> {
        let inner = self.inner.as_ref()?;
        let lacking = match inner.ledger.allowance() {
            0 if inner.worked_off => Lacking::Demand,
            0 => return None,
            _ => Lacking::Room,
        };
        Some((Arc::clone(&inner.watched.life), lacking))
    }

    fn inner(&mut self) -> &mut Inner<T> {
        match &mut self.inner {
            Some(inner) => inner,
            None => unreachable!("it is gone when it has ended"),
        }
    }

    /// How many items have been asked for and may be sent now, as far as that is
    /// known without waiting. The subscriber's mailbox may have no room for them
    /// all.
    #[must_use]
    pub fn demand(&mut self) -> u64 {
        self.inner().look_again(None)
    }

    /// Waits until at least one item may be sent, and tells how many. Who else
    /// sends to the subscriber may fill its mailbox meanwhile; after a wait for
    /// room one place is set aside, until an item is sent or it is [given
    /// back](Self::release).
    ///
    /// # Errors
    /// [`Unwanted`] if nothing will ever be wanted again.
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ready(&mut self) -> Result<NonZeroU64, Unwanted> {
        poll_fn(|cx| {
            let (look, acted) = (access::look(), access::has_acted());
            access::afresh(cx, |cx| {
                let polled = self.poll_ready(cx);
                // With something wanted, a step that has acted would have ended.
                if acted && polled.is_pending() && self.inner().hears_all() {
                    look.as_one().waits_even_so();
                }
                polled
            })
        })
        .await
    }

    /// As [`ready`](Self::ready), for futures and wakers of one's own: `cx` is
    /// woken when there is more demand or room, and when it is cancelled.
    ///
    /// # Errors
    /// As `ready`.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<NonZeroU64, Unwanted>> {
        self.inner().poll_ready(true, cx)
    }

    /// As `poll_ready`, for who has nothing to send at present: no place is set
    /// aside, and others may have it first.
    pub(super) fn poll_demand(&mut self, cx: &mut Context<'_>) -> Poll<Result<NonZeroU64, Unwanted>> {
        self.inner().poll_ready(false, cx)
    }

    /// Sends an item if it has been asked for and there is room for it now.
    ///
    /// # Errors
    /// [`EmitError`], with the item.
    #[inline]
    pub fn try_send(&mut self, item: T) -> Result<(), EmitError<T>> {
        self.inner().try_send(item)
    }

    /// Waits until it is asked for, and sends it.
    ///
    /// # Errors
    /// [`EmitError`], with the item, if it will never be.
    /// # Cancel safety
    /// If this is dropped before it is done, the item is dropped with it and
    /// nothing is spent. Await [`ready`](Self::ready) and
    /// [`try_send`](Self::try_send) to keep it.
    pub async fn send(&mut self, item: T) -> Result<(), EmitError<T>> {
        if access::has_acted() {
            poll_fn(access::fresh).await;
        }
        let mut item = match self.try_send(item) {
            Err(EmitError::NoDemand(item)) => item,
            settled => return settled,
        };
        loop {
            if let Err(unwanted) = self.ready().await {
                return Err(unwanted.of(item));
            }
            match self.try_send(item) {
                Err(EmitError::NoDemand(back)) => item = back,
                settled => return settled,
            }
        }
    }

    /// Gives back the place in the subscriber's mailbox that
    /// [`ready`](Self::ready) may have set aside: for a source that has nothing
    /// to send at present after all, so that others can send meanwhile.
    pub fn release(&mut self) {
        self.inner().target.release();
    }

    /// Whether nothing is wanted any more.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| inner.line.is_cancelled())
    }

    /// Waits until nothing is wanted any more.
    pub async fn cancelled(&mut self) {
        poll_fn(|cx| self.poll_cancelled(cx)).await;
    }

    /// As [`cancelled`](Self::cancelled), for futures of one's own. Only one of
    /// this and [`poll_ready`](Self::poll_ready) is waited for at a time.
    pub fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let line = &self.inner().line;
        line.look(Some(cx.waker()));
        if line.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The source has no more. The subscriber hears of it after the items that
    /// were sent.
    pub fn complete(mut self) {
        self.finish(End::Completed);
    }

    /// The source has failed. The subscriber hears of it after the items that
    /// were sent.
    pub fn fail(mut self, fault: impl Into<Fault>) {
        self.finish(End::Failed(fault.into()));
    }

    /// Whether more may have been asked for since it was looked at; if not, `cx` is
    /// woken when that is so, although there may be some left.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> bool {
        let inner = self.inner();
        // What is asked for by hand, or let go, wakes whoever looked last.
        inner.follows() && inner.target.poll_taken(inner.ledger.lacking(), cx).is_ready()
    }

    /// Ends it as `end` says.
    pub(super) fn end(mut self, end: End) {
        self.finish(end);
    }

    /// Sends an item for which there was no room after all, in a task, and hands
    /// the emitter to `back` afterwards. What is left behind is an emitter that
    /// has ended.
    pub(super) fn send_apart(&mut self, item: T, back: impl FnOnce(Self) + Send + 'static) {
        let Some(inner) = self.inner.take() else { return };
        let (world, name) = (Arc::clone(&inner.world), inner.line.target.as_str().to_owned());
        let mut emitter = Self { inner: Some(inner) };
        let task = async move {
            // Whoever gets it back sees that it has been cancelled.
            let _ = emitter.send(item).await;
            back(emitter);
        };
        world.executor.spawn(&name, Box::pin(task));
    }

    /// An item was not sent because the subscriber lagged.
    pub(super) fn skip(&self) {
        if let Some(inner) = &self.inner {
            inner.line.skipped.add(1);
        }
    }

    fn finish(&mut self, end: End) {
        let Some(mut inner) = self.inner.take() else { return };
        if inner.line.is_cancelled() {
            return;
        }
        if inner.at_once || inner.is_all_taken() {
            inner.pass_on(end);
            return;
        }
        let world = Arc::clone(&inner.world);
        let name = inner.line.target.as_str().to_owned();
        world.executor.spawn(
            &name,
            Box::pin(async move {
                poll_fn(|cx| inner.poll_all_taken(cx)).await;
                inner.pass_on(end);
            }),
        );
    }
}

impl<T> Inner<T> {
    /// Takes in what is new. `waker` is woken when the subscriber says more.
    fn look_again(&mut self, waker: Option<&std::task::Waker>) -> u64 {
        let said = self.line.look(waker);
        self.ledger.request(said.requested.saturating_sub(self.said.requested));
        self.said = said;
        let done = if self.holds { said.released } else { self.target.taken() };
        self.ledger.done(done.saturating_sub(self.ledger.finished()));
        self.line.show(&self.ledger);
        self.allowance()
    }

    /// Whether there is more to send when messages have been taken.
    fn follows(&self) -> bool {
        !self.holds && self.line.window().is_some()
    }

    /// Whether whatever ends its wait for demand wakes it: who follows what is taken is
    /// told of the closing of the mailbox, and others only of the end behind that.
    fn hears_all(&self) -> bool {
        self.follows() && self.ledger.allowance() == 0 && self.ledger.outstanding() > 0
    }

    fn allowance(&mut self) -> u64 {
        let granted = self.ledger.allowance();
        match &mut self.rate {
            Some(bucket) => granted.min(bucket.level(self.world.executor.now())),
            None => granted,
        }
    }

    /// Room is set aside for who has something to `send`.
    fn poll_ready(&mut self, send: bool, cx: &mut Context<'_>) -> Poll<Result<NonZeroU64, Unwanted>> {
        let look = access::look();
        loop {
            // Registered first, looked at afterwards.
            let allowed = self.look_again(Some(cx.waker()));
            if self.line.is_cancelled() || self.target.is_closed() {
                return Poll::Ready(Err(Unwanted::Cancelled));
            }
            let Some(allowed) = NonZeroU64::new(allowed) else {
                if self.ledger.allowance() > 0 {
                    // Only the rate is in the way.
                    let Some(bucket) = &mut self.rate else { unreachable!("what else keeps it?") };
                    match bucket.poll(&self.world, cx) {
                        Poll::Ready(()) => continue,
                        Poll::Pending => return Poll::Pending,
                    }
                }
                if self.follows()
                    && self.ledger.outstanding() > 0
                    && self.target.poll_taken(self.ledger.lacking(), cx).is_ready()
                {
                    continue;
                }
                if self.hears_all() {
                    look.as_one().waits();
                }
                return Poll::Pending;
            };
            if !send {
                let free = self.target.poll_free(cx);
                return free.map(|free| Ok(allowed.min(NonZeroU64::new(free).unwrap_or(NonZeroU64::MIN))));
            }
            return self.target.poll_room(cx).map(|room| match room {
                Ok(room) => Ok(allowed.min(NonZeroU64::new(room).unwrap_or(NonZeroU64::MIN))),
                Err(_) => Err(Unwanted::Cancelled),
            });
        }
    }

    #[inline]
    fn try_send(&mut self, item: T) -> Result<(), EmitError<T>> {
        if self.line.is_cancelled() {
            return Err(EmitError::Cancelled(item));
        }
        if (self.ledger.allowance() == 0 || self.rate.is_some()) && self.look_again(None) == 0 {
            return Err(EmitError::NoDemand(item));
        }
        match self.target.send(item) {
            Ok(()) => {
                access::act();
                self.ledger.send();
                self.line.sent.add_alone(1);
                if let Some(bucket) = &mut self.rate {
                    bucket.take();
                }
                Ok(())
            }
            Err((Refused::NoRoom, item)) => Err(EmitError::NoDemand(item)),
            Err((Refused::Closed, item)) => Err(EmitError::Cancelled(item)),
        }
    }

    fn is_all_taken(&mut self) -> bool {
        self.target.taken() >= self.ledger.sent() || self.target.is_closed()
    }

    fn poll_all_taken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.line.look(Some(cx.waker()));
        loop {
            if self.line.is_cancelled() || self.is_all_taken() {
                return Poll::Ready(());
            }
            if self.target.poll_taken(u64::MAX, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Tells the subscriber, unless it does not want to hear or has ended.
    fn pass_on(&mut self, end: End) {
        if self.target.is_closed() {
            self.line.cancel();
            return;
        }
        self.look_again(None);
        self.line.finish(end, |end| self.target.end(end));
    }
}

impl<T: Send + 'static> Drop for Emitter<T> {
    fn drop(&mut self) {
        if self.inner.is_some() {
            let how = if std::thread::panicking() { "panicked" } else { "went away without an end" };
            self.finish(End::Failed(Fault::msg(format!("the source {how}"))));
        }
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        // Its task was dropped before it could tell.
        self.line.cancel();
    }
}

impl<T: Send + 'static> fmt::Debug for Emitter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Emitter");
        if let Some(inner) = &self.inner {
            f.field("target", &inner.line.target).field("ledger", &inner.ledger);
        }
        f.finish_non_exhaustive()
    }
}

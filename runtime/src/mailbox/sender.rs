//! The sending side.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::config::{Mailbox, Mode};
use super::core::{Core, Ending, Signal};
use super::dead_letters::DeadLetters;
use super::error::{Admission, SendError, TryReserveError};
use super::item::Item;
use super::permit::Permit;
use super::pressure::Pressure;
use super::stats::MailboxStats;
use crate::sync::access::{self, Access};
use crate::sync::queue::Refusal;
use crate::sync::shim::Arc;
use crate::sync::waiters::{Outcome, Ticket, Want};
use crate::sync::words::MAX_PERMITS;

mod reserve;

pub use self::reserve::{Reserve, ReserveMany};

/// Sends to a mailbox. Cheap to clone; the mailbox closes when the last clone
/// is dropped, and what was accepted is still received.
pub struct Sender<M> {
    core: Arc<Core<M>>,
}

impl<M> Sender<M> {
    pub(crate) fn new(core: Arc<Core<M>>) -> Self {
        Self { core }
    }

    pub(crate) fn core(&self) -> &Arc<Core<M>> {
        &self.core
    }

    /// How many messages may wait at most; `None` if any number may.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.core.capacity()
    }

    /// How many messages would be let in now. For people and metrics: the
    /// number is out of date when it is returned; to send or not, ask
    /// [`try_tell`](Self::try_tell).
    #[must_use]
    pub fn free(&self) -> usize {
        self.core.free()
    }

    /// How many accepted messages wait to be received, as far as the receiver
    /// has published its progress.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the receiver takes no more messages.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core.queue.is_closed()
    }

    /// How messages are delivered at present.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.terms.lock_to(Access::Read).mode
    }

    /// The sink of messages that this mailbox drops.
    #[must_use]
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.core.dead
    }

    /// A handle that does not keep the mailbox open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<M> {
        WeakSender { core: Arc::clone(&self.core) }
    }

    /// Whether both send to the same mailbox.
    #[must_use]
    pub fn same_mailbox(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// The mailbox's numbers.
    #[must_use]
    pub fn stats(&self) -> MailboxStats {
        MailboxStats::of(&self.core)
    }

    /// Other terms for this mailbox: mode, capacity, policy. The receiver puts
    /// them into force between two messages; what was granted stays granted,
    /// nothing is lost, and no message is overtaken. Without effect if the
    /// receiver has gone.
    pub fn reconfigure(&self, mailbox: impl Into<Mailbox<M>>) {
        let _ = self.core.signal(Signal::Reconfigure(Box::new(mailbox.into())));
    }
}

impl<M: Send + 'static> Sender<M> {
    /// Sends `message`; under [`Overflow::Wait`](super::Overflow::Wait) it
    /// waits for a grant, behind those who waited before. Under every other
    /// policy it resolves at once.
    ///
    /// # Errors
    /// [`SendError`], with the message: `Closed` if the receiver has gone or
    /// goes while this waits; what the policy says if it refuses.
    /// # Cancel safety
    /// Cancel safe: a message whose `tell` is dropped while waiting has not
    /// been sent and is dropped with it; the place in the queue is given up.
    /// To keep the message, [`reserve`](Self::reserve) first.
    /// # Ordering
    /// Messages of one sender arrive in the order in which their `tell`s
    /// resolved.
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use tidegate::{Push, mailbox};
    /// let (tx, mut rx) = mailbox::channel(Push::bounded(8));
    /// tx.tell("hello").await.unwrap();
    /// assert_eq!(rx.recv().await, Some("hello"));
    /// # }
    /// ```
    #[inline]
    pub fn tell(&self, message: M) -> Tell<'_, M> {
        Tell { core: &self.core, item: Some(Item::new(message)), ticket: None }
    }

    /// Sends `message` without ever waiting.
    ///
    /// # Errors
    /// [`SendError`], with the message: `Full` or `NoDemand` under the waiting
    /// and rejecting policies, `Closed`, or `Overflowed`.
    #[inline]
    pub fn try_tell(&self, message: M) -> Result<Admission, SendError<M>> {
        access::act();
        self.core.admit(message)
    }

    /// Waits for a grant and sets it aside: the permit sends one message, when
    /// there is one. Waits under every policy but the evicting ones, which
    /// always have room.
    ///
    /// A message sent by permit takes its place in the order when it is sent,
    /// so a permit holds a grant but nobody's message up.
    ///
    /// # Errors
    /// [`Closed`](super::Closed) if the receiver has gone, or goes while this waits.
    /// # Cancel safety
    /// Cancel safe: nothing is spent; the place in the queue is given up.
    #[inline]
    pub fn reserve(&self) -> Reserve<'_, M> {
        Reserve::new(&self.core, 1)
    }

    /// Waits for `n` grants at once and sets them aside.
    ///
    /// # Errors
    /// [`ReserveManyError`](super::ReserveManyError): the receiver has gone, or so many are never free
    /// together under the mailbox's terms, now or after a change of them while
    /// this waits.
    /// # Panics
    /// If `n` is 0, more than the capacity at the time of the call, or more than
    /// 131,071, the most permits there can be.
    /// # Cancel safety
    /// Cancel safe, as [`reserve`](Self::reserve).
    pub fn reserve_many(&self, n: usize) -> ReserveMany<'_, M> {
        assert!(n > 0, "at least one grant is reserved");
        assert!(n as u64 <= MAX_PERMITS, "there are at most {MAX_PERMITS} permits at a time");
        assert!(self.capacity().is_none_or(|capacity| n <= capacity), "more grants than the capacity never come");
        ReserveMany { inner: Reserve::new(&self.core, n as u64) }
    }

    /// Sets a grant aside if there is one.
    ///
    /// # Errors
    /// [`TryReserveError`] if there is none now, or never will be.
    pub fn try_reserve(&self) -> Result<Permit<M>, TryReserveError> {
        match self.core.queue.try_reserve(1) {
            Ok(()) => Ok(Permit::new(Arc::clone(&self.core), true)),
            Err(Refusal::Buffered) => Ok(Permit::new(Arc::clone(&self.core), false)),
            Err(Refusal::Full) => Err(TryReserveError::Full),
            Err(Refusal::NoDemand) => Err(TryReserveError::NoDemand),
            Err(Refusal::Closed) => Err(TryReserveError::Closed),
        }
    }

    /// The level of pressure, and its changes.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        Pressure::new(Arc::clone(&self.core))
    }

    /// Closes the mailbox: nothing more is accepted, what was is received.
    pub fn close(&self) {
        self.core.close(Ending::Closed);
    }
}

impl<M> Sender<M> {
    /// The `tell` that has come so far.
    pub(crate) fn resume(&self, item: Option<Item<M>>, ticket: Option<Ticket>) -> Tell<'_, M> {
        Tell { core: &self.core, item, ticket }
    }
}

impl<M> Clone for Sender<M> {
    fn clone(&self) -> Self {
        self.core.senders.add();
        Self { core: Arc::clone(&self.core) }
    }
}

impl<M> Drop for Sender<M> {
    fn drop(&mut self) {
        if self.core.senders.remove() {
            self.core.close(Ending::Closed);
        }
    }
}

impl<M> fmt::Debug for Sender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("mailbox", &self.core.name).finish_non_exhaustive()
    }
}

/// A sender that does not keep its mailbox open.
pub struct WeakSender<M> {
    core: Arc<Core<M>>,
}

impl<M> WeakSender<M> {
    /// A sender, while there is another and the mailbox is open.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<M>> {
        if self.core.queue.is_closed() || !self.core.senders.revive() {
            return None;
        }
        Some(Sender { core: Arc::clone(&self.core) })
    }
}

impl<M> Clone for WeakSender<M> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

impl<M> fmt::Debug for WeakSender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").field("mailbox", &self.core.name).finish_non_exhaustive()
    }
}

/// The future of [`Sender::tell`].
#[must_use = "a message is sent when this is awaited"]
pub struct Tell<'a, M> {
    core: &'a Core<M>,
    /// Until it is sent, or lies with the waiters.
    item: Option<Item<M>>,
    ticket: Option<Ticket>,
}

// Nothing in it is pinned: a waiting message lies with the waiters.
impl<M> Unpin for Tell<'_, M> {}

impl<M: Send + 'static> Future for Tell<'_, M> {
    type Output = Result<Admission, SendError<M>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.item.is_none() {
            return without_place(self.poll_waiting(cx));
        }
        if access::pass(cx).is_pending() {
            return Poll::Pending;
        }
        let telling = self.core.telling(self.item.as_ref());
        match self.core.queue.try_put_from(&mut self.item) {
            Ok(()) => {
                self.core.tell_sent(telling);
                Poll::Ready(Ok(Admission::Queued))
            }
            Err(refusal) => without_place(self.poll_refused(refusal, cx)),
        }
    }
}

type Told<M> = Poll<Result<Admission, SendError<M>>>;

/// The same with the sequence of the message, where it has one.
type Placed<M> = Poll<Result<(Admission, Option<u64>), SendError<M>>>;

fn without_place<M>(told: Placed<M>) -> Told<M> {
    told.map(|told| told.map(|(admission, _)| admission))
}

impl<M: Send + 'static> Tell<'_, M> {
    /// As `poll`, and says where the message was put, if that is a place in
    /// the slots.
    #[cold]
    pub(crate) fn poll_placed(&mut self, cx: &mut Context<'_>) -> Placed<M> {
        let Some(item) = self.item.take() else { return self.poll_waiting(cx) };
        let telling = self.core.telling(Some(&item));
        match self.core.queue.try_put_at(item) {
            Ok(sequence) => {
                self.core.tell_sent(telling);
                Poll::Ready(Ok((Admission::Queued, Some(sequence))))
            }
            Err((refusal, item)) => {
                self.item = Some(item);
                self.poll_refused(refusal, cx)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn poll_refused(&mut self, refusal: Refusal, cx: &mut Context<'_>) -> Placed<M> {
        let Some(item) = self.item.take() else { unreachable!("what was refused is still here") };
        let mut result = self.core.admit_after(refusal, item);
        loop {
            let error = match result {
                Err(error @ (SendError::Full(_) | SendError::NoDemand(_))) if self.core.waits() => error,
                settled => {
                    if let Err(error) = &settled {
                        self.core.tell_refused(error);
                    }
                    let settled = settled.map(|admission| (admission, None));
                    return Poll::Ready(settled.map_err(|error| error.map(Item::into_message)));
                }
            };
            match self.core.queue.wait(Want::Put(error.into_message()), cx.waker()) {
                Ok(ticket) => {
                    self.core.tell_waiting();
                    return self.look(ticket, cx);
                }
                Err((_, Want::Permits(_))) => unreachable!("a message was to be put"),
                Err((_, Want::Put(item))) => result = self.core.admit_item(item),
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Placed<M> {
        match self.ticket.take() {
            Some(ticket) => self.look(ticket, cx),
            None => panic!("`tell` was polled after it was done"),
        }
    }

    fn look(&mut self, ticket: Ticket, cx: &mut Context<'_>) -> Placed<M> {
        match self.core.queue.look(ticket, cx.waker()) {
            Outcome::Waiting(ticket) => {
                self.ticket = Some(ticket);
                Poll::Pending
            }
            Outcome::Put(sequence) => {
                self.core.tell_let_in();
                Poll::Ready(Ok((Admission::Queued, Some(sequence))))
            }
            Outcome::Granted(_) => Poll::Ready(Ok((Admission::Queued, None))),
            Outcome::Refused(Some(item)) => Poll::Ready(Err(SendError::Closed(item.into_message()))),
            Outcome::Refused(None) => unreachable!("a message was to be put"),
        }
    }

    /// Its place among those who wait, for one that [resumes](Sender::resume).
    pub(crate) fn suspend(mut self) -> Option<Ticket> {
        self.ticket.take()
    }

    /// Gives up waiting; the message, unless it has been sent.
    pub(crate) fn cancel(&mut self) -> Option<M> {
        let item = self.item.take().or_else(|| self.core.queue.leave(&self.ticket.take()?));
        item.map(Item::into_message)
    }
}

impl<M> Drop for Tell<'_, M> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(ticket) = &self.ticket {
            drop(self.core.queue.leave(ticket).map(Item::into_message));
        }
        if access::is_exploring() {
            drop(self.item.take().map(Item::into_message));
        }
    }
}

impl<M> fmt::Debug for Tell<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (&self.item, &self.ticket) {
            (Some(_), _) => "not sent",
            (None, Some(_)) => "waiting for a grant",
            (None, None) => "done",
        };
        f.debug_struct("Tell").field("mailbox", &self.core.name).field("state", &state).finish()
    }
}

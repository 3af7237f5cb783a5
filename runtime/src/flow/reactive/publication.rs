//! The publisher's end of one subscription, for publishers written by hand.
//!
//! Two counts decide everything: how many items were requested in all, and how
//! many were sent. The first is shared with the [`Subscription`] that the
//! subscriber has, under a lock that is never held while anything else is
//! called; the second is the publisher's own. So a `request` from inside a
//! signal counts and wakes, and does no more: items are sent by the task that
//! owns the publication, and nowhere else. That is where rules 3.2 to 3.5 come
//! from, and why what 3.10 and 3.11 permit never happens here.
//!
//! The shared part knows nothing of the subscriber, so that a subscription which
//! somebody keeps does not keep its subscriber (3.13).

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::traits::{InvalidDemand, Subscriber, Subscription};
use crate::actor::Fault;
use crate::actor::panic::contained;
use crate::sync::access::{self, Access};
use crate::sync::shim::Mutex;

/// What a publisher holds for one of its subscribers: the subscriber, and what it
/// has requested.
///
/// It keeps the rules that a publisher is under, whatever the publisher does:
/// nothing is sent without demand (1.1), before the subscription (1.9) or behind
/// a terminal (1.7); an invalid demand is answered (3.9); a subscriber that has
/// cancelled, or panics, is dropped (3.13, 2.13); and a publisher that goes away
/// without a word has failed (1.4).
///
/// What is left to the publisher: to have a task that goes on when
/// [`ready`](Self::ready) does, and to end.
///
/// ```
/// use tidegate::flow::reactive::{Publication, Publisher, Subscriber};
/// use tidegate::{Executor, ManualExecutor};
/// # use tidegate::Fault;
/// # use tidegate::flow::reactive::Subscription;
/// # struct Take(u64, std::sync::mpsc::Sender<u64>);
/// # impl Subscriber<u64> for Take {
/// #     fn on_subscribe(&mut self, mut subscription: Box<dyn Subscription>) { subscription.request(self.0); std::mem::forget(subscription) }
/// #     fn on_next(&mut self, n: u64) { self.1.send(n).unwrap() }
/// #     fn on_error(self: Box<Self>, _: Fault) {}
/// #     fn on_complete(self: Box<Self>) {}
/// # }
///
/// /// The powers of two, from a count of its own for each subscriber.
/// struct Powers(ManualExecutor);
///
/// impl Publisher for Powers {
///     type Item = u64;
///     fn subscribe(&self, subscriber: Box<dyn Subscriber<u64>>) {
///         let mut to = Publication::open(subscriber);
///         self.0.spawn("powers", Box::pin(async move {
///             for power in (0..64).map(|exponent| 1 << exponent) {
///                 if to.send(power).await.is_err() {
///                     return; // It has cancelled.
///                 }
///             }
///             to.complete();
///         }));
///     }
/// }
///
/// let executor = ManualExecutor::new();
/// let (to, heard) = std::sync::mpsc::channel();
/// Powers(executor.clone()).subscribe(Box::new(Take(4, to)));
/// executor.run_until_idle();
/// assert_eq!(heard.try_iter().collect::<Vec<_>>(), [1, 2, 4, 8]);
/// ```
#[must_use = "a publication that is dropped fails its subscriber"]
pub struct Publication<T: 'static> {
    /// `None` once it has been told of the end, or let go.
    subscriber: Option<Box<dyn Subscriber<T>>>,
    sent: u64,
    books: Arc<Books>,
}

/// What a publication shares with its subscription.
struct Books(Mutex<State>);

struct State {
    /// Never falls; `u64::MAX` is without bound.
    requested: u64,
    end: Option<Ended>,
    /// Of the publication's task.
    waker: Option<Waker>,
}

/// Why no more is to be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The subscriber wants no more.
    Cancelled,
    /// The subscriber has requested 0 items, and is to be told.
    Invalid,
    /// The publisher has said its last, or given the subscriber up.
    Over,
}

/// When the publisher's task is to be woken.
#[derive(Clone, Copy)]
enum Wake<'a> {
    Never,
    OnDemand(&'a Waker),
    OnCancel(&'a Waker),
}

impl Books {
    /// Ends it, unless something has, and tells the publisher's task.
    fn end(&self, end: Ended) {
        let waker = {
            let mut state = self.0.lock();
            if state.end.is_some() {
                return;
            }
            state.end = Some(end);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: 'static> Publication<T> {
    /// Hands `subscriber` its subscription: the first signal (1.9). What it requests
    /// meanwhile is there afterwards.
    pub fn open(subscriber: Box<dyn Subscriber<T>>) -> Self {
        let books = Arc::new(Books(Mutex::new(State { requested: 0, end: None, waker: None })));
        let mut publication = Self { subscriber: Some(subscriber), sent: 0, books };
        let subscription = Box::new(Requests(Arc::clone(&publication.books)));
        publication.signal(|subscriber| subscriber.on_subscribe(subscription));
        publication
    }

    /// How many items may be sent now, at least one; `u64::MAX`: without bound.
    ///
    /// # Returns
    /// - `Ready(Ok(n))`: `n` times [`try_send`](Self::try_send) will find demand.
    /// - `Ready(Err(Cancelled))`: the subscriber wants no more, or has no right to
    ///   any. It has been dropped.
    /// - `Pending`: there is no demand. The task is woken when that changes.
    ///
    /// # Errors
    /// [`PublishError::Cancelled`].
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<NonZeroU64, PublishError<()>>> {
        match self.look(Wake::OnDemand(cx.waker())) {
            Err(end) => {
                self.let_go(end);
                Poll::Ready(Err(PublishError::Cancelled(())))
            }
            Ok(demand) => NonZeroU64::new(demand).map_or(Poll::Pending, |demand| Poll::Ready(Ok(demand))),
        }
    }

    /// Waits until something may be sent; see [`poll_ready`](Self::poll_ready).
    ///
    /// # Errors
    /// [`PublishError::Cancelled`] if nothing ever will be.
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ready(&mut self) -> Result<NonZeroU64, PublishError<()>> {
        poll_fn(|cx| access::afresh(cx, |cx| self.poll_ready(cx))).await
    }

    /// Ready once the subscriber wants no more and has been dropped: for a
    /// publisher that has demand and waits for something else.
    pub fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.look(Wake::OnCancel(cx.waker())) {
            Ok(_) => Poll::Pending,
            Err(end) => {
                self.let_go(end);
                Poll::Ready(())
            }
        }
    }

    /// How many items may be sent now; 0 also after a cancel.
    #[must_use]
    pub fn demand(&self) -> u64 {
        self.look(Wake::Never).unwrap_or(0)
    }

    /// Sends `item` if there is demand for it.
    ///
    /// A subscriber that panics is dropped, as if it had cancelled (2.13). The panic
    /// goes no further than the panic hook, since it is not the publisher's.
    ///
    /// # Errors
    /// The item, if nothing was requested or the subscriber is gone.
    pub fn try_send(&mut self, item: T) -> Result<(), PublishError<T>> {
        match self.look(Wake::Never) {
            Err(end) => {
                self.let_go(end);
                Err(PublishError::Cancelled(item))
            }
            Ok(0) => Err(PublishError::NoDemand(item)),
            Ok(_) => {
                access::act();
                self.sent = self.sent.saturating_add(1);
                self.signal(|subscriber| subscriber.on_next(item));
                Ok(())
            }
        }
    }

    /// Sends `item` when there is demand for it.
    ///
    /// # Errors
    /// [`PublishError::Cancelled`] with the item.
    /// # Cancel safety
    /// Nothing is sent when it is dropped before it is done; the item is lost with
    /// it. Wait for [`ready`](Self::ready) where that matters.
    pub async fn send(&mut self, item: T) -> Result<(), PublishError<T>> {
        match self.ready().await {
            Ok(_) => self.try_send(item),
            Err(_) => Err(PublishError::Cancelled(item)),
        }
    }

    /// The end: there are no more items (1.5). Needs no demand.
    pub fn complete(mut self) {
        self.finish(|subscriber| subscriber.on_complete());
    }

    /// The end, by a failure (1.4). Needs no demand.
    pub fn fail(mut self, fault: Fault) {
        self.finish(|subscriber| subscriber.on_error(fault));
    }

    /// What may be sent, or why nothing may, and whom to wake when that changes.
    fn look(&self, wake: Wake<'_>) -> Result<u64, Ended> {
        let mut state = self.books.0.lock();
        if let Some(end) = state.end {
            return Err(end);
        }
        let demand = match state.requested {
            u64::MAX => u64::MAX,
            requested => requested - self.sent,
        };
        let old = match wake {
            Wake::OnDemand(waker) if demand == 0 => state.waker.replace(waker.clone()),
            Wake::OnCancel(waker) => state.waker.replace(waker.clone()),
            Wake::OnDemand(_) | Wake::Never => None,
        };
        drop(state);
        // Foreign code: dropped when the lock is free.
        drop(old);
        Ok(demand)
    }

    /// One signal that is not the last. Who panics in it gets no more.
    fn signal(&mut self, signal: impl FnOnce(&mut dyn Subscriber<T>)) {
        let Some(subscriber) = &mut self.subscriber else { return };
        if contained(|| signal(&mut **subscriber)).is_err() {
            self.books.end(Ended::Cancelled);
            self.let_go(Ended::Cancelled);
        }
    }

    fn finish(&mut self, signal: impl FnOnce(Box<dyn Subscriber<T>>)) {
        if let Err(end) = self.look(Wake::Never) {
            return self.let_go(end);
        }
        // Before the signal: a request made in it finds that all is over (1.6).
        self.books.end(Ended::Over);
        if let Some(subscriber) = self.subscriber.take() {
            // Whose subscriber panics here has nothing left to be cancelled.
            drop(contained(|| signal(subscriber)));
        }
    }

    /// Forgets the subscriber (3.13), and says why if it is owed that (3.9).
    fn let_go(&mut self, end: Ended) {
        let Some(subscriber) = self.subscriber.take() else { return };
        self.books.0.lock().end = Some(Ended::Over);
        drop(contained(|| match end {
            Ended::Invalid => subscriber.on_error(Fault::from(InvalidDemand)),
            Ended::Cancelled | Ended::Over => drop(subscriber),
        }));
    }
}

impl<T: 'static> Drop for Publication<T> {
    fn drop(&mut self) {
        if self.subscriber.is_some() {
            self.finish(|subscriber| subscriber.on_error(Fault::from(Abandoned)));
        }
    }
}

impl<T: 'static> fmt::Debug for Publication<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requested = self.books.0.lock_to(Access::Read).requested;
        f.debug_struct("Publication")
            .field("requested", &requested)
            .field("sent", &self.sent)
            .field("is_over", &self.subscriber.is_none())
            .finish()
    }
}

/// The subscriber's side of the books.
struct Requests(Arc<Books>);

impl Subscription for Requests {
    fn request(&mut self, n: u64) {
        if n == 0 {
            return self.0.end(Ended::Invalid);
        }
        let waker = {
            let mut state = self.0.0.lock();
            if state.end.is_some() {
                return;
            }
            state.requested = state.requested.saturating_add(n);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn cancel(&mut self) {
        self.0.end(Ended::Cancelled);
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// An item was not sent. It comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError<T> {
    /// Not now: nothing was requested beyond what was sent.
    NoDemand(T),
    /// Never: the subscriber has cancelled, panicked, or requested 0 items.
    Cancelled(T),
}

impl<T> PublishError<T> {
    /// The item.
    #[must_use]
    pub fn into_item(self) -> T {
        match self {
            Self::NoDemand(item) | Self::Cancelled(item) => item,
        }
    }

    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NoDemand(_))
    }
}

impl<T> fmt::Debug for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDemand(_) => "NoDemand(..)",
            Self::Cancelled(_) => "Cancelled(..)",
        })
    }
}

impl<T> fmt::Display for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDemand(_) => "the subscriber has not requested any more",
            Self::Cancelled(_) => "the subscriber wants no more",
        })
    }
}

impl<T> Error for PublishError<T> {}

/// A publisher went away without having ended its subscription: the source of the
/// fault that its subscriber is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the publisher went away before the end")
    }
}

impl Error for Abandoned {}

#[cfg(all(test, not(tidegate_loom)))]
#[path = "publication/tests.rs"]
mod tests;

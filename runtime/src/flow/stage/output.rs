//! What a stage emits into: an outlet, or, for its tests, a list.

use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroU64;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use crate::flow::error::{EmitError, Unwanted};
use crate::flow::ledger::UNBOUNDED;
use crate::flow::outlet::Outlet;
use crate::sync::access;
use crate::sync::counter::Flag;

/// Where a [`Stage`](super::Stage) emits: to whoever subscribes to it, as far as
/// they have asked.
pub struct Output<T: Send + 'static> {
    to: To<T>,
    sent: u64,
    /// The stage has been told to stop: there is no waiting any more.
    stopping: Arc<Flag>,
}

enum To<T: Send + 'static> {
    Outlet(Outlet<T>),
    List { items: Vec<T>, wanted: u64 },
}

impl<T: Send + 'static> Output<T> {
    pub(super) fn outlet(outlet: Outlet<T>) -> Self {
        Self { to: To::Outlet(outlet), sent: 0, stopping: Arc::new(Flag::new()) }
    }

    /// One that keeps what it is sent, for the test of a stage: it wants
    /// everything.
    pub fn collecting() -> Self {
        Self::wanting(UNBOUNDED)
    }

    /// One that keeps what it is sent, for the test of a stage, and wants `n` items
    /// to begin with. Beyond them a [`send`](Self::send) waits: drop it, and
    /// [ask](Self::want) for more.
    pub fn wanting(n: u64) -> Self {
        let to = To::List { items: Vec::new(), wanted: n };
        Self { to, sent: 0, stopping: Arc::new(Flag::new()) }
    }

    /// Wants `n` items more, if it is one for tests.
    pub fn want(&mut self, n: u64) {
        if let To::List { wanted, .. } = &mut self.to {
            *wanted = wanted.saturating_add(n);
        }
    }

    /// Takes out what was sent, if it is one for tests; nothing otherwise.
    #[must_use]
    pub fn collected(&mut self) -> Vec<T> {
        match &mut self.to {
            To::Outlet(_) => Vec::new(),
            To::List { items, .. } => std::mem::take(items),
        }
    }

    pub(super) fn as_outlet(&mut self) -> Option<&mut Outlet<T>> {
        match &mut self.to {
            To::Outlet(outlet) => Some(outlet),
            To::List { .. } => None,
        }
    }

    pub(super) fn stopping(&self) -> Arc<Flag> {
        Arc::clone(&self.stopping)
    }

    /// How many items can be sent now, without waiting.
    #[must_use]
    pub fn demand(&mut self) -> u64 {
        match &mut self.to {
            To::Outlet(outlet) => outlet.demand(),
            To::List { wanted, .. } => *wanted,
        }
    }

    /// How many items were sent.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether nothing is wanted any more: every subscriber has gone, or the stage
    /// has been told to stop.
    #[must_use]
    pub fn is_cancelled(&mut self) -> bool {
        self.stopping.is_raised()
            || match &mut self.to {
                To::Outlet(outlet) => outlet.is_cancelled(),
                To::List { .. } => false,
            }
    }

    /// The same, as far as it has been seen: for who has just looked at the demand, or
    /// is told of what is new.
    pub(super) fn is_over(&self) -> bool {
        self.stopping.is_raised()
            || match &self.to {
                To::Outlet(outlet) => outlet.is_over(),
                To::List { .. } => false,
            }
    }

    /// Waits until at least one item can be sent, and tells how many: for what is
    /// costly to make.
    ///
    /// # Errors
    /// [`Unwanted`] if nothing is wanted any more.
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ready(&mut self) -> Result<NonZeroU64, Unwanted> {
        let Self { to, stopping, .. } = self;
        let outlet = match to {
            To::Outlet(outlet) => outlet,
            To::List { wanted, .. } => {
                return poll_fn(|_| NonZeroU64::new(*wanted).map_or(Poll::Pending, |wanted| Poll::Ready(Ok(wanted))))
                    .await;
            }
        };
        let mut ready = pin!(outlet.ready());
        poll_fn(|cx| {
            if access::fresh(cx).is_pending() {
                return Poll::Pending;
            }
            match ready.as_mut().poll(cx) {
                // An order wakes the stage's task, and demand may never come.
                Poll::Pending if stopping.is_raised() => Poll::Ready(Err(Unwanted::Cancelled)),
                ready => ready,
            }
        })
        .await
    }

    /// Sends an item if somebody has demand for it now.
    ///
    /// # Errors
    /// [`EmitError`], with the item.
    #[inline]
    pub fn try_send(&mut self, item: T) -> Result<(), EmitError<T>> {
        match &mut self.to {
            To::Outlet(outlet) => outlet.try_send(item)?,
            To::List { wanted: 0, .. } => return Err(EmitError::NoDemand(item)),
            To::List { items, wanted } => {
                *wanted -= u64::from(*wanted != UNBOUNDED);
                items.push(item);
            }
        }
        self.sent += 1;
        Ok(())
    }

    /// Waits until somebody has demand for the item, and sends it.
    ///
    /// # Errors
    /// [`Unwanted`] if nothing is wanted any more: the item is dropped. A handler
    /// passes it on by `?`, which is no failure of the stage.
    /// # Cancel safety
    /// If this is dropped before it is done, the item is dropped with it and
    /// nothing is spent. Await [`ready`](Self::ready) and
    /// [`try_send`](Self::try_send) to keep it.
    pub async fn send(&mut self, item: T) -> Result<(), Unwanted> {
        let Self { to, sent, stopping } = self;
        let outlet = match to {
            To::Outlet(outlet) => outlet,
            To::List { items, wanted } => {
                poll_fn(|_| if *wanted > 0 { Poll::Ready(()) } else { Poll::Pending }).await;
                *wanted -= u64::from(*wanted != UNBOUNDED);
                items.push(item);
                *sent += 1;
                return Ok(());
            }
        };
        let mut sending = outlet.send(item);
        poll_fn(|cx| {
            if access::fresh(cx).is_pending() {
                return Poll::Pending;
            }
            match Pin::new(&mut sending).poll(cx) {
                Poll::Ready(Ok(())) => {
                    *sent += 1;
                    Poll::Ready(Ok(()))
                }
                Poll::Ready(Err(EmitError::Deadlock(_, cycle))) => Poll::Ready(Err(Unwanted::Deadlock(cycle))),
                Poll::Ready(Err(_)) => Poll::Ready(Err(Unwanted::Cancelled)),
                // Or it is half sent, and goes on.
                Poll::Pending if stopping.is_raised() && !access::has_acted() => Poll::Ready(Err(Unwanted::Cancelled)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

impl<T: Send + 'static> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("sent", &self.sent).finish_non_exhaustive()
    }
}

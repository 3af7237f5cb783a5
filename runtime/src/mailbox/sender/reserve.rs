//! Waiting for grants, to set them aside.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::super::core::Core;
use super::super::error::{Closed, ReserveManyError};
use super::super::permit::{Permit, Permits};
use crate::sync::access;
use crate::sync::queue::Refusal;
use crate::sync::shim::Arc;
use crate::sync::waiters::{Outcome, Ticket, Want};

/// The future of [`Sender::reserve`](crate::mailbox::Sender::reserve).
#[must_use = "a grant is set aside when this is awaited"]
pub struct Reserve<'a, M> {
    core: &'a Arc<Core<M>>,
    n: u64,
    ticket: Option<Ticket>,
    permit: std::marker::PhantomData<fn() -> M>,
}

impl<'a, M> Reserve<'a, M> {
    pub(super) fn new(core: &'a Arc<Core<M>>, n: u64) -> Self {
        Self { core, n, ticket: None, permit: std::marker::PhantomData }
    }
}

impl<M> Unpin for Reserve<'_, M> {}

impl<M: Send + 'static> Reserve<'_, M> {
    /// Whether the grants are real, or the policy always has room.
    fn poll_grants(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, ReserveManyError>> {
        let mut passed = false;
        loop {
            let Some(ticket) = self.ticket.take() else {
                if !std::mem::replace(&mut passed, true) && access::pass(cx).is_pending() {
                    return Poll::Pending;
                }
                match self.core.queue.try_reserve(self.n) {
                    Ok(()) => return Poll::Ready(Ok(true)),
                    Err(Refusal::Closed) => return Poll::Ready(Err(ReserveManyError::Closed)),
                    Err(Refusal::Buffered) => return Poll::Ready(Ok(false)),
                    Err(Refusal::Full | Refusal::NoDemand) => {}
                }
                match self.core.queue.wait(Want::Permits(self.n), cx.waker()) {
                    Ok(ticket) => self.ticket = Some(ticket),
                    Err((Refusal::Closed, _)) => return Poll::Ready(Err(ReserveManyError::Closed)),
                    Err(_) => {}
                }
                continue;
            };
            return match self.core.queue.look(ticket, cx.waker()) {
                Outcome::Waiting(ticket) => {
                    self.ticket = Some(ticket);
                    Poll::Pending
                }
                // No permits: the policy has always room by now.
                Outcome::Granted(0) => Poll::Ready(Ok(false)),
                Outcome::Put(_) => unreachable!("permits were to be had"),
                Outcome::Granted(n) => {
                    debug_assert_eq!(n, self.n, "all that was asked for is granted");
                    Poll::Ready(Ok(true))
                }
                Outcome::Refused(_) if self.core.queue.is_closed() => Poll::Ready(Err(ReserveManyError::Closed)),
                Outcome::Refused(_) => Poll::Ready(Err(ReserveManyError::TooMany)),
            };
        }
    }
}

impl<M: Send + 'static> Future for Reserve<'_, M> {
    type Output = Result<Permit<M>, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let core = Arc::clone(self.core);
        // One grant is never too many.
        self.poll_grants(cx).map(|granted| granted.map(|real| Permit::new(core, real)).map_err(|_| Closed))
    }
}

impl<M> Drop for Reserve<'_, M> {
    fn drop(&mut self) {
        if let Some(ticket) = &self.ticket {
            drop(self.core.queue.leave(ticket));
        }
    }
}

impl<M> fmt::Debug for Reserve<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").field("mailbox", &self.core.name).field("n", &self.n).finish_non_exhaustive()
    }
}

/// The future of [`Sender::reserve_many`](crate::mailbox::Sender::reserve_many).
#[derive(Debug)]
#[must_use = "grants are set aside when this is awaited"]
pub struct ReserveMany<'a, M> {
    pub(super) inner: Reserve<'a, M>,
}

impl<M: Send + 'static> Future for ReserveMany<'_, M> {
    type Output = Result<Permits<M>, ReserveManyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let core = Arc::clone(self.inner.core);
        let n = self.inner.n;
        self.inner.poll_grants(cx).map(|granted| granted.map(|real| Permits::new(core, n, real)))
    }
}

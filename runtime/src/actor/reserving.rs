//! A grant that is waited for poll by poll, as sinks, services and subscriptions
//! do.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::reference::{ActorRef, To};
use crate::mailbox::{Permit, ReserveError, TryReserveError};

type Waiting<M> = Pin<Box<dyn Future<Output = Result<Permit<M>, ReserveError>> + Send>>;

/// An actor, and at most one of its grants.
pub(crate) struct Reserving<M> {
    actor: ActorRef<M>,
    waiting: Option<Waiting<M>>,
    permit: Option<Permit<M>>,
    /// Whether its wait is in the list of those who wait.
    in_sight: bool,
}

impl<M: Send + 'static> Reserving<M> {
    #[cfg(any(feature = "futures", feature = "tower"))]
    pub(crate) fn new(actor: ActorRef<M>) -> Self {
        Self { actor, waiting: None, permit: None, in_sight: true }
    }

    /// One whose waits are nobody's business, or are told of elsewhere.
    pub(crate) fn unseen(actor: ActorRef<M>) -> Self {
        Self { actor, waiting: None, permit: None, in_sight: false }
    }

    #[cfg(any(feature = "futures", feature = "tower"))]
    pub(crate) fn actor(&self) -> &ActorRef<M> {
        &self.actor
    }

    /// Ready once a grant is set aside. It stays so until it is taken.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReserveError>> {
        if self.permit.is_some() {
            return Poll::Ready(Ok(()));
        }
        if self.waiting.is_none() {
            match self.actor.try_reserve() {
                Ok(permit) => {
                    self.permit = Some(permit);
                    return Poll::Ready(Ok(()));
                }
                Err(TryReserveError::Closed) => return Poll::Ready(Err(ReserveError::Closed)),
                // Only who has to wait pays for a place to wait in.
                Err(_) => {
                    let (actor, in_sight) = (self.actor.clone(), self.in_sight);
                    self.waiting = Some(Box::pin(async move {
                        match actor.target() {
                            To::Mailbox(sender) if !in_sight => Ok(sender.reserve().await?),
                            _ => actor.reserve().await,
                        }
                    }));
                }
            }
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        let Poll::Ready(granted) = waiting.as_mut().poll(cx) else { return Poll::Pending };
        self.waiting = None;
        self.permit = Some(granted?);
        Poll::Ready(Ok(()))
    }

    /// Whether it has a grant, or a place in the queue for one.
    pub(crate) fn is_waiting(&self) -> bool {
        self.permit.is_some() || self.waiting.is_some()
    }

    pub(crate) fn take(&mut self) -> Option<Permit<M>> {
        self.permit.take()
    }

    /// Gives up the grant, or the place in the queue for one.
    pub(crate) fn release(&mut self) {
        (self.permit, self.waiting) = (None, None);
    }
}

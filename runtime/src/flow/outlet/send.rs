//! Sending, poll by poll.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Outlet;
use super::copies::Copies;
use super::patience::Patience;
use crate::flow::error::EmitError;
use crate::sync::access;

/// The future of [`Outlet::send`].
#[must_use = "an item is sent when this is awaited"]
pub struct Sending<'a, T: Send + 'static> {
    outlet: &'a mut Outlet<T>,
    /// Until it is sent.
    item: Option<T>,
    copies: Copies<T>,
    /// While it waits.
    patience: Option<Box<Patience>>,
}

// The item is moved out of it and never pinned in it.
impl<T: Send + 'static> Unpin for Sending<'_, T> {}

impl<'a, T: Send + 'static> Sending<'a, T> {
    #[inline(always)]
    pub(super) fn new(outlet: &'a mut Outlet<T>, item: T) -> Self {
        Self { outlet, item: Some(item), copies: Copies::none(), patience: None }
    }

    #[cold]
    #[inline(never)]
    fn poll_slowly(&mut self, mut item: T, cx: &mut Context<'_>) -> Poll<Result<(), EmitError<T>>> {
        self.outlet.insist();
        loop {
            match self.patience.get_or_insert_default().poll(self.outlet, Some(&item), cx) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(unwanted)) => return Poll::Ready(Err(unwanted.of(item))),
                Poll::Pending => {
                    self.item = Some(item);
                    return Poll::Pending;
                }
            }
            match self.copies.send(self.outlet, item) {
                Err(EmitError::NoDemand(back)) => item = back,
                Ok(()) => return self.copies.poll(self.outlet, cx).map(Ok),
                refused => return Poll::Ready(refused),
            }
        }
    }
}

impl<T: Send + 'static> Future for Sending<'_, T> {
    type Output = Result<(), EmitError<T>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if access::fresh(cx).is_pending() {
            return Poll::Pending;
        }
        if this.copies.are_left() {
            return this.copies.poll(this.outlet, cx).map(Ok);
        }
        let Some(item) = this.item.take() else { panic!("`send` was polled after it was done") };
        match this.copies.send(this.outlet, item) {
            Err(EmitError::NoDemand(item)) => this.poll_slowly(item, cx),
            Ok(()) => this.copies.poll(this.outlet, cx).map(Ok),
            refused => Poll::Ready(refused),
        }
    }
}

impl<T: Send + 'static> Drop for Sending<'_, T> {
    fn drop(&mut self) {
        self.copies.send_rest(self.outlet);
        if self.patience.is_some() {
            self.outlet.relent(self.item.is_none());
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}

//! A mailbox as a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Receiver;

/// The messages of a mailbox, in order, until it is closed and drained. Under
/// pull, as far as they were [requested](Receiver::request).
impl<M: Send + 'static> Stream for Receiver<M> {
    type Item = M;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<M>> {
        self.poll_recv(cx)
    }
}

// Messages are moved out of it and never pinned in it.
impl<M: Send + 'static> Unpin for Receiver<M> {}

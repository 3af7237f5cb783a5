//! A handler while it runs: in its span, and with an eye on signals.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use crate::mailbox::receiver::{Receiver, Urgent};
use crate::sync::access;

/// A handler, with an eye on the control lane while it waits.
///
/// The handler is pinned in its caller: a future that is moved into another
/// takes its place twice.
pub(super) struct Attended<'a, 'b, F, M: Send + 'static> {
    handler: Pin<&'a mut F>,
    rx: &'b mut Receiver<M>,
    polled: bool,
    /// Explored with a clock that moves at any time, it takes some before it does
    /// anything.
    is_slow: bool,
    #[cfg(feature = "tracing")]
    span: Option<tracing::Span>,
}

pub(super) fn attend<'a, 'b, F, M: Send + 'static>(
    handler: Pin<&'a mut F>,
    rx: &'b mut Receiver<M>,
) -> Attended<'a, 'b, F, M> {
    Attended {
        handler,
        rx,
        polled: false,
        is_slow: false,
        #[cfg(feature = "tracing")]
        span: None,
    }
}

/// The same in a span of its own, which follows from the one that the message
/// taken last was sent in.
#[inline(always)]
pub(super) fn attend_message<'a, 'b, F, M: Send + 'static>(
    handler: Pin<&'a mut F>,
    rx: &'b mut Receiver<M>,
) -> Attended<'a, 'b, F, M> {
    #[cfg(feature = "tracing")]
    let span = {
        let sent_in = rx.take_trace().0;
        let span = tracing::debug_span!(target: "tidegate::handle", "handle", actor = %rx.core().name);
        span.follows_from(&sent_in);
        Some(span)
    };
    Attended {
        is_slow: access::takes_time(),
        #[cfg(feature = "tracing")]
        span,
        ..attend(handler, rx)
    }
}

impl<F: Future, M: Send + 'static> Future for Attended<'_, '_, F, M> {
    type Output = Result<F::Output, Urgent>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Before the first poll the lane has just been looked at.
        if this.polled {
            this.rx.note_poll();
            let look = access::look();
            if let Some(urgent) = this.rx.poll_urgent() {
                return Poll::Ready(Err(urgent));
            }
            look.repeats();
        }
        if std::mem::take(&mut this.is_slow) {
            cx.waker().wake_by_ref();
        } else {
            #[cfg(feature = "tracing")]
            let _entered = this.span.as_ref().map(tracing::Span::enter);
            if let Poll::Ready(result) = this.handler.as_mut().poll(cx) {
                return Poll::Ready(Ok(result));
            }
        }
        this.polled = true;
        // The handler waits, perhaps for long: senders see how far it came,
        // and signals find the way.
        match this.rx.wait_for_signals(cx.waker()) {
            Some(urgent) => Poll::Ready(Err(urgent)),
            None => Poll::Pending,
        }
    }
}

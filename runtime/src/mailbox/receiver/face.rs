//! What whoever holds the receiver by hand does with it.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::super::config::Mode;
use super::super::core::{Ending, Signal};
use super::super::stats::MailboxStats;
use super::{Next, Receiver, TryRecvError};
use crate::sync::access::{self, Access};

impl<M: Send + 'static> Receiver<M> {
    /// Acts on signals that concern the mailbox alone.
    fn obey_signals(&mut self) {
        while let Some(signal) = self.core.lane.next() {
            match signal {
                Signal::Reconfigure(mailbox) => self.reconfigure(*mailbox),
                Signal::Retire => self.retire(),
                Signal::Kill | Signal::Stop | Signal::Drain => self.core.close(Ending::Closed),
                Signal::Timer(..) | Signal::Notice(_) | Signal::Renew => {}
            }
        }
    }

    /// Waits for the next message. `None`: the mailbox is closed and
    /// everything accepted has been received.
    ///
    /// Under pull, messages come only as far as they were
    /// [requested](Self::request), by hand or by the strategy.
    ///
    /// # Cancel safety
    /// Cancel safe: a message is taken when this resolves.
    pub async fn recv(&mut self) -> Option<M> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        // Explored, taking is a step of its own; finding nothing is none.
        if access::is_exploring() && !access::unseen(|| self.is_quiet()) && access::pass(cx).is_pending() {
            return Poll::Pending;
        }
        loop {
            let look = access::look();
            match self.poll_once() {
                Next::Message(message) => return Poll::Ready(Some(message)),
                Next::Closed => return Poll::Ready(None),
                Next::Empty => {}
            }
            if self.park(cx.waker()) {
                // With a message there, a step that has acted would have ended.
                if access::has_acted() {
                    look.waits_even_so();
                } else {
                    look.waits();
                }
                return Poll::Pending;
            }
        }
    }

    /// Takes the next message if it is there.
    ///
    /// # Errors
    /// [`TryRecvError`] if it is not.
    pub fn try_recv(&mut self) -> Result<M, TryRecvError> {
        match self.poll_once() {
            Next::Message(message) => Ok(message),
            Next::Empty => Err(TryRecvError::Empty),
            Next::Closed => Err(TryRecvError::Closed),
        }
    }

    fn poll_once(&mut self) -> Next<M> {
        self.obey_signals();
        let next = self.try_next();
        // Nobody here opens a span for it.
        self.forget_trace();
        self.publish();
        next
    }

    /// Waits for at least one message and takes up to `most` that are there,
    /// in order, adding them to `batch`. Returns how many; 0 only if the
    /// mailbox is closed and drained, or `most` is 0.
    ///
    /// Senders are let in once for the whole batch.
    ///
    /// # Cancel safety
    /// Cancel safe: messages are taken when this resolves.
    pub async fn recv_many(&mut self, batch: &mut Vec<M>, most: usize) -> usize {
        if most == 0 {
            return 0;
        }
        let Some(first) = self.recv().await else { return 0 };
        batch.push(first);
        let mut n = 1;
        while n < most
            && let Next::Message(message) = self.try_next()
        {
            batch.push(message);
            n += 1;
        }
        self.forget_trace();
        self.publish();
        n
    }

    /// Takes no more messages than were accepted; those can be received still.
    pub fn close(&mut self) {
        self.core.close(Ending::Closed);
    }

    /// How messages are delivered at present.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.terms.lock_to(Access::Read).mode
    }

    /// The mailbox's numbers.
    #[must_use]
    pub fn stats(&self) -> MailboxStats {
        MailboxStats::of(&self.core)
    }
}

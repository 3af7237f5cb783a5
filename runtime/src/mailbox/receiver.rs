//! The receiving side: takes messages, asks for more, and changes terms.

use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;
use std::time::Duration;

use super::adaptive::Controller;
use super::config::{Mailbox, Policy};
use super::core::{Core, Signal};
use super::item::{Item, Trace};
use super::modes::Strategy;
use crate::sync::access::{self, Access};
use crate::sync::queue::Consumer;
use crate::sync::shim::Arc;

mod face;
mod observing;
mod stream;
mod terms;

/// What [`Receiver::try_next`] found.
pub(crate) enum Next<M> {
    Message(M),
    /// Nothing now, or nothing that was asked for.
    Empty,
    /// Nothing ever again.
    Closed,
}

/// A signal that ends a handler in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgent {
    Kill,
    Renew,
}

/// Why [`Receiver::try_recv`] has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// None is there, or none was asked for.
    Empty,
    /// None will ever be.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no message is there, or none was asked for",
            Self::Closed => "the mailbox is closed and drained",
        })
    }
}

impl std::error::Error for TryRecvError {}

/// Receives from a mailbox: the one end that takes messages out.
///
/// When it is dropped the mailbox closes, and what was still in it goes to the
/// dead letters.
pub struct Receiver<M: Send + 'static> {
    core: Arc<Core<M>>,
    consumer: Consumer<Item<M>>,
    /// Unsealed and no backlog: messages come from slots alone.
    plain: bool,
    /// Later messages go to the buffer; `slots_done` once earlier ones, which
    /// were in slots, have been taken.
    sealed: bool,
    slots_done: bool,
    /// What was in the buffer when the mailbox went back to slots, in its
    /// order: older than anything in slots. `None` when it has been taken.
    // Boxed: a pointer in every receiver, instead of four words for few.
    #[allow(clippy::box_collection)]
    backlog: Option<Box<VecDeque<Item<M>>>>,
    strategy: Option<Strategy>,
    adaptive: Option<Box<Adaptive>>,
    /// Terms that wait for a change of storage to be over.
    pending: Option<Box<Mailbox<M>>>,
    /// Takes between two publications of the limit, at most.
    batch: u32,
    /// The span that the message taken last was sent in.
    trace: Trace,
    #[cfg(feature = "metrics")]
    observer: Option<Box<super::observed::Observer>>,
}

struct Adaptive {
    controller: Controller,
    pull_window: usize,
    /// When the present message came to the handler.
    began: Option<Duration>,
}

impl<M: Send + 'static> Receiver<M> {
    pub(crate) fn new(core: Arc<Core<M>>, mailbox: &Mailbox<M>) -> Option<Self> {
        let consumer = core.queue.consumer()?;
        let sealed = matches!(mailbox.policy, Policy::Evict(_));
        let mut receiver = Self {
            core,
            consumer,
            plain: !sealed,
            sealed,
            slots_done: sealed,
            backlog: None,
            strategy: None,
            adaptive: None,
            pending: None,
            batch: 1,
            trace: Trace::none(),
            #[cfg(feature = "metrics")]
            observer: None,
        };
        receiver.follow_delivery(mailbox);
        receiver.replenish();
        Some(receiver)
    }

    pub(crate) fn core(&self) -> &Arc<Core<M>> {
        &self.core
    }

    // ---- taking --------------------------------------------------------

    /// Looks at the next message if [`take_ready`](Self::take_ready) may be
    /// called: it lies in slots, as most do. If not,
    /// [`try_next`](Self::try_next) tells.
    #[inline(always)]
    pub(crate) fn look_ready<R>(&mut self, look: impl FnOnce(&M) -> R) -> Option<R> {
        if self.strategy.is_some() {
            self.replenish();
        }
        if self.plain { self.consumer.look_ready(|item| look(&item.message)) } else { None }
    }

    /// Takes the message that is ready, straight to where it is wanted.
    #[inline(always)]
    pub(crate) fn take_ready(&mut self) -> M {
        // Before the message is taken: it is copied once if nothing follows.
        if self.consumer.unpublished() >= u64::from(self.batch) {
            self.publish();
        }
        let item = self.consumer.take_ready(&self.core.queue);
        self.unpack(item)
    }

    /// Keeps the span of what was taken for the one who handles it.
    #[inline(always)]
    fn unpack(&mut self, item: Item<M>) -> M {
        self.core.tell_taken(&item);
        self.trace = item.trace;
        item.account.close();
        item.message
    }

    /// Nobody opens a span for the message taken last.
    #[inline(always)]
    pub(crate) fn forget_trace(&mut self) {
        self.trace = Trace::none();
    }

    /// The span that the message taken last was sent in. Given out once.
    #[cfg(feature = "tracing")]
    pub(crate) fn take_trace(&mut self) -> Trace {
        std::mem::replace(&mut self.trace, Trace::none())
    }

    /// The next message, if it is there. The limit is published every so
    /// often, and by [`park`](Self::park) and [`publish`](Self::publish).
    #[inline(always)]
    pub(crate) fn try_next(&mut self) -> Next<M> {
        if self.strategy.is_some() {
            self.replenish();
        }
        if !self.plain {
            return self.try_next_slowly();
        }
        match self.consumer.try_take(&self.core.queue) {
            Some(item) => {
                if self.consumer.unpublished() >= u64::from(self.batch) {
                    self.publish();
                }
                Next::Message(self.unpack(item))
            }
            None => self.nothing(),
        }
    }

    /// Whether messages come from slots alone.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether it is certain that there is nothing to receive, and not the end
    /// either.
    pub(crate) fn is_quiet(&self) -> bool {
        self.plain && self.core.queue.len() == 0 && !self.core.queue.is_closed()
    }

    #[cold]
    fn nothing(&self) -> Next<M> {
        if self.consumer.is_drained(&self.core.queue) { Next::Closed } else { Next::Empty }
    }

    #[cold]
    fn try_next_slowly(&mut self) -> Next<M> {
        if self.sealed && !self.slots_done {
            if let Some(item) = self.consumer.try_take(&self.core.queue) {
                return Next::Message(self.unpack(item));
            }
            if !self.core.queue.slots_drained(&self.consumer) {
                return Next::Empty;
            }
            // Published here first, which counts what was handled.
            self.publish();
            self.consumer.retire(&self.core.queue);
            self.slots_done = true;
            self.settle_pending();
            return self.try_next();
        }
        let asked = self.consumer.demand(&self.core.queue) > 0;
        if let Some(backlog) = &mut self.backlog {
            if !asked {
                return Next::Empty;
            }
            let item = backlog.pop_front();
            self.consumer.count_buffered(&self.core.queue, true);
            if backlog.is_empty() {
                self.backlog = None;
                self.plain = !self.sealed;
                self.settle_pending();
            }
            return item.map_or(Next::Empty, |item| Next::Message(self.unpack(item)));
        }
        let mut terms = self.core.terms.lock_to(Access::Read);
        let Some(buffer) = &mut terms.buffer else { return Next::Empty };
        if buffer.len() == 0 {
            return if buffer.closed { Next::Closed } else { Next::Empty };
        }
        let item = if asked { buffer.take() } else { None };
        drop(terms);
        self.core.terms.touch(if item.is_some() { Access::Write } else { Access::Read });
        let Some(item) = item else { return Next::Empty };
        self.consumer.count_buffered(&self.core.queue, false);
        Next::Message(self.unpack(item))
    }

    /// Lets senders see how far the receiver has come.
    #[cold]
    #[inline(never)]
    pub(crate) fn publish(&mut self) {
        let taken = self.consumer.count_taken();
        self.core.count_handled(taken);
        self.consumer.publish(&self.core.queue);
    }

    /// Sleeps until there is a message or a signal. `false`: there is already.
    pub(crate) fn park(&mut self, waker: &Waker) -> bool {
        self.publish();
        #[cfg(feature = "metrics")]
        let waker = match &mut self.observer {
            Some(observer) => observer.sleep(self.consumer.taken(), waker),
            None => waker,
        };
        let asleep = if self.plain || (self.sealed && !self.slots_done) {
            self.consumer.park(&self.core.queue, waker)
        } else {
            self.core.queue.receiver().register(waker);
            self.sleep_on_buffer()
        };
        // Registered first, looked at afterwards.
        asleep && !self.core.lane.is_pending() && !self.fill_window()
    }

    /// Fills the window up for a sender that waits although a part of it is
    /// left: it wants more at once. `true` if there was something to fill.
    fn fill_window(&mut self) -> bool {
        let Some(Strategy::Window { size, .. }) = self.strategy else { return false };
        let missing = (size as u64).saturating_sub(self.consumer.demand(&self.core.queue));
        if missing == 0 || !self.core.queue.is_waited_for() {
            return false;
        }
        self.consumer.request(&self.core.queue, missing);
        true
    }

    fn sleep_on_buffer(&mut self) -> bool {
        let asked = self.consumer.demand(&self.core.queue) > 0;
        if self.backlog.is_some() {
            return !asked;
        }
        // Who falls asleep changes nothing that others can see.
        let mut terms = self.core.terms.lock_to(Access::Read);
        let Some(buffer) = &mut terms.buffer else { return false };
        if (buffer.len() > 0 && asked) || (buffer.len() == 0 && buffer.closed) {
            return false;
        }
        buffer.receiver_sleeps = true;
        true
    }

    // ---- asking --------------------------------------------------------

    /// Asks for `n` more messages than have been asked for so far. Additive;
    /// what would go beyond `u64::MAX` is demand without end. 0 changes
    /// nothing. Under push nothing needs to be asked for.
    pub fn request(&mut self, n: u64) {
        self.consumer.request(&self.core.queue, n);
    }

    /// How many messages have been asked for and not taken yet; `None` if
    /// that is unbounded, as it is under push.
    #[must_use]
    pub fn demand(&self) -> Option<u64> {
        match self.consumer.demand(&self.core.queue) {
            u64::MAX => None,
            demand => Some(demand),
        }
    }

    /// Asks as the strategy says. Called when nothing is being handled.
    fn replenish(&mut self) {
        let demand = self.consumer.demand(&self.core.queue);
        let wanted = match self.strategy {
            None | Some(Strategy::Manual) => 0,
            Some(Strategy::OneByOne) => u64::from(demand == 0),
            Some(Strategy::Window { size, low }) => {
                if demand <= low as u64 {
                    size as u64 - demand
                } else {
                    0
                }
            }
            Some(Strategy::MaxInFlight { limit }) => {
                let books = &self.core.books;
                // Released is read first: a guard dropped in between counts
                // as held, which errs on the safe side.
                let released = books.released.get();
                let held = books.acquired.get().saturating_sub(released);
                (limit as u64).saturating_sub(demand.saturating_add(held))
            }
        };
        if wanted > 0 {
            self.consumer.request(&self.core.queue, wanted);
        }
    }

    /// Acts on the signals that cannot wait for the present message to be
    /// handled; returns those that end its handler. The others stay.
    pub(crate) fn poll_urgent(&mut self) -> Option<Urgent> {
        let urgent = |signal: &Signal<M>| matches!(signal, Signal::Kill | Signal::Renew | Signal::Reconfigure(_));
        while let Some(signal) = self.core.lane.next_order(urgent) {
            match signal {
                Signal::Reconfigure(mailbox) => self.reconfigure(*mailbox),
                Signal::Renew => return Some(Urgent::Renew),
                _ => return Some(Urgent::Kill),
            }
        }
        None
    }

    /// A handler waits: publishes, and lets signals wake the task. Returns
    /// what ends the handler.
    pub(crate) fn wait_for_signals(&mut self, waker: &Waker) -> Option<Urgent> {
        self.publish();
        #[cfg(feature = "metrics")]
        let waker = match &mut self.observer {
            Some(observer) => observer.noting(waker),
            None => waker,
        };
        self.core.queue.receiver().register(waker);
        access::unseen(|| self.core.lane.is_pending()).then(|| self.poll_urgent()).flatten()
    }
}

impl<M: Send + 'static> Drop for Receiver<M> {
    fn drop(&mut self) {
        self.publish();
        // Counted as in its turn: it comes before the rest.
        let backlog = self.backlog.take().map(|backlog| *backlog).unwrap_or_default();
        for _ in 0..backlog.len() {
            self.consumer.count_buffered(&self.core.queue, true);
        }
        let rest = backlog.into_iter().map(Item::into_message).collect();
        self.core.bury_rest(&mut self.consumer, rest);
    }
}

impl<M: Send + 'static> fmt::Debug for Receiver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("mailbox", &self.core.name).finish_non_exhaustive()
    }
}

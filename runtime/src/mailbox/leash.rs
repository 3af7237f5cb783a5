//! What holds a task or timer to the life of an actor.
//!
//! It lies below the actors since a timer's tick brings it along in the
//! control lane: a tick that is there already when its timer is cancelled is
//! not delivered either.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::sync::counter::Flag;
use crate::sync::wait_cell::WaitCell;

/// What became of a tick by the time the actor takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// It is to be handled.
    Wanted,
    /// Its timer was cancelled: whoever did so does not want it.
    Withdrawn,
    /// The life that set the timer has ended.
    Late,
}

/// A switch that ends a task: it is dropped at its next poll, which comes at
/// once.
#[derive(Debug)]
pub(crate) struct Cut {
    flag: Flag,
    /// The actor itself has ended it.
    cancelled: Flag,
    /// A tick of a repeated timer is in the lane.
    pending: Flag,
    waker: WaitCell,
}

impl Cut {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { flag: Flag::new(), cancelled: Flag::new(), pending: Flag::new(), waker: WaitCell::new() })
    }

    pub(crate) fn cut(&self) {
        if self.flag.raise() {
            self.waker.wake();
        }
    }

    /// As [`cut`](Self::cut), by the actor's own wish.
    pub(crate) fn cancel(&self) {
        self.cancelled.raise();
        self.cut();
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.flag.is_raised()
    }

    /// A repeated timer is about to send a tick. `false`: its last one has not
    /// been taken yet.
    pub(crate) fn begin_tick(&self) -> bool {
        self.pending.raise()
    }

    /// Waits until the last tick has been taken. For the [`Leashed`] task.
    pub(crate) fn poll_taken(&self) -> Poll<()> {
        // `Leashed` has registered the task before it polls it.
        if self.pending.is_raised() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Takes a tick that was in the lane.
    pub(crate) fn take_tick(&self) -> Tick {
        let wanted = if self.pending.is_raised() {
            self.pending.lower();
            self.waker.wake();
            !self.is_cut()
        } else {
            // A timer that is due once has ended with its tick.
            self.flag.raise()
        };
        match (wanted, self.cancelled.is_raised()) {
            (true, _) => Tick::Wanted,
            (false, true) => Tick::Withdrawn,
            (false, false) => Tick::Late,
        }
    }
}

/// A task that ends early when its leash is cut.
pub(crate) struct Leashed<F> {
    task: Option<Pin<Box<F>>>,
    cut: Arc<Cut>,
}

impl<F> Leashed<F> {
    pub(crate) fn new(task: F, cut: Arc<Cut>) -> Self {
        Self { task: Some(Box::pin(task)), cut }
    }
}

impl<F: Future<Output = ()>> Future for Leashed<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.cut.waker.register(cx.waker());
        if self.cut.is_cut() {
            self.task = None;
        }
        let Some(task) = &mut self.task else { return Poll::Ready(()) };
        task.as_mut().poll(cx)
    }
}

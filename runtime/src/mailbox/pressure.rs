//! Backpressure signals: the level, its edges, and waiting for relief.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use super::core::Core;
use crate::sync::access::{self, Access};
use crate::sync::shim::Arc;
use crate::sync::watch::Watch;

/// Whether senders should slow down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Grants are there.
    Relieved,
    /// Few or no grants are left.
    Pressed,
}

/// Watches the pressure on a mailbox: the level, and each change of it once.
///
/// The level has hysteresis: see [`Watermarks`](super::Watermarks). While one
/// of these exists, sends to the mailbox report to it, at a small cost.
///
/// Evicting policies never hold a sender back: their mailboxes stay relieved.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use tidegate::{Level, Push, Watermarks, mailbox};
/// let (tx, mut rx) = mailbox::channel(Push::bounded(4).watermarks(Watermarks::new(1, 3)));
/// let mut pressure = tx.pressure();
/// assert_eq!(pressure.level(), Level::Relieved);
/// for n in 0..3 { tx.try_tell(n).unwrap(); }
/// assert_eq!(pressure.changed().await, Level::Pressed);
/// while rx.try_recv().is_ok() {}
/// assert_eq!(pressure.changed().await, Level::Relieved);
/// # }
/// ```
pub struct Pressure {
    mailbox: Box<dyn Watched>,
    /// The last edge this watcher was told of.
    seen: u64,
    waiter: Option<u64>,
}

/// A mailbox whose pressure is watched, whatever its messages.
trait Watched: Send + Sync {
    fn with_watch(&self, f: &mut dyn FnMut(&mut Watch));
    /// As `with_watch`, for who does not begin or end to listen.
    fn look_at_watch(&self, f: &mut dyn FnMut(&mut Watch));
    fn is_closed(&self) -> bool;
}

struct Of<M>(Arc<Core<M>>);

impl<M: Send + 'static> Watched for Of<M> {
    fn with_watch(&self, f: &mut dyn FnMut(&mut Watch)) {
        self.0.queue.with_watch(f, Access::Write);
    }

    fn look_at_watch(&self, f: &mut dyn FnMut(&mut Watch)) {
        self.0.queue.with_watch(f, Access::Read);
    }

    fn is_closed(&self) -> bool {
        self.0.queue.is_closed()
    }
}

impl Pressure {
    pub(crate) fn new<M: Send + 'static>(core: Arc<Core<M>>) -> Self {
        let (press, relieve) = core.marks();
        let seen = core.queue.with_watch(
            |watch| {
                watch.set_marks(press, relieve);
                watch.add_listener();
                watch.edges()
            },
            Access::Write,
        );
        Self { mailbox: Box::new(Of(core)), seen, waiter: None }
    }

    fn edges(&self) -> u64 {
        let mut edges = 0;
        self.mailbox.look_at_watch(&mut |watch| edges = watch.edges());
        edges
    }

    /// The level now.
    #[must_use]
    pub fn level(&self) -> Level {
        level_at(self.edges())
    }

    /// Waits for the next edge that this watcher has not been told of, and
    /// tells the level after it. Edges alternate; if several were missed, the
    /// last is told if it differs from the last told, and otherwise the one
    /// before it, so no change of level goes unheard. When the mailbox closes
    /// it resolves with the level at that time.
    ///
    /// # Cancel safety
    /// Cancel safe: an edge is told when this resolves.
    pub async fn changed(&mut self) -> Level {
        let edges = poll_fn(|cx| {
            if access::pass(cx).is_pending() {
                return Poll::Pending;
            }
            let look = access::look();
            let (seen, waiter) = (self.seen, self.waiter);
            let mut found = (None, None);
            self.mailbox.look_at_watch(&mut |watch| {
                // Asked under the lock under which a close wakes the watchers.
                found = if watch.edges() > seen || self.mailbox.is_closed() {
                    watch.forget(waiter);
                    (Some(watch.edges()), None)
                } else {
                    (None, Some(watch.wait(waiter, cx.waker())))
                };
            });
            let (edges, waiter) = found;
            self.waiter = waiter;
            if edges.is_none() {
                look.waits();
            }
            edges.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        // An even number of missed edges ends where the watcher believes to
        // be; one edge is told, and the other by the next call.
        self.seen = if (edges - self.seen).is_multiple_of(2) && edges > self.seen { edges - 1 } else { edges };
        level_at(self.seen)
    }

    /// Waits until there is no pressure. At once if there is none.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn relieved(&mut self) {
        while self.level() == Level::Pressed && !self.mailbox.is_closed() {
            self.changed().await;
        }
    }
}

fn level_at(edges: u64) -> Level {
    if edges.is_multiple_of(2) { Level::Relieved } else { Level::Pressed }
}

impl Drop for Pressure {
    fn drop(&mut self) {
        let waiter = self.waiter;
        self.mailbox.with_watch(&mut |watch| {
            watch.remove_listener(waiter);
        });
    }
}

impl fmt::Debug for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pressure").field("level", &self.level()).finish_non_exhaustive()
    }
}

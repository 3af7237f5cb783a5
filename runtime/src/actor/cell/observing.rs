//! What others learn of a cell: that its mailbox is idle, that it began anew,
//! and how long its messages take.

use std::sync::Arc;
use std::time::Duration;

use super::super::Actor;
use super::super::lifecycle::Life;
use super::super::world::Idler;
use super::Cell;
use crate::mailbox::core::{Core, Signal};
use crate::sync::shim;

impl<A: Actor> Cell<A> {
    /// Has the mailbox looked after, now that it has storage.
    #[cold]
    pub(super) fn enlist(&mut self) {
        self.enlisted = true;
        let idler = Idle { core: shim::Arc::clone(self.core()), life: Arc::clone(self.cx.life()), seen: 0 };
        self.cx.world().look_after(Box::new(idler));
    }

    /// The actor has failed, or its siblings have, and it begins anew.
    pub(crate) fn note_restart(&self, delay: Duration) {
        let restarts = &self.cx.life().restarts;
        restarts.add(1);
        #[cfg(feature = "tracing")]
        tracing::warn!(actor = %self.cx.path(), restarts = restarts.get(), ?delay, "actor restarts");
        #[cfg(feature = "metrics")]
        if let Some(observed) = self.core().observed.get() {
            observed.meter.restarts.increment(1);
        }
        let _ = delay;
    }

    #[cfg(feature = "metrics")]
    #[cold]
    pub(super) fn begin_sample(&mut self) {
        if let Some((now, unlooked)) = self.rx.begin_sample() {
            (self.timed, self.unlooked) = (Some(now), unlooked);
        }
    }

    #[cfg(feature = "metrics")]
    #[cold]
    pub(super) fn end_sample(&mut self) {
        if let Some(began) = self.timed.take()
            && self.rx.end_sample(began)
        {
            self.unlooked = 0;
        }
    }
}

struct Idle<M> {
    core: shim::Arc<Core<M>>,
    life: Arc<Life>,
    seen: u64,
}

impl<M: Send + 'static> Idler for Idle<M> {
    fn polls(&self) -> u64 {
        self.core.books.polls.get()
    }

    fn last_seen(&mut self) -> &mut u64 {
        &mut self.seen
    }

    fn retire(&self) {
        drop(self.core.signal(Signal::Retire));
    }

    fn life(&self) -> &Life {
        &self.life
    }
}

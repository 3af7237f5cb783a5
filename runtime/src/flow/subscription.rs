//! The subscriber's end of a subscription, and how one begins.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::demand::Demand;
use super::emitter::{Emitter, Parts};
use super::end::End;
use super::inlet::Inlet;
use super::line::{Line, Listener};
use super::rate::Bucket;
use super::source::{Source, Spawner};
use super::target::Target;
use crate::actor::{Actor, ActorRef, Context, Life};
use crate::sync::shim::Mutex;
use crate::system::{FlowInspection, FlowProbe, System};

/// A subscription, as its subscriber holds it: asks for more, and ends it.
///
/// Dropped, it cancels: the source is dropped, and what is in the mailbox by
/// then is all that still comes (S9). An actor keeps it among its fields, so a
/// restart ends the subscriptions of the life before.
/// [`detach`](Self::detach) lets it go on without.
#[must_use = "dropping a subscription cancels it; see `detach`"]
pub struct Subscription {
    line: Arc<Line>,
    /// For who polls by hand.
    listener: Mutex<Listener>,
    detached: bool,
}

impl Subscription {
    /// Asks for `n` items more, under [`Demand::manual`]. Additive, and without
    /// end beyond `u64::MAX`; 0 changes nothing, and nor does a call after the
    /// end. Only counts and wakes, so it may be called from a handler that
    /// handles an item of the same subscription. Constant time.
    pub fn request(&self, n: u64) {
        self.line.request(n);
    }

    /// Wants no more. What is in the mailbox still comes; no end is told.
    /// Calling it again changes nothing.
    pub fn cancel(&self) {
        self.line.cancel();
    }

    /// Lets the subscription go on for as long as its source and its actor do.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// Waits for the end and tells it: after all items sent have come to the
    /// handler. Any number of times.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ended(&self) -> End {
        let mut listener = self.listener();
        poll_fn(|cx| listener.poll_ended(cx)).await
    }

    /// As [`ended`](Self::ended), for futures of one's own. Whoever polled last is
    /// woken.
    pub fn poll_ended(&self, cx: &mut TaskContext<'_>) -> Poll<End> {
        self.listener.lock().poll_ended(cx)
    }

    /// One more who waits for the end.
    pub(super) fn listener(&self) -> Listener {
        Listener::new(Arc::clone(&self.line))
    }

    /// How it has ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.line.end()
    }

    /// Its numbers, as [`System::inspect`] shows them.
    #[must_use]
    pub fn inspect(&self) -> FlowInspection {
        self.line.inspect()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if !self.detached {
            self.line.cancel();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("source", &self.line.source).field("target", &self.line.target).finish()
    }
}

impl FlowProbe for Line {
    fn inspect(&self) -> FlowInspection {
        self.inspect()
    }
}

impl System {
    /// Has `source` send its items to an actor, as far as `demand` asks for them
    /// and the actor's mailbox has room: the source is polled no further. The
    /// mailbox is the only buffer.
    ///
    /// The actor may get other messages as well; they share its mailbox, in the
    /// order in which they come.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// use tidegate::flow::{Demand, source};
    /// # struct Index(u64); impl Actor for Index { type Msg = u64;
    /// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// let index = system.spawn(Index(0), Push::bounded(64));
    /// let subscription = system.subscribe(source::iter(0..100_u64), &index, Demand::window(16));
    /// assert!(subscription.ended().await.is_completed());
    /// # }
    /// ```
    pub fn subscribe<S, M>(&self, source: S, inlet: impl Into<Inlet<S::Item, M>>, demand: Demand) -> Subscription
    where
        S: Source,
        M: Send + 'static,
    {
        let (subscription, emitter) = self.connect(source.name(), inlet.into(), demand);
        source.connect(emitter, &Spawner::new(self));
        subscription
    }

    /// Both ends of a subscription to be.
    pub(super) fn connect<T, M>(&self, name: Arc<str>, inlet: Inlet<T, M>, demand: Demand) -> (Subscription, Emitter<T>)
    where
        T: Send + 'static,
        M: Send + 'static,
    {
        let Inlet { actor, open, holds, on_end, at_once } = inlet;
        let line = Line::new(name, actor.path().clone(), demand.size());
        let life = Arc::clone(actor.life());
        let target = open(actor, on_end, Arc::clone(&line));
        self.join(line, target, life, demand, holds, at_once)
    }

    fn join<T: Send + 'static>(
        &self,
        line: Arc<Line>,
        target: Box<dyn Target<T>>,
        life: Arc<Life>,
        demand: Demand,
        holds: bool,
        at_once: bool,
    ) -> (Subscription, Emitter<T>) {
        let probe: Arc<dyn FlowProbe> = Arc::<Line>::clone(&line);
        self.show_flow(&probe);
        let rate = demand.limit_of_rate().map(Bucket::new);
        let listener = Mutex::new(Listener::new(Arc::clone(&line)));
        let subscription = Subscription { line: Arc::clone(&line), listener, detached: false };
        let worked_off = !holds && demand.is_worked_off();
        let parts = Parts { line, ledger: demand.ledger(), target, holds, worked_off, at_once, rate, life };
        (subscription, Emitter::new(parts))
    }
}

impl<A: Actor> Context<A> {
    /// Has `source` send its items to this actor, as what `make` makes of them.
    /// To be kept among the actor's fields: see [`System::subscribe`].
    pub fn subscribe<S: Source>(
        &mut self,
        source: S,
        make: impl Fn(S::Item) -> A::Msg + Send + 'static,
        demand: Demand,
    ) -> Subscription {
        let me: ActorRef<A::Msg> = self.me();
        self.system().subscribe(source, Inlet::new(&me, make), demand)
    }
}

//! The actor behind a stage.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use super::Stage;
use super::asking::{Asking, Prefetch};
use super::output::Output;
use crate::actor::reference::Halt;
use crate::actor::{Actor, Context, Fault, StopReason};
use crate::flow::end::End;
use crate::flow::outlet::Demanded;
use crate::flow::subscription::Subscription;
use crate::mailbox::DropReason;
use crate::sync::access::Access;
use crate::sync::counter::Flag;
use crate::sync::shim::Mutex;

/// What comes to a stage.
pub(in crate::flow) enum Feed<T> {
    Item(T),
    End(End),
    /// There is demand, or somebody has gone.
    Demanded(Demanded),
    /// The patience of a stage has run out: the so manieth.
    Lapsed(u64),
}

/// What subscribes a stage to its source.
pub(super) type Connect<S> = Box<dyn FnOnce(&Context<Runner<S>>) -> Subscription + Send>;

/// What outlives the lives of a stage.
pub(super) struct Rig<S: Stage> {
    out: Output<S::Out>,
    asking: Asking,
    /// Until it is subscribed.
    connect: Option<Connect<S>>,
    upstream: Option<Subscription>,
    /// An item has been begun with, and not been done with.
    working: bool,
    /// How many items have come.
    taken: u64,
    /// How upstream has ended, once that has been told.
    told: Option<End>,
}

/// Where the rig lies between two lives, and how the stage has ended.
pub(super) struct Shelf<S: Stage> {
    rig: Mutex<Option<Rig<S>>>,
    pub(super) end: Arc<Mutex<Option<End>>>,
}

impl<S: Stage> Shelf<S> {
    pub(super) fn new(out: Output<S::Out>, prefetch: Prefetch, connect: Connect<S>) -> Arc<Self> {
        let asking = Asking::new(prefetch);
        let (connect, upstream, told) = (Some(connect), None, None);
        let rig = Rig { out, asking, connect, upstream, working: false, taken: 0, told };
        Arc::new(Self { rig: Mutex::new(Some(rig)), end: Arc::default() })
    }

    /// The stage has ended for good: whoever subscribes is told why, unless they
    /// were told before.
    pub(super) fn close(&self, reason: &StopReason) {
        let rig = self.rig.lock().take();
        if let Some(mut rig) = rig {
            rig.end(end_of(reason));
        }
    }
}

/// What the subscribers of a stage hear if it ends before its source does.
pub(super) fn end_of(reason: &StopReason) -> End {
    End::Failed(match reason {
        StopReason::Failed(fault) => fault.clone(),
        reason => Fault::msg(format!("the stage has ended: {reason}")),
    })
}

impl<S: Stage> Rig<S> {
    /// Tells everybody downstream, and wants no more from upstream.
    fn end(&mut self, end: End) {
        self.upstream = None;
        let Some(outlet) = self.out.as_outlet() else { return };
        match end {
            End::Completed => outlet.complete(),
            End::Failed(fault) => outlet.fail(fault),
            // For those who come late.
            End::Cancelled => outlet.fail(Fault::msg("nobody wanted it any more")),
        }
    }
}

/// A life of a stage.
pub(in crate::flow) struct Runner<S: Stage> {
    stage: S,
    /// Always there, but while this is dropped.
    rig: Option<Rig<S>>,
    shelf: Arc<Shelf<S>>,
    stopping: Arc<Flag>,
    /// As the shelf says, without its lock.
    has_ended: bool,
    /// The patience that runs, or ran last.
    lapse: u64,
    is_waiting: bool,
}

impl<S: Stage> Runner<S> {
    pub(super) fn new(stage: S, shelf: &Arc<Shelf<S>>) -> Result<Self, Fault> {
        let Some(rig) = shelf.rig.lock().take() else { return Err(Fault::msg("the stage has ended")) };
        let stopping = rig.out.stopping();
        let has_ended = shelf.end.lock_to(Access::Read).is_some();
        Ok(Self { has_ended, stage, rig: Some(rig), shelf: Arc::clone(shelf), stopping, lapse: 0, is_waiting: false })
    }

    fn parts(&mut self) -> (&mut S, &mut Rig<S>) {
        match &mut self.rig {
            Some(rig) => (&mut self.stage, rig),
            None => unreachable!("it goes only when this is dropped"),
        }
    }

    /// Ends the stage, in order.
    fn leave(&mut self, end: End, cx: &Context<Self>) {
        *self.shelf.end.lock() = Some(end.clone());
        self.has_ended = true;
        self.parts().1.end(end);
        // An order, as from outside: whatever the terms of restart, it is over. Not
        // `stop`, for which a notice that is under way would be lost mail.
        cx.me().drain();
    }

    /// Judges what a method of the stage has returned, and asks for more.
    fn settle(&mut self, done: Result<(), Fault>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let (_, rig) = self.parts();
        if done.is_err() && rig.out.is_over() {
            if self.stopping.is_raised() {
                // It obeys next; what it was to emit is lost with it.
                return Ok(());
            }
            self.leave(End::Cancelled, cx);
            return Ok(());
        }
        done?;
        self.wait_if_patient(cx);
        self.ask(cx);
        Ok(())
    }

    fn ask(&mut self, cx: &Context<Self>) {
        if self.stopping.is_raised() {
            return;
        }
        let (_, rig) = self.parts();
        let demand = if rig.asking.is_derived() { rig.out.demand() } else { 0 };
        if rig.out.is_over() {
            self.leave(End::Cancelled, cx);
            return;
        }
        let more = rig.asking.ask(demand);
        if more > 0
            && let Some(upstream) = &rig.upstream
        {
            upstream.request(more);
        }
    }

    fn wait_if_patient(&mut self, cx: &mut Context<Self>) {
        match self.stage.patience() {
            Some(patience) if !self.is_waiting => {
                self.is_waiting = true;
                self.lapse += 1;
                cx.timers().after(PATIENCE, patience, Feed::Lapsed(self.lapse));
            }
            None if std::mem::take(&mut self.is_waiting) => {
                cx.timers().cancel(PATIENCE);
            }
            _ => {}
        }
    }

    async fn item(&mut self, item: S::In, cx: &mut Context<Self>) -> Result<(), Fault> {
        let Self { stage, rig: Some(rig), stopping, .. } = self else {
            unreachable!("it goes only when this is dropped")
        };
        rig.working = true;
        rig.taken += 1;
        let done = heeding(stage.handle(item, &mut rig.out), stopping, cx).await;
        if done.is_ok() {
            rig.working = false;
            rig.asking.finish();
        }
        self.settle(done, cx)?;
        match &self.parts().1.told {
            // Told before the last items came.
            Some(End::Completed) => self.end_of_upstream(cx).await,
            _ => Ok(()),
        }
    }

    async fn lapsed(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.is_waiting = false;
        let stopping = Arc::clone(&self.stopping);
        let (stage, rig) = self.parts();
        let before = rig.out.sent();
        let done = heeding(stage.lapsed(&mut rig.out), &stopping, cx).await;
        if rig.out.sent() > before {
            rig.asking.let_go();
        }
        self.settle(done, cx)
    }

    async fn end_of_upstream(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let stopping = Arc::clone(&self.stopping);
        let (stage, rig) = self.parts();
        let Some(end) = rig.told.clone() else { return Ok(()) };
        let sent = rig.upstream.as_ref().map_or(0, |upstream| upstream.inspect().sent);
        if end.is_completed() && rig.taken < sent {
            return Ok(());
        }
        let end = match end {
            End::Failed(fault) => match heeding(stage.failed(fault, &mut rig.out), &stopping, cx).await {
                Ok(()) => End::Completed,
                Err(fault) => End::Failed(fault),
            },
            end => {
                let done = heeding(stage.finish(&mut rig.out), &stopping, cx).await;
                if done.is_err() {
                    return self.settle(done, cx);
                }
                end
            }
        };
        // Stopped or unwanted while it emitted the rest.
        if end.fault().is_some() && rig.out.is_over() {
            return self.settle(Err(Fault::msg("unwanted")), cx);
        }
        self.leave(end, cx);
        Ok(())
    }
}

const PATIENCE: &str = "patience";

/// Runs what a stage does, and lets its output know when the stage is told to stop:
/// demand that it waits for may never come.
async fn heeding<A: Actor>(
    work: impl Future<Output = Result<(), Fault>>,
    stopping: &Flag,
    // Exclusive, since messages need not be shared between threads.
    cx: &mut Context<A>,
) -> Result<(), Fault> {
    let mut work = pin!(work);
    poll_fn(move |task| {
        if matches!(cx.ordered(), Some(Halt::Stop)) {
            stopping.raise();
        }
        work.as_mut().poll(task)
    })
    .await
}

impl<S: Stage> Actor for Runner<S> {
    type Msg = Feed<S::In>;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let (_, rig) = self.parts();
        if std::mem::take(&mut rig.working) {
            rig.asking.lose();
        }
        // What the life before held has gone with it.
        rig.asking.let_go();
        if let Some(outlet) = rig.out.as_outlet() {
            outlet.announce(cx, Feed::Demanded);
        }
        if let Some(connect) = rig.connect.take() {
            rig.upstream = Some(connect(cx));
        }
        if rig.upstream.is_none() {
            return Err(Fault::msg("the source could not be subscribed to"));
        }
        self.ask(cx);
        if self.has_ended { Ok(()) } else { self.end_of_upstream(cx).await }
    }

    async fn handle(&mut self, feed: Feed<S::In>, cx: &mut Context<Self>) -> Result<(), Fault> {
        match feed {
            Feed::Item(_) if self.has_ended => {
                cx.me().bury(DropReason::Stopped, feed);
                Ok(())
            }
            _ if self.has_ended => Ok(()),
            Feed::Item(item) => self.item(item, cx).await,
            Feed::End(end) => {
                self.parts().1.told = Some(end);
                self.end_of_upstream(cx).await
            }
            Feed::Demanded(notice) => {
                // Looked at, so that it is known who has gone.
                let _ = self.parts().1.out.demand();
                self.ask(cx);
                drop(notice);
                Ok(())
            }
            Feed::Lapsed(lapse) if self.is_waiting && lapse == self.lapse => self.lapsed(cx).await,
            Feed::Lapsed(_) => Ok(()),
        }
    }
}

impl<S: Stage> Drop for Runner<S> {
    fn drop(&mut self) {
        *self.shelf.rig.lock() = self.rig.take();
    }
}

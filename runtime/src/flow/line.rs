//! What the two ends of a subscription share.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::end::End;
use super::ledger::{Ledger, UNBOUNDED};
use crate::actor::ActorPath;
use crate::actor::panic::contained;
use crate::sync::access::{self, Access};
use crate::sync::counter::{Counter, Flag};
use crate::sync::shim::Mutex;
use crate::system::FlowInspection;

/// One subscription, as its source, its subscriber and inspection see it.
pub(crate) struct Line {
    pub(super) source: Arc<str>,
    pub(super) target: ActorPath,
    window: Option<u64>,
    /// Looked at before every item, hence apart from the rest.
    cancelled: Flag,
    /// For people: written by the source alone.
    pub(super) sent: Counter,
    /// What it was not sent because it lagged; likewise.
    pub(super) skipped: Counter,
    asked: Mutex<Asked>,
    ending: Mutex<Ending>,
    /// As the source saw it last.
    seen: Mutex<Option<Ledger>>,
}

#[derive(Default)]
struct Asked {
    /// What was asked for by hand, in all.
    requested: u64,
    /// How many held items have been let go, in all.
    released: u64,
    /// The source's, while it waits.
    source: Option<Waker>,
}

#[derive(Default)]
struct Ending {
    /// The end is being told: it is too late to cancel.
    begun: bool,
    end: Option<End>,
    listeners: Vec<(u64, Waker)>,
    next_listener: u64,
}

/// Somebody who waits for the end: one waker at a time, and none once it is
/// dropped.
pub(super) struct Listener {
    line: Arc<Line>,
    key: Option<u64>,
}

impl Listener {
    pub(super) const fn new(line: Arc<Line>) -> Self {
        Self { line, key: None }
    }

    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.line.poll_ended(&mut self.key, cx)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.line.forget_listener(key);
        }
    }
}

/// What the subscriber's end has said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) requested: u64,
    pub(super) released: u64,
}

impl Line {
    pub(super) fn new(source: Arc<str>, target: ActorPath, window: Option<u64>) -> Arc<Self> {
        let (cancelled, sent, skipped) = (Flag::new(), Counter::new(), Counter::new());
        let (asked, ending, seen) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { source, target, window, cancelled, sent, skipped, asked, ending, seen })
    }

    pub(super) const fn window(&self) -> Option<u64> {
        self.window
    }

    /// Asks for `n` more; S5. A NOP once it has ended or is cancelled; 3.6.
    pub(super) fn request(&self, n: u64) {
        if n == 0 || self.is_cancelled() {
            return;
        }
        let waker = {
            let mut asked = self.asked.lock_to(Access::Update);
            asked.requested = asked.requested.saturating_add(n);
            asked.source.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// A held item is done with.
    pub(super) fn release(&self) {
        let waker = {
            let mut asked = self.asked.lock_to(Access::Update);
            asked.released += 1;
            asked.source.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Wants no more. The first of all calls and of the end counts; S9.
    pub(super) fn cancel(&self) {
        let listeners = {
            let mut ending = self.ending.lock_to(Access::Read);
            if ending.begun {
                return;
            }
            self.ending.touch(Access::Write);
            ending.begun = true;
            ending.end = Some(End::Cancelled);
            self.cancelled.raise();
            std::mem::take(&mut ending.listeners)
        };
        // Who looks after this finds it cancelled.
        let source = self.asked.lock_to(Access::Update).source.take();
        source.into_iter().for_each(Waker::wake);
        listeners.into_iter().for_each(|(_, waker)| waker.wake());
    }

    #[inline(always)]
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_raised()
    }

    /// What the subscriber has said; `waker` is woken when it says more.
    pub(super) fn look(&self, waker: Option<&Waker>) -> Said {
        // Only the source leaves its waker there, and whoever says more has it woken.
        let mut asked = self.asked.lock_to(Access::Read);
        let old = waker.and_then(|waker| match &asked.source {
            Some(there) if there.will_wake(waker) => None,
            _ => asked.source.replace(waker.clone()),
        });
        let said = Said { requested: asked.requested, released: asked.released };
        drop(asked);
        // Foreign code: dropped when the lock is free.
        drop(old);
        said
    }

    /// Shows how the source stands.
    pub(super) fn show(&self, ledger: &Ledger) {
        // It alone does.
        *self.seen.lock_to(Access::Update) = Some(ledger.clone());
    }

    /// It ends, and `tell` tells the subscriber, before anybody else hears of it.
    /// Not if it was cancelled before.
    pub(super) fn finish(&self, end: End, tell: impl FnOnce(End)) {
        if std::mem::replace(&mut self.ending.lock().begun, true) {
            return;
        }
        // It makes a message, which is foreign code.
        drop(contained(|| tell(end.clone())));
        let listeners = {
            let mut ending = self.ending.lock();
            ending.end = Some(end);
            std::mem::take(&mut ending.listeners)
        };
        // Nobody asks it for more: its task is not kept by its waker.
        let source = self.asked.lock_to(Access::Update).source.take();
        drop(source);
        listeners.into_iter().for_each(|(_, waker)| waker.wake());
    }

    pub(super) fn end(&self) -> Option<End> {
        self.ending.lock_to(Access::Read).end.clone()
    }

    fn poll_ended(&self, key: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<End> {
        let look = access::look();
        // Each has a place of its own, and is woken by the end.
        let mut ending = self.ending.lock_to(Access::Read);
        if let Some(end) = &ending.end {
            return Poll::Ready(end.clone());
        }
        let old = match ending.listeners.iter_mut().find(|(there, _)| Some(*there) == *key) {
            Some((_, waker)) if waker.will_wake(cx.waker()) => None,
            Some((_, waker)) => Some(std::mem::replace(waker, cx.waker().clone())),
            None => {
                ending.next_listener += 1;
                *key = Some(ending.next_listener);
                let listener = (ending.next_listener, cx.waker().clone());
                ending.listeners.push(listener);
                None
            }
        };
        drop(ending);
        // Foreign code: dropped when the lock is free.
        drop(old);
        look.waits();
        Poll::Pending
    }

    fn forget_listener(&self, key: u64) {
        let mut ending = self.ending.lock_to(Access::Read);
        let place = ending.listeners.iter().position(|(there, _)| *there == key);
        let gone = place.map(|place| ending.listeners.swap_remove(place));
        drop(ending);
        drop(gone);
    }

    /// The numbers, for people.
    pub(super) fn inspect(&self) -> FlowInspection {
        let requested = self.asked.lock_to(Access::Read).requested;
        let seen = self.seen.lock_to(Access::Read);
        let (limit, done, requested) = seen
            .as_ref()
            .map_or((0, 0, requested), |ledger| (ledger.limit(), ledger.finished(), ledger.requested().max(requested)));
        drop(seen);
        FlowInspection {
            source: Arc::clone(&self.source),
            target: self.target.clone(),
            window: self.window,
            requested: (requested != UNBOUNDED).then_some(requested),
            limit: (limit != UNBOUNDED).then_some(limit),
            sent: self.sent.get(),
            skipped: self.skipped.get(),
            done,
            ended: self.end().map(|end| end.to_string()),
        }
    }
}

//! What the two ends of a subscription share.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::end::End;
use super::ledger::{Ledger, UNBOUNDED};
use crate::actor::ActorPath;
use crate::actor::panic::contained;
use crate::sync::access::Access;
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was asked for by hand, in all.
    requested: u64,
    /// How many held items have been let go, in all.
    released: u64,
    /// The source's, while it waits.
    source: Option<Waker>,
    /// The end is being told: it is too late to cancel.
    ending: bool,
    end: Option<End>,
    listeners: Vec<(u64, Waker)>,
    next_listener: u64,
    /// As the source saw it last.
    seen: Option<Ledger>,
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
        Arc::new(Self { source, target, window, cancelled, sent, skipped, state: Mutex::new(State::default()) })
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
            let mut state = self.state.lock();
            state.requested = state.requested.saturating_add(n);
            state.source.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// A held item is done with.
    pub(super) fn release(&self) {
        let waker = {
            let mut state = self.state.lock();
            state.released += 1;
            state.source.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Wants no more. The first of all calls and of the end counts; S9.
    pub(super) fn cancel(&self) {
        let (source, listeners) = {
            let mut state = self.state.lock();
            if state.ending {
                return;
            }
            state.ending = true;
            state.end = Some(End::Cancelled);
            self.cancelled.raise();
            (state.source.take(), std::mem::take(&mut state.listeners))
        };
        source.into_iter().for_each(Waker::wake);
        listeners.into_iter().for_each(|(_, waker)| waker.wake());
    }

    #[inline(always)]
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_raised()
    }

    /// What the subscriber has said; `waker` is woken when it says more.
    pub(super) fn look(&self, waker: Option<&Waker>) -> Said {
        let mut state = self.state.lock();
        let old = waker.and_then(|waker| match &state.source {
            Some(there) if there.will_wake(waker) => None,
            _ => state.source.replace(waker.clone()),
        });
        let said = Said { requested: state.requested, released: state.released };
        drop(state);
        // Foreign code: dropped when the lock is free.
        drop(old);
        said
    }

    /// Shows how the source stands.
    pub(super) fn show(&self, ledger: &Ledger) {
        self.state.lock().seen = Some(ledger.clone());
    }

    /// It ends, and `tell` tells the subscriber, before anybody else hears of it.
    /// Not if it was cancelled before.
    pub(super) fn finish(&self, end: End, tell: impl FnOnce(End)) {
        if std::mem::replace(&mut self.state.lock().ending, true) {
            return;
        }
        // It makes a message, which is foreign code.
        drop(contained(|| tell(end.clone())));
        let (source, listeners) = {
            let mut state = self.state.lock();
            state.end = Some(end);
            (state.source.take(), std::mem::take(&mut state.listeners))
        };
        // Nobody asks it for more: its task is not kept by its waker.
        drop(source);
        listeners.into_iter().for_each(|(_, waker)| waker.wake());
    }

    pub(super) fn end(&self) -> Option<End> {
        self.state.lock_to(Access::Read).end.clone()
    }

    fn poll_ended(&self, key: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<End> {
        let mut state = self.state.lock();
        if let Some(end) = &state.end {
            return Poll::Ready(end.clone());
        }
        let old = match state.listeners.iter_mut().find(|(there, _)| Some(*there) == *key) {
            Some((_, waker)) if waker.will_wake(cx.waker()) => None,
            Some((_, waker)) => Some(std::mem::replace(waker, cx.waker().clone())),
            None => {
                state.next_listener += 1;
                *key = Some(state.next_listener);
                let listener = (state.next_listener, cx.waker().clone());
                state.listeners.push(listener);
                None
            }
        };
        drop(state);
        // Foreign code: dropped when the lock is free.
        drop(old);
        Poll::Pending
    }

    fn forget_listener(&self, key: u64) {
        let mut state = self.state.lock();
        let place = state.listeners.iter().position(|(there, _)| *there == key);
        let gone = place.map(|place| state.listeners.swap_remove(place));
        drop(state);
        drop(gone);
    }

    /// The numbers, for people.
    pub(super) fn inspect(&self) -> FlowInspection {
        let state = self.state.lock();
        let (limit, done, requested) = state.seen.as_ref().map_or((0, 0, state.requested), |ledger| {
            (ledger.limit(), ledger.finished(), ledger.requested().max(state.requested))
        });
        FlowInspection {
            source: Arc::clone(&self.source),
            target: self.target.clone(),
            window: self.window,
            requested: (requested != UNBOUNDED).then_some(requested),
            limit: (limit != UNBOUNDED).then_some(limit),
            sent: self.sent.get(),
            skipped: self.skipped.get(),
            done,
            ended: state.end.as_ref().map(ToString::to_string),
        }
    }
}

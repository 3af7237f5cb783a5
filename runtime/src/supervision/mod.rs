//! Floor 4: what becomes of an actor that fails.
//!
//! A fault or panic ends a life, never the actor's mailbox. Restarted, the
//! actor begins anew from its factory with the same mailbox, the same
//! references and the same place; its tasks, timers and children end with the
//! old life. The message that was in the handler is lost with a panic, and is
//! counted as interrupted.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::actor::cell::{Cell, Exit};
use crate::actor::fault::panic_text;
use crate::actor::reference::Halt;
use crate::actor::{Actor, StopReason, Stopped};
use crate::mailbox::set_current;

/// How often a failed actor is begun anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Restart {
    most: u32,
    within: Duration,
}

impl Restart {
    /// Never: the first failure stops the actor. The default.
    pub const fn never() -> Self {
        Self { most: 0, within: Duration::ZERO }
    }

    /// At most `most` restarts within any span of `within`; one more failure
    /// stops the actor.
    pub const fn limit(most: u32, within: Duration) -> Self {
        Self { most, within }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self::never()
    }
}

/// Restarts of late, to hold them to a limit.
#[derive(Debug)]
pub(crate) struct Restarts {
    limit: Restart,
    recent: VecDeque<Duration>,
}

impl Restarts {
    pub(crate) fn new(limit: Restart) -> Self {
        Self { limit, recent: VecDeque::new() }
    }

    /// Whether there may be another restart at `now`; counts it if so.
    pub(crate) fn allow(&mut self, now: Duration) -> bool {
        while self.recent.front().is_some_and(|at| now.saturating_sub(*at) > self.limit.within) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.limit.most as usize {
            return false;
        }
        self.recent.push_back(now);
        true
    }
}

/// Where an actor's lives come from.
pub(crate) struct Lives<A> {
    /// The present life, or the first, if it was given as a value.
    actor: Option<A>,
    /// What makes others. `None` for an actor that lives once.
    renewal: Option<Box<Renewal<A>>>,
}

struct Renewal<A> {
    factory: Box<dyn FnMut() -> A + Send>,
    restarts: Restarts,
}

impl<A> Lives<A> {
    pub(crate) fn once(actor: A) -> Self {
        Self { actor: Some(actor), renewal: None }
    }

    pub(crate) fn from(factory: impl FnMut() -> A + Send + 'static) -> Self {
        let renewal = Renewal { factory: Box::new(factory), restarts: Restarts::new(Restart::never()) };
        Self { actor: None, renewal: Some(Box::new(renewal)) }
    }

    /// Without effect for an actor that was given as a value.
    pub(crate) fn limit(&mut self, limit: Restart) {
        if let Some(renewal) = &mut self.renewal {
            renewal.restarts = Restarts::new(limit);
        }
    }

    /// Ends the life before, and begins one. `Err`: user code panicked.
    fn begin(&mut self) -> Result<Option<&mut A>, Arc<str>> {
        if self.renewal.is_some() {
            self.end();
        }
        let begun = catch_unwind(AssertUnwindSafe(|| {
            if let Some(renewal) = &mut self.renewal {
                self.actor = Some((renewal.factory)());
            }
        }));
        begun.map(|()| self.actor.as_mut()).map_err(|payload| panic_text(&*payload).into())
    }

    /// Drops the actor. That is user code, and its panic changes nothing.
    pub(crate) fn end(&mut self) {
        let actor = self.actor.take();
        drop(catch_unwind(AssertUnwindSafe(|| drop(actor))));
    }

    fn may_begin_again(&mut self, now: Duration) -> bool {
        self.renewal.as_mut().is_some_and(|renewal| renewal.restarts.allow(now))
    }
}

/// Runs an actor through its lives.
///
/// What is large is passed by reference and pinned where it lies: a future
/// that owns an argument keeps its place twice.
pub(crate) async fn supervise<A: Actor>(lives: &mut Lives<A>, cell: &mut Cell<A>) -> StopReason {
    loop {
        let lived = match lives.begin() {
            Ok(None) => return StopReason::Stopped,
            Err(text) => Err(text),
            Ok(Some(actor)) => {
                let life = pin!(cell.live(actor));
                unwound(life).await
            }
        };
        // Boxed: it comes once a life, and every actor would keep the room.
        if let Some(reason) = Box::pin(conclude(lives, cell, lived)).await {
            return reason;
        }
    }
}

/// A life has ended. `None`: another begins.
async fn conclude<A: Actor>(
    lives: &mut Lives<A>,
    cell: &mut Cell<A>,
    lived: Result<Exit, Arc<str>>,
) -> Option<StopReason> {
    cell.account_for_interrupted();
    let reason = match lived {
        Ok(Exit::Stop(reason)) => reason,
        Ok(Exit::Fault(fault)) => StopReason::Failed(fault),
        Err(text) => StopReason::Panicked(text),
    };
    if matches!(reason, StopReason::Failed(_) | StopReason::Panicked(_)) {
        #[cfg(feature = "tracing")]
        tracing::error!(actor = %cell.cx.path(), %reason, "actor failed");
        if lives.may_begin_again(cell.cx.now()) {
            let killed = end_family(cell, Halt::Stop).await;
            cell.cx.stopping = None;
            // A life may fail at once, and so may all that follow.
            cell.let_others_run().await;
            return (killed || cell.rx.poll_urgent()).then_some(StopReason::Killed);
        }
    }
    Some(match (&reason, &mut lives.actor) {
        // A panic leaves nothing to call.
        (StopReason::Panicked(_), _) | (_, None) => {
            end_family(cell, Halt::Stop).await;
            reason
        }
        (_, Some(actor)) => stop(actor, cell, reason).await,
    })
}

async fn stop<A: Actor>(actor: &mut A, cell: &mut Cell<A>, reason: StopReason) -> StopReason {
    let how = match reason {
        StopReason::Killed => Halt::Kill,
        StopReason::Drained => Halt::Drain,
        _ => Halt::Stop,
    };
    let mut killed = end_family(cell, how).await || matches!(reason, StopReason::Killed);
    let mut reason = reason;
    if !killed {
        let farewell = {
            let hook = pin!(cell.take_leave(actor, &reason));
            unwound(hook).await
        };
        match farewell {
            Ok(finished) => killed = !finished,
            // It had stopped; that its last words failed is told nevertheless.
            Err(text) => reason = StopReason::Panicked(text),
        }
        // The last words may have been a birth.
        killed |= end_family(cell, how).await;
    }
    if killed && !reason.is_failure() { StopReason::Killed } else { reason }
}

/// Ends tasks and timers, and waits for the children: they end first. `true`:
/// killed meanwhile.
async fn end_family<A: Actor>(cell: &mut Cell<A>, how: Halt) -> bool {
    cell.cx.cut_tasks();
    let children = cell.cx.take_children();
    for child in &children {
        child.halt(how);
    }
    let mut killed = false;
    for child in &children {
        let mut ended = pin!(Stopped::new(Arc::clone(child.life())));
        poll_fn(|cx| {
            // A kill does not wait for a child's last message.
            if cell.rx.wait_for_signals(cx.waker()) {
                killed = true;
                children.iter().for_each(|child| child.halt(Halt::Kill));
            }
            ended.as_mut().poll(cx).map(|_| ())
        })
        .await;
    }
    killed || cell.rx.poll_urgent()
}

/// Polls `task` and turns its panic into a text. One `catch_unwind` a poll,
/// which is many messages.
fn unwound<F: Future>(mut task: Pin<&mut F>) -> impl Future<Output = Result<F::Output, Arc<str>>> {
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(payload) => Poll::Ready(Err(panic_text(&*payload).into())),
    })
}

/// Polls `task` with `name` as the actor that runs on this thread.
pub(crate) fn in_the_name_of<F: Future>(name: Arc<str>, mut task: Pin<&mut F>) -> impl Future<Output = F::Output> {
    let mut name = Some(name);
    poll_fn(move |cx| {
        let before = set_current(name.take());
        let polled = task.as_mut().poll(cx);
        name = set_current(before);
        polled
    })
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn restarts_are_held_to_their_limit() {
        let mut restarts = Restarts::new(Restart::limit(2, seconds(10)));
        assert!(restarts.allow(seconds(0)));
        assert!(restarts.allow(seconds(5)));
        assert!(!restarts.allow(seconds(9)));
        assert!(restarts.allow(seconds(11)), "the first is out of the span");
        assert!(!restarts.allow(seconds(12)));
    }

    #[test]
    fn never_is_never() {
        assert!(!Restarts::new(Restart::never()).allow(seconds(1)));
    }
}

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
use std::pin::pin;
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

/// Makes actors: the first, and one for each restart.
pub(crate) enum Factory<A> {
    /// There is this one, and no other.
    Once(Option<A>),
    /// As many as it takes.
    Again(Box<dyn FnMut() -> A + Send>),
}

impl<A> Factory<A> {
    fn make(&mut self) -> Option<A> {
        match self {
            Self::Once(actor) => actor.take(),
            Self::Again(make) => Some(make()),
        }
    }
}

/// How one life ended, panics included.
enum End {
    Exit(Exit),
    Panic(Arc<str>),
}

/// Runs an actor through its lives.
pub(crate) async fn supervise<A: Actor>(mut factory: Factory<A>, cell: &mut Cell<A>, limit: Restart) -> StopReason {
    let mut restarts = Restarts::new(limit);
    let renewable = matches!(factory, Factory::Again(_));
    loop {
        // The factory is user code too.
        let made = catch_unwind(AssertUnwindSafe(|| factory.make()));
        let mut actor = match made {
            Ok(Some(actor)) => actor,
            Ok(None) => return StopReason::Stopped,
            Err(payload) => {
                let text: Arc<str> = panic_text(&*payload).into();
                match fail(cell, &mut restarts, renewable, End::Panic(text)).await {
                    Some(reason) => return reason,
                    None => continue,
                }
            }
        };
        let end = match unwound(cell.live(&mut actor)).await {
            Ok(Exit::Stop(reason)) => {
                cell.account_for_interrupted();
                return stop(&mut actor, cell, reason).await;
            }
            Ok(fault) => End::Exit(fault),
            Err(text) => End::Panic(text),
        };
        cell.account_for_interrupted();
        if let Some(reason) = fail(cell, &mut restarts, renewable, end).await {
            return match reason {
                StopReason::Panicked(_) => reason,
                reason => stop(&mut actor, cell, reason).await,
            };
        }
        // The old actor's drop is user code as well.
        drop(catch_unwind(AssertUnwindSafe(|| drop(actor))));
    }
}

/// A life failed. `None`: begin anew.
async fn fail<A: Actor>(
    cell: &mut Cell<A>,
    restarts: &mut Restarts,
    renewable: bool,
    end: End,
) -> Option<StopReason> {
    let reason = match end {
        End::Exit(Exit::Stop(reason)) => reason,
        End::Exit(Exit::Fault(fault)) => StopReason::Failed(fault),
        End::Panic(text) => StopReason::Panicked(text),
    };
    #[cfg(feature = "tracing")]
    tracing::error!(actor = %cell.cx.path(), %reason, "actor failed");
    let again = renewable && restarts.allow(cell.cx.now());
    if !again {
        return Some(reason);
    }
    end_family(cell, Halt::Stop).await;
    cell.cx.stopping = None;
    None
}

async fn stop<A: Actor>(actor: &mut A, cell: &mut Cell<A>, reason: StopReason) -> StopReason {
    let how = match reason {
        StopReason::Killed => Halt::Kill,
        StopReason::Drained => Halt::Drain,
        _ => Halt::Stop,
    };
    end_family(cell, how).await;
    if matches!(reason, StopReason::Killed) {
        return reason;
    }
    match unwound(actor.stopped(&reason, &mut cell.cx)).await {
        Ok(()) => reason,
        // It had stopped; that its last words failed is told nevertheless.
        Err(text) => StopReason::Panicked(text),
    }
}

/// Ends tasks and timers, and waits for the children: they end first.
async fn end_family<A: Actor>(cell: &mut Cell<A>, how: Halt) {
    cell.cx.cut_tasks();
    let children = std::mem::take(&mut cell.cx.children);
    for child in &children {
        child.halt(how);
    }
    for child in &children {
        let mut ended = pin!(Stopped::new(Arc::clone(child.life())));
        poll_fn(|cx| {
            // A kill does not wait for a child's last message.
            if cell.rx.wait_for_signals(cx.waker()) {
                children.iter().for_each(|child| child.halt(Halt::Kill));
            }
            ended.as_mut().poll(cx).map(|_| ())
        })
        .await;
    }
}

/// Polls `task` and turns its panic into a text. One `catch_unwind` a poll,
/// which is many messages.
async fn unwound<F: Future>(task: F) -> Result<F::Output, Arc<str>> {
    let mut task = pin!(task);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(payload) => Poll::Ready(Err(panic_text(&*payload).into())),
    })
    .await
}

/// Polls `task` with `name` as the actor that runs on this thread.
pub(crate) async fn in_the_name_of<F: Future>(name: Arc<str>, task: F) -> F::Output {
    let mut task = pin!(task);
    let mut name = Some(name);
    poll_fn(|cx| {
        let before = set_current(name.take());
        let polled = task.as_mut().poll(cx);
        name = set_current(before);
        polled
    })
    .await
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

//! Floor 4: what becomes of an actor that fails.
//!
//! A fault or panic ends a life, never the actor's mailbox. Restarted, the
//! actor begins anew from its factory with the same mailbox, the same
//! references and the same place; its tasks, timers and children end with the
//! old life. The message that was in the handler is lost with a panic, and is
//! counted as interrupted.

mod backoff;
mod restart;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use self::backoff::Backoff;
use self::restart::Restarts;
pub use self::restart::{OnLimit, Restart};
use crate::actor::cell::{Cell, Exit};
use crate::actor::panic::contained;
use crate::actor::reference::Halt;
use crate::actor::{Actor, Doing, Panic, StopReason, Stopped};
use crate::mailbox::set_current;

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
    fn begin(&mut self) -> Result<Option<&mut A>, Panic> {
        if self.renewal.is_some() {
            self.end();
        }
        contained(|| {
            if let Some(renewal) = &mut self.renewal {
                self.actor = Some((renewal.factory)());
            }
        })?;
        Ok(self.actor.as_mut())
    }

    /// Drops the actor. That is user code, and its panic changes nothing.
    pub(crate) fn end(&mut self) {
        let actor = self.actor.take();
        drop(contained(|| drop(actor)));
    }

    fn may_begin_again(&mut self, now: Duration) -> bool {
        self.renewal.as_mut().is_some_and(|renewal| {
            let restarts = &mut renewal.restarts;
            restarts.terms.wants(true) && restarts.recent.allow(&restarts.terms, now)
        })
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
            Err(panic) => Err(panic),
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
    lived: Result<Exit, Panic>,
) -> Option<StopReason> {
    cell.account_for_interrupted();
    let reason = match lived {
        Ok(Exit::Stop(reason)) => reason,
        Ok(Exit::Fault(fault)) => StopReason::Failed(fault),
        Err(panic) => StopReason::Panicked(panic),
    };
    if matches!(reason, StopReason::Failed(_) | StopReason::Panicked(_)) {
        #[cfg(feature = "tracing")]
        tracing::error!(actor = %cell.cx.path(), %reason, "actor failed");
        if lives.may_begin_again(cell.cx.now()) {
            cell.cx.life().restarts.add(1);
            let killed = end_family(cell, Halt::Stop).await;
            cell.cx.stopping = None;
            cell.cx.turn_over();
            // A life may fail at once, and so may all that follow.
            cell.let_others_run().await;
            return (killed || cell.rx.poll_urgent()).then_some(StopReason::Killed);
        }
    }
    cell.cx.life().note(Doing::Stopping);
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
            Err(panic) => reason = StopReason::Panicked(panic),
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

/// Polls `task` and catches its panic. One `catch_unwind` a poll,
/// which is many messages.
fn unwound<F: Future>(mut task: Pin<&mut F>) -> impl Future<Output = Result<F::Output, Panic>> {
    poll_fn(move |cx| match contained(|| task.as_mut().poll(cx)) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(panic)),
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

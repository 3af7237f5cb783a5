//! Floor 4: what becomes of an actor that fails.
//!
//! A fault or panic ends a life, never the actor's mailbox. Restarted, the
//! actor begins anew from its factory with the same mailbox, the same
//! references and the same place; its tasks, timers, watches and children end
//! with the old life. The message that was in the handler is lost with a
//! panic, and is counted as interrupted.
//!
//! Each actor sees to its own restarts, by its [`Restart`]. At its limit it
//! ends and its parent fails, and so on upward; and where a parent's
//! [`Supervision`] says so, its children begin anew together.

mod backoff;
mod group;
mod lives;
mod restart;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

pub use self::backoff::Backoff;
use self::group::PATIENCE;
pub use self::group::Supervision;
pub(crate) use self::group::{Group, Membership};
pub(crate) use self::lives::Lives;
pub use self::restart::{OnLimit, Restart};
use crate::actor::cell::{Cell, Exit};
use crate::actor::fate;
use crate::actor::panic::contained;
use crate::actor::reference::Halt;
use crate::actor::waits::probe;
use crate::actor::{Actor, Doing, Life, Panic, StopReason, Stopped};
use crate::mailbox::receiver::Urgent;
use crate::mailbox::{Running, set_current};

/// Runs an actor through its lives.
///
/// What is large is passed by reference and pinned where it lies: a future
/// that owns an argument keeps its place twice. A block that captures,
/// and not an `async fn`, for the same reason. What comes once a life is boxed:
/// every actor would keep the room.
#[allow(clippy::manual_async_fn)]
pub(crate) fn supervise<'a, A: Actor>(
    lives: &'a mut Lives<A>,
    cell: &'a mut Cell<A>,
) -> impl Future<Output = StopReason> + Send + use<'a, A> {
    async move {
        loop {
            // In a block: what is known of the beginning has no place afterwards.
            {
                let opened = match lives.begin(cell.cx.now()) {
                    Ok(Ok(None)) => return StopReason::Stopped,
                    Ok(Err(fault)) => Ok(Some(Exit::Fault(fault))),
                    Err(panic) => Err(panic),
                    Ok(Ok(Some(actor))) => {
                        let start = pin!(cell.open(actor));
                        unwound(start).await
                    }
                };
                if let Some(cut_short) = opened.map_or_else(|panic| Some(Err(panic)), |exit| exit.map(Ok)) {
                    match Box::pin(conclude(lives, cell, cut_short)).await {
                        Some(reason) => return reason,
                        None => continue,
                    }
                }
            }
            lives.started();
            let lived = {
                let Some(actor) = &mut lives.actor else { unreachable!("it has begun") };
                let life = pin!(cell.live(actor));
                unwound(life).await
            };
            if let Some(reason) = Box::pin(conclude(lives, cell, lived)).await {
                return reason;
            }
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
        Ok(Exit::Renewed) if !lives.renews() || is_stopped(cell) => StopReason::Stopped,
        Ok(Exit::Renewed) => return begin_again(lives, cell, Duration::ZERO).await,
        Ok(Exit::Stop(reason)) => reason,
        Ok(Exit::Own) => return rest(lives, cell).await,
        Ok(Exit::Fault(fault)) => StopReason::Failed(fault),
        Err(panic) => StopReason::Panicked(panic),
    };
    if matches!(reason, StopReason::Failed(_) | StopReason::Panicked(_)) {
        #[cfg(feature = "tracing")]
        tracing::error!(actor = %cell.cx.path(), reason = %format_args!("{reason:#}"), "actor failed");
        if !is_stopped(cell)
            && let Some(delay) = next_after(lives, cell, true)
        {
            if let Some(group) = lives.group() {
                group.fail();
            }
            return begin_again(lives, cell, delay).await;
        }
    }
    cell.cx.life().note(Doing::Stopping);
    Some(match (&reason, &mut lives.actor) {
        // A panic leaves nothing to call.
        (StopReason::Panicked(_), _) | (_, None) => {
            end_family(cell, Halt::Stop, None).await;
            reason
        }
        (_, Some(actor)) => stop(actor, cell, reason).await,
    })
}

/// Whether the actor is to stop. An order holds, whatever became of the handler
/// that gave it, or during which it came.
fn is_stopped<A: Actor>(cell: &Cell<A>) -> bool {
    matches!(cell.cx.stopping, Some(Halt::Stop | Halt::Kill)) || cell.is_told_to_stop()
}

/// After how long another life begins, if one does.
fn next_after<A: Actor>(lives: &mut Lives<A>, cell: &Cell<A>, failed: bool) -> Option<Duration> {
    let next = lives.next_after(failed, cell.cx.now(), || cell.cx.random());
    #[cfg(feature = "tracing")]
    if lives.gives_up() {
        tracing::error!(actor = %cell.cx.path(), "actor is at its limit of restarts");
    }
    next
}

/// An actor has stopped by itself. `None`: it is to begin anew all the same.
async fn rest<A: Actor>(lives: &mut Lives<A>, cell: &mut Cell<A>) -> Option<StopReason> {
    cell.cx.life().note(Doing::Stopping);
    let reason = match &mut lives.actor {
        Some(actor) => stop(actor, cell, StopReason::Stopped).await,
        None => StopReason::Stopped,
    };
    let ordered = cell.is_closed() || cell.cx.world().closing.is_raised();
    if ordered || !matches!(reason, StopReason::Stopped) {
        return Some(reason);
    }
    match next_after(lives, cell, false) {
        Some(delay) => begin_again(lives, cell, delay).await,
        None => Some(reason),
    }
}

/// Ends what belongs to a life, and waits until the next may begin. `None`: it
/// may.
async fn begin_again<A: Actor>(lives: &mut Lives<A>, cell: &mut Cell<A>, delay: Duration) -> Option<StopReason> {
    cell.note_restart(delay);
    // Those who wait for this one wait for its children too.
    let patience = lives.group().map(|_| PATIENCE);
    if let Some(reason) = end_family(cell, Halt::Stop, patience).await {
        return Some(reason);
    }
    // What is left of the old life is dropped before the wait, not after it.
    lives.end();
    cell.cx.turn_over();
    cell.cx.life().note(Doing::BackingOff);
    let mut sleep = (!delay.is_zero()).then(|| cell.cx.sleep(delay));
    // A life may fail at once, and so may all that follow.
    cell.let_others_run_first().await;
    // Told so at whatever time: there is nothing to wait for that matters to
    // what was accepted.
    let (group, mut drained) = (lives.group(), cell.is_draining());
    poll_fn(|cx| {
        if is_killed(cell, cx.waker()) {
            return Poll::Ready(Some(StopReason::Killed));
        }
        if cell.is_told_to_stop() {
            return Poll::Ready(Some(StopReason::Stopped));
        }
        drained |= cell.is_told_to_drain();
        if drained {
            group.inspect(|group| group.go_alone());
            return Poll::Ready(None);
        }
        // Told to begin with the others, it does not wait for a time of its own.
        let told = group.is_some_and(Membership::is_told);
        if !told && sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_pending()) {
            return Poll::Pending;
        }
        sleep = None;
        match group {
            Some(group) => group.poll_turn(cx.waker()).map(|()| None),
            None => Poll::Ready(None),
        }
    })
    .await
}

async fn stop<A: Actor>(actor: &mut A, cell: &mut Cell<A>, reason: StopReason) -> StopReason {
    let how = match reason {
        StopReason::Killed => Halt::Kill,
        StopReason::Drained => Halt::Drain,
        _ => Halt::Stop,
    };
    let mut reason = shorten(reason, end_family(cell, how, None).await);
    if !matches!(reason, StopReason::Killed) {
        let farewell = {
            let hook = pin!(cell.take_leave(actor, &reason));
            unwound(hook).await
        };
        let killed = match farewell {
            Ok(finished) => (!finished).then_some(StopReason::Killed),
            // It had stopped; that its last words failed is told nevertheless.
            Err(panic) => Some(StopReason::Panicked(panic)),
        };
        reason = shorten(reason, killed);
        // The last words may have been a birth.
        reason = shorten(reason, end_family(cell, how, None).await);
    }
    reason
}

/// An end that was cut short by another order. A failure stays one.
fn shorten(reason: StopReason, order: Option<StopReason>) -> StopReason {
    match order {
        Some(order) if !reason.is_failure() => order,
        _ => reason,
    }
}

/// Ends tasks and timers, and waits for the children: they end first. Kills
/// them if that takes longer than `patience`. The reason, if the actor was
/// told meanwhile to end otherwise.
async fn end_family<A: Actor>(cell: &mut Cell<A>, how: Halt, patience: Option<Duration>) -> Option<StopReason> {
    cell.cx.cut_tasks();
    let (children, siblings) = cell.cx.take_children();
    for child in &children {
        child.halt(how);
    }
    if let Some(siblings) = siblings {
        siblings.disband();
    }
    let mut order = None;
    let mut late = match patience {
        Some(patience) if !children.is_empty() => Some(cell.cx.sleep(patience)),
        _ => None,
    };
    for child in &children {
        let mut ended = pin!(Stopped::new(Arc::clone(child.life())));
        poll_fn(|cx| {
            let halt_all = |how| children.iter().for_each(|child| child.halt(how));
            // A kill does not wait for a child's last message, nor a stop for
            // the end of a drain.
            if is_killed(cell, cx.waker()) {
                order = Some(StopReason::Killed);
                halt_all(Halt::Kill);
            }
            if matches!(how, Halt::Drain) && order.is_none() && cell.is_told_to_stop() {
                order = Some(StopReason::Stopped);
                halt_all(Halt::Stop);
            }
            if late.as_mut().is_some_and(|late| late.as_mut().poll(cx).is_ready()) {
                late = None;
                halt_all(Halt::Kill);
            }
            ended.as_mut().poll(cx).map(|_| ())
        })
        .await;
    }
    // Whoever comes too late for this one finds the next: seen, unlike the looks
    // of one who waits.
    while let Some(urgent) = cell.rx.poll_urgent() {
        if matches!(urgent, Urgent::Kill) {
            order = Some(StopReason::Killed);
            break;
        }
    }
    order
}

/// Whether an order to kill is there; waits for one if not. Outside of a life
/// there is none to renew: whether to wait for siblings, their group tells.
fn is_killed<A: Actor>(cell: &mut Cell<A>, waker: &Waker) -> bool {
    loop {
        match cell.rx.wait_for_signals(waker) {
            Some(Urgent::Kill) => return true,
            Some(Urgent::Renew) => {}
            None => return false,
        }
    }
}

/// Polls `task` and catches its panic. One `catch_unwind` a poll,
/// which is many messages.
fn unwound<F: Future>(mut task: Pin<&mut F>) -> impl Future<Output = Result<F::Output, Panic>> {
    poll_fn(move |cx| {
        match contained(|| {
            fate::meet();
            task.as_mut().poll(cx)
        }) {
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
}

/// Polls `task` with `life`'s as the actor that runs on this thread.
pub(crate) fn in_the_name_of<F: Future>(life: &Arc<Life>, mut task: Pin<&mut F>) -> impl Future<Output = F::Output> {
    let mut me = Some(Arc::clone(life) as Arc<dyn Running>);
    poll_fn(move |cx| {
        let before = set_current(me.take());
        let polled =
            if life.is_suspected() { probe(life, cx, |cx| task.as_mut().poll(cx)) } else { task.as_mut().poll(cx) };
        me = set_current(before);
        polled
    })
}

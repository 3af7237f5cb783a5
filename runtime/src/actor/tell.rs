//! Sending and asking, poll by poll.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::ask::AskError;
use super::executor::BoxTask;
use super::fate;
use super::mapped::{Reserving, Route, poll_tell};
use super::open::{For, Open};
use super::reference::{ActorRef, To};
use super::waits::{Wait, Waited};
use crate::mailbox::item::Item;
use crate::mailbox::{Admission, SendError, Tell};
use crate::sync::access;
use crate::sync::waiters::Ticket;

/// The future of [`ActorRef::tell`].
#[must_use = "a message is sent when this is awaited"]
pub struct TellRef<'a, M> {
    actor: &'a ActorRef<M>,
    /// Until it is sent, or lies elsewhere.
    item: Option<Item<M>>,
    rest: Rest<'a, M>,
    open: Open,
}

/// What is left to do for a message that was not sent at once.
enum Rest<'a, M> {
    Nothing,
    Wait(Ticket),
    Rare(Box<Rare<'a, M>>),
}

enum Rare<'a, M> {
    /// One that waits, in sight of those who ask why.
    InSight(InSight<'a, M>),
    Route(Routed<M>),
}

struct InSight<'a, M> {
    tell: Tell<'a, M>,
    wait: Option<Wait>,
}

/// A `tell` through a route.
struct Routed<M> {
    message: Option<M>,
    route: Arc<dyn Route<M>>,
    waiting: Option<Reserving<M>>,
}

/// How a message was let in, and where, if it has a place in the slots.
type Placed = (Admission, Option<u64>);

impl<M> Unpin for TellRef<'_, M> {}

impl<'a, M: Send + 'static> TellRef<'a, M> {
    #[inline(always)]
    pub(super) fn new(actor: &'a ActorRef<M>, message: M) -> Self {
        Self { actor, item: Some(Item::new(message)), rest: Rest::Nothing, open: Open::new() }
    }

    /// Gives up; the message, unless it has been sent.
    pub(crate) fn cancel(mut self) -> Option<M> {
        if let Some(item) = self.item.take() {
            return Some(item.into_message());
        }
        match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Nothing => None,
            Rest::Wait(ticket) => self.resume(Some(ticket))?.cancel(),
            Rest::Rare(rare) => match *rare {
                Rare::InSight(mut seen) => seen.tell.cancel(),
                Rare::Route(routed) => routed.message,
            },
        }
    }

    /// A timer for its limit, which those who ask may see.
    pub(super) fn limited(&mut self, limit: Duration) -> BoxTask {
        if let Rest::Rare(rare) = &self.rest
            && let Rare::InSight(InSight { wait: Some(wait), .. }) = &**rare
        {
            wait.set_limit(limit);
        }
        self.actor.life.world.executor.sleep(limit)
    }

    /// As `poll`, and says where the message was put.
    #[cold]
    #[inline(never)]
    pub(super) fn poll_placed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Placed, SendError<M>>> {
        if let (Some(_), To::Route(route)) = (&self.item, &self.actor.to) {
            let message = self.item.take().map(Item::into_message);
            let routed = Routed { message, route: Arc::clone(route), waiting: None };
            self.rest = Rest::Rare(Box::new(Rare::Route(routed)));
        }
        let ticket = match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Rare(mut rare) => {
                let told = match &mut *rare {
                    Rare::InSight(seen) => seen.poll(cx),
                    Rare::Route(routed) => routed.poll(cx).map(|told| told.map(|admission| (admission, None))),
                };
                self.rest = Rest::Rare(rare);
                return told;
            }
            Rest::Wait(ticket) => Some(ticket),
            Rest::Nothing => None,
        };
        let Some(mut tell) = self.resume(ticket) else { unreachable!("a route was seen to above") };
        let told = tell.poll_placed(cx);
        if told.is_pending() {
            let life = &self.actor.life;
            self.rest = if life.world.waits.are_watched() {
                let wait = Some(Wait::for_room(life, 1, cx));
                Rest::Rare(Box::new(Rare::InSight(InSight { tell, wait })))
            } else {
                tell.suspend().map_or(Rest::Nothing, Rest::Wait)
            };
        }
        told
    }

    /// The message is to be sent now, and a fault has it otherwise.
    #[cold]
    #[inline(never)]
    fn has_gone(&mut self) -> bool {
        let Some(item) = self.item.take() else { return false };
        self.item = fate::send(self.actor, item.into_message()).map(Item::new);
        self.item.is_none()
    }

    #[cold]
    #[inline(never)]
    fn poll_slowly(&mut self, cx: &mut Context<'_>) -> Poll<Result<Admission, SendError<M>>> {
        let told = self.poll_placed(cx).map(|told| told.map(|(admission, _)| admission));
        if told.is_pending() {
            self.open.begin(For::Room, &self.actor.life.path);
        } else {
            self.open = Open::new();
        }
        told
    }
}

impl<'a, M> TellRef<'a, M> {
    /// What polls, and gives up, in the mailbox. `None` for a route.
    fn resume(&mut self, ticket: Option<Ticket>) -> Option<Tell<'a, M>> {
        match &self.actor.to {
            To::Mailbox(sender) => Some(sender.resume(self.item.take(), ticket)),
            To::Route(_) => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        if let Rest::Wait(ticket) = std::mem::replace(&mut self.rest, Rest::Nothing) {
            // Gives the place in the queue up.
            drop(self.resume(Some(ticket)));
        }
    }
}

impl<M> Drop for TellRef<'_, M> {
    #[inline(always)]
    fn drop(&mut self) {
        if matches!(self.rest, Rest::Wait(_)) {
            self.leave();
        }
        if access::is_exploring() {
            drop(self.item.take().map(Item::into_message));
        }
    }
}

impl<M: Send + 'static> Future for TellRef<'_, M> {
    type Output = Result<Admission, SendError<M>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.item.is_some() && access::pass(cx).is_pending() {
            return Poll::Pending;
        }
        if access::is_exploring() && this.has_gone() {
            return Poll::Ready(Ok(Admission::Queued));
        }
        if this.item.is_some()
            && let To::Mailbox(sender) = &this.actor.to
        {
            let telling = sender.core().telling(this.item.as_ref());
            if sender.core().queue.try_put_from(&mut this.item).is_ok() {
                sender.core().tell_sent(telling);
                return Poll::Ready(Ok(Admission::Queued));
            }
        }
        this.poll_slowly(cx)
    }
}

impl<M: Send + 'static> InSight<'_, M> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Placed, SendError<M>>> {
        let Self { tell, wait } = self;
        let Some(seen) = wait else { panic!("`tell` was polled after it was done") };
        let Poll::Ready(waited) = seen.poll(cx, |cx| tell.poll_placed(cx)) else { return Poll::Pending };
        *wait = None;
        Poll::Ready(match waited {
            Waited::Done(told) => told,
            Waited::Deadlock(cycle) => match tell.cancel() {
                Some(message) => Err(SendError::deadlock(message, cycle)),
                // Let in at the last moment.
                None => Ok((Admission::Queued, None)),
            },
        })
    }
}

impl<M: Send + 'static> Routed<M> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Admission, SendError<M>>> {
        let Self { message, route, waiting } = self;
        poll_tell(message, route, waiting, cx)
    }
}

impl<M> fmt::Debug for TellRef<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TellRef").finish_non_exhaustive()
    }
}

/// A question on its way, and the wait for its answer, in sight of those who
/// ask why.
pub(super) struct Asking<'a, M, F> {
    actor: &'a ActorRef<M>,
    /// Until the question is let in.
    tell: Option<TellRef<'a, M>>,
    answer: F,
    /// How many messages had been handled before the question.
    handled: u64,
    placed: Option<u64>,
    limit: Option<Duration>,
    wait: Option<Wait>,
    open: Open,
}

impl<M, F> Unpin for Asking<'_, M, F> {}

impl<'a, M: Send + 'static, F> Asking<'a, M, F> {
    pub(super) fn new(actor: &'a ActorRef<M>, question: M, answer: F) -> Self {
        let handled = match &actor.to {
            // It will have a place, which says more.
            To::Mailbox(sender) if !sender.core().queue.is_sealed() => 0,
            _ if !actor.life.world.waits.are_watched() => 0,
            _ => actor.stats().handled,
        };
        Self {
            actor,
            tell: Some(actor.tell(question)),
            answer,
            handled,
            placed: None,
            limit: None,
            wait: None,
            open: Open::new(),
        }
    }

    /// Gives up; the question, if it was not let in.
    pub(super) fn cancel(self) -> Option<M> {
        self.tell?.cancel()
    }

    /// A timer for its limit, which those who ask may see.
    pub(super) fn limited(&mut self, limit: Duration) -> BoxTask {
        self.limit = Some(limit);
        if let Some(wait) = &self.wait {
            wait.set_limit(limit);
        }
        match &mut self.tell {
            Some(tell) => tell.limited(limit),
            None => self.actor.life.world.executor.sleep(limit),
        }
    }
}

impl<M, R, F> Future for Asking<'_, M, F>
where
    M: Send + 'static,
    F: Future<Output = Option<R>> + Unpin,
{
    type Output = Result<R, AskError<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let is_new = this.tell.as_ref().is_some_and(|tell| tell.item.is_some());
        if let Some(tell) = &mut this.tell {
            if tell.item.is_some() && access::pass(cx).is_pending() {
                return Poll::Pending;
            }
            let told = if access::is_exploring() && tell.has_gone() {
                Poll::Ready(Ok((Admission::Queued, None)))
            } else {
                tell.poll_placed(cx)
            };
            match told {
                Poll::Pending => {
                    this.open.begin(For::Room, &this.actor.life.path);
                    return Poll::Pending;
                }
                Poll::Ready(Ok((_, placed))) => this.placed = placed,
                Poll::Ready(Err(error)) => {
                    this.tell = None;
                    return Poll::Ready(Err(AskError::Refused(error)));
                }
            }
            this.tell = None;
            this.open = Open::new();
        }
        let answer = &mut this.answer;
        let Some(wait) = &this.wait else {
            let look = access::look();
            if let Poll::Ready(answer) = Pin::new(answer).poll(cx) {
                this.open = Open::new();
                return Poll::Ready(answer.ok_or(AskError::NoReply));
            }
            if is_new {
                // Asked in this very step: nobody can have answered yet.
                look.is_nothing();
            }
            this.open.begin(For::Answer, &this.actor.life.path);
            if this.actor.life.world.waits.are_watched() {
                let wait = Wait::for_answer(&this.actor.life, this.placed, this.handled, cx);
                if let Some(limit) = this.limit {
                    wait.set_limit(limit);
                }
                this.wait = Some(wait);
            }
            return Poll::Pending;
        };
        let Poll::Ready(waited) = wait.poll(cx, |cx| Pin::new(answer).poll(cx)) else { return Poll::Pending };
        this.wait = None;
        this.open = Open::new();
        Poll::Ready(match waited {
            Waited::Done(answer) => answer.ok_or(AskError::NoReply),
            Waited::Deadlock(cycle) => Err(AskError::Deadlock(cycle)),
        })
    }
}

/// Polls `task` until it is done or the sleep that `timer` starts is over. The
/// sleep is started when it is first needed: what is ready costs no timer.
pub(super) async fn before<F: Future + Unpin>(
    task: &mut F,
    mut timer: impl FnMut(&mut F) -> BoxTask,
) -> Option<F::Output> {
    let mut sleep = None;
    poll_fn(|cx| {
        if let Poll::Ready(done) = Pin::new(&mut *task).poll(cx) {
            return Poll::Ready(Some(done));
        }
        sleep.get_or_insert_with(|| timer(task)).as_mut().poll(cx).map(|()| None)
    })
    .await
}

//! Routers: one message, several actors that could take it.
//!
//! A router is not an actor. It chooses in the sender's context, so nothing is
//! queued twice and a sender waits for the very member that gets its message:
//! the bound, the policy and the demand of that member's mailbox hold as if
//! the sender had chosen it by hand. Members that have ended are passed over.
//!
//! The order of a sender's messages is that of each mailbox: two messages that
//! go to the same member stay in order, two that go to different ones have no
//! order. Where order matters, route by key.

mod broadcast;
mod error;
mod ring;
mod routing;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use self::error::{RouteAskError, RouteError};
pub use self::routing::{Members, Routing};

use self::ring::Ring;
use self::routing::Kind;
use crate::actor::{Activity, ActorId, ActorRef, AnswerFuture, AskError, BoxTask, Reply};
use crate::mailbox::{Admission, SendError, TellWithinError};
use crate::sync::access::{self, Access};
use crate::sync::counter::Counter;
use crate::sync::shim::Mutex;

/// Sends each message to one of several actors, or to all. Cheap to clone; all
/// clones take turns together.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::pattern::{Router, Routing};
/// # struct Shard; impl Actor for Shard { type Msg = &'static str;
/// # async fn handle(&mut self, _: &'static str, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let shards = [(); 4].map(|()| system.spawn(Shard, Push::bounded(64)));
/// let router = Router::new(shards, Routing::consistent_hash(|word: &&str| word.len()));
/// let home = router.choose(&"same length").unwrap();
/// assert_eq!(router.choose(&"thesamesize"), Some(home), "one key, one member");
/// router.tell("same length").await.unwrap();
/// # }
/// ```
pub struct Router<M> {
    inner: Arc<Inner<M>>,
}

struct Inner<M> {
    members: Members<M>,
    routing: Routing<M>,
    turns: Counter,
    ring: Mutex<Option<RingOf<M>>>,
}

/// The members that a ring was made for, and the ring.
type RingOf<M> = (Arc<[ActorRef<M>]>, Arc<Ring>);

impl<M: Send + 'static> Router<M> {
    /// A router over a [`Group`](crate::Group), whose members may come and go,
    /// or over a list.
    #[must_use]
    pub fn new(members: impl Into<Members<M>>, routing: Routing<M>) -> Self {
        let inner = Inner { members: members.into(), routing, turns: Counter::new(), ring: Mutex::new(None) };
        Self { inner: Arc::new(inner) }
    }

    /// Those it chooses from, at this moment. Some may have ended.
    #[must_use]
    pub fn members(&self) -> Arc<[ActorRef<M>]> {
        self.inner.members.now()
    }

    /// Whom `message` would be sent to; where members take turns, this is one.
    /// `None` if no member is left, and for a broadcast, which chooses nobody.
    #[must_use]
    pub fn choose(&self, message: &M) -> Option<ActorRef<M>> {
        let members = self.members();
        self.first(&members, message, &[]).map(|at| members[at].clone())
    }

    /// Sends `message` to the member that is chosen, and waits for a grant of
    /// it, as [`ActorRef::tell`] does. If the member ends meanwhile another is
    /// chosen. A broadcast waits for all members together.
    ///
    /// # Errors
    /// [`RouteError`], with the message.
    /// # Cancel safety
    /// Dropped while waiting, the message has not been sent and is dropped with
    /// it; of a broadcast, those members that have it keep it.
    pub async fn tell(&self, message: M) -> Result<Admission, RouteError<M>> {
        if let Kind::Broadcast(copy) = self.inner.routing.kind {
            let members = self.members_in_a_step().await;
            return broadcast::tell_all(&members, message, copy, &mut None).await;
        }
        let (mut message, mut gone) = (message, Vec::new());
        loop {
            let members = self.members_in_a_step().await;
            let Some(at) = self.first(&members, &message, &gone) else {
                return Err(RouteError::NoMember(message));
            };
            match members[at].tell(message).await {
                Err(SendError::Closed(back)) => message = back,
                told => return told.map_err(RouteError::Refused),
            }
            gone.push(members[at].id());
        }
    }

    /// Sends `message` without ever waiting. A member that refuses it is passed
    /// over for the next, unless the routing is by key.
    ///
    /// # Errors
    /// [`RouteError`], with the message: if all refused it, with the last one's
    /// reason.
    pub fn try_tell(&self, message: M) -> Result<Admission, RouteError<M>> {
        let members = self.members();
        let sticky = match self.inner.routing.kind {
            Kind::Broadcast(copy) => return broadcast::try_tell_all(&members, message, copy),
            Kind::ConsistentHash(_) => true,
            Kind::RoundRobin | Kind::LeastLoaded | Kind::Random => false,
        };
        let (mut message, mut gone, mut refusal) = (message, Vec::new(), None);
        while let Some(first) = self.first(&members, &message, &gone) {
            let others = (first + 1..members.len()).chain(0..first);
            for at in std::iter::once(first).chain(others.take_while(|_| !sticky)) {
                if at != first && (members[at].is_closed() || gone.contains(&members[at].id())) {
                    continue;
                }
                match members[at].try_tell(message) {
                    Ok(admission) => return Ok(admission),
                    Err(SendError::Closed(back)) => {
                        gone.push(members[at].id());
                        message = back;
                    }
                    Err(error) => {
                        let (kind, back) = split(error);
                        refusal = Some(kind);
                        message = back;
                    }
                }
            }
            if refusal.is_some() {
                break;
            }
        }
        Err(match refusal {
            Some(kind) => RouteError::Refused(kind.map(|()| message)),
            None => RouteError::NoMember(message),
        })
    }

    /// As [`tell`](Self::tell), waiting no longer than `limit`, whoever has to
    /// be chosen meanwhile.
    ///
    /// # Errors
    /// [`RouteError`], with the message.
    /// # Cancel safety
    /// As [`tell`](Self::tell).
    pub async fn tell_within(&self, limit: Duration, message: M) -> Result<Admission, RouteError<M>> {
        let members = self.members_in_a_step().await;
        let Some(clock) = members.first() else { return Err(RouteError::NoMember(message)) };
        if let Kind::Broadcast(copy) = self.inner.routing.kind {
            let until = now(clock).saturating_add(limit);
            return broadcast::tell_all(&members, message, copy, &mut timer(&members, until)).await;
        }
        let until = now(clock).saturating_add(limit);
        let (mut message, mut gone) = (message, Vec::new());
        loop {
            let members = self.members_in_a_step().await;
            let Some(at) = self.first(&members, &message, &gone) else {
                return Err(RouteError::NoMember(message));
            };
            let member = &members[at];
            match member.tell_within(until.saturating_sub(now(member)), message).await {
                Ok(admission) => return Ok(admission),
                Err(TellWithinError::Refused(SendError::Closed(back))) => message = back,
                Err(TellWithinError::Refused(error)) => return Err(RouteError::Refused(error)),
                Err(TellWithinError::Timeout(back)) => return Err(RouteError::Timeout(back)),
            }
            gone.push(member.id());
        }
    }

    /// Asks the member that is chosen, as [`ActorRef::ask`] does. Of a
    /// broadcast the first answer counts.
    ///
    /// # Errors
    /// [`RouteAskError`], with the question if it was not let in.
    /// # Cancel safety
    /// Dropped while waiting for the answer, the question may still be handled.
    pub async fn ask<R>(&self, question: impl FnOnce(Reply<R>) -> M) -> Result<R, RouteAskError<M>> {
        self.ask_until(None, question).await
    }

    /// Asks, waiting for grant and answer together no longer than `limit`.
    ///
    /// # Errors
    /// As [`ask`](Self::ask); [`RouteAskError::Timeout`] if the question was
    /// let in, and [`RouteError::Timeout`] inside if it was not.
    pub async fn ask_within<R>(
        &self,
        limit: Duration,
        question: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, RouteAskError<M>> {
        let until = self.members().first().map(|clock| now(clock).saturating_add(limit));
        self.ask_until(until, question).await
    }

    async fn ask_until<R>(
        &self,
        until: Option<Duration>,
        question: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, RouteAskError<M>> {
        let (reply, mut answer) = Reply::channel_until(until);
        let (mut question, mut gone) = (question(reply), Vec::new());
        if let Kind::Broadcast(copy) = self.inner.routing.kind {
            let members = self.members_in_a_step().await;
            let mut timeout = until.and_then(|until| timer(&members, until));
            broadcast::tell_all(&members, question, copy, &mut timeout).await.map_err(RouteAskError::Refused)?;
            return first_answer(&mut answer, &mut timeout).await;
        }
        loop {
            let members = self.members_in_a_step().await;
            let Some(at) = self.first(&members, &question, &gone) else {
                return Err(RouteAskError::Refused(RouteError::NoMember(question)));
            };
            return match members[at].ask_made(question, &mut answer, until).await {
                Ok(answer) => Ok(answer),
                Err(AskError::Refused(SendError::Closed(back))) => {
                    question = back;
                    gone.push(members[at].id());
                    continue;
                }
                Err(AskError::Refused(error)) => Err(RouteAskError::Refused(RouteError::Refused(error))),
                Err(AskError::Timeout(Some(back))) => Err(RouteAskError::Refused(RouteError::Timeout(back))),
                Err(AskError::Timeout(None)) => Err(RouteAskError::Timeout),
                Err(AskError::NoReply) => Err(RouteAskError::NoReply),
                Err(AskError::Deadlock(cycle)) => Err(RouteAskError::Deadlock(cycle)),
            };
        }
    }

    /// Those to choose from. Explored, to choose is a step: until the choice is
    /// told, whoever it is may have more to do, or be gone.
    async fn members_in_a_step(&self) -> Arc<[ActorRef<M>]> {
        poll_fn(access::pass).await;
        self.members()
    }

    /// The first choice among the members that are there and not `gone`.
    fn first(&self, members: &Arc<[ActorRef<M>]>, message: &M, gone: &[ActorId]) -> Option<usize> {
        let there = |at: &usize| !members[*at].is_closed() && !gone.contains(&members[*at].id());
        let count = members.len();
        let from = |turn: u64| {
            let first = usize::try_from(turn % count.max(1) as u64).unwrap_or(0);
            (first..count).chain(0..first)
        };
        match &self.inner.routing.kind {
            Kind::RoundRobin => from(self.turn()).find(there),
            Kind::Random => from(members.first()?.life().world.executor.random()).find(there),
            // Of several the first that `from` comes to.
            Kind::LeastLoaded => from(self.turn()).filter(there).min_by_key(|at| load(&members[*at])),
            Kind::ConsistentHash(key) => self.ring(members).owners(key(message)).find(there),
            Kind::Broadcast(_) => None,
        }
    }

    /// Whose turn it is, from 0.
    fn turn(&self) -> u64 {
        self.inner.turns.next() - 1
    }

    fn ring(&self, members: &Arc<[ActorRef<M>]>) -> Arc<Ring> {
        let kept = self.inner.ring.lock_to(Access::Read);
        if let Some((of, ring)) = &*kept
            && Arc::ptr_eq(of, members)
        {
            return Arc::clone(ring);
        }
        drop(kept);
        let ring = Arc::new(Ring::new(members.iter().map(ActorRef::id)));
        let old = self.inner.ring.lock().replace((Arc::clone(members), Arc::clone(&ring)));
        // May be the last that knows of an actor: dropped without the lock.
        drop(old);
        ring
    }
}

/// What a member has before it.
fn load<M: Send + 'static>(member: &ActorRef<M>) -> usize {
    let busy = !matches!(member.life().activity(), Activity::Parked | Activity::Starting);
    member.queued() + usize::from(busy)
}

fn now<M>(member: &ActorRef<M>) -> Duration {
    member.life().world.executor.now()
}

/// A sleep until `until`, if there is a member whose clock says when that is.
fn timer<M>(members: &[ActorRef<M>], until: Duration) -> Option<BoxTask> {
    let clock = members.first()?;
    Some(clock.life().world.executor.sleep(until.saturating_sub(now(clock))))
}

async fn first_answer<M, R>(
    answer: &mut AnswerFuture<R>,
    timeout: &mut Option<BoxTask>,
) -> Result<R, RouteAskError<M>> {
    poll_fn(|cx| {
        if let Poll::Ready(answer) = Pin::new(&mut *answer).poll(cx) {
            return Poll::Ready(answer.ok_or(RouteAskError::NoReply));
        }
        match timeout {
            Some(timeout) => timeout.as_mut().poll(cx).map(|()| Err(RouteAskError::Timeout)),
            None => Poll::Pending,
        }
    })
    .await
}

/// The reason and the message, apart.
fn split<M>(error: SendError<M>) -> (SendError<()>, M) {
    let mut message = None;
    let reason = error.map(|inside| message = Some(inside));
    match message {
        Some(message) => (reason, message),
        None => unreachable!("every refusal hands the message back"),
    }
}

impl<M> Clone for Router<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M: Send + 'static> fmt::Debug for Router<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("routing", &self.inner.routing)
            .field("members", &self.inner.members)
            .finish_non_exhaustive()
    }
}

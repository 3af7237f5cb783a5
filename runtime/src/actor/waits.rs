//! Who waits for whom.
//!
//! While waits are watched, whoever waits for room in an actor's mailbox, or
//! for its answer, is in a list of its system: from its first fruitless poll
//! until it has got what it waited for or has given up. What finds room at once
//! is never there, so the way of a message that needs not wait is the same
//! with and without. From the list come [`explain`](crate::System::explain),
//! the notices of long waits, and deadlocks ([`knot`]).
//!
//! A wait belongs to the actor in whose task it was polled last. One that is
//! polled elsewhere, in a task of its own, belongs to nobody: it is shown, and
//! can be part of no deadlock.

mod knot;
mod list;
mod probe;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) use self::list::Waits;
use self::list::{Want, present};
pub(crate) use self::probe::probe;
use super::lifecycle::{ActorPath, Life};
use super::world::World;
use crate::mailbox::{Cycle, MailboxStats};

/// What a system does about actors that wait for each other in a circle.
///
/// The default is [`broken`](Self::broken) in debug builds, and
/// [`off`](Self::off) in others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Deadlocks {
    pub(crate) watched: bool,
    /// After how long a deadlock is broken; `None`: never.
    pub(crate) after: Option<Duration>,
}

impl Deadlocks {
    /// Waits are not watched: no deadlock is found,
    /// [`explain`](crate::System::explain) knows of no wait, and none is too
    /// long. Costs nothing.
    pub const fn off() -> Self {
        Self { watched: false, after: None }
    }

    /// Waits are watched and can be [explained](crate::System::explain), and
    /// long ones are told of; none is ended.
    ///
    /// It costs who has to wait, and who asks, a lock that all actors of the
    /// system share. What finds room at once pays nothing.
    pub const fn watched() -> Self {
        Self { watched: true, after: None }
    }

    /// As [`watched`](Self::watched), and a deadlock that has lasted for one
    /// second ends with an error for one of those on it. To wait for longer, or
    /// less long, say [`after`](Self::after).
    pub const fn broken() -> Self {
        Self { watched: true, after: Some(Duration::from_secs(1)) }
    }

    /// How long a deadlock has to last before it is broken. Zero: as soon as it
    /// is certain, which takes some milliseconds.
    pub const fn after(self, grace: Duration) -> Self {
        Self { watched: true, after: Some(grace) }
    }
}

impl Default for Deadlocks {
    fn default() -> Self {
        if cfg!(debug_assertions) { Self::broken() } else { Self::off() }
    }
}

/// Somebody waits for an actor.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Waiting {
    /// The actor that waits, in its handler or a hook; `None` for a task that
    /// is no actor's.
    pub who: Option<ActorPath>,
    /// Whom it waits for.
    pub on: ActorPath,
    /// What it waits for.
    pub what: WaitingFor,
    /// For how long it has waited.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::mailbox::seconds"))]
    pub elapsed: Duration,
    /// How long it waits at most, if it was told.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::mailbox::maybe_seconds"))]
    pub limit: Option<Duration>,
    /// How the mailbox stands; `None` if the actor has just ended.
    pub mailbox: Option<MailboxStats>,
}

/// What a [`Waiting`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum WaitingFor {
    /// For so many grants of the mailbox.
    Room(u64),
    /// That a subscriber asks for more: handles what it was sent.
    Demand,
    /// For an answer to a question that lies in the mailbox, or is in the
    /// handler.
    Answer,
    /// For an answer to a question that the handler is done with: the reply is
    /// somewhere else.
    Reply,
}

impl fmt::Display for Waiting {
    /// One line: who waits for what, for how long, and which bound it meets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Some(who) => write!(f, "{who} waits")?,
            None => f.write_str("a task waits")?,
        }
        match self.what {
            WaitingFor::Room(1) => write!(f, " for room in {}", self.on)?,
            WaitingFor::Room(n) => write!(f, " for {n} grants of {}", self.on)?,
            WaitingFor::Demand => write!(f, " for demand of {}", self.on)?,
            WaitingFor::Answer => write!(f, " for an answer of {}", self.on)?,
            WaitingFor::Reply => write!(f, " for a reply that {} handed on or keeps", self.on)?,
        }
        write!(f, ", {:?}", self.elapsed)?;
        if let Some(limit) = self.limit {
            write!(f, " of {limit:?}")?;
        }
        let Some(mailbox) = &self.mailbox else { return f.write_str(" (it has ended)") };
        match self.what {
            WaitingFor::Room(_) => {
                let asked = mailbox.requested.map(|requested| requested.saturating_sub(mailbox.taken));
                match (asked, mailbox.capacity) {
                    (Some(0), _) => write!(f, " (no demand: {} queued", mailbox.len)?,
                    (Some(asked), _) => write!(f, " (demand {asked}: {} queued", mailbox.len)?,
                    (None, Some(capacity)) => write!(f, " (capacity {capacity}: {} queued", mailbox.len)?,
                    (None, None) => write!(f, " ({} queued", mailbox.len)?,
                }
                if mailbox.permits > 0 {
                    write!(f, ", {} permits out", mailbox.permits)?;
                }
                write!(f, ", {} waiting)", mailbox.waiting_senders)
            }
            WaitingFor::Demand | WaitingFor::Answer | WaitingFor::Reply => write!(f, " ({} queued)", mailbox.len),
        }
    }
}

/// A wait that others can see, until it is dropped.
pub(crate) struct Wait {
    world: Arc<World>,
    serial: u64,
}

/// How a poll of a wait came out.
pub(crate) enum Waited<T> {
    Done(T),
    /// It would have waited for ever.
    Deadlock(Cycle),
}

impl Wait {
    /// The first poll for room was fruitless.
    pub(crate) fn for_room(target: &Arc<Life>, n: u64, cx: &Context<'_>) -> Self {
        Self::begin(target, Want::Room(n), cx)
    }

    /// A question was put in at the sequence `placed`, if that is known; before
    /// that, its actor had `handled` so many messages.
    pub(crate) fn for_answer(target: &Arc<Life>, placed: Option<u64>, handled: u64, cx: &Context<'_>) -> Self {
        Self::begin(target, Want::Answer { placed, handled }, cx)
    }

    /// Begins a wait until a subscriber of an outlet takes what it was sent.
    pub(crate) fn for_demand(target: &Arc<Life>, cx: &Context<'_>) -> Self {
        Self::begin(target, Want::Demand, cx)
    }

    fn begin(target: &Arc<Life>, want: Want, cx: &Context<'_>) -> Self {
        let serial = target.world.waits.begin(target, want, cx.waker());
        Self { world: Arc::clone(&target.world), serial }
    }

    /// How long it lasts at most.
    pub(crate) fn set_limit(&self, limit: Duration) {
        self.world.waits.set_limit(self.serial, limit);
    }

    /// Polls for what it waits for.
    pub(crate) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Waited<T>> {
        let me = present(&self.world);
        let probe = self.world.waits.begin_poll(self.serial, me.as_ref());
        let before = probe.as_ref().map_or(0, Arc::strong_count);
        if let Poll::Ready(done) = poll(cx) {
            return Poll::Ready(Waited::Done(done));
        }
        let broken = self.world.waits.end_poll(self.serial, me.as_ref(), cx.waker(), probe.as_ref(), before);
        broken.map_or(Poll::Pending, |cycle| Poll::Ready(Waited::Deadlock(cycle)))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.world.waits.end(self.serial);
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("serial", &self.serial).finish_non_exhaustive()
    }
}

/// Whether this runs in the task of an actor of `world`, whose waits are watched.
pub(crate) fn is_watched_here(world: &Arc<World>) -> bool {
    world.waits.are_watched() && present(world).is_some()
}

/// Something to wait for, seen by others while it lasts if waits are watched.
pub(crate) struct Watched<'a, F> {
    future: F,
    target: &'a Arc<Life>,
    /// How many grants.
    n: u64,
    wait: Option<Wait>,
}

impl<'a, F> Watched<'a, F> {
    pub(crate) fn for_room(future: F, target: &'a Arc<Life>, n: u64) -> Self {
        Self { future, target, n, wait: None }
    }
}

impl<F: Future + Unpin> Future for Watched<'_, F> {
    type Output = Waited<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(wait) = &this.wait {
            let waited = wait.poll(cx, |cx| Pin::new(&mut this.future).poll(cx));
            if waited.is_ready() {
                this.wait = None;
            }
            return waited;
        }
        if let Poll::Ready(done) = Pin::new(&mut this.future).poll(cx) {
            return Poll::Ready(Waited::Done(done));
        }
        if this.target.world.waits.are_watched() {
            this.wait = Some(Wait::for_room(this.target, this.n, cx));
        }
        Poll::Pending
    }
}

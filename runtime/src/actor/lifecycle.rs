//! An actor's life from the outside: who it is, whether it has ended, and why.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::activity::{Activity, Doing};
use super::bonds::Links;
use super::fault::Fault;
use super::panic::{Panic, contained};
use super::world::World;
use crate::mailbox::Running;
use crate::sync::access::{self, Access};
use crate::sync::counter::{Counter, Mark};
use crate::sync::shim::Mutex;

/// An actor's number: unique in its process, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ActorId(pub(crate) u64);

impl ActorId {
    /// What an actor without a name is called.
    pub(crate) fn as_name(self) -> impl fmt::Display {
        access::actor_name(self.0)
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.as_name())
    }
}

/// Where an actor is in its system's tree, as text: `/orders/worker-3`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorPath(pub(crate) Arc<str>);

impl ActorPath {
    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ActorPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Why an actor ended. `{:#}` shows of a panic also where it was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StopReason {
    /// It was told to stop, or stopped itself.
    Stopped,
    /// It was told to drain and has handled everything that was accepted.
    Drained,
    /// It was killed.
    Killed,
    /// A handler or hook failed, and was not to be restarted.
    Failed(Fault),
    /// A handler, hook or factory panicked, and was not to be restarted.
    Panicked(Panic),
    /// A message too many, under a policy that makes that a failure.
    Overflowed,
    /// Its task was dropped before it ended: the runtime shut down.
    Abandoned,
    /// It was never started: the system was shutting down.
    Refused,
    /// It was never started: the name that it was to have is another's.
    NameTaken(Arc<str>),
}

impl StopReason {
    /// The reason's name in reports and labels.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Drained => "drained",
            Self::Killed => "killed",
            Self::Failed(_) => "failed",
            Self::Panicked(_) => "panicked",
            Self::Overflowed => "overflowed",
            Self::Abandoned => "abandoned",
            Self::Refused => "refused",
            Self::NameTaken(_) => "name-taken",
        }
    }

    /// Whether something went wrong.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Panicked(_) | Self::Overflowed)
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Drained => f.write_str("drained"),
            Self::Killed => f.write_str("killed"),
            Self::Failed(fault) => write!(f, "failed: {fault}"),
            Self::Panicked(panic) if f.alternate() => write!(f, "panicked: {panic:#}"),
            Self::Panicked(panic) => write!(f, "panicked: {panic}"),
            Self::Overflowed => f.write_str("overflowed"),
            Self::Abandoned => f.write_str("abandoned by its executor"),
            Self::Refused => f.write_str("refused: the system is shutting down"),
            Self::NameTaken(name) => write!(f, "refused: the name `{name}` is taken"),
        }
    }
}

/// The news that a watched actor has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Terminated {
    /// Which.
    pub id: ActorId,
    /// Where it was.
    pub path: ActorPath,
    /// Why.
    pub reason: StopReason,
}

/// What to call when a life ends.
pub(super) type Watcher = Box<dyn FnOnce(&Terminated) + Send>;

/// What all references to an actor share besides its mailbox.
pub(crate) struct Life {
    pub(crate) id: ActorId,
    pub(crate) path: ActorPath,
    /// Whose child it is.
    parent: Option<NonZeroU64>,
    /// How often it was begun anew.
    pub(crate) restarts: Counter,
    pub(crate) world: Arc<World>,
    doing: Mark,
    /// It may be part of a deadlock: its next poll finds out.
    suspected: Mark,
    state: Mutex<State>,
}

/// Two pointers while nobody waits and nothing has happened.
struct State {
    ended: Option<Box<StopReason>>,
    audience: Option<Box<Audience>>,
}

#[derive(Default)]
struct Audience {
    /// Each by the key of its future.
    waiters: Vec<(u64, Waker)>,
    next: u64,
    /// Each by its key, so that one that loses interest can be forgotten.
    watchers: BTreeMap<u64, Watcher>,
    links: Links,
}

impl Life {
    pub(crate) fn new(id: ActorId, path: ActorPath, parent: Option<ActorId>, world: Arc<World>) -> Arc<Self> {
        let state = State { ended: None, audience: None };
        let parent = parent.and_then(|parent| NonZeroU64::new(parent.0));
        Arc::new(Self {
            id,
            path,
            parent,
            restarts: Counter::new(),
            world,
            doing: Mark::new(Doing::Starting as u8),
            suspected: Mark::new(0),
            state: Mutex::new(state),
        })
    }

    /// `None`: it belongs to the system itself.
    pub(crate) fn parent(&self) -> Option<ActorId> {
        self.parent.map(|parent| ActorId(parent.get()))
    }

    /// Ends it, once; later reasons are ignored. Tells everybody who waits.
    pub(crate) fn end(&self, reason: StopReason) {
        if self.state.lock_to(Access::Read).ended.is_some() {
            return;
        }
        // First: whoever sees the end finds it gone from the tree.
        self.world.forget(self.id, &reason);
        let audience = {
            let mut state = self.state.lock();
            if state.ended.is_some() {
                return;
            }
            state.ended = Some(Box::new(reason.clone()));
            state.audience.take()
        };
        let Some(audience) = audience else { return };
        let Audience { waiters, watchers, links, .. } = *audience;
        let news = self.news(reason);
        // Foreign code: what one of them does keeps the end from no other.
        for watcher in watchers.into_values().chain(links.into_values()) {
            drop(contained(|| watcher(&news)));
        }
        for (_, waker) in waiters {
            drop(contained(|| waker.wake()));
        }
    }

    /// Notes what the actor is doing. For the actor's own task.
    #[inline(always)]
    pub(crate) fn note(&self, doing: Doing) {
        self.doing.set(doing as u8);
    }

    /// Whether what it handles, if anything, is the message taken last from the
    /// queue.
    pub(super) fn handles_the_latest(&self) -> bool {
        Doing::read(self.doing.get()) == Doing::Working
    }

    /// What the actor is doing.
    pub(crate) fn activity(&self) -> Activity {
        if self.state.lock_to(Access::Read).ended.is_some() {
            return Activity::Ended;
        }
        match Doing::read(self.doing.get()) {
            Doing::Parked => Activity::Parked,
            doing => self.world.waits.activity(self.id).unwrap_or_else(|| doing.into()),
        }
    }

    pub(super) fn suspect(&self, suspected: bool) {
        self.suspected.set(u8::from(suspected));
    }

    /// Whether its next poll is to be a [probe](super::waits::probe).
    #[inline(always)]
    pub(crate) fn is_suspected(&self) -> bool {
        self.suspected.get() != 0
    }

    pub(crate) fn ended(&self) -> Option<StopReason> {
        self.state.lock_to(Access::Read).ended.as_deref().cloned()
    }

    /// Calls `watcher` when the life ends; at once if it has. The key is for
    /// [`unwatch`](Self::unwatch).
    pub(crate) fn watch(&self, watcher: Watcher) -> Option<u64> {
        let mut state = self.state.lock();
        let Some(reason) = state.ended.as_deref().cloned() else {
            let audience = state.audience.get_or_insert_default();
            audience.next += 1;
            let key = audience.next;
            audience.watchers.insert(key, watcher);
            return Some(key);
        };
        drop(state);
        watcher(&self.news(reason));
        None
    }

    /// Forgets a watcher.
    pub(crate) fn unwatch(&self, key: u64) {
        let watcher = {
            let mut state = self.state.lock();
            state.audience.as_mut().and_then(|audience| audience.watchers.remove(&key))
        };
        // What it holds may be the last of something: dropped without the lock.
        drop(watcher);
    }

    /// As `watch`, once for each `other`. `false`: there is a link already.
    pub(super) fn link(&self, other: ActorId, watcher: Watcher) -> bool {
        let mut state = self.state.lock();
        let Some(reason) = state.ended.as_deref().cloned() else {
            let links = &mut state.audience.get_or_insert_default().links;
            let new = !links.contains_key(&other);
            if new {
                links.insert(other, watcher);
            }
            return new;
        };
        drop(state);
        watcher(&self.news(reason));
        true
    }

    /// Forgets a link; `false` if there is none.
    pub(super) fn unlink(&self, other: ActorId) -> bool {
        let watcher = {
            let mut state = self.state.lock();
            state.audience.as_mut().and_then(|audience| audience.links.remove(&other))
        };
        watcher.is_some()
    }

    /// How many watch it or are linked to it.
    #[cfg(all(test, not(tidegate_loom)))]
    pub(super) fn bonds(&self) -> usize {
        let state = self.state.lock();
        state.audience.as_ref().map_or(0, |audience| audience.watchers.len() + audience.links.len())
    }

    pub(crate) fn news(&self, reason: StopReason) -> Terminated {
        Terminated { id: self.id, path: self.path.clone(), reason }
    }
}

impl Running for Life {
    fn name(&self) -> &Arc<str> {
        &self.path.0
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").field("id", &self.id).field("path", &self.path).finish_non_exhaustive()
    }
}

/// A future of the end of an actor. Any number may wait, also afterwards.
#[derive(Debug)]
#[must_use = "this waits when it is awaited"]
pub struct Stopped {
    life: Arc<Life>,
    /// This future's place among those that wait.
    key: Option<u64>,
}

impl Stopped {
    pub(crate) fn new(life: Arc<Life>) -> Self {
        Self { life, key: None }
    }
}

impl Future for Stopped {
    type Output = StopReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StopReason> {
        let life = Arc::clone(&self.life);
        let look = access::look();
        let mut state = life.state.lock_to(Access::Read);
        if let Some(reason) = &state.ended {
            return Poll::Ready(StopReason::clone(reason));
        }
        let audience = state.audience.get_or_insert_default();
        let mine = audience.waiters.iter_mut().find(|(key, _)| Some(*key) == self.key);
        let old = if let Some((_, waker)) = mine {
            (!waker.will_wake(cx.waker())).then(|| std::mem::replace(waker, cx.waker().clone()))
        } else {
            audience.next += 1;
            self.key = Some(audience.next);
            audience.waiters.push((audience.next, cx.waker().clone()));
            None
        };
        // A waker is foreign code: dropped when the lock is free.
        drop(state);
        drop(old);
        look.waits();
        Poll::Pending
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let waker = {
            // Nobody but itself would have seen it.
            let mut state = self.life.state.lock_to(Access::Read);
            let waiters = state.audience.as_mut().map(|audience| &mut audience.waiters);
            waiters.and_then(|waiters| {
                let at = waiters.iter().position(|(other, _)| *other == key)?;
                Some(waiters.swap_remove(at))
            })
        };
        drop(waker);
    }
}

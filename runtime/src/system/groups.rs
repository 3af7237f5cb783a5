//! Groups: actors that take the same messages, under one name.
//!
//! Whoever joins is a member until it leaves or ends. A group has no actor and
//! no messages of its own: it is a list that is always up to date, and what
//! routers choose from.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use super::System;
use super::board::{Board, ChangeSubscription};
use crate::actor::{Actor, ActorId, ActorRef, Context};
use crate::sync::shim::Mutex;

/// A member has come or gone.
#[non_exhaustive]
pub enum GroupEvent<M> {
    /// It is a member from now on.
    Joined(ActorRef<M>),
    /// It has left or ended.
    Left(ActorRef<M>),
}

impl<M> Clone for GroupEvent<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Joined(member) => Self::Joined(member.clone()),
            Self::Left(member) => Self::Left(member.clone()),
        }
    }
}

impl<M> fmt::Debug for GroupEvent<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined(member) => f.debug_tuple("Joined").field(member).finish(),
            Self::Left(member) => f.debug_tuple("Left").field(member).finish(),
        }
    }
}

struct Roster<M> {
    /// Copied when it changes, so that whoever chooses from it holds no lock.
    members: Arc<[ActorRef<M>]>,
    /// By which the life of each knows that it is to tell of its end.
    watches: HashMap<ActorId, u64>,
}

/// Actors that take the same messages. Cheap to clone; all clones are the same
/// group.
///
/// ```
/// use tidegate::prelude::*;
/// # struct Log; impl Actor for Log { type Msg = String;
/// # async fn handle(&mut self, _: String, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let log = system.spawn(Log, Push::bounded(64));
/// system.group("logs").join(&log);
///
/// let logs = system.group::<String>("logs");
/// assert_eq!(logs.members().to_vec(), [log.clone()]);
///
/// log.stop();
/// log.stopped().await;
/// assert!(logs.is_empty());
/// # }
/// ```
pub struct Group<M> {
    inner: Arc<Inner<M>>,
}

struct Inner<M> {
    name: Arc<str>,
    board: Arc<Board<Roster<M>, GroupEvent<M>>>,
    /// Where it is listed, to be struck out when nobody needs it.
    listed: Option<(Weak<Groups>, TypeId)>,
}

impl<M> Drop for Inner<M> {
    fn drop(&mut self) {
        if let Some((groups, message)) = self.listed.take()
            && let Some(groups) = groups.upgrade()
        {
            let mut listed = groups.listed.lock();
            let key = (message, Arc::clone(&self.name));
            // Another may have come in its place.
            if listed.get(&key).is_some_and(|group| group.strong_count() == 0) {
                listed.remove(&key);
            }
        }
    }
}

/// The inside of a group, whatever its messages.
type Listed = Weak<dyn Any + Send + Sync>;

/// The groups of a system: those that have members, or that somebody holds.
#[derive(Default)]
pub(super) struct Groups {
    listed: Mutex<HashMap<(TypeId, Arc<str>), Listed>>,
}

impl<M: Send + 'static> Group<M> {
    /// A group without a name, which only those find who are given it.
    #[must_use]
    pub fn new() -> Self {
        Self::make("".into(), None)
    }

    fn make(name: Arc<str>, listed: Option<(Weak<Groups>, TypeId)>) -> Self {
        let board = Arc::new(Board::new(Roster { members: Arc::from([]), watches: HashMap::new() }));
        Self { inner: Arc::new(Inner { name, board, listed }) }
    }

    /// The group's name; empty for one that has none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Makes `actor` a member, until it leaves or ends. `false` if it is one
    /// already, or has ended.
    pub fn join(&self, actor: &ActorRef<M>) -> bool {
        let board = &self.inner.board;
        let replaced = board.change(|roster, events| {
            if actor.stop_reason().is_some() || roster.members.contains(actor) {
                return None;
            }
            events.push(GroupEvent::Joined(actor.clone()));
            let more = roster.members.iter().cloned().chain([actor.clone()]).collect();
            Some(std::mem::replace(&mut roster.members, more))
        });
        if replaced.is_none() {
            return false;
        }
        // Holds the group, which is there as long as it has members.
        let (group, id) = (self.clone(), actor.id());
        let watch = actor.life().watch(Box::new(move |_| {
            group.remove(id);
        }));
        let Some(watch) = watch else { return true };
        // One that has left meanwhile need not tell of its end, and one that
        // has left and joined again need not tell twice.
        let untold =
            board.change(
                |roster, _| {
                    if roster.members.contains(actor) { roster.watches.insert(id, watch) } else { Some(watch) }
                },
            );
        if let Some(untold) = untold {
            actor.life().unwatch(untold);
        }
        true
    }

    /// Ends a membership. `false` if there was none.
    pub fn leave(&self, actor: &ActorRef<M>) -> bool {
        self.remove(actor.id())
    }

    fn remove(&self, id: ActorId) -> bool {
        let left = self.inner.board.change(|roster, events| {
            let member = roster.members.iter().find(|member| member.id() == id)?.clone();
            events.push(GroupEvent::Left(member.clone()));
            let rest = roster.members.iter().filter(|member| member.id() != id).cloned().collect();
            Some((member, roster.watches.remove(&id), std::mem::replace(&mut roster.members, rest)))
        });
        let Some((member, watch, _)) = left else { return false };
        if let Some(watch) = watch {
            member.life().unwatch(watch);
        }
        true
    }

    /// The members at this moment, in the order in which they joined.
    #[must_use]
    pub fn members(&self) -> Arc<[ActorRef<M>]> {
        self.inner.board.read(|roster| Arc::clone(&roster.members))
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.board.read(|roster| roster.members.len())
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `listener` with every present member, and with every change from
    /// now on, until what this returns is dropped. No change is missed in
    /// between, none is told twice, and all are told in order.
    ///
    /// It is called where the change is made, or where one before it is still
    /// being told: it should be quick. It may join and leave. If it panics, that
    /// goes no further. For an actor, see [`Context::watch_group`].
    pub fn watch(&self, listener: impl Fn(&GroupEvent<M>) + Send + Sync + 'static) -> ChangeSubscription {
        let joined = |roster: &Roster<M>| roster.members.iter().cloned().map(GroupEvent::Joined).collect();
        ChangeSubscription::new(&self.inner.board, listener, joined)
    }
}

impl<M: Send + 'static> Default for Group<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Clone for Group<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M: Send + 'static> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.inner.name).field("members", &self.members()).finish()
    }
}

impl System {
    /// The group with this name, whose members take messages of type `M`. It
    /// need not be made before: one without members is one that nobody has
    /// joined yet. Groups of other messages are other groups, whatever their
    /// names.
    #[must_use]
    pub fn group<M: Send + 'static>(&self, name: impl Into<Arc<str>>) -> Group<M> {
        let (name, message) = (name.into(), TypeId::of::<M>());
        let groups = &self.roots.groups;
        let mut listed = groups.listed.lock();
        let there = listed.get(&(message, Arc::clone(&name))).and_then(Weak::upgrade);
        if let Some(Ok(inner)) = there.map(Arc::downcast) {
            return Group { inner };
        }
        let group = Group::make(Arc::clone(&name), Some((Arc::downgrade(groups), message)));
        let group_inner: Arc<dyn Any + Send + Sync> = Arc::clone(&group.inner) as _;
        listed.insert((message, name), Arc::downgrade(&group_inner));
        group
    }
}

impl<A: Actor> Context<A> {
    /// Sends this actor a message for every present member of `group`, and for
    /// every change from now on, until what this returns is dropped: keep it in
    /// the actor, and it ends with the actor's life. No change is missed in
    /// between.
    ///
    /// The messages come past the mailbox's bound, ahead of what is queued.
    pub fn watch_group<M: Send + 'static>(
        &self,
        group: &Group<M>,
        message: impl Fn(GroupEvent<M>) -> A::Msg + Send + Sync + 'static,
    ) -> ChangeSubscription {
        let me = self.me();
        group.watch(move |event| {
            // A watcher that has gone itself need not know.
            let _ = me.post(message(event.clone()));
        })
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::mailbox::Push;
    use crate::system::{ManualExecutor, Nobody};

    #[test]
    fn a_group_that_nobody_needs_is_listed_no_longer() {
        let system = System::with_executor(ManualExecutor::new());
        let actor: ActorRef<()> = system.build::<Nobody>(|| unreachable!()).mailbox(Push::bounded(1)).spawn();
        let listed = || system.roots.groups.listed.lock().len();
        assert!(system.group("members").join(&actor));
        assert_eq!(listed(), 1, "it has a member");
        assert!(system.group("members").leave(&actor));
        assert_eq!(listed(), 0, "the member, which lives on, does not hold it");
        let held = system.group::<()>("held");
        assert_eq!(listed(), 1);
        drop(held);
        assert_eq!(listed(), 0);
    }
}

//! Siblings that are restarted together.
//!
//! Children of one parent share a [`Group`] when its [`Supervision`] is not
//! one for one. When one of them has failed and is to begin anew, those that
//! are affected end their lives, one after the other, the last first; then
//! they begin again, the first first, each when the one before has started.
//! Who is told to end, and who may begin, is decided here under one lock,
//! whenever one of them has got further; nobody drives it but they.
//!
//! ```text
//! Up --told--> Told --ended--> Down --its turn--> Starting --started--> Up
//! Up --failed--> Failed --ended, waited--> Down
//! Told --too late--> Late --ended--> Starting
//! ```
//!
//! A member that has been told and does not end, since its handler does not
//! return, holds the others up for [`PATIENCE`] and no longer: they go on, and
//! it begins anew when it gets there.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::restart::{Recent, Restart};
use crate::actor::bonds::Siblings;
use crate::actor::world::World;
use crate::actor::{ActorPath, Child};
use crate::mailbox::leash::{Cut, Leashed};
use crate::sync::shim::Mutex;

/// How long siblings wait for one of them to end.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Who begins anew when a child does: set on the parent, with
/// [`Spawn::supervision`](crate::Spawn::supervision).
///
/// It is about children that fail and are to be [restarted](Restart). A child
/// whose restart is [`never`](Restart::never) ends alone.
///
/// Those that begin anew with another are interrupted, if their handler
/// awaits: its message counts as
/// [`Interrupted`](crate::DropReason::Interrupted). What is queued stays. They
/// end in the reverse order of their start and begin in its order, each after
/// the one before has [started](crate::Actor::started). A sibling that cannot
/// begin anew, since it was given as a value or its restart is `never`, stops
/// for good. The restarts of all children are counted together, and held to
/// the limit of the one that fails.
///
/// A sibling that has not ended after 5 seconds is not waited for any longer;
/// children of its own are killed then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Supervision {
    /// The one that has failed.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// It, and those that were started after it.
    RestForOne,
}

/// Children of one life of a parent.
pub(crate) struct Group {
    strategy: Supervision,
    world: Arc<World>,
    me: Weak<Self>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    members: BTreeMap<u64, Member>,
    next: u64,
    recent: Recent,
    /// The parent ends: everybody is alone.
    disbanded: bool,
    /// Ends the wait for who is told.
    timer: Option<Arc<Cut>>,
}

struct Member {
    child: Arc<dyn Child>,
    phase: Phase,
    /// Is to end its life in this round, and has not been told.
    affected: bool,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Up,
    Told,
    Late,
    Failed,
    Down,
    Starting,
}

/// What to do once the lock is free: both wake, and a waker is foreign code.
#[derive(Default)]
struct Steps {
    told: Option<(u64, Arc<dyn Child>, Arc<Cut>)>,
    woken: Vec<Waker>,
    done: Option<Arc<Cut>>,
}

impl Group {
    /// `None` for one for one, which needs no group.
    pub(crate) fn new(strategy: Supervision, world: &Arc<World>) -> Option<Arc<Self>> {
        (strategy != Supervision::OneForOne).then(|| Self::of(strategy, Arc::clone(world)))
    }

    fn of(strategy: Supervision, world: Arc<World>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self { strategy, world, me: me.clone(), state: Mutex::new(State::default()) })
    }

    /// The group that the floor below keeps for a parent.
    pub(crate) fn find(siblings: Arc<dyn Siblings>) -> Option<Arc<Self>> {
        (siblings as Arc<dyn Any + Send + Sync>).downcast().ok()
    }

    /// Takes a child in, which is about to have its first life.
    pub(crate) fn admit(self: &Arc<Self>, child: Arc<dyn Child>) -> Membership {
        let mut state = self.state.lock();
        state.next += 1;
        let key = state.next;
        state.members.insert(key, Member { child, phase: Phase::Up, affected: false, waker: None });
        Membership { group: Arc::clone(self), key }
    }

    /// Changes the state, and does what follows from it.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut steps = Steps::default();
        {
            let mut state = self.state.lock();
            change(&mut state);
            state.advance(&mut steps);
        }
        if let Some(timer) = steps.done {
            timer.cut();
        }
        if let Some((key, child, timer)) = steps.told {
            self.be_patient(key, child.life().path.clone(), timer);
            child.renew();
        }
        steps.woken.into_iter().for_each(Waker::wake);
    }

    fn be_patient(&self, key: u64, path: ActorPath, timer: Arc<Cut>) {
        let (sleep, group) = (self.world.executor.sleep(PATIENCE), Weak::clone(&self.me));
        let mine = Arc::clone(&timer);
        let wait = async move {
            sleep.await;
            let Some(group) = group.upgrade() else { return };
            let mut late = false;
            group.change(|state| late = state.be_late(key, &mine));
            #[cfg(feature = "tracing")]
            if late {
                tracing::error!(actor = %path, "does not end: its siblings begin anew without waiting for it");
            }
            let _ = (late, path);
        };
        self.world.executor.spawn("tidegate-siblings", Box::pin(Leashed::new(wait, timer)));
    }
}

impl State {
    /// The next step of a round, if it is due.
    fn advance(&mut self, steps: &mut Steps) {
        if self.disbanded {
            steps.woken.extend(self.members.values_mut().filter_map(|member| member.waker.take()));
            steps.done = self.timer.take();
            return;
        }
        if self.any(Phase::Told) {
            return;
        }
        steps.done = self.timer.take();
        // The last that was started ends first.
        if let Some((key, member)) = self.members.iter_mut().rev().find(|(_, member)| member.affected) {
            member.affected = false;
            member.phase = Phase::Told;
            let timer = Cut::new();
            self.timer = Some(Arc::clone(&timer));
            steps.told = Some((*key, Arc::clone(&member.child), timer));
            return;
        }
        if self.any(Phase::Failed) || self.any(Phase::Starting) {
            return;
        }
        if let Some(member) = self.members.values_mut().find(|member| member.phase == Phase::Down) {
            member.phase = Phase::Starting;
            steps.woken.extend(member.waker.take());
        }
    }

    fn any(&self, phase: Phase) -> bool {
        self.members.values().any(|member| member.phase == phase)
    }

    fn fail(&mut self, key: u64, strategy: Supervision) {
        for (other, member) in &mut self.members {
            if *other == key {
                member.phase = Phase::Failed;
                member.affected = false;
            } else if matches!(member.phase, Phase::Up | Phase::Starting)
                && (strategy == Supervision::OneForAll || *other > key)
            {
                member.affected = true;
            }
        }
    }

    /// The others wait for it no longer. `false`: they do not wait.
    fn be_late(&mut self, key: u64, timer: &Arc<Cut>) -> bool {
        let present = self.timer.as_ref().is_some_and(|present| Arc::ptr_eq(present, timer));
        let member = self.members.get_mut(&key).filter(|member| present && member.phase == Phase::Told);
        member.map(|member| member.phase = Phase::Late).is_some()
    }
}

impl Siblings for Group {
    fn disband(&self) {
        self.change(|state| state.disbanded = true);
    }

    fn fresh(&self) -> Arc<dyn Siblings> {
        Self::of(self.strategy, Arc::clone(&self.world))
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("strategy", &self.strategy).finish_non_exhaustive()
    }
}

/// A child's place in its group, until it ends.
#[derive(Debug)]
pub(crate) struct Membership {
    group: Arc<Group>,
    key: u64,
}

impl Membership {
    /// Restarts are counted for as long as `terms` ask.
    pub(super) fn remember_for(&self, terms: &Restart) {
        self.group.state.lock().recent.remember_for(terms);
    }

    /// Whether there may be another restart among all siblings; counts it.
    pub(super) fn allow(&self, terms: &Restart, now: Duration) -> bool {
        self.group.state.lock().recent.allow(terms, now)
    }

    /// This one has failed, and is to begin anew.
    pub(super) fn fail(&self) {
        self.group.change(|state| state.fail(self.key, self.group.strategy));
    }

    /// Whether the others wait for the end of its life.
    pub(super) fn is_told(&self) -> bool {
        let state = self.group.state.lock();
        state.members.get(&self.key).is_some_and(|member| member.phase == Phase::Told)
    }

    /// Begins another life, whoever's turn it is.
    pub(super) fn go_alone(&self) {
        self.group.change(|state| {
            if let Some(member) = state.members.get_mut(&self.key)
                && member.phase != Phase::Up
            {
                member.phase = Phase::Starting;
            }
        });
    }

    /// Its life has ended: waits for its turn to begin another.
    pub(super) fn poll_turn(&self, waker: &Waker) -> Poll<()> {
        let (mut turn, mut old) = (Poll::Ready(()), None);
        self.group.change(|state| {
            let disbanded = state.disbanded;
            let Some(member) = state.members.get_mut(&self.key) else { return };
            member.phase = match member.phase {
                // It has not to do with a round, or it is its turn.
                Phase::Up | Phase::Starting => return,
                Phase::Late => Phase::Starting,
                Phase::Told | Phase::Failed | Phase::Down => Phase::Down,
            };
            if member.phase == Phase::Down && !disbanded {
                // Woken when it is its turn, which may be what follows at once.
                old = member.waker.replace(waker.clone());
                turn = Poll::Pending;
            }
        });
        drop(old);
        turn
    }

    /// A life has started.
    pub(super) fn up(&self) {
        self.group.change(|state| {
            if let Some(member) = state.members.get_mut(&self.key)
                && member.phase == Phase::Starting
            {
                member.phase = Phase::Up;
            }
        });
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut gone = None;
        self.group.change(|state| gone = state.members.remove(&self.key));
        drop(gone);
    }
}

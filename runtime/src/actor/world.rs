//! What all actors of a system share.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::context::Child;
use super::executor::Executor;
use super::lifecycle::{ActorId, Life, StopReason};
use super::panic::hear_panics;
use super::waits::{Deadlocks, Waits};
use crate::mailbox::DeadLetters;
use crate::mailbox::leash::{Cut, Leashed};
use crate::sync::access::{self, Access};
use crate::sync::counter::{Counter, Flag};
use crate::sync::shim::Mutex;

/// What a system is set to, for all its actors.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// After how long without a message a mailbox gives its storage back.
    pub(crate) idle_after: Duration,
    pub(crate) deadlocks: Deadlocks,
    /// After how long a wait is told of.
    pub(crate) long_waits: Duration,
    /// How often gauges are recorded.
    #[cfg(feature = "metrics")]
    pub(crate) record_every: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idle_after: Duration::from_secs(1),
            deadlocks: Deadlocks::default(),
            long_waits: Duration::from_secs(5),
            #[cfg(feature = "metrics")]
            record_every: None,
        }
    }
}

/// Executor, dead letters, everybody who lives, and the mailboxes to look after.
pub(crate) struct World {
    /// Runs all actors that name no other, and is the clock of all of them.
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) dead: DeadLetters,
    /// No more actors are started.
    pub(crate) closing: Flag,
    pub(crate) settings: Settings,
    pub(crate) waits: Waits,
    /// Everybody who lives, in the order of their births: parents before
    /// children.
    actors: Mutex<BTreeMap<ActorId, Arc<dyn Child>>>,
    idle: Mutex<Idle>,
    /// Metrics by label, while there are actors of it.
    #[cfg(feature = "metrics")]
    pub(super) meters: super::metering::Meters,
    /// Ends the sweep.
    swept: Arc<Cut>,
    /// The floor above keeps the root of the tree here.
    roots: OnceLock<Arc<dyn Tree>>,
}

/// The root of a system's tree, which the floor above keeps.
pub(crate) trait Tree: Any + Send + Sync {
    /// An actor has ended: if it hung on the root, it does no more.
    fn forget(&self, id: ActorId);
}

struct Idle {
    sweeping: bool,
    mailboxes: Vec<Box<dyn Idler>>,
}

/// A mailbox with slot storage, as the sweep sees it.
pub(crate) trait Idler: Send {
    /// How often its receiver has been polled: unchanged means idle.
    fn polls(&self) -> u64;
    /// The count at the last sweep.
    fn last_seen(&mut self) -> &mut u64;
    /// Tells it to give its storage back.
    fn retire(&self);
    fn life(&self) -> &Life;
}

impl World {
    pub(crate) fn new(executor: Arc<dyn Executor>, settings: Settings) -> Arc<Self> {
        hear_panics();
        Arc::new(Self {
            executor,
            dead: DeadLetters::new(),
            closing: Flag::new(),
            waits: Waits::new(settings.deadlocks, settings.long_waits),
            settings,
            actors: Mutex::new(BTreeMap::new()),
            idle: Mutex::new(Idle { sweeping: false, mailboxes: Vec::new() }),
            #[cfg(feature = "metrics")]
            meters: super::metering::Meters::new(),
            swept: Cut::new(),
            roots: OnceLock::new(),
        })
    }

    /// Takes an actor into the list of those who live, until it ends.
    pub(crate) fn enrol(&self, actor: Arc<dyn Child>) {
        #[cfg(feature = "metrics")]
        if let Some(observed) = actor.observed() {
            observed.meter.actors.increment(1.0);
        }
        self.actors.lock_to(Access::Update).insert(actor.life().id, actor);
    }

    /// The actor of this number, if it lives.
    pub(crate) fn actor(&self, id: ActorId) -> Option<Arc<dyn Child>> {
        self.actors.lock_to(Access::Read).get(&id).cloned()
    }

    /// Everybody who lives at the moment, oldest first.
    pub(crate) fn actors(&self) -> Vec<Arc<dyn Child>> {
        self.actors.lock_to(Access::Read).values().cloned().collect()
    }

    /// An actor has ended.
    pub(crate) fn forget(&self, id: ActorId, reason: &StopReason) {
        // Dropped when the lock is free: messages may go with it.
        let actor = self.actors.lock_to(Access::Update).remove(&id);
        #[cfg(feature = "metrics")]
        if let Some(observed) = actor.as_ref().and_then(|actor| actor.observed()) {
            observed.meter.ended(reason.name());
        }
        let _ = reason;
        drop(actor);
        if let Some(roots) = self.roots.get() {
            roots.forget(id);
        }
    }

    pub(crate) fn set_roots(&self, roots: Arc<dyn Tree>) {
        let _ = self.roots.set(roots);
    }

    pub(crate) fn roots(&self) -> Arc<dyn Tree> {
        match self.roots.get() {
            Some(roots) => Arc::clone(roots),
            None => unreachable!("a world belongs to a system"),
        }
    }

    /// A number no other actor of this process has; explored, one that the same
    /// actor has in every order.
    pub(crate) fn next_id() -> ActorId {
        if let Some(id) = access::new_actor() {
            return ActorId(id);
        }
        static IDS: OnceLock<Counter> = OnceLock::new();
        ActorId(IDS.get_or_init(Counter::new).next())
    }

    /// A mailbox has got storage: once it is idle, it is to give it back. One
    /// task looks after all such mailboxes, and only while there are any, so
    /// that a quiet system has no timer.
    pub(crate) fn look_after(self: &Arc<Self>, mailbox: Box<dyn Idler>) {
        if self.settings.idle_after == Duration::MAX {
            return;
        }
        let start = {
            let mut idle = self.idle.lock();
            idle.mailboxes.push(mailbox);
            !std::mem::replace(&mut idle.sweeping, true)
        };
        if start {
            let world = Arc::clone(self);
            let sweep = Leashed::new(sweep(Sweeping { world, over: false }), Arc::clone(&self.swept));
            self.executor.spawn("tidegate-sweep", Box::pin(sweep));
        }
    }

    /// Everybody has ended: nothing of the system is left on its executor.
    pub(crate) fn end_sweep(&self) {
        self.swept.cut();
    }
}

/// Lets go of the mailboxes when the sweep is cut short, or dropped with its
/// executor: they hold their world, which holds them.
struct Sweeping {
    world: Arc<World>,
    /// It has come to its end by itself.
    over: bool,
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        if !self.over {
            let left = {
                let mut idle = self.world.idle.lock();
                idle.sweeping = false;
                std::mem::take(&mut idle.mailboxes)
            };
            drop(left);
        }
    }
}

async fn sweep(mut sweeping: Sweeping) {
    let world = Arc::clone(&sweeping.world);
    loop {
        world.executor.sleep(world.settings.idle_after).await;
        let mut mailboxes = std::mem::take(&mut world.idle.lock().mailboxes);
        mailboxes.retain_mut(|mailbox| {
            if mailbox.life().ended().is_some() {
                return false;
            }
            let polls = mailbox.polls();
            if std::mem::replace(mailbox.last_seen(), polls) != polls {
                return true;
            }
            mailbox.retire();
            false
        });
        let mut idle = world.idle.lock();
        idle.mailboxes.append(&mut mailboxes);
        if idle.mailboxes.is_empty() {
            idle.mailboxes = Vec::new();
            idle.sweeping = false;
            sweeping.over = true;
            return;
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

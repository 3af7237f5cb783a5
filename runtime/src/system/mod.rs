//! Floor 5: systems of actors, and what they run on.

mod blocking;
mod board;
mod builder;
mod explain;
mod flows;
mod groups;
mod inspect;
#[cfg(any(feature = "thread", feature = "actix"))]
mod local;
mod manual;
mod names;
mod phase;
mod place;
mod report;
mod shutdown;
#[cfg(feature = "signal")]
mod signal;
mod spawn;
#[cfg(feature = "thread")]
mod thread;
#[cfg(feature = "tokio")]
mod tokio;
#[cfg(feature = "tracing")]
mod traced;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::blocking::block_on;
pub use self::board::ChangeSubscription;
pub use self::builder::SystemBuilder;
pub use self::explain::Explanation;
pub use self::flows::FlowInspection;
pub(crate) use self::flows::FlowProbe;
pub use self::groups::{Group, GroupEvent};
pub use self::inspect::{ActorInspection, Inspection};
#[cfg(any(feature = "thread", feature = "actix"))]
pub use self::local::{Local, LocalActor, LocalExecutor};
pub use self::manual::ManualExecutor;
pub use self::names::{LookupError, NameEvent, NameTaken, Named, Registration};
pub use self::phase::{Phase, Shutdown};
pub use self::report::{LateActor, PhaseReport, ShutdownReport};
pub use self::spawn::{Nobody, Spawn, StartError};
#[cfg(feature = "thread")]
pub use self::thread::ThreadExecutor;
#[cfg(feature = "tokio")]
pub use self::tokio::TokioExecutor;

use self::flows::Flows;
use self::groups::Groups;
use self::names::{Book, Names};
pub(crate) use self::spawn::Parent;
use crate::actor::world::{Tree, World};
use crate::actor::{Actor, ActorId, ActorRef, Child, Deadline, Executor, Fault, Life};
use crate::mailbox::{DeadLetters, Mailbox};
use crate::supervision::Lives;
use crate::sync::access::Access;
use crate::sync::counter::Flag;
use crate::sync::shim::Mutex;

/// A system of actors: their executor, their dead letters, and the root of
/// their tree. Cheap to clone; all clones are the same system.
///
/// Dropping it stops nothing: actors live until they stop or the system is
/// [shut down](Self::shutdown).
#[derive(Clone)]
pub struct System {
    world: Arc<World>,
    roots: Arc<Roots>,
}

/// The actors that the system itself owns, and where all are found.
struct Roots {
    actors: Mutex<BTreeMap<ActorId, Root>>,
    /// A shutdown has begun.
    closed: Flag,
    names: Arc<Names>,
    groups: Arc<Groups>,
    flows: Flows,
}

/// An actor that the system owns, and the phase in which it is shut down.
struct Root {
    phase: Phase,
    actor: Arc<dyn Child>,
}

impl Roots {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            actors: Mutex::new(BTreeMap::new()),
            closed: Flag::new(),
            names: Arc::new(Names::new(Book::default())),
            groups: Arc::default(),
            flows: Flows::default(),
        })
    }
}

impl System {
    /// A system on tokio: on the runtime in whose context this is called or,
    /// if there is none, on the one in whose context each actor is spawned.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn new() -> Self {
        Self::with_executor(TokioExecutor::new())
    }

    /// A system on an executor of your choice.
    #[must_use]
    pub fn with_executor(executor: impl Executor) -> Self {
        SystemBuilder::default().build_on(executor)
    }

    /// Begins to make a system with settings of its own.
    pub fn builder() -> SystemBuilder {
        SystemBuilder::default()
    }

    /// The system that a context belongs to.
    pub(crate) fn of(world: &Arc<World>) -> Self {
        let Ok(roots) = (world.roots() as Arc<dyn Any + Send + Sync>).downcast::<Roots>() else {
            unreachable!("roots are set by the system")
        };
        Self { world: Arc::clone(world), roots }
    }

    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Spawns an actor. To name it, or have it begun anew after a failure, see
    /// [`build`](Self::build).
    ///
    /// # Panics
    /// On tokio, if there is no runtime.
    pub fn spawn<A: Actor>(&self, actor: A, mailbox: impl Into<Mailbox<A::Msg>>) -> ActorRef<A::Msg> {
        Spawn::<A>::new(Parent::System(self), Lives::once(actor)).mailbox(mailbox).spawn()
    }

    /// Begins to spawn an actor from a factory, which can be begun anew.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::prelude::*;
    /// # #[derive(Default)] struct Index; impl Actor for Index { type Msg = u64;
    /// # async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let index = System::new()
    ///     .build(Index::default)
    ///     .named("index")
    ///     .mailbox(Pull::window(64))
    ///     .restart(Restart::on_failure().limit(3, Duration::from_secs(10)))
    ///     .spawn();
    /// assert_eq!(index.path().as_str(), "/index");
    /// # }
    /// ```
    pub fn build<A: Actor>(&self, make: impl FnMut() -> A + Send + 'static) -> Spawn<'_, A> {
        Spawn::new(Parent::System(self), Lives::from(make))
    }

    /// As [`build`](Self::build), from a factory that can fail, which is a
    /// failure of the life that was to begin. To hear of it, see
    /// [`Spawn::start`].
    pub fn try_build<A: Actor>(&self, make: impl FnMut() -> Result<A, Fault> + Send + 'static) -> Spawn<'_, A> {
        Spawn::new(Parent::System(self), Lives::try_from(make))
    }

    /// The sink of all messages that no handler will see.
    #[must_use]
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.world.dead
    }

    /// A deadline `limit` from now, on the system's clock.
    #[must_use]
    pub fn deadline(&self, limit: Duration) -> Deadline {
        Deadline::new(limit, &self.world)
    }

    /// How many actors the system itself owns; children are their parents'.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roots.actors.lock_to(Access::Read).len()
    }

    /// Whether the system owns no actor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the turn of an actor comes: its own, or that of whose child it is.
    /// `None` if it is none of this system's.
    pub(crate) fn phase_of(&self, life: &Life) -> Option<Phase> {
        let mut root = (life.id, life.parent());
        while let (_, Some(above)) = root {
            root = (above, self.world.actor(above)?.life().parent());
        }
        self.roots.actors.lock_to(Access::Read).get(&root.0).map(|root| root.phase)
    }

    /// Takes an actor into the tree, until it ends. `false`: a shutdown has
    /// begun, and may have told everybody in the tree already.
    fn enrol(&self, actor: &Arc<dyn Child>, phase: Phase) -> bool {
        // Looked at under the lock under which a shutdown begins.
        let mut actors = self.roots.actors.lock_to(Access::Update);
        let open = !self.roots.closed.is_raised();
        if open {
            actors.insert(actor.life().id, Root { phase, actor: Arc::clone(actor) });
        }
        open
    }
}

impl Tree for Roots {
    fn forget(&self, id: ActorId) {
        let actor = self.actors.lock_to(Access::Update).remove(&id);
        drop(actor);
    }
}

#[cfg(feature = "tokio")]
impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").field("actors", &self.len()).finish_non_exhaustive()
    }
}

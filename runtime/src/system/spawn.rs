//! Bringing actors to life.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use super::place::Place;
use super::{Phase, System};
use crate::actor::bonds::Upward;
use crate::actor::cell::Cell;
use crate::actor::panic::contained;
use crate::actor::world::World;
use crate::actor::{Actor, ActorPath, ActorRef, Child, Context, Executor, Fault, Life, Reply, StopReason};
use crate::mailbox::{Mailbox, open};
use crate::supervision::{Group, Lives, Restart, Supervision, in_the_name_of, supervise};
use crate::sync::access;

/// Where a new actor belongs.
pub(crate) enum Parent<'a, A: Actor> {
    System(&'a System),
    Actor(&'a mut Context<A>),
}

/// Everything about an actor to be.
#[must_use = "an actor is spawned by `spawn`"]
pub struct Spawn<'a, A: Actor, P: Actor = Nobody> {
    parent: Parent<'a, P>,
    lives: Lives<A>,
    name: Option<String>,
    mailbox: Mailbox<A::Msg>,
    budget: Option<usize>,
    place: Place,
    /// The name by which it is to be found.
    known_as: Option<Arc<str>>,
    phase: Phase,
    supervision: Supervision,
}

/// Why an actor did not start; see [`Spawn::start`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartError {
    /// Where it was to be.
    pub path: ActorPath,
    /// Why it has ended.
    pub reason: StopReason,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not start: {:#}", self.path, self.reason)
    }
}

impl std::error::Error for StartError {}

/// The parent of actors that the system itself owns.
#[derive(Debug)]
#[non_exhaustive]
pub enum Nobody {}

impl Actor for Nobody {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        match *self {}
    }
}

impl<'a, A: Actor, P: Actor> Spawn<'a, A, P> {
    pub(crate) fn new(parent: Parent<'a, P>, lives: Lives<A>) -> Self {
        Self {
            parent,
            lives,
            name: None,
            mailbox: Mailbox::default(),
            budget: None,
            place: Place::Usual,
            known_as: None,
            phase: Phase::WORK,
            supervision: Supervision::OneForOne,
        }
    }

    /// A name for its path, and for people. Without one it is its number.
    /// Names in paths need not be unique: an actor is not found by its path, see
    /// [`registered`](Self::registered).
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A name by which it is [found](System::lookup), from before its first
    /// message until it ends. A restart keeps it.
    ///
    /// If a living actor has the name, this one does not start: the reference
    /// that [`spawn`](Self::spawn) returns is that of an actor which has ended,
    /// with [`StopReason::NameTaken`].
    pub fn registered(mut self, name: impl Into<Arc<str>>) -> Self {
        self.known_as = Some(name.into());
        self
    }

    /// How messages are delivered to it. The default is
    /// [`Push::bounded(1024)`](crate::Push::bounded).
    pub fn mailbox(mut self, mailbox: impl Into<Mailbox<A::Msg>>) -> Self {
        self.mailbox = mailbox.into();
        self
    }

    /// How often it is begun anew after a failure. The default is never. An
    /// actor given as a value, not as a factory, cannot be begun anew.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.lives.limit(restart);
        self
    }

    /// Which of its children begin anew when one of them does. The default is
    /// [`Supervision::OneForOne`].
    pub fn supervision(mut self, supervision: Supervision) -> Self {
        self.supervision = supervision;
        self
    }

    /// How many messages it handles at most before it lets other tasks run.
    /// The default is 512, and 1 on a thread of its own; at least 1.
    ///
    /// That is also when senders see at the latest how far it came, so that a
    /// mailbox may look fuller than it is while handlers compute or block.
    pub fn budget(mut self, messages: usize) -> Self {
        self.budget = Some(messages.max(1));
        self
    }

    /// When its turn comes as the system is
    /// [shut down](System::shutdown_in_phases). The default is
    /// [`Phase::WORK`]. Of no effect for a child: it ends when its parent does.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// What runs it, instead of what runs its system: an executor that has a
    /// thread for what blocks, an arbiter, another runtime. Delivery is the same
    /// everywhere.
    ///
    /// The [tasks](Context::spawn) of the actor run there too. Its clock stays
    /// the system's, so that the times of two actors can be compared. Its
    /// children run where the system does, unless they say otherwise: a parent
    /// that blocks its thread blocks none of them.
    ///
    /// ```
    /// use tidegate::prelude::*;
    /// use tidegate::ManualExecutor;
    /// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
    /// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
    /// let (usual, other) = (ManualExecutor::new(), ManualExecutor::new());
    /// let system = System::with_executor(usual.clone());
    /// let sum = system.build(|| Sum(0)).on(other.clone()).spawn();
    /// sum.try_tell(1).unwrap();
    /// usual.run_until_idle();
    /// assert_eq!(sum.stats().handled, 0);
    /// other.run_until_idle();
    /// assert_eq!(sum.stats().handled, 1);
    /// ```
    ///
    /// # Panics
    /// If the actor is [bound to a thread](System::build_local) already.
    pub fn on(mut self, executor: impl Executor) -> Self {
        self.move_to(Place::Executor(Arc::new(executor)));
        self
    }

    /// A thread of its own, named after its path: for an actor whose handlers
    /// block or compute for long. The thread ends with the actor. After each
    /// message senders see how far it came. To share a thread,
    /// see [`on`](Self::on) and [`ThreadExecutor`](crate::ThreadExecutor).
    ///
    /// # Panics
    /// If the actor is [bound to a thread](System::build_local) already; at
    /// [`spawn`](Self::spawn), if the operating system has no thread to give.
    #[cfg(feature = "thread")]
    pub fn on_thread(mut self) -> Self {
        self.move_to(Place::Thread);
        self
    }

    /// The only executor that may run it.
    #[cfg(any(feature = "thread", feature = "actix"))]
    pub(super) fn bound_to(mut self, executor: impl Executor) -> Self {
        self.place = Place::Bound(Arc::new(executor));
        self
    }

    fn move_to(&mut self, place: Place) {
        #[cfg(any(feature = "thread", feature = "actix"))]
        assert!(!matches!(self.place, Place::Bound(_)), "an actor that is bound to a thread cannot run elsewhere");
        self.place = place;
    }

    /// Starts the actor. It takes messages at once; they are handled once its
    /// `started` hook has run.
    ///
    /// While its system is shutting down no actor starts: the reference that
    /// is returned is that of an actor which has ended, with
    /// [`StopReason::Refused`].
    pub fn spawn(self) -> ActorRef<A::Msg> {
        self.spawn_with(|_| {})
    }

    /// Starts the actor, and waits until its `started` hook has run, or has
    /// failed. It is spawned at once, not when this is awaited.
    ///
    /// A first life that does not start is the caller's business: it is not
    /// restarted, and the parent does not fail with it. Lives that follow are
    /// under the [`Restart`] as always.
    ///
    /// # Errors
    /// [`StartError`], with the reason: the factory or the hook failed or
    /// panicked, or the actor was ended meanwhile. The actor has gone then, and
    /// what had been sent to it is in the dead letters.
    /// # Cancel safety
    /// Dropped, it leaves the actor to itself: it starts, or ends.
    /// # Examples
    /// ```
    /// use tidegate::prelude::*;
    /// struct Port(std::net::TcpListener);
    /// impl Actor for Port {
    ///     type Msg = ();
    ///     async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> { Ok(()) }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// let first = system.try_build(|| Ok(Port(std::net::TcpListener::bind("127.0.0.1:0")?))).start().await;
    /// assert!(first.is_ok());
    /// let second = system.try_build(|| Ok(Port(std::net::TcpListener::bind("no address")?))).start().await;
    /// assert!(matches!(second.unwrap_err().reason, StopReason::Failed(_)));
    /// # }
    /// ```
    pub fn start(mut self) -> impl Future<Output = Result<ActorRef<A::Msg>, StartError>> + Send + use<A, P> {
        let (reply, opened) = Reply::channel_within();
        self.lives.announce(reply);
        let actor = self.spawn();
        async move {
            if opened.await.is_some() {
                return Ok(actor);
            }
            let reason = actor.stopped().await;
            Err(StartError { path: actor.path().clone(), reason })
        }
    }

    /// Starts the actor; `prepare` has its context before anything runs, and
    /// is not called if the actor does not start.
    pub(crate) fn spawn_with(self, prepare: impl FnOnce(&mut Context<A>)) -> ActorRef<A::Msg> {
        let Self { parent, mut lives, name, mailbox, budget, place, known_as, phase, supervision } = self;
        let (world, above, whose) = match &parent {
            Parent::System(system) => (Arc::clone(system.world()), "", None),
            Parent::Actor(cx) => (Arc::clone(cx.world()), cx.path().as_str(), Some(cx.life().id)),
        };
        let id = World::next_id();
        let path: Arc<str> = match name {
            Some(name) => format!("{above}/{name}").into(),
            None => format!("{above}/{}", id.as_name()).into(),
        };
        let life = Life::new(id, ActorPath(Arc::clone(&path)), whose, Arc::clone(&world));
        // Before it is known to anybody: what follows may panic.
        let farewell = Farewell { life: Arc::clone(&life) };
        let (sender, receiver) = open(&mailbox, world.dead.clone(), Arc::clone(&path));
        #[cfg(feature = "metrics")]
        let receiver = {
            let mut receiver = receiver;
            receiver.observe_with(world.observed(&path));
            receiver
        };
        let me = ActorRef::new(sender.clone(), Arc::clone(&life));
        // One for the parent or system, and for the list of all.
        let known: Arc<dyn Child> = Arc::new(me.clone());
        if let Some(name) = known_as {
            match System::of(&world).register(name, &me) {
                Ok(registration) => registration.until_stopped(),
                Err(taken) => {
                    drop(receiver);
                    life.end(StopReason::NameTaken(taken.name));
                    return me;
                }
            }
        }
        let accepted = match &parent {
            Parent::System(system) => system.enrol(&known, phase),
            Parent::Actor(_) => !world.closing.is_raised(),
        };
        if !accepted {
            drop(receiver);
            life.end(StopReason::Refused);
            return me;
        }
        let usual_budget = place.budget();
        let executor = place.executor(&path);
        let mut cx = Context::new(sender, Arc::clone(&life));
        if let Some(executor) = &executor {
            world.executor.note_context();
            cx.set_executor(Arc::clone(executor));
        }
        prepare(&mut cx);
        if let Some(group) = Group::new(supervision, &world) {
            cx.set_siblings(group);
        }
        // Explored, each message is a step of its own.
        let budget = if access::is_exploring() { 1 } else { budget.unwrap_or(usual_budget) };
        let cell = Cell::new(receiver, cx, budget);
        if let Parent::Actor(parent) = parent {
            lives.answer_to(|| Upward::to(parent));
            if let Some(group) = parent.siblings().and_then(Group::find) {
                lives.join(group.admit(Arc::clone(&known)));
            }
            parent.adopt(Arc::clone(&known));
        }
        let run = run(cell, lives, farewell);
        // From here on its task sees to it that it is forgotten.
        world.enrol(known);
        #[cfg(feature = "metrics")]
        world.keep_recording();
        #[cfg(feature = "tracing")]
        let run = super::traced::traced(tracing::info_span!("actor", actor = %path), run);
        executor.as_ref().unwrap_or(&world.executor).spawn(&path, Box::pin(run));
        me
    }
}

impl System {
    /// A reference with a mailbox behind it and no actor: whoever holds the
    /// receiver is one. Not in the tree, so it outlives a shutdown.
    pub(crate) fn by_hand<M: Send + 'static>(
        &self,
        name: &str,
        mailbox: &Mailbox<M>,
    ) -> (ActorRef<M>, crate::mailbox::Receiver<M>) {
        let path: Arc<str> = format!("/{name}").into();
        let life = Life::new(World::next_id(), ActorPath(Arc::clone(&path)), None, Arc::clone(self.world()));
        let (sender, receiver) = open(mailbox, self.world().dead.clone(), path);
        (ActorRef::new(sender, life), receiver)
    }
}

/// Runs an actor to its end.
///
/// A block that captures, and not an `async fn`: that would keep each argument
/// twice.
#[allow(clippy::manual_async_fn)]
fn run<A: Actor>(
    mut cell: Cell<A>,
    mut lives: Lives<A>,
    farewell: Farewell,
) -> impl Future<Output = ()> + Send + 'static {
    async move {
        let reason = {
            let lived = pin!(supervise(&mut lives, &mut cell));
            in_the_name_of(&farewell.life, lived).await
        };
        // What the actor held is dropped, and what is left in the mailbox is
        // accounted for, before anybody hears that the actor has ended.
        lives.end();
        // Messages are user code too: their panics change nothing.
        drop(contained(|| drop(cell)));
        lives.leave();
        farewell.life.end(reason.clone());
        lives.give_up(|| farewell.life.news(reason));
    }
}

/// Tells the world that an actor has ended, also when its task is dropped.
struct Farewell {
    life: Arc<Life>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        // Without effect if the end was told already.
        self.life.end(StopReason::Abandoned);
    }
}

impl<A: Actor, P: Actor> fmt::Debug for Spawn<'_, A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawn").field("name", &self.name).field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

impl<A: Actor> Context<A> {
    /// Spawns a child: it ends before this actor does, and with a restart.
    pub fn spawn_child<B: Actor>(&mut self, child: B, mailbox: impl Into<Mailbox<B::Msg>>) -> ActorRef<B::Msg> {
        Spawn::new(Parent::Actor(self), Lives::once(child)).mailbox(mailbox).spawn()
    }

    /// Begins to spawn a child from a factory, which can be begun anew.
    pub fn build_child<B: Actor>(&mut self, make: impl FnMut() -> B + Send + 'static) -> Spawn<'_, B, A> {
        Spawn::new(Parent::Actor(self), Lives::from(make))
    }

    /// As [`build_child`](Self::build_child), from a factory that can fail,
    /// which is a failure of the life that was to begin.
    pub fn try_build_child<B: Actor>(
        &mut self,
        make: impl FnMut() -> Result<B, Fault> + Send + 'static,
    ) -> Spawn<'_, B, A> {
        Spawn::new(Parent::Actor(self), Lives::try_from(make))
    }

    /// The system this actor runs in.
    #[must_use]
    pub fn system(&self) -> System {
        System::of(self.world())
    }
}

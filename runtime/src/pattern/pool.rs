//! Pools: workers of one kind, and a router over them.
//!
//! The workers are children of one actor, the pool, so they end with it and
//! are restarted under its care; senders do not go through it. A worker that
//! is restarted keeps its mailbox and its place. One that ends for good leaves,
//! and the pool goes on with the others: [`Pool::resize`] makes up for it.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use super::router::{RouteAskError, RouteError, Router, Routing};
use crate::actor::{Actor, ActorPath, ActorRef, Context, Fault, Reply, StopReason, Stopped};
use crate::mailbox::{Admission, Closed, Mailbox, Push};
use crate::supervision::{Lives, Restart};
use crate::sync::access;
use crate::sync::shim::Mutex;
use crate::system::{Group, Nobody, Parent, Phase, Spawn, System};

/// Workers made by one factory, to whom messages are routed. Cheap to clone;
/// dropping it stops nothing.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::pattern::Routing;
/// struct Resizer;
/// impl Actor for Resizer {
///     type Msg = Reply<u32>;
///     async fn handle(&mut self, reply: Reply<u32>, _: &mut Context<Self>) -> Result<(), Fault> {
///         let _ = reply.send(100);
///         Ok(())
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = System::new()
///     .pool(4, || Resizer)
///     .routing(Routing::least_loaded())
///     .mailbox(Push::bounded(16))
///     .spawn();
/// assert_eq!(pool.ask(|reply| reply).await.unwrap(), 100);
/// pool.resize(8).await.unwrap();
/// assert_eq!(pool.len(), 8);
/// # }
/// ```
pub struct Pool<M> {
    head: ActorRef<Resize>,
    workers: Group<M>,
    router: Router<M>,
}

/// Everything about a pool to be.
#[must_use = "a pool is made by `spawn`"]
pub struct PoolBuilder<'a, W: Actor, P: Actor = Nobody> {
    parent: Parent<'a, P>,
    name: Option<String>,
    phase: Phase,
    routing: Routing<W::Msg>,
    plan: Plan<W>,
}

/// How workers are made, and which there are.
struct Plan<W: Actor> {
    factory: Arc<dyn Fn() -> W + Send + Sync>,
    mailbox: Mailbox<W::Msg>,
    restart: Restart,
    workers: Group<W::Msg>,
    staff: Mutex<Staff<W::Msg>>,
}

struct Staff<M> {
    /// How many there are to be.
    size: usize,
    /// In the order in which they came.
    here: Vec<ActorRef<M>>,
    /// How many there have been.
    hired: u64,
    /// The pool has begun to run.
    begun: bool,
}

/// The actor that the workers are children of.
struct Head<W: Actor> {
    plan: Arc<Plan<W>>,
}

/// How many workers there are to be from now on.
struct Resize {
    size: usize,
    done: Reply<()>,
}

impl<W: Actor> Plan<W> {
    /// Brings the workers to their number.
    fn fill(&self, cx: &mut Context<Head<W>>) {
        while self.change_one(cx) {}
    }

    /// The same. Explored, each that comes or goes is a step.
    async fn fill_in_steps(&self, cx: &mut Context<Head<W>>) {
        loop {
            poll_fn(access::pass).await;
            if !self.change_one(cx) {
                return;
            }
        }
    }

    /// One more, or one fewer, if there is another number of them than there is to be.
    fn change_one(&self, cx: &mut Context<Head<W>>) -> bool {
        // The lock of the pool's own task: no worker and no sender takes it.
        let mut staff = self.staff.lock();
        staff.here.retain(|worker| !worker.is_closed());
        if staff.here.len() > staff.size {
            // Whom the router chose before may still get a message: it is
            // handled, or comes back as from one that has gone.
            if let Some(worker) = staff.here.pop() {
                self.workers.leave(&worker);
                worker.drain();
            }
            return true;
        }
        if staff.here.len() < staff.size {
            let factory = Arc::clone(&self.factory);
            let worker = cx
                .build_child(move || factory())
                .named(staff.hired.to_string())
                .mailbox(self.mailbox.clone())
                .restart(self.restart)
                .spawn();
            staff.hired += 1;
            if worker.is_closed() {
                // The system shuts down.
                return false;
            }
            self.workers.join(&worker);
            staff.here.push(worker);
            return true;
        }
        false
    }
}

impl<W: Actor> Actor for Head<W> {
    type Msg = Resize;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        // The first time they are there since before the pool was.
        let again = std::mem::replace(&mut self.plan.staff.lock().begun, true);
        if again {
            self.plan.fill_in_steps(cx).await;
        }
        Ok(())
    }

    async fn handle(&mut self, resize: Resize, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.plan.staff.lock().size = resize.size;
        self.plan.fill_in_steps(cx).await;
        let _ = resize.done.send(());
        Ok(())
    }
}

impl<'a, W: Actor, P: Actor> PoolBuilder<'a, W, P> {
    fn new(parent: Parent<'a, P>, size: usize, factory: Arc<dyn Fn() -> W + Send + Sync>) -> Self {
        let plan = Plan {
            factory,
            mailbox: Mailbox::default(),
            restart: Restart::on_failure(),
            workers: Group::new(),
            staff: Mutex::new(Staff { size, here: Vec::new(), hired: 0, begun: false }),
        };
        Self { parent, name: None, phase: Phase::WORK, routing: Routing::round_robin(), plan }
    }

    /// A name for its path, and for people; its workers are numbered below it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// When its turn comes as the system is
    /// [shut down](System::shutdown_in_phases), and with it that of its workers.
    /// The default is [`Phase::WORK`]. Of no effect for the pool of an actor.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Which worker gets a message. The default is in turn.
    pub fn routing(mut self, routing: Routing<W::Msg>) -> Self {
        self.routing = routing;
        self
    }

    /// How messages are delivered to each worker: the bound is that of one
    /// worker. The default is [`Push::bounded(1024)`](crate::Push::bounded).
    pub fn mailbox(mut self, mailbox: impl Into<Mailbox<W::Msg>>) -> Self {
        self.plan.mailbox = mailbox.into();
        self
    }

    /// When a worker is begun anew. The default is
    /// [`Restart::on_failure`](crate::Restart::on_failure). A worker over its
    /// limit ends the pool, unless the terms say that it only
    /// [stops](crate::OnLimit::Stop).
    pub fn restart(mut self, restart: Restart) -> Self {
        self.plan.restart = restart;
        self
    }

    /// Starts the pool and its workers, which take messages at once.
    pub fn spawn(self) -> Pool<W::Msg> {
        let Self { parent, name, phase, routing, plan } = self;
        let (workers, plan) = (plan.workers.clone(), Arc::new(plan));
        let its_plan = Arc::clone(&plan);
        let mut spawn = Spawn::new(parent, Lives::from(move || Head { plan: Arc::clone(&its_plan) }));
        if let Some(name) = name {
            spawn = spawn.named(name);
        }
        let head = spawn.phase(phase).mailbox(Push::bounded(8)).spawn_with(|cx| plan.fill(cx));
        Pool { head, router: Router::new(&workers, routing), workers }
    }
}

impl<M: Send + 'static> Pool<M> {
    /// Sends `message` to a worker; see [`Router::tell`].
    ///
    /// # Errors
    /// [`RouteError`], with the message.
    /// # Cancel safety
    /// As [`Router::tell`].
    pub async fn tell(&self, message: M) -> Result<Admission, RouteError<M>> {
        self.router.tell(message).await
    }

    /// Sends `message` to a worker without ever waiting; see
    /// [`Router::try_tell`].
    ///
    /// # Errors
    /// [`RouteError`], with the message.
    pub fn try_tell(&self, message: M) -> Result<Admission, RouteError<M>> {
        self.router.try_tell(message)
    }

    /// As [`tell`](Self::tell), waiting no longer than `limit`.
    ///
    /// # Errors
    /// [`RouteError`], with the message.
    /// # Cancel safety
    /// As [`Router::tell`].
    pub async fn tell_within(&self, limit: Duration, message: M) -> Result<Admission, RouteError<M>> {
        self.router.tell_within(limit, message).await
    }

    /// Asks a worker; see [`Router::ask`].
    ///
    /// # Errors
    /// [`RouteAskError`].
    /// # Cancel safety
    /// As [`Router::ask`].
    pub async fn ask<R>(&self, question: impl FnOnce(Reply<R>) -> M) -> Result<R, RouteAskError<M>> {
        self.router.ask(question).await
    }

    /// Asks a worker, waiting no longer than `limit`; see
    /// [`Router::ask_within`].
    ///
    /// # Errors
    /// [`RouteAskError`].
    pub async fn ask_within<R>(
        &self,
        limit: Duration,
        question: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, RouteAskError<M>> {
        self.router.ask_within(limit, question).await
    }

    /// Brings the pool to `size` workers. New ones take messages when this
    /// returns. Where there are too many, those that came last get no more
    /// messages, handle what they have accepted, and end; that is not waited
    /// for. Workers that have ended are replaced.
    ///
    /// # Errors
    /// [`Closed`] if the pool has ended.
    /// # Cancel safety
    /// Dropped, the change may still be made.
    pub async fn resize(&self, size: usize) -> Result<(), Closed> {
        self.head.ask(|done| Resize { size, done }).await.map_err(|_| Closed)
    }

    /// The workers at this moment, longest there first.
    #[must_use]
    pub fn workers(&self) -> Arc<[ActorRef<M>]> {
        self.workers.members()
    }

    /// How many workers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Whether there is no worker.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// The router over its workers: for whoever sends and does not care what is
    /// behind it.
    #[must_use]
    pub fn router(&self) -> &Router<M> {
        &self.router
    }

    /// The workers as a group, to hear of changes.
    #[must_use]
    pub fn group(&self) -> &Group<M> {
        &self.workers
    }

    /// Where the pool is in its system; the workers are below it.
    #[must_use]
    pub fn path(&self) -> &ActorPath {
        self.head.path()
    }

    /// Stops the workers after their present messages. What is queued goes to
    /// the dead letters.
    pub fn stop(&self) {
        self.head.stop();
    }

    /// Has the workers take no more messages, handle those they have accepted,
    /// and end.
    pub fn drain(&self) {
        self.head.drain();
    }

    /// Ends the workers now; see [`ActorRef::kill`].
    pub fn kill(&self) {
        self.head.kill();
    }

    /// Waits until the pool and all its workers have ended, and tells why.
    pub fn stopped(&self) -> Stopped {
        self.head.stopped()
    }

    /// Why the pool ended, if it has.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.head.stop_reason()
    }
}

impl System {
    /// Begins to make a pool of `size` workers, each made by `factory`.
    pub fn pool<W: Actor>(&self, size: usize, factory: impl Fn() -> W + Send + Sync + 'static) -> PoolBuilder<'_, W> {
        PoolBuilder::new(Parent::System(self), size, Arc::new(factory))
    }
}

impl<A: Actor> Context<A> {
    /// Begins to make a pool of `size` workers, each made by `factory`, that is
    /// a child of this actor.
    pub fn pool<W: Actor>(
        &mut self,
        size: usize,
        factory: impl Fn() -> W + Send + Sync + 'static,
    ) -> PoolBuilder<'_, W, A> {
        PoolBuilder::new(Parent::Actor(self), size, Arc::new(factory))
    }
}

impl<M> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self { head: self.head.clone(), workers: self.workers.clone(), router: self.router.clone() }
    }
}

impl<M: Send + 'static> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("path", self.path()).field("workers", &self.workers()).finish_non_exhaustive()
    }
}

impl<W: Actor, P: Actor> fmt::Debug for PoolBuilder<'_, W, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder").field("name", &self.name).field("routing", &self.routing).finish_non_exhaustive()
    }
}

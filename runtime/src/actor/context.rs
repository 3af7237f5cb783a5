//! What an actor sees of its world while it handles a message.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::bonds::{Siblings, Watches};
use super::executor::{BoxTask, Executor};
use super::lifecycle::Life;
use super::reference::{ActorRef, Halt, To};
use super::stash::Stash;
use super::timers::Named;
use super::world::World;
use super::{Actor, ActorPath};
use crate::mailbox::core::{Core, Signal};
use crate::mailbox::leash::{Cut, Leashed};
use crate::mailbox::{MailboxStats, Mode, Sender, Timing};
use crate::sync::access::Access;
use crate::sync::shim;

/// An actor's view of itself and its world.
///
/// Everything an actor needs of time, tasks and chance is here, and goes
/// through the system's [`Executor`](super::Executor): an actor that keeps to
/// it runs the same on every executor.
pub struct Context<A: Actor> {
    sender: Sender<A::Msg>,
    life: Arc<Life>,
    /// What runs this actor, if that is not what runs its system. Kept here and
    /// not in its `Life`, so that references to an actor that has ended hold no
    /// thread.
    executor: Option<Box<Arc<dyn Executor>>>,
    /// `None` for an actor that never had any.
    family: Option<Box<Family>>,
    /// `None` while nothing is put aside.
    pub(super) stash: Option<Box<Stash<A::Msg>>>,
    pub(crate) stopping: Option<Halt>,
    /// There is something to see to before the next message: one look for all
    /// that is rare. May be set without need.
    pub(crate) attention: bool,
}

/// What ends with an actor's life.
#[derive(Default)]
struct Family {
    children: Vec<Arc<dyn Child>>,
    tasks: Vec<Arc<Cut>>,
    named: Named,
    watches: Watches,
    siblings: Option<Arc<dyn Siblings>>,
    /// How many lives there were before this one.
    lives: u64,
}

/// The children of a life, and how they are supervised if not one for one.
pub(crate) type Offspring = (Vec<Arc<dyn Child>>, Option<Arc<dyn Siblings>>);

/// An actor as its parent, its system and the list of all actors see it,
/// whatever its messages.
pub(crate) trait Child: Send + Sync {
    fn halt(&self, how: Halt);
    /// Ends its life; another follows.
    fn renew(&self);
    fn life(&self) -> &Arc<Life>;
    fn stats(&self) -> MailboxStats;
    /// Has its task polled.
    fn poke(&self);
    /// How long messages wait and take, if that is measured.
    fn timing(&self) -> Option<Timing>;
    #[cfg(feature = "metrics")]
    fn observed(&self) -> Option<&Arc<crate::mailbox::observed::Observed>>;
}

impl<M: Send + 'static> Child for ActorRef<M> {
    fn halt(&self, how: Halt) {
        match how {
            Halt::Stop => self.stop(),
            Halt::Drain => self.drain(),
            Halt::Kill => self.kill(),
        }
    }

    fn renew(&self) {
        self.renew();
    }

    fn life(&self) -> &Arc<Life> {
        self.life()
    }

    fn stats(&self) -> MailboxStats {
        self.stats()
    }

    fn timing(&self) -> Option<Timing> {
        match self.target() {
            To::Mailbox(sender) => sender.core().timing(),
            To::Route(_) => None,
        }
    }

    #[cfg(feature = "metrics")]
    fn observed(&self) -> Option<&Arc<crate::mailbox::observed::Observed>> {
        match self.target() {
            To::Mailbox(sender) => sender.core().observed.get(),
            To::Route(_) => None,
        }
    }

    fn poke(&self) {
        if let To::Mailbox(sender) = self.target() {
            sender.core().queue.receiver().wake();
        }
    }
}

impl<A: Actor> Context<A> {
    pub(crate) fn new(sender: Sender<A::Msg>, life: Arc<Life>) -> Self {
        Self { sender, life, executor: None, family: None, stash: None, stopping: None, attention: false }
    }

    pub(super) fn core(&self) -> &shim::Arc<Core<A::Msg>> {
        self.sender.core()
    }

    pub(crate) fn life(&self) -> &Arc<Life> {
        &self.life
    }

    pub(crate) fn world(&self) -> &Arc<World> {
        &self.life.world
    }

    /// Has this actor run elsewhere than its system.
    pub(crate) fn set_executor(&mut self, executor: Arc<dyn Executor>) {
        self.executor = Some(Box::new(executor));
    }

    /// What runs this actor and its tasks.
    pub(crate) fn executor(&self) -> &Arc<dyn Executor> {
        self.executor.as_deref().unwrap_or(&self.world().executor)
    }

    /// A reference to this actor.
    #[must_use]
    pub fn me(&self) -> ActorRef<A::Msg> {
        ActorRef::new(self.sender.clone(), Arc::clone(&self.life))
    }

    /// Where this actor is in its system.
    #[must_use]
    pub fn path(&self) -> &ActorPath {
        &self.life.path
    }

    /// Asks for `n` more messages than have been asked for so far, under
    /// [`Pull`](crate::Pull). Additive, and unbounded beyond `u64::MAX`; 0
    /// changes nothing. Senders that wait are let in at once; the handler that
    /// asks goes on undisturbed, since its actor handles one message at a time.
    ///
    /// Demand belongs to the mailbox and outlives a restart: a `started` hook
    /// that asks for 8 asks for 8 more in every life.
    ///
    /// ```
    /// use tidegate::prelude::*;
    /// struct Careful;
    /// impl Actor for Careful {
    ///     type Msg = u64;
    ///     async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         cx.request(1);
    ///         Ok(())
    ///     }
    ///     async fn handle(&mut self, _job: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         // .. the work; then, and only then, the next job:
    ///         cx.request(1);
    ///         Ok(())
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let actor = System::new().spawn(Careful, Pull::manual());
    /// for job in 0..3 { actor.tell(job).await.unwrap(); }
    /// # }
    /// ```
    pub fn request(&mut self, n: u64) {
        self.core().queue.request(n);
    }

    /// How messages are delivered at present.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core().terms.lock_to(Access::Read).mode
    }

    /// Keeps the present message counted as in flight, under
    /// [`Pull::max_in_flight`](crate::Pull::max_in_flight), until the guard is
    /// dropped: for work that goes on after the handler has returned.
    #[must_use = "dropping the guard ends the message's flight"]
    pub fn in_flight(&mut self) -> InFlight {
        self.core().books.acquired.add(1);
        InFlight { release: Box::new(Release(shim::Arc::clone(self.core()))) }
    }

    /// Stops this actor after the present message. What is queued goes to the
    /// dead letters.
    pub fn stop(&mut self) {
        self.stopping = Some(Halt::Stop);
        self.attention = true;
    }

    /// Takes no more messages, handles those accepted, and stops.
    pub fn drain(&mut self) {
        self.stopping.get_or_insert(Halt::Drain);
        self.attention = true;
    }

    /// What it has been told and not yet obeyed, for handlers that wait for what
    /// may never come: signals wake the task, and it can look.
    pub(crate) fn ordered(&self) -> Option<Halt> {
        let lane = &self.core().lane;
        if !lane.is_pending() {
            return None;
        }
        if lane.holds_order(|signal| matches!(signal, Signal::Stop)) {
            return Some(Halt::Stop);
        }
        lane.holds_order(|signal| matches!(signal, Signal::Drain)).then_some(Halt::Drain)
    }

    /// Whether its mailbox takes no more messages: it drains.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// The time since some fixed moment, on the system's clock: one for all its
    /// actors, wherever they run.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.world().executor.now()
    }

    /// A random number, from the system's executor: for jitter and choices.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.world().executor.random()
    }

    /// Waits on the system's clock. The actor handles nothing meanwhile; to
    /// be called back instead, see [`send_after`](Self::send_after).
    pub fn sleep(&self, duration: Duration) -> BoxTask {
        self.world().executor.sleep(duration)
    }

    /// Runs `task` beside this actor, on the same executor: it is dropped when
    /// the actor ends or is restarted.
    ///
    /// To get its result back, let it `tell` this actor.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.leash();
        self.executor().spawn(self.path().as_str(), Box::pin(Leashed::new(task, cut)));
    }

    pub(super) fn leash(&mut self) -> Arc<Cut> {
        let tasks = &mut self.family.get_or_insert_default().tasks;
        if tasks.len() >= 16 && tasks.len().is_power_of_two() {
            // Those that have ended hold no leash any more.
            tasks.retain(|cut| Arc::strong_count(cut) > 1);
        }
        let cut = Cut::new();
        tasks.push(Arc::clone(&cut));
        cut
    }

    /// The named timers, if there ever was one.
    pub(super) fn named(&mut self) -> Option<&mut Named> {
        self.family.as_mut().map(|family| &mut family.named)
    }

    pub(super) fn named_or_new(&mut self) -> &mut Named {
        &mut self.family.get_or_insert_default().named
    }

    /// Ends all tasks and timers.
    pub(crate) fn cut_tasks(&mut self) {
        if let Some(family) = &mut self.family {
            for cut in family.tasks.drain(..).chain(std::mem::take(&mut family.named).into_values()) {
                cut.cut();
            }
        }
    }

    pub(super) fn watches(&mut self) -> &mut Watches {
        &mut self.family.get_or_insert_default().watches
    }

    pub(super) fn lives_before(&self) -> u64 {
        self.family.as_ref().map_or(0, |family| family.lives)
    }

    /// Another life begins: nobody tells it what the one before wanted to know.
    pub(crate) fn turn_over(&mut self) {
        if let Some(family) = &mut self.family {
            family.watches = Watches::default();
            family.lives += 1;
        }
    }

    /// What it keeps of how its children are supervised, if that is not one for
    /// one.
    pub(crate) fn siblings(&self) -> Option<Arc<dyn Siblings>> {
        self.family.as_ref()?.siblings.clone()
    }

    pub(crate) fn set_siblings(&mut self, siblings: Arc<dyn Siblings>) {
        self.family.get_or_insert_default().siblings = Some(siblings);
    }

    /// The children that are to end; those of another life come anew.
    pub(crate) fn take_children(&mut self) -> Offspring {
        let Some(family) = &mut self.family else { return (Vec::new(), None) };
        let fresh = family.siblings.as_ref().map(|siblings| siblings.fresh());
        (std::mem::take(&mut family.children), std::mem::replace(&mut family.siblings, fresh))
    }

    pub(crate) fn adopt(&mut self, child: Arc<dyn Child>) {
        let children = &mut self.family.get_or_insert_default().children;
        if children.len() >= 16 && children.len().is_power_of_two() {
            children.retain(|child| child.life().ended().is_none());
        }
        children.push(child);
    }
}

#[cfg(feature = "testkit")]
impl<A: Actor> Context<A> {
    /// This context as that of an actor within this one, which takes the same
    /// messages. What it starts is this one's.
    pub(crate) fn lend<B: Actor<Msg = A::Msg>>(&mut self) -> Lent<'_, A, B> {
        let mut to = Context::new(self.sender.clone(), Arc::clone(&self.life));
        self.exchange(&mut to);
        Lent { from: self, to }
    }

    /// Named one by one, so that a field that is added is not forgotten here.
    fn exchange<B: Actor<Msg = A::Msg>>(&mut self, other: &mut Context<B>) {
        let Self { sender: _, life: _, executor, family, stash, stopping, attention } = self;
        std::mem::swap(executor, &mut other.executor);
        std::mem::swap(family, &mut other.family);
        std::mem::swap(stash, &mut other.stash);
        std::mem::swap(attention, &mut other.attention);
        std::mem::swap(stopping, &mut other.stopping);
    }
}

/// A context that is lent; dropped, it goes back.
#[cfg(feature = "testkit")]
pub(crate) struct Lent<'a, A: Actor, B: Actor<Msg = A::Msg>> {
    from: &'a mut Context<A>,
    pub(crate) to: Context<B>,
}

#[cfg(feature = "testkit")]
impl<A: Actor, B: Actor<Msg = A::Msg>> Drop for Lent<'_, A, B> {
    fn drop(&mut self) {
        self.from.exchange(&mut self.to);
    }
}

impl<A: Actor> Drop for Context<A> {
    fn drop(&mut self) {
        self.cut_tasks();
        let (children, siblings) = self.take_children();
        for child in children {
            child.halt(Halt::Stop);
        }
        if let Some(siblings) = siblings {
            siblings.disband();
        }
    }
}

impl<A: Actor> fmt::Debug for Context<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("path", self.path()).finish_non_exhaustive()
    }
}

/// Keeps a message counted as in flight.
pub struct InFlight {
    release: Box<dyn Flight>,
}

trait Flight: Send + Sync {
    fn land(&self);
}

struct Release<M>(shim::Arc<Core<M>>);

impl<M: Send + 'static> Flight for Release<M> {
    fn land(&self) {
        self.0.books.released.add(1);
        // The receiver asks for more when it looks.
        self.0.queue.receiver().wake();
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.release.land();
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::{Fault, ManualExecutor, Push, Reply, System};

    #[derive(Clone, Copy)]
    enum Kind {
        Child,
        Task,
        Timer,
    }

    enum Do {
        Have(Kind),
        Nothing,
        Count(Reply<[usize; 3]>),
    }

    struct Busy {
        had: usize,
    }

    impl Actor for Busy {
        type Msg = Do;
        async fn handle(&mut self, what: Do, cx: &mut Context<Self>) -> Result<(), Fault> {
            match what {
                Do::Have(Kind::Child) => cx.spawn_child(Busy { had: 0 }, Push::bounded(1)).stop(),
                Do::Have(Kind::Task) => cx.spawn(std::future::ready(())),
                Do::Have(Kind::Timer) => {
                    self.had += 1;
                    cx.timers().after(self.had.to_string(), Duration::ZERO, Do::Nothing);
                }
                Do::Nothing => {}
                Do::Count(reply) => {
                    let family = cx.family.as_ref().map(|of| [of.children.len(), of.tasks.len(), of.named.len()]);
                    let _ = reply.send(family.unwrap_or_default());
                }
            }
            Ok(())
        }
    }

    #[test]
    fn an_actor_that_lives_long_keeps_little_of_what_it_had_and_has_no_more() {
        let executor = ManualExecutor::new();
        let busy = System::with_executor(executor.clone()).spawn(Busy { had: 0 }, Push::bounded(1));
        for kind in [Kind::Child, Kind::Task, Kind::Timer] {
            for _ in 0..500 {
                assert!(busy.try_tell(Do::Have(kind)).is_ok());
                executor.run_until_idle();
            }
        }
        let Ok(kept) = executor.block_on(busy.ask(Do::Count)) else { panic!("it has ended") };
        assert!(kept.iter().all(|n| (1..=16).contains(n)), "{kept:?}");
    }
}

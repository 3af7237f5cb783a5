//! Bringing stages to life.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use super::asking::Prefetch;
use super::output::Output;
use super::runner::{Connect, Feed, Runner, Shelf};
use super::running::Running;
use super::{Consumer, Stage};
use crate::actor::{Actor, Child, Context, Executor, Fault};
use crate::flow::demand::Demand;
use crate::flow::inlet::Inlet;
use crate::flow::outlet::{Outlet, Unheard};
use crate::flow::source::{Source, Spawner};
use crate::mailbox::Push;
use crate::supervision::Restart;
use crate::sync::shim::Mutex;
use crate::system::{Nobody, Phase, Spawn, System};

/// Everything about a stage to be; see [`System::stage`].
#[must_use = "a stage is spawned by `spawn`"]
pub struct SpawnStage<'a, S: Stage, P: Actor = Nobody> {
    spawn: Spawn<'a, Runner<S>, P>,
    parts: Arc<Mutex<Option<Arc<Shelf<S>>>>>,
    connect: Box<dyn FnOnce(bool) -> Connect<S> + Send>,
    prefetch: Prefetch,
    outlet: Outlet<S::Out>,
    at_once: bool,
}

impl System {
    /// Begins to spawn a stage: an actor that takes what `source` produces, as
    /// `prefetch` asks for it, and is a source in turn.
    ///
    /// It subscribes when it is spawned, and asks at once for what its window
    /// allows; without prefetch, when somebody downstream does. It ends when its
    /// source does, after the items; and when its last subscriber has gone, and
    /// then it cancels its own subscription.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// use tidegate::flow::{Conversion, Demand, source};
    /// use tidegate::flow::stage::{self, Prefetch};
    /// # use futures_util::TryStreamExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let system = System::new();
    /// let numbers = source::iter(["1", "2", "3", "4", "5"]);
    /// let parsed = system
    ///     .stage(numbers, stage::map(|text: &str| async move { Ok(text.parse::<u64>()?) }), Prefetch::window(4))
    ///     .named("parse")
    ///     .restart(Restart::on_failure())
    ///     .spawn();
    /// let pairs = system
    ///     .stage(parsed, stage::batch(2, None), Prefetch::none(Conversion::batch(2)))
    ///     .named("pair")
    ///     .spawn();
    /// let all: Vec<Vec<u64>> = system.items(pairs, Demand::window(1)).try_collect().await.map_err(|e| e.to_string())?;
    /// assert_eq!(all, [vec![1, 2], vec![3, 4], vec![5]]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stage<R, S>(
        &self,
        source: R,
        mut make: impl FnMut() -> S + Send + 'static,
        prefetch: Prefetch,
    ) -> SpawnStage<'_, S>
    where
        R: Source,
        S: Stage<In = R::Item>,
    {
        SpawnStage::new(source, prefetch, |shelf| self.try_build(move || life(&shelf, &mut make)))
    }

    /// Begins to spawn the last step of a pipeline: an actor that takes what
    /// `source` produces, at most `window` items ahead, and ends when it does. The
    /// item in the handler counts.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// use tidegate::flow::{source, stage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// let print = stage::for_each(|line: String| async move { println!("{line}"); Ok(()) });
    /// let printing = system.consume(source::iter(["a", "b"].map(String::from)), print, 4).named("print").spawn();
    /// assert!(printing.ended().await.is_completed());
    /// # }
    /// ```
    ///
    /// # Panics
    /// If `window` is 0.
    pub fn consume<R, C>(
        &self,
        source: R,
        mut make: impl FnMut() -> C + Send + 'static,
        window: usize,
    ) -> SpawnConsumer<'_, C>
    where
        R: Source,
        C: Consumer<In = R::Item>,
    {
        SpawnConsumer { stage: self.stage(source, move || Last(make()), Prefetch::window(window)) }
    }
}

impl<A: Actor> Context<A> {
    /// As [`System::stage`], as a child: it ends before this actor does, and with
    /// a restart.
    pub fn stage<R, S>(
        &mut self,
        source: R,
        mut make: impl FnMut() -> S + Send + 'static,
        prefetch: Prefetch,
    ) -> SpawnStage<'_, S, A>
    where
        R: Source,
        S: Stage<In = R::Item>,
    {
        SpawnStage::new(source, prefetch, |shelf| self.try_build_child(move || life(&shelf, &mut make)))
    }

    /// As [`System::consume`], as a child: it ends before this actor does, and with
    /// a restart.
    ///
    /// # Panics
    /// If `window` is 0.
    pub fn consume<R, C>(
        &mut self,
        source: R,
        mut make: impl FnMut() -> C + Send + 'static,
        window: usize,
    ) -> SpawnConsumer<'_, C, A>
    where
        R: Source,
        C: Consumer<In = R::Item>,
    {
        SpawnConsumer { stage: self.stage(source, move || Last(make()), Prefetch::window(window)) }
    }
}

/// Begins a life of a stage.
fn life<S: Stage>(shelf: &Mutex<Option<Arc<Shelf<S>>>>, make: &mut impl FnMut() -> S) -> Result<Runner<S>, Fault> {
    let stage = make();
    let shelf = shelf.lock().clone();
    match shelf {
        Some(shelf) => Runner::new(stage, &shelf),
        None => unreachable!("it is there before the stage is spawned"),
    }
}

impl<'a, S: Stage, P: Actor> SpawnStage<'a, S, P> {
    fn new<R: Source<Item = S::In>>(
        source: R,
        prefetch: Prefetch,
        build: impl FnOnce(Arc<Mutex<Option<Arc<Shelf<S>>>>>) -> Spawn<'a, Runner<S>, P>,
    ) -> Self {
        let parts = Arc::default();
        let spawn = build(Arc::clone(&parts));
        let connect = Box::new(move |at_once| -> Connect<S> {
            Box::new(move |cx| {
                let inlet = Inlet::new(&cx.me(), Feed::Item).on_end(Feed::End);
                let inlet = if at_once { inlet.end_at_once() } else { inlet };
                let system = cx.system();
                let (subscription, emitter) = system.connect(source.name(), inlet, Demand::own());
                source.connect(emitter, &Spawner::new(&system));
                subscription
            })
        });
        let outlet = Outlet::new().unheard(Unheard::Cancel);
        Self { spawn, parts, connect, prefetch, outlet, at_once: false }
    }

    /// A name for its path, and for people. Without one it is its number.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.spawn = self.spawn.named(name);
        self
    }

    /// How often it is begun anew after a failure. The default is never; what is
    /// kept is said at [`Stage`].
    pub fn restart(mut self, restart: Restart) -> Self {
        self.spawn = self.spawn.restart(restart);
        self
    }

    /// What runs it, as [`Spawn::on`].
    pub fn on(mut self, executor: impl Executor) -> Self {
        self.spawn = self.spawn.on(executor);
        self
    }

    /// A thread of its own, as [`Spawn::on_thread`].
    #[cfg(feature = "thread")]
    pub fn on_thread(mut self) -> Self {
        self.spawn = self.spawn.on_thread();
        self
    }

    /// When its turn comes as the system is shut down, as [`Spawn::phase`].
    pub fn phase(mut self, phase: Phase) -> Self {
        self.spawn = self.spawn.phase(phase);
        self
    }

    /// What it emits through, and so who gets an item of several subscribers, and
    /// what becomes of items while there are none. The default gives each item to
    /// one of those that have demand, in turn, and ends the stage when the last has
    /// gone: `Outlet::new().unheard(Unheard::Cancel)`.
    pub fn outlet(mut self, outlet: Outlet<S::Out>) -> Self {
        self.outlet = outlet;
        self
    }

    /// A failure upstream is passed on at once: items that wait are not handled,
    /// and go to the dead letters. The default is after them. Completion never
    /// overtakes items.
    pub fn fail_at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// Starts it.
    ///
    /// While its system is shutting down nothing starts: whoever subscribes hears
    /// of a failure.
    pub fn spawn(self) -> Running<S::Out> {
        let Self { spawn, parts, connect, prefetch, outlet, at_once } = self;
        let port = outlet.port();
        let shelf = Shelf::new(Output::outlet(outlet), prefetch, connect(at_once));
        *parts.lock() = Some(Arc::clone(&shelf));
        let end = Arc::clone(&shelf.end);
        let actor = spawn.mailbox(Push::bounded(prefetch.places())).spawn();
        let port = port.of(&actor);
        // Also if it has ended by now.
        actor.life().watch(Box::new(move |news| shelf.close(&news.reason)));
        let actor: Arc<dyn Child> = Arc::new(actor);
        Running { port, actor, end }
    }
}

impl<S: Stage, P: Actor> fmt::Debug for SpawnStage<'_, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnStage")
            .field("spawn", &self.spawn)
            .field("prefetch", &self.prefetch)
            .finish_non_exhaustive()
    }
}

/// Everything about a consumer to be; see [`System::consume`].
#[must_use = "a consumer is spawned by `spawn`"]
pub struct SpawnConsumer<'a, C: Consumer, P: Actor = Nobody> {
    stage: SpawnStage<'a, Last<C>, P>,
}

impl<C: Consumer, P: Actor> SpawnConsumer<'_, C, P> {
    /// A name for its path, and for people. Without one it is its number.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.stage = self.stage.named(name);
        self
    }

    /// How often it is begun anew after a failure. The default is never; the item
    /// in the handler is lost, and no other.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.stage = self.stage.restart(restart);
        self
    }

    /// What runs it, as [`Spawn::on`].
    pub fn on(mut self, executor: impl Executor) -> Self {
        self.stage = self.stage.on(executor);
        self
    }

    /// A thread of its own, as [`Spawn::on_thread`].
    #[cfg(feature = "thread")]
    pub fn on_thread(mut self) -> Self {
        self.stage = self.stage.on_thread();
        self
    }

    /// When its turn comes as the system is shut down, as [`Spawn::phase`].
    pub fn phase(mut self, phase: Phase) -> Self {
        self.stage = self.stage.phase(phase);
        self
    }

    /// As [`SpawnStage::fail_at_once`].
    pub fn fail_at_once(mut self) -> Self {
        self.stage = self.stage.fail_at_once();
        self
    }

    /// Starts it.
    pub fn spawn(self) -> Running<Infallible> {
        self.stage.spawn()
    }
}

impl<C: Consumer, P: Actor> fmt::Debug for SpawnConsumer<'_, C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnConsumer").field("stage", &self.stage).finish()
    }
}

/// A consumer as a stage that emits nothing.
struct Last<C>(C);

impl<C: Consumer> Stage for Last<C> {
    type In = C::In;
    type Out = Infallible;

    async fn handle(&mut self, item: C::In, _: &mut Output<Infallible>) -> Result<(), Fault> {
        self.0.handle(item).await
    }

    async fn finish(&mut self, _: &mut Output<Infallible>) -> Result<(), Fault> {
        self.0.finish().await
    }

    async fn failed(&mut self, fault: Fault, _: &mut Output<Infallible>) -> Result<(), Fault> {
        self.0.failed(fault).await
    }
}

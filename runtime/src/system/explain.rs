//! Explaining why nothing happens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{System, SystemBuilder};
use crate::actor::{ActorPath, Deadlocks, Waiting};
use crate::mailbox::Cycle;

/// Who waits for whom in a [`System`], for what, for how long, and which bound
/// holds it up. It prints one line for each.
///
/// It knows only what is [watched](Deadlocks): waits for room in the mailboxes
/// of actors, and for their answers. A handler that waits for a timer or a
/// socket is not in it; [`inspect`](System::inspect) shows that it works.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::{Deadlocks, ManualExecutor};
/// # struct Busy; impl Actor for Busy { type Msg = u64;
/// # async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> { std::future::pending().await } }
/// # struct Source(ActorRef<u64>); impl Actor for Source { type Msg = ();
/// # async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
/// #     for n in 0..3 { self.0.tell(n).await?; } Ok(()) } }
/// let executor = ManualExecutor::new();
/// let system = System::builder().deadlocks(Deadlocks::watched()).build_on(executor.clone());
/// let busy = system.build(|| Busy).named("busy").mailbox(Push::bounded(1)).spawn();
/// let to = busy.clone();
/// let source = system.build(move || Source(to.clone())).named("source").spawn();
/// source.try_tell(()).unwrap();
/// executor.run_until_idle();
///
/// let explanation = system.explain();
/// assert_eq!(
///     explanation.to_string(),
///     "1 waits at 0ns\n  /source waits for room in /busy, 0ns (capacity 1: 1 queued, 1 waiting)",
/// );
/// assert_eq!(explanation.waits_of("/source").count(), 1);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// When, on the executor's clock.
    pub at: Duration,
    /// Whether waits are watched at all.
    pub watched: bool,
    /// Everybody who waits, the longest wait first.
    pub waits: Vec<Waiting>,
    /// Circles in which actors seem to wait for each other. One of them may
    /// wait for something else beside, and go on when that comes; to tell those
    /// apart takes the longer look of [`Deadlocks::broken`].
    pub circles: Vec<Cycle>,
}

impl Explanation {
    /// What the actor at `path` waits for.
    pub fn waits_of(&self, path: &str) -> impl Iterator<Item = &Waiting> {
        self.waits.iter().filter(move |wait| wait.who.as_ref().is_some_and(|who| who.as_str() == path))
    }

    /// Who waits for the actor at `path`.
    pub fn waits_on(&self, path: &str) -> impl Iterator<Item = &Waiting> {
        self.waits.iter().filter(move |wait| wait.on.as_str() == path)
    }

    /// The end of the chain that begins with the actor at `path`: whoever it
    /// waits for, and whoever that one waits for, until one that waits for no
    /// actor, or one that was met before. Of several waits the longest is
    /// followed.
    #[must_use]
    pub fn root_of(&self, path: &str) -> Option<&ActorPath> {
        let mut at = &self.waits_of(path).next()?.on;
        // Longer than that is a circle.
        for _ in 0..self.waits.len() {
            match self.waits_of(at.as_str()).next() {
                Some(wait) => at = &wait.on,
                None => break,
            }
        }
        Some(at)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.watched {
            return f.write_str("waits are not watched in this system");
        }
        match self.waits.len() {
            0 => write!(f, "nobody waits at {:?}", self.at)?,
            1 => write!(f, "1 waits at {:?}", self.at)?,
            n => write!(f, "{n} wait at {:?}", self.at)?,
        }
        self.waits.iter().try_for_each(|wait| write!(f, "\n  {wait}"))?;
        self.circles.iter().try_for_each(|circle| write!(f, "\nin a circle: {circle}"))
    }
}

impl System {
    /// Explains who waits for whom. Changes nothing; it takes the lock of the
    /// list of waits, and that of each mailbox waited for.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        let (world, waits) = (self.world(), &self.world().waits);
        Explanation {
            at: world.executor.now(),
            watched: waits.are_watched(),
            waits: waits.all(world),
            circles: waits.circles(world),
        }
    }

    /// How often a wait was told of as too long: when it reached the threshold
    /// of [`SystemBuilder::long_waits`], and each time it had doubled.
    #[must_use]
    pub fn long_waits(&self) -> u64 {
        self.world().waits.long_waits.get()
    }

    /// How many deadlocks were broken.
    #[must_use]
    pub fn deadlocks(&self) -> u64 {
        self.world().waits.broken.get()
    }

    /// Calls `listener` for each wait that is too long, when it has reached the
    /// threshold of [`SystemBuilder::long_waits`] and again each time it has
    /// doubled, at least every hour, for a month. With the feature `tracing`
    /// each is logged as a warning, too.
    ///
    /// It is called by a task of the system's executor: keep it short. It stays
    /// as long as the system. If it panics, that is reported as panics are, and
    /// otherwise ignored.
    pub fn on_long_wait(&self, listener: impl Fn(&Waiting) + Send + Sync + 'static) {
        self.world().waits.listen(Arc::new(listener));
    }
}

impl SystemBuilder {
    /// What becomes of actors that wait for each other in a circle. The default
    /// is [`Deadlocks::broken`] in debug builds, and [`Deadlocks::off`] in
    /// others.
    pub fn deadlocks(mut self, deadlocks: Deadlocks) -> Self {
        self.settings.deadlocks = deadlocks;
        self
    }

    /// After how long a wait for room or for an answer is told of, while waits
    /// are [watched](Deadlocks); see [`System::on_long_wait`]. The default is
    /// five seconds; [`Duration::MAX`] is never.
    pub fn long_waits(mut self, after: Duration) -> Self {
        self.settings.long_waits = after;
        self
    }
}

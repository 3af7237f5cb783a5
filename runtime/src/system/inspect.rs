//! Looking at a system while it runs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{FlowInspection, System};
use crate::actor::{Activity, ActorId, ActorPath, Waiting};
use crate::mailbox::{DropCounts, MailboxStats, Mode, Timing};

/// What was found when a [`System`] was looked at: every actor, children below
/// their parents, and how each one's mailbox stands.
///
/// Actors go on while they are looked at. Each number is right for some moment
/// during the call; together they are not one consistent cut.
///
/// It prints as a tree, and with the feature `serde` it is serialized as it is
/// here, times in seconds.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::ManualExecutor;
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let sum = system.build(|| Sum(0)).named("sum").mailbox(Push::bounded(4)).spawn();
/// executor.run_until_idle();
/// sum.try_tell(1).unwrap();
/// sum.try_tell(2).unwrap();
///
/// let seen = system.inspect();
/// let sum = seen.find("/sum").expect("it lives");
/// assert_eq!((sum.mailbox.len, sum.mailbox.limit, sum.mailbox.taken), (2, Some(4), 0));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Inspection {
    /// When, on the executor's clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::mailbox::seconds"))]
    pub at: Duration,
    /// Every actor that lives: each behind its parent, siblings in the order of
    /// their births.
    pub actors: Vec<ActorInspection>,
    /// Who waits for whom, the longest wait first, while waits are
    /// [watched](crate::Deadlocks). What it means [`System::explain`] tells.
    pub waits: Vec<Waiting>,
    /// The subscriptions, in the order in which they began.
    pub flows: Vec<FlowInspection>,
    /// Messages that no handler will see, of the whole system since its start,
    /// by reason: also those of actors that have ended.
    pub drops: DropCounts,
}

/// What was found of one actor.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ActorInspection {
    /// Its number.
    pub id: ActorId,
    /// Whose child it is; `None` if it belongs to the system itself.
    pub parent: Option<ActorId>,
    /// Where it is.
    pub path: ActorPath,
    /// How often it was begun anew after a failure.
    pub restarts: u64,
    /// What it is doing.
    pub activity: Activity,
    /// How its mailbox stands: mode and epoch, the numbers of the rule, depth,
    /// high-water mark, drops.
    pub mailbox: MailboxStats,
    /// How long its messages wait and take. `None` without the feature
    /// `metrics`.
    pub timing: Option<Timing>,
}

impl System {
    /// Looks at every actor of the system, and changes nothing.
    ///
    /// Takes each mailbox's lock for a moment; costs actors nothing else. Made
    /// for people and monitoring: a decision that is based on it is based on
    /// the past.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let mut children: BTreeMap<Option<ActorId>, Vec<ActorInspection>> = BTreeMap::new();
        let found = self.world().actors();
        let living: std::collections::BTreeSet<ActorId> = found.iter().map(|actor| actor.life().id).collect();
        for actor in &found {
            let life = actor.life();
            let seen = ActorInspection {
                id: life.id,
                parent: life.parent(),
                path: life.path.clone(),
                restarts: life.restarts.get(),
                activity: life.activity(),
                mailbox: actor.stats(),
                timing: actor.timing(),
            };
            // One whose parent was abandoned has nobody to stand behind.
            children.entry(seen.parent.filter(|parent| living.contains(parent))).or_default().push(seen);
        }
        let mut actors = Vec::with_capacity(found.len());
        let mut next: Vec<ActorInspection> = children.remove(&None).unwrap_or_default();
        next.reverse();
        while let Some(actor) = next.pop() {
            next.extend(children.remove(&Some(actor.id)).unwrap_or_default().into_iter().rev());
            actors.push(actor);
        }
        let world = self.world();
        Inspection {
            at: world.executor.now(),
            actors,
            waits: world.waits.all(world),
            flows: self.roots.flows.inspect(),
            drops: world.dead.counts(),
        }
    }
}

#[cfg(feature = "metrics")]
impl System {
    /// Sets the gauges, messages queued and senders waiting, to what is so at
    /// present. Counters and histograms need no call. To have it called every
    /// so often, see
    /// [`record_metrics_every`](super::SystemBuilder::record_metrics_every).
    pub fn record_metrics(&self) {
        self.world().record_metrics();
    }
}

impl Inspection {
    /// The actor at `path`; of several there, the oldest.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&ActorInspection> {
        self.actors.iter().filter(|actor| actor.path.as_str() == path).min_by_key(|actor| actor.id)
    }

    /// The children of `parent`, oldest first.
    pub fn children(&self, parent: ActorId) -> impl Iterator<Item = &ActorInspection> + '_ {
        self.actors.iter().filter(move |actor| actor.parent == Some(parent))
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} actors at {:?}", self.actors.len(), self.at)?;
        write_drops(f, &self.drops)?;
        let mut above: Vec<ActorId> = Vec::new();
        for actor in &self.actors {
            while above.last().is_some_and(|last| Some(*last) != actor.parent) {
                above.pop();
            }
            write!(f, "\n{:indent$}{actor}", "", indent = 2 * (above.len() + 1))?;
            above.push(actor.id);
        }
        self.flows.iter().try_for_each(|flow| write!(f, "\n{flow}"))?;
        self.waits.iter().try_for_each(|wait| write!(f, "\n{wait}"))
    }
}

impl fmt::Display for ActorInspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, restarts, activity, mailbox, timing, .. } = self;
        let mode = match mailbox.mode {
            Mode::Push => "push",
            Mode::Pull => "pull",
        };
        write!(f, "{path}: {activity}; {mode}, {} of ", mailbox.len)?;
        match mailbox.capacity {
            Some(capacity) => write!(f, "{capacity}")?,
            None => f.write_str("any number")?,
        }
        write!(f, " queued (at most {}), {} handled", mailbox.high_water, mailbox.handled)?;
        if let Some(requested) = mailbox.requested {
            write!(f, ", {requested} asked for")?;
        }
        if mailbox.permits > 0 {
            write!(f, ", {} permits out", mailbox.permits)?;
        }
        if mailbox.waiting_senders > 0 {
            write!(f, ", {} senders wait", mailbox.waiting_senders)?;
        }
        if mailbox.epoch > 0 {
            write!(f, ", {} switches", mailbox.epoch)?;
        }
        if *restarts > 0 {
            write!(f, ", {restarts} restarts")?;
        }
        write_drops(f, &mailbox.drops)?;
        if let Some(Timing { queue_wait, handling }) = timing {
            for (what, times) in [("waits", queue_wait), ("takes", handling)] {
                // On a clock that stands still nothing takes any time.
                if !times.max.is_zero() {
                    write!(f, "; {what}: {times}")?;
                }
            }
        }
        Ok(())
    }
}

fn write_drops(f: &mut fmt::Formatter<'_>, drops: &DropCounts) -> fmt::Result {
    drops.iter().try_for_each(|(reason, n)| write!(f, ", {n} dropped: {reason}"))
}

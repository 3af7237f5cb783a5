//! Shutting down: no more actors, drain phase by phase, deadlines, a report.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::phase::{Phase, Shutdown};
use super::report::{LateActor, PhaseReport, ShutdownReport};
use super::{Root, System};
use crate::actor::reference::Halt;
use crate::actor::{ActorId, Child, Life, Stopped};
use crate::mailbox::DropReason;
use crate::sync::access::Access;

/// Actors of the system, by when their turn comes.
type Phases = BTreeMap<Phase, Vec<Arc<dyn Child>>>;

impl System {
    /// Shuts down: no more actors start, every actor takes no more messages,
    /// handles what it has accepted, and ends, children before their parents,
    /// one [phase](Phase) after another. What has not ended after `deadline` is
    /// killed. The report says what was left.
    ///
    /// The same as [`shutdown_in_phases`](Self::shutdown_in_phases) with
    /// [`Shutdown::within`] the deadline. Calling it again, also meanwhile, is
    /// harmless.
    ///
    /// # Cancel safety
    /// Dropped, the shutdown goes on without its deadline: all actors drain and
    /// end, and nobody kills those that do not.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// # struct Log; impl Actor for Log { type Msg = u64;
    /// # async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// let log = system.spawn(Log, Push::bounded(8));
    /// log.tell(1).await.unwrap();
    /// let report = system.shutdown(std::time::Duration::from_secs(5)).await;
    /// assert!(report.is_clean(), "{report}");
    /// # }
    /// ```
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.shutdown_in_phases(Shutdown::new().within(deadline)).await
    }

    /// Shuts down phase by phase: the actors of one take no more messages,
    /// handle what they have accepted and end, children before their parents;
    /// what has not ended by the phase's deadline is killed; then comes the
    /// next. Those whose turn has not come go on as before.
    ///
    /// From the beginning the system starts no more actors. Actors may start
    /// children until the last phase begins, as far as their work needs them.
    ///
    /// # Cancel safety
    /// Dropped, the shutdown goes on without phases and deadlines: all actors
    /// drain and end, and nobody kills those that do not.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::prelude::*;
    /// use tidegate::{Phase, Shutdown};
    /// # struct Any; impl Actor for Any { type Msg = u64;
    /// # async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// system.build(|| Any).named("http").phase(Phase::INTAKE).spawn();
    /// system.build(|| Any).named("orders").spawn();
    /// system.build(|| Any).named("ledger").phase(Phase::STATE).spawn();
    /// let plan = Shutdown::new().phase(Phase::WORK, Duration::from_secs(30));
    /// let report = system.shutdown_in_phases(plan).await;
    /// assert!(report.is_clean(), "{report}");
    /// assert_eq!(report.phases.len(), 3);
    /// # }
    /// ```
    pub async fn shutdown_in_phases(&self, plan: Shutdown) -> ShutdownReport {
        self.shut_down(plan, pending()).await
    }

    /// Waits until `stop` resolves and shuts down by `plan`. `stop` is called
    /// once more then: when it resolves again, everything left is killed.
    ///
    /// For signals: `stop` makes a future of the next one.
    /// [`run_until_ctrl_c`](Self::run_until_ctrl_c) is this for Ctrl-C.
    ///
    /// # Cancel safety
    /// Dropped before `stop` has resolved, nothing has happened; afterwards as
    /// [`shutdown_in_phases`](Self::shutdown_in_phases).
    pub async fn run_until<F>(&self, mut stop: impl FnMut() -> F, plan: Shutdown) -> ShutdownReport
    where
        F: Future<Output = ()>,
    {
        stop().await;
        self.shut_down(plan, stop()).await
    }

    /// `hurry`: kill what is left.
    pub(super) async fn shut_down(&self, plan: Shutdown, hurry: impl Future<Output = ()>) -> ShutdownReport {
        let before = self.undelivered();
        let mut left = self.close();
        let _drains_all = DrainsAll(self);
        let mut hurry = pin!(hurry);
        let mut report = ShutdownReport::default();
        let start = self.now();
        while let Some((phase, actors)) = left.pop_first() {
            let begun = self.now();
            if left.is_empty() {
                self.world().closing.raise();
            }
            actors.iter().for_each(|actor| actor.halt(Halt::Drain));
            let limit = plan.limit(phase, begun.saturating_sub(start));
            let hurried = self.wait_for(&actors, limit, hurry.as_mut()).await;
            let mut turns = vec![Turn::of(phase, &actors)];
            if hurried {
                // Everybody who is left, at once.
                self.world().closing.raise();
                turns.extend(std::mem::take(&mut left).iter().map(|(phase, actors)| Turn::of(*phase, actors)));
            }
            self.end(&turns, plan.grace_period(), &mut report).await;
            let took = self.now().saturating_sub(begun);
            for Turn { phase, drained, late } in turns {
                report.drained += drained;
                report.phases.push(PhaseReport { phase, drained, late: late.len(), took });
            }
        }
        report.undelivered = self.undelivered() - before;
        if report.stuck.is_empty() {
            self.world().end_sweep();
        }
        report
    }

    fn now(&self) -> Duration {
        self.world().executor.now()
    }

    /// Starts no more actors; returns those there are.
    fn close(&self) -> Phases {
        let actors = self.roots.actors.lock_to(Access::Read);
        self.roots.closed.raise();
        let mut phases = Phases::new();
        for Root { phase, actor } in actors.values() {
            phases.entry(*phase).or_default().push(Arc::clone(actor));
        }
        phases
    }

    fn undelivered(&self) -> u64 {
        let counts = self.dead_letters().counts();
        counts.of(DropReason::Stopped) + counts.of(DropReason::Interrupted)
    }

    /// Waits until all have ended. `true`: `hurry` came first.
    async fn wait_for(
        &self,
        actors: &[Arc<dyn Child>],
        limit: Duration,
        mut hurry: Pin<&mut impl Future<Output = ()>>,
    ) -> bool {
        let mut sleep = self.world().executor.sleep(limit);
        for actor in actors {
            let mut ended = pin!(Stopped::new(Arc::clone(actor.life())));
            let in_time = poll_fn(|cx| {
                if ended.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ok(()));
                }
                if hurry.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Err(true));
                }
                sleep.as_mut().poll(cx).map(|()| Err(false))
            })
            .await;
            if let Err(hurried) = in_time {
                return hurried;
            }
        }
        false
    }

    /// Kills those who are late, and notes them and their children.
    async fn end(&self, turns: &[Turn], grace: Duration, report: &mut ShutdownReport) {
        // Before the kill: afterwards it is too late to ask what they do.
        let mut seen = Vec::new();
        for turn in turns.iter().filter(|turn| !turn.late.is_empty()) {
            for actor in self.family_of(&turn.late) {
                seen.push((look_at(turn.phase, &*actor), actor));
            }
        }
        if seen.is_empty() {
            return;
        }
        turns.iter().flat_map(|turn| &turn.late).for_each(|actor| actor.halt(Halt::Kill));
        let family: Vec<_> = seen.iter().map(|(_, actor)| Arc::clone(actor)).collect();
        self.wait_for(&family, grace, pin!(pending())).await;
        for (seen, actor) in seen {
            if actor.life().ended().is_some() {
                report.killed.push(seen);
            } else {
                report.stuck.push(look_at(seen.phase, &*actor));
            }
        }
    }

    /// `actors` and everybody below them who lives, parents first.
    fn family_of(&self, actors: &[Arc<dyn Child>]) -> Vec<Arc<dyn Child>> {
        let mut members: BTreeSet<ActorId> = actors.iter().map(|actor| actor.life().id).collect();
        let mut family = self.world().actors();
        family.retain(|actor| {
            let life: &Life = actor.life();
            if life.ended().is_some() {
                return false;
            }
            // Parents are born before their children.
            let belongs = members.contains(&life.id) || life.parent().is_some_and(|parent| members.contains(&parent));
            if belongs {
                members.insert(life.id);
            }
            belongs
        });
        family
    }
}

/// What became of a phase when its time was over.
struct Turn {
    phase: Phase,
    drained: usize,
    late: Vec<Arc<dyn Child>>,
}

impl Turn {
    fn of(phase: Phase, actors: &[Arc<dyn Child>]) -> Self {
        let late: Vec<_> = actors.iter().filter(|actor| actor.life().ended().is_none()).cloned().collect();
        Self { phase, drained: actors.len() - late.len(), late }
    }
}

fn look_at(phase: Phase, actor: &dyn Child) -> LateActor {
    let life = actor.life();
    LateActor { id: life.id, path: life.path.clone(), phase, activity: life.activity(), queued: actor.stats().len }
}

/// At the end, and if a shutdown is dropped half-way: nobody is left who would
/// come to the later phases, so everybody drains.
struct DrainsAll<'a>(&'a System);

impl Drop for DrainsAll<'_> {
    fn drop(&mut self) {
        self.0.world().closing.raise();
        // Collected first: a halt wakes, and a waker is foreign code.
        let actors: Vec<_> =
            self.0.roots.actors.lock_to(Access::Read).values().map(|root| Arc::clone(&root.actor)).collect();
        actors.iter().for_each(|actor| actor.halt(Halt::Drain));
    }
}

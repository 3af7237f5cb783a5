//! Shutting down: no more actors, drain, a deadline, and a report.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::System;
use crate::actor::reference::Halt;
use crate::actor::{ActorPath, Life, Stopped};
use crate::mailbox::DropReason;

/// How long a killed actor may take to end: it ends at its next await.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// What a shutdown met.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Actors of the system that ended in time. Children end with them.
    pub drained: usize,
    /// Actors that had to be killed at the deadline.
    pub killed: Vec<ActorPath>,
    /// Actors that did not end even then: a handler that does not await.
    pub stuck: Vec<ActorPath>,
    /// Messages that were accepted and never handled.
    pub undelivered: u64,
}

impl ShutdownReport {
    /// Whether everything accepted was handled and everybody ended in time.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.killed.is_empty() && self.stuck.is_empty() && self.undelivered == 0
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} actors drained", self.drained)?;
        for (paths, how) in [(&self.killed, "killed at the deadline"), (&self.stuck, "stuck in a handler")] {
            if !paths.is_empty() {
                write!(f, "; {} {how}:", paths.len())?;
                paths.iter().try_for_each(|path| write!(f, " {path}"))?;
            }
        }
        write!(f, "; {} messages undelivered", self.undelivered)
    }
}

impl System {
    /// Shuts down: no more actors start, every actor takes no more messages,
    /// handles what it has accepted, and ends, children before their parents.
    /// What has not ended after `deadline` is killed. The report says what was
    /// left.
    ///
    /// Calling it again, also meanwhile, is harmless.
    ///
    /// # Cancel safety
    /// Dropped, the shutdown goes on without its deadline: actors drain and
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
        let before = self.undelivered();
        self.world().closing.raise();
        let lives = self.halt_all(Halt::Drain);
        let mut report = ShutdownReport::default();
        let late = self.wait_for(&lives, deadline).await;
        report.drained = lives.len() - late.len();
        if !late.is_empty() {
            self.halt_all(Halt::Kill);
            let stuck = self.wait_for(&late, AFTER_KILL).await;
            let path = |life: &Arc<Life>| life.path.clone();
            report.killed = late.iter().filter(|life| life.ended().is_some()).map(path).collect();
            report.stuck = stuck.iter().map(path).collect();
        }
        report.undelivered = self.undelivered() - before;
        report
    }

    fn undelivered(&self) -> u64 {
        let counts = self.dead_letters().counts();
        counts.of(DropReason::Stopped) + counts.of(DropReason::Interrupted)
    }

    fn halt_all(&self, how: Halt) -> Vec<Arc<Life>> {
        // Collected first: a halt wakes, and a waker is foreign code.
        let actors: Vec<_> = self.roots.actors.lock().values().cloned().collect();
        actors
            .iter()
            .map(|actor| {
                actor.halt(how);
                Arc::clone(actor.life())
            })
            .collect()
    }

    /// Waits for the ends of `lives`; returns those that have not ended.
    async fn wait_for(&self, lives: &[Arc<Life>], limit: Duration) -> Vec<Arc<Life>> {
        let mut sleep = self.world().executor.sleep(limit);
        for life in lives {
            let mut ended = pin!(Stopped::new(Arc::clone(life)));
            let in_time = poll_fn(|cx| {
                if ended.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(true);
                }
                sleep.as_mut().poll(cx).map(|()| false)
            })
            .await;
            if !in_time {
                break;
            }
        }
        lives.iter().filter(|life| life.ended().is_none()).cloned().collect()
    }
}

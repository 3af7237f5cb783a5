//! Defects of the runtime that exploration has found, each with the shortest
//! schedule that shows it.
#![cfg(feature = "explore")]

use std::time::Duration;

use tidegate::explore::{Explorer, Schedule, Sim, Strategy};
use tidegate::prelude::*;
use tidegate::{Mode, Thresholds};

const MS: Duration = Duration::from_millis(1);

/// Runs the one schedule, and expects nothing wrong.
fn replayed<Fut>(schedule: &str, body: impl Fn(Sim) -> Fut)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let schedule: Schedule = schedule.parse().unwrap();
    Explorer::new(Strategy::Replay(schedule)).run(body).assert_clean();
}

/// Takes so long for each.
struct Slow;

impl Actor for Slow {
    type Msg = Duration;

    async fn handle(&mut self, takes: Duration, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(takes).await;
        Ok(())
    }
}

/// What it had just handled counted as queued, so an adaptive mailbox with a
/// pull window of one, which is what small ones get, saw no relief and pulled
/// for ever.
#[test]
fn a_pull_window_of_one_is_relieved() {
    replayed("-", |sim| async move {
        let mut thresholds = Thresholds::default();
        (thresholds.overloaded_for, thresholds.relieved_for, thresholds.dwell) = (MS, 2 * MS, MS);
        let terms = Adaptive::window(2).pull_window(1).thresholds(thresholds);
        let actor = sim.system().spawn(Slow, terms);
        for _ in 0..5 {
            actor.tell(MS).await.unwrap();
        }
        assert_eq!(actor.mode(), Mode::Pull);
        for _ in 0..4 {
            sim.sleep(5 * MS).await;
            actor.tell(Duration::ZERO).await.unwrap();
        }
        sim.settled().await;
        assert_eq!(actor.mode(), Mode::Push, "{:?}", actor.stats().switches);
    });
}

struct Register(u64);

enum Access {
    Read(Reply<u64>),
    Write(u64),
}

impl Actor for Register {
    type Msg = Access;
    async fn handle(&mut self, access: Access, _: &mut Context<Self>) -> Result<(), Fault> {
        match access {
            Access::Read(reply) => drop(reply.send(self.0)),
            Access::Write(to) => self.0 = to,
        }
        Ok(())
    }
}

/// What is measured is read by people and decides nothing. With the feature
/// `metrics` the mailbox looked at its own length for it, and whoever sent to it
/// conflicted with that: 28 schedules in place of 6.
#[test]
fn nothing_conflicts_with_what_is_measured() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let register = sim.system().spawn(Register(0), Push::bounded(4));
        let clients = ["ann", "bob"].map(|name| {
            let register = register.clone();
            sim.spawn(name, async move {
                let old = register.ask(Access::Read).await.unwrap();
                register.tell(Access::Write(old + 1)).await.unwrap();
            })
        });
        for client in clients {
            client.await;
        }
    });
    report.assert_clean();
    // The orders of four messages, of which each client sends two.
    assert_eq!(report.schedules, 6, "{report}");
}

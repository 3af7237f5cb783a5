//! What a body may do before it waits, and before it is a future.
#![cfg(feature = "explore")]

use tidegate::explore::{Coverage, Explorer, Failure, Faults, Sim, Strategy};
use tidegate::prelude::*;

struct Sink;

impl Actor for Sink {
    type Msg = u64;
    async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

fn both() -> [Explorer; 2] {
    [Explorer::new(Strategy::Exhaustive), Explorer::new(Strategy::Reduced).cross_check(0)]
}

#[test]
fn it_may_choose_before_it_is_a_future() {
    for explorer in both() {
        let (report, outcomes) = explorer.outcomes(|sim: Sim| {
            let chosen = (sim.choose(2), sim.choose(3));
            async move { chosen }
        });
        report.assert_clean();
        assert_eq!(report.coverage, Coverage::Exhausted);
        assert_eq!(outcomes.len(), 6);
    }
}

/// The first task is the body, whoever is spawned first.
#[test]
fn it_may_spawn_before_it_is_a_future() {
    for explorer in both() {
        let report = explorer.run(|sim: Sim| {
            let sink = sim.system().build(|| Sink).named("sink").spawn();
            let client = sink.clone();
            let client = sim.spawn("client", async move { drop(client.tell(1).await) });
            async move {
                sink.tell(2).await.unwrap();
                client.await;
            }
        });
        report.assert_clean();
        assert!(report.schedules > 1, "{report}");
    }
}

#[test]
fn it_may_fail_before_it_is_a_future() {
    for explorer in both() {
        let report = explorer.run(|sim: Sim| {
            assert_eq!(sim.choose(2), 0, "at once");
            async {}
        });
        let finding = report.finding.expect("it fails");
        let Failure::Panicked { task, message, .. } = &finding.failure else { panic!("{}", finding.failure) };
        assert_eq!(task, "body");
        assert!(message.contains("at once"), "{message}");
        assert_eq!(finding.schedule.to_string(), "1");
    }
}

/// Faults wait for actors that are spawned there, too.
#[test]
fn what_it_spawns_there_meets_its_faults() {
    for explorer in both() {
        let report = explorer.faults(Faults::at_most(1).kill("/sink")).run(|sim: Sim| {
            let sink = sim.system().build(|| Sink).named("sink").spawn();
            async move { assert!(sink.tell(1).await.is_ok(), "killed") }
        });
        let finding = report.finding.expect("it is killed first");
        assert!(finding.failure.to_string().contains("killed"), "{}", finding.failure);
    }
}

/// A property is no part of the program, but may choose like it.
#[test]
fn a_property_may_choose_wherever_it_is_looked_at() {
    for explorer in both() {
        let (report, outcomes) = explorer.outcomes(|sim: Sim| async move {
            let (asked, seen) = (sim.clone(), std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)));
            let left = seen.clone();
            sim.always("it is told anything", move || {
                // At the first step, at quiet, and at what follows.
                if left.load(std::sync::atomic::Ordering::Relaxed) < 1_000 {
                    let told = 1 + asked.choose(2);
                    left.fetch_add(told, std::sync::atomic::Ordering::Relaxed);
                }
                Ok(())
            });
            sim.settled().await;
            seen.load(std::sync::atomic::Ordering::Relaxed)
        });
        report.assert_clean();
        assert_eq!(outcomes, [2, 3, 4].into());
    }
}

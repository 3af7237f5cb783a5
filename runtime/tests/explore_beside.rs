//! Tasks beside the body: who they are, and what becomes of them.
#![cfg(feature = "explore")]

use std::future::pending;
use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Failure, Flaw, Shared, Sim, Strategy};
use tidegate::prelude::*;

fn deadlock(body: impl Fn(Sim) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> String {
    let finding = Explorer::default().run(body).finding.expect("it waits for ever");
    let Failure::Deadlock(message) = finding.failure else { panic!("{}", finding.failure) };
    message
}

#[test]
fn one_that_waits_for_ever_is_stuck() {
    let body = |sim: Sim| async move { drop(sim.spawn("watch", pending::<()>())) };
    let message = deadlock(move |sim| Box::pin(body(sim)));
    assert!(message.contains("watch is not done"), "{message}");
    Explorer::default().allow(Flaw::Stuck).run(body).assert_clean();
}

#[test]
fn a_deadlock_names_those_who_wait_for_what_is_not_seen() {
    let message = deadlock(|sim| {
        Box::pin(async move {
            let left = sim.spawn("left", pending::<()>());
            let right = sim.spawn("right", pending::<()>());
            left.await;
            right.await;
        })
    });
    assert!(message.contains("left is not done") && message.contains("right is not done"), "{message}");
}

#[test]
fn each_of_those_with_the_same_name_has_its_own() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim: Sim| async move {
        let cell = Shared::new(0);
        let clients = [1, 2, 3].map(|n| {
            let cell = cell.clone();
            sim.spawn("client", async move {
                cell.set(n);
                assert_ne!(n, 3, "the third");
            })
        });
        for client in clients {
            client.await;
        }
    });
    let chart = report.chart();
    assert!(chart.contains("client(3)") && !chart.contains("client(2)  client(2)"), "{report}");
    let names = chart.lines().next().unwrap_or_default();
    let last = chart.lines().last().unwrap_or_default();
    assert_eq!(names.find("client(3)"), last.find('X'), "{report}");
}

/// Sleeps in its handler as often as it is told, and then for ever.
struct Sleeper;

impl Actor for Sleeper {
    type Msg = u32;

    async fn handle(&mut self, naps: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        for _ in 0..naps {
            cx.sleep(MOMENT).await;
        }
        std::future::pending().await
    }
}

const MOMENT: Duration = Duration::from_millis(1);

fn strategies() -> [Explorer; 2] {
    [Explorer::new(Strategy::Reduced).cross_check(0), Explorer::new(Strategy::Exhaustive)]
}

#[test]
fn the_end_waits_for_who_sleeps_however_often() {
    for (naps, explorer) in (0..6).flat_map(|naps| strategies().map(|explorer| (naps, explorer))) {
        let report = explorer.run(|sim| async move {
            sim.system().build(|| Sleeper).named("sleeper").spawn().tell(naps).await.unwrap();
        });
        let failure = &report.finding.as_ref().unwrap_or_else(|| panic!("{naps}: {report}")).failure;
        assert!(matches!(failure, Failure::Deadlock(why) if why.contains("/sleeper")), "{naps}: {failure}");

        let report = explorer.run(|sim: Sim| async move {
            let beside = sim.clone();
            drop(sim.spawn("beside", async move {
                for _ in 0..naps {
                    beside.sleep(MOMENT).await;
                }
                panic!("awake");
            }));
        });
        let failure = &report.finding.as_ref().unwrap_or_else(|| panic!("{naps}: {report}")).failure;
        assert!(matches!(failure, Failure::Panicked { message, .. } if message == "awake"), "{naps}: {failure}");
    }
}

#[test]
fn who_sleeps_for_ever_and_again_is_not_seen_to_the_end() {
    for explorer in strategies() {
        let report = explorer.run(|sim: Sim| async move {
            let beside = sim.clone();
            drop(sim.spawn("beside", async move {
                loop {
                    beside.sleep(MOMENT).await;
                }
            }));
        });
        report.assert_clean();
        assert_eq!(report.coverage, Coverage::Bounded, "{report}");
    }
}

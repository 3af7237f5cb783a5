//! Programs that do not do the same again, wherever they differ; what runs end
//! with; and what one exploration leaves for the next.
#![cfg(feature = "explore")]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Failure, Flaw, Report, Sim, Strategy};
use tidegate::prelude::*;

struct Sink;

impl Actor for Sink {
    type Msg = ();

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

fn is_not_deterministic(report: &Report) -> bool {
    matches!(report.finding.as_ref().map(|finding| &finding.failure), Some(Failure::Nondeterministic(_)))
}

/// There is no choice behind it at which it would show.
#[test]
fn what_differs_after_the_last_choice_is_noticed() {
    for strategy in [Strategy::Reduced, Strategy::Exhaustive, Strategy::Random { schedules: 9, seed: 1 }] {
        let runs = AtomicU64::new(0);
        let report = Explorer::new(strategy).run(|sim| {
            let messages = runs.fetch_add(1, Relaxed) % 2;
            async move {
                let sink = sim.system().spawn(Sink, Push::bounded(4));
                for _ in 0..messages {
                    sink.try_tell(()).unwrap();
                }
            }
        });
        assert!(is_not_deterministic(&report), "{report}");
    }
}

/// Once in so many runs, whatever their order is.
#[test]
fn what_fails_and_does_not_fail_again_is_not_explained() {
    let runs = AtomicU64::new(0);
    let report = Explorer::new(Strategy::Random { schedules: 100, seed: 1 }).run(|sim| {
        let fails = runs.fetch_add(1, Relaxed) == 20;
        async move {
            let sink = sim.system().spawn(Sink, Push::bounded(1));
            let _ = sink.tell(()).await;
            assert!(!fails, "by chance");
        }
    });
    assert!(is_not_deterministic(&report), "{report}");
    assert!(report.to_string().contains("by chance"), "{report}");
}

#[test]
fn nothing_explored_is_not_clean() {
    for strategy in [
        Strategy::Random { schedules: 0, seed: 1 },
        Strategy::Pct { depth: 2, schedules: 0, seed: 1 },
        Strategy::Reduced,
    ] {
        let report = Explorer::new(strategy).schedules(0).run(|_| async { unreachable!("it is not run") as () });
        assert_eq!((report.coverage, report.schedules, report.is_clean()), (Coverage::CutOff, 0, false), "{report}");
    }
}

/// What is caught of one program is not told of the next; and a property is told what to use.
#[test]
#[cfg(feature = "tokio")]
fn a_property_that_leaves_the_program_is_told_so_and_the_next_is_not() {
    let leaves = |sim: Sim| async move {
        sim.always("no task of tokio", || {
            drop(tokio::spawn(async {}));
            Ok(())
        });
    };
    let finding = Explorer::default().run(leaves).finding.expect("it is found");
    assert!(matches!(finding.failure, Failure::Escaped(_)), "{}", finding.failure);
    Explorer::default().run(|_| async {}).assert_clean();
}

/// What is left at the end of a run is dropped, and may have something to say.
#[test]
fn a_panic_of_what_is_dropped_at_the_end_is_found() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    for strategy in [Strategy::Reduced, Strategy::Exhaustive] {
        let report = Explorer::new(strategy).allow(Flaw::Stuck).run(|sim| async move {
            let guard = Guard;
            drop(sim.spawn("holder", async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        });
        let failure = &report.finding.as_ref().expect("it is found").failure;
        assert!(failure.to_string().starts_with("what was dropped at the end panicked: dropped"), "{failure}");
        assert_eq!(report.schedules, 1);
    }
}

/// As on a real runtime, a sleep of no time lets others run.
#[test]
fn who_sleeps_for_no_time_lets_others_run() {
    let report = Explorer::new(Strategy::Random { schedules: 1, seed: 1 }).steps(50).run(|sim| async move {
        for _ in 0..1_000 {
            sim.sleep(Duration::ZERO).await;
        }
    });
    assert_eq!((report.too_long, report.is_clean()), (1, false), "{report}");
}

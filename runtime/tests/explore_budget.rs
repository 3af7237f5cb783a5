//! What a run may take: steps, and time.
#![cfg(feature = "explore")]

use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Shared, Sim, Strategy};
use tidegate::prelude::*;

/// Tells itself to go on, for ever.
struct Restless;

impl Actor for Restless {
    type Msg = ();
    async fn handle(&mut self, (): (), cx: &mut Context<Self>) -> Result<(), Fault> {
        let _ = cx.me().try_tell(());
        Ok(())
    }
}

async fn restless(sim: Sim) {
    sim.system().spawn(Restless, Push::bounded(2)).tell(()).await.unwrap();
}

#[test]
fn a_run_that_does_not_end_is_cut_off_when_the_time_is_up() {
    let explorer = Explorer::default().steps(usize::MAX).time(Duration::from_millis(100));
    let (report, outcomes) = explorer.outcomes(restless);
    assert_eq!(report.coverage, Coverage::CutOff, "{report}");
    assert_eq!((report.schedules, report.too_long, outcomes.len()), (0, 0, 0), "{report}");
    assert!(!report.is_clean());
}

#[test]
fn what_was_run_to_its_end_before_does_not_make_up_for_it() {
    for strategy in [Strategy::Exhaustive, Strategy::Reduced] {
        let explorer = Explorer::new(strategy).steps(usize::MAX).time(Duration::from_millis(100));
        let report = explorer.run(|sim: Sim| async move {
            if sim.choose(2) == 1 {
                restless(sim).await;
            }
        });
        assert_eq!((report.coverage, report.schedules), (Coverage::CutOff, 1), "{report}");
        assert!(!report.is_clean());
    }
}

/// That was minutes, as long as each step looked at all that its task had done.
#[test]
fn a_long_run_takes_no_longer_for_each_of_its_steps() {
    let report = Explorer::default().steps(30_000).time(Duration::from_secs(40)).run(restless);
    assert_ne!(report.coverage, Coverage::CutOff, "{report}");
    assert_eq!((report.too_long, report.schedules), (1, 1), "{report}");
}

#[test]
fn so_is_one_that_is_kept_going_by_a_property() {
    let explorer = Explorer::default().steps(usize::MAX).time(Duration::from_millis(100));
    let report = explorer.run(|sim: Sim| async move {
        let other = sim.system().spawn(Restless, Push::bounded(2));
        sim.always("it has something to do", move || {
            let _ = other.try_tell(());
            Ok(())
        });
    });
    assert_eq!(report.coverage, Coverage::CutOff, "{report}");
}

/// Waits for nothing, again and again.
struct Impatient;

impl Actor for Impatient {
    type Msg = ();
    async fn handle(&mut self, (): (), cx: &mut Context<Self>) -> Result<(), Fault> {
        loop {
            cx.sleep(Duration::ZERO).await;
        }
    }
}

#[test]
fn to_sleep_for_no_time_ends_a_step() {
    let explorer = Explorer::new(Strategy::Exhaustive).steps(300);
    let report = explorer.run(|sim: Sim| async move {
        sim.system().spawn(Impatient, Push::bounded(1)).tell(()).await.unwrap();
    });
    assert!(report.too_long > 0 && !report.is_clean(), "{report}");
    let report = explorer.run(|sim: Sim| async move {
        while sim.now() == Duration::ZERO {
            sim.sleep(Duration::ZERO).await;
        }
    });
    assert_eq!((report.too_long, report.schedules), (1, 1), "{report}");
}

#[test]
fn while_one_sleeps_for_no_time_another_may_go_on() {
    for strategy in [Strategy::Exhaustive, Strategy::Reduced] {
        let (report, outcomes) = Explorer::new(strategy).outcomes(|sim: Sim| async move {
            let cell = Shared::new(0);
            let writer = cell.clone();
            drop(sim.spawn("writer", async move { writer.set(1) }));
            let before = cell.get();
            sim.sleep(Duration::ZERO).await;
            (before, cell.get())
        });
        report.assert_clean();
        assert!(outcomes.contains(&(0, 1)) && outcomes.contains(&(0, 0)), "{outcomes:?}");
    }
}

//! What a run may take: steps, and time.
#![cfg(feature = "explore")]

use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Sim};
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

//! Listings of the chapter "Shutting down".

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::testkit::TestKit;
use tidegate::{Activity, Phase, Shutdown};
use tidegate_book::Transcript;

/// Waits for ever for each job.
struct Stuck;

impl Actor for Stuck {
    type Msg = &'static str;

    async fn handle(&mut self, _job: &'static str, _cx: &mut Context<Self>) -> Result<(), Fault> {
        std::future::pending().await
    }
}

/// A parent with one child that has something to do.
struct Parent;

impl Actor for Parent {
    type Msg = ();

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.build_child(|| Stuck).named("upload").spawn().try_tell("a file")?;
        Ok(())
    }

    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn the_late_are_named_with_what_they_were_doing() {
    let kit = TestKit::new();
    let system = kit.system().clone();
    let mut out = Transcript::new();
    system.build(|| Parent).named("files").spawn();
    kit.settle();
    let report = kit.block_on(async {
        // ANCHOR: report
        let report = system.shutdown(Duration::from_secs(5)).await;
        assert!(!report.is_clean());
        assert_eq!(report.killed[0].activity, Activity::Stopping); // waits for its child
        assert_eq!(report.killed[1].activity, Activity::Working);
        // ANCHOR_END: report
        report
    });
    out.line(&report);
    out.assert_is("shutdown_report");
}

#[test]
fn a_signal_of_your_own_shuts_down_and_again_kills() {
    let kit = TestKit::new();
    let system = kit.system().clone();
    let stuck = system.build(|| Stuck).named("stuck").spawn();
    stuck.try_tell("a job").unwrap();
    let mut signals = [1, 60].into_iter();
    let executor = kit.executor().clone();
    let report = kit.block_on(async {
        // ANCHOR: signals
        let plan = Shutdown::new().phase(Phase::WORK, Duration::from_secs(3600));
        let next_signal = || {
            // .. on unix, say: tokio::signal::unix's SIGTERM
            tidegate::Executor::sleep(&executor, Duration::from_secs(signals.next().unwrap()))
        };
        let report = system.run_until(next_signal, plan).await;
        // ANCHOR_END: signals
        report
    });
    assert_eq!(kit.now(), Duration::from_secs(61), "killed by the second, long before the deadline");
    assert_eq!(report.killed[0].path.as_str(), "/stuck");
}

//! A real Ctrl-C, in a process of its own: no other test may be in this file,
//! since a signal is the process's.

#![cfg(all(not(tidegate_loom), unix, feature = "signal"))]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::process::Command;
use std::task::Poll;
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Activity, Shutdown};

/// Handles nothing in time.
struct Stuck;

impl Actor for Stuck {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        std::future::pending().await
    }
}

fn ctrl_c() {
    let me = std::process::id().to_string();
    assert!(Command::new("kill").args(["-INT", &me]).status().unwrap().success());
}

#[tokio::test]
async fn ctrl_c_shuts_down_and_again_kills() {
    let system = System::new();
    let idle = system.build(|| Stuck).named("idle").spawn();
    let stuck = system.build(|| Stuck).named("stuck").spawn();
    stuck.tell(()).await.unwrap();
    let an_hour = Shutdown::new().each(Duration::from_secs(3600));
    let mut run = pin!(system.run_until_ctrl_c(an_hour));
    // It listens from its first poll on: before that the signal would end us.
    poll_fn(|cx| {
        assert!(run.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    ctrl_c();
    let mut ended = pin!(idle.stopped());
    poll_fn(|cx| {
        assert!(run.as_mut().poll(cx).is_pending(), "one is stuck, and an hour has not passed");
        ended.as_mut().poll(cx).map(drop)
    })
    .await;
    ctrl_c();
    let report = run.await.unwrap();
    assert!(matches!(stuck.stop_reason(), Some(StopReason::Killed)));
    assert_eq!((report.drained, report.undelivered), (1, 1));
    assert_eq!(report.killed.len(), 1);
    assert_eq!((report.killed[0].path.as_str(), &report.killed[0].activity), ("/stuck", &Activity::Working));
}

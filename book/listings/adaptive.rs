//! Listings of the chapter "Adaptive".

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Executor, ManualExecutor};
use tidegate_book::Transcript;

// ANCHOR: actor
/// Takes a millisecond for each request.
struct Api;

impl Actor for Api {
    type Msg = u32;

    async fn handle(&mut self, _request: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(1)).await;
        Ok(())
    }
}
// ANCHOR_END: actor

// ANCHOR: swing
fn swing(out: &mut Transcript) {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let api = system.spawn(Api, Adaptive::window(64).pull_window(8));

    // Every 2 ms for 100 ms; every 0.5 ms for 200 ms; every 2 ms for 300 ms.
    executor.block_on(async {
        for (every, until) in [(2_000, 100), (500, 300), (2_000, 600)] {
            while executor.now() < Duration::from_millis(until) {
                api.tell(0).await.unwrap();
                executor.sleep(Duration::from_micros(every)).await;
            }
            let (mode, len, now) = (api.mode(), api.len(), executor.now().as_millis());
            out.line(format!("{now:>4} ms: {mode:?}, {len} queued"));
        }
    });
    for switch in api.stats().switches {
        let at = switch.at.as_millis();
        out.line(format!("switch {}: at {at} ms to {:?}, {:?}", switch.epoch, switch.to, switch.reason));
    }
}
// ANCHOR_END: swing

#[test]
fn a_swinging_load() {
    let mut out = Transcript::new();
    swing(&mut out);
    out.assert_is("adaptive_swing");
}

// ANCHOR: thresholds
#[test]
fn thresholds_can_be_set() {
    use tidegate::Thresholds;

    let mut patient = Thresholds::default();
    patient.overloaded_for = Duration::from_millis(200);
    patient.relieved_for = Duration::from_secs(2);
    patient.dwell = Duration::from_secs(1);
    let inbox: Mailbox<u32> = Adaptive::window(256).pull_window(16).thresholds(patient).into();
    assert_eq!(inbox.capacity(), Some(256));
}
// ANCHOR_END: thresholds

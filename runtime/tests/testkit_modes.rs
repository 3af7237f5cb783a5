//! One test in all modes: each mode is a test of its own, sync and async.

#![cfg(all(not(tidegate_loom), feature = "testkit"))]

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::testkit::{TestKit, TestMode};

struct Sum(u64);

impl Actor for Sum {
    type Msg = u64;
    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(n)).await;
        self.0 += n;
        Ok(())
    }
}

tidegate::in_all_modes! {
    /// One sender that waits for each grant.
    fn every_message_is_handled_in_its_time(mode) {
        let kit = TestKit::new();
        let sum = kit.spawn(Sum(0), mode.mailbox(4));
        let to = sum.clone();
        let sender = kit.start(async move {
            for n in 1..=20 {
                to.tell(n).await.unwrap();
            }
        });
        assert!(sender.is_waiting());
        kit.flow(&sum).would_wait().waiting_senders(1);
        kit.advance(Duration::from_millis(210));
        sender.expect();
        kit.flow(&sum).handled(20).nothing_dropped();
        kit.finish();
    }

    #[should_panic(expected = "expected that a tell would wait, but its policy does not wait")]
    fn what_rejects_does_not_wait(mode) {
        let kit = TestKit::new();
        let sum = kit.spawn(Sum(0), mode.mailbox_with(1, Overflow::Reject));
        kit.flow(&sum).would_wait();
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_on_tokio(mode) {
        let system = System::new();
        let sum = system.spawn(Sum(0), mode.mailbox(2));
        for n in 1..=10 {
            sum.tell(n).await.unwrap();
        }
        let report = system.shutdown(Duration::from_secs(1)).await;
        assert!(report.is_clean(), "{mode}: {report}");
        assert_eq!(sum.stats().handled, 10, "{mode}");
    }
}

#[test]
fn every_mode_has_a_test_and_a_name_of_its_own() {
    let names: Vec<&str> = TestMode::ALL.iter().map(|mode| mode.name()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), names.len());
    // The macro writes the names out; a mode that it forgets is found here.
    let source = include_str!("../src/testkit/modes.rs");
    for (mode, name) in TestMode::ALL.iter().zip(names) {
        assert!(source.contains(&format!("$awaited {name} {mode:?});")), "in_all_modes! leaves out {mode:?}");
    }
}

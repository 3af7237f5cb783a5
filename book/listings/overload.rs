//! Listings of the chapter "Overload and deadlocks".

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Deadlocks, ManualExecutor, TellWithinError};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Takes its time.
struct Slow(Duration);

impl Actor for Slow {
    type Msg = u32;
    async fn handle(&mut self, _: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(self.0).await;
        Ok(())
    }
}

// ANCHOR: shed
#[test]
fn what_cannot_be_handled_in_time_is_not_let_in() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let store = system.spawn(Slow(ms(100)), Push::bounded(4).overflow(Overflow::Reject));
    executor.run_until_idle();
    let refused = (0..10).filter(|n| matches!(store.try_tell(*n), Err(SendError::Full(_)))).count();
    assert_eq!(refused, 6, "its sender knows at once, and not after 1,000 ms");
}
// ANCHOR_END: shed

// ANCHOR: deadline
#[test]
fn a_wait_has_a_limit() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let store = system.spawn(Slow(ms(100)), Push::bounded(1));
    let told = executor.block_on(async {
        store.tell(1).await.unwrap();
        store.tell(2).await.unwrap();
        store.tell_within(ms(20), 3).await
    });
    assert_eq!(told, Err(TellWithinError::Timeout(3)));
}
// ANCHOR_END: deadline

// ANCHOR: long
#[test]
fn who_waits_for_long_is_told_of() {
    let executor = ManualExecutor::new();
    let system =
        System::builder().deadlocks(Deadlocks::watched()).long_waits(Duration::from_secs(2)).build_on(executor.clone());
    let log = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&log);
    system.on_long_wait(move |wait| listener.lock().unwrap_or_else(PoisonError::into_inner).push(wait.to_string()));

    let store = system.build(|| Slow(ms(10_000))).named("store").mailbox(Push::bounded(1)).spawn();
    executor.block_on(async {
        for n in 0..3 {
            store.tell(n).await.unwrap();
        }
    });
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(
        *log,
        [
            "a task waits for room in /store, 2s (capacity 1: 1 queued, 1 waiting)",
            "a task waits for room in /store, 4s (capacity 1: 1 queued, 1 waiting)",
            "a task waits for room in /store, 8s (capacity 1: 1 queued, 1 waiting)",
        ]
    );
}
// ANCHOR_END: long

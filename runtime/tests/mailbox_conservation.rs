//! THE property: whatever is done to a mailbox, under every mode and policy
//! and while they change, each message has exactly one fate.
//!
//! accepted = handled + dropped by reason + returned + in the queue
#![cfg(not(tidegate_loom))]

#[path = "mailbox_support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use support::{Policy, Task, Way, block_on, cases, now};
use tidegate::{Mailbox, Overflow, Push, Receiver, SendError, Sender, mailbox};

/// A close and a change of storage at the same time: the receiver sees the
/// end, whichever comes first.
#[test]
fn a_close_is_seen_through_a_change_of_storage() {
    for round in 0..20_000 {
        let (tx, mut rx) = mailbox::channel::<u64>(Push::bounded(4));
        let start = std::sync::Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                tx.close();
            });
            start.wait();
            for _ in 0..round % 50 {
                std::hint::spin_loop();
            }
            rx.reconfigure(Push::bounded(4).overflow(Overflow::DropOldest));
            let end = std::time::Instant::now() + Duration::from_secs(2);
            while rx.try_recv() != Err(tidegate::TryRecvError::Closed) {
                assert!(std::time::Instant::now() < end, "round {round}");
            }
        });
    }
}

//! Listings of the chapter "Push".

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{TellWithinError, mailbox};
use tidegate_book::Transcript;
use tokio::time::Instant;

// ANCHOR: four_places
async fn four_places(out: &mut Transcript) {
    let (tx, mut rx) = mailbox::channel(Push::bounded(4));
    let mut show = |did: &str| out.line(format!("{did:<16} {} queued, {} free", tx.len(), tx.free()));

    for n in 1..=4 {
        tx.try_tell(n).unwrap();
    }
    show("1 to 4 are sent:");
    assert!(matches!(tx.try_tell(5), Err(SendError::Full(5))));
    show("5 comes back:");
    assert_eq!(rx.recv().await, Some(1));
    show("1 is taken:");
    tx.try_tell(5).unwrap();
    show("5 is sent:");
}
// ANCHOR_END: four_places

#[tokio::test]
async fn four_places_are_four_places() {
    let mut out = Transcript::new();
    four_places(&mut out).await;
    out.assert_is("push_four_places");
}

// ANCHOR: latency
struct Server {
    worst: Arc<Mutex<Duration>>,
}

impl Actor for Server {
    /// When the request was let in.
    type Msg = Instant;

    async fn handle(&mut self, let_in: Instant, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(5)).await;
        let mut worst = self.worst.lock().map_err(|_| Fault::msg("poisoned"))?;
        *worst = worst.max(let_in.elapsed());
        Ok(())
    }
}

/// The worst latency behind a sender that always has one more.
async fn worst_latency(capacity: usize) -> Duration {
    let worst = Arc::new(Mutex::new(Duration::ZERO));
    let server = System::new().spawn(Server { worst: Arc::clone(&worst) }, Push::bounded(capacity));
    for _ in 0..4 * capacity {
        let permit = server.reserve().await.unwrap();
        permit.send(Instant::now()).unwrap();
    }
    server.drain();
    server.stopped().await;
    let worst = worst.lock().unwrap();
    *worst
}
// ANCHOR_END: latency

#[tokio::test(start_paused = true)]
async fn a_bound_is_a_latency() {
    let mut out = Transcript::new();
    for capacity in [1, 8, 64, 1024] {
        let worst = worst_latency(capacity).await;
        out.line(format!("capacity {capacity:>4}: at worst {:>4} ms from let in to handled", worst.as_millis()));
    }
    out.assert_is("push_latency");
}

// ANCHOR: permit
#[tokio::test]
async fn a_permit_holds_a_grant_and_not_a_place() {
    let (tx, mut rx) = mailbox::channel(Push::bounded(2));
    let permit = tx.reserve().await.unwrap();
    // One grant is set aside, one is left.
    tx.try_tell("sent first").unwrap();
    assert!(matches!(tx.try_tell("one too many"), Err(SendError::Full(_))));

    // The permit cannot fail for want of room; its place is taken now.
    permit.send("sent second").unwrap();
    assert_eq!(rx.recv().await, Some("sent first"));
    assert_eq!(rx.recv().await, Some("sent second"));
}
// ANCHOR_END: permit

// ANCHOR: within
#[tokio::test(start_paused = true)]
async fn waiting_can_be_bounded() {
    struct Stuck;

    impl Actor for Stuck {
        type Msg = &'static str;

        async fn handle(&mut self, _: &'static str, _: &mut Context<Self>) -> Result<(), Fault> {
            std::future::pending().await
        }
    }

    let stuck = System::new().spawn(Stuck, Push::bounded(1));
    stuck.tell("goes into the handler").await.unwrap();
    stuck.tell("goes into the mailbox").await.unwrap();
    let late = stuck.tell_within(Duration::from_millis(50), "comes back").await;
    assert!(matches!(late, Err(TellWithinError::Timeout("comes back"))));
}
// ANCHOR_END: within

// ANCHOR: control
#[tokio::test]
async fn a_stop_passes_a_backlog() {
    #[derive(Default)]
    struct Log;

    impl Actor for Log {
        type Msg = u32;

        async fn handle(&mut self, _: u32, _: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }

    let log = System::new().spawn(Log, Push::bounded(64));
    for n in 0..64 {
        log.try_tell(n).unwrap();
    }
    log.stop(); // behind 64 messages, and ahead of them
    assert!(matches!(log.stopped().await, StopReason::Stopped));
    let stats = log.stats();
    assert_eq!((stats.handled, stats.drops.total()), (0, 64));
}
// ANCHOR_END: control

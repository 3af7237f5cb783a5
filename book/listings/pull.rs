//! Listings of the chapter "Pull".

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{InFlight, mailbox};
use tidegate_book::Transcript;

// ANCHOR: demand
#[tokio::test]
async fn demand_is_a_number() {
    let (tx, mut rx) = mailbox::channel(Pull::manual());
    assert!(matches!(tx.try_tell(1), Err(SendError::NoDemand(1))));

    rx.request(2);
    rx.request(1); // adds up: three in all
    for n in 1..=3 {
        tx.try_tell(n).unwrap();
    }
    assert!(matches!(tx.try_tell(4), Err(SendError::NoDemand(4))));

    // Receiving makes room but no demand: nobody has asked for a fourth.
    assert_eq!(rx.recv().await, Some(1));
    assert!(tx.try_tell(4).is_err());
    assert_eq!(rx.demand(), Some(2));
}
// ANCHOR_END: demand

// ANCHOR: window
async fn window(out: &mut Transcript) {
    let (tx, mut rx) = mailbox::channel(Pull::window(8).low(2));
    let mut asked = 8;
    out.line("at the start: asked for 8");
    for n in 1..=14 {
        tx.tell(n).await.unwrap();
        let before = rx.demand().unwrap();
        rx.recv().await.unwrap();
        // One was taken; what goes beyond that was asked for.
        let more = rx.demand().unwrap() + 1 - before;
        if more > 0 {
            asked += more;
            out.line(format!("before {n} is taken: {before} outstanding, asks for {more}: {asked} in all"));
        }
    }
}
// ANCHOR_END: window

#[tokio::test]
async fn a_window_is_refilled_at_its_low_mark() {
    let mut out = Transcript::new();
    window(&mut out).await;
    out.assert_is("pull_window");
}

// ANCHOR: in_flight
/// Starts uploads and does not wait for them: each goes on by itself.
struct Uploads;

struct Upload(InFlight);

enum Msg {
    Start(&'static str),
}

impl Actor for Uploads {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        let Msg::Start(_file) = msg;
        let upload = Upload(cx.in_flight());
        let done = cx.sleep(Duration::from_millis(100));
        cx.spawn(async move {
            done.await;
            drop(upload.0); // the guard: room for one more
        });
        Ok(())
    }
}
// ANCHOR_END: in_flight

// ANCHOR: in_flight_run
#[tokio::test(start_paused = true)]
async fn uploads_are_limited_though_handlers_return_at_once() {
    let uploads = System::new().spawn(Uploads, Pull::max_in_flight(2));
    let begun = tokio::time::Instant::now();
    for file in ["a", "b", "c", "d", "e", "f"] {
        uploads.tell(Msg::Start(file)).await.unwrap();
    }
    // The third waited for the first pair, the fifth for the second.
    assert_eq!(begun.elapsed().as_millis(), 200);
}
// ANCHOR_END: in_flight_run

// ANCHOR: fifo
#[tokio::test]
async fn waiting_senders_are_served_in_order() {
    let (tx, mut rx) = mailbox::channel(Pull::manual());
    // Three senders wait; each holds its place.
    let senders: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|name| {
            let tx = tx.clone();
            tokio::spawn(async move { tx.tell(name).await.unwrap() })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(tx.stats().waiting_senders, 3);

    rx.request(3);
    // Demand is theirs: somebody who comes now does not pass them.
    assert!(tx.try_tell("late").is_err());
    assert_eq!([rx.recv().await, rx.recv().await, rx.recv().await], [Some("a"), Some("b"), Some("c")]);
    for sender in senders {
        sender.await.unwrap();
    }
}
// ANCHOR_END: fifo

// ANCHOR: batch
#[tokio::test]
async fn batches() {
    let (tx, mut rx) = mailbox::channel(Pull::window(64));
    for n in 0..10 {
        tx.tell(n).await.unwrap();
    }
    let mut batch = Vec::new();
    assert_eq!(rx.recv_many(&mut batch, 4).await, 4);
    assert_eq!(rx.recv_many(&mut batch, 100).await, 6);
    assert_eq!(batch, (0..10).collect::<Vec<_>>());
}
// ANCHOR_END: batch

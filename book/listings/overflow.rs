//! Listings of the chapter "Overflow".

use std::sync::{Arc, Mutex};

use tidegate::prelude::*;
use tidegate::{DropReason, mailbox};

// ANCHOR: admission
#[tokio::test]
async fn an_admission_says_what_became_of_a_message() {
    let (tx, mut rx) = mailbox::channel(Push::bounded(2).overflow(Overflow::DropOldest));
    assert_eq!(tx.try_tell("a"), Ok(Admission::Queued));
    assert_eq!(tx.try_tell("b"), Ok(Admission::Queued));
    assert_eq!(tx.try_tell("c"), Ok(Admission::Displaced)); // and "a" is gone
    assert_eq!((rx.recv().await, rx.recv().await), (Some("b"), Some("c")));
    assert_eq!(tx.stats().drops.of(DropReason::DropOldest), 1);
}
// ANCHOR_END: admission

// ANCHOR: latest
#[tokio::test]
async fn the_latest_and_nothing_else() {
    let (tx, mut rx) = mailbox::channel(Push::bounded(1).overflow(Overflow::Latest));
    for position in 1..=5 {
        tx.try_tell(position).unwrap();
    }
    assert_eq!(rx.try_recv(), Ok(5));
    assert!(rx.try_recv().is_err());
}
// ANCHOR_END: latest

// ANCHOR: conflate
#[tokio::test]
async fn prices_are_conflated_by_symbol() {
    #[derive(Debug, PartialEq)]
    struct Price {
        symbol: &'static str,
        cents: u32,
        updates: u32,
    }
    let price = |symbol, cents| Price { symbol, cents, updates: 1 };

    let inbox = Mailbox::from(Push::bounded(2)).conflate(
        |price: &Price| price.symbol,
        |queued, new| {
            queued.cents = new.cents;
            queued.updates += new.updates;
        },
    );
    let (tx, mut rx) = mailbox::channel(inbox);
    assert_eq!(tx.try_tell(price("A", 100)).unwrap(), Admission::Queued);
    assert_eq!(tx.try_tell(price("B", 200)).unwrap(), Admission::Queued);
    // At capacity now. "A" is queued: its place stays, its content is merged.
    assert_eq!(tx.try_tell(price("A", 101)).unwrap(), Admission::Conflated);
    assert_eq!(tx.try_tell(price("A", 102)).unwrap(), Admission::Conflated);
    // Of "C" nothing is queued: the oldest goes, and is counted.
    assert_eq!(tx.try_tell(price("C", 300)).unwrap(), Admission::Displaced);

    assert_eq!(rx.recv().await, Some(price("B", 200)));
    assert_eq!(rx.recv().await, Some(price("C", 300)));
    assert_eq!(tx.stats().drops.of(DropReason::DropOldest), 1);
}
// ANCHOR_END: conflate

// ANCHOR: dead_letters
#[tokio::test]
async fn dead_letters_can_be_looked_at() {
    struct Desk;

    impl Actor for Desk {
        type Msg = u32;

        async fn handle(&mut self, _: u32, _: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }

    let system = System::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let _subscription = system.dead_letters().subscribe(move |letter| {
        let message = letter.message.as_ref().and_then(|message| message.downcast_ref::<u32>()).copied();
        keep.lock().unwrap().push((letter.mailbox.to_string(), letter.reason, message));
    });

    let desk = system.build(|| Desk).named("desk").mailbox(Push::bounded(1).overflow(Overflow::Divert)).spawn();
    assert_eq!(desk.tell(1).await.unwrap(), Admission::Queued);
    assert_eq!(desk.tell(2).await.unwrap(), Admission::Diverted);
    assert_eq!(*seen.lock().unwrap(), [("/desk".to_owned(), DropReason::Diverted, Some(2))]);
    assert_eq!(system.dead_letters().counts().total(), 1);
}
// ANCHOR_END: dead_letters

// ANCHOR: fail
#[tokio::test]
async fn an_overflow_can_be_a_failure() {
    let (tx, mut rx) = mailbox::channel(Push::bounded(1).overflow(Overflow::Fail));
    tx.try_tell("kept").unwrap();
    assert!(matches!(tx.try_tell("too many"), Err(SendError::Overflowed("too many"))));
    // The mailbox is closed, for everybody. What was accepted is delivered.
    assert!(matches!(tx.try_tell("later"), Err(SendError::Closed("later"))));
    assert_eq!(rx.recv().await, Some("kept"));
    assert_eq!(rx.recv().await, None);
}
// ANCHOR_END: fail

// ANCHOR: try_tell
#[tokio::test]
async fn try_tell_never_waits() {
    // The policy says what `tell` does without a grant. `try_tell` never waits.
    let (tx, _rx) = mailbox::channel(Push::bounded(1).overflow(Overflow::Wait));
    tx.tell(1).await.unwrap();
    assert!(matches!(tx.try_tell(2), Err(SendError::Full(2))));
}
// ANCHOR_END: try_tell

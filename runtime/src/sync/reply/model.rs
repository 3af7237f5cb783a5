use std::pin::pin;
use std::task::Poll;

use loom::thread;

use super::slot;
use crate::sync::modelling::{Ledger, block_on, model_unbounded, poll_once};

/// Written by one thread and read by another: the slot's cells are watched.
/// Two threads here and below, so without a bound.
#[test]
fn an_answer_arrives_whole() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (answer, pending) = slot(None);
        let answerer = thread::spawn({
            let value = ledger.message(1);
            move || assert!(answer.send(value).is_ok(), "the asker waits")
        });
        let got = block_on(pending);
        assert_eq!(got.map(|value| value.id()), Some(1));
        answerer.join().unwrap();
        ledger.close();
    });
}

/// Polled first with one waker, which nobody listens to, and then with another.
#[test]
fn the_latest_waker_is_woken() {
    model_unbounded(|| {
        let (answer, pending) = slot(None);
        let answerer = thread::spawn(move || answer.send(7));
        let mut pending = pin!(pending);
        let got = match poll_once(pending.as_mut()) {
            Poll::Ready(got) => got,
            Poll::Pending => block_on(pending),
        };
        assert_eq!(got, Some(7));
        assert_eq!(answerer.join().unwrap(), Ok(()));
    });
}

/// The asker gives up, before or after it has waited, while the other answers:
/// the value goes back, or is in the slot and goes with it.
#[test]
fn an_answer_is_delivered_or_handed_back() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (answer, pending) = slot(None);
        let answerer = thread::spawn({
            let value = ledger.message(1);
            move || answer.send(value).is_err()
        });
        let mut pending = Box::pin(pending);
        let got = poll_once(pending.as_mut());
        drop(pending);
        let delivered = matches!(&got, Poll::Ready(Some(value)) if value.id() == 1);
        let handed_back = answerer.join().unwrap();
        assert!(!(delivered && handed_back), "one value in two places");
        drop(got);
        ledger.close();
    });
}

/// An asker does not wait for somebody who has gone.
#[test]
fn an_asker_hears_that_there_is_no_answer() {
    model_unbounded(|| {
        let (answer, pending) = slot::<u32>(None);
        let answerer = thread::spawn(move || drop(answer));
        assert_eq!(block_on(pending), None);
        answerer.join().unwrap();
    });
}

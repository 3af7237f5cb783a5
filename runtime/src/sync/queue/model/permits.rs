//! Grants set aside: they count, they reach whoever waits, they harm nobody.

use loom::thread;

use super::{bury, queue, reserve, send};
use crate::sync::modelling::{Ledger, block_on, model, model_unbounded};
use crate::sync::queue::{Refusal, Terms};
use crate::sync::shim::Arc;

/// Two for one grant, a permit and a message: one of them gets it. Three
/// threads.
#[test]
fn permits_are_grants() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        let reserver = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.try_reserve(1).is_ok()
        });
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || queue.try_put(message).is_ok()
        });
        let (reserved, put) = (reserver.join().unwrap(), sender.join().unwrap());
        assert!(reserved != put, "one grant: {reserved} {put}");
        if reserved {
            assert!(queue.put_reserved(ledger.message(2), |message| message).is_ok());
        }
        assert_eq!(bury(&queue, &mut consumer), [if reserved { 2 } else { 1 }]);
        ledger.close();
    });
}

/// A permit given up while a sender goes to sleep for it: the sender gets in.
/// Two threads.
#[test]
fn a_dropped_permit_reaches_the_next_sender() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert_eq!(queue.try_reserve(1), Ok(()));
        let holder = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.release_permits(1)
        });
        assert!(block_on(send(&queue, ledger.message(1))).is_ok());
        holder.join().unwrap();
        assert_eq!(bury(&queue, &mut consumer), [1]);
        ledger.close();
    });
}

/// A permit set aside long ago is used for the slot that the receiver has just
/// emptied, after others have gone on. Two threads, a mailbox of two.
#[test]
fn a_permit_finds_its_slot_empty() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert_eq!(queue.try_reserve(1), Ok(()));
        let holder = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(3));
            move || assert!(queue.put_reserved(message, |message| message).is_ok())
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        assert!(queue.try_put(ledger.message(2)).is_ok(), "one is free");
        holder.join().unwrap();
        let mut left = bury(&queue, &mut consumer);
        left.sort_unstable();
        assert_eq!(left, [2, 3]);
        ledger.close();
    });
}

/// Several permits at once, of which each half is given up by itself: who
/// waits for both gets both. Three threads.
#[test]
fn permits_taken_together_wait_for_all() {
    model(|| {
        let (queue, mut consumer) = queue(Terms::push(2));
        assert_eq!(queue.try_reserve(2), Ok(()));
        let holders = [0, 1].map(|_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.release_permits(1))
        });
        assert!(block_on(reserve(&queue, 2)).is_ok());
        assert_eq!(queue.try_reserve(1), Err(Refusal::Full));
        for holder in holders {
            holder.join().unwrap();
        }
        queue.release_permits(2);
        assert_eq!(queue.free(), 2);
        assert_eq!(bury(&queue, &mut consumer), []);
    });
}

/// A permit is used while the queue is closed and left: its message is
/// received, or refused and handed back. The permit counts no more afterwards.
/// Two threads.
#[test]
fn permits_outlive_a_close_without_harm() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert_eq!(queue.try_reserve(1), Ok(()));
        let holder = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || queue.put_reserved(message, |message| message).is_ok()
        });
        queue.close();
        let mut got = Vec::new();
        while !consumer.is_drained(&queue) {
            got.extend(consumer.try_take(&queue).map(|message| message.id()));
            thread::yield_now();
        }
        let put = holder.join().unwrap();
        assert_eq!(got, if put { vec![1] } else { vec![] });
        assert!(consumer.try_take(&queue).is_none(), "nothing comes after the end");
        drop(bury(&queue, &mut consumer));
        ledger.close();
    });
}

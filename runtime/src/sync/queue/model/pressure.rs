//! The level of pressure, as a listener is told of it.

use loom::thread;

use super::{Shared, queue, send};
use crate::sync::access::Access;
use crate::sync::modelling::{Ledger, block_on, model, model_unbounded};
use crate::sync::queue::Terms;
use crate::sync::shim::Arc;
use crate::sync::watch::Until;

/// Marks: pressed when nothing is free, relieved when all `capacity` is.
fn listen(queue: &Shared, capacity: u64) {
    queue.with_watch(
        |watch| {
            watch.set_marks(0, capacity);
            watch.add_listener();
        },
        Access::Write,
    );
}

/// The edges so far. The look at the level that goes with the question comes
/// after the answer, so it does not repair what it is to find.
fn edges(queue: &Shared) -> u64 {
    queue.with_watch(|watch| watch.edges(), Access::Read)
}

/// One sends and one sets a grant aside in a mailbox of two, while the receiver
/// takes: the level that was told last is the level. Three threads.
#[test]
fn pressure_edges_alternate_and_end_at_the_level() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        listen(&queue, 1);
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert_eq!(edges(&queue), 0);
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || queue.try_put(message).is_ok()
        });
        let reserver = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.try_reserve(1).is_ok()
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        let (put, reserved) = (sender.join().unwrap(), reserver.join().unwrap());
        let free = 2 - u64::from(put) - u64::from(reserved);
        assert_eq!(queue.free(), free);
        assert_eq!(edges(&queue) % 2, u64::from(free == 0), "pressed if none is free");
        if reserved {
            queue.release_permits(1);
            assert_eq!(edges(&queue) % 2, 0, "relieved");
        }
        super::bury(&queue, &mut consumer);
        ledger.close();
    });
}

/// A sender that finds room when it is about to wait fills the mailbox up:
/// that is told too. Two threads.
#[test]
fn a_grant_found_while_waiting_counts() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        listen(&queue, 1);
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || assert!(block_on(send(&queue, message)).is_ok())
        });
        assert!(consumer.try_take(&queue).is_some());
        consumer.publish(&queue);
        sender.join().unwrap();
        assert_eq!(edges(&queue) % 2, 1, "none is free: pressed");
        assert!(consumer.try_take(&queue).is_some());
        ledger.close();
    });
}

/// Somebody begins to listen while a message goes in, or out: it is told how
/// the mailbox stands in the end, whichever was first. Two threads.
#[test]
fn a_new_listener_misses_nothing() {
    for fills in [true, false] {
        model_unbounded(move || {
            let ledger = Ledger::new();
            let (queue, mut consumer) = queue(Terms::push(1));
            // Storage, so that the claim takes the short way.
            assert!(queue.try_put(ledger.message(1)).is_ok());
            if fills {
                assert!(consumer.try_take(&queue).is_some());
                consumer.publish(&queue);
                let sender = thread::spawn({
                    let (queue, message) = (Arc::clone(&queue), ledger.message(2));
                    move || assert!(queue.try_put(message).is_ok())
                });
                listen(&queue, 1);
                sender.join().unwrap();
            } else {
                let listener = thread::spawn({
                    let queue = Arc::clone(&queue);
                    move || listen(&queue, 1)
                });
                assert!(consumer.try_take(&queue).is_some());
                consumer.publish(&queue);
                listener.join().unwrap();
            }
            assert_eq!(edges(&queue) % 2, u64::from(fills), "pressed if none is free");
            drop(consumer.try_take(&queue));
            ledger.close();
        });
    }
}

/// Somebody waits until the receiver has come further while it takes and goes
/// to sleep: woken, or told at once. Demand stands still, so nothing else would
/// wake it. Two threads.
#[test]
fn progress_is_not_slept_through() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(super::pull(2, 1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let follower = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut key = None;
                block_on(std::future::poll_fn(|cx| queue.follow(Until::Taken(1), &mut key, cx.waker())))
            }
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        follower.join().unwrap();
        assert_eq!(queue.taken(), 1);
        super::bury(&queue, &mut consumer);
        ledger.close();
    });
}

/// A mailbox that closes leaves nobody waiting for its receiver. Two threads.
#[test]
fn a_close_is_progress_enough() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(super::pull(2, 1));
        let follower = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut key = None;
                block_on(std::future::poll_fn(|cx| queue.follow(Until::Taken(1), &mut key, cx.waker())))
            }
        });
        super::bury(&queue, &mut consumer);
        follower.join().unwrap();
        ledger.close();
    });
}

/// Somebody waits for room, without a place in the queue, while the receiver asks
/// for a message. Two threads.
#[test]
fn room_is_not_slept_through() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(super::pull(2, 0));
        let follower = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || {
                let mut key = None;
                block_on(std::future::poll_fn(|cx| queue.follow(Until::Room, &mut key, cx.waker())));
                assert!(queue.try_put(message).is_ok(), "nobody else wants it");
            }
        });
        consumer.request(&queue, 1);
        follower.join().unwrap();
        super::bury(&queue, &mut consumer);
        ledger.close();
    });
}

/// The same while another gives back the permit that fills the mailbox. Two
/// threads.
#[test]
fn a_permit_given_back_is_room() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_reserve(1).is_ok());
        let follower = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || {
                let mut key = None;
                block_on(std::future::poll_fn(|cx| queue.follow(Until::Room, &mut key, cx.waker())));
                assert!(queue.try_put(message).is_ok(), "nobody else wants it");
            }
        });
        queue.release_permits(1);
        follower.join().unwrap();
        super::bury(&queue, &mut consumer);
        ledger.close();
    });
}

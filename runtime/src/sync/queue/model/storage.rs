//! Rings: the first, larger ones, and giving them back.

use loom::thread;

use super::{bury, queue, receive, taken};
use crate::sync::modelling::{Ledger, model};
use crate::sync::queue::Terms;
use crate::sync::shim::Arc;

/// The first ring is full, and two senders go on in the next, which one of
/// them makes, while the receiver takes and makes room. Three threads.
#[test]
fn growing_keeps_order_and_loses_nothing() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(4));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert!(queue.try_put(ledger.message(2)).is_ok());
        let senders = [3, 4].map(|id| {
            let (queue, message) = (Arc::clone(&queue), ledger.message(id));
            thread::spawn(move || assert!(queue.try_put(message).is_ok(), "there is room for four"))
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        for sender in senders {
            sender.join().unwrap();
        }
        let mut got = taken(&queue, &mut consumer);
        assert_eq!(got[0], 2);
        got.sort_unstable();
        assert_eq!(got, [2, 3, 4]);
        ledger.close();
    });
}

/// A sender makes the ring larger from a look at the mailbox that is older
/// than what the receiver has done since: it has to hold what the receiver has
/// let in meanwhile. Two threads, a mailbox of four.
#[test]
fn a_ring_grows_from_an_old_look() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(4));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert!(queue.try_put(ledger.message(2)).is_ok());
        let sender = thread::spawn({
            let (queue, messages) = (Arc::clone(&queue), [3, 4, 5].map(|id| ledger.message(id)));
            move || messages.map(|message| queue.try_put(message).is_ok()).into_iter().filter(|put| *put).count()
        });
        let mut got = Vec::new();
        for _ in 0..3 {
            got.extend(consumer.try_take(&queue).map(|message| message.id()));
            consumer.publish(&queue);
        }
        let put = sender.join().unwrap() as u32;
        got.extend(taken(&queue, &mut consumer));
        assert_eq!(got.len() as u32, 2 + put, "{got:?}");
        assert!(got.is_sorted(), "{got:?}");
        ledger.close();
    });
}

/// The receiver goes to sleep where a ring ends, or is about to: it is woken
/// for what comes in the next. Two threads.
#[test]
fn growing_never_strands_the_receiver() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(4));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert!(queue.try_put(ledger.message(2)).is_ok());
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(3));
            move || assert!(queue.try_put(message).is_ok())
        });
        for id in [1, 2, 3] {
            assert_eq!(receive(&queue, &mut consumer).map(|message| message.id()), Some(id));
        }
        sender.join().unwrap();
        ledger.close();
    });
}

/// A mailbox that has never been used, or was emptied and put away, wakes up
/// for a message. Two threads.
#[test]
fn an_idle_mailbox_wakes_up() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || assert!(queue.try_put(message).is_ok())
        });
        assert_eq!(receive(&queue, &mut consumer).map(|message| message.id()), Some(1));
        sender.join().unwrap();
        ledger.close();
    });
}

/// An empty mailbox gives its ring back while a sender claims a slot: the
/// claim comes first and the ring stays, or it meets a mailbox without one.
/// The sender's second message finds the first ring of a new life. Two
/// threads.
#[test]
fn a_retired_mailbox_starts_small_again() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert!(consumer.try_take(&queue).is_some());
        consumer.publish(&queue);
        let sender = thread::spawn({
            let (queue, messages) = (Arc::clone(&queue), [2, 3].map(|id| ledger.message(id)));
            move || {
                for message in messages {
                    assert!(queue.try_put(message).is_ok(), "there is room for two");
                }
            }
        });
        consumer.retire(&queue);
        for id in [2, 3] {
            assert_eq!(receive(&queue, &mut consumer).map(|message| message.id()), Some(id));
        }
        sender.join().unwrap();
        assert!(consumer.holds_storage(&queue));
        consumer.retire(&queue);
        assert!(!consumer.holds_storage(&queue));
        ledger.close();
    });
}

/// Two senders claim around a retirement, one of them from an old look at the
/// limit, which reached further than the new ring does; one of them may use a
/// permit. Three threads.
#[test]
fn an_old_look_at_the_limit_is_harmless() {
    for permit in [false, true] {
        model(move || {
            let ledger = Ledger::new();
            let (queue, mut consumer) = queue(Terms::push(4));
            for id in [1, 2, 3] {
                assert!(queue.try_put(ledger.message(id)).is_ok());
                assert!(consumer.try_take(&queue).is_some());
            }
            consumer.publish(&queue);
            if permit {
                assert_eq!(queue.try_reserve(1), Ok(()));
            }
            let senders = [4, 5].map(|id| {
                let (queue, message) = (Arc::clone(&queue), ledger.message(id));
                thread::spawn(move || {
                    let put = if permit && id == 4 {
                        queue.put_reserved(message, |message| message).is_ok()
                    } else {
                        queue.try_put(message).is_ok()
                    };
                    assert!(put);
                })
            });
            consumer.retire(&queue);
            for sender in senders {
                sender.join().unwrap();
            }
            let mut left = bury(&queue, &mut consumer);
            left.sort_unstable();
            assert_eq!(left, [4, 5]);
            ledger.close();
        });
    }
}

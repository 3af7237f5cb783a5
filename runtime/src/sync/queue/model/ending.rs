//! Closing, draining, and leaving.

use loom::thread;

use super::{bury, drain, queue, send};
use crate::sync::modelling::{Ledger, block_on, model, model_unbounded};
use crate::sync::queue::Terms;
use crate::sync::shim::{Arc, AtomicBool, Ordering::Relaxed};

/// A sender sends, another closes, the receiver drains: what was accepted is
/// received, once, and after the end nothing comes. Three threads; there is
/// storage, so that the claim takes the short way.
#[test]
fn close_loses_and_repeats_nothing() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert!(consumer.try_take(&queue).is_some());
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || queue.try_put(message).is_ok()
        });
        let closer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.close()
        });
        let got = drain(&queue, &mut consumer);
        let put = sender.join().unwrap();
        closer.join().unwrap();
        assert!(consumer.try_take(&queue).is_none(), "nothing comes after the end");
        assert_eq!(got, if put { vec![2] } else { vec![] });
        ledger.close();
    });
}

/// Whoever finds the queue closed knows what the closer knew, and so does the
/// receiver that finds it drained. Two threads.
#[test]
fn a_closed_queue_shows_why() {
    for drained in [false, true] {
        model_unbounded(move || {
            let (queue, consumer) = queue(Terms::push(1));
            let why = Arc::new(AtomicBool::new(false));
            let closer = thread::spawn({
                let (queue, why) = (Arc::clone(&queue), Arc::clone(&why));
                move || {
                    why.store(true, Relaxed);
                    queue.close();
                }
            });
            let closed = if drained { consumer.is_drained(&queue) } else { queue.is_closed() };
            assert!(!closed || why.load(Relaxed));
            closer.join().unwrap();
        });
    }
}

/// Two senders wait at a full mailbox, or go to sleep while it is closed: both
/// get their messages back. Three threads.
#[test]
fn close_while_full_refuses_waiting_senders() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let senders = [2, 3].map(|id| {
            let (queue, message) = (Arc::clone(&queue), ledger.message(id));
            thread::spawn(move || block_on(send(&queue, message)).map_err(|back| back.map(|back| back.id())))
        });
        queue.close();
        assert_eq!(senders.map(|sender| sender.join().unwrap()), [Err(Some(2)), Err(Some(3))]);
        assert_eq!(drain(&queue, &mut consumer), [1]);
        ledger.close();
    });
}

/// The receiver takes one message and goes, while two senders write: each of
/// their messages was taken, is buried, or comes back. Three threads.
#[test]
fn a_dropped_receiver_accounts_for_everything() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        let senders = [1, 2].map(|id| {
            let (queue, message) = (Arc::clone(&queue), ledger.message(id));
            thread::spawn(move || match queue.try_put(message) {
                Ok(()) => None,
                Err((_, back)) => Some(back.id()),
            })
        });
        let mut seen: Vec<u32> = consumer.try_take(&queue).map(|message| message.id()).into_iter().collect();
        seen.extend(bury(&queue, &mut consumer));
        drop(consumer);
        seen.extend(senders.map(|sender| sender.join().unwrap()).into_iter().flatten());
        seen.sort_unstable();
        assert_eq!(seen, [1, 2], "each in one place");
        ledger.close();
    });
}

/// The same across two rings: a sender that is slow to write is in the older
/// one while the receiver has gone through both. Three threads.
#[test]
fn a_dropped_receiver_leaves_slow_senders_their_ring() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(4));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let senders = [vec![2], vec![3, 4]].map(|ids| {
            let queue = Arc::clone(&queue);
            let messages: Vec<_> = ids.into_iter().map(|id| ledger.message(id)).collect();
            thread::spawn(move || {
                let back = messages.into_iter().filter_map(|message| queue.try_put(message).err());
                back.map(|(_, back)| back.id()).collect::<Vec<_>>()
            })
        });
        let mut seen = bury(&queue, &mut consumer);
        seen.extend(senders.map(|sender| sender.join().unwrap()).into_iter().flatten());
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3, 4], "each in one place");
        ledger.close();
    });
}

/// A sender waits at a full mailbox whose receiver takes one and goes: its
/// message was put and is buried, or comes back. Two threads.
#[test]
fn a_waiting_sender_outlives_the_receiver() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || block_on(send(&queue, message)).is_err()
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        let buried = bury(&queue, &mut consumer);
        let back = sender.join().unwrap();
        assert_eq!(buried, if back { vec![] } else { vec![2] });
        ledger.close();
    });
}

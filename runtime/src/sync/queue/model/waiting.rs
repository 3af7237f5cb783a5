//! Senders that wait: first in, first out, and out at any time.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll};

use loom::thread;

use super::{bury, drain, pull, queue, receive, reserve, send};
use crate::sync::modelling::{Ledger, Wakes, block_on, model, model_unbounded, poll_once};
use crate::sync::queue::Terms;
use crate::sync::shim::{Arc, AtomicBool, Ordering::Relaxed};

/// A sender goes to sleep while the receiver makes room: it is let in. Two
/// threads, a mailbox of one.
#[test]
fn a_waiting_sender_is_not_forgotten() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || assert!(block_on(send(&queue, message)).is_ok())
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        sender.join().unwrap();
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(2));
        ledger.close();
    });
}

/// A sender that waits for demand is let in when the receiver asks. Two
/// threads.
#[test]
fn demand_reaches_a_waiting_sender() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(pull(1, 0));
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || assert!(block_on(send(&queue, message)).is_ok())
        });
        consumer.request(&queue, 1);
        sender.join().unwrap();
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        ledger.close();
    });
}

/// Two wait for the one grant that the receiver makes; whoever has it gives it
/// back. Both get it, so it is never idle while one waits. Three threads.
#[test]
fn no_grant_is_idle_while_a_sender_waits() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let senders = [0, 1].map(|_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                assert!(block_on(reserve(&queue, 1)).is_ok());
                queue.release_permits(1);
            })
        });
        assert!(consumer.try_take(&queue).is_some());
        consumer.publish(&queue);
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!((queue.free(), queue.waiting_senders()), (1, 0));
        ledger.close();
    });
}

/// One waits, and another tries its luck while the receiver makes room: whoever
/// came first is first. Two threads.
#[test]
fn waiting_senders_are_served_in_order() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let (woken, waker) = Wakes::new();
        let mut waiting = Box::pin(send(&queue, ledger.message(2)));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let late = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(3));
            move || queue.try_put(message).is_ok()
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(2), "nobody passes the one that waits");
        assert_eq!(woken.count(), 1);
        assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Ok(()))));
        drop(waiting);
        assert!(!late.join().unwrap(), "there was no room for it");
        ledger.close();
    });
}

/// A permit is given up while one waits and another comes later. The first to
/// wait gets it, although the latecomer finds the grant free for a moment: at
/// once, after it has made the first ring, or by asking for a permit, too.
/// Three threads.
#[test]
fn a_grant_given_back_is_not_snatched() {
    for (storage, puts) in [(true, true), (false, true), (true, false)] {
        model(move || {
            let ledger = Ledger::new();
            let (queue, mut consumer) = queue(Terms::push(1));
            if storage {
                assert!(queue.try_put(ledger.message(1)).is_ok());
                assert!(consumer.try_take(&queue).is_some());
                consumer.publish(&queue);
            }
            assert_eq!(queue.try_reserve(1), Ok(()));
            let waits = Arc::new(AtomicBool::new(false));
            let late = thread::spawn({
                let (queue, message) = (Arc::clone(&queue), ledger.message(3));
                move || if puts { queue.try_put(message).is_ok() } else { queue.try_reserve(1).is_ok() }
            });
            let holder = thread::spawn({
                let (queue, waits) = (Arc::clone(&queue), Arc::clone(&waits));
                move || {
                    // Relaxed: what orders the two is the gate.
                    let waited = waits.load(Relaxed);
                    queue.release_permits(1);
                    waited
                }
            });
            let mut waiting = Box::pin(send(&queue, ledger.message(2)));
            let first = poll_once(waiting.as_mut()).is_pending();
            waits.store(true, Relaxed);
            let waited = holder.join().unwrap();
            let snatched = late.join().unwrap();
            if first && waited {
                assert!(!snatched, "it passed one that waited");
                assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(2));
            }
            drop(waiting);
            bury(&queue, &mut consumer);
            ledger.close();
        });
    }
}

/// Of two that wait the first gives up, before it is granted, while the
/// receiver makes room, or after: the second is let in all the same. Three
/// threads.
#[test]
fn a_cancelled_wait_passes_its_turn_on() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let mut first = Box::pin(reserve(&queue, 1));
        assert!(poll_once(first.as_mut()).is_pending());
        let first = first.as_mut().ticket.take().expect("it waits");
        let second = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || assert!(block_on(send(&queue, message)).is_ok())
        });
        let canceller = thread::spawn({
            let queue = Arc::clone(&queue);
            move || drop(queue.leave(&first))
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        second.join().unwrap();
        canceller.join().unwrap();
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(2));
        assert_eq!(queue.waiting_senders(), 0);
        ledger.close();
    });
}

/// A sender whose wait is cancelled while the message is put: it was put or
/// is dropped, once. Two threads.
#[test]
fn a_cancelled_message_is_put_or_dropped() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || {
                let mut waiting = pin!(send(&queue, message));
                if poll_once(waiting.as_mut()).is_pending() {
                    let ticket = waiting.ticket.take().expect("it waits");
                    return queue.leave(&ticket).is_none();
                }
                true
            }
        });
        assert_eq!(receive(&queue, &mut consumer).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        let put = sender.join().unwrap();
        queue.close();
        let left = drain(&queue, &mut consumer);
        assert_eq!(left, if put { vec![2] } else { vec![] });
        ledger.close();
    });
}

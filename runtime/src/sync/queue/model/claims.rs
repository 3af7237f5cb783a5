//! Claims, slots and the limit that the receiver moves.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loom::thread;

use super::{bury, drain, pull, queue, queue_at, receive, reserve, send, taken};
use crate::sync::modelling::{Ledger, block_on, model, model_unbounded};
use crate::sync::queue::{Refusal, Terms};
use crate::sync::shim::{Arc, UnsafeCell};
use crate::sync::words::SEQUENCE_MASK;

/// A message is written by one thread and read by another, through a slot
/// whose cell is watched, in one step or in two. Two threads, without a bound.
#[test]
fn a_message_arrives_whole() {
    for in_two in [false, true] {
        model_unbounded(move || {
            let ledger = Ledger::new();
            let (queue, mut consumer) = queue(Terms::push(2));
            assert!(queue.try_put(ledger.message(1)).is_ok());
            assert!(consumer.try_take(&queue).is_some());
            let sender = thread::spawn({
                let (queue, message) = (Arc::clone(&queue), ledger.message(2));
                move || assert!(queue.try_put(message).is_ok())
            });
            let message = loop {
                let next = if in_two {
                    consumer.is_ready().then(|| consumer.take_ready(&queue))
                } else {
                    consumer.try_take(&queue)
                };
                match next {
                    Some(message) => break message,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(message.id(), 2);
            drop(message);
            sender.join().unwrap();
            ledger.close();
        });
    }
}

/// The same through the look that an actor's loop takes first. Two threads,
/// unbounded.
#[test]
fn a_ready_message_is_whole() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || assert!(queue.try_put(message).is_ok())
        });
        loop {
            if consumer.is_ready() {
                assert_eq!(consumer.take_ready(&queue).id(), 1);
                break;
            }
            let message = consumer.try_take(&queue);
            if message.is_some() {
                break;
            }
            thread::yield_now();
        }
        sender.join().unwrap();
        ledger.close();
    });
}

/// The receiver goes to sleep while messages come: on a slot, and before there
/// is one. Two threads.
#[test]
fn no_message_is_slept_through() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        let sender = thread::spawn({
            let (queue, messages) = (Arc::clone(&queue), [1, 2].map(|id| ledger.message(id)));
            move || {
                for message in messages {
                    assert!(queue.try_put(message).is_ok());
                }
            }
        });
        for id in [1, 2] {
            assert_eq!(receive(&queue, &mut consumer).map(|message| message.id()), Some(id));
        }
        sender.join().unwrap();
        ledger.close();
    });
}

/// Two producers, one of two messages, while the receiver takes: all arrive,
/// and those two in order. Three threads.
#[test]
fn producers_keep_their_order() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(4));
        let senders = [vec![1, 2], vec![3]].map(|ids| {
            let queue = Arc::clone(&queue);
            let messages: Vec<_> = ids.into_iter().map(|id| ledger.message(id)).collect();
            thread::spawn(move || {
                for message in messages {
                    assert!(queue.try_put(message).is_ok(), "there is room for all");
                }
            })
        });
        let mut got: Vec<u32> = consumer.try_take(&queue).map(|message| message.id()).into_iter().collect();
        for sender in senders {
            sender.join().unwrap();
        }
        got.extend(taken(&queue, &mut consumer));
        let place = |id| got.iter().position(|got| *got == id);
        assert!(got.len() == 3 && place(1) < place(2) && place(3).is_some(), "{got:?}");
        ledger.close();
    });
}

/// A mailbox of one: the second message goes where the first was, once the
/// receiver has left the slot. The sender tries again and again and never
/// waits, so that nothing but the limit tells it so.
#[test]
fn a_slot_is_reused_only_when_empty() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let sender = thread::spawn({
            let (queue, mut message) = (Arc::clone(&queue), ledger.message(2));
            move || {
                while let Err((_, back)) = queue.try_put(message) {
                    message = back;
                    thread::yield_now();
                }
            }
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        consumer.publish(&queue);
        sender.join().unwrap();
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(2));
        ledger.close();
    });
}

/// The same when another sender has raised the limit on the receiver's behalf:
/// what the receiver emptied is empty for a third. Three threads, a mailbox of
/// two, of which both are taken and published at once.
#[test]
fn a_grant_is_good_whoever_passes_it_on() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        assert!(queue.try_put(ledger.message(2)).is_ok());
        let senders = [3, 4].map(|id| {
            let (queue, message) = (Arc::clone(&queue), ledger.message(id));
            thread::spawn(move || queue.try_put(message).is_ok())
        });
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(2));
        consumer.publish(&queue);
        let put = senders.map(|sender| sender.join().unwrap()).into_iter().filter(|put| *put).count();
        assert_eq!(bury(&queue, &mut consumer).len(), put);
        ledger.close();
    });
}

/// Two for the last place: one is let in and the other is told `Full`, and no
/// slot is lost over it. Three threads, the main one receives.
#[test]
fn one_of_two_gets_the_last_grant() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        let senders = [1, 2].map(|id| {
            let (queue, message) = (Arc::clone(&queue), ledger.message(id));
            thread::spawn(move || queue.try_put(message).map_err(|(why, back)| (why, back.id())))
        });
        let results = senders.map(|sender| sender.join().unwrap());
        let lost: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        let [(Refusal::Full, lost)] = lost.as_slice() else { panic!("one is refused: {lost:?}") };
        let got = consumer.try_take(&queue).map(|message| message.id());
        assert_eq!(got, Some(3 - lost));
        consumer.publish(&queue);
        assert!(queue.try_put(ledger.message(3)).is_ok(), "there is room again");
        assert_eq!(bury(&queue, &mut consumer), [3]);
        ledger.close();
    });
}

/// The counts run over between the first message and the second, and the end
/// is found all the same. Two threads.
#[test]
fn sequences_run_over_without_harm() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue_at(Terms::push(2), SEQUENCE_MASK);
        let sender = thread::spawn({
            let (queue, messages) = (Arc::clone(&queue), [1, 2].map(|id| ledger.message(id)));
            move || {
                for message in messages {
                    assert!(queue.try_put(message).is_ok(), "there is room for two");
                }
                queue.close();
            }
        });
        assert_eq!(drain(&queue, &mut consumer), [1, 2]);
        sender.join().unwrap();
        ledger.close();
    });
}

/// A receiver that pulls: what it did before it asked is seen by the sender
/// that it let in, and no more comes than was asked for. Two threads.
#[test]
fn nothing_comes_that_was_not_asked_for() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(pull(2, 0));
        let asked = Arc::new(UnsafeCell::new(()));
        let sender = thread::spawn({
            let (queue, asked) = (Arc::clone(&queue), Arc::clone(&asked));
            let messages = [1, 2].map(|id| ledger.message(id));
            move || {
                let results = messages.map(|message| queue.try_put(message).map_err(|(why, _)| why));
                if results[0].is_ok() {
                    asked.with(|_| {});
                }
                results
            }
        });
        asked.with_mut(|_| {});
        consumer.request(&queue, 1);
        let put = sender.join().unwrap();
        assert!(put.iter().filter(|put| put.is_ok()).count() <= 1, "{put:?}");
        assert!(put.iter().all(|put| matches!(put, Ok(()) | Err(Refusal::NoDemand))), "{put:?}");
        bury(&queue, &mut consumer);
        ledger.close();
    });
}

/// Two ask at once, one of them on the receiver's behalf, while a sender comes
/// to wait for both grants: none is lost, and the sum sticks at "without end".
/// Three threads.
#[test]
fn requests_add_up() {
    model(|| {
        let (queue, mut consumer) = queue(pull(2, 0));
        let asker = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.request(1)
        });
        let sender = thread::spawn({
            let queue = Arc::clone(&queue);
            move || assert!(block_on(reserve(&queue, 2)).is_ok())
        });
        consumer.request(&queue, 1);
        asker.join().unwrap();
        sender.join().unwrap();
        assert_eq!((consumer.demand(&queue), queue.free()), (2, 0));
        consumer.request(&queue, u64::MAX);
        consumer.request(&queue, 1);
        assert_eq!(consumer.demand(&queue), u64::MAX);
    });
}

/// A message whose making fails after its slot was claimed: the receiver
/// passes over the slot, and its grant goes to the next. Two threads, a
/// demand of one.
#[test]
fn a_claim_given_up_spends_nothing() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(pull(2, 1));
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || {
                let failed =
                    catch_unwind(AssertUnwindSafe(|| queue.try_put_with((), |()| resume_unwind(Box::new("")))));
                assert!(failed.is_err());
                assert!(block_on(send(&queue, message)).is_ok());
            }
        });
        assert_eq!(receive(&queue, &mut consumer).map(|message| message.id()), Some(1));
        sender.join().unwrap();
        ledger.close();
    });
}

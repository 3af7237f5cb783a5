//! Terms that change under traffic.

use loom::thread;

use super::{bury, pull, queue, receive, send, taken};
use crate::sync::modelling::{Ledger, block_on, model, model_unbounded};
use crate::sync::queue::{Refusal, Terms};
use crate::sync::shim::Arc;
use crate::sync::waiters::Want;

/// From push to pull while a sender sends: what was granted stays granted,
/// nothing beyond it comes in unasked, and what came in is delivered. Two
/// threads, a mailbox of two.
#[test]
fn a_switch_to_pull_keeps_what_was_granted() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        assert_eq!(queue.try_reserve(1), Ok(()));
        let sender = thread::spawn({
            let (queue, messages) = (Arc::clone(&queue), [1, 2].map(|id| ledger.message(id)));
            move || messages.map(|message| queue.try_put(message).is_ok())
        });
        queue.set_terms(&mut consumer, Terms::pull(2));
        assert!(queue.put_reserved(ledger.message(3), |message| message).is_ok(), "it was granted");
        assert_eq!(sender.join().unwrap(), [true, false], "two were granted, one of them to the permit");
        let mut got: Vec<u32> = std::iter::from_fn(|| consumer.try_take(&queue)).map(|message| message.id()).collect();
        consumer.publish(&queue);
        got.sort_unstable();
        assert_eq!(got, [1, 3]);
        let refused = queue.try_put(ledger.message(4)).map_err(|(why, _)| why);
        assert_eq!(refused, Err(Refusal::NoDemand));
        ledger.close();
    });
}

/// From pull to push: a sender that waits for demand, or is about to, is let
/// in. Two threads.
#[test]
fn a_switch_to_push_releases_who_waits() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(pull(1, 0));
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(1));
            move || assert!(block_on(send(&queue, message)).is_ok())
        });
        queue.set_terms(&mut consumer, Terms::push(1));
        sender.join().unwrap();
        assert_eq!(consumer.try_take(&queue).map(|message| message.id()), Some(1));
        ledger.close();
    });
}

/// Mode and capacity change together, each to what would let more in with the
/// other as it was: a sender sees the old pair or the new. One message is
/// granted under either. Permits, which are claimed without the lock. Two
/// threads.
#[test]
fn terms_change_as_one() {
    for (before, after) in [(Terms::push(1), pull(2, 0)), (pull(2, 1), Terms::push(1))] {
        model_unbounded(move || {
            let (queue, mut consumer) = queue(before);
            let sender = thread::spawn({
                let queue = Arc::clone(&queue);
                move || [0, 1].map(|_| queue.try_reserve(1).is_ok())
            });
            queue.set_terms(&mut consumer, after);
            assert_eq!(sender.join().unwrap(), [true, false]);
        });
    }
}

/// Push, pull and push again while a sender waits and sends: nothing is lost
/// or overtaken, and nobody is left waiting. Two threads.
#[test]
fn two_switches_under_traffic_lose_nothing() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        assert!(queue.try_put(ledger.message(1)).is_ok());
        let sender = thread::spawn({
            let (queue, message) = (Arc::clone(&queue), ledger.message(2));
            move || assert!(block_on(send(&queue, message)).is_ok())
        });
        queue.set_terms(&mut consumer, Terms::pull(1));
        let mut got = taken(&queue, &mut consumer);
        consumer.publish(&queue);
        queue.set_terms(&mut consumer, Terms::push(1));
        sender.join().unwrap();
        got.extend(taken(&queue, &mut consumer));
        assert_eq!(got, [1, 2]);
        ledger.close();
    });
}

/// A mailbox that becomes smaller, then larger: it is never fuller than it was
/// allowed to be, and the larger one has slots. Two threads.
#[test]
fn capacity_goes_down_and_up() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(2));
        let sender = thread::spawn({
            let (queue, messages) = (Arc::clone(&queue), [1, 2, 3, 4].map(|id| ledger.message(id)));
            move || messages.map(|message| queue.try_put(message).is_ok())
        });
        queue.set_terms(&mut consumer, Terms::push(1));
        queue.set_terms(&mut consumer, Terms::push(3));
        let put = sender.join().unwrap();
        let n = put.into_iter().filter(|put| *put).count();
        assert!(n == 2 || n == 3, "two at first, three in the end: {put:?}");
        assert!(queue.try_put(ledger.message(5)).is_ok() == (n == 2));
        assert_eq!(bury(&queue, &mut consumer).len(), 3);
        ledger.close();
    });
}

/// A sender's messages go to slots, then to the buffer, which is sealed off in
/// between: what went to slots is older, and a sender that waited comes before
/// one that came later. The buffer is a list under a lock, as on floor 2. Two
/// threads.
#[test]
fn sealing_keeps_order() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(1));
        let buffer = Arc::new(crate::sync::shim::Mutex::new(Vec::new()));
        let sender = thread::spawn({
            let (queue, buffer) = (Arc::clone(&queue), Arc::clone(&buffer));
            let messages = [1, 2, 3].map(|id| ledger.message(id));
            move || {
                for message in messages {
                    let mut message = message;
                    loop {
                        message = match queue.try_put(message) {
                            Ok(()) => break,
                            Err((Refusal::Buffered, back)) => {
                                let mut buffer = buffer.lock();
                                if queue.is_sealed() {
                                    buffer.push(back);
                                    break;
                                }
                                back
                            }
                            Err((_, back)) => match queue.wait(Want::Put(back), std::task::Waker::noop()) {
                                // Sealed or not, it is put in its turn.
                                Ok(ticket) => {
                                    std::mem::forget(ticket);
                                    break;
                                }
                                Err((_, Want::Put(back))) => back,
                                Err(_) => unreachable!("a message was to be put"),
                            },
                        };
                    }
                }
            }
        });
        {
            let mut buffer = buffer.lock();
            queue.seal(|message| buffer.push(message));
        }
        sender.join().unwrap();
        let mut got: Vec<u32> = std::iter::from_fn(|| consumer.try_take(&queue)).map(|message| message.id()).collect();
        assert!(queue.slots_drained(&consumer));
        got.extend(buffer.lock().drain(..).map(|message| message.id()));
        assert_eq!(got, [1, 2, 3]);
        ledger.close();
    });
}

/// Back to slots: what is in the buffer is set aside and older than whatever
/// comes into slots from then on. Two threads.
#[test]
fn unsealing_keeps_order() {
    model(|| {
        let ledger = Ledger::new();
        let (queue, mut consumer) = queue(Terms::push(3));
        queue.seal(|_| {});
        let buffer = Arc::new(crate::sync::shim::Mutex::new(Vec::new()));
        let sender = thread::spawn({
            let (queue, buffer) = (Arc::clone(&queue), Arc::clone(&buffer));
            let messages = [1, 2].map(|id| ledger.message(id));
            move || {
                for message in messages {
                    let Err((why, message)) = queue.try_put(message) else { continue };
                    assert_eq!(why, Refusal::Buffered);
                    let mut buffer = buffer.lock();
                    if queue.is_sealed() {
                        buffer.push(message);
                        continue;
                    }
                    drop(buffer);
                    assert!(queue.try_put(message).is_ok(), "it went back to slots");
                }
            }
        });
        let backlog = {
            let mut buffer = buffer.lock();
            let backlog = std::mem::take(&mut *buffer);
            queue.set_aside(backlog.len() as u64);
            queue.unseal();
            backlog
        };
        let mut got = Vec::new();
        for message in backlog {
            consumer.count_buffered(&queue, true);
            got.push(message.id());
        }
        while got.len() < 2 {
            got.extend(receive(&queue, &mut consumer).map(|message| message.id()));
        }
        assert_eq!(got, [1, 2]);
        sender.join().unwrap();
        assert!(buffer.lock().is_empty());
        ledger.close();
    });
}

//! Models of whole mailboxes: policies, changes of terms, and both ends going.

use loom::thread;

use super::{Admission, DropReason, Level, Mailbox, Mode, Overflow, Pull, Push, Receiver, Sender, Watermarks, channel};
use crate::mailbox::core::Signal;
use crate::sync::modelling::{Ledger, Message, block_on, model, model_unbounded};
use crate::sync::reply;

fn received(receiver: &mut Receiver<Message>) -> Option<u32> {
    block_on(receiver.recv()).map(|message| message.id())
}

/// What is received until the mailbox is closed and drained.
fn drained(receiver: &mut Receiver<Message>) -> Vec<u32> {
    std::iter::from_fn(|| received(receiver)).collect()
}

/// Sends from a thread of its own, without waiting; which were let in.
fn sending(sender: Sender<Message>, messages: Vec<Message>) -> thread::JoinHandle<Vec<Result<Admission, Option<u32>>>> {
    thread::spawn(move || {
        let sent = messages.into_iter().map(|message| sender.try_tell(message));
        sent.map(|sent| sent.map_err(|error| Some(error.into_message().id()))).collect()
    })
}

const DROP_OLDEST: Push = Push::bounded(1).overflow(Overflow::DropOldest);

/// Two producers displace each other's messages while the receiver takes
/// them: each message was handled or is counted, never both. Three threads.
#[test]
fn dropping_the_oldest_is_counted_exactly() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(DROP_OLDEST);
        let producers = [1, 2].map(|id| sending(sender.clone(), vec![ledger.message(id)]));
        let stats = sender.downgrade();
        let first = received(&mut receiver);
        for producer in producers {
            assert!(producer.join().unwrap()[0].is_ok_and(Admission::is_in));
        }
        let stats = stats.upgrade().expect("the main sender lives").stats();
        drop(sender);
        let rest = drained(&mut receiver);
        let dropped = stats.drops.of(DropReason::DropOldest) as usize;
        assert_eq!(1 + rest.len() + dropped, 2, "{first:?}, {rest:?} and {dropped} dropped");
        ledger.close();
    });
}

/// The receiver goes to sleep at an empty buffer while a message goes in. Two
/// threads.
#[test]
fn no_buffered_message_is_slept_through() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(DROP_OLDEST);
        let producer = sending(sender, vec![ledger.message(1)]);
        assert_eq!(received(&mut receiver), Some(1));
        producer.join().unwrap();
        assert_eq!(received(&mut receiver), None);
        ledger.close();
    });
}

/// Two producers of one key while the receiver takes: what was merged is in
/// what is received, once. Three threads.
#[test]
fn conflation_keeps_what_it_merged() {
    model(|| {
        let inbox = Mailbox::from(Push::bounded(1)).conflate(|_: &u32| (), |queued, new| *queued += new);
        let (sender, mut receiver) = channel::<u32>(inbox);
        let producers = [1, 2].map(|n| {
            let sender = sender.clone();
            thread::spawn(move || assert!(sender.try_tell(n).is_ok()))
        });
        drop(sender);
        let mut sum = 0;
        while let Some(n) = block_on(receiver.recv()) {
            sum += n;
        }
        assert_eq!(sum, 3);
        for producer in producers {
            producer.join().unwrap();
        }
    });
}

/// From slots to a buffer while a sender sends: what went to slots comes
/// first. Two threads.
#[test]
fn going_to_a_buffer_keeps_each_senders_order() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(Push::bounded(4));
        let producer = sending(sender, [1, 2].map(|id| ledger.message(id)).into());
        receiver.reconfigure(Push::bounded(4).overflow(Overflow::DropOldest));
        producer.join().unwrap();
        assert_eq!(drained(&mut receiver), [1, 2]);
        ledger.close();
    });
}

/// And back, with a message in the buffer: it comes before what the sender
/// sends meanwhile. Two threads.
#[test]
fn going_back_to_slots_keeps_each_senders_order() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(Push::bounded(4).overflow(Overflow::DropOldest));
        assert!(sender.try_tell(ledger.message(1)).is_ok());
        let producer = sending(sender, [2, 3].map(|id| ledger.message(id)).into());
        receiver.reconfigure(Push::bounded(4));
        producer.join().unwrap();
        assert_eq!(drained(&mut receiver), [1, 2, 3]);
        ledger.close();
    });
}

/// A sender that waits at a full mailbox is let in when the mailbox goes over
/// to a policy that has no full. Two threads.
#[test]
fn changing_storage_releases_who_waits() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(Push::bounded(1));
        assert!(sender.try_tell(ledger.message(1)).is_ok());
        let waiting = thread::spawn({
            let message = ledger.message(2);
            move || assert!(block_on(sender.tell(message)).is_ok())
        });
        receiver.reconfigure(Push::bounded(2).overflow(Overflow::DropOldest));
        waiting.join().unwrap();
        assert_eq!(drained(&mut receiver), [1, 2]);
        ledger.close();
    });
}

/// The last sender goes while the receiver changes from slots to a buffer:
/// the receiver hears of it. Two threads.
#[test]
fn a_close_during_a_change_of_storage_is_heard() {
    model_unbounded(|| {
        let (sender, mut receiver) = channel::<Message>(Push::bounded(1));
        let closer = thread::spawn(move || drop(sender));
        receiver.reconfigure(DROP_OLDEST);
        assert_eq!(received(&mut receiver), None);
        closer.join().unwrap();
    });
}

/// The same on the way back, with a sender that sends meanwhile: it gets an
/// answer, too. Three threads.
#[test]
fn a_close_during_the_way_back_to_slots_is_heard() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(DROP_OLDEST);
        let producer = sending(sender.clone(), vec![ledger.message(1)]);
        let closer = thread::spawn({
            let sender = sender.clone();
            move || sender.close()
        });
        receiver.reconfigure(Push::bounded(1));
        let sent = producer.join().unwrap();
        closer.join().unwrap();
        assert_eq!(drained(&mut receiver), if sent[0].is_ok() { vec![1] } else { vec![] });
        drop(sender);
        ledger.close();
    });
}

/// Two reconfigure from outside: both take effect, in one order, and the mode
/// is the last one's. Three threads.
#[test]
fn reconfigurations_have_one_order() {
    model(|| {
        let (sender, mut receiver) = channel::<Message>(Pull::manual().capacity(1));
        let inboxes = [Mailbox::from(Push::bounded(1)), Mailbox::from(Pull::manual().capacity(2))];
        let switchers = inboxes.map(|inbox| {
            let sender = sender.clone();
            thread::spawn(move || sender.reconfigure(inbox))
        });
        let _ = receiver.try_recv();
        for switcher in switchers {
            switcher.join().unwrap();
        }
        assert!(receiver.try_recv().is_err());
        let stats = receiver.stats();
        let epochs: Vec<u64> = stats.switches.iter().map(|switch| switch.epoch).collect();
        match sender.capacity() {
            // Pull to push, and back.
            Some(2) => assert_eq!((stats.mode, epochs), (Mode::Pull, vec![1, 2])),
            // Pull to pull, and to push.
            capacity => assert_eq!((stats.mode, epochs, capacity), (Mode::Push, vec![1], Some(1))),
        }
    });
}

/// A stop reaches the receiver of a full mailbox whose messages displace each
/// other; no message displaces it, and what was accepted before is received.
/// Two threads.
#[test]
fn a_signal_passes_a_full_mailbox() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(DROP_OLDEST);
        assert!(sender.try_tell(ledger.message(1)).is_ok());
        let stopper = thread::spawn({
            let (sender, message) = (sender.clone(), ledger.message(2));
            move || {
                assert!(sender.core().signal(Signal::Drain).is_ok());
                sender.try_tell(message).is_ok()
            }
        });
        let got = drained(&mut receiver);
        let sent = stopper.join().unwrap();
        let dropped = sender.stats().drops.of(DropReason::DropOldest) as usize;
        assert_eq!(got.len() + dropped, if sent { 2 } else { 1 });
        drop(receiver);
        assert!(sender.core().signal(Signal::Stop).is_err(), "nobody is left to obey");
        ledger.close();
    });
}

/// Two senders go, one of them after it has sent: the receiver gets the
/// message, and then the end, not sooner. Two threads, the main one is the
/// other sender, too.
#[test]
fn the_last_sender_closes_the_mailbox() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(Push::bounded(1));
        let producer = sending(sender.clone(), vec![ledger.message(1)]);
        drop(sender);
        assert_eq!(drained(&mut receiver), [1]);
        assert_eq!(producer.join().unwrap(), [Ok(Admission::Queued)]);
        ledger.close();
    });
}

/// A weak sender asks for a strong one while the last of these goes: it gets
/// one that works, or none. Two threads.
#[test]
fn a_weak_sender_opens_nothing_again() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(Push::bounded(1));
        let weak = sender.downgrade();
        let last = thread::spawn(move || drop(sender));
        let sent = weak.upgrade().map(|sender| sender.try_tell(ledger.message(1)).is_ok());
        assert_ne!(sent, Some(false), "what was upgraded is open");
        assert_eq!(drained(&mut receiver), if sent.is_some() { vec![1] } else { vec![] });
        last.join().unwrap();
        assert!(weak.upgrade().is_none());
        ledger.close();
    });
}

/// The receiver goes while a permit is used and another given up: the message
/// is with the dead letters, or comes back. Two threads.
#[test]
fn a_permit_outlives_the_receiver() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, receiver) = channel(Push::bounded(2));
        let used = block_on(sender.reserve()).expect("there is room");
        let unused = block_on(sender.reserve()).expect("there is room");
        let holder = thread::spawn({
            let message = ledger.message(1);
            move || {
                let sent = used.send(message).is_ok();
                drop(unused);
                sent
            }
        });
        drop(receiver);
        let sent = holder.join().unwrap();
        assert_eq!(sender.stats().drops.of(DropReason::Stopped), u64::from(sent), "it went somewhere");
        ledger.close();
    });
}

/// A question is asked while the actor stops: the asker gets an answer, here
/// that there is none. Two threads.
#[test]
fn an_asker_outlives_the_mailbox() {
    model(|| {
        let (sender, receiver) = channel(Push::bounded(1));
        let asker = thread::spawn(move || {
            let (answer, pending) = reply::slot::<u32>(None);
            drop(sender.try_tell(answer));
            block_on(pending)
        });
        drop(receiver);
        assert_eq!(asker.join().unwrap(), None);
    });
}

/// Somebody waits for pressure while a sender fills the mailbox, and for
/// relief while the receiver empties it. Two threads.
#[test]
fn pressure_is_heard() {
    model(|| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = channel(Push::bounded(1).watermarks(Watermarks::new(0, 1)));
        let mut pressure = sender.pressure();
        let producer = sending(sender.clone(), vec![ledger.message(1)]);
        assert_eq!(block_on(pressure.changed()), Level::Pressed);
        assert_eq!(received(&mut receiver), Some(1));
        assert_eq!(block_on(pressure.changed()), Level::Relieved);
        producer.join().unwrap();
        ledger.close();
    });
}

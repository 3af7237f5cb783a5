//! Models of what users do with a mailbox and nothing else of tidegate's: permits,
//! changes of mode, `DropOldest` and conflation, closing, and questions with a reply
//! inside.
//!
//! Each says how many threads it has and how many preemptions it is bounded to.
#![cfg(tidegate_loom)]

use std::sync::{Arc, Mutex};

use loom::thread;
use tidegate::mailbox::{self, Receiver, Sender, TryRecvError};
use tidegate::testkit::{loom_block_on, loom_model};
use tidegate::{Adaptive, Admission, DropReason, Mailbox, Overflow, Pull, Push, Reply, SendError};

/// Sends from a thread of its own, waiting if need be.
fn telling<M: Send + 'static>(tx: &Sender<M>, message: M) -> thread::JoinHandle<Result<Admission, SendError<M>>> {
    let tx = tx.clone();
    thread::spawn(move || loom_block_on(tx.tell(message)))
}

/// What is received until the mailbox is closed and drained.
fn drained<M: Send + 'static>(rx: &mut Receiver<M>) -> Vec<M> {
    std::iter::from_fn(|| loom_block_on(rx.recv())).collect()
}

/// The only grant is set aside, and given up while somebody waits for one: the
/// waiting sender gets it. Two threads, without a bound.
#[test]
fn a_permit_given_up_lets_in_who_waits() {
    loom_model("a_permit_given_up_lets_in_who_waits", None, || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1));
        let permit = tx.try_reserve().expect("there is room");
        let waiting = telling(&tx, 1);
        drop(permit);
        assert_eq!(waiting.join().unwrap(), Ok(Admission::Queued));
        drop(tx);
        assert_eq!(drained(&mut rx), [1]);
    });
}

/// It is used while somebody waits: what it sends comes first, since the other
/// has to wait until that is taken. Two threads, two preemptions.
#[test]
fn a_permit_used_goes_before_who_waits() {
    loom_model("a_permit_used_goes_before_who_waits", Some(2), || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1));
        let permit = tx.try_reserve().expect("there is room");
        let waiting = telling(&tx, 2);
        assert_eq!(permit.send(1), Ok(()));
        assert_eq!([loom_block_on(rx.recv()), loom_block_on(rx.recv())], [Some(1), Some(2)]);
        assert_eq!(waiting.join().unwrap(), Ok(Admission::Queued));
    });
}

/// Push becomes pull while a sender waits at the full mailbox: what was let in
/// is received without being asked for, what waits is not let in until then.
/// Two threads, two preemptions.
#[test]
fn who_waits_while_push_becomes_pull_is_asked_for() {
    loom_model("who_waits_while_push_becomes_pull_is_asked_for", Some(2), || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1));
        assert_eq!(tx.try_tell(1), Ok(Admission::Queued));
        let waiting = telling(&tx, 2);
        rx.reconfigure(Pull::manual().capacity(1));
        assert_eq!(loom_block_on(rx.recv()), Some(1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "nobody has asked for it");
        rx.request(1);
        assert_eq!(loom_block_on(rx.recv()), Some(2));
        assert_eq!(waiting.join().unwrap(), Ok(Admission::Queued));
    });
}

/// Pull becomes push while a sender waits for demand: it is let in, although
/// nobody asks. The change comes from outside. Three threads, one preemption.
#[test]
fn who_waits_while_pull_becomes_push_is_let_in() {
    loom_model("who_waits_while_pull_becomes_push_is_let_in", Some(1), || {
        let (tx, mut rx) = mailbox::channel(Pull::manual());
        let waiting = telling(&tx, 1);
        let changing = thread::spawn(move || tx.reconfigure(Push::bounded(1)));
        assert_eq!(loom_block_on(rx.recv()), Some(1));
        assert_eq!(waiting.join().unwrap(), Ok(Admission::Queued));
        changing.join().unwrap();
    });
}

/// The same with an adaptive mailbox, which pushes if it has no actor. Here the
/// receiver makes the change. Two threads, one preemption.
#[test]
fn who_waits_while_pull_becomes_adaptive_is_let_in() {
    loom_model("who_waits_while_pull_becomes_adaptive_is_let_in", Some(1), || {
        let (tx, mut rx) = mailbox::channel(Pull::manual());
        let waiting = telling(&tx, 1);
        rx.reconfigure(Adaptive::window(2));
        assert_eq!(loom_block_on(rx.recv()), Some(1));
        assert_eq!(waiting.join().unwrap(), Ok(Admission::Queued));
    });
}

/// Two displace each other's messages while the receiver takes them: each
/// message was received or shown to who listens for dead letters, and counted.
/// Three threads, two preemptions.
#[test]
fn what_is_displaced_is_shown_and_counted() {
    loom_model("what_is_displaced_is_shown_and_counted", Some(2), || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1).overflow(Overflow::DropOldest));
        let shown = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&shown);
        let _listening = tx.dead_letters().subscribe(move |letter| {
            let message = letter.message.as_ref().and_then(|message| message.downcast_ref::<u32>());
            listener.lock().unwrap().extend(message.copied());
        });
        let dead = tx.dead_letters().clone();
        let telling = [1, 2].map(|n| telling(&tx, n));
        drop(tx);
        let mut accounted = drained(&mut rx);
        let admitted = telling.map(|telling| telling.join().unwrap());
        let displaced = admitted.iter().filter(|admission| **admission == Ok(Admission::Displaced)).count();
        let shown = shown.lock().unwrap();
        assert_eq!((shown.len(), dead.counts().of(DropReason::DropOldest)), (displaced, displaced as u64));
        accounted.extend(shown.iter());
        accounted.sort_unstable();
        assert_eq!(accounted, [1, 2], "of which {shown:?} dropped");
    });
}

/// Prices of two goods, of which the latest is wanted: of each good that is the
/// last that is received, whatever is merged or dropped on the way. Two threads, of
/// which the receiver's sends first, three preemptions.
#[test]
fn the_latest_of_each_key_is_received() {
    loom_model("the_latest_of_each_key_is_received", Some(3), || {
        let inbox =
            Mailbox::from(Push::bounded(2)).conflate(|&(good, _): &(char, u32)| good, |queued, new| *queued = new);
        let (tx, mut rx) = mailbox::channel(inbox);
        let of_a = tx.clone();
        let a = thread::spawn(move || [1, 2].map(|price| of_a.try_tell(('a', price)).unwrap()));
        let b = tx.try_tell(('b', 1)).unwrap();
        drop(tx);
        let received = drained(&mut rx);
        let latest = |good| received.iter().rev().find(|(of, _)| *of == good).map(|(_, price)| *price);
        assert_eq!([latest('a'), latest('b')], [Some(2), Some(1)], "{received:?}");
        let [a1, a2] = a.join().unwrap();
        let admitted = [a1, a2, b];
        let less = admitted.iter().filter(|admission| **admission != Admission::Queued).count();
        assert_eq!(received.len() + less, 3, "{received:?} of {admitted:?}");
    });
}

/// The mailbox is closed while a sender waits at it: its message comes back, or
/// is received. Two threads, without a bound.
#[test]
fn at_a_close_a_message_is_received_or_comes_back() {
    loom_model("at_a_close_a_message_is_received_or_comes_back", None, || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1));
        assert_eq!(tx.try_tell(1), Ok(Admission::Queued));
        let waiting = telling(&tx, 2);
        assert_eq!(loom_block_on(rx.recv()), Some(1));
        tx.close();
        let received = drained(&mut rx);
        match waiting.join().unwrap() {
            Ok(_) => assert_eq!(received, [2]),
            Err(back) => assert_eq!((back, received), (SendError::Closed(2), vec![])),
        }
        assert_eq!(tx.dead_letters().counts().total(), 0);
    });
}

/// The receiver goes instead: the message comes back, or is a dead letter. Two
/// threads, three preemptions.
#[test]
fn when_the_receiver_goes_a_message_is_dead_or_comes_back() {
    loom_model("when_the_receiver_goes_a_message_is_dead_or_comes_back", Some(3), || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1));
        assert_eq!(tx.try_tell(1), Ok(Admission::Queued));
        let waiting = telling(&tx, 2);
        assert_eq!(loom_block_on(rx.recv()), Some(1));
        drop(rx);
        let let_in = match waiting.join().unwrap() {
            Ok(_) => true,
            Err(back) => back != SendError::Closed(2),
        };
        assert_eq!(tx.dead_letters().counts().of(DropReason::Stopped), u64::from(let_in));
    });
}

/// A question to be answered with its double.
struct Question(u32, Reply<u32>);

/// Asks from a thread of its own; what it hears.
fn asking(tx: &Sender<Question>, n: u32) -> thread::JoinHandle<Option<u32>> {
    let tx = tx.clone();
    thread::spawn(move || {
        let (reply, answer) = Reply::channel();
        // If it comes back it is dropped, and so is the reply in it.
        drop(tx.try_tell(Question(n, reply)));
        loom_block_on(answer)
    })
}

/// Somebody asks while the receiver looks once and goes: the asker hears the
/// answer, or that there is none, and in no case waits for ever. Two threads,
/// three preemptions.
#[test]
fn an_asker_hears_of_a_receiver_that_goes() {
    loom_model("an_asker_hears_of_a_receiver_that_goes", Some(3), || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1));
        let asking = asking(&tx, 7);
        let answered = rx.try_recv().is_ok_and(|Question(n, reply)| reply.send(2 * n).is_ok());
        drop(rx);
        assert_eq!(asking.join().unwrap(), answered.then_some(14));
    });
}

/// Two ask, and the later question displaces the earlier if that was not taken:
/// each hears its own answer or none, and one of them does. Three threads, one
/// preemption.
#[test]
fn an_asker_whose_question_is_displaced_hears_of_it() {
    loom_model("an_asker_whose_question_is_displaced_hears_of_it", Some(1), || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1).overflow(Overflow::DropOldest));
        let asking = [1, 2].map(|n| asking(&tx, n));
        let Some(Question(n, reply)) = loom_block_on(rx.recv()) else { unreachable!("nobody has closed it") };
        assert_eq!(reply.send(2 * n), Ok(()));
        drop((tx, rx));
        let heard = asking.map(|asking| asking.join().unwrap());
        let expected = [1, 2].map(|asked| (asked == n).then_some(2 * asked));
        assert_eq!(heard, expected);
    });
}

//! The mailbox alone, on one thread: what a message costs when no one waits.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tidegate::mailbox::{self, Adaptive, Mailbox, Overflow, Pull, Push, Receiver, Sender};
use tidegate_benches::now;

fn main() {
    divan::main();
}

/// Messages per iteration; half of the capacity.
const BATCH: u64 = 512;
const CAPACITY: usize = 1024;

/// How messages are delivered.
///
/// One by one and max in flight are missing: they ask for more when a message
/// has been *handled*, which takes an actor.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    Push,
    PushUnbounded,
    PullWindow,
    PullManual,
    Adaptive,
}

impl Delivery {
    const ALL: [Self; 5] = [Self::Push, Self::PushUnbounded, Self::PullWindow, Self::PullManual, Self::Adaptive];

    fn mailbox(self) -> (Sender<u64>, Receiver<u64>) {
        match self {
            Self::Push => mailbox::channel(Push::bounded(CAPACITY)),
            Self::PushUnbounded => mailbox::channel(Push::unbounded()),
            Self::PullWindow => mailbox::channel(Pull::window(CAPACITY)),
            Self::PullManual => mailbox::channel(Pull::manual()),
            Self::Adaptive => mailbox::channel(Adaptive::window(CAPACITY)),
        }
    }

    /// Asks for `messages` where the receiver has to.
    fn request(self, receiver: &mut Receiver<u64>, messages: u64) {
        if matches!(self, Self::PullManual) {
            receiver.request(messages);
        }
    }
}

fn receive(receiver: &mut Receiver<u64>) -> u64 {
    now(receiver.recv()).expect("the sender is there")
}

/// Lets a window mailbox ask for its first messages: it does so once it is
/// received from.
fn open(receiver: &mut Receiver<u64>) {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let waiting = std::pin::pin!(receiver.recv()).poll(&mut cx).is_pending();
    assert!(waiting, "nothing was sent yet");
}

/// `tell` and `recv` in turn: the mailbox is empty, then holds one.
#[divan::bench(args = Delivery::ALL)]
fn tell_recv(bencher: Bencher<'_, '_>, delivery: Delivery) {
    let (sender, mut receiver) = delivery.mailbox();
    open(&mut receiver);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for number in 0..BATCH {
            delivery.request(&mut receiver, 1);
            assert!(now(sender.tell(black_box(number))).is_ok());
            assert_eq!(receive(&mut receiver), number);
        }
    });
}

/// 512 times `tell`, then 512 times `recv`.
#[divan::bench(args = Delivery::ALL)]
fn tell_recv_in_batches(bencher: Bencher<'_, '_>, delivery: Delivery) {
    let (sender, mut receiver) = delivery.mailbox();
    open(&mut receiver);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        delivery.request(&mut receiver, BATCH);
        for number in 0..BATCH {
            assert!(now(sender.tell(black_box(number))).is_ok());
        }
        for number in 0..BATCH {
            assert_eq!(receive(&mut receiver), number);
        }
    });
}

/// As above with the call that never waits.
#[divan::bench(args = Delivery::ALL)]
fn try_tell_recv_in_batches(bencher: Bencher<'_, '_>, delivery: Delivery) {
    let (sender, mut receiver) = delivery.mailbox();
    open(&mut receiver);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        delivery.request(&mut receiver, BATCH);
        for number in 0..BATCH {
            assert!(sender.try_tell(black_box(number)).is_ok());
        }
        for number in 0..BATCH {
            assert_eq!(receive(&mut receiver), number);
        }
    });
}

/// A grant reserved first, the message sent on it.
#[divan::bench(args = Delivery::ALL)]
fn reserve_send_recv(bencher: Bencher<'_, '_>, delivery: Delivery) {
    let (sender, mut receiver) = delivery.mailbox();
    open(&mut receiver);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        delivery.request(&mut receiver, BATCH);
        for number in 0..BATCH {
            let permit = now(sender.reserve()).expect("the receiver is there");
            assert!(permit.send(black_box(number)).is_ok());
        }
        for number in 0..BATCH {
            assert_eq!(receive(&mut receiver), number);
        }
    });
}

/// A grant reserved and given back unused.
#[divan::bench]
fn reserve_and_drop(bencher: Bencher<'_, '_>) {
    let (sender, _receiver) = mailbox::channel::<u64>(Push::bounded(CAPACITY));
    bencher.bench_local(|| {
        assert!(black_box(sender.try_reserve()).is_ok());
    });
}

/// The policies that leave the mailbox alive. `Fail` ends it at the first
/// message too many, so there is no second one to measure.
const POLICIES: [Overflow; 6] =
    [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest, Overflow::Latest, Overflow::Divert];

/// What a policy costs while it has nothing to do: those that reach into the
/// queue keep it in another storage.
#[divan::bench(args = POLICIES)]
fn overflow_with_room(bencher: Bencher<'_, '_>, policy: Overflow) {
    let (sender, mut receiver) = mailbox::channel(Push::bounded(CAPACITY).overflow(policy));
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for number in 0..BATCH {
            assert!(sender.try_tell(black_box(number)).is_ok());
            black_box(receive(&mut receiver));
        }
    });
}

/// What the policy costs when it acts: one message more than there is room for.
#[divan::bench(args = POLICIES)]
fn overflow_when_full(bencher: Bencher<'_, '_>, policy: Overflow) {
    let (sender, _receiver) = mailbox::channel(Push::bounded(64).overflow(policy));
    for number in 0..64 {
        assert!(sender.try_tell(number).is_ok());
    }
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for number in 0..BATCH {
            let _ = black_box(sender.try_tell(black_box(number)));
        }
    });
}

/// Sixteen keys in a mailbox: nearly every message is merged into one that
/// waits.
#[divan::bench]
fn conflate(bencher: Bencher<'_, '_>) {
    let conflating = Mailbox::<u64>::from(Push::bounded(64))
        .conflate(|number| number % 16, |queued, new| *queued = queued.wrapping_add(new));
    let (sender, _receiver) = mailbox::channel(conflating);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for number in 0..BATCH {
            assert!(sender.try_tell(black_box(number)).is_ok());
        }
    });
}

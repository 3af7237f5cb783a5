//! What a mailbox holds, it holds under any load: bursts, crowds, floods.
#![cfg(not(tidegate_loom))]

#[path = "mailbox_support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use std::task::Poll;
use support::{Policy, Task, Way, block_on};
use tidegate::mailbox::{
    self, Admission, DropReason, Mailbox, Overflow, Pull, Push, Receiver, ReserveManyError, SendError, Sender,
    TryRecvError,
};

/// A message that counts how many of its kind there are, and the most there
/// ever were.
struct Counted {
    n: u64,
    live: Arc<[AtomicUsize; 2]>,
}

impl Counted {
    fn new(n: u64, live: &Arc<[AtomicUsize; 2]>) -> Self {
        let now = live[0].fetch_add(1, SeqCst) + 1;
        live[1].fetch_max(now, SeqCst);
        Self { n, live: Arc::clone(live) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live[0].fetch_sub(1, SeqCst);
    }
}

fn counter() -> Arc<[AtomicUsize; 2]> {
    Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)])
}

fn mailbox_of(way: Way, policy: Policy) -> Mailbox<Counted> {
    let mailbox = way.with(policy.overflow());
    match policy {
        Policy::Conflate => mailbox.conflate(|message: &Counted| message.n % 2, |queued, new| *queued = new),
        _ => mailbox,
    }
}

/// Everybody who sends, whatever comes of it: how many came back, and how many
/// were merged.
fn settle(outcome: Result<Admission, SendError<Counted>>, returned: &mut u64, merged: &mut u64) {
    match outcome {
        Ok(Admission::Conflated) => *merged += 1,
        Ok(_) => {}
        Err(error) => {
            drop(error.into_message());
            *returned += 1;
        }
    }
}

/// Takes what there is, asking as it goes.
fn drain(rx: &mut Receiver<Counted>) -> u64 {
    let mut taken = 0;
    loop {
        match rx.try_recv() {
            Ok(_) => taken += 1,
            Err(TryRecvError::Empty) if rx.demand() == Some(0) => rx.request(100),
            Err(_) => return taken,
        }
    }
}

fn every_mailbox() -> impl Iterator<Item = (Way, Policy)> {
    Way::ALL.into_iter().flat_map(|way| Policy::ALL.into_iter().map(move |policy| (way, policy)))
}

#[test]
fn a_burst_of_a_thousand_is_delivered_or_accounted_for() {
    const BURST: u64 = 1_000;
    for (way, policy) in every_mailbox() {
        let live = counter();
        let (tx, mut rx) = mailbox::channel(mailbox_of(way, policy));
        let (mut returned, mut merged) = (0, 0);
        let mut waiting = Vec::new();
        for n in 0..BURST {
            let tx = tx.clone();
            let message = Counted::new(n, &live);
            let mut tell = Task::new(async move { tx.tell(message).await });
            match tell.poll() {
                std::task::Poll::Ready(outcome) => settle(outcome, &mut returned, &mut merged),
                std::task::Poll::Pending => waiting.push(tell),
            }
        }
        let mut taken = 0;
        while !waiting.is_empty() {
            taken += drain(&mut rx);
            waiting.retain_mut(|tell| match tell.poll() {
                std::task::Poll::Ready(outcome) => {
                    settle(outcome, &mut returned, &mut merged);
                    false
                }
                std::task::Poll::Pending => true,
            });
        }
        taken += drain(&mut rx);
        let dropped = tx.stats().drops.total();
        assert_eq!(taken + dropped + returned + merged, BURST, "{way:?} {policy:?}");
        if policy == Policy::Wait {
            assert_eq!(taken, BURST, "{way:?}: backpressure loses nothing");
        }
        assert_eq!(live[0].load(SeqCst), 0, "{way:?} {policy:?}");
    }
}

/// A clone of a sender is not a place in the mailbox.
#[test]
fn a_thousand_clones_of_a_full_sender_push_nothing_past_the_capacity() {
    for (way, policy) in every_mailbox() {
        let (Some(capacity), live) = (way.capacity(), counter()) else { continue };
        let (tx, mut rx) = mailbox::channel(mailbox_of(way, policy));
        if way.is_manual() {
            rx.request(capacity as u64);
        }
        for n in 0..capacity as u64 {
            assert!(tx.try_tell(Counted::new(n, &live)).is_ok(), "{way:?} {policy:?}");
        }
        let clones: Vec<Sender<Counted>> = (0..1_000).map(|_| tx.clone()).collect();
        let mut waiting = Vec::new();
        for (n, clone) in clones.iter().enumerate() {
            drop(clone.try_tell(Counted::new(n as u64, &live)));
            assert!(tx.len() <= capacity, "{way:?} {policy:?}: {} after {n}", tx.len());
            let mut tell = Task::new(clone.tell(Counted::new(n as u64, &live)));
            if tell.poll().is_pending() {
                waiting.push(tell);
            }
            assert!(tx.len() <= capacity, "{way:?} {policy:?}: {} after {n}", tx.len());
        }
        assert_eq!(waiting.len(), if policy == Policy::Wait { 1_000 } else { 0 }, "{way:?} {policy:?}");
        assert_eq!(live[0].load(SeqCst), tx.len() + waiting.len(), "{way:?} {policy:?}: nothing is kept elsewhere");
    }
}

/// A million messages into a mailbox that nobody reads: memory for as many as
/// may wait, and the drops add up.
#[test]
fn a_flood_is_held_to_the_capacity_by_every_policy() {
    const FLOOD: u64 = 1_000_000;
    const CAPACITY: usize = 1_000;
    for policy in Policy::ALL {
        let live = counter();
        let mailbox: Mailbox<Counted> = Push::bounded(CAPACITY).overflow(policy.overflow()).into();
        let mailbox = match policy {
            Policy::Conflate => mailbox.conflate(|message: &Counted| message.n % 64, |queued, new| *queued = new),
            _ => mailbox,
        };
        let (tx, mut rx) = mailbox::channel(mailbox);
        let (mut returned, mut merged) = (0, 0);
        for n in 0..FLOOD {
            settle(tx.try_tell(Counted::new(n, &live)), &mut returned, &mut merged);
        }
        let most = live[1].load(SeqCst);
        // The one that is being sent, and those that it displaces meanwhile.
        assert!(most <= CAPACITY + 1, "{policy:?} held {most} at a time");
        assert_eq!(tx.len(), live[0].load(SeqCst));
        let drops = tx.stats().drops;
        let (reason, lost) = match policy {
            Policy::DropNewest => (DropReason::DropNewest, FLOOD - CAPACITY as u64),
            Policy::DropOldest => (DropReason::DropOldest, FLOOD - CAPACITY as u64),
            Policy::Latest => (DropReason::Latest, FLOOD - CAPACITY as u64),
            Policy::Divert => (DropReason::Diverted, FLOOD - CAPACITY as u64),
            Policy::Wait | Policy::Reject | Policy::Fail | Policy::Conflate => (DropReason::DropOldest, 0),
        };
        assert_eq!((drops.of(reason), drops.total()), (lost, lost), "{policy:?}");
        assert_eq!(drops, tx.dead_letters().counts(), "{policy:?}");
        assert_eq!(drain(&mut rx) + lost + returned + merged, FLOOD, "{policy:?}");
        assert_eq!(live[0].load(SeqCst), 0, "{policy:?}");
    }
}

/// The same from four threads, with a receiver that cannot keep up, so that
/// policies act while messages are taken.
#[test]
fn a_flood_from_many_threads_adds_up() {
    const EACH: u64 = 20_000;
    const THREADS: u64 = 4;
    for policy in Policy::ALL.into_iter().filter(|policy| *policy != Policy::Fail) {
        let live = counter();
        let (tx, mut rx) = mailbox::channel(mailbox_of(Way::PushBounded, policy));
        let (mut taken, mut returned, mut merged) = (0, 0, 0);
        thread::scope(|scope| {
            let floods: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (tx, live) = (tx.clone(), &live);
                    scope.spawn(move || {
                        let (mut returned, mut merged) = (0, 0);
                        for n in 0..EACH {
                            settle(tx.try_tell(Counted::new(n, live)), &mut returned, &mut merged);
                        }
                        (returned, merged)
                    })
                })
                .collect();
            let weak = tx.downgrade();
            drop(tx);
            while let Some(message) = block_on(rx.recv()) {
                taken += 1;
                if message.n % 64 == 0 {
                    thread::yield_now();
                }
            }
            assert!(weak.upgrade().is_none());
            for flood in floods {
                let (r, m) = flood.join().expect("a flood ends");
                (returned, merged) = (returned + r, merged + m);
            }
        });
        let dropped = rx.stats().drops.total();
        assert_eq!(taken + dropped + returned + merged, EACH * THREADS, "{policy:?}");
        // What may wait, what each thread holds, and what is being displaced.
        let most = live[1].load(SeqCst);
        assert!(most <= 8 + 3 * THREADS as usize * 8, "{policy:?} held {most} at a time");
        assert_eq!(live[0].load(SeqCst), 0, "{policy:?}");
    }
}

/// An unbounded mailbox takes a burst in and gives its memory back.
#[test]
fn an_unbounded_mailbox_takes_whatever_comes() {
    let live = counter();
    let (tx, mut rx) = mailbox::channel(mailbox_of(Way::PushUnbounded, Policy::Wait));
    for n in 0..300_000 {
        assert!(matches!(tx.try_tell(Counted::new(n, &live)), Ok(Admission::Queued)));
    }
    assert_eq!(tx.len(), 300_000);
    // A bound takes hold of it, once it has been worked off.
    rx.reconfigure(Push::bounded(10));
    assert!(drain(&mut rx) == 300_000);
    let mut more = 0;
    while more < 2_000_000 && tx.try_tell(Counted::new(0, &live)).is_ok() {
        more += 1;
    }
    assert!(more < 1_000_000, "what there is storage for was granted, and no more: {more}");
    drain(&mut rx);
    assert_eq!(tx.free(), 10);
}

/// A merge that changes the key finds nothing under the old one afterwards.
#[test]
fn conflation_survives_a_merge_that_changes_the_key() {
    let merging = Mailbox::from(Push::bounded(2)).conflate(|n: &u64| n % 10, |queued, new| *queued += new);
    let (tx, mut rx) = mailbox::channel(merging);
    tx.try_tell(1).expect("there is room");
    tx.try_tell(2).expect("there is room");
    assert_eq!(tx.try_tell(1), Ok(Admission::Conflated));
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(2), Ok(2)));
    tx.try_tell(5).expect("there is room");
    tx.try_tell(6).expect("there is room");
    assert_eq!(tx.try_tell(1), Ok(Admission::Displaced));
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(6), Ok(1)));
}

/// More permits than can be out at a time never come: said at once.
#[test]
#[should_panic(expected = "permits")]
fn more_permits_than_there_can_be_are_refused_at_the_call() {
    let (tx, _rx) = mailbox::channel::<u8>(Push::unbounded());
    drop(tx.reserve_many(1 << 18));
}

/// A batch that the terms can never grant does not hold up those behind it.
#[test]
fn a_batch_that_can_never_be_granted_is_refused_and_blocks_nobody() {
    // The capacity becomes smaller while it waits.
    let (tx, mut rx) = mailbox::channel::<u32>(Push::bounded(100));
    (0..60).for_each(|n| assert!(tx.try_tell(n).is_ok()));
    let mut batch = Task::new({
        let tx = tx.clone();
        async move { tx.reserve_many(50).await.map(|permits| permits.len()) }
    });
    assert!(batch.poll().is_pending());
    let mut behind = Task::new(async move { tx.tell(60).await });
    assert!(behind.poll().is_pending());
    rx.reconfigure(Push::bounded(10));
    while rx.try_recv().is_ok() {}
    assert_eq!(batch.poll(), Poll::Ready(Err(ReserveManyError::TooMany)));
    assert!(matches!(behind.poll(), Poll::Ready(Ok(_))));

    // The strategy never asks for so many ahead.
    let (tx, mut rx) = mailbox::channel::<u32>(Pull::window(4).capacity(64));
    let mut batch = Task::new({
        let tx = tx.clone();
        async move { tx.reserve_many(50).await.map(|permits| permits.len()) }
    });
    assert_eq!(batch.poll(), Poll::Ready(Err(ReserveManyError::TooMany)));
    assert!(tx.try_tell(1).is_ok());
    assert_eq!(rx.try_recv(), Ok(1));
}

/// Who waits for permits when the policy becomes one with room for all needs
/// none, however many wait for however many.
#[test]
fn waiting_for_permits_ends_when_the_policy_always_has_room() {
    let (tx, mut rx) = mailbox::channel::<u32>(Push::bounded(131_071));
    let held = block_on(tx.reserve_many(100_000)).unwrap();
    let mut second = Task::new({
        let tx = tx.clone();
        async move { tx.reserve_many(100_000).await.map(|permits| permits.len()) }
    });
    assert!(second.poll().is_pending());
    rx.reconfigure(Push::bounded(8).overflow(Overflow::DropOldest));
    assert!(matches!(second.poll(), Poll::Ready(Ok(100_000))));
    drop(held);
    assert_eq!(tx.len(), 0);
    tx.try_tell(7).unwrap();
    assert_eq!(rx.try_recv(), Ok(7));
}

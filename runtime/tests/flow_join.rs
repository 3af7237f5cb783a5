//! Fan-in: several sources as one, each within its window.

#![cfg(not(tidegate_loom))]

use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, Stream, StreamExt};
use tidegate::ManualExecutor;
use tidegate::flow::{Demand, Emitter, Items, Source, join, source};
use tidegate::prelude::*;

struct Bench {
    executor: ManualExecutor,
    system: System,
}

type Polled = Arc<Mutex<u64>>;

impl Bench {
    fn new() -> Self {
        let executor = ManualExecutor::new();
        Self { system: System::with_executor(executor.clone()), executor }
    }

    fn by_hand<S: Source>(&self, source: S) -> Hand<'_, S::Item> {
        let items = self.system.items(source, Demand::manual());
        Hand { bench: self, items }
    }
}

/// A subscriber that asks by hand.
struct Hand<'a, T: Send + 'static> {
    bench: &'a Bench,
    items: Items<T>,
}

impl<T: Send + 'static> Hand<'_, T> {
    /// Asks for `n` items, and takes what comes, with the end if that comes too.
    fn take(&mut self, n: u64) -> (Vec<T>, Option<String>) {
        self.items.subscription().request(n);
        let mut taken = Vec::new();
        loop {
            // The end is told when all items have been taken.
            self.bench.executor.run_until_idle();
            match self.items.next().now_or_never() {
                Some(Some(Ok(item))) => taken.push(item),
                Some(Some(Err(fault))) => return (taken, Some(fault.to_string())),
                Some(None) => return (taken, Some("completed".to_owned())),
                None => return (taken, None),
            }
        }
    }
}

/// `range`, and how many of it have been polled.
fn counted(range: std::ops::Range<u64>) -> (impl Stream<Item = u64> + Send + 'static, Polled) {
    let polled = Polled::default();
    let counter = Arc::clone(&polled);
    (futures_util::stream::iter(range).inspect(move |_| *counter.lock().unwrap() += 1), polled)
}

fn read(polled: &Polled) -> u64 {
    *polled.lock().unwrap()
}

/// One item, then a failure.
fn jams(item: u64) -> impl Source<Item = u64> {
    source::from_fn(move |mut emitter: Emitter<u64>| async move {
        emitter.send(item).await.unwrap();
        emitter.fail(Fault::msg("jam"));
    })
}

#[test]
fn inputs_are_read_ahead_by_their_windows_and_no_further() {
    let bench = Bench::new();
    let ((first, one), (second, other)) = (counted(0..1_000), counted(0..1_000));
    let mut hand = bench.by_hand(join::merge(3).and(first).and_with(second, Demand::window(1)));
    assert_eq!(hand.take(0).0, []);
    assert_eq!((read(&one), read(&other)), (3, 1));
    for n in 1..20 {
        assert_eq!(hand.take(1).0.len(), 1);
        assert!(read(&one) + read(&other) <= n + 4, "{n}: {} and {}", read(&one), read(&other));
    }
}

#[test]
fn a_merge_is_fair_to_those_who_have_items() {
    let bench = Bench::new();
    let inputs = [100, 200, 300].map(|from| counted(from..from + 50).0);
    let merge = inputs.into_iter().fold(join::merge(8), join::Merge::and);
    let mut hand = bench.by_hand(merge);
    let (taken, end) = hand.take(60);
    assert_eq!(taken.len(), 60);
    for from in [100, 200, 300] {
        let of_it: Vec<u64> = taken.iter().copied().filter(|n| n / 100 * 100 == from).collect();
        assert_eq!(of_it, (from..from + 20).collect::<Vec<_>>(), "its third, in order");
    }
    assert_eq!(end, None);
}

#[test]
fn a_merge_completes_when_all_have() {
    let bench = Bench::new();
    let mut hand = bench.by_hand(join::merge(2).and(source::iter(0..1)).and(source::iter(10..15)));
    let (mut taken, end) = hand.take(100);
    taken.sort_unstable();
    assert_eq!(taken, [0, 10, 11, 12, 13, 14]);
    assert_eq!(end.as_deref(), Some("completed"));
    assert_eq!(bench.by_hand(join::merge::<u64>(1)).take(1).1.as_deref(), Some("completed"), "all of none");
}

#[test]
fn the_first_failure_ends_a_merge_and_cancels_the_others() {
    let bench = Bench::new();
    let (endless, polled) = counted(0..u64::MAX);
    let watch = Arc::downgrade(&polled);
    drop(polled);
    let mut hand = bench.by_hand(join::merge(2).and(jams(7)).and(endless));
    let (taken, end) = hand.take(100);
    assert!(taken.contains(&7), "what it had sent comes before: {taken:?}");
    assert_eq!(end.as_deref(), Some("jam"));
    bench.executor.run_until_idle();
    assert!(watch.upgrade().is_none());
}

#[test]
fn priority_takes_the_first_that_has_items_and_the_rest_when_it_has_none() {
    let bench = Bench::new();
    let mut hand = bench.by_hand(join::merge_by_priority(8).and(source::iter(0..5)).and(source::iter(10..12)));
    assert_eq!(hand.take(100).0, [0, 1, 2, 3, 4, 10, 11]);

    // As documented, nothing guards those after one that always has items.
    let mut hand = bench.by_hand(join::merge_by_priority(8).and(source::iter(0..)).and(source::iter(1_000..1_002)));
    for n in 0..100 {
        assert_eq!(hand.take(1).0, [n]);
    }
}

#[test]
fn pairs_wait_for_the_slower_within_the_window_of_the_faster() {
    let bench = Bench::new();
    let (first, one) = counted(0..1_000);
    let mut hand = bench.by_hand(join::zip(first, futures_util::stream::pending::<u64>(), 4));
    assert_eq!(hand.take(5), (Vec::new(), None));
    assert_eq!(read(&one), 4, "one of them taken out, to be paired");
}

#[test]
fn a_zip_completes_with_the_shorter_and_cancels_the_longer() {
    for shorter_first in [true, false] {
        let bench = Bench::new();
        let (endless, polled) = counted(0..u64::MAX);
        let watch = Arc::downgrade(&polled);
        drop(polled);
        let short = source::iter(10..13_u64);
        let (taken, end) = if shorter_first {
            bench.by_hand(join::zip(short, endless, 2)).take(100)
        } else {
            let (taken, end) = bench.by_hand(join::zip(endless, short, 2)).take(100);
            (taken.into_iter().map(|(a, b)| (b, a)).collect(), end)
        };
        assert_eq!(taken, [(10, 0), (11, 1), (12, 2)]);
        assert_eq!(end.as_deref(), Some("completed"));
        bench.executor.run_until_idle();
        assert!(watch.upgrade().is_none());
    }
}

#[test]
fn a_zip_fails_with_either_after_what_is_paired() {
    for first in [true, false] {
        let bench = Bench::new();
        let (taken, end) = if first {
            bench.by_hand(join::zip(jams(1), source::iter(0_u64..), 2)).take(9)
        } else {
            bench.by_hand(join::zip(source::iter(0_u64..), jams(1), 2)).take(9)
        };
        assert_eq!((taken.len(), end.as_deref()), (1, Some("jam")));
    }
}

#[test]
fn dropping_the_subscription_drops_all_inputs() {
    let bench = Bench::new();
    let ((first, one), (second, other)) = (counted(0..u64::MAX), counted(0..u64::MAX));
    let watches = [Arc::downgrade(&one), Arc::downgrade(&other)];
    drop((one, other));
    let mut hand = bench.by_hand(join::merge(2).and(first).and(second));
    assert_eq!(hand.take(3).0.len(), 3);
    drop(hand);
    bench.executor.run_until_idle();
    assert!(watches.iter().all(|watch| watch.upgrade().is_none()));
    assert_eq!(bench.system.inspect().flows.len(), 0);
}

#[test]
fn joins_nest() {
    let bench = Bench::new();
    let evens = join::merge(1).and(source::iter([0, 4])).and(source::iter([2]));
    let mut hand = bench.by_hand(join::zip(evens, source::iter(["a", "b", "c"]), 1));
    let (taken, end) = hand.take(10);
    assert_eq!(taken.len(), 3);
    assert_eq!(taken.iter().map(|(n, _)| n).sum::<u64>(), 6);
    assert_eq!(end.as_deref(), Some("completed"));
}

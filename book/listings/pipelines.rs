//! Listings of the chapter "Pipelines".

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tidegate::flow::stage::{self, Output, Prefetch, Stage};
use tidegate::flow::{Conversion, Demand, join, source};
use tidegate::prelude::*;
use tidegate_book::Transcript;
use tokio::time::sleep;

// ANCHOR: stage
/// Puts lines together that belong to one record: a line that begins with a blank
/// goes on with the one before.
#[derive(Default)]
struct Records {
    record: String,
}

impl Stage for Records {
    type In = &'static str;
    type Out = String;

    async fn handle(&mut self, line: &'static str, out: &mut Output<String>) -> Result<(), Fault> {
        if line.starts_with(' ') {
            self.record += line;
            return Ok(());
        }
        self.finish(out).await?;
        self.record = line.to_owned();
        Ok(())
    }

    /// Upstream has completed: the last record is whole.
    async fn finish(&mut self, out: &mut Output<String>) -> Result<(), Fault> {
        if !self.record.is_empty() {
            out.send(std::mem::take(&mut self.record)).await?;
        }
        Ok(())
    }
}
// ANCHOR_END: stage

// ANCHOR: stage_test
#[tokio::test]
async fn records_are_put_together() {
    let (mut records, mut out) = (Records::default(), Output::collecting());
    for line in ["a", " b", "c"] {
        records.handle(line, &mut out).await.unwrap();
    }
    assert_eq!(out.collected(), ["a b"]);
    records.finish(&mut out).await.unwrap();
    assert_eq!(out.collected(), ["c"]);
}
// ANCHOR_END: stage_test

#[tokio::test]
async fn a_stage_runs_between_a_source_and_a_subscriber() {
    // ANCHOR: spawn
    let system = System::new();
    let lines = source::iter(["a", " b", "c", " d"]);
    let records = system.stage(lines, Records::default, Prefetch::window(8)).named("records").spawn();
    let all: Vec<String> = system.items(records, Demand::window(4)).map(Result::unwrap).collect().await;
    assert_eq!(all, ["a b", "c d"]);
    // ANCHOR_END: spawn
}

// ANCHOR: windows
/// A pipeline whose consumer takes 100 ms for an item, with windows of 1, 4 and 2.
async fn windows(out: &mut Transcript) {
    let system = System::new();
    let quick = || stage::map(|n: u64| async move { Ok(n) });
    let stored = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&stored);
    let slow = stage::for_each(move |_: u64| {
        let counter = Arc::clone(&counter);
        async move {
            sleep(Duration::from_millis(100)).await;
            *counter.lock().unwrap() += 1;
            Ok(())
        }
    });
    let a = system.stage(source::iter(0..), quick(), Prefetch::window(1)).named("a").spawn();
    let b = system.stage(a, quick(), Prefetch::window(4)).named("b").spawn();
    system.consume(b, slow, 2).named("c").spawn();
    sleep(Duration::from_millis(950)).await;
    for flow in &system.inspect().flows[1..] {
        let demand = flow.demand().unwrap_or(u64::MAX);
        out.line(format!("{} -> {}: {} sent, demand {demand}", flow.source, flow.target, flow.sent));
    }
    let (read, stored) = (system.inspect().flows[0].sent, *stored.lock().unwrap());
    out.line(format!("read {read}, stored {stored}: {} on the way", read - stored));
}
// ANCHOR_END: windows

#[tokio::test(start_paused = true)]
async fn the_slowest_sets_the_pace() {
    let mut out = Transcript::new();
    windows(&mut out).await;
    out.assert_is("pipelines_windows");
}

#[tokio::test]
async fn no_more_is_read_than_is_wanted() {
    // ANCHOR: derived
    let system = System::new();
    let read = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&read);
    let numbers = source::iter((0..).inspect(move |_| *counter.lock().unwrap() += 1));
    let even = stage::filter_map(|n: u64| async move { Ok(n.is_multiple_of(2).then_some(n)) });

    let even = system.stage(numbers, even, Prefetch::none(Conversion::one_to_one())).spawn();
    let pairs = system.stage(even, stage::batch(2, None), Prefetch::none(Conversion::batch(2))).spawn();
    let mut items = system.items(pairs, Demand::manual());

    items.subscription().request(3);
    let three: Vec<Vec<u64>> = items.by_ref().take(3).try_collect().await.unwrap();
    assert_eq!(three, [[0, 2], [4, 6], [8, 10]]);
    // Three pairs need six even numbers, and those came with five odd ones.
    assert_eq!(*read.lock().unwrap(), 11);
    // ANCHOR_END: derived
}

#[tokio::test]
async fn a_failure_costs_an_item() {
    // ANCHOR: restart
    let system = System::new();
    let parse = stage::map(|text: &'static str| async move { Ok(text.parse::<u64>()?) });
    let parsed = system
        .stage(source::iter(["1", "two", "3"]), parse, Prefetch::window(2))
        .restart(Restart::on_failure())
        .spawn();
    let all: Vec<u64> = system.items(parsed, Demand::window(1)).try_collect().await.unwrap();
    assert_eq!(all, [1, 3]);
    // ANCHOR_END: restart
}

#[tokio::test]
async fn fan_out_and_fan_in() {
    // ANCHOR: fan
    let system = System::new();
    let double = || stage::map(|n: u64| async move { Ok(2 * n) });

    // Out: each item goes to one of the subscribers, whichever has demand.
    let numbers = system.stage(source::iter(0..100), double(), Prefetch::window(8)).named("numbers").spawn();
    let left = system.stage(numbers.port(), double(), Prefetch::window(2)).named("left").spawn();
    let right = system.stage(numbers.port(), double(), Prefetch::window(2)).named("right").spawn();

    // In: whichever has an item.
    let both = join::merge(2).and(left).and(right);
    let mut all: Vec<u64> = system.items(both, Demand::window(4)).try_collect().await.unwrap();
    all.sort_unstable();
    assert_eq!(all, (0..100).map(|n| 4 * n).collect::<Vec<_>>());
    // ANCHOR_END: fan
}

#[tokio::test]
async fn streams_and_stages() {
    // ANCHOR: streams
    let system = System::new();
    // Cheap and without state: an adapter of the stream, in the task that reads it.
    let lengths = futures_util::stream::iter(["a", "bb", "ccc"]).map(str::len);
    // Work of its own, at the same time as what comes before and after: a stage.
    let squares = stage::map(|n: usize| async move { Ok(n * n) });
    let squares = system.stage(lengths, squares, Prefetch::window(2)).spawn();
    // And a stream again.
    let total = system.items(squares, Demand::window(2)).try_fold(0, |sum, n| async move { Ok(sum + n) });
    assert_eq!(total.await.unwrap(), 14);
    // ANCHOR_END: streams
}

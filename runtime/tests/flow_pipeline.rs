//! Whole pipelines, in virtual time: a slow last step holds back the first, and
//! what is alive in between is bounded by the windows, after every step of time.

#![cfg(not(tidegate_loom))]

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use tidegate::flow::stage::{self, Consumer, Output, Prefetch, Running, Stage};
use tidegate::flow::{Conversion, Demand, End};
use tidegate::prelude::*;
use tidegate::{Executor, ManualExecutor};

const TICK: Duration = Duration::from_millis(1);
/// A hundred times slower than the source and the stages between.
const SLOW: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
struct Census {
    polled: u64,
    alive: i64,
    most: i64,
    consumed: Vec<u64>,
}

type Count = Arc<Mutex<Census>>;

/// An item that is counted while it is anywhere.
struct Item {
    n: u64,
    count: Count,
}

impl Item {
    fn new(n: u64, count: &Count) -> Self {
        let mut census = count.lock().unwrap();
        census.alive += 1;
        census.most = census.most.max(census.alive);
        drop(census);
        Self { n, count: Arc::clone(count) }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.count.lock().unwrap().alive -= 1;
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.n.fmt(f)
    }
}

struct Line {
    executor: ManualExecutor,
    system: System,
    count: Count,
}

impl Line {
    fn new() -> Self {
        let executor = ManualExecutor::new();
        Self { system: System::with_executor(executor.clone()), executor, count: Count::default() }
    }

    fn census(&self) -> std::sync::MutexGuard<'_, Census> {
        self.count.lock().unwrap()
    }

    /// Items from 0, as fast as they are wanted.
    fn source(&self, n: u64) -> impl Stream<Item = Item> + Send + use<> {
        let count = Arc::clone(&self.count);
        futures_util::stream::iter(0..n).map(move |n| {
            count.lock().unwrap().polled += 1;
            Item::new(n, &count)
        })
    }

    /// A stage that passes each item on after a time.
    fn pass(&self, takes: Duration) -> impl FnMut() -> Pass + Send + use<> {
        let executor = self.executor.clone();
        move || Pass { executor: executor.clone(), takes, fails_at: None }
    }

    /// Notes what comes and drops it after a time.
    fn last(&self, takes: Duration) -> impl FnMut() -> Last + Send + use<> {
        let (executor, count) = (self.executor.clone(), Arc::clone(&self.count));
        move || Last { executor: executor.clone(), count: Arc::clone(&count), takes }
    }

    fn settle(&self) {
        self.executor.run_until_idle();
    }

    fn end<T: Send>(&self, stage: &Running<T>) -> Option<End> {
        self.settle();
        stage.ended().now_or_never()
    }
}

struct Pass {
    executor: ManualExecutor,
    takes: Duration,
    fails_at: Option<u64>,
}

impl Stage for Pass {
    type In = Item;
    type Out = Item;
    async fn handle(&mut self, item: Item, out: &mut Output<Item>) -> Result<(), Fault> {
        if !self.takes.is_zero() {
            self.executor.sleep(self.takes).await;
        }
        if self.fails_at == Some(item.n) {
            return Err(Fault::msg(format!("cannot do {}", item.n)));
        }
        out.send(item).await?;
        Ok(())
    }
}

struct Last {
    executor: ManualExecutor,
    count: Count,
    takes: Duration,
}

impl Consumer for Last {
    type In = Item;
    async fn handle(&mut self, item: Item) -> Result<(), Fault> {
        if !self.takes.is_zero() {
            self.executor.sleep(self.takes).await;
        }
        self.count.lock().unwrap().consumed.push(item.n);
        Ok(())
    }
}

/// Four stages between a source without end and a consumer a hundred times slower,
/// by `windows` (the last is the consumer's), checked after every step of time.
fn a_slow_consumer_holds_back_the_source(
    prefetch: [Prefetch; 4],
    last: usize,
    bound: u64,
) -> (Line, Running<std::convert::Infallible>) {
    let line = Line::new();
    let [first, second, third, fourth] = prefetch;
    let a = line.system.stage(line.source(u64::MAX), line.pass(TICK), first).named("a").spawn();
    let b = line.system.stage(a, line.pass(TICK), second).named("b").spawn();
    let c = line.system.stage(b, line.pass(TICK), third).named("c").spawn();
    let d = line.system.stage(c, line.pass(TICK), fourth).named("d").spawn();
    let sink = line.system.consume(d, line.last(SLOW), last).named("sink").spawn();
    line.settle();
    for _ in 0..3_000 {
        line.executor.advance(TICK);
        let census = line.census();
        assert!(census.alive as u64 <= bound, "{} items alive, of {bound}", census.alive);
        let consumed = census.consumed.len() as u64;
        assert!(census.polled <= consumed + bound, "polled {}, {consumed} consumed", census.polled);
    }
    assert!(line.end(&sink).is_none());
    (line, sink)
}

#[test]
fn five_windows_bound_what_is_alive_and_the_slow_end_sets_the_pace() {
    let windows = [8, 1, 16, 3];
    let bound = windows.iter().sum::<usize>() as u64 + 5;
    let (line, _sink) = a_slow_consumer_holds_back_the_source(windows.map(Prefetch::window), 5, bound);
    let census = line.census();
    // The first item passes four stages in 4 ms, and then one in 100 ms is done.
    assert_eq!(census.consumed, (0..29).collect::<Vec<_>>(), "(3000 - 4) / 100");
    assert!(census.most as u64 >= bound - 5, "the bound is no idle one: {} of {bound}", census.most);
}

#[test]
fn windows_of_one_are_enough() {
    let (line, _sink) = a_slow_consumer_holds_back_the_source([1; 4].map(Prefetch::window), 1, 5);
    assert_eq!(line.census().consumed, (0..29).collect::<Vec<_>>());
    assert_eq!(line.census().most, 5);
}

#[test]
fn without_prefetch_only_what_the_consumer_wants_is_on_its_way() {
    let none = Prefetch::none(Conversion::one_to_one());
    for window in [1, 3] {
        let (line, _sink) = a_slow_consumer_holds_back_the_source([none; 4], window, window as u64);
        let census = line.census();
        assert_eq!(census.most, window as i64, "its window, wherever the items are");
        let expected = if window == 1 { 28 } else { 29 };
        assert_eq!(census.consumed.len(), expected, "with one at a time each has the whole way before it: 104 ms");
    }
}

#[test]
fn demand_is_seen_from_end_to_end_by_path() {
    let (line, _sink) = a_slow_consumer_holds_back_the_source([4, 4, 4, 4].map(Prefetch::window), 4, 20);
    let flows = line.system.inspect().flows;
    let hops: Vec<_> = flows.iter().map(|flow| (flow.source.as_ref(), flow.target.as_str())).collect();
    assert!(hops[0].0.starts_with("Map<Iter<"), "{hops:?}");
    assert_eq!(hops[0].1, "/a");
    assert_eq!(hops[1..], [("/a", "/b"), ("/b", "/c"), ("/c", "/d"), ("/d", "/sink")]);
    for flow in &flows {
        let (requested, demand) = (flow.requested.unwrap(), flow.demand().unwrap());
        assert_eq!(requested - flow.sent, demand, "{flow}");
        assert!(demand <= 4 && flow.sent >= 29, "{flow}");
    }
    // Upstream is never behind.
    assert!(flows.windows(2).all(|hop| hop[0].sent >= hop[1].sent));
}

#[test]
fn cancelling_the_end_drops_the_source_within_one_item() {
    let (line, sink) = a_slow_consumer_holds_back_the_source([2, 3, 1, 2].map(Prefetch::window), 2, 10);
    let polled = line.census().polled;
    let flows = line.system.inspect().flows;
    assert_eq!(flows.len(), 5);
    // The consumer has gone; each stage waits for demand, or is in an item of 1 ms.
    sink.kill();
    for _ in 0..5 {
        line.executor.advance(TICK);
    }
    assert_eq!(line.system.inspect().flows.len(), 0, "{}", line.system.inspect());
    let census = line.census();
    assert!(census.polled <= polled + 2, "{} after {polled}", census.polled);
    assert_eq!(census.alive, 0, "nothing is left anywhere");
}

#[test]
fn a_failure_in_the_middle_reaches_the_consumer_after_the_items_before_it() {
    let line = Line::new();
    let a = line.system.stage(line.source(u64::MAX), line.pass(TICK), Prefetch::window(4)).named("a").spawn();
    let mut pass = line.pass(TICK);
    let fails = move || Pass { fails_at: Some(10), ..pass() };
    let b = line.system.stage(a.clone(), fails, Prefetch::window(4)).named("b").spawn();
    let c = line.system.stage(b, line.pass(TICK), Prefetch::window(4)).named("c").spawn();
    let sink = line.system.consume(c, line.last(SLOW), 4).named("sink").spawn();
    for _ in 0..1_100 {
        line.executor.advance(TICK);
    }
    assert_eq!(line.census().consumed, (0..10).collect::<Vec<_>>());
    assert_eq!(line.end(&sink).unwrap().to_string(), "failed: cannot do 10");
    assert_eq!(line.end(&a).unwrap().to_string(), "cancelled", "upstream of it");
    assert_eq!(line.system.inspect().flows.len(), 0);
    assert_eq!(line.census().alive, 0);
}

#[test]
fn a_stage_that_fails_and_begins_anew_loses_one_item_and_holds_nobody_up() {
    for prefetch in [Prefetch::window(1), Prefetch::window(4), Prefetch::none(Conversion::one_to_one())] {
        let line = Line::new();
        let a = line.system.stage(line.source(30), line.pass(TICK), prefetch).named("a").spawn();
        let mut pass = line.pass(TICK);
        let fails = move || Pass { fails_at: Some(10), ..pass() };
        let b = line.system.stage(a, fails, prefetch).named("b").restart(Restart::on_failure()).spawn();
        let sink = line.system.consume(b, line.last(TICK), 4).named("sink").spawn();
        for _ in 0..20_000 {
            line.executor.advance(TICK);
            assert!(line.census().alive <= 12);
        }
        assert!(line.end(&sink).unwrap().is_completed(), "{prefetch:?}");
        assert_eq!(line.census().consumed, (0..30).filter(|n| *n != 10).collect::<Vec<_>>());
        assert_eq!(line.census().alive, 0);
    }
}

#[test]
fn a_slow_stage_in_the_middle_sets_the_pace_and_fills_only_what_is_before_it() {
    let line = Line::new();
    let a = line.system.stage(line.source(u64::MAX), line.pass(TICK), Prefetch::window(6)).named("a").spawn();
    let b = line.system.stage(a, line.pass(SLOW), Prefetch::window(6)).named("b").spawn();
    let c = line.system.stage(b, line.pass(TICK), Prefetch::window(50)).named("c").spawn();
    let _sink = line.system.consume(c, line.last(TICK), 50).named("sink").spawn();
    for _ in 0..1_050 {
        line.executor.advance(TICK);
        assert!(line.census().alive <= 12 + 2, "two windows before it, and one item for each step after it");
    }
    assert_eq!(line.census().consumed, (0..10).collect::<Vec<_>>());
}

#[test]
fn batches_filters_and_expansions_in_the_middle_keep_the_bound_and_the_order() {
    for derived in [false, true] {
        let line = Line::new();
        let how = |conversion| if derived { Prefetch::none(conversion) } else { Prefetch::window(4) };
        let odd = stage::filter_map(|item: Item| async move { Ok((item.n % 2 == 1).then_some(item)) });
        let odd = line.system.stage(line.source(u64::MAX), odd, how(Conversion::one_to_one())).named("odd").spawn();
        let pairs = line.system.stage(odd, stage::batch(3, None), how(Conversion::batch(3))).named("pairs").spawn();
        let flat = stage::expand(|items: Vec<Item>| async move { Ok(items) });
        let flat = line.system.stage(pairs, flat, how(Conversion::expand(3))).named("flat").spawn();
        let d = line.system.stage(flat, line.pass(TICK), how(Conversion::one_to_one())).named("d").spawn();
        let _sink = line.system.consume(d, line.last(SLOW), 2).named("sink").spawn();
        // By windows: 4 of items, 4 and what a batch holds, 4 of batches of 3, 4 of
        // items, 2 at the end. By demand: what 2 need, and the rest of two batches.
        let bound = if derived { 2 + 3 + 2 } else { 4 + (4 + 2) + 4 * 3 + 4 + 2 };
        for _ in 0..3_000 {
            line.executor.advance(TICK);
            let alive = line.census().alive;
            assert!(alive <= bound, "{alive} of {bound}, derived {derived}");
        }
        let census = line.census();
        assert_eq!(census.consumed, (0..29).map(|n| 2 * n + 1).collect::<Vec<_>>(), "derived {derived}");
        assert!(census.most >= bound / 2, "{} of {bound}", census.most);
    }
}

/// What a random stage does, and to plain numbers.
#[derive(Clone, Copy, Debug)]
enum Step {
    Same,
    Even,
    Twice,
    Sums(usize),
}

impl Step {
    fn apply(self, items: Vec<u64>) -> Vec<u64> {
        match self {
            Self::Same => items,
            Self::Even => items.into_iter().filter(|n| n % 2 == 0).collect(),
            Self::Twice => items.into_iter().flat_map(|n| [n, n + 1]).collect(),
            Self::Sums(group) => items.chunks(group).map(|group| group.iter().sum()).collect(),
        }
    }

    fn conversion(self) -> Conversion {
        match self {
            Self::Same | Self::Even => Conversion::one_to_one(),
            Self::Twice => Conversion::expand(2),
            Self::Sums(group) => Conversion::batch(group),
        }
    }
}

struct Does {
    step: Step,
    takes: Duration,
    executor: ManualExecutor,
    held: Vec<u64>,
}

impl Stage for Does {
    type In = u64;
    type Out = u64;
    async fn handle(&mut self, n: u64, out: &mut Output<u64>) -> Result<(), Fault> {
        if !self.takes.is_zero() {
            self.executor.sleep(self.takes).await;
        }
        self.held.push(n);
        let whole = match self.step {
            Step::Sums(group) => self.held.len() == group,
            _ => true,
        };
        if whole { self.finish(out).await } else { Ok(()) }
    }
    async fn finish(&mut self, out: &mut Output<u64>) -> Result<(), Fault> {
        for n in self.step.apply(std::mem::take(&mut self.held)) {
            out.send(n).await?;
        }
        Ok(())
    }
}

#[test]
fn random_pipelines_finish_with_exactly_what_they_are_to_yield() {
    for seed in 0..300_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut random = |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % n
        };
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let items = random(60);
        let mut expected: Vec<u64> = (0..items).collect();
        let mut upstream: Option<Running<u64>> = None;
        let mut told = format!("seed {seed}: {items} items");
        for _ in 0..=random(6) {
            let step = match random(4) {
                0 => Step::Same,
                1 => Step::Even,
                2 => Step::Twice,
                _ => Step::Sums(1 + random(5) as usize),
            };
            let size = 1 + random(5) as usize;
            let prefetch = match random(2) {
                0 => Prefetch::window(size).low(random(size as u64) as usize),
                _ => Prefetch::none(step.conversion()).at_most(size),
            };
            let takes = TICK * random(3) as u32;
            told += &format!(" -> {step:?} {prefetch:?} {takes:?}");
            let clock = executor.clone();
            let make = move || Does { step, takes, executor: clock.clone(), held: Vec::new() };
            upstream = Some(match upstream.take() {
                None => system.stage(futures_util::stream::iter(0..items), make, prefetch).spawn(),
                Some(before) => system.stage(before, make, prefetch).spawn(),
            });
            expected = step.apply(expected);
        }
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (clock, takes, into) = (executor.clone(), TICK * random(3) as u32, Arc::clone(&taken));
        let consumer = stage::for_each(move |n: u64| {
            into.lock().unwrap().push(n);
            let sleep = clock.sleep(takes);
            async move {
                sleep.await;
                Ok(())
            }
        });
        let last = upstream.expect("there is at least one stage");
        let sink = system.consume(last, consumer, 1 + random(4) as usize).spawn();
        let mut end = None;
        for _ in 0..4_000 {
            executor.advance(TICK);
            end = sink.ended().now_or_never();
            if end.is_some() {
                break;
            }
        }
        assert!(end.is_some_and(|end| end.is_completed()), "stuck: {told}\n{}", system.inspect());
        assert_eq!(*taken.lock().unwrap(), expected, "{told}");
        executor.run_until_idle();
        assert_eq!(system.inspect().flows.len(), 0, "{told}");
    }
}

/// The same with tokio and its clock paused: what is promised does not hang on the
/// executor.
#[tokio::test(start_paused = true)]
async fn on_tokio_as_well() {
    let system = System::new();
    let count = Count::default();
    let counter = Arc::clone(&count);
    let source = futures_util::stream::iter(0..40_u64).map(move |n| {
        counter.lock().unwrap().polled += 1;
        Item::new(n, &counter)
    });
    let pass = || {
        stage::map(|item: Item| async move {
            tokio::time::sleep(TICK).await;
            Ok(item)
        })
    };
    let a = system.stage(source, pass(), Prefetch::window(3)).spawn();
    let b = system.stage(a, pass(), Prefetch::none(Conversion::one_to_one())).spawn();
    let counter = Arc::clone(&count);
    let last = stage::for_each(move |item: Item| {
        let counter = Arc::clone(&counter);
        async move {
            tokio::time::sleep(SLOW).await;
            let mut census = counter.lock().unwrap();
            census.consumed.push(item.n);
            assert!(census.polled <= census.consumed.len() as u64 + 3 + 2, "{census:?}");
            drop(census);
            Ok(())
        }
    });
    let begin = tokio::time::Instant::now();
    let sink = system.consume(b, last, 2).spawn();
    assert!(sink.ended().await.is_completed());
    assert_eq!(count.lock().unwrap().consumed, (0..40).collect::<Vec<_>>());
    let took = begin.elapsed();
    assert!(took >= 40 * SLOW && took <= 40 * SLOW + 10 * TICK, "{took:?}");
}

/// A subscriber that asks for a window keeps several stages busy at once.
#[test]
fn stages_work_at_the_same_time() {
    let line = Line::new();
    let a = line.system.stage(line.source(20), line.pass(10 * TICK), Prefetch::window(2)).spawn();
    let b = line.system.stage(a, line.pass(10 * TICK), Prefetch::window(2)).spawn();
    let c = line.system.stage(b, line.pass(10 * TICK), Prefetch::window(2)).spawn();
    let _items = line.system.items(c.port(), Demand::window(32));
    let mut time = 0;
    while line.end(&c).is_none() {
        line.executor.advance(TICK);
        time += 1;
        assert!(time < 1_000);
    }
    assert_eq!(time, 10 * (20 + 2), "as long as one of them takes, and the way of the first through the others");
}

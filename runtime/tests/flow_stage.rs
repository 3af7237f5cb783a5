//! Stages: both ends of demand in one actor, their ends, failures and restarts.

#![cfg(not(tidegate_loom))]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use tidegate::flow::stage::{self, Consumer, Output, Prefetch, Running, Stage};
use tidegate::flow::{Conversion, Demand, EmitError, Emitter, End, Inlet, Items, Outlet, Subscription, source};
use tidegate::prelude::*;
use tidegate::{Executor, ManualExecutor};

type Log = Arc<Mutex<Vec<String>>>;

const SLOW: Duration = Duration::from_millis(10);

struct Bench {
    executor: ManualExecutor,
    system: System,
    log: Log,
}

impl Bench {
    fn new() -> Self {
        let executor = ManualExecutor::new();
        Self { system: System::with_executor(executor.clone()), executor, log: Log::default() }
    }

    fn settle(&self) {
        self.executor.run_until_idle();
    }

    fn advance(&self, times: u32) {
        for _ in 0..times {
            self.executor.advance(SLOW);
        }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Numbers from 0, and how many of them have been polled.
    fn numbers(&self, n: u64) -> (impl Stream<Item = u64> + Send + use<>, Arc<Mutex<u64>>) {
        let polled = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&polled);
        let numbers = futures_util::stream::iter(0..n).inspect(move |_| *counter.lock().unwrap() += 1);
        (numbers, polled)
    }

    /// Notes each item that comes to it, which takes its time, and passes it on.
    fn slow(&self) -> impl FnMut() -> Slow + Send + use<> {
        let (executor, log) = (self.executor.clone(), Arc::clone(&self.log));
        move || Slow { executor: executor.clone(), log: Arc::clone(&log), fails_at: None, panics_at: None }
    }

    fn ended<T: Send>(&self, stage: &Running<T>) -> Option<String> {
        self.settle();
        stage.ended().now_or_never().map(|end| end.to_string())
    }

    /// Takes everything that comes, with as much demand as there can be.
    fn all<T: Send + std::fmt::Debug>(&self, items: Items<T>) -> Vec<String> {
        self.executor.block_on(
            items.map(|item| item.map_or_else(|fault| fault.to_string(), |item| format!("{item:?}"))).collect(),
        )
    }
}

struct Slow {
    executor: ManualExecutor,
    log: Log,
    fails_at: Option<u64>,
    panics_at: Option<u64>,
}

impl Stage for Slow {
    type In = u64;
    type Out = u64;
    async fn handle(&mut self, n: u64, out: &mut Output<u64>) -> Result<(), Fault> {
        self.executor.sleep(SLOW).await;
        self.log.lock().unwrap().push(n.to_string());
        if self.fails_at == Some(n) {
            return Err(Fault::msg(format!("cannot do {n}")));
        }
        assert!(self.panics_at != Some(n), "cannot bear {n}");
        out.send(n).await?;
        Ok(())
    }
    async fn finish(&mut self, _: &mut Output<u64>) -> Result<(), Fault> {
        self.log.lock().unwrap().push("finished".to_owned());
        Ok(())
    }
}

fn read(counter: &Arc<Mutex<u64>>) -> u64 {
    *counter.lock().unwrap()
}

/// A subscriber that asks by hand.
struct Hand {
    items: Items<u64>,
}

impl Hand {
    fn of(bench: &Bench, stage: &Running<u64>) -> Self {
        Self { items: bench.system.items(stage.clone(), Demand::manual()) }
    }

    fn take(&mut self, bench: &Bench, n: u64) -> Vec<u64> {
        self.items.subscription().request(n);
        bench.settle();
        let mut taken = Vec::new();
        while let Some(Some(Ok(item))) = self.items.next().now_or_never() {
            taken.push(item);
        }
        taken
    }
}

#[test]
fn a_window_counts_the_item_in_the_handler() {
    for window in [1, 2, 3, 8] {
        let bench = Bench::new();
        let (numbers, polled) = bench.numbers(1_000);
        let stage = bench.system.stage(numbers, bench.slow(), Prefetch::window(window).low(window - 1)).spawn();
        let _items = bench.system.items(stage.port(), Demand::window(1_000));
        bench.settle();
        assert_eq!(read(&polled), window as u64, "one of them in the handler");
        for _ in 0..20 {
            bench.executor.advance(SLOW);
            let handled = bench.log().len() as u64;
            assert_eq!(read(&polled), handled + window as u64);
        }
    }
}

#[test]
fn a_window_is_refilled_at_half() {
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(1_000);
    let stage = bench.system.stage(numbers, bench.slow(), Prefetch::window(4)).spawn();
    let _items = bench.system.items(stage.port(), Demand::window(1_000));
    bench.settle();
    let mut seen = vec![read(&polled)];
    for _ in 0..6 {
        bench.executor.advance(SLOW);
        seen.push(read(&polled));
    }
    assert_eq!(seen, [4, 4, 6, 6, 8, 8, 10]);
}

#[test]
fn without_prefetch_nothing_is_polled_that_nobody_wants() {
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(1_000);
    let double = stage::map(|n: u64| async move { Ok(2 * n) });
    let stage = bench.system.stage(numbers, double, Prefetch::none(Conversion::one_to_one())).spawn();
    let mut hand = Hand::of(&bench, &stage);
    bench.settle();
    assert_eq!(read(&polled), 0);
    assert_eq!(hand.take(&bench, 3), [0, 2, 4]);
    assert_eq!(read(&polled), 3);
    assert_eq!(hand.take(&bench, 1), [6]);
    assert_eq!(read(&polled), 4);
}

#[test]
fn a_filter_without_prefetch_asks_again_for_what_came_to_nothing() {
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(1_000);
    let tens = stage::filter_map(|n: u64| async move { Ok(n.is_multiple_of(10).then_some(n)) });
    let stage = bench.system.stage(numbers, tens, Prefetch::none(Conversion::one_to_one())).spawn();
    let mut hand = Hand::of(&bench, &stage);
    assert_eq!(hand.take(&bench, 1), [0]);
    assert_eq!(read(&polled), 1);
    assert_eq!(hand.take(&bench, 2), [10, 20]);
    assert_eq!(read(&polled), 21, "not one more than it took");
}

#[test]
fn batches_without_prefetch_ask_for_whole_groups() {
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(10);
    let stage =
        bench.system.stage(numbers, stage::batch(4, None), Prefetch::none(Conversion::batch(4)).at_most(3)).spawn();
    let sums = bench.system.stage(
        stage,
        stage::map(|batch: Vec<u64>| async move { Ok(batch.iter().sum::<u64>()) }),
        Prefetch::none(Conversion::one_to_one()),
    );
    let sums = sums.spawn();
    let mut hand = Hand::of(&bench, &sums);
    assert_eq!(hand.take(&bench, 1), [6], "a group larger than is asked for at a time");
    assert_eq!(read(&polled), 4);
    assert_eq!(hand.take(&bench, 2), [22, 17], "the rest when upstream ends");
    assert_eq!(bench.ended(&sums).as_deref(), Some("completed"));
}

#[test]
fn what_is_expanded_is_asked_for_by_the_group() {
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(100);
    let thrice = stage::expand(|n: u64| async move { Ok([n, n, n]) });
    let stage = bench.system.stage(numbers, thrice, Prefetch::none(Conversion::expand(3))).spawn();
    let mut hand = Hand::of(&bench, &stage);
    assert_eq!(hand.take(&bench, 4), [0, 0, 0, 1]);
    assert_eq!(read(&polled), 2, "two of the second wait in the handler");
    assert_eq!(hand.take(&bench, 2), [1, 1]);
    assert_eq!(read(&polled), 2);
    assert_eq!(hand.take(&bench, 1), [2]);
}

#[test]
fn a_batch_that_waits_too_long_is_emitted_as_it_is() {
    let bench = Bench::new();
    let tap = Tap::default();
    let stage =
        bench.system.stage(tap.clone(), stage::batch(3, Some(5 * SLOW)), Prefetch::none(Conversion::batch(3))).spawn();
    let mut items = bench.system.items(stage, Demand::window(1));
    let mut next = || {
        bench.settle();
        items.next().now_or_never().map(|item| item.unwrap().unwrap())
    };
    tap.put(1);
    assert_eq!(next(), None);
    bench.advance(3);
    tap.put(2);
    assert_eq!(next(), None);
    bench.advance(1);
    assert_eq!(next(), None);
    bench.advance(1);
    assert_eq!(next(), Some(vec![1, 2]), "five after the first, not after the last");
    bench.advance(20);
    assert_eq!(next(), None, "nothing is held, so nothing runs out");
    (3..=8).for_each(|n| tap.put(n));
    assert_eq!((next(), next()), (Some(vec![3, 4, 5]), Some(vec![6, 7, 8])));
    tap.put(9);
    assert_eq!(next(), None);
    bench.advance(4);
    assert_eq!(next(), None, "the time of the batch before does not count");
    bench.advance(1);
    assert_eq!(next(), Some(vec![9]));
}

/// A stream that yields what the test puts in.
#[derive(Clone, Default)]
struct Tap(Arc<Mutex<(VecDeque<u64>, Option<Waker>)>>);

impl Tap {
    fn put(&self, item: u64) {
        let waker = {
            let mut tap = self.0.lock().unwrap();
            tap.0.push_back(item);
            tap.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Stream for Tap {
    type Item = u64;
    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<u64>> {
        let mut tap = self.0.lock().unwrap();
        let item = tap.0.pop_front();
        tap.1 = item.is_none().then(|| cx.waker().clone());
        item.map_or(Poll::Pending, |item| Poll::Ready(Some(item)))
    }
}

#[test]
fn completion_comes_after_the_items_and_ends_the_stage() {
    let bench = Bench::new();
    let stage = bench.system.stage(source::iter(0..3_u64), bench.slow(), Prefetch::window(8)).named("slow").spawn();
    let items = bench.system.items(stage.port(), Demand::window(8));
    assert_eq!(bench.all(items), ["0", "1", "2"]);
    assert_eq!(bench.log(), ["0", "1", "2", "finished"]);
    assert_eq!(bench.ended(&stage).as_deref(), Some("completed"));
    let late = bench.system.items(stage, Demand::window(1));
    assert_eq!(bench.all(late).len(), 0, "who comes late hears that it has completed");
    assert_eq!(bench.system.dead_letters().counts().total(), 0);
}

/// Two items, and a failure at once.
fn jams() -> impl tidegate::flow::Source<Item = u64> {
    source::from_fn(|mut emitter: Emitter<u64>| async move {
        emitter.send(0).await.unwrap();
        emitter.send(1).await.unwrap();
        emitter.fail(Fault::msg("jam"));
    })
}

#[test]
fn a_failure_upstream_comes_after_the_items_or_at_once() {
    let bench = Bench::new();
    let stage = bench.system.stage(jams(), bench.slow(), Prefetch::window(8)).spawn();
    let items = bench.system.items(stage.port(), Demand::window(8));
    assert_eq!(bench.all(items), ["0", "1", "jam"]);
    assert_eq!(bench.log(), ["0", "1", "finished"], "what is held is emitted first");
    assert_eq!(bench.ended(&stage).as_deref(), Some("failed: jam"));

    let bench = Bench::new();
    let stage = bench.system.stage(jams(), bench.slow(), Prefetch::window(8)).fail_at_once().spawn();
    let items = bench.system.items(stage.port(), Demand::window(8));
    assert_eq!(bench.all(items), ["jam"], "it came while they waited");
    bench.settle();
    assert_eq!(bench.system.dead_letters().counts().total(), 2, "and they are accounted for");

    let bench = Bench::new();
    let stage = bench.system.stage(source::iter(0..4_u64), bench.slow(), Prefetch::window(8)).fail_at_once().spawn();
    let items = bench.system.items(stage.port(), Demand::window(8));
    assert_eq!(bench.all(items), ["0", "1", "2", "3"], "completion overtakes nothing");
    assert_eq!(bench.ended(&stage).as_deref(), Some("completed"));
}

#[test]
fn rule_4_2_a_stage_may_recover_from_a_failure_upstream() {
    struct Recovers;
    impl Stage for Recovers {
        type In = u64;
        type Out = u64;
        async fn handle(&mut self, n: u64, out: &mut Output<u64>) -> Result<(), Fault> {
            Ok(out.send(n).await?)
        }
        async fn failed(&mut self, fault: Fault, out: &mut Output<u64>) -> Result<(), Fault> {
            assert_eq!(fault.to_string(), "jam");
            Ok(out.send(99).await?)
        }
    }
    let bench = Bench::new();
    let stage = bench.system.stage(jams(), || Recovers, Prefetch::window(1)).spawn();
    let items = bench.system.items(stage.port(), Demand::window(1));
    assert_eq!(bench.all(items), ["0", "1", "99"]);
    assert_eq!(bench.ended(&stage).as_deref(), Some("completed"));
}

#[test]
fn a_stage_that_fails_for_good_fails_its_subscribers_and_cancels_its_source() {
    for panics in [false, true] {
        let bench = Bench::new();
        let (numbers, polled) = bench.numbers(u64::MAX);
        let watch = Arc::downgrade(&polled);
        drop(polled);
        let mut slow = bench.slow();
        let failing = move || {
            let stage = slow();
            if panics { Slow { panics_at: Some(2), ..stage } } else { Slow { fails_at: Some(2), ..stage } }
        };
        let stage = bench.system.stage(numbers, failing, Prefetch::window(4)).spawn();
        let items = bench.system.items(stage.port(), Demand::window(4));
        let seen = bench.all(items);
        assert_eq!(seen[..2], ["0", "1"]);
        let fault = if panics { "the stage has ended: panicked: cannot bear 2" } else { "cannot do 2" };
        assert_eq!(seen[2..], [fault]);
        assert_eq!(bench.ended(&stage), Some(format!("failed: {fault}")));
        assert!(watch.upgrade().is_none());
    }
}

#[test]
fn a_restart_loses_the_item_in_the_handler_and_nothing_else() {
    for panics in [false, true] {
        for prefetch in [Prefetch::window(1), Prefetch::window(5), Prefetch::none(Conversion::one_to_one())] {
            let bench = Bench::new();
            let mut slow = bench.slow();
            let failing = move || {
                let stage = slow();
                if panics { Slow { panics_at: Some(3), ..stage } } else { Slow { fails_at: Some(3), ..stage } }
            };
            let stage =
                bench.system.stage(source::iter(0..8_u64), failing, prefetch).restart(Restart::on_failure()).spawn();
            let mut items = bench.system.items(stage.port(), Demand::manual());
            // As many as there are, less the one that is lost.
            items.subscription().request(7);
            bench.settle();
            bench.advance(1_000);
            let mut seen = Vec::new();
            while let Some(Some(item)) = items.next().now_or_never() {
                seen.push(item.unwrap());
            }
            assert_eq!(seen, [0, 1, 2, 4, 5, 6, 7], "{prefetch:?}: the demand for it went to another");
        }
    }
}

#[test]
fn a_batch_that_is_lost_with_a_life_is_asked_for_again() {
    struct Fragile {
        items: Vec<u64>,
    }
    impl Stage for Fragile {
        type In = u64;
        type Out = Vec<u64>;
        async fn handle(&mut self, n: u64, out: &mut Output<Vec<u64>>) -> Result<(), Fault> {
            if n == 2 {
                return Err(Fault::msg("two"));
            }
            self.items.push(n);
            if self.items.len() == 4 {
                out.send(std::mem::take(&mut self.items)).await?;
            }
            Ok(())
        }
    }
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(100);
    let stage = bench
        .system
        .stage(numbers, || Fragile { items: Vec::new() }, Prefetch::none(Conversion::batch(4)))
        .restart(Restart::on_failure())
        .spawn();
    let mut items = bench.system.items(stage.port(), Demand::manual());
    items.subscription().request(1);
    bench.settle();
    bench.advance(1_000);
    assert_eq!(items.next().now_or_never().unwrap().unwrap().unwrap(), [3, 4, 5, 6]);
    assert_eq!(read(&polled), 7, "0 and 1 were held, 2 was in the handler");
}

#[test]
fn the_last_subscriber_to_go_takes_the_stage_and_its_source_along() {
    for prefetch in [Prefetch::window(4), Prefetch::none(Conversion::one_to_one())] {
        let bench = Bench::new();
        let (numbers, polled) = bench.numbers(u64::MAX);
        let watch = Arc::downgrade(&polled);
        drop(polled);
        let stage = bench.system.stage(numbers, bench.slow(), prefetch).spawn();
        let first = bench.system.items(stage.port(), Demand::window(2));
        let second = bench.system.items(stage.port(), Demand::window(2));
        bench.settle();
        bench.advance(2);
        drop(first);
        bench.advance(2);
        assert!(watch.upgrade().is_some(), "somebody is left");
        drop(second);
        bench.advance(1);
        assert!(watch.upgrade().is_none(), "{prefetch:?}: the source was dropped");
        assert_eq!(bench.ended(&stage).as_deref(), Some("cancelled"));
    }
}

#[test]
fn a_stage_that_waits_for_demand_hears_that_nobody_wants_more() {
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(u64::MAX);
    let watch = Arc::downgrade(&polled);
    drop(polled);
    let same = stage::map(|n: u64| async move { Ok(n) });
    let stage = bench.system.stage(numbers, same, Prefetch::window(4)).restart(Restart::on_failure()).spawn();
    let items = bench.system.items(stage.port(), Demand::manual());
    bench.settle();
    assert!(watch.upgrade().is_some());
    drop(items);
    bench.settle();
    assert!(watch.upgrade().is_none());
    assert_eq!(bench.ended(&stage).as_deref(), Some("cancelled"), "which is no failure that begins anew");
}

#[test]
fn a_stage_that_is_stopped_or_killed_ends_both_sides_even_while_it_waits_for_demand() {
    for kill in [false, true] {
        let bench = Bench::new();
        let (numbers, polled) = bench.numbers(u64::MAX);
        let watch = Arc::downgrade(&polled);
        drop(polled);
        let same = stage::map(|n: u64| async move { Ok(n) });
        let stage = bench.system.stage(numbers, same, Prefetch::window(4)).spawn();
        let items = bench.system.items(stage.port(), Demand::manual());
        bench.settle();
        if kill {
            stage.kill();
        } else {
            stage.stop();
        }
        bench.settle();
        assert!(watch.upgrade().is_none());
        let how = if kill { "killed" } else { "stopped" };
        assert_eq!(bench.all(items), [format!("the stage has ended: {how}")], "it was not all");
        assert_eq!(bench.ended(&stage), Some(format!("failed: the stage has ended: {how}")));
    }
}

#[test]
fn a_stage_in_a_system_that_shuts_down_fails_who_subscribes() {
    let bench = Bench::new();
    let report = bench.executor.block_on(bench.system.shutdown(SLOW));
    assert!(report.is_clean(), "{report}");
    let (numbers, polled) = bench.numbers(5);
    let watch = Arc::downgrade(&polled);
    let stage = bench.system.stage(numbers, bench.slow(), Prefetch::window(4)).spawn();
    assert_eq!(read(&polled), 0);
    drop(polled);
    let ended = bench.ended(&stage).unwrap();
    assert!(ended.starts_with("failed: the stage has ended"), "{ended}");
    assert!(watch.upgrade().is_none());
}

#[test]
fn several_subscribers_share_what_a_stage_emits() {
    let bench = Bench::new();
    let same = stage::map(|n: u64| async move { Ok(n) });
    let stage = bench.system.stage(source::iter(0..100_u64), same, Prefetch::window(4)).spawn();
    let take = || {
        let items = bench.system.items(stage.port(), Demand::window(3));
        items.map(Result::unwrap).collect::<Vec<u64>>()
    };
    let (first, second) = bench.executor.block_on(futures_util::future::join(take(), take()));
    let taken = [first, second];
    assert!(taken.iter().all(|taken| taken.is_sorted() && taken.len() > 10), "{taken:?}");
    let mut all = taken.concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_consumer_counts_strictly_finishes_and_tells_its_end() {
    struct Tally {
        log: Log,
        executor: ManualExecutor,
    }
    impl Consumer for Tally {
        type In = u64;
        async fn handle(&mut self, n: u64) -> Result<(), Fault> {
            self.executor.sleep(SLOW).await;
            self.log.lock().unwrap().push(n.to_string());
            Ok(())
        }
        async fn finish(&mut self) -> Result<(), Fault> {
            self.log.lock().unwrap().push("finished".to_owned());
            Ok(())
        }
    }
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(5);
    let (log, executor) = (Arc::clone(&bench.log), bench.executor.clone());
    let tally = move || Tally { log: Arc::clone(&log), executor: executor.clone() };
    let consumer = bench.system.consume(numbers, tally, 2).named("tally").spawn();
    bench.settle();
    assert_eq!(read(&polled), 2, "one in the handler and one that waits");
    assert_eq!(bench.ended(&consumer), None);
    bench.advance(5);
    assert_eq!(bench.log(), ["0", "1", "2", "3", "4", "finished"]);
    assert_eq!(bench.ended(&consumer).as_deref(), Some("completed"));
    assert_eq!(consumer.path().as_str(), "/tally");

    let fails = stage::for_each(|n: u64| async move { if n < 3 { Ok(()) } else { Err(Fault::msg("full")) } });
    let (numbers, polled) = bench.numbers(u64::MAX);
    let consumer = bench.system.consume(numbers, fails, 2).spawn();
    assert_eq!(bench.ended(&consumer).as_deref(), Some("failed: full"));
    assert!(read(&polled) <= 5);
}

#[test]
fn stages_of_an_actor_end_with_it() {
    struct Plant {
        polled: Arc<Mutex<u64>>,
        last: Arc<Mutex<Option<Running<std::convert::Infallible>>>>,
    }
    impl Actor for Plant {
        type Msg = ();
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            let polled = Arc::clone(&self.polled);
            let numbers = futures_util::stream::iter(0_u64..).inspect(move |_| *polled.lock().unwrap() += 1);
            let same = stage::map(|n: u64| async move { Ok(n) });
            let stage = cx.stage(numbers, same, Prefetch::window(2)).named("same").spawn();
            assert!(stage.path().as_str().ends_with("plant/same"), "{}", stage.path());
            let last = cx.consume(stage, stage::for_each(|_: u64| std::future::pending()), 2).named("last").spawn();
            *self.last.lock().unwrap() = Some(last);
            Ok(())
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }
    let bench = Bench::new();
    let polled = Arc::default();
    let last = Arc::default();
    let (counter, slot) = (Arc::clone(&polled), Arc::clone(&last));
    let plant = bench.system.build(move || Plant { polled: Arc::clone(&counter), last: Arc::clone(&slot) });
    let plant = plant.named("plant").spawn();
    bench.settle();
    assert!(read(&polled) > 0);
    plant.kill();
    let last = last.lock().unwrap().take().unwrap();
    assert!(bench.ended(&last).unwrap().starts_with("failed: the stage has ended: "));
    assert_eq!(bench.system.inspect().flows.len(), 0, "{}", bench.system.inspect());
}

#[test]
fn a_stage_is_tested_without_a_system() {
    let mut out = Output::wanting(1);
    let mut thrice = stage::expand(|n: u64| async move { Ok([n, n + 1, n + 2]) })();
    {
        let mut handling = Box::pin(thrice.handle(7, &mut out));
        assert!(handling.as_mut().now_or_never().is_none(), "it waits for demand");
    }
    assert_eq!((out.collected(), out.demand(), out.sent()), (vec![7], 0, 1));
    assert!(matches!(out.try_send(8), Err(EmitError::NoDemand(8))));
    out.want(3);
    thrice.handle(7, &mut out).now_or_never().unwrap().unwrap();
    assert_eq!(out.collected(), [7, 8, 9]);
}

#[test]
fn inspection_shows_both_sides_of_a_stage_by_path() {
    let bench = Bench::new();
    let stage = bench.system.stage(source::iter(0..50_u64), bench.slow(), Prefetch::window(4)).named("slow").spawn();
    let sink = bench.system.consume(stage, stage::for_each(|_: u64| std::future::pending()), 3).named("sink").spawn();
    bench.settle();
    bench.advance(2);
    let flows: Vec<String> = bench.system.inspect().flows.iter().map(ToString::to_string).collect();
    assert_eq!(
        flows,
        ["Iter<Range<u64>> -> /slow: 6 sent, 3 done, demand 0", "/slow -> /sink: 2 sent, 0 done, demand 1",]
    );
    drop(sink);
}

/// Subscribers may be actors of any kind, with inlets of their own.
#[test]
fn an_actor_subscribes_to_a_stage() {
    struct Keeps(Log);
    impl Actor for Keeps {
        type Msg = String;
        async fn handle(&mut self, what: String, _: &mut Context<Self>) -> Result<(), Fault> {
            self.0.lock().unwrap().push(what);
            Ok(())
        }
    }
    let bench = Bench::new();
    let keeps = bench.system.spawn(Keeps(Arc::clone(&bench.log)), Push::bounded(2));
    let square = stage::map(|n: u64| async move { Ok(n * n) });
    let stage = bench.system.stage(source::iter(1..=4_u64), square, Prefetch::window(2)).spawn();
    let inlet = Inlet::new(&keeps, |n: u64| n.to_string()).on_end(|end: End| end.to_string());
    let subscription: Subscription = bench.system.subscribe(stage, inlet, Demand::window(1));
    bench.settle();
    assert_eq!(bench.log(), ["1", "4", "9", "16", "completed"]);
    drop(subscription);
}

/// A stage that waits for demand for one item, of a key whose subscriber is slow,
/// while others have some.
#[test]
fn a_stage_emits_through_any_outlet_and_waits_for_the_one_it_is_for() {
    for prefetch in [Prefetch::window(2), Prefetch::none(Conversion::one_to_one())] {
        let bench = Bench::new();
        let (numbers, polled) = bench.numbers(1_000);
        let same = stage::map(|n: u64| async move { Ok(n) });
        let stage = bench.system.stage(numbers, same, prefetch).outlet(Outlet::broadcast()).spawn();
        let (mut one, mut other) = (Hand::of(&bench, &stage), Hand::of(&bench, &stage));
        bench.settle();
        assert_eq!(one.take(&bench, 5), [], "the slowest sets the pace");
        assert_eq!(other.take(&bench, 2), [0, 1]);
        assert_eq!(one.take(&bench, 0), [0, 1]);
        assert!(read(&polled) <= 4);
        drop(other);
        assert_eq!(one.take(&bench, 0), [2, 3, 4], "{prefetch:?}: the other has gone");

        let (numbers, polled) = bench.numbers(1_000);
        let same = stage::map(|n: u64| async move { Ok(n) });
        let odd_and_even = Outlet::partitioned(2, |n: &u64| n % 2);
        let stage = bench.system.stage(numbers, same, prefetch).outlet(odd_and_even).spawn();
        let (mut one, mut other) = (Hand::of(&bench, &stage), Hand::of(&bench, &stage));
        bench.settle();
        let mut taken = one.take(&bench, 100);
        let stuck = read(&polled);
        assert!(stuck < 70, "it waits for the other: {stuck}");
        let of_other = other.take(&bench, 3);
        assert_eq!(of_other.len(), 3);
        taken.extend(one.take(&bench, 0));
        assert!(taken.is_sorted() && of_other.is_sorted() && !taken.iter().any(|n| of_other.contains(n)));
        stage.stop();
        assert_eq!(bench.ended(&stage).as_deref(), Some("failed: the stage has ended: stopped"), "{prefetch:?}");
    }
}

#[test]
fn a_stage_that_is_always_begun_anew_ends_with_its_source_all_the_same() {
    let bench = Bench::new();
    let stage = bench
        .system
        .stage(source::iter(0..3_u64), bench.slow(), Prefetch::window(2))
        .restart(Restart::always())
        .spawn();
    let items = bench.system.items(stage.port(), Demand::window(8));
    assert_eq!(bench.all(items), ["0", "1", "2"]);
    bench.advance(100);
    assert_eq!(bench.log(), ["0", "1", "2", "finished"], "once");
    assert_eq!(bench.ended(&stage).as_deref(), Some("completed"));
}

#[test]
fn a_finish_that_fails_is_for_the_next_life_to_do() {
    struct Fragile {
        finishes: Arc<Mutex<u64>>,
    }
    impl Stage for Fragile {
        type In = u64;
        type Out = u64;
        async fn handle(&mut self, n: u64, out: &mut Output<u64>) -> Result<(), Fault> {
            Ok(out.send(n).await?)
        }
        async fn finish(&mut self, out: &mut Output<u64>) -> Result<(), Fault> {
            let finishes = {
                let mut finishes = self.finishes.lock().unwrap();
                *finishes += 1;
                *finishes
            };
            if finishes < 3 {
                return Err(Fault::msg("no ink"));
            }
            Ok(out.send(100 + finishes).await?)
        }
    }
    for (restart, expected) in [(Restart::on_failure(), ["0", "103"]), (Restart::never(), ["0", "no ink"])] {
        let bench = Bench::new();
        let finishes = Arc::default();
        let make = move || Fragile { finishes: Arc::clone(&finishes) };
        let stage = bench.system.stage(source::iter(0..1_u64), make, Prefetch::window(2)).restart(restart).spawn();
        let items = bench.system.items(stage.port(), Demand::window(8));
        assert_eq!(bench.all(items), expected);
    }
}

#[test]
fn whoever_leaves_between_two_lives_is_missed_by_the_next() {
    let bench = Bench::new();
    let (numbers, polled) = bench.numbers(u64::MAX);
    let watch = Arc::downgrade(&polled);
    drop(polled);
    let mut slow = bench.slow();
    let failing = move || Slow { fails_at: Some(1), ..slow() };
    let restart = Restart::on_failure().backoff(tidegate::Backoff::exponential(10 * SLOW, 10 * SLOW));
    let stage = bench.system.stage(numbers, failing, Prefetch::window(2)).restart(restart).spawn();
    let items = bench.system.items(stage.port(), Demand::window(2));
    bench.settle();
    bench.advance(4);
    assert_eq!(bench.log(), ["0", "1"], "and now it waits to begin anew");
    drop(items);
    bench.advance(20);
    assert_eq!(bench.ended(&stage).as_deref(), Some("cancelled"));
    assert!(watch.upgrade().is_none());
}

#[test]
fn a_stage_that_is_stopped_finishes_the_item_in_its_handler() {
    let bench = Bench::new();
    let stage = bench.system.stage(source::iter(0..9_u64), bench.slow(), Prefetch::window(4)).spawn();
    let items = bench.system.items(stage.port(), Demand::window(8));
    bench.settle();
    stage.stop();
    assert_eq!(bench.ended(&stage), None, "it is in an item");
    assert_eq!(bench.all(items), ["0", "the stage has ended: stopped"]);
    assert_eq!(bench.system.dead_letters().counts().total(), 3, "those that waited are accounted for");
}

#[test]
fn on_real_threads_all_comes_in_order_through_any_windows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap();
    runtime.block_on(async {
        let system = System::new();
        let same = || stage::map(|n: u64| async move { Ok(n) });
        for window in [1, 2, 7, 64] {
            let a = system.stage(source::iter(0..5_000_u64), same(), Prefetch::window(window)).spawn();
            let b = system.stage(a, stage::batch(3, None), Prefetch::none(Conversion::batch(3))).spawn();
            let c = system
                .stage(b, stage::expand(|batch: Vec<u64>| async move { Ok(batch) }), Prefetch::window(window))
                .spawn();
            let d = system.stage(c, same(), Prefetch::none(Conversion::one_to_one()).at_most(window)).spawn();
            let taken = system.items(d, Demand::window(window)).map(Result::unwrap).collect();
            let taken: Result<Vec<u64>, _> = tokio::time::timeout(Duration::from_secs(20), taken).await;
            let taken = taken.unwrap_or_else(|_| panic!("stuck with window {window}:\n{}", system.inspect()));
            assert!(taken == (0..5_000).collect::<Vec<_>>(), "window {window}");
        }
        // And all of it goes when the end is dropped in the middle.
        let alive = Arc::new(());
        let watch = Arc::downgrade(&alive);
        let endless = source::iter((0_u64..).inspect(move |_| drop(Arc::clone(&alive))));
        let a = system.stage(endless, same(), Prefetch::window(8)).spawn();
        let b = system.stage(a.clone(), same(), Prefetch::window(8)).spawn();
        let mut items = system.items(b, Demand::window(8));
        for n in 0..1_000 {
            assert_eq!(items.next().await.unwrap().unwrap(), n);
        }
        drop(items);
        assert!(matches!(a.ended().await, End::Cancelled));
        while watch.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn after_a_batch_that_was_not_whole_a_whole_one_is_asked_for() {
    let bench = Bench::new();
    let tap = Tap::default();
    let batch = stage::batch(3, Some(SLOW));
    let stage = bench.system.stage(tap.clone(), batch, Prefetch::none(Conversion::batch(3))).spawn();
    let mut items = bench.system.items(stage, Demand::manual());
    items.subscription().request(1);
    tap.put(1);
    tap.put(2);
    bench.settle();
    bench.advance(1);
    assert_eq!(items.next().now_or_never().unwrap().unwrap().unwrap(), [1, 2]);
    items.subscription().request(1);
    bench.settle();
    let flows = bench.system.inspect().flows;
    assert_eq!(flows.iter().map(|flow| flow.requested).min(), Some(Some(2)));
    assert_eq!(flows.iter().map(|flow| flow.requested).max(), Some(Some(2 + 3)), "{flows:?}");
}

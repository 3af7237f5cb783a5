//! Subscriptions: nothing comes that was not asked for, nothing asked for is
//! forgotten, the end comes last, and nobody keeps what nobody wants.

#![cfg(not(tidegate_loom))]

use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::Stream;
use tidegate::ManualExecutor;
use tidegate::flow::{Demand, Emitter, End, Held, Inlet, Subscription, source};
use tidegate::prelude::*;

/// What an actor has seen, in its order.
type Seen = Arc<Mutex<Vec<String>>>;

enum Msg {
    Item(u64),
    Held(Held<u64>),
    End(End),
    LetGo,
    Other,
}

impl From<u64> for Msg {
    fn from(item: u64) -> Self {
        Self::Item(item)
    }
}

/// Takes its time, and keeps what it holds until it is told to let it go.
struct Sink {
    seen: Seen,
    takes: Duration,
    held: Vec<Held<u64>>,
}

impl Actor for Sink {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        if !self.takes.is_zero() {
            cx.sleep(self.takes).await;
        }
        let note = match msg {
            Msg::Item(n) => n.to_string(),
            Msg::Held(n) => {
                let note = format!("held {}", *n);
                self.held.push(n);
                note
            }
            Msg::End(end) => end.to_string(),
            Msg::LetGo => {
                self.held.clear();
                "let go".to_owned()
            }
            Msg::Other => "other".to_owned(),
        };
        self.seen.lock().unwrap().push(note);
        Ok(())
    }
}

/// Counts how often it was polled to yield something, and how many are alive.
struct Counted {
    next: u64,
    most: u64,
    polled: Arc<Mutex<u64>>,
}

impl Counted {
    fn to(most: u64) -> (Self, Arc<Mutex<u64>>) {
        let polled = Arc::default();
        (Self { next: 0, most, polled: Arc::clone(&polled) }, polled)
    }
}

impl Stream for Counted {
    type Item = u64;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<u64>> {
        *self.polled.lock().unwrap() += 1;
        let next = self.next;
        self.next += 1;
        Poll::Ready((next < self.most).then_some(next))
    }
}

struct Bench {
    executor: ManualExecutor,
    system: System,
    seen: Seen,
}

impl Bench {
    fn new() -> Self {
        let executor = ManualExecutor::new();
        Self { system: System::with_executor(executor.clone()), executor, seen: Seen::default() }
    }

    fn sink(&self, takes: Duration, mailbox: impl Into<Mailbox<Msg>>) -> ActorRef<Msg> {
        let (seen, held) = (Arc::clone(&self.seen), Vec::new());
        self.system.spawn(Sink { seen, takes, held }, mailbox)
    }

    fn settle(&self) {
        self.executor.run_until_idle();
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

const AT_ONCE: Duration = Duration::ZERO;
const SLOW: Duration = Duration::from_millis(10);

fn inlet(sink: &ActorRef<Msg>) -> Inlet<u64, Msg> {
    Inlet::new(sink, Msg::Item).on_end(Msg::End)
}

fn holding(sink: &ActorRef<Msg>) -> Inlet<u64, Msg> {
    Inlet::holding(sink, Msg::Held).on_end(Msg::End)
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[test]
fn s1_a_source_is_polled_only_as_far_as_it_was_asked() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(64));
    let (stream, polled) = Counted::to(100);
    let subscription = bench.system.subscribe(stream, inlet(&sink), Demand::manual());
    bench.settle();
    assert_eq!((*polled.lock().unwrap(), bench.seen().len()), (0, 0), "nothing was asked for");
    subscription.request(3);
    subscription.request(2);
    bench.settle();
    assert_eq!(*polled.lock().unwrap(), 5, "S5: additive");
    assert_eq!(bench.seen(), numbers(0..5));
    let flow = subscription.inspect();
    assert_eq!((flow.requested, flow.limit, flow.sent, flow.demand()), (Some(5), Some(5), 5, Some(0)));
}

/// `cx.request` in a handler counts and wakes; the source is asked through the
/// mailbox.
#[test]
fn an_actor_that_pulls_by_hand_pulls_its_source() {
    struct Careful(Seen);
    impl Actor for Careful {
        type Msg = u64;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.request(2);
            Ok(())
        }
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0.lock().unwrap().push(n.to_string());
            if n % 2 == 1 && n < 6 {
                cx.request(1);
                cx.request(1);
            }
            Ok(())
        }
    }
    let bench = Bench::new();
    let careful = bench.system.spawn(Careful(Arc::clone(&bench.seen)), Pull::manual());
    let (stream, polled) = Counted::to(100);
    let _subscription = bench.system.subscribe(stream, &careful, Demand::unbounded());
    bench.settle();
    assert_eq!((*polled.lock().unwrap(), bench.seen()), (8, numbers(0..8)), "twice two more, and then none");
}

#[test]
fn unbounded_demand_is_bounded_by_the_mailbox_and_items_by_their_reader() {
    use futures_util::StreamExt;
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(3));
    let (stream, polled) = Counted::to(100);
    let subscription = bench.system.subscribe(stream, inlet(&sink), Demand::unbounded());
    bench.settle();
    assert_eq!(*polled.lock().unwrap(), 4, "three wait and one is handled");
    assert_eq!(subscription.inspect().demand(), None);
    let (stream, polled) = Counted::to(100);
    let mut items = bench.system.items(stream, Demand::unbounded());
    for n in 0..5 {
        assert!(bench.executor.block_on(items.next()).is_some_and(|item| matches!(item, Ok(m) if m == n)));
        bench.settle();
        assert_eq!(*polled.lock().unwrap(), n + 2, "one ahead");
    }
}

#[test]
fn a_request_of_nothing_changes_nothing_and_one_beyond_all_is_without_end() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(4));
    let subscription = bench.system.subscribe(source::iter(0..50), inlet(&sink), Demand::manual());
    subscription.request(0);
    bench.settle();
    assert_eq!(bench.seen().len(), 0);
    subscription.request(u64::MAX);
    subscription.request(u64::MAX);
    bench.settle();
    assert_eq!(bench.seen().len(), 51, "all, and the end");
    assert_eq!(subscription.inspect().requested, None);
}

#[test]
fn the_window_is_what_waits_in_the_mailbox() {
    for window in [1, 2, 3, 16] {
        let bench = Bench::new();
        let sink = bench.sink(SLOW, Push::bounded(64));
        let (stream, polled) = Counted::to(u64::MAX);
        let subscription = bench.system.subscribe(stream, inlet(&sink), Demand::window(window));
        for step in 0..40 {
            bench.settle();
            let handled = bench.seen().len() as u64;
            let polled = *polled.lock().unwrap();
            assert!(polled <= handled + 1 + window as u64, "window {window}, step {step}: {polled} for {handled}");
            assert!(sink.stats().len <= window);
            bench.executor.advance(SLOW);
        }
        bench.settle();
        assert!(bench.seen().len() >= 39, "window {window}: the actor never waits for the source");
        drop(subscription);
    }
}

#[test]
fn a_window_is_refilled_at_half() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(64));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let source = source::produce(move |n: NonZeroU64| {
        heard.lock().unwrap().push(n.get());
        async move { Ok(Some(vec![7; n.get() as usize])) }
    });
    let _subscription = bench.system.subscribe(source, inlet(&sink), Demand::window(8));
    bench.settle();
    for _ in 0..12 {
        bench.executor.advance(SLOW);
    }
    // One is taken out to be handled at once, and three more.
    assert_eq!(*asked.lock().unwrap(), [8, 4, 4, 4]);
}

#[test]
fn l3_a_source_that_yields_less_than_asked_keeps_the_rest_of_the_demand() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(64));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let source = source::produce(move |n: NonZeroU64| {
        let mut asked = heard.lock().unwrap();
        asked.push(n.get());
        let calls = asked.len();
        async move { Ok((calls < 9).then(|| if calls == 2 { vec![] } else { vec![calls as u64; 2] })) }
    });
    let subscription = bench.system.subscribe(source, inlet(&sink), Demand::manual());
    subscription.request(7);
    bench.settle();
    assert_eq!(*asked.lock().unwrap(), [7, 5, 5, 3, 1], "after 2, 0, 2, 2 items");
    assert!(bench.seen().last().unwrap().starts_with("failed: the source was asked for 1 items and produced 2"));
}

#[test]
fn an_iterator_and_a_stream_and_a_function_are_sources() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(64));
    let by_hand = source::from_fn(|mut emitter: Emitter<u64>| async move {
        for n in 7..9 {
            emitter.send(n).await.unwrap();
        }
        emitter.complete();
    });
    let mut left = 2;
    let made = source::produce(move |_| {
        left -= 1;
        async move { Ok((left >= 0).then(|| vec![9])) }
    });
    let demand = Demand::window(2);
    let subscriptions = [
        bench.system.subscribe(source::iter(0..2), &sink, demand),
        bench.system.subscribe(Counted::to(2).0, &sink, demand),
        bench.system.subscribe(by_hand, &sink, demand),
        bench.system.subscribe(made, &sink, demand),
    ];
    bench.settle();
    let mut seen = bench.seen();
    seen.sort();
    assert_eq!(seen, ["0", "0", "1", "1", "7", "8", "9", "9"]);
    for subscription in subscriptions {
        assert!(subscription.end().unwrap().is_completed());
    }
}

#[test]
fn s8_the_end_comes_after_the_items_and_needs_no_demand() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Pull::manual());
    // The mailbox has let in what was asked for, and not one more.
    let subscription = bench.system.subscribe(source::iter(0..2), inlet(&sink), Demand::window(8));
    bench.settle();
    assert_eq!(subscription.inspect().sent, 0, "the mailbox counts too");
    sink.reconfigure(Push::bounded(1));
    for _ in 0..9 {
        bench.executor.advance(SLOW);
    }
    assert_eq!(bench.seen(), ["0", "1", "completed"]);
    assert!(subscription.end().unwrap().is_completed());
}

#[test]
fn l6_the_end_reaches_an_actor_with_no_demand_left() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(8));
    let subscription = bench.system.subscribe(source::iter(0..2), inlet(&sink), Demand::manual());
    subscription.request(2);
    bench.settle();
    assert_eq!(bench.seen(), ["0", "1"], "a stream says only when it is polled again that it has no more");
    let sparing = source::from_fn(|mut emitter: Emitter<u64>| async move {
        emitter.send(5).await.unwrap();
        emitter.fail(Fault::msg("no more paper"));
    });
    let other = bench.system.subscribe(sparing, inlet(&sink), Demand::manual());
    other.request(1);
    bench.settle();
    assert_eq!(bench.seen()[2..], ["5", "failed: no more paper"]);
}

#[test]
fn an_end_at_once_overtakes_what_waits() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(8));
    let source = source::iter(0..4);
    let subscription = bench.system.subscribe(source, inlet(&sink).end_at_once(), Demand::window(8));
    bench.settle();
    for _ in 0..6 {
        bench.executor.advance(SLOW);
    }
    assert_eq!(bench.seen(), ["completed", "0", "1", "2", "3"]);
    drop(subscription);
}

#[test]
fn a_source_that_fails_panics_or_just_leaves_has_failed() {
    let bench = Bench::new();
    let failing =
        source::fallible(futures_util::stream::iter([Ok(1), Err("out of paper".parse::<u64>().unwrap_err())]));
    let panicking = futures_util::stream::iter(0..3).map_while_one_then_panic();
    let leaving = source::from_fn(|mut emitter: Emitter<u64>| async move {
        emitter.send(1).await.unwrap();
    });
    let demand = Demand::window(4);
    let sink = bench.sink(AT_ONCE, Push::bounded(8));
    let ends = [
        bench.system.subscribe(failing, inlet(&sink), demand),
        bench.system.subscribe(panicking, inlet(&sink), demand),
        bench.system.subscribe(leaving, inlet(&sink), demand),
    ];
    bench.settle();
    let ends: Vec<String> = ends.iter().map(|subscription| subscription.end().unwrap().to_string()).collect();
    assert_eq!(ends[0], "failed: invalid digit found in string");
    assert!(ends[1].starts_with("failed: the source panicked: no third"), "{}", ends[1]);
    assert_eq!(ends[2], "failed: the source went away without an end");
    assert_eq!(bench.seen().iter().filter(|seen| seen.starts_with("failed")).count(), 3, "the actor heard each");
}

trait ThenPanic: Stream<Item = u64> + Sized {
    fn map_while_one_then_panic(self) -> futures_util::stream::Map<Self, fn(u64) -> u64> {
        futures_util::StreamExt::map(self, |n| if n < 2 { n } else { panic!("no third") })
    }
}
impl<S: Stream<Item = u64>> ThenPanic for S {}

#[test]
fn s9_a_cancelled_subscription_sends_no_more_and_lets_its_source_go() {
    for by_drop in [true, false] {
        let bench = Bench::new();
        let sink = bench.sink(SLOW, Push::bounded(64));
        let (stream, polled) = Counted::to(u64::MAX);
        let watch = Arc::downgrade(&polled);
        let polled_before = {
            let subscription = bench.system.subscribe(stream, inlet(&sink), Demand::window(4));
            bench.settle();
            let polled_before = *polled.lock().unwrap();
            drop(polled);
            if by_drop {
                drop(subscription);
            } else {
                subscription.cancel();
                subscription.cancel();
                subscription.request(5);
                bench.settle();
                assert!(matches!(subscription.end(), Some(End::Cancelled)));
            }
            polled_before
        };
        bench.settle();
        assert!(watch.upgrade().is_none(), "L4: the source was dropped");
        for _ in 0..20 {
            bench.executor.advance(SLOW);
        }
        assert_eq!(bench.seen(), numbers(0..polled_before), "what was in the mailbox, and no end");
    }
}

#[test]
fn a_source_that_waits_is_dropped_when_it_is_cancelled() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(8));
    let alive = Arc::new(());
    let watch = Arc::downgrade(&alive);
    let (asleep, parked) = (
        source::from_fn(move |mut emitter: Emitter<u64>| async move {
            let _alive = alive;
            emitter.send(1).await.unwrap();
            std::future::pending::<()>().await;
        }),
        futures_util::stream::pending::<u64>(),
    );
    let subscriptions = [
        bench.system.subscribe(asleep, inlet(&sink), Demand::window(4)),
        bench.system.subscribe(parked, inlet(&sink), Demand::window(4)),
    ];
    bench.settle();
    assert!(watch.upgrade().is_some());
    drop(subscriptions);
    bench.settle();
    assert!(watch.upgrade().is_none());
}

#[test]
fn an_actor_that_ends_cancels_what_it_has_subscribed_to() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(8));
    let (stream, polled) = Counted::to(u64::MAX);
    let watch = Arc::downgrade(&polled);
    drop(polled);
    let subscription = bench.system.subscribe(stream, inlet(&sink), Demand::window(4));
    bench.settle();
    sink.kill();
    bench.settle();
    assert!(matches!(subscription.end(), Some(End::Cancelled)));
    assert!(watch.upgrade().is_none());
    let late = bench.system.subscribe(source::iter(0..3), inlet(&sink), Demand::window(4));
    bench.settle();
    assert!(matches!(late.end(), Some(End::Cancelled)), "and so does one that has ended before");
}

#[test]
fn a_detached_subscription_goes_on() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(8));
    bench.system.subscribe(source::iter(0..20), inlet(&sink), Demand::window(4)).detach();
    bench.settle();
    assert_eq!(bench.seen().len(), 21);
}

#[test]
fn held_items_count_until_they_are_let_go() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(64));
    let (stream, polled) = Counted::to(100);
    let _subscription = bench.system.subscribe(stream, holding(&sink), Demand::max_in_flight(3));
    bench.settle();
    assert_eq!((*polled.lock().unwrap(), bench.seen().len()), (3, 3));
    assert!(sink.try_tell(Msg::LetGo).is_ok());
    bench.settle();
    assert_eq!((*polled.lock().unwrap(), bench.seen().len()), (6, 7));
}

#[test]
fn s10_a_held_item_that_dies_unhandled_makes_room() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(1).overflow(tidegate::Overflow::DropOldest));
    let (stream, polled) = Counted::to(100);
    let _subscription = bench.system.subscribe(stream, holding(&sink), Demand::max_in_flight(2));
    bench.settle();
    for _ in 0..8 {
        bench.executor.advance(SLOW);
    }
    // One held by the actor for good; the other place is given back by each
    // that is evicted, until the actor keeps one more.
    assert_eq!(bench.seen().len(), 2);
    let dropped: u64 = sink.stats().drops.iter().map(|(_, n)| n).sum();
    assert_eq!(*polled.lock().unwrap(), 2 + dropped, "S3: held, or evicted");
}

#[test]
fn a_rate_holds_in_virtual_time() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(64));
    let demand = Demand::window(16).rate(5, Duration::from_secs(1));
    let _subscription = bench.system.subscribe(source::iter(0..100), inlet(&sink), demand);
    bench.settle();
    assert_eq!(bench.seen().len(), 5, "the bucket was full");
    let mut counts = Vec::new();
    for _ in 0..10 {
        bench.executor.advance(Duration::from_millis(200));
        counts.push(bench.seen().len());
    }
    assert_eq!(counts, (6..16).collect::<Vec<_>>());
}

#[test]
fn others_share_the_mailbox_and_the_window_counts_its_own() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(64));
    for _ in 0..5 {
        assert!(sink.try_tell(Msg::Other).is_ok());
    }
    let (stream, polled) = Counted::to(u64::MAX);
    let _subscription = bench.system.subscribe(stream, inlet(&sink), Demand::window(3));
    bench.settle();
    assert_eq!(*polled.lock().unwrap(), 3);
    for _ in 0..40 {
        bench.executor.advance(SLOW);
        assert!(sink.try_tell(Msg::Other).is_ok());
        let handled = bench.seen().iter().filter(|seen| *seen != "other").count() as u64;
        assert!(*polled.lock().unwrap() <= handled + 4);
    }
    assert!(bench.seen().iter().filter(|seen| *seen != "other").count() > 8, "and they come on");
}

#[test]
fn a_full_mailbox_holds_the_source_back_whatever_its_policy() {
    use tidegate::Overflow;
    for overflow in [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::Divert, Overflow::Fail] {
        let bench = Bench::new();
        let sink = bench.sink(SLOW, Push::bounded(2).overflow(overflow));
        let (stream, polled) = Counted::to(6);
        let subscription = bench.system.subscribe(stream, inlet(&sink), Demand::window(5));
        bench.settle();
        assert!(*polled.lock().unwrap() <= 3, "{overflow:?}");
        for _ in 0..9 {
            bench.executor.advance(SLOW);
        }
        assert_eq!(bench.seen()[..6], numbers(0..6), "{overflow:?}");
        assert!(subscription.end().unwrap().is_completed());
        assert_eq!(sink.stats().drops.iter().map(|(_, n)| n).sum::<u64>(), 0);
    }
}

#[test]
fn evicting_policies_evict_and_what_is_evicted_is_done_with() {
    use tidegate::Overflow;
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(2).overflow(Overflow::DropOldest));
    let subscription = bench.system.subscribe(source::iter(0..20), inlet(&sink), Demand::window(8));
    for _ in 0..60 {
        bench.executor.advance(SLOW);
    }
    let seen = bench.seen();
    assert_eq!(seen.last().map(String::as_str), Some("completed"));
    let items: Vec<u64> = seen[..seen.len() - 1].iter().map(|seen| seen.parse().unwrap()).collect();
    assert!(items.is_sorted() && items.len() < 20, "{items:?}");
    let dropped: u64 = sink.stats().drops.iter().map(|(_, n)| n).sum();
    assert_eq!(items.len() as u64 + dropped, 20, "S3");
    drop(subscription);
}

#[test]
fn a_mapped_reference_takes_items_as_the_actor_does() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(64));
    let mapped: ActorRef<u64> = sink.map(|n: u64| Msg::Item(n * 2));
    let (stream, polled) = Counted::to(5);
    let subscription = bench.system.subscribe(stream, &mapped, Demand::window(2));
    bench.settle();
    assert!(*polled.lock().unwrap() <= 3);
    for _ in 0..8 {
        bench.executor.advance(SLOW);
    }
    assert_eq!(bench.seen(), ["0", "2", "4", "6", "8"]);
    assert!(subscription.end().unwrap().is_completed());
}

#[test]
fn an_actor_subscribes_for_one_life() {
    struct Reader {
        pages: Seen,
        _subscription: Option<Subscription>,
        alive: std::sync::Weak<Mutex<u64>>,
    }
    impl Actor for Reader {
        type Msg = u64;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            let (stream, polled) = Counted::to(u64::MAX);
            assert!(self.alive.upgrade().is_none(), "that of the life before has gone");
            self.alive = Arc::downgrade(&polled);
            self._subscription = Some(cx.subscribe(stream, |n| n, Demand::window(1)));
            Ok(())
        }
        async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(SLOW).await;
            self.pages.lock().unwrap().push(n.to_string());
            if n == 2 { Err(Fault::msg("torn page")) } else { Ok(()) }
        }
    }
    let bench = Bench::new();
    let pages = Arc::clone(&bench.seen);
    let reader = bench
        .system
        .build(move || Reader { pages: Arc::clone(&pages), _subscription: None, alive: std::sync::Weak::new() })
        .mailbox(Push::bounded(4))
        .restart(Restart::on_failure())
        .spawn();
    for _ in 0..6 {
        bench.executor.advance(SLOW);
    }
    let seen = bench.seen();
    assert_eq!(seen[..3], ["0", "1", "2"]);
    assert!(seen[3..].contains(&"0".to_owned()), "subscribed anew: {seen:?}");
    reader.kill();
    bench.settle();
}

#[test]
fn items_are_a_stream_that_pulls_no_further_than_its_window() {
    use futures_util::StreamExt;
    let bench = Bench::new();
    let (stream, polled) = Counted::to(6);
    let mut items = bench.system.items(stream, Demand::window(2));
    bench.settle();
    assert_eq!(*polled.lock().unwrap(), 2);
    let taken: Vec<u64> = bench.executor.block_on(async {
        let mut taken = Vec::new();
        while let Some(item) = items.next().await {
            taken.push(item.unwrap());
        }
        taken
    });
    assert_eq!(taken, [0, 1, 2, 3, 4, 5]);
    assert!(bench.executor.block_on(items.next()).is_none(), "fused");
}

#[test]
fn items_tell_of_a_failure_last_and_cancel_when_they_are_dropped() {
    use futures_util::StreamExt;
    let bench = Bench::new();
    let failing = source::from_fn(|mut emitter: Emitter<u64>| async move {
        emitter.send(1).await.unwrap();
        emitter.fail(Fault::msg("jam"));
    });
    let items = bench.system.items(failing, Demand::window(4));
    let all: Vec<String> = bench.executor.block_on(items.map(|item| format!("{item:?}")).collect());
    assert_eq!(all, ["Ok(1)", "Err(Fault(\"jam\"))"]);

    let (stream, polled) = Counted::to(u64::MAX);
    let watch = Arc::downgrade(&polled);
    drop(polled);
    drop(bench.system.items(stream, Demand::window(4)));
    bench.settle();
    assert!(watch.upgrade().is_none());
}

#[test]
fn inspection_shows_each_subscription_while_it_is_there() {
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(64));
    let subscription = bench.system.subscribe(source::iter(0..50), inlet(&sink), Demand::window(8));
    bench.settle();
    let flows = bench.system.inspect().flows;
    assert_eq!(flows.len(), 1);
    // As the source knows it: it is not woken before it is asked for more.
    assert_eq!(flows[0].to_string(), format!("Iter<Range<u64>> -> {}: 8 sent, 0 done, demand 0 of 8", sink.path()));
    (0..3).for_each(|_| bench.executor.advance(SLOW));
    let flow = subscription.inspect().to_string();
    assert!(flow.ends_with("12 sent, 4 done, demand 0 of 8"), "{flow}");
    assert!(bench.system.inspect().to_string().contains("Iter<Range<u64>> -> "));
    drop(subscription);
    bench.settle();
    assert_eq!(bench.system.inspect().flows.len(), 0);
}

#[test]
fn on_real_threads_all_comes_in_order_through_any_window() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let system = System::new();
        for window in [1, 2, 7, 64, 1000] {
            let seen = Seen::default();
            let sink = Sink { seen: Arc::clone(&seen), takes: AT_ONCE, held: Vec::new() };
            let sink = system.spawn(sink, Push::bounded(64));
            let subscription = system.subscribe(source::iter(0..5_000), inlet(&sink), Demand::window(window));
            assert!(subscription.ended().await.is_completed());
            sink.drain();
            sink.stopped().await;
            let mut all = numbers(0..5_000);
            all.push("completed".to_owned());
            assert!(*seen.lock().unwrap() == all, "window {window}");
        }
    });
}

#[test]
fn an_idle_source_keeps_no_place_from_others() {
    use futures_util::StreamExt;
    let stream = || source_of(futures_util::stream::iter(0..1).chain(futures_util::stream::pending()));
    let function = || {
        let mut calls = 0;
        source::produce(move |_| {
            calls += 1;
            async move {
                if calls > 1 {
                    std::future::pending::<()>().await;
                }
                Ok(Some(vec![0]))
            }
        })
    };
    let outlet = |bench: &Bench| {
        let out = tidegate::flow::Outlet::new();
        let port = out.port();
        struct Once(tidegate::flow::Outlet<u64>);
        impl Actor for Once {
            type Msg = tidegate::flow::Demanded;
            async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
                self.0.announce(cx, |demanded| demanded);
                Ok(())
            }
            async fn handle(&mut self, _: tidegate::flow::Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
                if self.0.demand() > 0 && self.0.sent() == 0 {
                    self.0.try_send(0)?;
                }
                Ok(())
            }
        }
        port.of(&bench.system.spawn(Once(out), Push::bounded(1)))
    };
    for which in 0..3 {
        let bench = Bench::new();
        let sink = bench.sink(SLOW, Push::bounded(1));
        // It waits for room first, and so has a place set aside.
        assert!(sink.try_tell(Msg::Other).is_ok());
        let demand = Demand::window(4);
        let _subscription = match which {
            0 => bench.system.subscribe(stream(), inlet(&sink), demand),
            1 => bench.system.subscribe(function(), inlet(&sink), demand),
            _ => bench.system.subscribe(outlet(&bench), inlet(&sink), demand),
        };
        for _ in 0..5 {
            bench.executor.advance(SLOW);
        }
        assert_eq!(bench.seen(), ["other", "0"]);
        for _ in 0..3 {
            assert!(sink.try_tell(Msg::Other).is_ok(), "source {which} keeps the one place: {:?}", sink.stats());
            bench.executor.advance(SLOW);
            bench.executor.advance(SLOW);
        }
    }
}

fn source_of<S: Stream<Item = u64> + Send + 'static>(stream: S) -> S {
    stream
}

/// Panics are part of these tests: not on the screen.
fn quietly<R>(f: impl FnOnce() -> R) -> R {
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<&str>().is_none_or(|text| !text.starts_with("foreign")) {
            eprintln!("{info}");
        }
    }));
    f()
}

/// Panics when it is dropped, unless it panics already.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("foreign: dropped");
        }
    }
}

#[test]
fn foreign_code_that_panics_fails_its_subscription_and_nothing_else() {
    struct Sour;
    impl From<Sour> for Fault {
        fn from(_: Sour) -> Self {
            panic!("foreign: into");
        }
    }
    fn never(_: NonZeroU64) -> std::future::Ready<Result<Option<Vec<u64>>, Fault>> {
        panic!("foreign: produce")
    }
    fn at_once(_: Emitter<u64>) -> std::future::Ready<()> {
        panic!("foreign: connect")
    }
    let panics_at_two = |n| if n == 2 { panic!("foreign: make") } else { Msg::Item(n) };
    quietly(|| {
        for which in 0..4 {
            let bench = Bench::new();
            let sink = bench.sink(AT_ONCE, Push::bounded(1));
            let (system, window) = (&bench.system, Demand::window(1));
            let (subscription, items) = match which {
                0 => {
                    (system.subscribe(source::iter(0..5), Inlet::new(&sink, panics_at_two).on_end(Msg::End), window), 2)
                }
                1 => (system.subscribe(source::produce(never), inlet(&sink), window), 0),
                2 => (system.subscribe(source::from_fn(at_once), inlet(&sink), window), 0),
                _ => {
                    let results = futures_util::stream::iter([Ok(0), Err(Sour)]);
                    (system.subscribe(source::fallible(results), inlet(&sink), window), 1)
                }
            };
            // Nothing comes out of here.
            bench.settle();
            assert!(subscription.end().unwrap().to_string().starts_with("failed: the source panicked"), "{which}");
            assert!(sink.try_tell(Msg::Other).is_ok(), "the place of what was not made is free");
            bench.settle();
            let seen = bench.seen();
            assert_eq!(seen.len(), items + 2, "{which}: {seen:?}");
            assert!(seen[items].starts_with("failed: the source panicked") && seen[items + 1] == "other", "{seen:?}");
        }
    });
}

#[test]
fn an_end_that_cannot_be_told_and_a_source_that_cannot_be_dropped_are_over() {
    quietly(|| {
        let bench = Bench::new();
        let sink = bench.sink(AT_ONCE, Push::bounded(1));
        let untold = Inlet::new(&sink, Msg::Item).on_end(|_| panic!("foreign: on_end"));
        let subscription = bench.system.subscribe(source::iter(0..2), untold, Demand::window(1));
        bench.settle();
        assert!(subscription.end().unwrap().is_completed());

        let sore = Sore;
        let waits = futures_util::stream::poll_fn(move |_| {
            let _ = &sore;
            Poll::<Option<u64>>::Pending
        });
        let subscription = bench.system.subscribe(waits, inlet(&sink), Demand::window(1));
        bench.settle();
        let tasks = bench.executor.tasks();
        subscription.cancel();
        bench.settle();
        assert_eq!(bench.executor.tasks(), tasks - 1);
        assert_eq!(bench.seen(), ["0", "1"]);
    });
}

/// A waker of its own for each poll.
struct Nobody;

impl std::task::Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn who_waits_for_the_end_no_more_leaves_nothing_behind() {
    use std::future::Future;
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(4));
    let never = futures_util::stream::pending::<u64>;
    let subscription = bench.system.subscribe(never(), inlet(&sink), Demand::window(4));
    let mut items = bench.system.items(never(), Demand::window(4));
    let wakers: Vec<Arc<Nobody>> = (0..30).map(|_| Arc::new(Nobody)).collect();
    let kept = || wakers.iter().filter(|waker| Arc::strong_count(waker) > 1).count();
    for (n, waker) in wakers.iter().enumerate() {
        let waker = Arc::clone(waker).into();
        let mut cx = TaskContext::from_waker(&waker);
        match n % 3 {
            0 => assert!(std::pin::pin!(subscription.ended()).poll(&mut cx).is_pending()),
            1 => assert!(subscription.poll_ended(&mut cx).is_pending()),
            _ => assert!(Pin::new(&mut items).poll_next(&mut cx).is_pending()),
        }
    }
    assert_eq!(kept(), 2, "the last of those who poll by hand, and the reader");
    drop((items, subscription));
    bench.settle();
    assert_eq!(kept(), 0);
}

#[test]
fn all_who_wait_for_the_end_hear_of_it() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::bounded(4));
    let subscription =
        Arc::new(bench.system.subscribe(futures_util::stream::pending::<u64>(), inlet(&sink), Demand::window(4)));
    let heard = Arc::new(Mutex::new(0));
    for _ in 0..3 {
        let (subscription, heard) = (Arc::clone(&subscription), Arc::clone(&heard));
        tidegate::Executor::spawn(
            &bench.executor,
            "waits",
            Box::pin(async move {
                subscription.ended().await;
                *heard.lock().unwrap() += 1;
            }),
        );
    }
    bench.settle();
    subscription.cancel();
    bench.settle();
    assert_eq!(*heard.lock().unwrap(), 3);
}

#[test]
fn a_source_that_never_waits_lets_others_run() {
    let bench = Bench::new();
    let sink = bench.sink(AT_ONCE, Push::unbounded());
    let (stream, polled) = Counted::to(100_000);
    let subscription = bench.system.subscribe(stream, inlet(&sink), Demand::unbounded());
    let mut most = 0;
    loop {
        let before = *polled.lock().unwrap();
        if !bench.executor.try_step() {
            break;
        }
        most = most.max(*polled.lock().unwrap() - before);
    }
    assert!(most <= 256, "{most} items in one poll");
    assert!(subscription.end().unwrap().is_completed());
    assert_eq!(bench.seen().len(), 100_001);
}

#[test]
fn what_was_sent_before_a_cancel_is_read_after_it() {
    let bench = Bench::new();
    let mut items = bench.system.items(source::iter(0..9), Demand::window(3));
    bench.settle();
    items.subscription().cancel();
    let read = bench.executor.block_on(async {
        let mut read = Vec::new();
        while let Some(item) = std::future::poll_fn(|cx| Pin::new(&mut items).poll_next(cx)).await {
            read.push(item.unwrap());
        }
        read
    });
    assert_eq!(read, [0, 1, 2], "S9: what has been accepted still comes");
}

#[test]
fn items_among_many_others_in_an_evicting_mailbox_are_done_with_in_their_turn() {
    use tidegate::Overflow;
    let bench = Bench::new();
    let sink = bench.sink(SLOW, Push::bounded(8).overflow(Overflow::DropOldest));
    let subscription = bench.system.subscribe(source::iter(0..1000), inlet(&sink), Demand::window(4));
    for _ in 0..50 {
        // The mailbox is never anything but full.
        (0..16).for_each(|_| drop(sink.try_tell(Msg::Other)));
        bench.executor.advance(SLOW);
        let flow = subscription.inspect();
        assert!(flow.sent - flow.done <= 4, "{flow}");
    }
    let sent = subscription.inspect().sent;
    assert!(sent > 20, "{sent}: not forgotten in the crowd");
}

#[test]
fn who_waits_for_its_own_items_sleeps_through_those_of_others() {
    const SUBSCRIPTIONS: u64 = 300;
    const ITEMS: u64 = 6;
    let bench = Bench::new();
    // Every message is taken, and seen to be taken, in a turn of its own.
    let sink = bench.system.spawn(Turns, Push::bounded(2048));
    let subscriptions: Vec<_> =
        (0..SUBSCRIPTIONS).map(|_| bench.system.subscribe(source::iter(0..ITEMS), &sink, Demand::window(2))).collect();
    let polls = bench.executor.run_until_idle() as u64;
    assert!(subscriptions.iter().all(|subscription| subscription.end().unwrap().is_completed()));
    // Two polls of the actor for each message, and one or two of its source.
    let most = SUBSCRIPTIONS * ITEMS * 5;
    assert!(polls < most, "{polls} polls for {} items", SUBSCRIPTIONS * ITEMS);
}

/// Lets others run within each handler.
struct Turns;

impl Actor for Turns {
    type Msg = u64;
    async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        Ok(())
    }
}

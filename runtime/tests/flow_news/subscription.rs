//! Followers as sources of subscriptions, on a clock that stands still.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::flow::news::{Fetch, FetchError, Follow, Gap, Log, News, Notifier, Page, Retained, follow, notices};
use tidegate::flow::{Demand, End, Subscription};
use tidegate::prelude::*;
use tidegate::{Backoff, ManualExecutor};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What an actor was given, in its order.
type Seen = Arc<Mutex<Vec<News<u64>>>>;

struct Sink {
    seen: Seen,
    takes: Duration,
}

impl Actor for Sink {
    type Msg = News<u64>;
    async fn handle(&mut self, news: News<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
        if !self.takes.is_zero() {
            cx.sleep(self.takes).await;
        }
        self.seen.lock().unwrap().push(news);
        Ok(())
    }
}

/// A store on the other side of a network: it says only what it is asked, and
/// can be told what to do to a fetch.
#[derive(Clone)]
struct Store {
    kept: Arc<Mutex<Retained<u64>>>,
    notifier: Notifier,
    calls: Arc<Mutex<Vec<(u64, u64)>>>,
    /// By the number of the call.
    plan: Arc<Mutex<BTreeMap<usize, Trouble>>>,
    executor: ManualExecutor,
    takes: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    Fails,
    /// Asks to be left alone for so long.
    Busy(Duration),
    Gone,
    Hangs,
    Panics,
    /// Reads, and then somebody appends before the answer is there.
    AppendsMeanwhile,
    /// Answers from a cache that is empty.
    Stale,
}

impl Store {
    fn append(&self) -> u64 {
        let mut kept = self.kept.lock().unwrap();
        let end = kept.end();
        kept.append(end).unwrap();
        end + 1
    }

    fn calls(&self) -> Vec<(u64, u64)> {
        self.calls.lock().unwrap().clone()
    }
}

impl Fetch for Store {
    type Item = u64;
    async fn fetch(&mut self, cursor: u64, n: NonZeroU64) -> Result<Page<u64>, FetchError> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            calls.push((cursor, n.get()));
            calls.len() - 1
        };
        let trouble = self.plan.lock().unwrap().get(&call).copied();
        let page = self.kept.lock().unwrap().fetch(cursor, n)?;
        if !self.takes.is_zero() {
            tidegate::Executor::sleep(&self.executor, self.takes).await;
        }
        match trouble {
            None => Ok(page),
            Some(Trouble::Fails) => Err(Fault::msg("connection reset"))?,
            Some(Trouble::Busy(wait)) => Err(FetchError::transient(Fault::msg("busy")).retry_after(wait)),
            Some(Trouble::Gone) => Err(FetchError::permanent(Fault::msg("410 Gone"))),
            Some(Trouble::Hangs) => std::future::pending().await,
            Some(Trouble::Panics) => panic!("a bug of the store"),
            Some(Trouble::AppendsMeanwhile) => {
                let up_to = self.append();
                self.notifier.notify(up_to);
                Ok(page)
            }
            Some(Trouble::Stale) => Ok(Page::new(vec![], cursor)),
        }
    }
}

/// A system with one sink, one store and a subscription between them.
struct Stage {
    executor: ManualExecutor,
    system: System,
    store: Store,
    seen: Seen,
    subscription: Option<Subscription>,
}

impl Stage {
    fn new(settings: Follow, demand: Demand) -> Self {
        Self::on(ManualExecutor::new(), settings, demand, Push::bounded(64), [], Duration::ZERO)
    }

    fn with(settings: Follow, demand: Demand, plan: impl IntoIterator<Item = (usize, Trouble)>) -> Self {
        Self::on(ManualExecutor::new(), settings, demand, Push::bounded(64), plan, Duration::ZERO)
    }

    fn on(
        executor: ManualExecutor,
        settings: Follow,
        demand: Demand,
        mailbox: impl Into<Mailbox<News<u64>>>,
        plan: impl IntoIterator<Item = (usize, Trouble)>,
        takes: Duration,
    ) -> Self {
        let system = System::with_executor(executor.clone());
        let (notifier, heard) = notices();
        let store = Store {
            kept: Arc::new(Mutex::new(Retained::new(1000))),
            notifier,
            calls: Arc::default(),
            plan: Arc::new(Mutex::new(plan.into_iter().collect())),
            executor: executor.clone(),
            takes: Duration::ZERO,
        };
        let seen = Seen::default();
        let sink = system.spawn(Sink { seen: Arc::clone(&seen), takes }, mailbox);
        let subscription = system.subscribe(follow(store.clone(), heard, settings), &sink, demand);
        executor.run_until_idle();
        Self { executor, system, store, seen, subscription: Some(subscription) }
    }

    fn subscription(&self) -> &Subscription {
        self.subscription.as_ref().expect("not cancelled yet")
    }

    /// Appends `n` items, and tells nobody.
    fn append(&self, n: u64) {
        for _ in 0..n {
            self.store.append();
        }
    }

    fn notify(&self, up_to: u64) {
        self.store.notifier.notify(up_to);
        self.executor.run_until_idle();
    }

    fn seen(&self) -> Vec<News<u64>> {
        self.seen.lock().unwrap().clone()
    }

    /// That all items below `end` were seen, once and in order.
    #[track_caller]
    fn assert_seen(&self, end: u64) {
        assert_eq!(self.seen(), (0..end).map(|n| News::Item(n, n)).collect::<Vec<_>>());
    }

    fn end(&self) -> Option<End> {
        self.subscription().end()
    }
}

fn never_poll() -> Follow {
    Follow::from_start().never_poll().retry(Backoff::exponential(ms(100), ms(800)))
}

#[test]
fn it_fetches_exactly_what_was_requested_and_in_one_fetch() {
    let stage = Stage::new(never_poll(), Demand::manual());
    stage.append(10);
    stage.notify(10);
    assert_eq!(stage.store.calls(), [], "nothing is wanted");
    stage.subscription().request(3);
    stage.executor.run_until_idle();
    stage.assert_seen(3);
    stage.subscription().request(2);
    stage.executor.run_until_idle();
    stage.assert_seen(5);
    assert_eq!(stage.store.calls(), [(0, 3), (3, 2)]);
    stage.subscription().request(100);
    stage.executor.run_until_idle();
    stage.assert_seen(10);
}

#[test]
fn a_mailbox_that_lets_nothing_in_has_nothing_fetched_for_it() {
    let stage = Stage::on(ManualExecutor::new(), never_poll(), Demand::window(8), Pull::manual(), [], Duration::ZERO);
    stage.append(4);
    stage.notify(4);
    assert_eq!((stage.store.calls().len(), stage.seen().len()), (0, 0));
}

#[test]
fn with_every_notice_lost_the_safety_poll_alone_brings_everything() {
    let stage = Stage::new(Follow::from_start().poll_every(ms(1000)), Demand::window(4));
    stage.append(6);
    stage.executor.advance(ms(800));
    stage.assert_seen(0);
    stage.executor.advance(ms(200));
    stage.assert_seen(6);
    stage.append(1);
    stage.executor.advance(ms(1000));
    stage.assert_seen(7);
    let calls = stage.store.calls().len();
    stage.executor.advance(ms(10_000));
    assert!((10..=12).contains(&(stage.store.calls().len() - calls)), "one look for each interval");
}

#[test]
fn a_thousand_notices_are_one_fetch_and_old_ones_are_none() {
    let stage = Stage::new(never_poll(), Demand::window(64));
    stage.append(50);
    let before = stage.store.calls().len();
    for up_to in (1..=50).chain((1..=50).rev()).cycle().take(1000) {
        stage.store.notifier.notify(up_to);
    }
    stage.executor.run_until_idle();
    stage.assert_seen(50);
    assert_eq!(stage.store.calls().len(), before + 1);
    for late in [3, 50, 1, 50] {
        stage.notify(late);
    }
    assert_eq!(stage.store.calls().len(), before + 1);
    stage.append(1);
    stage.store.notifier.nudge();
    stage.executor.run_until_idle();
    stage.assert_seen(51);
}

#[test]
fn an_append_while_the_empty_page_is_on_its_way_is_fetched_without_any_poll() {
    let plan = [(0, Trouble::AppendsMeanwhile), (2, Trouble::AppendsMeanwhile), (3, Trouble::AppendsMeanwhile)];
    let stage = Stage::with(never_poll(), Demand::window(8), plan);
    stage.assert_seen(1);
    stage.append(1);
    stage.notify(2);
    stage.assert_seen(4);
    assert_eq!(tidegate::Executor::now(&stage.executor), Duration::ZERO);
}

#[test]
fn a_stale_answer_is_asked_for_again_in_growing_waits() {
    let stage = Stage::with(never_poll(), Demand::window(8), [1, 2, 3].map(|call| (call, Trouble::Stale)));
    stage.append(1);
    stage.notify(1);
    let mut at = Vec::new();
    while stage.seen().is_empty() {
        let due = stage.executor.next_timer().expect("it tries again");
        at.push(due);
        stage.executor.advance(due - tidegate::Executor::now(&stage.executor));
    }
    assert_eq!(at, [ms(100), ms(300), ms(700)]);
    stage.assert_seen(1);
}

#[test]
fn a_failing_fetch_is_tried_again_for_ever_from_the_same_cursor() {
    let plan = (1..30).map(|call| (call, if call == 3 { Trouble::Busy(ms(5000)) } else { Trouble::Fails }));
    let stage = Stage::with(never_poll(), Demand::window(2), plan);
    stage.append(3);
    stage.notify(3);
    stage.executor.advance(ms(100 + 200));
    assert_eq!(stage.store.calls().len(), 4);
    stage.executor.advance(ms(4999));
    assert_eq!(stage.store.calls().len(), 4, "the store has asked for it");
    stage.executor.advance(ms(60_000));
    stage.assert_seen(3);
    assert!(stage.store.calls()[1..30].iter().all(|call| *call == (0, 2)), "{:?}", stage.store.calls());
}

#[test]
fn what_cannot_be_mended_ends_the_subscription_with_its_fault() {
    let after = |settings: Follow, plan: &[(usize, Trouble)]| {
        let stage = Stage::with(settings, Demand::window(2), plan.iter().copied());
        stage.append(3);
        stage.notify(3);
        stage.executor.advance(ms(100_000));
        let end = stage.end().map(|end| end.to_string());
        (end.unwrap_or_default(), stage.store.calls().len())
    };
    let fails = [(1, Trouble::Fails), (2, Trouble::Fails), (3, Trouble::Fails)];
    assert_eq!(after(never_poll(), &[(1, Trouble::Gone)]), ("failed: 410 Gone".into(), 2));
    assert_eq!(after(never_poll().give_up_after(3), &fails), ("failed: connection reset".into(), 4));
    let (end, _) = after(never_poll(), &[(1, Trouble::Panics)]);
    assert!(end.starts_with("failed: "), "{end}");
    assert_eq!(after(never_poll().give_up_after(4), &fails).0, "", "the fourth succeeds");
}

#[test]
fn a_fetch_that_hangs_is_given_up_and_tried_again() {
    let stage = Stage::with(never_poll().fetch_within(ms(250)), Demand::window(2), [(1, Trouble::Hangs)]);
    stage.append(1);
    stage.notify(1);
    stage.executor.advance(ms(349));
    assert_eq!((stage.seen().len(), stage.store.calls().len()), (0, 2));
    stage.executor.advance(ms(1));
    stage.assert_seen(1);
}

#[test]
fn what_retention_dropped_is_told_as_a_gap_in_its_place() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let log = Log::retaining(4);
    let (slow, quick) = (Seen::default(), Seen::default());
    let mut subscriptions = Vec::new();
    for (seen, takes) in [(&slow, ms(10)), (&quick, ms(0))] {
        let sink = system.spawn(Sink { seen: Arc::clone(seen), takes }, Push::bounded(2));
        let source = follow(plain(log.clone()), log.notices(), never_poll());
        subscriptions.push(system.subscribe(source, &sink, Demand::window(2)));
    }
    for n in 0..40 {
        log.append(n).unwrap();
        executor.advance(ms(1));
        assert_eq!(log.len(), usize::try_from(n + 1).unwrap().min(4), "a slow follower keeps nothing");
    }
    log.close();
    executor.advance(ms(1000));
    assert!(subscriptions.iter().all(|one| one.end().is_some_and(|end| end.is_completed())));
    assert_eq!(*quick.lock().unwrap(), (0..40).map(|n| News::Item(n, n)).collect::<Vec<_>>());
    let slow = slow.lock().unwrap();
    let mut next = 0;
    for news in slow.iter() {
        match *news {
            News::Item(sequence, item) => assert_eq!((sequence, item), (next, next)),
            News::Gap(Gap { from, .. }) => assert_eq!(from, next),
            _ => unreachable!("a third kind of news"),
        }
        next = news.cursor();
    }
    assert_eq!(next, 40);
    let gaps = slow.iter().filter(|news| matches!(news, News::Gap(_))).count();
    assert!(gaps >= 2 && slow.len() < 40, "{slow:?}");
}

/// A log of numbers as a store of numbers.
fn plain(log: Log<u64>) -> impl Fetch<Item = u64> {
    counted(log, Arc::default())
}

fn counted(log: Log<u64>, looks: Arc<Mutex<u64>>) -> impl Fetch<Item = u64> {
    move |cursor, n| {
        *looks.lock().unwrap() += 1;
        let page = log.fetch(cursor, n);
        async move {
            let page = page?;
            let items = page.items.iter().map(|(sequence, item)| (*sequence, **item)).collect();
            Ok(Page::new(items, page.next).more(page.more).closed(page.closed).gap(page.gap))
        }
    }
}

#[test]
fn one_who_goes_on_from_its_cursor_sees_everything_once() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let log = Log::retaining(100);
    (0..20).for_each(|n| assert!(log.append(n).is_ok()));
    let seen = Seen::default();
    let (mut cursor, mut lives) = (0, 0);
    while cursor < 20 {
        let sink = system.spawn(Sink { seen: Arc::clone(&seen), takes: ms(10) }, Push::bounded(4));
        let source = follow(plain(log.clone()), log.notices(), Follow::at(cursor).never_poll());
        let subscription = system.subscribe(source, &sink, Demand::window(4));
        executor.advance(ms(35));
        subscription.cancel();
        // Killed with items in its mailbox: handled is what counts.
        sink.kill();
        executor.run_until_idle();
        cursor = seen.lock().unwrap().last().map_or(0, News::cursor);
        lives += 1;
    }
    assert_eq!(*seen.lock().unwrap(), (0..20).map(|n| News::Item(n, n)).collect::<Vec<_>>());
    assert_eq!(lives, 7);
}

#[test]
fn a_cancel_drops_the_fetch_that_is_under_way_and_the_store() {
    let mut stage = Stage::with(never_poll(), Demand::window(2), [(1, Trouble::Hangs)]);
    stage.append(1);
    stage.notify(1);
    let kept = Arc::downgrade(&stage.store.kept);
    assert_eq!(kept.strong_count(), 2, "the test's and the follower's");
    stage.subscription = None;
    stage.executor.run_until_idle();
    assert_eq!(kept.strong_count(), 1);
    stage.notify(2);
    assert_eq!(stage.store.calls().len(), 2);
}

#[test]
fn a_restart_or_an_end_of_the_subscriber_ends_the_follower() {
    let stage = Stage::new(never_poll(), Demand::window(2));
    let kept = Arc::downgrade(&stage.store.kept);
    drop(stage.executor.block_on(stage.system.shutdown(ms(100))));
    stage.executor.run_until_idle();
    assert!(matches!(stage.end(), Some(End::Cancelled)), "{:?}", stage.end());
    assert_eq!(kept.strong_count(), 1);
}

#[test]
fn the_end_of_a_log_needs_no_demand() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let (seen, log) = (Seen::default(), Log::retaining(9));
    let sink = system.spawn(Sink { seen, takes: ms(0) }, Push::bounded(4));
    let subscribe = || {
        let source = follow(plain(log.clone()), log.notices(), never_poll());
        let subscription = system.subscribe(source, &sink, Demand::manual());
        executor.run_until_idle();
        subscription
    };
    let empty = subscribe();
    log.append(0).unwrap();
    executor.run_until_idle();
    let behind = subscribe();
    behind.request(1);
    executor.run_until_idle();
    assert!(empty.end().is_none() && behind.end().is_none());
    log.close();
    executor.run_until_idle();
    assert!(behind.end().is_some_and(|end| end.is_completed()), "it has everything");
    assert!(empty.end().is_none(), "it has not");
    empty.request(1);
    executor.run_until_idle();
    assert!(empty.end().is_some_and(|end| end.is_completed()));
}

#[test]
fn a_follower_that_finds_nothing_gives_its_place_in_the_mailbox_back() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let log = Log::retaining(9);
    let looks = Arc::new(Mutex::new(0));
    let store = counted(log.clone(), Arc::clone(&looks));
    let seen = Seen::default();
    let sink = system.spawn(Sink { seen: Arc::clone(&seen), takes: ms(1000) }, Push::bounded(1));
    let settings = Follow::from_start().poll_every(ms(800));
    let subscription = system.subscribe(follow(store, log.notices(), settings), &sink, Demand::window(4));
    executor.run_until_idle();
    let first = *looks.lock().unwrap();
    for _ in 0..2 {
        sink.try_tell(News::Item(77, 77)).unwrap();
        executor.run_until_idle();
    }
    // The poll comes due while the mailbox is full, waits for a place, and then
    // there is nothing to fetch.
    executor.advance(ms(990));
    assert_eq!(*looks.lock().unwrap(), first);
    executor.advance(ms(20));
    assert_eq!(*looks.lock().unwrap(), first + 1);
    sink.try_tell(News::Item(78, 78)).expect("the place is free again");
    log.append(0).unwrap();
    executor.advance(ms(10_000));
    assert_eq!(seen.lock().unwrap().last(), Some(&News::Item(0, 0)));
    drop(subscription);
}

/// Appends, notices that go astray, slow sinks and failing fetches, in an order
/// that a seed chooses.
#[test]
fn whatever_goes_astray_everything_arrives_once_and_in_order() {
    for seed in 0..60_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let plan: Vec<_> = (0..40)
            .filter_map(|call| match random(6) {
                0 => Some((call, Trouble::Fails)),
                1 => Some((call, Trouble::Stale)),
                2 => Some((call, Trouble::Hangs)),
                _ => None,
            })
            .collect();
        let demand = [Demand::window(1), Demand::window(5), Demand::max_in_flight(3)][random(3) as usize];
        let retry = Backoff::exponential(ms(50), ms(800)).jitter(0.5);
        let settings = Follow::from_start().poll_every(ms(500)).retry(retry).page(1 + random(4)).fetch_within(ms(300));
        let takes = ms(random(3) * 7);
        let stage = Stage::on(
            ManualExecutor::shuffled(seed),
            settings,
            demand,
            Push::bounded(1 + random(6) as usize),
            plan,
            takes,
        );
        let mut pending = Vec::new();
        for _ in 0..60 {
            match random(5) {
                0 | 1 => pending.push(stage.store.append()),
                2 if !pending.is_empty() => {
                    // Told out of order, and perhaps again.
                    let at = random(pending.len() as u64) as usize;
                    stage.notify(pending[at]);
                    if random(2) == 0 {
                        pending.remove(at);
                    }
                }
                3 if !pending.is_empty() => drop(pending.remove(0)),
                _ => stage.executor.advance(ms(random(40))),
            }
        }
        stage.executor.advance(ms(120_000));
        let end = stage.store.kept.lock().unwrap().end();
        assert_eq!(stage.seen(), (0..end).map(|n| News::Item(n, n)).collect::<Vec<_>>(), "seed {seed}");
    }
}

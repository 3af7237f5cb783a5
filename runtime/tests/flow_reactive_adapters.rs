//! Publishers from sources, subscribers from actors, processors from actors that
//! are both: each under the suite of what it claims to be, and what the suites do
//! not ask.

#![cfg(all(not(tidegate_loom), feature = "testkit"))]

#[path = "flow_reactive_time/mod.rs"]
mod time;

use std::sync::{Arc, Mutex};

use tidegate::flow::reactive::{self, Publisher, Subscriber, Subscription};
use tidegate::flow::stage::{self, Prefetch};
use tidegate::flow::verify::{
    Environment, ProcessorSuite, PublisherSuite, Seen, Subject, SubscriberSuite, Subscribers,
};
use tidegate::flow::{Conversion, Demand, End, Inlet, Outlet, Unheard, source};
use tidegate::prelude::*;
use tidegate::{ManualExecutor, verify_processor, verify_publisher, verify_subscriber};

#[cfg(feature = "tokio")]
fn paused_tokio() -> Environment {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Environment::tokio(runtime.enable_time().start_paused(true).build().expect("a runtime can be built"))
}

// Sources as publishers.

fn sources() -> PublisherSuite<u64> {
    PublisherSuite::new(|env, n| reactive::from_source(env.system(), move || source::iter(0..n)))
        .failing(|env| {
            reactive::from_source(env.system(), || {
                source::fallible(futures_util::stream::iter([Ok(0), Err(Fault::msg("torn page"))]))
            })
        })
        .serves(Subscribers::Same)
}

verify_publisher!(source_publisher, sources());
verify_publisher!(source_publisher_shuffled, sources().on(|| Environment::shuffled(11)));
#[cfg(feature = "tokio")]
verify_publisher!(source_publisher_on_tokio, sources().on(paused_tokio));
verify_publisher!(
    one_source_publisher,
    PublisherSuite::new(|env, n| reactive::from_source_once(env.system(), source::iter(0..n))).rejecting(|env| {
        let served = reactive::from_source_once(env.system(), source::iter(0..3));
        served.subscribe(Box::new(Idle));
        served
    })
);

/// Wants nothing.
struct Idle;

impl Subscriber<u64> for Idle {
    fn on_subscribe(&mut self, _: Box<dyn Subscription>) {}
    fn on_next(&mut self, _: u64) {}
    fn on_error(self: Box<Self>, _: Fault) {}
    fn on_complete(self: Box<Self>) {}
}

// Actors as subscribers.

enum Msg {
    Item,
    End(End),
}

/// Counts what arrives.
struct Counting(Arc<Mutex<Seen>>);

impl Actor for Counting {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
        let mut seen = self.0.lock().unwrap();
        match msg {
            Msg::Item => seen.items += 1,
            Msg::End(end) => (seen.completed, seen.failed) = (end.is_completed(), end.fault().is_some()),
        }
        Ok(())
    }
}

fn actors(demand: Demand) -> SubscriberSuite<u64> {
    SubscriberSuite::new(
        move |env| {
            let seen = Arc::new(Mutex::new(Seen::default()));
            let actor = env.system().spawn(Counting(Arc::clone(&seen)), Push::bounded(8));
            let inlet = Inlet::new(&actor, |_: u64| Msg::Item).on_end(Msg::End);
            let (subscriber, subscription) = reactive::actor(env.system(), inlet, demand);
            let mut subscription = Some(subscription);
            Subject::new(subscriber)
                .asynchronous()
                .seen(move || *seen.lock().unwrap())
                .cancels(move || drop(subscription.take()))
                .keeping(actor)
        },
        |n| n,
    )
}

verify_subscriber!(actor_with_a_window, actors(Demand::window(4)));
verify_subscriber!(actor_with_a_window_of_one, actors(Demand::window(1)));
verify_subscriber!(actor_with_all_its_mailbox, actors(Demand::unbounded()));
verify_subscriber!(actor_shuffled, actors(Demand::window(4)).on(|| Environment::shuffled(3)));
#[cfg(feature = "tokio")]
verify_subscriber!(actor_on_tokio, actors(Demand::window(4)).on(paused_tokio));

/// One that asks by hand, and stops by ending.
fn actor_by_hand() -> SubscriberSuite<u64> {
    SubscriberSuite::new(
        |env| {
            let seen = Arc::new(Mutex::new(Seen::default()));
            let actor = env.system().spawn(Counting(Arc::clone(&seen)), Push::bounded(8));
            let inlet = Inlet::new(&actor, |_: u64| Msg::Item).on_end(Msg::End);
            let (subscriber, subscription) = reactive::actor(env.system(), inlet, Demand::manual());
            Subject::new(subscriber)
                .asynchronous()
                .seen(move || *seen.lock().unwrap())
                .requests(move |n| subscription.request(n))
                .cancels(move || actor.stop())
        },
        |n| n,
    )
}

verify_subscriber!(actor_that_asks_by_hand, actor_by_hand());

// Actors as processors.

enum Step {
    Item(u64),
    End(End),
    Demand,
}

/// Sends on twice the number, to one subscriber or to all, and ends with the last.
struct Double {
    out: Outlet<u64>,
}

impl Actor for Double {
    type Msg = Step;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.out.announce(cx, |_| Step::Demand);
        Ok(())
    }

    async fn handle(&mut self, step: Step, cx: &mut Context<Self>) -> Result<(), Fault> {
        match step {
            Step::Item(n) => self.out.send(2 * n).await?,
            Step::End(End::Failed(fault)) => self.out.fail(fault),
            Step::End(_) => self.out.complete(),
            Step::Demand if self.out.is_cancelled() => cx.stop(),
            Step::Demand => {}
        }
        Ok(())
    }
}

fn doubling(outlet: fn() -> Outlet<u64>) -> ProcessorSuite<u64, u64> {
    ProcessorSuite::new(
        move |env| {
            let system = env.system();
            let out = outlet().unheard(Unheard::Cancel);
            let port = out.port();
            let double = system.spawn(Double { out }, Push::bounded(4));
            let (subscriber, source) = reactive::pipe();
            let inlet = Inlet::new(&double, Step::Item).on_end(Step::End);
            system.subscribe(source, inlet, Demand::window(2)).detach();
            (subscriber, reactive::from_source(system, move || port.clone()))
        },
        |n| n,
    )
}

verify_processor!(actor_processor, doubling(Outlet::new));
verify_processor!(actor_processor_shuffled, doubling(Outlet::new).on(|| Environment::shuffled(5)));
verify_processor!(actor_processor_for_all, doubling(Outlet::broadcast).serves(Subscribers::Same));
#[cfg(feature = "tokio")]
verify_processor!(actor_processor_on_tokio, doubling(Outlet::new).on(paused_tokio));

// Stages as processors.

/// Twice the number, as a stage: what it subscribes to is the pipe.
fn doubling_stage(prefetch: Prefetch, outlet: fn() -> Outlet<u64>) -> ProcessorSuite<u64, u64> {
    ProcessorSuite::new(
        move |env| {
            let system = env.system();
            let (subscriber, source) = reactive::pipe();
            let double = stage::map(|n: u64| async move { Ok(2 * n) });
            let out = outlet().unheard(Unheard::Cancel);
            let running = system.stage(source, double, prefetch).outlet(out).fail_at_once().spawn();
            (subscriber, reactive::from_source(system, move || running.clone()))
        },
        |n| n,
    )
}

verify_processor!(stage_processor, doubling_stage(Prefetch::window(2), Outlet::new));
verify_processor!(stage_without_prefetch, doubling_stage(Prefetch::none(Conversion::one_to_one()), Outlet::new));
verify_processor!(stage_shuffled, doubling_stage(Prefetch::window(2), Outlet::new).on(|| Environment::shuffled(5)));
verify_processor!(stage_for_all, doubling_stage(Prefetch::window(4), Outlet::broadcast).serves(Subscribers::Same));
#[cfg(feature = "tokio")]
verify_processor!(stage_on_tokio, doubling_stage(Prefetch::window(2), Outlet::new).on(paused_tokio));

/// In virtual time, and quickly.
#[test]
fn each_check_takes_less_than_100_ms() {
    time::assert_quick(&sources());
    time::assert_quick(&actors(Demand::window(4)));
    for suite in [doubling(Outlet::new), doubling_stage(Prefetch::window(2), Outlet::new)] {
        time::assert_quick(&suite.as_publisher());
        time::assert_quick(&suite.as_subscriber());
        time::assert_quick(&suite);
    }
    #[cfg(feature = "tokio")]
    {
        time::assert_quick(&sources().on(paused_tokio));
        time::assert_quick(&actors(Demand::window(4)).on(paused_tokio));
        let suite = doubling_stage(Prefetch::window(2), Outlet::new).on(paused_tokio);
        time::assert_quick(&suite.as_publisher());
        time::assert_quick(&suite.as_subscriber());
        time::assert_quick(&suite);
    }
}

// What the suites do not ask.

fn manual() -> (ManualExecutor, System) {
    let executor = ManualExecutor::new();
    (executor.clone(), System::with_executor(executor))
}

/// Leaves its subscription to the test, and says what it heard.
#[derive(Clone, Default)]
struct Hand {
    subscription: Arc<Mutex<Option<Box<dyn Subscription>>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Hand {
    fn request(&self, n: u64) {
        self.subscription.lock().unwrap().as_mut().expect("it is subscribed").request(n);
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

impl Subscriber<u64> for Hand {
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) {
        *self.subscription.lock().unwrap() = Some(subscription);
    }

    fn on_next(&mut self, item: u64) {
        self.heard.lock().unwrap().push(item.to_string());
    }

    fn on_error(self: Box<Self>, fault: Fault) {
        self.heard.lock().unwrap().push(format!("failed: {fault}"));
    }

    fn on_complete(self: Box<Self>) {
        self.heard.lock().unwrap().push("complete".to_owned());
    }
}

/// Numbers, and how many were taken.
fn counted(taken: &Arc<Mutex<u64>>) -> impl Iterator<Item = u64> + Send + use<> {
    let taken = Arc::clone(taken);
    (0..).inspect(move |_| *taken.lock().unwrap() += 1)
}

#[test]
fn a_source_is_polled_no_further_than_its_subscriber_has_requested() {
    let (executor, system) = manual();
    let taken = Arc::new(Mutex::new(0));
    let hand = Hand::default();
    reactive::from_source_once(&system, source::iter(counted(&taken))).subscribe(Box::new(hand.clone()));
    executor.run_until_idle();
    assert_eq!(*taken.lock().unwrap(), 0);
    for (n, sum) in [(1, 1), (5, 6), (100, 106)] {
        hand.request(n);
        executor.run_until_idle();
        assert_eq!((*taken.lock().unwrap(), hand.heard().len() as u64), (sum, n));
    }
}

/// A subscriber without bound, and a source that is always ahead: what waits in
/// between has a bound nevertheless.
#[test]
fn unbounded_demand_does_not_have_items_pile_up_before_the_subscriber() {
    for seed in 0..8 {
        let executor = ManualExecutor::shuffled(seed);
        let system = System::with_executor(executor.clone());
        let taken = Arc::new(Mutex::new(0));
        let hand = Hand::default();
        reactive::from_source_once(&system, source::iter(counted(&taken))).subscribe(Box::new(hand.clone()));
        hand.request(u64::MAX);
        let mut most = 0;
        for _ in 0..2000 {
            executor.step();
            most = most.max(*taken.lock().unwrap() - hand.heard.lock().unwrap().len() as u64);
        }
        assert!((1..=64).contains(&most), "{most} items lay between them, with seed {seed}");
        hand.subscription.lock().unwrap().take();
        executor.run_until_idle();
    }
}

#[test]
fn an_actor_has_a_publisher_send_as_much_as_its_mailbox_takes() {
    let (executor, system) = manual();
    let taken = Arc::new(Mutex::new(0));
    let publisher = reactive::from_source_once(&system, source::iter(counted(&taken)));
    // Nobody takes anything out of a probe's mailbox.
    let mut probe = tidegate::testkit::TestKit::new().probe_with::<u64>(Push::bounded(16));
    let subscription = system.subscribe(reactive::from_publisher(publisher), &probe.me(), Demand::window(5));
    executor.run_until_idle();
    assert_eq!(*taken.lock().unwrap(), 5);
    assert_eq!(probe.expect(), 0);
    drop(subscription);
    executor.run_until_idle();
    assert_eq!(Arc::strong_count(&taken), 1, "a cancel reaches the source");
}

/// S12: whoever sends more than was asked for is told to stop, and nothing of it
/// is handled.
#[test]
fn an_item_that_nobody_requested_ends_the_subscription() {
    /// Sends three items, whatever is requested.
    struct Pushy;
    impl Publisher for Pushy {
        type Item = u64;
        fn subscribe(&self, mut subscriber: Box<dyn Subscriber<u64>>) {
            struct Deaf {
                _alive: Arc<()>,
            }
            impl Subscription for Deaf {
                fn request(&mut self, _: u64) {}
                fn cancel(&mut self) {}
            }
            let alive = Arc::new(());
            subscriber.on_subscribe(Box::new(Deaf { _alive: Arc::clone(&alive) }));
            for n in 0..3 {
                subscriber.on_next(n);
            }
            assert_eq!(Arc::strong_count(&alive), 1, "it was cancelled");
        }
    }
    let (executor, system) = manual();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let actor = system.spawn(Counting(Arc::clone(&seen)), Push::bounded(8));
    let inlet = Inlet::new(&actor, |_: u64| Msg::Item).on_end(Msg::End);
    let subscription = system.subscribe(reactive::from_publisher(Pushy), inlet, Demand::window(4));
    executor.run_until_idle();
    assert_eq!(subscription.end().unwrap().to_string(), "failed: the publisher sent more than was requested");
    assert_eq!(*seen.lock().unwrap(), Seen { items: 0, completed: false, failed: true });
}

#[test]
fn an_actor_that_ends_cancels_its_publisher() {
    let (executor, system) = manual();
    let taken = Arc::new(Mutex::new(0));
    let publisher = reactive::from_source_once(&system, source::iter(counted(&taken)));
    let actor = system.spawn(Counting(Arc::default()), Push::bounded(8));
    let (subscriber, subscription) =
        reactive::actor(&system, Inlet::new(&actor, |_: u64| Msg::Item), Demand::max_in_flight(1));
    publisher.subscribe(Box::new(subscriber));
    for _ in 0..100 {
        executor.step();
    }
    actor.stop();
    executor.run_until_idle();
    assert_eq!(Arc::strong_count(&taken), 1, "the iterator behind it all is gone");
    assert!(matches!(subscription.end(), Some(End::Cancelled)));
}

#[test]
fn items_that_came_before_a_failure_are_handled_before_it() {
    let (executor, system) = manual();
    let publisher = reactive::try_from_iter(&system, [Ok(1), Ok(2), Err(Fault::msg("torn page"))]);
    let log = Arc::new(Mutex::new(Seen::default()));
    let actor = system.spawn(Counting(Arc::clone(&log)), Push::bounded(1));
    let inlet = Inlet::new(&actor, |_: u64| Msg::Item).on_end(Msg::End);
    system.subscribe(reactive::from_publisher(publisher), inlet, Demand::window(8)).detach();
    executor.run_until_idle();
    assert_eq!(*log.lock().unwrap(), Seen { items: 2, completed: false, failed: true });
}

/// There and back again.
#[test]
fn a_publisher_of_a_source_of_a_publisher_is_the_same() {
    let (executor, system) = manual();
    let hand = Hand::default();
    let numbers = reactive::from_iter(&system, 0..5);
    let there = reactive::from_publisher(numbers);
    reactive::from_source_once(&system, there).subscribe(Box::new(hand.clone()));
    hand.request(3);
    executor.run_until_idle();
    assert_eq!(hand.heard(), ["0", "1", "2"]);
    hand.request(3);
    executor.run_until_idle();
    assert_eq!(hand.heard(), ["3", "4", "complete"]);
}

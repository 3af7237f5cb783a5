//! Publishers from sources, subscribers from actors, processors from actors that
//! are both: each under the suite of what it claims to be, and what the suites do
//! not ask.

#![cfg(all(not(tidegate_loom), feature = "testkit"))]

use std::sync::{Arc, Mutex};

use tidegate::flow::reactive::{self, Publisher, Subscriber, Subscription};
use tidegate::flow::verify::{
    Environment, ProcessorSuite, PublisherSuite, Seen, Subject, SubscriberSuite, Subscribers,
};
use tidegate::flow::{Demand, End, Inlet, Outlet, source};
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
    Item(u64),
    End(End),
}

/// Counts what arrives.
struct Counting(Arc<Mutex<Seen>>);

impl Actor for Counting {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
        let mut seen = self.0.lock().unwrap();
        match msg {
            Msg::Item(_) => seen.items += 1,
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
            let inlet = Inlet::new(&actor, Msg::Item).on_end(Msg::End);
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
            let inlet = Inlet::new(&actor, Msg::Item).on_end(Msg::End);
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

/// Sends on twice the number.
struct Double {
    out: Outlet<u64>,
}

impl Actor for Double {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Item(n) => self.out.send(2 * n).await?,
            Msg::End(End::Failed(fault)) => self.out.fail(fault),
            Msg::End(_) => self.out.complete(),
        }
        Ok(())
    }
}

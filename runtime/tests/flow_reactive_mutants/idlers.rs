//! Who does nothing breaks few rules. No check is to pass for that reason alone: it
//! has to see first that what it looks for could be there.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Mutex;
use std::task::Poll;

use tidegate::flow::reactive::{Publisher, Subscriber, Subscription, from_iter};
use tidegate::flow::verify::{
    Outcome, ProcessorSuite, PublisherSuite, Seen, Subject, SubscriberSuite, Subscribers, Suite,
};
use tidegate::{Executor, Fault, ManualExecutor};

fn kept(suite: &impl Suite) -> BTreeSet<&'static str> {
    let report = suite.run();
    report.findings().iter().filter(|finding| finding.outcome == Outcome::Kept).map(|finding| finding.check).collect()
}

fn suite<P: Publisher<Item = u64>>(make: fn(&ManualExecutor) -> P) -> PublisherSuite<u64> {
    let make = move |env: &tidegate::flow::verify::Environment| make(env.executor().expect("it is manual"));
    PublisherSuite::new(move |env, _| make(env)).failing(make).rejecting(make).serves(Subscribers::Same)
}

/// Lets go of who subscribes, without a word.
struct Mute;

impl Publisher for Mute {
    type Item = u64;
    fn subscribe(&self, _: Box<dyn Subscriber<u64>>) {}
}

struct Nothing;

impl Subscription for Nothing {
    fn request(&mut self, _: u64) {}
    fn cancel(&mut self) {}
}

/// Gives a subscription, keeps the subscriber, and does no more.
#[derive(Default)]
struct Idle(Mutex<Vec<Box<dyn Subscriber<u64>>>>);

impl Publisher for Idle {
    type Item = u64;
    fn subscribe(&self, mut subscriber: Box<dyn Subscriber<u64>>) {
        subscriber.on_subscribe(Box::new(Nothing));
        self.0.lock().unwrap().push(subscriber);
    }
}

/// Completes at once, whatever it was to send.
struct Empty;

impl Publisher for Empty {
    type Item = u64;
    fn subscribe(&self, mut subscriber: Box<dyn Subscriber<u64>>) {
        subscriber.on_subscribe(Box::new(Nothing));
        subscriber.on_complete();
    }
}

#[test]
fn a_publisher_that_does_nothing_passes_no_check_of_what_it_does() {
    assert_eq!(kept(&suite(|_| Mute)), BTreeSet::new());
    let begins = [
        "spec109_must_issue_on_subscribe_before_all_other_signals",
        "spec109_subscribe_must_return_normally",
        "spec111_may_support_multi_subscribe",
    ];
    assert_eq!(kept(&suite(|_| Idle::default())), begins.into());
    let ends = [
        "spec105_empty_stream_must_terminate_by_signalling_on_complete",
        "spec111_registered_subscribers_must_receive_on_next_or_on_complete_signals",
    ];
    assert_eq!(kept(&suite(|_| Empty)), begins.into_iter().chain(ends).collect());
}

/// Made with fewer items than it was told: then the suite says so, and the checks
/// that take all of them do.
#[test]
fn a_publisher_that_is_made_too_short_is_noticed() {
    for short in [1, 2, 1000] {
        let suite = PublisherSuite::new(move |env, n: u64| from_iter(env.system(), 0..n.saturating_sub(short)));
        let report = suite.run();
        let broken: BTreeSet<&str> = report.violations().map(|finding| finding.check).collect();
        assert!(broken.contains("create_1_must_produce_a_stream_of_exactly_1_element"), "{report}");
        assert!(broken.contains("create_3_must_produce_a_stream_of_exactly_3_elements"), "{report}");
    }
    // It cannot make as many: what needs them is skipped, and not kept.
    let few = PublisherSuite::new(|env, n| from_iter(env.system(), 0..n)).at_most(0);
    assert_eq!(kept(&few), ["spec105_empty_stream_must_terminate_by_signalling_on_complete"].into());
}

/// Holds on to its subscription, or lets go of it, and does no more.
struct Deaf(bool, Option<Box<dyn Subscription>>);

impl Subscriber<u64> for Deaf {
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) {
        if self.0 {
            self.1.get_or_insert(subscription);
        }
    }
    fn on_next(&mut self, _: u64) {}
    fn on_error(self: Box<Self>, _: Fault) {}
    fn on_complete(self: Box<Self>) {}
}

/// Also with all that a suite can be told, so that nothing is skipped.
#[test]
fn a_subscriber_that_does_nothing_passes_no_check_of_what_it_does() {
    for holds in [true, false] {
        let told = move |_: &_| {
            Subject::new(Deaf(holds, None)).requests(|_| {}).cancels(|| {}).seen(Seen::default).asynchronous()
        };
        assert_eq!(kept(&SubscriberSuite::new(told, |n| n)), BTreeSet::new());
        // Of a black box it is not known whether the end arrives; it has not panicked.
        let bears = [
            "spec209_must_be_prepared_to_receive_on_complete_without_preceding_request_call",
            "spec210_must_be_prepared_to_receive_on_error_without_preceding_request_call",
        ];
        assert_eq!(kept(&SubscriberSuite::new(move |_| Subject::new(Deaf(holds, None)), |n| n)), bears.into());
    }
}

#[test]
fn a_processor_that_does_nothing_passes_no_check_of_what_it_does() {
    for subscribers in [Subscribers::One, Subscribers::Same] {
        let mute = ProcessorSuite::<u64, u64>::new(|_| (Deaf(false, None), Mute), |n| n).serves(subscribers);
        let idle = ProcessorSuite::<u64, u64>::new(|_| (Deaf(true, None), Idle::default()), |n| n).serves(subscribers);
        let empty = ProcessorSuite::<u64, u64>::new(|_| (Deaf(false, None), Empty), |n| n).serves(subscribers);
        for suite in [mute, idle, empty] {
            assert_eq!(kept(&suite), BTreeSet::new());
        }
    }
}

/// Its task wakes itself for ever.
struct Restless(ManualExecutor, Idle);

impl Publisher for Restless {
    type Item = u64;
    fn subscribe(&self, subscriber: Box<dyn Subscriber<u64>>) {
        self.1.subscribe(subscriber);
        let task = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        self.0.spawn("restless", Box::pin(task));
    }
}

#[test]
fn a_publisher_that_never_rests_is_a_violation_and_no_hang() {
    let outcome = suite(|executor| Restless(executor.clone(), Idle::default()))
        .check("spec101_subscription_request_must_result_in_the_correct_number_of_produced_elements");
    let Outcome::Violated(observed) = outcome else { panic!("{outcome:?}") };
    assert!(observed.contains("a task wakes itself for ever"), "{observed}");
}

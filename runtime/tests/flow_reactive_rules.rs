//! The rules of Reactive Streams on what is ours, one test for each check; and no
//! rule is without something that keeps it.

#![cfg(all(not(tidegate_loom), feature = "testkit"))]

#[path = "flow_reactive_time/mod.rs"]
mod time;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tidegate::flow::reactive::{Publisher, Subscriber, Subscription, from_iter, try_from_iter};
use tidegate::flow::verify::{
    Environment, Finding, Kept, ProcessorSuite, PublisherSuite, RULES, Rule, Subject, SubscriberSuite, Subscribers,
    Suite,
};
use tidegate::{Fault, verify_publisher};

fn iterators() -> PublisherSuite<u64> {
    PublisherSuite::new(|env, n| from_iter(env.system(), 0..n))
        .failing(|env| try_from_iter(env.system(), [Ok(0), Err(Fault::msg("torn page"))]))
        .serves(Subscribers::Same)
}

#[cfg(feature = "tokio")]
fn paused_tokio() -> Environment {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Environment::tokio(runtime.enable_time().start_paused(true).build().expect("a runtime can be built"))
}

verify_publisher!(iterator, iterators());
verify_publisher!(iterator_shuffled, iterators().on(|| Environment::shuffled(7)));
#[cfg(feature = "tokio")]
verify_publisher!(iterator_on_tokio, iterators().on(paused_tokio));
// Its length is not known, so it completes when it is asked for one more.
verify_publisher!(
    iterator_of_unknown_length,
    PublisherSuite::new(|env, n| from_iter(env.system(), (0..2 * n).filter(|n| n % 2 == 0))).serves(Subscribers::Same)
);

#[test]
fn there_are_43_rules_in_their_order() {
    let numbers: Vec<(u32, u32)> = RULES
        .iter()
        .map(|rule| {
            let (chapter, number) = rule.number.split_once('.').expect("as in 1.1");
            (chapter.parse().expect("a number"), number.parse().expect("a number"))
        })
        .collect();
    let chapters = [(1, 11), (2, 13), (3, 17), (4, 2)];
    let all = chapters.iter().flat_map(|&(chapter, rules)| (1..=rules).map(move |rule| (chapter, rule)));
    assert!(numbers.into_iter().eq(all));
}

/// By a check that bears its number, by a program that does not compile and bears
/// its number, or by nothing, since it only permits.
#[test]
fn each_rule_is_kept_by_what_bears_its_number() {
    let suites: [Vec<&str>; 3] = [
        iterators().checks(),
        SubscriberSuite::<u64>::new(|_| Subject::new(Deaf), |n| n).checks(),
        ProcessorSuite::<u64, u64>::new(|_| (Deaf, Deaf), |n| n).checks(),
    ];
    let mut checked = BTreeSet::new();
    for name in suites.concat() {
        match rule_of(name) {
            Some(rule) => drop(checked.insert(rule.number)),
            None => assert!(!name.starts_with("spec"), "{name} is about no rule"),
        }
    }
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui");
    let programs: BTreeSet<&str> = fs::read_dir(programs)
        .expect("the programs are there")
        .filter_map(|entry| rule_of(&entry.expect("it can be read").file_name().to_string_lossy()))
        .map(|rule| rule.number)
        .collect();
    for rule in &RULES {
        let kept = (checked.contains(rule.number), programs.contains(rule.number));
        match rule.kept {
            Kept::ByCheck => assert!(kept.0, "no check for {rule:?}"),
            Kept::ByType(_) => assert!(kept.1, "a program that does not compile: {rule:?}"),
            Kept::Permission(_) => assert_eq!(kept, (false, false), "nothing to check: {rule:?}"),
            _ => panic!("kept by something new: {rule:?}"),
        }
    }
}

/// `spec309_..` is about 3.9.
fn rule_of(name: &str) -> Option<&'static Rule> {
    let digits = name.strip_prefix("spec")?.get(..3)?;
    Rule::numbered(&format!("{}.{}", &digits[..1], digits[1..].parse::<u8>().ok()?))
}

/// Requests nothing, and sends nothing.
struct Deaf;

impl Subscriber<u64> for Deaf {
    fn on_subscribe(&mut self, _: Box<dyn Subscription>) {}
    fn on_next(&mut self, _: u64) {}
    fn on_error(self: Box<Self>, _: Fault) {}
    fn on_complete(self: Box<Self>) {}
}

impl Publisher for Deaf {
    type Item = u64;
    fn subscribe(&self, _: Box<dyn Subscriber<u64>>) {}
}

/// What a failure says, word for word.
#[test]
fn a_finding_names_the_check_and_the_rule_and_what_was_observed() {
    let three = PublisherSuite::new(|env, _| from_iter(env.system(), 0..3_u64));
    let report = three.run();
    let finding: &Finding = report.violations().find(|finding| finding.check.starts_with("spec105_empty")).unwrap();
    assert_eq!(
        finding.to_string(),
        "VIOLATED  spec105_empty_stream_must_terminate_by_signalling_on_complete\n  \
         rule 1.5: a publisher that comes to its end says so by on_complete\n  \
         observed: there are no items, and no on_complete: on_subscribe, on_next(0)"
    );
    assert_eq!(finding.rule().unwrap().number, "1.5");
    let skipped: Vec<&str> = report.skipped().map(|finding| finding.check).collect();
    assert_eq!(
        skipped,
        [
            "spec104_must_signal_on_error_when_it_fails",
            "spec106_must_consider_subscription_cancelled_after_on_error",
            "spec109_rejection_must_trigger_on_error_after_on_subscribe",
            "spec111_may_support_multi_subscribe",
            "spec111_registered_subscribers_must_receive_on_next_or_on_complete_signals",
            "spec111_must_not_send_to_one_subscriber_what_another_has_requested",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
        ]
    );
}

#[test]
#[should_panic(expected = "rule 2.1: a subscriber has to request items to get any")]
fn a_test_of_a_broken_rule_fails_with_the_rule() {
    SubscriberSuite::new(|_| Subject::new(Deaf), |n| n).assert("spec201_must_signal_demand_via_subscription_request");
}

#[test]
#[should_panic(expected = "there is no check spec999_of_nothing")]
fn a_check_that_does_not_exist_is_not_kept() {
    let _ = iterators().check("spec999_of_nothing");
}

/// In virtual time, and quickly.
#[test]
fn each_check_takes_less_than_100_ms() {
    time::assert_quick(&iterators());
    #[cfg(feature = "tokio")]
    time::assert_quick(&iterators().on(paused_tokio));
}

//! Does each check notice what it is there for? For each there is a publisher, a
//! subscriber or a processor that is right but for one thing; the suites name
//! that thing, and no other.

#![cfg(all(not(tidegate_loom), feature = "testkit"))]

#[path = "flow_reactive_mutants/idlers.rs"]
mod idlers;
#[path = "flow_reactive_mutants/processors.rs"]
mod processors;
#[path = "flow_reactive_mutants/publishers.rs"]
mod publishers;
#[path = "flow_reactive_mutants/subscribers.rs"]
mod subscribers;

use std::collections::BTreeSet;
use std::fmt::Debug;

use tidegate::flow::verify::{Subscribers, Suite};

/// A flaw, and the checks that notice it.
type Mutant<F> = (F, &'static [&'static str]);

/// The reference passes; each flaw is noticed by those checks and no others; no
/// check is without a flaw that it notices, and no rule without one that its checks
/// alone notice, but for those in `shared`.
fn check<F: Copy + Debug, S: Suite>(sound: F, mutants: &[Mutant<F>], suite: impl Fn(F) -> S, shared: &[&str]) {
    let reference = suite(sound).run();
    reference.assert_kept();
    assert_eq!(reference.skipped().count(), 0, "nothing is skipped for the reference:\n{reference}");
    let mut wrong = String::new();
    let mut unnoticed: BTreeSet<&str> = suite(sound).checks().into_iter().collect();
    let rules: BTreeSet<&str> =
        reference.findings().iter().filter_map(|finding| Some(finding.rule()?.number)).collect();
    let mut alone = BTreeSet::new();
    for (flaw, expected) in mutants {
        let report = suite(*flaw).run();
        let found: BTreeSet<&str> = report.violations().map(|finding| finding.check).collect();
        let broken: BTreeSet<Option<&str>> =
            report.violations().map(|finding| finding.rule().map(|rule| rule.number)).collect();
        if let [Some(rule)] = broken.into_iter().collect::<Vec<_>>()[..] {
            alone.insert(rule);
        }
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        if found != expected {
            wrong += &format!("\n{flaw:?}:");
            for check in expected.difference(&found) {
                wrong += &format!("\n    is not noticed by {check}");
            }
            for finding in report.violations().filter(|finding| !expected.contains(finding.check)) {
                wrong += &format!("\n    also: {finding}");
            }
        }
        if expected.is_empty() {
            wrong += &format!("\n{flaw:?} is noticed by nothing");
        }
        for check in expected {
            unnoticed.remove(check);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(unnoticed.is_empty(), "no mutant shows that these notice anything: {unnoticed:#?}");
    let with_others: Vec<&str> = rules.difference(&alone).copied().collect();
    assert_eq!(with_others, shared, "rules whose mutants all break others too");
}

#[test]
fn each_check_of_publishers_notices_its_mutants_and_no_others() {
    use publishers::Flaw;
    // Who does not fail where it should cannot be seen to be quiet behind it (1.6).
    check(Flaw::Nothing, publishers::MUTANTS, publishers::suite, &["1.4"]);
}

#[test]
fn each_check_of_subscribers_notices_its_mutants_and_no_others() {
    use subscribers::Flaw;
    check(Flaw::Nothing, subscribers::MUTANTS, subscribers::suite, &[]);
}

#[test]
fn each_check_of_processors_notices_its_mutants_and_no_others() {
    use processors::Flaw;
    check(Flaw::Nothing, processors::MUTANTS, processors::both, &[]);
}

/// Chapter 4 begins with the two other suites.
#[test]
fn the_reference_processor_passes_both_suites_whomever_it_serves() {
    for subscribers in [Subscribers::One, Subscribers::Many, Subscribers::Same] {
        for report in processors::suite(processors::Flaw::Nothing, subscribers).run_all() {
            report.assert_kept();
        }
    }
}

/// What 3.10 permits is no offence but for 3.4, of which it is one to be told.
#[test]
fn a_publisher_may_send_in_request_if_it_says_so() {
    publishers::suite(publishers::Flaw::SendsInRequest).emits_in_request().run().assert_kept();
}

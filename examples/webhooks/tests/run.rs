//! Whole runs, small ones: whatever happens on the way, the state is what the
//! source says, and the source never sees more requests than were wanted.

use std::future::{pending, poll_fn};
use std::num::NonZeroU64;
use std::task::Poll;
use std::time::Duration;

use webhooks::corpus::Corpus;
use webhooks::faults::Faults;
use webhooks::outcome::Outcome;
use webhooks::remote::Looked;
use webhooks::run::{Setup, run};
use webhooks::sender::Mishaps;

const DELIVERIES: u64 = 500;

/// As fast as can be, and nothing goes wrong.
fn smooth(seed: u64) -> Setup {
    Setup {
        deliveries: DELIVERIES,
        seed,
        rate: None,
        mishaps: Mishaps { loss: 0.0, double: 0.0, forge: 0.0 },
        faults: Faults::NONE,
        poll: Duration::from_millis(20),
        crashes: 0.0,
        // For all of them, so that none is refused when the machine is busy.
        room: 4096,
        ..Setup::default()
    }
}

/// Runs to the end and checks what has to hold in each run.
async fn played(setup: &Setup) -> Outcome {
    let corpus = Corpus::github().expect("it comes with the program");
    let outcome = run(corpus, setup, pending()).await.unwrap_or_else(|why| panic!("seed {}: {why}", setup.seed));
    let report = outcome.report(setup).to_string();
    assert!(outcome.complaints(setup).is_empty(), "seed {}: {:?}\n{report}", setup.seed, outcome.complaints(setup));
    assert_eq!(outcome.kept.state.applied(), setup.deliveries, "{report}");
    assert_eq!(outcome.kept.ages.len() as u64, setup.deliveries, "{report}");
    assert_eq!(outcome.looks.all().found, setup.deliveries, "{report}");
    assert_eq!(outcome.received.accepted, outcome.notified.notices + outcome.notified.duplicates, "{report}");
    if setup.outage.is_none() {
        let (sent, received) = (outcome.sent, outcome.received);
        let answers = [sent.accepted, sent.unauthorized, sent.overloaded, sent.other, sent.unreachable];
        let told = [received.accepted, received.unsigned, received.overloaded, 0, 0];
        assert_eq!(answers, told, "sender and receiver agree\n{report}");
    }
    outcome
}

#[tokio::test]
async fn the_state_is_what_the_source_says_whatever_happens_on_the_way() {
    for seed in 1..=4 {
        let setup = Setup {
            mishaps: Mishaps { loss: 0.05, double: 0.05, forge: 0.05 },
            faults: Faults { errors: 0.05, slow: 0.05, delay: Duration::from_millis(2), ..Faults::NONE },
            crashes: 0.02,
            ..smooth(seed)
        };
        let outcome = played(&setup).await;
        let sent = outcome.sent;
        assert!(sent.lost > 0 && sent.doubled > 0 && sent.forged > 0, "seed {seed}: {sent:?}");
        assert_eq!(sent.sent, DELIVERIES - sent.lost + sent.doubled + sent.forged, "seed {seed}");
        assert_eq!(outcome.received.unsigned, sent.forged, "seed {seed}");
        assert_eq!(outcome.notified.notices, DELIVERIES - sent.lost, "seed {seed}");
        assert_eq!(outcome.notified.duplicates, sent.doubled, "seed {seed}");
        assert!(outcome.traffic.errors > 0 && outcome.fetched.redelivered > 0, "seed {seed}: {:?}", outcome.traffic);
    }
}

#[tokio::test]
async fn without_a_single_notice_reconciliation_finds_everything() {
    let mishaps = Mishaps { loss: 1.0, double: 1.0, forge: 0.0 };
    let outcome = played(&Setup { mishaps, ..smooth(5) }).await;
    assert_eq!((outcome.sent.lost, outcome.sent.sent), (DELIVERIES, 0));
    assert_eq!(outcome.looks.by_notice, Looked::default());
    assert!(outcome.looks.by_poll.found > 0, "{:?}", outcome.looks);
}

#[tokio::test]
async fn with_all_notices_the_safety_poll_is_needed_for_the_end_alone() {
    let outcome = played(&Setup { poll: Duration::from_secs(1), ..smooth(6) }).await;
    assert!(outcome.looks.by_notice.found > 0, "{:?}", outcome.looks);
    // The first look, and one that finds the source closed. More only if it took
    // longer than a second.
    let most = 2 + outcome.took.as_secs() * 2;
    assert!(outcome.looks.by_poll.pages <= most, "{:?} in {:?}", outcome.looks, outcome.took);
}

#[tokio::test]
async fn a_webhook_that_comes_twice_has_no_effect() {
    let mishaps = Mishaps { loss: 0.0, double: 1.0, forge: 0.0 };
    let outcome = played(&Setup { mishaps, ..smooth(7) }).await;
    assert_eq!((outcome.notified.notices, outcome.notified.duplicates), (DELIVERIES, DELIVERIES));
    assert_eq!(outcome.traffic.details, DELIVERIES, "each was fetched once");
}

#[tokio::test]
async fn a_source_that_fails_a_third_of_the_time_is_asked_again() {
    for seed in [8, 9] {
        let faults = Faults { errors: 0.3, ..Faults::NONE };
        let outcome = played(&Setup { faults, ..smooth(seed) }).await;
        let (traffic, looks) = (outcome.traffic, outcome.looks);
        assert!(traffic.errors > DELIVERIES / 5, "seed {seed}: {traffic:?}");
        let answered = DELIVERIES + looks.all().pages;
        assert_eq!(traffic.details + traffic.lists, answered + traffic.errors, "seed {seed}: {looks:?}");
        assert!(traffic.most_detailing <= 8 && traffic.most_listing == 1, "seed {seed}: {traffic:?}");
    }
}

#[tokio::test]
async fn after_too_many_requests_nobody_asks_before_the_time_is_up() {
    let faults = Faults { quota: NonZeroU64::new(300), pause: Duration::from_secs(1), ..Faults::NONE };
    let setup = Setup { faults, ..smooth(10) };
    let traffic = played(&setup).await.traffic;
    assert!(traffic.limited > 0, "{traffic:?}");
    // Whoever had asked by the time that the first was told to wait; each once.
    let answered = traffic.details + traffic.lists - traffic.limited;
    let pauses = answered.div_ceil(300);
    assert!(traffic.limited <= pauses * (setup.workers as u64 + 1), "{traffic:?}");
}

#[tokio::test]
async fn what_happens_while_the_receiver_is_dead_is_not_lost() {
    let outcome = played(&Setup { outage: Some(150..350), ..smooth(11) }).await;
    assert!(outcome.sent.unreachable > 50, "{:?}", outcome.sent);
    assert!(outcome.notified.notices <= DELIVERIES - outcome.sent.unreachable + 16, "{:?}", outcome.notified);
    assert!(outcome.notified.notices > 150, "it came back: {:?}", outcome.notified);
}

#[tokio::test]
async fn a_receiver_that_is_dead_all_the_time_is_made_up_for() {
    let outcome = played(&Setup { outage: Some(0..DELIVERIES), ..smooth(12) }).await;
    assert_eq!(outcome.notified.notices, 0);
    assert_eq!(outcome.looks.by_notice, Looked::default());
}

#[tokio::test]
async fn a_worker_that_fails_after_its_work_does_not_do_it_twice() {
    let outcome = played(&Setup { crashes: 0.2, ..smooth(13) }).await;
    assert!(outcome.fetched.redelivered > 50, "{:?}", outcome.fetched);
    assert_eq!(outcome.traffic.details, DELIVERIES, "what was learned was not asked for again");
    assert_eq!(outcome.duplicates, outcome.fetched.redelivered);
}

/// As `played`, for what cannot end well.
async fn complaints(setup: &Setup) -> (Outcome, Vec<String>) {
    let corpus = Corpus::github().expect("it comes with the program");
    let outcome = run(corpus, setup, pending()).await.unwrap_or_else(|why| panic!("seed {}: {why}", setup.seed));
    let complaints = outcome.complaints(setup);
    (outcome, complaints)
}

#[tokio::test]
async fn a_delivery_that_is_given_up_leaves_a_hole_and_holds_nothing_up() {
    let faults = Faults { errors: 0.5, ..Faults::NONE };
    let (outcome, complaints) = complaints(&Setup { attempts: 2, faults, ..smooth(20) }).await;
    let missing = outcome.kept.missing.len() as u64;
    assert!(missing > DELIVERIES / 10, "{missing}");
    assert_eq!((outcome.kept.reach, outcome.kept.state.applied()), (DELIVERIES, DELIVERIES - missing));
    assert!(complaints[0].starts_with("the state is not what the source says:\ndeliveries: is "), "{complaints:?}");
    assert!(complaints[1].starts_with(&format!("{missing} deliveries were not to be had, ")), "{complaints:?}");
    assert_eq!(complaints.len(), 2, "{complaints:?}");
}

#[tokio::test]
async fn what_the_source_has_forgotten_is_a_hole_and_is_told() {
    // Everything happens before the second look: no notice comes to cause one.
    let mishaps = Mishaps { loss: 1.0, double: 0.0, forge: 0.0 };
    let setup = Setup { keep: 50, mishaps, poll: Duration::from_millis(500), ..smooth(21) };
    let (outcome, complaints) = complaints(&setup).await;
    let missing: u64 = outcome.kept.missing.iter().map(|(gap, _)| gap.to - gap.from).sum();
    assert!(missing > 0 && !outcome.kept.missing.is_empty(), "{missing}");
    assert_eq!((outcome.kept.reach, outcome.kept.state.applied()), (DELIVERIES, DELIVERIES - missing));
    assert!(complaints.iter().any(|why| why.contains("were not to be had")), "{complaints:?}");
}

#[tokio::test]
async fn one_worker_and_a_window_of_one_go_step_by_step() {
    let outcome = played(&Setup { workers: 1, window: 1, ..smooth(14) }).await;
    assert_eq!((outcome.traffic.most_detailing, outcome.traffic.most_listing), (1, 1));
    assert_eq!(outcome.kept.most_early, 1, "nothing came before its turn");
}

#[tokio::test]
async fn a_window_smaller_than_the_workers_holds_them_back() {
    let faults = Faults { slow: 1.0, delay: Duration::from_millis(1), ..Faults::NONE };
    let outcome = played(&Setup { workers: 16, window: 4, faults, ..smooth(15) }).await;
    assert!(outcome.traffic.most_detailing <= 4, "{:?}", outcome.traffic);
    assert!(outcome.kept.most_early <= 4, "{}", outcome.kept.most_early);
}

#[tokio::test]
async fn the_same_seed_has_the_same_mishaps_and_another_has_not() {
    let mishaps = async |seed| {
        let mishaps = Mishaps { loss: 0.1, double: 0.1, forge: 0.1 };
        let sent = played(&Setup { mishaps, deliveries: 200, ..smooth(seed) }).await.sent;
        (sent.lost, sent.doubled, sent.forged)
    };
    let first = mishaps(16).await;
    assert_eq!(first, mishaps(16).await);
    assert_ne!(first, mishaps(17).await);
}

#[tokio::test]
async fn a_run_that_is_interrupted_ends_in_order_with_the_state_so_far() {
    // By how often the run has been polled: nothing here knows the time.
    for polls in [1, 20, 200] {
        let mut left = polls;
        let stop = poll_fn(move |_| {
            left -= 1;
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        });
        let setup = Setup { deliveries: 100_000, ..smooth(18) };
        let corpus = Corpus::github().expect("it comes with the program");
        let outcome = run(corpus, &setup, stop).await.expect("it ends");
        assert!(outcome.interrupted && outcome.kept.reach < 100_000);
        // Among others: what is in the state is right.
        assert!(outcome.complaints(&setup).is_empty(), "{:?}", outcome.complaints(&setup));
        assert_eq!(outcome.kept.reach, outcome.kept.state.applied());
    }
}

/// Those in the bag, which are never sent, are no reason to complain.
#[tokio::test]
async fn forged_webhooks_that_were_not_sent_yet_when_it_was_interrupted_are_not_counted() {
    let mut left = 300;
    let stop = poll_fn(move |_| {
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    });
    let mishaps = Mishaps { loss: 0.0, double: 0.0, forge: 1.0 };
    let setup = Setup { deliveries: 100_000, mishaps, ..smooth(22) };
    let outcome = run(Corpus::github().expect("it comes with the program"), &setup, stop).await.expect("it ends");
    assert!(outcome.received.accepted > 0 && outcome.received.unsigned > 0, "{:?}", outcome.received);
    assert!(outcome.complaints(&setup).is_empty(), "{:?}", outcome.complaints(&setup));
}

#[tokio::test]
async fn a_run_that_goes_on_may_take_longer_than_patience() {
    let setup = Setup { deliveries: 100, rate: Some(100.0), patience: Duration::from_millis(300), ..smooth(23) };
    assert!(played(&setup).await.took > setup.patience);
}

#[tokio::test]
async fn a_run_that_stands_still_is_given_up_and_says_how_it_stood() {
    // After the first answer there is none for an hour.
    let faults = Faults { quota: NonZeroU64::new(1), pause: Duration::from_secs(3600), ..Faults::NONE };
    let setup = Setup { faults, patience: Duration::from_millis(300), ..smooth(24) };
    let corpus = Corpus::github().expect("it comes with the program");
    let why = run(corpus, &setup, pending()).await.expect_err("it cannot end").to_string();
    assert!(why.starts_with("it does not go on,") && why.contains("/keeper"), "{why}");
}

#[tokio::test]
async fn what_is_not_as_it_has_to_be_is_complained_of() {
    let setup = smooth(19);
    let outcome = played(&setup).await;
    let complaints = outcome.complaints(&Setup { workers: 0, window: 0, deliveries: 501, ..setup.clone() });
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    assert!(complaints[0].starts_with("0 workers had "), "{complaints:?}");
    let wrong = Outcome { difference: Some("a/b: is 1, should be 2".to_owned()), ..outcome };
    assert_eq!(wrong.complaints(&setup), ["the state is not what the source says:\na/b: is 1, should be 2"]);
    assert!(wrong.report(&setup).to_string().contains("NOT AS THE SOURCE SAYS"));
}

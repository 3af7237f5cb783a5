//! The two ends of a link, alone, against each other, and over a network that
//! loses, doubles and reorders what it is given, by a seed.
//!
//! The names S1.., L1.. are those of the model in `tests/tests/model_demand.rs`,
//! which goes through all orders of events; here the numbers are large.

#![cfg(not(tidegate_loom))]

#[path = "flow_link/network.rs"]
mod network;

use std::num::NonZeroU64;
use std::time::Duration;

use network::{Network, Run};
use proptest::prelude::*;
use tidegate::Mode::{self, Pull, Push};
use tidegate::flow::Ledger;
use tidegate::flow::link::{
    Additive, Consumer, End, Grant, Producer, Refused, RequestError, Signal, State, Timing, ToConsumer, ToProducer,
    Violation,
};

const LINK: u64 = 0x7165;
const START: Duration = Duration::from_secs(5);

fn window(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).expect("windows here are not empty")
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn consumer(mode: Mode, n: u64) -> Consumer<u32> {
    Consumer::new(LINK, mode, window(n), Timing::default(), START)
}

fn producer(n: u64) -> Producer<u32> {
    Producer::new(LINK, window(n), Timing::default())
}

fn item(sequence: u64) -> ToConsumer<u32> {
    ToConsumer::Item { link: LINK, sequence, item: sequence as u32 * 10 }
}

fn ended(at: u64) -> ToConsumer<u32> {
    ToConsumer::Ended { link: LINK, at, end: End::Completed }
}

fn grant(confirmed: u64, limit: u64) -> ToProducer {
    ToProducer::Grant(Grant { link: LINK, epoch: 0, mode: Pull, confirmed, early: 0, limit })
}

/// All that an end has to say.
fn said<F>(poll: impl FnMut() -> Option<F>) -> Vec<F> {
    std::iter::from_fn(poll).collect()
}

fn the_grant(consumer: &mut Consumer<u32>) -> Grant {
    match &said(|| consumer.poll_frame())[..] {
        [ToProducer::Grant(grant)] => *grant,
        other => panic!("one grant is to be said, not {other:?}"),
    }
}

fn sequences(frames: &[ToConsumer<u32>]) -> Vec<u64> {
    let of_item = |frame: &ToConsumer<u32>| match frame {
        ToConsumer::Item { sequence, .. } => Some(*sequence),
        _ => None,
    };
    frames.iter().filter_map(of_item).collect()
}

fn taken(consumer: &mut Consumer<u32>) -> Vec<u64> {
    let sequence = |signal| match signal {
        Signal::Item { sequence, .. } => sequence,
        other => panic!("an item is to come, not {other:?}"),
    };
    let mut all = Vec::new();
    while consumer.buffered() > 0 {
        let Some(signal) = consumer.poll_signal() else { break };
        all.push(sequence(signal));
    }
    all
}

#[test]
fn push_refills_at_half_of_the_window_and_so_does_a_window_of_one() {
    for (size, limits) in [(1, vec![1, 2, 3, 4]), (2, vec![2, 3, 4, 5]), (4, vec![4, 6, 8]), (5, vec![5, 8, 11])] {
        let mut consumer = consumer(Push, size);
        let mut seen = vec![the_grant(&mut consumer).limit];
        for sequence in 0.. {
            consumer.handle_frame(item(sequence), START);
            assert_eq!(taken(&mut consumer), [sequence]);
            if let Some(ToProducer::Grant(grant)) = consumer.poll_frame() {
                seen.push(grant.limit);
            }
            if seen.len() == limits.len() {
                break;
            }
        }
        assert_eq!(seen, limits, "window {size}");
    }
}

#[test]
fn nothing_is_granted_in_pull_that_was_not_requested() {
    let mut consumer = consumer(Pull, 4);
    assert_eq!(the_grant(&mut consumer).limit, 0, "which tells of the link");
    consumer.request(3).unwrap();
    assert_eq!(the_grant(&mut consumer).limit, 3);
    consumer.request(3).unwrap();
    assert_eq!((the_grant(&mut consumer).limit, consumer.requested()), (4, 6), "no more than there is room for");
    for sequence in 0..4 {
        consumer.handle_frame(item(sequence), START);
    }
    assert_eq!(taken(&mut consumer), [0, 1, 2, 3]);
    assert_eq!(the_grant(&mut consumer).limit, 6, "and not beyond what was requested");
}

#[test]
fn requests_add_up_and_stay_at_all() {
    let mut consumer = consumer(Pull, 4);
    assert_eq!(consumer.request(0), Err(RequestError::Zero));
    assert_eq!(consumer.requested(), 0);
    consumer.request(u64::MAX - 1).unwrap();
    assert_eq!(consumer.requested(), u64::MAX - 1);
    consumer.request(7).unwrap();
    consumer.request(u64::MAX).unwrap();
    assert_eq!((consumer.requested(), consumer.limit()), (u64::MAX, 4), "S2: no matter how much is requested");
    consumer.switch(Push);
    consumer.switch(Pull);
    assert_eq!(consumer.requested(), u64::MAX);
}

#[test]
fn one_owner_refills_and_what_was_granted_stays_valid_across_switches() {
    let mut consumer = consumer(Push, 4);
    assert!(!consumer.switch(Push), "no switch, no epoch");
    assert_eq!(consumer.request(1), Err(RequestError::Push));

    assert!(consumer.switch(Pull));
    assert_eq!((consumer.mode(), consumer.limit()), ((Pull, 1), 4));
    for sequence in 0..4 {
        consumer.handle_frame(item(sequence), START);
    }
    assert_eq!(taken(&mut consumer), [0, 1, 2, 3]);
    assert_eq!(consumer.limit(), 4, "S13c: the handler has asked for nothing");
    consumer.request(6).unwrap();
    assert_eq!((consumer.requested(), consumer.limit()), (10, 8));

    assert!(consumer.switch(Push));
    assert_eq!(consumer.limit(), 8, "S13d: there is no room for more");
    for sequence in 4..8 {
        consumer.handle_frame(item(sequence), START);
    }
    assert_eq!(taken(&mut consumer), [4, 5, 6, 7]);
    assert_eq!(consumer.limit(), 12, "granted at the half, which was 6 + 4, and at 8 + 4");
    consumer.switch(Pull);
    assert_eq!(consumer.requested(), 12, "S13d: the leftover 2 were among what push granted");
}

#[test]
fn leftover_demand_is_kept_by_a_switch_that_does_not_use_it_up() {
    let mut consumer = consumer(Pull, 2);
    consumer.request(9).unwrap();
    consumer.switch(Push);
    consumer.switch(Pull);
    assert_eq!((consumer.requested(), consumer.limit()), (9, 2));
    for sequence in 0..9 {
        consumer.handle_frame(item(sequence), START);
        assert_eq!(taken(&mut consumer), [sequence]);
    }
    assert_eq!(consumer.limit(), 9);
    assert_eq!(consumer.mode(), (Pull, 2));
}

#[test]
fn items_are_yielded_in_order_and_once_whatever_their_order() {
    let mut consumer = consumer(Push, 8);
    for sequence in [3, 1, 1, 2] {
        consumer.handle_frame(item(sequence), START);
    }
    assert_eq!(consumer.poll_signal(), None);
    let grant = the_grant(&mut consumer);
    assert_eq!((grant.confirmed, grant.early, consumer.buffered()), (0, 0b111, 3));
    consumer.handle_frame(item(0), START);
    consumer.handle_frame(item(3), START);
    assert_eq!(taken(&mut consumer), [0, 1, 2, 3]);
    let stats = consumer.stats();
    assert_eq!((stats.items, stats.duplicates, stats.early), (4, 2, 3));
}

#[test]
fn an_item_is_handled_under_the_epoch_of_its_delivery() {
    let mut consumer = consumer(Push, 4);
    consumer.handle_frame(item(0), START);
    consumer.handle_frame(item(1), START);
    let epoch = |signal| match signal {
        Some(Signal::Item { epoch, .. }) => epoch,
        other => panic!("{other:?}"),
    };
    assert_eq!(epoch(consumer.poll_signal()), 0);
    consumer.switch(Pull);
    assert_eq!(epoch(consumer.poll_signal()), 1, "S13e, S13f: it had arrived before, and is taken after");
}

#[test]
fn an_item_without_credit_is_never_yielded_and_ends_the_link() {
    let mut consumer = consumer(Pull, 4);
    consumer.request(2).unwrap();
    consumer.handle_frame(item(0), START);
    consumer.handle_frame(item(2), START);
    assert_eq!(taken(&mut consumer), [0], "what came with credit");
    let violation = Violation::BeyondLimit { sequence: 2, limit: 2 };
    assert_eq!(consumer.poll_signal(), Some(Signal::Violated(violation)));
    assert_eq!((consumer.poll_signal(), consumer.stats().violations), (None, 1));
    assert_eq!(said(|| consumer.poll_frame()), [ToProducer::Cancel { link: LINK }]);
    consumer.handle_frame(item(1), START);
    assert_eq!((consumer.poll_signal(), consumer.stats().late), (None, 1));
}

#[test]
fn an_end_that_contradicts_what_was_sent_is_a_violation() {
    type Frames = [ToConsumer<u32>; 2];
    let failed = ToConsumer::Ended { link: LINK, at: 3, end: End::Failed("no".into()) };
    let cases: [(Frames, u64); 5] = [
        ([item(2), ended(2)], 2),
        ([ended(2), item(2)], 2),
        ([ended(2), ended(3)], 3),
        ([ended(3), failed], 3),
        ([item(0), ended(9)], 9),
    ];
    for (frames, to) in cases {
        let mut consumer = consumer(Push, 4);
        for frame in frames.clone() {
            consumer.handle_frame(frame, START);
        }
        taken(&mut consumer);
        assert_eq!(consumer.poll_signal(), Some(Signal::Violated(Violation::EndMoved { to })), "{frames:?}");
    }
}

#[test]
fn a_terminal_needs_no_demand_and_comes_after_the_last_item() {
    let (mut consumer, mut producer) = (consumer(Pull, 4), producer(4));
    producer.handle_frame(the_grant(&mut consumer).into_frame(), START);
    assert_eq!(producer.allowance(), 0);
    assert!(producer.fail("out of paper", START));
    for frame in said(|| producer.poll_frame()) {
        consumer.handle_frame(frame, START);
    }
    assert_eq!(consumer.poll_signal(), Some(Signal::Failed("out of paper".into())));
    assert!(consumer.is_over() && consumer.is_silent());

    let mut behind = self::consumer(Push, 4);
    behind.handle_frame(ended(2), START);
    behind.handle_frame(item(1), START);
    assert_eq!(behind.poll_signal(), None);
    behind.handle_frame(item(0), START);
    assert_eq!(taken(&mut behind), [0, 1]);
    assert_eq!((behind.poll_signal(), behind.poll_signal()), (Some(Signal::Completed), None));
}

#[test]
fn after_the_end_requests_switches_and_cancels_do_nothing() {
    for cancelled in [false, true] {
        let mut consumer = consumer(Pull, 4);
        if cancelled {
            consumer.cancel(START);
        } else {
            consumer.handle_frame(ended(0), START);
            assert_eq!(consumer.poll_signal(), Some(Signal::Completed));
        }
        said(|| consumer.poll_frame());
        let before = consumer.clone();
        assert_eq!(consumer.request(5), Ok(()));
        assert!(!consumer.switch(Push));
        consumer.cancel(START);
        consumer.cancel(START);
        assert_eq!(consumer, before);
        assert_eq!((consumer.poll_frame(), consumer.poll_signal()), (None, None));
    }
}

#[test]
fn a_producer_ends_once_and_accepts_nothing_afterwards() {
    let mut producer = producer(4);
    producer.handle_frame(grant(0, 4), START);
    assert!(producer.complete(START));
    assert!(!producer.complete(START) && !producer.fail("late", START));
    assert_eq!(producer.try_send(1, START), Err(Refused::Ended(1)));
    assert_eq!(said(|| producer.poll_frame()), [ended(0)]);
    producer.handle_frame(ToProducer::Finished { link: LINK }, START);
    assert_eq!((producer.state(), producer.deadline()), (State::Finished, None));
}

#[test]
fn a_cancel_is_said_until_it_is_answered_and_hands_back_what_is_unconfirmed() {
    let (mut consumer, mut producer) = (consumer(Push, 4), producer(4));
    producer.handle_frame(the_grant(&mut consumer).into_frame(), START);
    for n in 0..3 {
        producer.try_send(n, START).unwrap();
    }
    for frame in said(|| producer.poll_frame()) {
        consumer.handle_frame(frame, START);
    }
    consumer.cancel(START);
    assert_eq!((consumer.stats().discarded, consumer.buffered()), (3, 0));
    // The first is lost; the one said again is answered.
    assert_eq!(said(|| consumer.poll_frame()), [ToProducer::Cancel { link: LINK }]);
    let again = consumer.deadline().expect("it waits for an answer");
    consumer.handle_timeout(again);
    for frame in said(|| consumer.poll_frame()) {
        producer.handle_frame(frame, again);
    }
    assert_eq!((producer.state(), producer.deadline(), producer.allowance()), (State::Cancelled, None, 0));
    assert_eq!(producer.try_send(9, START), Err(Refused::Cancelled(9)));
    let answer = said(|| producer.poll_frame());
    assert_eq!(answer, [ToConsumer::Cancelled { link: LINK }]);
    consumer.handle_frame(answer[0].clone(), again);
    assert!(consumer.is_silent() && consumer.deadline().is_none());
    assert_eq!(producer.into_unconfirmed().map(|(_, n)| n).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn grants_may_come_late_twice_and_out_of_order() {
    let mut producer = producer(8);
    for (confirmed, limit) in [(0, 6), (0, 2), (0, 6), (0, 4)] {
        producer.handle_frame(grant(confirmed, limit), START);
        assert_eq!(producer.allowance(), 6, "the largest, not the sum and not the last");
    }
    for n in 0..6 {
        producer.try_send(n, START).unwrap();
    }
    assert_eq!(producer.try_send(6, START), Err(Refused::NoDemand(6)));
    producer.handle_frame(grant(5, 8), START);
    producer.handle_frame(grant(2, 6), START);
    assert_eq!((producer.confirmed(), producer.allowance()), (5, 2));
    assert_eq!(producer.unconfirmed().collect::<Vec<_>>(), [(5, &5)]);
}

#[test]
fn a_grant_that_cannot_be_is_ignored_as_a_whole() {
    let mut producer = producer(8);
    producer.handle_frame(grant(1, 6), START);
    producer.handle_frame(grant(0, 2), START);
    producer.try_send(0, START).unwrap();
    producer.try_send(1, START).unwrap();
    producer.handle_frame(grant(2, 1), START);
    producer.handle_frame(ToProducer::Finished { link: LINK }, START);
    producer.handle_frame(ToProducer::Cancel { link: LINK + 1 }, START);
    assert_eq!((producer.limit(), producer.confirmed(), producer.unconfirmed().count()), (2, 0, 2));
    let stats = producer.stats();
    assert_eq!((stats.violations, stats.strays), (2, 2));
}

#[test]
fn no_more_than_a_window_is_unconfirmed_and_what_is_confirmed_is_not_sent_again() {
    let mut producer = producer(3);
    producer.handle_frame(grant(0, u64::MAX), START);
    assert_eq!((producer.demand(), producer.allowance()), (u64::MAX, 3));
    for n in 0..3 {
        producer.try_send(n, START).unwrap();
    }
    assert_eq!(producer.try_send(3, START), Err(Refused::Unconfirmed(3)));
    assert_eq!(sequences(&said(|| producer.poll_frame())), [0, 1, 2]);
    let ToProducer::Grant(plain) = grant(0, u64::MAX) else { unreachable!("it is a grant") };
    producer.handle_frame(ToProducer::Grant(Grant { early: 0b10, ..plain }), START);
    assert_eq!(producer.try_send(3, START), Ok(3), "2 has arrived early");
    producer.handle_timeout(START + ms(200));
    assert_eq!(sequences(&said(|| producer.poll_frame())), [0, 1, 3]);
    assert_eq!(producer.stats().resent, 2, "3 is sent for the first time");
}

#[test]
fn what_is_unconfirmed_is_sent_again_ever_more_rarely_and_a_confirmation_begins_anew() {
    let timing = Timing::default().resend(ms(100), ms(300));
    let mut producer = Producer::new(LINK, window(4), timing);
    producer.handle_frame(grant(0, 4), START);
    assert_eq!(producer.deadline(), None);
    producer.try_send(7, START).unwrap();
    producer.try_send(8, START).unwrap();
    said(|| producer.poll_frame());
    let mut now = START;
    for wait in [100, 200, 300, 300] {
        assert_eq!(producer.deadline(), Some(now + ms(wait)));
        producer.handle_timeout(now + ms(wait) - Duration::from_nanos(1));
        assert_eq!(producer.poll_frame(), None, "before its time");
        now += ms(wait);
        producer.handle_timeout(now);
        assert_eq!(sequences(&said(|| producer.poll_frame())), [0, 1]);
    }
    producer.handle_frame(grant(1, 4), now);
    assert_eq!(producer.deadline(), Some(now + ms(100)));
    producer.handle_frame(grant(2, 4), now);
    assert_eq!(producer.deadline(), None, "nothing is left to be confirmed");
}

#[test]
fn a_consumer_without_news_says_its_grant_again_after_2_to_30_seconds() {
    let mut consumer = consumer(Pull, 4);
    the_grant(&mut consumer);
    let mut now = START;
    for wait in [2, 4, 8, 16, 30, 30] {
        now += Duration::from_secs(wait);
        assert_eq!(consumer.deadline(), Some(now));
        consumer.handle_timeout(now);
        assert_eq!(the_grant(&mut consumer).limit, 0);
    }
    consumer.request(2).unwrap();
    the_grant(&mut consumer);
    consumer.handle_frame(item(0), now);
    assert_eq!(consumer.deadline(), Some(now + ms(25)), "to confirm");
    consumer.handle_timeout(now + ms(25));
    assert_eq!(the_grant(&mut consumer).confirmed, 1);
    assert_eq!(consumer.deadline(), Some(now + Duration::from_secs(2)));
}

#[test]
fn a_producer_with_a_smaller_window_than_the_consumer_waits_for_a_confirmation_only() {
    let (mut consumer, mut producer) = (consumer(Push, 100), producer(2));
    producer.handle_frame(the_grant(&mut consumer).into_frame(), START);
    let mut now = START;
    for n in 0..20 {
        if producer.allowance() == 0 {
            now = consumer.deadline().expect("it has to confirm");
            consumer.handle_timeout(now);
            producer.handle_frame(the_grant(&mut consumer).into_frame(), now);
        }
        producer.try_send(n, now).unwrap();
        consumer.handle_frame(producer.poll_frame().expect("it was accepted"), now);
    }
    assert_eq!(now - START, ms(9 * 25));
    assert_eq!(consumer.stats().duplicates, 0);
}

#[test]
fn a_new_connection_begins_with_what_is_unconfirmed_and_takes_no_credit() {
    let (mut consumer, mut producer) = (consumer(Push, 4), producer(4));
    producer.handle_frame(the_grant(&mut consumer).into_frame(), START);
    for n in 0..4 {
        producer.try_send(n, START).unwrap();
    }
    let lost = said(|| producer.poll_frame());
    consumer.handle_frame(lost[0].clone(), START);
    consumer.handle_reconnect(START);
    producer.handle_reconnect(START);
    producer.handle_frame(the_grant(&mut consumer).into_frame(), START);
    for frame in said(|| producer.poll_frame()) {
        consumer.handle_frame(frame, START);
    }
    assert_eq!(consumer.stats().duplicates, 0, "the grant came first and said what was there");
    assert_eq!((taken(&mut consumer), producer.demand()), (vec![0, 1, 2, 3], 0));
}

#[test]
fn a_window_larger_than_the_bits_of_a_grant_works_too() {
    let mut consumer = consumer(Push, 200);
    for sequence in (1..200).rev() {
        consumer.handle_frame(item(sequence), START);
    }
    assert_eq!(the_grant(&mut consumer).early, u64::MAX, "items 1 to 64, and no more fit");
    consumer.handle_frame(item(0), START);
    assert_eq!(taken(&mut consumer).len(), 200);
}

#[cfg(feature = "serde")]
#[test]
fn frames_keep_their_meaning_in_json() {
    let failed = ToConsumer::<u32>::Ended { link: LINK, at: 3, end: End::Failed("no".into()) };
    for frame in [item(7), ended(u64::MAX), failed, ToConsumer::Cancelled { link: LINK }] {
        let text = serde_json::to_string(&frame).expect("it can be written");
        assert_eq!(serde_json::from_str::<ToConsumer<u32>>(&text).expect("it can be read"), frame, "{text}");
    }
    let up = [grant(3, u64::MAX), ToProducer::Cancel { link: LINK }, ToProducer::Finished { link: u64::MAX }];
    for frame in up {
        let text = serde_json::to_string(&frame).expect("it can be written");
        assert_eq!(serde_json::from_str::<ToProducer>(&text).expect("it can be read"), frame, "{text}");
    }
}

/// 10,000 items, a fifth of the frames lost, a fifth doubled, all of them
/// shuffled, and the mode switched all the time.
#[test]
fn ten_thousand_items_cross_a_bad_network_once_in_order_and_within_credit() {
    let mut totals = network::Totals::default();
    for seed in network::seeds(8) {
        let network = Network { loss: 20, doubling: 20, delay: ms(1)..ms(40) };
        let run = Run { items: 10_000, windows: (32, 64), switches: true, fails: seed % 2 == 0, network };
        totals += run.go(seed);
    }
    eprintln!("{totals:?}");
    assert!(totals.lost > 5_000 && totals.doubled > 5_000, "{totals:?}");
    assert!(totals.duplicates > 5_000 && totals.early > 5_000 && totals.resent > 5_000, "{totals:?}");
    assert!(totals.switches > 500 && totals.switched_in_flight > 100, "{totals:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// S1, S2, S3, S4, S8, S10 and the way there (L1, L2, L3, L6), for windows of
    /// any two sizes and networks from perfect to hardly there.
    #[test]
    fn any_run_delivers_once_in_order_within_credit_and_ends(
        seed: u64, items in 0..200_u64, here in 1..20_u64, there in 1..90_u64,
        loss in 0..70_u64, doubling in 0..70_u64, slow in 1..100_u64, switches: bool, fails: bool,
    ) {
        let network = Network { loss, doubling, delay: ms(1)..ms(1 + slow) };
        Run { items, windows: (here, there), switches, fails, network }.go(seed);
    }

    /// In push a link grants what a subscription in process does: one rule, told
    /// apart only by who keeps the books.
    #[test]
    fn push_grants_as_the_ledger_of_a_subscription_does(size in 1..40_u64, items in 1..400_u64) {
        let (mut consumer, mut ledger) = (consumer(Push, size), Ledger::window(size, size / 2));
        for sequence in 0..items {
            prop_assert_eq!(consumer.limit(), ledger.limit());
            prop_assert!(ledger.send());
            consumer.handle_frame(item(sequence), START);
            consumer.poll_signal();
            ledger.done(1);
        }
        prop_assert_eq!((consumer.limit(), consumer.done()), (ledger.limit(), ledger.finished()));
    }

    /// Whatever comes in, in whatever state: no panic, no more memory than the
    /// windows, and nothing out of order (S2, S4, S11, S12).
    #[test]
    fn frames_from_anybody_do_no_harm(
        up in prop::collection::vec(any_up(), 0..60),
        down in prop::collection::vec(any_down(), 0..60),
        requests in prop::collection::vec(0..5_u64, 0..60),
    ) {
        let (mut consumer, mut producer) = (consumer(Pull, 3), producer(3));
        let mut next = 0;
        for (n, frame) in down.into_iter().enumerate() {
            let _ = consumer.request(requests.get(n).copied().unwrap_or(u64::MAX));
            let limit = consumer.limit();
            consumer.handle_frame(frame, START);
            consumer.handle_timeout(START + ms(n as u64));
            let _ = consumer.poll_frame();
            prop_assert!(consumer.buffered() <= 3 && consumer.limit() - consumer.done() <= 3);
            if let Some(Signal::Item { sequence, .. }) = consumer.poll_signal() {
                prop_assert!(sequence == next && sequence < limit);
                next += 1;
            }
        }
        for frame in up {
            producer.handle_frame(frame, START);
            let may = producer.allowance();
            prop_assert_eq!(producer.try_send(0, START).is_ok(), may > 0);
            let frames = said(|| producer.poll_frame());
            prop_assert!(producer.unconfirmed().count() <= 3 && frames.len() <= 4);
            prop_assert!(producer.sent() <= producer.limit() && producer.confirmed() <= producer.sent());
        }
    }

    /// Over connections that come and go, increments amount to the absolute limit
    /// (S10, S11), and no frame says 2^31-1 but for all.
    #[test]
    fn additive_credit_amounts_to_the_absolute_limit_on_every_connection(
        steps in prop::collection::vec((0..1_u64 << 33, 0..=100_u64, any::<bool>()), 1..60), unlimited: bool,
    ) {
        let (mut limit, mut received) = (0_u64, 0_u64);
        let (mut here, mut there) = (Additive::new(0), Additive::new(0));
        let mut at_producer = 0;
        let count = steps.len();
        for (n, (more, part, reconnect)) in steps.into_iter().enumerate() {
            limit = if unlimited && n + 1 == count { u64::MAX } else { limit + more };
            if reconnect {
                (here, there) = (Additive::new(received), Additive::new(received));
                at_producer = received;
            }
            loop {
                while let Some(n) = here.newly_granted(limit, received) {
                    prop_assert!(n.get() < 1 << 31);
                    prop_assert!(limit == u64::MAX || n.get() != i32::MAX as u32);
                    at_producer = there.granted(n.get()).expect("a legal increment");
                    prop_assert!(at_producer <= limit, "credit out of nothing");
                    prop_assert!(limit == u64::MAX || at_producer - received < i32::MAX as u64, "read as all");
                }
                if at_producer >= limit {
                    break;
                }
                received = at_producer;
            }
            prop_assert_eq!(at_producer, limit);
            received = received.max(limit.min(1 << 40) / 100 * part);
            received = received.min(at_producer);
        }
    }
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Push), Just(Pull)]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..8_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)]
}

fn any_up() -> impl Strategy<Value = ToProducer> {
    let grant =
        (number(), any_mode(), number(), any::<u64>(), number()).prop_map(|(epoch, mode, confirmed, early, limit)| {
            ToProducer::Grant(Grant { link: LINK, epoch, mode, confirmed, early, limit })
        });
    prop_oneof![20 => grant, 1 => Just(ToProducer::Cancel { link: LINK }), 1 => Just(ToProducer::Finished { link: LINK })]
}

fn any_down() -> impl Strategy<Value = ToConsumer<u32>> {
    prop_oneof![
        20 => (number(), any::<u32>()).prop_map(|(sequence, item)| ToConsumer::Item { link: LINK, sequence, item }),
        1 => number().prop_map(ended),
        1 => Just(ToConsumer::Cancelled { link: LINK }),
    ]
}

trait IntoFrame {
    fn into_frame(self) -> ToProducer;
}

impl IntoFrame for Grant {
    fn into_frame(self) -> ToProducer {
        ToProducer::Grant(self)
    }
}

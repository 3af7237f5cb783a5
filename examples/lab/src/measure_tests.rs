//! The sums over plans small enough to do by hand.

use super::*;
use crate::{
    ideal,
    service::Service,
    workload::{Dispatch, Event},
};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn plan(events: &[(u64, u32, u64)]) -> Workload {
    Workload {
        events: events
            .iter()
            .map(|(at, key, service)| Event { at: MS(*at), key: *key, service: MS(*service), bytes: 100 })
            .collect(),
        keys: 1 + events.iter().map(|e| e.1).max().unwrap_or(0),
        service: Service::AUTO,
        consumers: 1,
        producers: 1,
        dispatch: Dispatch::Ready,
        seed: 1,
        title: String::new(),
        notes: Vec::new(),
    }
}

fn record(fate: Fate, decided: u64, waited: bool, handled: Option<u64>) -> Record {
    Record { fate, decided: MS(decided), waited, slept: true, handled: handled.map(MS) }
}

fn observed(records: Vec<Record>) -> Observed {
    let runtime = Reading { polls: 8, ..Reading::default() };
    Observed { records, deepest: 1, peak_bytes: 116, runtime: Some(runtime), cut: false }
}

fn near(d: Duration, ms: u64) -> bool {
    d.abs_diff(MS(ms)) < Duration::from_millis(1)
}

#[test]
fn latency_counts_from_the_planned_time() {
    let plan = plan(&[(0, 0, 10), (5, 0, 10)]);
    let m = sum_up(
        &plan,
        &observed(vec![record(Fate::Accepted, 0, false, Some(10)), record(Fate::Accepted, 10, true, Some(20))]),
    );
    assert!(near(m.latency.unwrap().p99, 15), "{m:?}");
    assert_eq!((m.handled, m.lost_total(), m.at_source), (2, 0, 1));
    assert_eq!(m.wakes, Some(4.0));
    // The one that waited says nothing about the clock.
    assert!(near(m.clock_p99, 0));
}

#[test]
fn every_event_is_handled_merged_or_lost_for_a_reason() {
    let plan = plan(&[(0, 0, 1), (1, 0, 1), (2, 0, 1), (3, 0, 1), (4, 0, 1), (5, 0, 1), (6, 0, 1)]);
    let m = sum_up(
        &plan,
        &observed(vec![
            record(Fate::Accepted, 0, false, Some(2)),
            record(Fate::Accepted, 1, false, None), // merged into by the next
            record(Fate::Merged, 2, false, Some(4)),
            record(Fate::Accepted, 3, false, None), // displaced
            record(Fate::Rejected, 4, false, None),
            record(Fate::Dropped, 5, false, None),
            record(Fate::Diverted, 6, false, None),
        ]),
    );
    assert_eq!((m.handled, m.merged), (2, 1));
    assert_eq!(m.lost, [1, 1, 1, 1, 0]);
    assert_eq!(m.handled + m.merged + m.lost_total(), m.offered);
    assert!((m.loss_percent(true) - 500.0 / 7.0).abs() < 1e-9);
    assert!((m.loss_percent(false) - 400.0 / 7.0).abs() < 1e-9);
}

#[test]
fn a_run_cut_short_leaves_events_unfinished() {
    let plan = plan(&[(0, 0, 1), (1, 0, 1), (2, 0, 1)]);
    let mut seen = observed(vec![
        record(Fate::Accepted, 0, false, Some(2)),
        record(Fate::Accepted, 1, false, None),
        Record::UNTOUCHED,
    ]);
    seen.cut = true;
    assert_eq!(sum_up(&plan, &seen).lost, [0, 0, 0, 0, 2]);
    // Unless the runtime says that the second had given way before.
    let dead_letters = Drops::from([(tidegate::DropReason::DropOldest, 1)]);
    seen.runtime = Some(Reading { dead_letters, ..Reading::default() });
    assert_eq!(sum_up(&plan, &seen).lost, [0, 0, 1, 0, 1]);
}

#[test]
fn age_is_of_news_that_nobody_handled() {
    // Key 0 is up to date all the time but for 10 ms; key 1 loses its newest at
    // 50 and is behind from then on.
    let plan = plan(&[(0, 0, 1), (0, 1, 1), (50, 1, 1), (100, 0, 1)]);
    let m = sum_up(
        &plan,
        &observed(vec![
            record(Fate::Accepted, 0, false, Some(10)),
            record(Fate::Accepted, 0, false, Some(0)),
            record(Fate::Dropped, 50, false, None),
            record(Fate::Accepted, 100, false, Some(100)),
        ]),
    );
    assert!(m.age_p99 >= MS(48) && m.age_p99 <= MS(50), "{m:?}");
    // 10 ms from 0 to 10, 50 ms from 0 to 50: (50 + 1250) / 100.
    assert!(near(m.age_mean, 13), "{m:?}");
}

#[test]
fn a_newer_event_of_the_key_makes_up_for_a_lost_one() {
    let plan = plan(&[(0, 0, 1), (10, 0, 1), (20, 0, 1), (100, 0, 1)]);
    let m = sum_up(
        &plan,
        &observed(vec![
            record(Fate::Accepted, 0, false, Some(0)),
            record(Fate::Accepted, 10, false, None),
            record(Fate::Accepted, 20, false, Some(20)),
            record(Fate::Accepted, 100, false, Some(100)),
        ]),
    );
    assert!(m.age_p99 <= MS(10), "{m:?}");
}

#[test]
fn one_shared_queue_is_first_come_first_served() {
    let plan = plan(&[(0, 0, 10), (1, 0, 10), (2, 0, 10), (50, 0, 10)]);
    let seen = ideal::shared_queue(&plan);
    let ends: Vec<Duration> = seen.records.iter().filter_map(|r| r.handled).collect();
    assert_eq!(ends, [MS(10), MS(20), MS(30), MS(60)]);
    assert_eq!(seen.deepest, 2);
}

#[test]
fn medians_are_by_figure_and_counts_stay_together() {
    let plan = plan(&[(0, 0, 1), (1, 0, 1)]);
    let of = |handled: u64, deepest: u64| {
        let mut m = sum_up(
            &plan,
            &observed(vec![record(Fate::Accepted, 0, false, Some(handled)), record(Fate::Dropped, 1, false, None)]),
        );
        m.deepest = deepest;
        m
    };
    let m = median(&[of(10, 7), of(30, 1), of(20, 3)]);
    assert!(near(m.latency.unwrap().p50, 20));
    assert_eq!(m.deepest, 3);
    assert_eq!(m.handled + m.merged + m.lost_total(), m.offered);
}

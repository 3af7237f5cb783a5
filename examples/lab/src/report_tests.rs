//! The report over made-up rows.

use std::time::Duration;

use super::*;
use crate::{
    candidates::select,
    cli::{Command, parse},
    ideal,
    measure::{Latency, sum_up},
    probe::{Drops, Switches},
};

fn plan() -> Workload {
    let Ok(Command::Run(options)) = parse([]) else { panic!("no arguments are a run") };
    Workload::plan(&options.spec).unwrap()
}

fn row(p99: u64, lost: u64) -> Measured {
    let t = Duration::from_millis(p99);
    Measured {
        offered: 1707,
        handled: 1707 - lost,
        merged: 0,
        lost: [0, lost, 0, 0, 0],
        goodput: 426.7,
        latency: Some(Latency { p50: t / 10, p99: t, p999: t * 2 }),
        age_p99: t,
        age_mean: t / 2,
        deepest: 64,
        peak_bytes: 45_000,
        at_source: 12,
        wakes: Some(1.93),
        clock_p99: Duration::from_micros(1300),
        switches: Switches::default(),
        dead_letters: Drops::new(),
        disagreements: Vec::new(),
        high_water: 8,
        cut: false,
    }
}

fn text(rows: &[Measured], interrupted: Option<usize>) -> String {
    let plan = plan();
    let candidates = select(16, None).unwrap();
    let goal = Goal { objective: Objective::Complete, limits: Limits::default() };
    let verdict = (!rows.is_empty()).then(|| judge(rows, &goal));
    let ideal = sum_up(&plan, &ideal::shared_queue(&plan));
    Report {
        plan: &plan,
        goal,
        candidates: &candidates[..rows.len()],
        rows,
        ideal: &ideal,
        verdict: verdict.as_ref(),
        rounds: 1,
        failures: &[],
        interrupted,
    }
    .to_string()
}

#[test]
fn the_best_is_recommended_with_what_to_paste() {
    let n = select(16, None).unwrap().len();
    let rows: Vec<Measured> = (0..n as u64).map(|i| row(if i == 0 { 100 } else { 200 }, u64::from(i == 1))).collect();
    let text = text(&rows, None);
    assert!(text.contains("Recommended: push-wait"), "{text}");
    assert!(text.contains("system.spawn(consumer, Push::bounded(16))"), "{text}");
    assert!(text.contains("      mode = \"push\"\n"), "{text}");
    assert!(text.contains("1 newest"), "{text}");
    assert!(text.contains("seed        1;"), "{text}");
}

#[test]
fn everything_fits_120_columns() {
    let n = select(16, None).unwrap().len();
    let mut rows: Vec<Measured> = (0..n as u64).map(|i| row(100 + i, 1500)).collect();
    rows[0].lost = [10_000, 10_000, 10_000, 10_000, 10_000];
    rows[0].merged = 10_000;
    for line in text(&rows, None).lines() {
        assert!(line.chars().count() <= 120, "{}: {line}", line.chars().count());
    }
}

#[test]
fn a_failed_self_check_is_loud() {
    let plan = plan();
    let goal = Goal { objective: Objective::Complete, limits: Limits::default() };
    let ideal = sum_up(&plan, &ideal::shared_queue(&plan));
    let failures = ["push-wait: handled: 1 by the events, 2 by the runtime".to_owned()];
    let report = Report {
        plan: &plan,
        goal,
        candidates: &[],
        rows: &[],
        ideal: &ideal,
        verdict: None,
        rounds: 1,
        failures: &failures,
        interrupted: None,
    };
    let said = report.to_string();
    assert!(said.contains("SELF-CHECK FAILED") && said.contains(&failures[0]), "{said}");
    assert!(!said.contains("Self-check passed"), "{said}");
}

#[test]
fn switches_are_told_with_their_reasons() {
    let switches = Switches { total: 5, exhausted: 2, slower: 1, relieved: 2 };
    let said = switching("adaptive-wait", switches);
    assert!(
        said.ends_with("5 (to pull: 2 with the capacity exhausted, 1 with service slowing down; back to push: 2)."),
        "{said}"
    );
    assert!(switching("adaptive-wait", Switches::default()).contains("never"));
    // More than are remembered.
    let said = switching("adaptive-wait", Switches { total: 500, ..switches });
    assert!(said.ends_with("mailboxes: 500."), "{said}");
}

#[test]
fn a_partial_table_says_so() {
    let partial = text(&[row(100, 0)], Some(9));
    assert!(partial.contains("PARTIAL: interrupted after 1 of 9 configurations"), "{partial}");
    assert!(partial.contains("Recommended"), "{partial}");
    let empty = text(&[], Some(9));
    assert!(empty.contains("nothing is recommended"), "{empty}");
}

#[test]
fn where_nothing_keeps_the_limits_it_is_said() {
    let text = text(&[row(100, 5), row(200, 9)], None);
    assert!(text.contains("Nothing keeps every limit; the nearest: push-wait"), "{text}");
    assert!(text.contains("loses 0.3 %"), "{text}");
}

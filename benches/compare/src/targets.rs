//! What the project has promised itself, held against what was measured.

use crate::lineup::Kind;
use crate::report::short;
use crate::rounds::{Measured, Row};
use crate::workload::Unit;

/// One promise.
pub(crate) struct Target {
    pub(crate) asks: String,
    pub(crate) measured: String,
    pub(crate) verdict: Verdict,
}

/// How a promise fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    NotMet,
    /// Its workload or its contestant was not part of the run.
    NotMeasured,
}

/// Bytes that an idle actor may cost.
const IDLE_BYTES: f64 = 800.0;

/// All promises, in the order in which they were made.
pub(crate) fn judge(measured: &[Measured]) -> Vec<Target> {
    let mut targets = vec![
        times_a_peer(measured, "counting", "tokio mpsc", 3.5),
        times_a_peer(measured, "counting", "actix", 3.0),
        times_a_peer(measured, "counting", "kameo", 8.0),
        times_a_peer(measured, "counting", "xtra", 8.0),
        ahead_of_all(measured, "counting", Kind::Channel, "the best channel"),
        times_a_peer(measured, "many-to-one", "tokio mpsc", 2.5),
        wide_against_narrow(measured),
    ];
    for workload in ["ping-pong", "ring", "ask", "spawn"] {
        targets.push(ahead_of_all(measured, workload, Kind::Actors, "every actor peer"));
    }
    targets.push(small_when_idle(measured));
    targets.push(smallest_when_idle(measured));
    targets
}

fn find<'a>(measured: &'a [Measured], name: &str) -> Option<&'a Measured> {
    measured.iter().find(|measured| measured.workload.name == name)
}

/// A target from what it asks for and, where measured, the figures in words
/// and whether they suffice.
fn target(asks: String, found: Option<(String, bool)>) -> Target {
    match found {
        Some((measured, true)) => Target { asks, measured, verdict: Verdict::Met },
        Some((measured, false)) => Target { asks, measured, verdict: Verdict::NotMet },
        None => Target { asks, measured: String::new(), verdict: Verdict::NotMeasured },
    }
}

fn times_a_peer(measured: &[Measured], workload: &str, peer: &'static str, times: f64) -> Target {
    let found = find(measured, workload).and_then(|table| {
        let ours = table.tidegate()?;
        let theirs = table.median(|row| row.name == peer)?;
        let ratio = ours / theirs;
        let words = format!("{ratio:.2}x ({} against {})", short(ours), short(theirs));
        Some((words, ratio >= times))
    });
    target(format!("{workload}: at least {times} times {peer}"), found)
}

/// Not slower than the fastest of a kind.
fn ahead_of_all(measured: &[Measured], workload: &str, kind: Kind, whom: &str) -> Target {
    let found = find(measured, workload).and_then(|table| {
        let ours = table.tidegate()?;
        let (name, theirs) = best(table, |row| row.kind == kind)?;
        let ratio = ours / theirs;
        let mut words = format!("{ratio:.2}x the best, {name} ({} against {})", short(ours), short(theirs));
        if kind == Kind::Channel
            && let Some(alone) = table.median(|row| row.kind == Kind::TidegateMailbox)
        {
            words += &format!("; the mailbox without an actor {:.2}x", alone / theirs);
        }
        Some((words, ratio >= 1.0))
    });
    target(format!("{workload}: not slower than {whom}"), found)
}

fn wide_against_narrow(measured: &[Measured]) -> Target {
    let found = find(measured, "counting").zip(find(measured, "counting-64")).and_then(|(narrow, wide)| {
        let (narrow, wide) = (narrow.tidegate()?, wide.tidegate()?);
        let ratio = wide / narrow;
        let words = format!("{ratio:.2} ({} against {})", short(wide), short(narrow));
        Some((words, ratio >= 0.8))
    });
    target("counting-64: at least 0.8 of counting".into(), found)
}

fn small_when_idle(measured: &[Measured]) -> Target {
    let found = find(measured, "idle")
        .and_then(Measured::tidegate)
        .map(|ours| (format!("{ours:.0} bytes"), ours <= IDLE_BYTES));
    target(format!("idle: at most {IDLE_BYTES:.0} bytes per actor"), found)
}

/// Below every actor peer. A bare task with a channel is no actor: it has no
/// supervision, no name and no second lane. The least of those is named all
/// the same.
fn smallest_when_idle(measured: &[Measured]) -> Target {
    let found = find(measured, "idle").and_then(|table| {
        let ours = table.tidegate()?;
        let (name, theirs) = best(table, |row| row.kind == Kind::Actors)?;
        let mut words = format!("{ours:.0} bytes; least of the peers: {name}, {theirs:.0}");
        if let Some((channel, bytes)) = best(table, |row| row.kind == Kind::Channel) {
            words += &format!("; a bare task and its {channel} channel: {bytes:.0}");
        }
        Some((words, ours < theirs))
    });
    target("idle: fewer bytes than every actor peer".into(), found)
}

/// The best median among the rows wanted, and whose it is.
fn best(table: &Measured, wanted: impl Fn(&Row) -> bool) -> Option<(&'static str, f64)> {
    let medians = table
        .rows
        .iter()
        .filter(|row| wanted(row))
        .filter_map(|row| row.summary.map(|summary| (row.name, summary.median)));
    match table.workload.unit {
        Unit::PerSecond(_) => medians.max_by(|one, two| one.1.total_cmp(&two.1)),
        Unit::BytesPerActor => medians.min_by(|one, two| one.1.total_cmp(&two.1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summary;
    use crate::workload;

    fn table(workload: &str, rows: &[(&'static str, Kind, f64)]) -> Measured {
        let rows = rows
            .iter()
            .map(|&(name, kind, median)| Row { name, kind, summary: summary(&[median]), remark: None, items: 1 })
            .collect();
        Measured { workload: workload::named(workload).unwrap(), rows }
    }

    #[test]
    fn what_was_not_run_is_not_measured() {
        assert!(judge(&[]).iter().all(|target| target.verdict == Verdict::NotMeasured));
    }

    #[test]
    fn a_missed_target_is_said_to_be_missed() {
        let counting = table(
            "counting",
            &[
                ("tidegate", Kind::Tidegate, 40e6),
                ("tokio mpsc", Kind::Channel, 12e6),
                ("kanal", Kind::Channel, 38e6),
                ("tokio mpsc, recv_many", Kind::Aside, 90e6),
                ("actix", Kind::Actors, 10e6),
            ],
        );
        let targets = judge(&[counting]);
        assert_eq!(targets[0].verdict, Verdict::NotMet, "3.33 of 3.5");
        assert_eq!(targets[1].verdict, Verdict::Met, "4 of 3");
        assert_eq!(targets[2].verdict, Verdict::NotMeasured, "no kameo");
        assert_eq!(targets[4].verdict, Verdict::Met, "what stands aside does not count");
    }

    #[test]
    fn fewer_bytes_are_better() {
        let rows =
            [("tidegate", Kind::Tidegate, 700.0), ("xtra", Kind::Actors, 650.0), ("kameo", Kind::Actors, 2000.0)];
        let targets = judge(&[table("idle", &rows)]);
        let [small, smallest] = &targets[targets.len() - 2..] else { unreachable!() };
        assert_eq!(small.verdict, Verdict::Met);
        assert_eq!(smallest.verdict, Verdict::NotMet);
        assert!(smallest.measured.contains("xtra"));
    }
}

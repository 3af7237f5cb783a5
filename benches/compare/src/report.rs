//! Prints the tables.

use std::io::{self, Write};

use crate::contestants;
use crate::rounds::{Measured, Row, Settings};
use crate::support::WORKERS;
use crate::targets::{Target, Verdict};
use crate::workload::{self, Unit};

/// Names the workloads and the contestants.
pub(crate) fn list(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "workloads:")?;
    for workload in workload::ALL {
        writeln!(out, "  {:<12} {}", workload.name, workload.title)?;
    }
    writeln!(out, "contestants:")?;
    for lineup in contestants::lineups() {
        writeln!(out, "  {}", lineup.name)?;
    }
    Ok(())
}

/// What the reader has to know to repeat the run.
pub(crate) fn preamble(out: &mut impl Write, settings: &Settings) -> io::Result<()> {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    writeln!(
        out,
        "tidegate-compare: {} rounds, order shuffled in each (--seed {}), {processors} processors",
        settings.rounds, settings.seed,
    )?;
    writeln!(
        out,
        "tokio with {WORKERS} workers; actix on one arbiter; crossbeam on threads. \
         Ratio: how many times better tidegate's actor is than the row."
    )?;
    if cfg!(debug_assertions) {
        writeln!(out, "A DEBUG BUILD: none of these figures mean anything; use --release.")?;
    }
    Ok(())
}

/// One workload.
pub(crate) fn table(out: &mut impl Write, measured: &Measured) -> io::Result<()> {
    let workload = &measured.workload;
    let (figure, each) = match workload.unit {
        Unit::PerSecond(what) => (format!("{what}/s"), "ns each"),
        Unit::BytesPerActor => ("bytes/actor".to_owned(), ""),
    };
    writeln!(out, "\n{}: {}", workload.name, workload.title)?;
    writeln!(
        out,
        "  {:<22} {figure:>12}  {:<17} {each:>8} {:>8} {:>7}  remark",
        "contestant", "min - max", "ratio", "rounds",
    )?;
    for row in &measured.rows {
        line(out, measured, row)?;
    }
    out.flush()
}

fn line(out: &mut impl Write, measured: &Measured, row: &Row) -> io::Result<()> {
    let remark = row.remark.unwrap_or_default();
    let Some(summary) = row.summary else {
        return writeln!(out, "  {:<22} {:>12}  {:<17} {:>8} {:>8} {:>7}  {remark}", row.name, "-", "-", "-", "-", "-",);
    };
    let ratio = measured.tidegate().map(|tidegate| match measured.workload.unit {
        Unit::PerSecond(_) => tidegate / summary.median,
        Unit::BytesPerActor => summary.median / tidegate,
    });
    let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    let (spread, each) = match measured.workload.unit {
        Unit::PerSecond(_) => {
            (format!("{} - {}", short(summary.min), short(summary.max)), format!("{:.1}", 1e9 / summary.median))
        }
        Unit::BytesPerActor => (format!("{:.0} - {:.0}", summary.min, summary.max), String::new()),
    };
    let median = match measured.workload.unit {
        Unit::PerSecond(_) => short(summary.median),
        Unit::BytesPerActor => format!("{:.0}", summary.median),
    };
    writeln!(out, "  {:<22} {median:>12}  {spread:<17} {each:>8} {ratio:>8} {:>7}  {remark}", row.name, summary.rounds,)
}

/// A rate in three or four digits.
pub(crate) fn short(rate: f64) -> String {
    match rate {
        r if r >= 1e8 => format!("{:.0} M", r / 1e6),
        r if r >= 1e6 => format!("{:.2} M", r / 1e6),
        r if r >= 1e3 => format!("{:.1} k", r / 1e3),
        r => format!("{r:.1}"),
    }
}

/// The targets, met or not.
pub(crate) fn targets(out: &mut impl Write, targets: &[Target]) -> io::Result<()> {
    writeln!(out, "\ntargets")?;
    for target in targets {
        let verdict = match target.verdict {
            Verdict::Met => "met",
            Verdict::NotMet => "NOT MET",
            Verdict::NotMeasured => "not measured",
        };
        writeln!(out, "  {verdict:<12}  {:<58}  {}", target.asks, target.measured)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn rates_are_short() {
        assert_eq!(short(123_456_789.0), "123 M");
        assert_eq!(short(12_345_678.0), "12.35 M");
        assert_eq!(short(12_345.0), "12.3 k");
        assert_eq!(short(12.34), "12.3");
    }
}

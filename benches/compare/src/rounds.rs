//! Runs a workload in interleaved rounds.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::contestants;
use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::stats::{self, Summary};
use crate::workload::{Amount, Unit, Workload};

/// What to run and how long.
pub(crate) struct Settings {
    pub(crate) workloads: Vec<Workload>,
    pub(crate) rounds: usize,
    /// How long one run of a workload of variable amount should take.
    pub(crate) run_for: Duration,
    pub(crate) quick: bool,
    pub(crate) full: bool,
    /// Also run tidegate's other delivery modes.
    pub(crate) modes: bool,
    pub(crate) seed: u64,
}

/// One table's worth of figures.
pub(crate) struct Measured {
    pub(crate) workload: Workload,
    pub(crate) rows: Vec<Row>,
}

/// One contestant in one workload.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Absent where it cannot do the workload; the remark then says why.
    pub(crate) summary: Option<Summary>,
    pub(crate) remark: Option<&'static str>,
    pub(crate) items: u64,
}

impl Measured {
    /// The median of the first contestant of that kind and name.
    pub(crate) fn median(&self, wanted: impl Fn(&Row) -> bool) -> Option<f64> {
        self.rows.iter().find(|row| wanted(row)).and_then(|row| row.summary).map(|summary| summary.median)
    }

    /// The median of tidegate's actors.
    pub(crate) fn tidegate(&self) -> Option<f64> {
        self.median(|row| row.kind == Kind::Tidegate)
    }
}

/// Runs all contestants of `workload`, one after the other in each round.
pub(crate) fn measure(workload: &Workload, settings: &Settings) -> Measured {
    let lineups: Vec<Lineup> = contestants::lineups()
        .into_iter()
        .filter(|lineup| settings.modes || lineup.kind != Kind::TidegateMode)
        .collect();
    let entries: Vec<Entry> = lineups.iter().map(workload.entry).collect();

    progress(workload.name, "warming up");
    let mut plans: Vec<Plan> = entries.iter().map(|entry| plan(entry, workload, settings)).collect();

    let rounds = match workload.unit {
        // Bytes do not vary as times do, and coming to rest takes its time.
        Unit::BytesPerActor => settings.rounds.min(if settings.full { 3 } else { 1 }),
        Unit::PerSecond(_) => settings.rounds,
    };
    let mut samples = vec![Vec::new(); lineups.len()];
    let mut dice = Dice(settings.seed);
    for round in 0..rounds {
        progress(workload.name, &format!("round {} of {rounds}", round + 1));
        for contestant in dice.order(lineups.len()) {
            if let Some(figure) = run(&entries[contestant], &plans[contestant]) {
                samples[contestant].push(figure);
                shorten(&mut plans[contestant], figure, workload, settings);
            }
        }
    }
    progress(workload.name, DONE);

    let rows = lineups
        .iter()
        .zip(&entries)
        .zip(samples.iter().zip(&plans))
        .map(|((lineup, entry), (samples, plan))| Row {
            name: lineup.name,
            kind: lineup.kind,
            summary: stats::summary(samples),
            remark: match *entry {
                Entry::Cannot(remark) | Entry::Noted(_, remark) => Some(remark),
                Entry::Timed(_) | Entry::Bytes(_) => None,
            },
            items: plan.items,
        })
        .collect();
    Measured { workload: *workload, rows }
}

/// One run; items per second, or bytes.
fn run(entry: &Entry, plan: &Plan) -> Option<f64> {
    match entry {
        Entry::Timed(work) | Entry::Noted(work, _) => Some(plan.items as f64 / work(plan).as_secs_f64()),
        Entry::Bytes(work) => Some(work(plan)),
        Entry::Cannot(_) => None,
    }
}

/// How much this contestant does in each run. Estimating it warms it up.
fn plan(entry: &Entry, workload: &Workload, settings: &Settings) -> Plan {
    match workload.amount {
        Amount::Fixed { quick, full } => {
            let items = if settings.quick { quick } else { full };
            if !matches!(entry, Entry::Bytes(_)) {
                run(entry, &Plan { items: items / 10 });
            }
            Plan { items }
        }
        Amount::Timed { probe } => {
            let first = Plan { items: probe };
            let Some(rate) = run(entry, &first) else { return first };
            Plan { items: items_for(rate, settings.run_for.as_secs_f64(), probe) }
        }
    }
}

/// Gives a contestant less to do after a run that took ten times too long.
///
/// Some fall off a cliff now and then, when a thread that holds a spin lock is
/// not running; at a thousandth of its speed one run would take minutes. Its
/// figures stay in.
fn shorten(plan: &mut Plan, figure: f64, workload: &Workload, settings: &Settings) {
    let Amount::Timed { probe } = workload.amount else { return };
    let wanted = settings.run_for.as_secs_f64();
    if plan.items as f64 / figure > 10.0 * wanted {
        plan.items = items_for(figure, wanted, probe).min(plan.items);
    }
}

/// A multiple of what each workload divides by, so that every contestant does
/// exactly the items that it is credited with.
fn items_for(rate: f64, seconds: f64, probe: u64) -> u64 {
    ((rate * seconds) as u64).max(probe / 4).next_multiple_of(600)
}

/// Says on a terminal where it is. A pipe or a log gets nothing.
fn progress(workload: &str, what: &str) {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        let text = if what == DONE { String::new() } else { format!("{workload}: {what}") };
        // A terminal that has gone away is nothing to stop for.
        let _ = write!(terminal, "\r\x1b[K{text}");
    }
}

/// Clears the line.
const DONE: &str = "";

/// SplitMix64: enough to shuffle with, and printed seeds repeat an order.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The numbers below `count`, shuffled.
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            order.swap(last, other);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_everyone_once() {
        let mut dice = Dice(7);
        for count in 0..20 {
            let mut order = dice.order(count);
            order.sort_unstable();
            assert_eq!(order, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_seed_repeats_its_orders() {
        let (mut one, mut two) = (Dice(42), Dice(42));
        for _ in 0..5 {
            assert_eq!(one.order(12), two.order(12));
        }
    }
}

//! From what happened to every event to the row of the table.
//!
//! Latency counts from the moment the *plan* has for an event to the moment it
//! has been handled. A producer that was made to wait hands events in late, and
//! that delay is in the figure: an earthquake does not wait for the feed.
//!
//! Freshness is the **age of synchronisation**: at any moment, for how long has
//! there been news about a key that is newer than all that has been handled of
//! it? Zero while the consumers know the newest. It is sampled at even steps
//! from the first arrival to the last, and of all keys the one furthest behind
//! counts. Losing an event does not hurt it if a newer one about the key is
//! handled; losing the newest does, until the next.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{
    check,
    probe::{Drops, Reading, Switches},
    workload::Workload,
};

/// Why an event was not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// Handed back to the producer, whom nobody can ask to try again.
    Rejected,
    DroppedNewest,
    /// Made room for newer ones.
    Displaced,
    Diverted,
    /// The run was cut short before it was handled.
    Unfinished,
}

impl Reason {
    pub(crate) const ALL: [Self; 5] =
        [Self::Rejected, Self::DroppedNewest, Self::Displaced, Self::Diverted, Self::Unfinished];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::DroppedNewest => "newest",
            Self::Displaced => "displaced",
            Self::Diverted => "diverted",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What a producer learned about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Never offered: the run ended before.
    NotOffered,
    /// In the mailbox, perhaps in the place of an older one.
    Accepted,
    Merged,
    Rejected,
    Dropped,
    Diverted,
}

/// What happened to one event. Times are from the beginning of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) fate: Fate,
    /// When the producer was done with it.
    pub(crate) decided: Duration,
    /// Whether the producer had to wait for a grant.
    pub(crate) waited: bool,
    /// Whether the producer slept until the event was due, so that what it came
    /// late by is the clock's and not the backlog's.
    pub(crate) slept: bool,
    pub(crate) handled: Option<Duration>,
}

impl Record {
    pub(crate) const UNTOUCHED: Self =
        Self { fate: Fate::NotOffered, decided: Duration::ZERO, waited: false, slept: false, handled: None };
}

/// Everything that a run observed.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// One an event, in the plan's order.
    pub(crate) records: Vec<Record>,
    /// Most messages waiting in all mailboxes at one time.
    pub(crate) deepest: u64,
    /// Most bytes waiting in all mailboxes at one time, slots included.
    pub(crate) peak_bytes: u64,
    /// The runtime's own account; `None` where no runtime ran, or where an actor
    /// has not ended and its account is open.
    pub(crate) runtime: Option<Reading>,
    /// The run was stopped before all was handled.
    pub(crate) cut: bool,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) offered: u64,
    pub(crate) handled: u64,
    /// Merged into a newer one about the same key, which was handled.
    pub(crate) merged: u64,
    /// Not handled, by reason; parallel to [`Reason::ALL`].
    pub(crate) lost: [u64; 5],
    /// Handled a second, over the time until the last was handled.
    pub(crate) goodput: f64,
    /// `None` when nothing was handled.
    pub(crate) latency: Option<Latency>,
    /// 99th percentile and mean of the age of synchronisation.
    pub(crate) age_p99: Duration,
    pub(crate) age_mean: Duration,
    pub(crate) deepest: u64,
    /// The deepest queue that any one consumer met, by the runtime's count.
    pub(crate) high_water: u64,
    pub(crate) peak_bytes: u64,
    /// Most events that waited outside, in the producers' hands.
    pub(crate) at_source: u64,
    pub(crate) wakes: Option<f64>,
    /// 99th percentile of how late producers came by themselves, not made to
    /// wait: what the clock adds to every latency.
    pub(crate) clock_p99: Duration,
    pub(crate) switches: Switches,
    /// What the runtime has dropped, by its own reasons: a check on `lost`, not a
    /// part of it.
    pub(crate) dead_letters: Drops,
    /// Where the runtime's account and that of the events do not agree.
    pub(crate) disagreements: Vec<String>,
    pub(crate) cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) p999: Duration,
}

impl Measured {
    pub(crate) fn lost_total(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// Share in per cent of the events that were not handled one by one.
    pub(crate) fn loss_percent(&self, merged_is_loss: bool) -> f64 {
        let lost = self.lost_total() + if merged_is_loss { self.merged } else { 0 };
        100.0 * lost as f64 / self.offered.max(1) as f64
    }
}

/// Sums a run up.
pub(crate) fn sum_up(plan: &Workload, seen: &Observed) -> Measured {
    let events = &plan.events;
    let records = &seen.records;
    let mut latency = histogram();
    let mut clock = histogram();
    let mut last = plan.span();
    let mut handled = 0;
    let mut count = [0_u64; 6];
    for (e, r) in events.iter().zip(records) {
        count[r.fate as usize] += 1;
        if let Some(at) = r.handled {
            handled += 1;
            last = last.max(at);
            record(&mut latency, at.saturating_sub(e.at));
        }
        if r.fate != Fate::NotOffered && r.slept && !r.waited {
            record(&mut clock, r.decided.saturating_sub(e.at));
        }
    }
    let of = |fate: Fate| count[fate as usize];
    let merged = of(Fate::Merged);
    // Which older message was displaced is not told to the sender, so it is what
    // is left of the accepted; in a run that was cut, so are the queued ones, and
    // only the runtime knows how many of each.
    // A merged event stands in the place of the one it was merged into, whose
    // fate is then the merged one's: the totals agree, the names are swapped.
    let missing = (of(Fate::Accepted) + merged).saturating_sub(handled + merged);
    let runtime = seen.runtime.as_ref();
    let displaced = if seen.cut { runtime.map_or(0, check::displaced).min(missing) } else { missing };
    let queued = missing - displaced;
    let lost = Reason::ALL.map(|reason| match reason {
        Reason::Rejected => of(Fate::Rejected),
        Reason::DroppedNewest => of(Fate::Dropped),
        Reason::Displaced => displaced,
        Reason::Diverted => of(Fate::Diverted),
        Reason::Unfinished => of(Fate::NotOffered) + queued,
    });
    let (age_p99, age_mean) = ages(plan, records);
    Measured {
        offered: events.len() as u64,
        handled,
        merged,
        lost,
        goodput: handled as f64 / last.as_secs_f64().max(1e-3),
        latency: (handled > 0).then(|| Latency {
            p50: quantile(&latency, 0.5),
            p99: quantile(&latency, 0.99),
            p999: quantile(&latency, 0.999),
        }),
        age_p99,
        age_mean,
        deepest: seen.deepest,
        high_water: runtime.map_or(0, |r| r.high_water),
        peak_bytes: seen.peak_bytes,
        at_source: at_source(plan, records),
        wakes: runtime.map(|r| r.polls as f64 / handled.max(1) as f64),
        clock_p99: quantile(&clock, 0.99),
        switches: runtime.map(|r| r.switches).unwrap_or_default(),
        dead_letters: runtime.map(|r| r.dead_letters.clone()).unwrap_or_default(),
        disagreements: check::disagreements(seen),
        cut: seen.cut,
    }
}

/// From a microsecond to an hour, three digits; longer counts as an hour.
fn histogram() -> Histogram<u64> {
    // The bounds are constants that the crate accepts.
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("valid bounds")
}

fn record(h: &mut Histogram<u64>, d: Duration) {
    h.saturating_record(u64::try_from(d.as_micros()).unwrap_or(u64::MAX));
}

fn quantile(h: &Histogram<u64>, q: f64) -> Duration {
    Duration::from_micros(if h.is_empty() { 0 } else { h.value_at_quantile(q) })
}

/// How many steps the age is sampled at.
const SAMPLES: u32 = 4000;

/// 99th percentile and mean of the age of the key that is furthest behind.
fn ages(plan: &Workload, records: &[Record]) -> (Duration, Duration) {
    // Per key: arrivals in order, and what was handled when. Events are in
    // order of time, so an event's index says how new it is.
    let keys = plan.keys as usize;
    let mut arrivals: Vec<Vec<usize>> = vec![Vec::new(); keys];
    let mut handled: Vec<(Duration, usize)> = Vec::new();
    for (i, (e, r)) in plan.events.iter().zip(records).enumerate() {
        arrivals[e.key as usize].push(i);
        if let Some(at) = r.handled {
            handled.push((at, i));
        }
    }
    handled.sort_unstable();
    // Per key, the position in its arrivals of the first that is not yet known.
    let mut unknown = vec![0_usize; keys];
    let mut done = 0;
    let mut h = histogram();
    let mut total = Duration::ZERO;
    for step in 1..=SAMPLES {
        let now = plan.span() * step / SAMPLES;
        while let Some(&(_, i)) = handled.get(done).filter(|(at, _)| *at <= now) {
            let key = plan.events[i].key as usize;
            unknown[key] = unknown[key].max(arrivals[key].partition_point(|a| *a <= i));
            done += 1;
        }
        let furthest = arrivals
            .iter()
            .zip(&unknown)
            .filter_map(|(of_key, first)| of_key.get(*first))
            .map(|i| now.saturating_sub(plan.events[*i].at))
            .max()
            .unwrap_or_default();
        record(&mut h, furthest);
        total += furthest;
    }
    (quantile(&h, 0.99), total / SAMPLES)
}

/// Most events that had come, and that no mailbox had taken, while a producer
/// was kept waiting.
fn at_source(plan: &Workload, records: &[Record]) -> u64 {
    let mut decided: Vec<Duration> = records.iter().filter(|r| r.fate != Fate::NotOffered).map(|r| r.decided).collect();
    decided.sort_unstable();
    records
        .iter()
        .filter(|r| r.waited)
        .map(|r| {
            let come = plan.events.partition_point(|e| e.at <= r.decided);
            come.saturating_sub(decided.partition_point(|d| *d < r.decided)) as u64
        })
        .max()
        .unwrap_or(0)
}

/// Of several runs of one configuration the median of every figure.
///
/// Rows that were cut stay out if any was not. `runs` is not empty.
pub(crate) fn median(runs: &[Measured]) -> Measured {
    let whole: Vec<&Measured> = runs.iter().filter(|m| !m.cut).collect();
    let runs: Vec<&Measured> = if whole.is_empty() { runs.iter().collect() } else { whole };
    fn middle<T: PartialOrd + Copy>(runs: &[&Measured], of: impl Fn(&Measured) -> Option<T>) -> Option<T> {
        let mut all: Vec<T> = runs.iter().filter_map(|m| of(m)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        all.get(all.len().saturating_sub(1) / 2).copied()
    }
    let by = |of: &dyn Fn(&Measured) -> Duration| middle(&runs, |m| Some(of(m))).unwrap_or_default();
    let count = |of: &dyn Fn(&Measured) -> u64| middle(&runs, |m| Some(of(m))).unwrap_or_default();
    // Counts that have to add up are taken from one run: the one in the middle
    // by events handled.
    let mut by_handled = runs.clone();
    by_handled.sort_by_key(|m| m.handled);
    let whole = by_handled[(by_handled.len() - 1) / 2];
    let latency = |of: &dyn Fn(&Latency) -> Duration| middle(&runs, |m| m.latency.as_ref().map(of));
    Measured {
        goodput: middle(&runs, |m| Some(m.goodput)).unwrap_or_default(),
        latency: whole.latency.map(|l| Latency {
            p50: latency(&|l| l.p50).unwrap_or(l.p50),
            p99: latency(&|l| l.p99).unwrap_or(l.p99),
            p999: latency(&|l| l.p999).unwrap_or(l.p999),
        }),
        age_p99: by(&|m| m.age_p99),
        age_mean: by(&|m| m.age_mean),
        deepest: count(&|m| m.deepest),
        high_water: count(&|m| m.high_water),
        peak_bytes: count(&|m| m.peak_bytes),
        at_source: count(&|m| m.at_source),
        wakes: middle(&runs, |m| m.wakes),
        clock_p99: by(&|m| m.clock_p99),
        ..whole.clone()
    }
}

#[cfg(test)]
#[path = "measure_tests.rs"]
mod tests;

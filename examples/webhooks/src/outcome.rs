//! What came of a run, whether that is right, and the report.

use std::fmt;
use std::time::Duration;

use tidegate::flow::End;
use tidegate::pattern::DeliveryStats;
use tidegate::system::{Inspection, ShutdownReport};

use crate::intake::Notified;
use crate::keeper::Kept;
use crate::receiver::Received;
use crate::remote::Looks;
use crate::run::Setup;
use crate::sender::Sent;
use crate::source::Traffic;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// It was ended before its time.
    pub interrupted: bool,
    /// Deliveries that happened.
    pub happened: u64,
    /// The state, and how it came about.
    pub kept: Kept,
    /// Where the state is not what the source says; `None` if nowhere.
    pub difference: Option<String>,
    /// The sender's account.
    pub sent: Sent,
    /// The receiver's.
    pub received: Received,
    /// The intake's.
    pub notified: Notified,
    /// The follower's.
    pub looks: Looks,
    /// How the list of deliveries ended.
    pub listing: End,
    /// The workers'.
    pub fetched: DeliveryStats,
    /// Deliveries that a worker knew to be done.
    pub duplicates: u64,
    /// The source's.
    pub traffic: Traffic,
    /// All actors and flows, at the end.
    pub inspection: Inspection,
    /// How they ended.
    pub shutdown: ShutdownReport,
    /// From the start until all were at rest.
    pub took: Duration,
}

impl Outcome {
    /// What is not as it has to be, a line each; empty if the run is right.
    #[must_use]
    pub fn complaints(&self, setup: &Setup) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut demand = |holds: bool, why: &dyn Fn() -> String| {
            if !holds {
                complaints.push(why());
            }
        };
        let Self { kept, traffic, fetched, .. } = self;
        if let Some(difference) = &self.difference {
            demand(false, &|| format!("the state is not what the source says:\n{difference}"));
        }
        demand(traffic.most_detailing <= setup.workers as u64, &|| {
            format!("{} workers had {} requests under way", setup.workers, traffic.most_detailing)
        });
        demand(traffic.most_listing <= 1, &|| format!("{} pages were asked for at a time", traffic.most_listing));
        demand(kept.most_early <= setup.window, &|| {
            format!("{} deliveries waited for one before them, with a window of {}", kept.most_early, setup.window)
        });
        demand(fetched.quarantined == 0 && fetched.lost == 0, &|| {
            format!("{} deliveries were given up, {} lost", fetched.quarantined, fetched.lost)
        });
        if let Some((gap, why)) = kept.missing.first() {
            let missing: u64 = kept.missing.iter().map(|(gap, _)| gap.to - gap.from).sum();
            demand(false, &|| format!("{missing} deliveries were not to be had, delivery {} first: {why}", gap.from));
        }
        demand(self.shutdown.is_clean(), &|| format!("{}", self.shutdown));
        let Sent { sent, forged, .. } = self.sent;
        demand(self.received.accepted <= sent - forged, &|| {
            format!("{} webhooks were accepted, and {} were honest", self.received.accepted, sent - forged)
        });
        if !self.interrupted {
            demand(self.listing.is_completed(), &|| format!("the list of deliveries ended: {:?}", self.listing));
            demand(kept.reach == self.happened && self.happened == setup.deliveries, &|| {
                format!("{} deliveries happened, and {} are in the state", self.happened, kept.reach)
            });
        }
        complaints
    }

    /// How long deliveries took from happening to being in the state, for this
    /// part of them or less.
    #[must_use]
    pub fn age(&self, part: f64) -> Duration {
        let mut ages = self.kept.ages.clone();
        ages.sort_unstable();
        // Nearest rank: the smallest that covers the part.
        let rank = (ages.len() as f64 * part).ceil() as usize;
        ages.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The report, for people.
    #[must_use]
    pub fn report<'a>(&'a self, setup: &'a Setup) -> impl fmt::Display + 'a {
        Report { outcome: self, setup }
    }
}

struct Report<'a> {
    outcome: &'a Outcome,
    setup: &'a Setup,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { happened, kept, sent, received, notified, looks, fetched, traffic, .. } = self.outcome;
        let Setup { seed, workers, window, .. } = self.setup;
        let (homes, subjects) = kept.state.size();
        let ms = |part| self.outcome.age(part).as_secs_f64() * 1000.0;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, text: fmt::Arguments<'_>| writeln!(f, "{name:<13}{text}");

        line(f, "deliveries", format_args!("{happened} happened, seed {seed}"))?;
        line(
            f,
            "webhooks",
            format_args!(
                "{} sent: {} lost, {} doubled, {} forged; {} accepted, {} unreachable",
                sent.sent, sent.lost, sent.doubled, sent.forged, sent.accepted, sent.unreachable
            ),
        )?;
        line(
            f,
            "answered",
            format_args!("all within {:.1} ms; GitHub waits for 10 s", sent.slowest.as_secs_f64() * 1000.0),
        )?;
        line(
            f,
            "refused",
            format_args!(
                "{} signatures (401), {} for want of room (503), {} others",
                received.unsigned,
                received.overloaded,
                received.malformed + received.too_large
            ),
        )?;
        line(
            f,
            "notices",
            format_args!(
                "{} heard, {} known before, merged into {} looks; {} looks went on, {} without a notice",
                notified.notices, notified.duplicates, looks.by_notice.pages, looks.going_on.pages, looks.by_poll.pages
            ),
        )?;
        line(
            f,
            "found",
            format_args!(
                "{} by notice, {} going on, {} by reconciliation; {} looks failed",
                looks.by_notice.found, looks.going_on.found, looks.by_poll.found, looks.failed
            ),
        )?;
        line(
            f,
            "fetched",
            format_args!(
                "{} by {workers} workers in {} requests: {} failed (500), {} put off (429)",
                fetched.acked, traffic.details, traffic.errors, traffic.limited
            ),
        )?;
        line(
            f,
            "again",
            format_args!(
                "{} given back and fetched again, {} recognised as done",
                fetched.redelivered,
                self.outcome.duplicates + kept.again
            ),
        )?;
        line(
            f,
            "in flight",
            format_args!(
                "most at the source {} of {workers} for details, {} of 1 for pages; {} of {window} out of order",
                traffic.most_detailing, traffic.most_listing, kept.most_early
            ),
        )?;
        line(
            f,
            "freshness",
            format_args!("p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms", ms(0.5), ms(0.9), ms(0.99), ms(1.0)),
        )?;
        line(f, "duration", format_args!("{:.2} s", self.outcome.took.as_secs_f64()))?;
        let right = if self.outcome.difference.is_none() { "as the source says" } else { "NOT AS THE SOURCE SAYS" };
        line(
            f,
            "state",
            format_args!("{} of {happened} deliveries, {homes} homes, {subjects} subjects: {right}", kept.reach),
        )
    }
}

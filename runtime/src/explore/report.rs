//! What came of an exploration.

use std::fmt;
use std::time::Duration;

use super::schedule::Schedule;
use super::trace::Failure;

/// How much was looked at of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// All of it.
    Exhausted,
    /// All within the bound of the strategy: not more than so many delays, or
    /// not more than so many steps of a run, or so many moves of a clock that may
    /// move [at any time](super::Explorer::any_time), at its end, or 64 of any clock
    /// for who sleeps again and again when the body is done.
    Bounded,
    /// As many schedules as the strategy was to take, at random or as told.
    Sampled,
    /// Less than was asked for: the budget of schedules or of time was used up.
    CutOff,
}

/// What an exploration has found.
#[derive(Clone, Debug)]
#[must_use = "a report says whether something is wrong"]
#[non_exhaustive]
pub struct Report {
    /// The name of the strategy.
    pub strategy: String,
    /// How much was looked at.
    pub coverage: Coverage,
    /// Schedules that were run, to their end.
    pub schedules: u64,
    /// Schedules that were broken off, since all that followed had been seen.
    pub pruned: u64,
    /// Schedules with more steps than are looked at.
    pub too_long: u64,
    /// Schedules that were run at random after the reduction had found nothing.
    pub cross_checked: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// What is wrong, if anything was found.
    pub finding: Option<Finding>,
}

/// Something that is wrong, and how it comes about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub failure: Failure,
    /// The number of the schedule that showed it, from 1.
    pub found_at: u64,
    /// The schedule as it was found.
    pub found: Schedule,
    /// The same made as short as was possible.
    pub schedule: Schedule,
    /// What happens under `schedule`, told to people: the chart, and what decides.
    pub story: String,
    /// Who did what, step by step: a message sequence chart as text.
    pub chart: String,
    /// The same for Mermaid.
    pub mermaid: String,
    /// What decides: each is a choice of the program, or two steps that could
    /// have come the other way round, with which nothing fails. Tried, not
    /// guessed. Empty if nothing decides alone.
    pub races: Vec<String>,
    /// Found at random where the reduction had found nothing: what that means.
    /// Empty otherwise.
    pub unseen: String,
    /// How to run `schedule` again.
    pub replay: String,
}

impl Finding {
    /// One that no schedule shows.
    pub(super) fn of_no_run(failure: Failure, found_at: u64) -> Self {
        Self {
            failure,
            found_at,
            found: Schedule::default(),
            schedule: Schedule::default(),
            story: String::new(),
            chart: String::new(),
            mermaid: String::new(),
            races: Vec::new(),
            unseen: String::new(),
            replay: String::new(),
        }
    }
}

impl Report {
    /// Whether nothing is wrong, and all was looked at that was to be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.finding.is_none() && self.coverage != Coverage::CutOff && self.too_long == 0
    }

    /// Panics with the whole report unless it [is clean](Self::is_clean).
    ///
    /// # Panics
    /// If something was found, or the budget was used up before the end: what
    /// was not looked at is not called right.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }
}

impl Report {
    /// What happened in the schedule that failed, as a message sequence chart in
    /// text: a column for each who does something. Empty if nothing was found.
    ///
    /// ```
    /// use tidegate::explore::{Explorer, Strategy};
    /// let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
    ///     sim.spawn("client", async { assert_eq!(1 + 1, 3, "no") }).await
    /// });
    /// assert!(report.chart().contains("client panicked"), "{report}");
    /// assert!(report.mermaid().starts_with("sequenceDiagram"));
    /// ```
    #[must_use]
    pub fn chart(&self) -> &str {
        self.finding.as_ref().map_or("", |finding| &finding.chart)
    }

    /// The same as a `sequenceDiagram` for Mermaid.
    #[must_use]
    pub fn mermaid(&self) -> &str {
        self.finding.as_ref().map_or("", |finding| &finding.mermaid)
    }
}

impl Report {
    /// What was found is run again by this: a line for a shell.
    pub(super) fn replayed_by(&mut self, command: impl FnOnce(&Schedule) -> String) {
        if let Some(finding) = self.finding.as_mut().filter(|finding| !finding.chart.is_empty()) {
            finding.replay = command(&finding.schedule);
        }
    }
}

/// What was looked at; and if something was found, what, how it comes about, and
/// how to see it again.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strategy, coverage, schedules, pruned, too_long, cross_checked, elapsed, finding } = self;
        let Some(finding) = finding else {
            write!(f, "{strategy}: {coverage:?}, {schedules} schedules")?;
            write!(f, " ({pruned} pruned, {too_long} too long")?;
            if *cross_checked > 0 {
                write!(f, ", {cross_checked} more at random")?;
            }
            write!(f, ") in {elapsed:.1?}")?;
            if *coverage == Coverage::CutOff {
                f.write_str("\nThe budget was used up before the end: what was not looked at is not called right.")?;
            }
            if *too_long > 0 {
                f.write_str("\nRuns were cut off after `steps`: what comes behind was not looked at.")?;
            }
            return Ok(());
        };
        match &finding.failure {
            // One line for each who waits.
            Failure::Deadlock(who) => {
                writeln!(f, "deadlock: {}", who.replacen(": ", ":\n  ", 1).replace("; ", "\n  "))?;
            }
            failure => writeln!(f, "{failure}")?,
        }
        if !finding.chart.is_empty() {
            let choices = match finding.schedule.len() {
                0 => String::from("no choice but the default"),
                1 => String::from("1 choice"),
                n => format!("{n} choices"),
            };
            write!(f, "\nSchedule {}: {choices}", finding.schedule)?;
            if finding.found != finding.schedule {
                write!(f, " (shrunk from {})", finding.found.len())?;
            }
            writeln!(f, "\n\n{}", finding.story)?;
        }
        if !finding.unseen.is_empty() {
            writeln!(f, "{}\n", finding.unseen)?;
        }
        if !finding.replay.is_empty() {
            // A test does not know which it was built with.
            let with = if finding.replay.contains("cargo test ") { ", with the same `--features`" } else { "" };
            writeln!(f, "Replay{with}:\n  {}\n", finding.replay)?;
        }
        write!(f, "({strategy}: found in schedule {} after {elapsed:.1?})", finding.found_at)
    }
}

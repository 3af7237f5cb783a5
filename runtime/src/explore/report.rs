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
    /// not more than so many steps of a run.
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
    /// What happens under `schedule`, told to people.
    pub story: String,
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {:?}, {} schedules ({} pruned, {} too long) in {:.1?}",
            self.strategy, self.coverage, self.schedules, self.pruned, self.too_long, self.elapsed
        )?;
        match &self.finding {
            None => Ok(()),
            Some(finding) => write!(f, "\n{}\nschedule {}\n{}", finding.failure, finding.schedule, finding.story),
        }
    }
}

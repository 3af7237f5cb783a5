//! When to fetch, to arm, and to wait: a state machine without input, output or
//! a clock.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use super::page::{Gap, News, Page};
use super::settings::Follow;

/// One who follows a store: takes in notices, demand and pages, and says what to
/// do next.
///
/// [`follow`](super::follow) runs one. On its own it is for other ways to run
/// it, and for models: it holds no items, knows no clock, and is `Clone`, `Eq`
/// and `Hash`.
///
/// Feed it what happens, then ask [`step`](Self::step) until that says to wait:
///
/// ```
/// use std::time::Duration;
/// use tidegate::flow::news::{Follow, Follower, News, Page, Step};
///
/// let mut follower = Follower::new(Follow::from_start());
/// follower.demand(2);
/// let now = Duration::ZERO;
/// let Step::Fetch { cursor: 0, n } = follower.step(now, || 0) else { panic!("begins by looking") };
/// assert_eq!(n.get(), 2);
/// let news = follower.fetched(0, Page::new(vec![(0, 'a')], 1)).unwrap();
/// assert_eq!(news, [News::Item(0, 'a')]);
///
/// // Nothing more: it arms, and looks again at what has been told by then.
/// assert_eq!(follower.step(now, || 0), Step::Arm);
/// follower.armed(1);
/// assert_eq!(follower.step(now, || 0), Step::Wait { until: Some(Duration::from_secs(30)) });
/// follower.notified(7);
/// assert!(matches!(follower.step(now, || 0), Step::Fetch { cursor: 1, .. }));
/// ```
///
/// # What it keeps to
/// - At most one fetch is under way, for no more than is wanted.
/// - Items are delivered in the order of their numbers, each once; what is not
///   there any more is delivered as a [`Gap`].
/// - Notices may be lost, doubled, late and out of order. Unless it knows of
///   something to fetch it sleeps only armed, with a look at what had been told
///   by then behind it, and with the safety poll ahead.
/// - A page for a fetch that was given up may still come. It is as good as that
///   of another fetch from the same cursor, and ignored otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Follower {
    settings: Follow,
    /// What is wanted next.
    cursor: u64,
    /// Everything below this is stored, as far as anybody has said.
    known: u64,
    /// Nothing will be stored from here on.
    end: Option<u64>,
    /// To look, whatever is known: at the beginning, behind a page that was not
    /// the last, after a nudge, and when the safety poll is due.
    look: bool,
    /// How many may be delivered.
    demand: u64,
    armed: Armed,
    /// Fetches in a row that failed.
    failed: u32,
    /// Fetches in a row that brought nothing of what was promised.
    stale: u32,
    phase: Phase,
}

/// Whether the next notice comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Armed {
    No,
    /// It has been asked for, and no notice has come since.
    Asked,
    Yes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Waits for news, until the safety poll is due.
    Idle { poll_at: Option<Duration> },
    /// A fetch for so many is under way, until it has taken too long.
    Fetching { n: NonZeroU64, until: Duration },
    /// A fetch failed, or was in vain. `at` is set at the next step.
    Backoff { least: Duration, at: Option<Duration> },
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Fetch up to `n` items from `cursor` on, and answer with
    /// [`fetched`](Follower::fetched) or [`fetch_failed`](Follower::fetch_failed).
    Fetch {
        /// The first item that is wanted.
        cursor: u64,
        /// The most that may come.
        n: NonZeroU64,
    },
    /// Let the next notice through; then look at what has been told by now, and
    /// answer with [`armed`](Follower::armed). In this order: what is told
    /// between an empty page and the arming is found by looking after it. Other
    /// things may happen in between.
    Arm,
    /// Wait: for a notice, for demand, for what the fetch brings that is under
    /// way, or until this moment, which then is a [`timer`](Follower::timer).
    Wait {
        /// On the clock whose time was given.
        until: Option<Duration>,
    },
    /// All there will ever be has been delivered.
    Complete,
    /// Too many fetches in a row have failed.
    GiveUp,
}

impl Follower {
    /// One that has fetched nothing, and for which nothing is wanted yet.
    #[must_use]
    pub fn new(settings: Follow) -> Self {
        Self {
            settings,
            cursor: settings.cursor,
            known: 0,
            end: None,
            look: true,
            demand: 0,
            armed: Armed::No,
            failed: 0,
            stale: 0,
            phase: Phase::Idle { poll_at: None },
        }
    }

    /// `n` more items are wanted. Adds up; `u64::MAX` is no bound.
    pub const fn demand(&mut self, n: u64) {
        self.demand = self.demand.saturating_add(n);
    }

    /// `n` items are wanted now, whatever was wanted before.
    pub(super) const fn allow(&mut self, n: u64) {
        self.demand = n;
    }

    /// A notice has come: everything below `up_to` is stored.
    pub fn notified(&mut self, up_to: u64) {
        self.armed = Armed::No;
        self.known = self.known.max(up_to);
    }

    /// A notice has come that knows no number.
    pub const fn nudged(&mut self) {
        self.armed = Armed::No;
        self.look = true;
    }

    /// A notice has come that nothing will be stored at `end` or above. The first
    /// counts.
    pub fn closed(&mut self, end: u64) {
        if self.end.is_none() {
            self.notified(end);
            self.end = Some(end);
        }
    }

    /// The next notice comes through, and this is the highest number that had
    /// been told *after* it was seen to.
    pub fn armed(&mut self, up_to: u64) {
        // Unless one came in between, which was the next.
        if self.armed == Armed::Asked {
            self.armed = Armed::Yes;
        }
        self.known = self.known.max(up_to);
    }

    /// The moment has come until which it was to wait.
    pub fn timer(&mut self) {
        match self.phase {
            Phase::Idle { .. } => self.look = true,
            Phase::Backoff { .. } => self.phase = Phase::Idle { poll_at: None },
            Phase::Fetching { .. } => self.fetch_failed(Duration::ZERO),
        }
    }

    /// The fetch that is under way has failed; the next waits for at least so long.
    pub fn fetch_failed(&mut self, least: Duration) {
        if let Phase::Fetching { .. } = self.phase {
            self.failed = self.failed.saturating_add(1);
            self.look = true;
            self.phase = Phase::Backoff { least, at: None };
        }
    }

    /// A fetch from `cursor` on has brought a page. Returns what is to be
    /// delivered, which is no more than was fetched for; what else was in it will
    /// be fetched again. Nothing, if no fetch from there is under way: then this
    /// is one that was given up, and answered late.
    ///
    /// # Errors
    /// If it is no page that this fetch can have brought. This counts as a
    /// failure of it.
    pub fn fetched<T>(&mut self, cursor: u64, page: Page<T>) -> Result<Vec<News<T>>, MalformedPage> {
        let n = match self.phase {
            Phase::Fetching { n, .. } if cursor == self.cursor => n,
            _ => return Ok(Vec::new()),
        };
        if let Err(malformed) = self.check(&page) {
            self.fetch_failed(Duration::ZERO);
            return Err(malformed);
        }
        let before = self.cursor;
        let room = usize::try_from(n.get()).unwrap_or(usize::MAX);
        let mut news = Vec::with_capacity(room.min(page.items.len() + 1));
        if let Some(gap) = page.gap.filter(|gap| gap.to > before) {
            news.push(News::Gap(Gap { from: before, to: gap.to }));
        }
        let mut items = page.items.into_iter().filter(|(sequence, _)| *sequence >= before);
        while news.len() < room
            && let Some((sequence, item)) = items.next()
        {
            news.push(News::Item(sequence, item));
        }
        let cut = items.next().is_some();
        self.cursor = match news.last() {
            Some(last) if cut => last.cursor(),
            _ => page.next,
        };
        // A nudge since the fetch began stands.
        self.look |= page.more || cut;
        self.known = self.known.max(page.next);
        if page.closed && !page.more {
            // The store knows it better than a notice that said more.
            self.end = Some(self.end.map_or(page.next, |end| end.min(page.next)));
        }
        self.demand = match self.demand {
            u64::MAX => u64::MAX,
            demand => demand.saturating_sub(news.len() as u64),
        };
        self.failed = 0;
        if self.cursor > before {
            self.stale = 0;
            self.phase = Phase::Idle { poll_at: None };
        } else if self.known > self.cursor {
            // Something is there, and not to be had yet.
            self.stale = self.stale.saturating_add(1);
            self.phase = Phase::Backoff { least: Duration::ZERO, at: None };
        } else {
            self.stale = 0;
            self.phase = Phase::Idle { poll_at: None };
        }
        Ok(news)
    }

    fn check<T>(&self, page: &Page<T>) -> Result<(), MalformedPage> {
        let rising = page.items.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let first = page.items.iter().map(|(sequence, _)| *sequence).find(|sequence| *sequence >= self.cursor);
        let what = if page.next < self.cursor {
            "its end lies before the cursor"
        } else if !rising {
            "its items do not rise"
        } else if page.items.last().is_some_and(|(last, _)| *last >= page.next) {
            "an item lies behind its end"
        } else if page.gap.is_some_and(|gap| gap.to > first.unwrap_or(page.next)) {
            "its gap goes beyond its first item"
        } else if page.more && page.next == self.cursor {
            "it says that there is more, and brings nothing"
        } else {
            return Ok(());
        };
        Err(MalformedPage { what })
    }

    /// What to do next. Waits are shortened by a part of `random`.
    pub fn step(&mut self, now: Duration, random: impl FnOnce() -> u64) -> Step {
        if self.end.is_some_and(|end| self.cursor >= end) {
            return Step::Complete;
        }
        match self.phase {
            Phase::Fetching { until, .. } => Step::Wait { until: Some(until) },
            Phase::Backoff { at: Some(at), .. } => Step::Wait { until: Some(at) },
            Phase::Backoff { least, at: None } => {
                if self.failed > 0 && self.settings.give_up.is_some_and(|most| self.failed >= most) {
                    return Step::GiveUp;
                }
                let at = Some(now.saturating_add(self.wait_again(random).max(least)));
                self.phase = Phase::Backoff { least, at };
                Step::Wait { until: at }
            }
            Phase::Idle { poll_at } => {
                let known = self.known > self.cursor;
                if (known || self.look)
                    && let Some(n) = NonZeroU64::new(self.demand.min(self.settings.page.get()))
                {
                    self.look = false;
                    // Armed anew afterwards: the notice that it counted on may
                    // be one that was lost.
                    self.armed = Armed::No;
                    self.phase = Phase::Fetching { n, until: now.saturating_add(self.settings.within) };
                    return Step::Fetch { cursor: self.cursor, n };
                }
                if known {
                    // Nothing could be told that would make it do anything.
                    return Step::Wait { until: None };
                }
                if self.armed == Armed::No {
                    self.armed = Armed::Asked;
                    return Step::Arm;
                }
                if self.look {
                    return Step::Wait { until: None };
                }
                let spread = |poll| now.saturating_add(spread(poll, random));
                let until = poll_at.or_else(|| self.settings.poll.map(spread));
                self.phase = Phase::Idle { poll_at: until };
                Step::Wait { until }
            }
        }
    }

    /// How long until another attempt, after a failure or in vain.
    fn wait_again(&self, random: impl FnOnce() -> u64) -> Duration {
        if self.failed > 0 {
            return self.settings.retry.delay(self.failed - 1, random);
        }
        let delay = self.settings.retry.delay(self.stale.saturating_sub(1), random);
        // The safety poll would look by then.
        self.settings.poll.map_or(delay, |poll| delay.min(poll))
    }

    /// The number of the next item to deliver.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The highest number told: everything below is stored.
    #[must_use]
    pub const fn known(&self) -> u64 {
        self.known
    }

    /// How many items are wanted and not delivered.
    #[must_use]
    pub const fn outstanding(&self) -> u64 {
        self.demand
    }

    /// Whether it would fetch, if only something were wanted.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        matches!(self.phase, Phase::Idle { .. }) && (self.look || self.known > self.cursor)
    }

    /// Whether a fetch is under way.
    #[must_use]
    pub const fn is_fetching(&self) -> bool {
        matches!(self.phase, Phase::Fetching { .. })
    }

    /// Whether it counts on the next notice to come through.
    #[must_use]
    pub const fn is_armed(&self) -> bool {
        matches!(self.armed, Armed::Yes)
    }
}

/// A wait, less up to an eighth of it.
fn spread(wait: Duration, random: impl FnOnce() -> u64) -> Duration {
    let part = (random() >> 40) as u32;
    // `part` is below 2^24, so the eighth is below 2^27 of it.
    wait.saturating_sub((wait / (1 << 27)).saturating_mul(part))
}

/// A page that its fetch cannot have brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MalformedPage {
    what: &'static str,
}

impl fmt::Display for MalformedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a page makes no sense: {}", self.what)
    }
}

impl std::error::Error for MalformedPage {}

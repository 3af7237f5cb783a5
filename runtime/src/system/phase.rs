//! In which order a system is shut down, and how long each part of it has.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// When an actor's turn comes in a shutdown: lower phases first, those of one
/// phase together.
///
/// Intake first: nothing new comes in. Then those who work on what has come in,
/// and at the end those who keep what came of it. So whoever drains finds those
/// it sends to alive.
///
/// ```
/// use tidegate::Phase;
/// const CACHE: Phase = Phase::new(Phase::STATE.order() - 1);
/// assert!(Phase::INTAKE < Phase::WORK && Phase::WORK < CACHE && CACHE < Phase::STATE);
/// assert_eq!(Phase::default(), Phase::WORK);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phase(i32);

impl Phase {
    /// Those through whom work comes in. First.
    pub const INTAKE: Self = Self(-1000);
    /// Those who do it. The default.
    pub const WORK: Self = Self(0);
    /// Those who keep what came of it. Last.
    pub const STATE: Self = Self(1000);

    /// A phase of your own, by its place in the order.
    #[must_use]
    pub const fn new(order: i32) -> Self {
        Self(order)
    }

    /// Its place in the order.
    #[must_use]
    pub const fn order(self) -> i32 {
        self.0
    }
}

impl Default for Phase {
    fn default() -> Self {
        Self::WORK
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INTAKE => f.write_str("intake"),
            Self::WORK => f.write_str("work"),
            Self::STATE => f.write_str("state"),
            Self(order) => write!(f, "phase {order}"),
        }
    }
}

impl fmt::Debug for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phase({self})")
    }
}

/// How a system is to be shut down: how long each phase has, and how long what
/// was killed may take to end.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Phase, Shutdown};
/// let plan = Shutdown::new()
///     .phase(Phase::INTAKE, Duration::from_secs(1))
///     .phase(Phase::WORK, Duration::from_secs(30))
///     .within(Duration::from_secs(45));
/// # let _ = plan;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a plan does nothing until the system is shut down by it"]
pub struct Shutdown {
    deadlines: BTreeMap<Phase, Duration>,
    each: Duration,
    within: Option<Duration>,
    grace: Duration,
}

impl Shutdown {
    /// Ten seconds for each phase, and one more for what was killed.
    pub const fn new() -> Self {
        Self { deadlines: BTreeMap::new(), each: Duration::from_secs(10), within: None, grace: Duration::from_secs(1) }
    }

    /// How long `phase` has, from when its turn comes. What has not ended by
    /// then is killed.
    pub fn phase(mut self, phase: Phase, deadline: Duration) -> Self {
        self.deadlines.insert(phase, deadline);
        self
    }

    /// How long each phase has that is not named. The default is ten seconds.
    pub const fn each(mut self, deadline: Duration) -> Self {
        self.each = deadline;
        self
    }

    /// How long all phases have together. The default is no limit but their
    /// own. A phase whose turn comes when all is used up has the
    /// [grace](Self::grace), so that those with little to do are not killed for
    /// the slowness of others.
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.within = Some(deadline);
        self
    }

    /// How long an actor that was killed may take to end, before it is called
    /// stuck: it ends at its next await. The default is one second.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    pub(super) fn grace_period(&self) -> Duration {
        self.grace
    }

    /// How long `phase` has, when all phases before it took `so_far`.
    pub(super) fn limit(&self, phase: Phase, so_far: Duration) -> Duration {
        let own = self.deadlines.get(&phase).copied();
        let Some(within) = self.within else { return own.unwrap_or(self.each) };
        let left = within.saturating_sub(so_far);
        let left = if left.is_zero() && !so_far.is_zero() { self.grace } else { left };
        // A limit for all together is one for each that names none.
        own.map_or(left, |own| own.min(left))
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn a_phase_has_its_own_time_and_the_others_the_default() {
        let plan = Shutdown::new().phase(Phase::WORK, S(30)).each(S(2));
        assert_eq!(plan.limit(Phase::WORK, S(100)), S(30));
        assert_eq!(plan.limit(Phase::STATE, S(100)), S(2));
    }

    #[test]
    fn all_together_have_no_more_than_the_whole_and_the_grace() {
        let plan = Shutdown::new().phase(Phase::INTAKE, S(3)).within(S(10)).grace(S(1));
        assert_eq!(plan.limit(Phase::INTAKE, S(0)), S(3));
        assert_eq!(plan.limit(Phase::WORK, S(3)), S(7));
        assert_eq!(plan.limit(Phase::STATE, S(10)), S(1));
        assert_eq!(Shutdown::new().within(S(0)).limit(Phase::WORK, S(0)), S(0));
    }

    #[test]
    fn phases_have_names_and_an_order() {
        let mut phases = [Phase::STATE, Phase::new(7), Phase::WORK, Phase::INTAKE];
        phases.sort_unstable();
        assert_eq!(phases.map(|phase| phase.to_string()), ["intake", "work", "phase 7", "state"]);
    }
}

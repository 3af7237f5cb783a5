//! How a bug is hunted.

use std::fmt;
use std::future::Future;

use tidegate::explore::{Coverage, Explorer, Failure, Sim, Strategy};

/// A choice list longer than this explains nothing.
const SHORT: usize = 8;

/// Every order of a corrected program is run one by one too if there are not more.
const FEW: u64 = 5_000;

/// Every strategy that looks for something: the first two see all there is.
fn strategies(delays: u32) -> [Strategy; 5] {
    [
        Strategy::Exhaustive,
        Strategy::Reduced,
        Strategy::Delays(delays),
        Strategy::Pct { depth: 3, schedules: 2_000, seed: 1 },
        Strategy::Random { schedules: 2_000, seed: 1 },
    ]
}

/// Which of the two programs it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Buggy,
    Fixed,
}

impl Version {
    pub(crate) fn is_fixed(self) -> bool {
        self == Self::Fixed
    }
}

/// A bug that the given number of delays shows, and no smaller one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takes(pub(crate) u32);

/// Expects the bug of `program` to be found by every strategy as one that `is`
/// the kind it is said to be, to be shrunk, and to come again when that is
/// replayed; and its twin, with the reduction, to be exhausted without one.
#[track_caller]
pub(crate) fn hunt<F, Fut>(explorer: &Explorer, delays: Takes, is: impl Fn(&Failure) -> bool, program: F)
where
    F: Fn(Sim, Version) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    if let Some(fewer) = delays.0.checked_sub(1) {
        let report = explorer.clone().strategy(Strategy::Delays(fewer)).run(|sim| program(sim, Version::Buggy));
        assert!(report.finding.is_none(), "{fewer} delays are enough: {report}");
    }
    for strategy in strategies(delays.0) {
        let explorer = explorer.clone().strategy(strategy.clone());
        let report = explorer.run(|sim| program(sim, Version::Buggy));
        let Some(finding) = &report.finding else { panic!("{strategy} has found nothing: {report}") };
        assert!(is(&finding.failure), "{strategy} has found something else: {report}");
        assert!(finding.schedule.len() <= SHORT, "{strategy}: {} choices are many\n{report}", finding.schedule.len());
        eprintln!(
            "{strategy}: found at {}, {} choices: {}",
            finding.found_at,
            finding.schedule.len(),
            finding.schedule
        );
        let again = explorer.strategy(Strategy::Replay(finding.schedule.clone()));
        let again = again.run(|sim| program(sim, Version::Buggy)).finding;
        assert_eq!(again.map(|again| again.failure), Some(finding.failure.clone()), "replayed");
    }
    let fixed = |explorer: Explorer| explorer.run(|sim| program(sim, Version::Fixed));
    let reduced = fixed(explorer.clone().strategy(Strategy::Reduced));
    eprintln!("fixed: {reduced}");
    reduced.assert_clean();
    assert_eq!(reduced.coverage, Coverage::Exhausted);
    let all = fixed(explorer.clone().strategy(Strategy::Exhaustive).schedules(FEW));
    eprintln!("fixed: {all}");
    assert!(all.finding.is_none(), "{all}");
}

/// An assertion of the body that says this.
pub(crate) fn says(what: &'static str) -> impl Fn(&Failure) -> bool {
    move |failure| matches!(failure, Failure::Panicked { message, .. } if message.contains(what))
}

/// A deadlock.
pub(crate) fn is_deadlock(failure: &Failure) -> bool {
    matches!(failure, Failure::Deadlock(_))
}

/// What a body expects of something that can fail, where it cannot.
#[track_caller]
pub(crate) fn sure<T, E: fmt::Debug>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("this does not fail: {error:?}"),
    }
}

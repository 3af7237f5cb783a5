//! What the reduction is compared with.

use std::fmt::Debug;
use std::future::Future;

use tidegate::explore::{Coverage, Explorer, Sim, Strategy};

/// Expects the reduction to see all that can come out, and to find something if
/// there is something to be found.
#[track_caller]
pub(crate) fn all_is_seen<T, F>(body: fn(Sim) -> F)
where
    T: Ord + Debug + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    all_is_seen_by(&Explorer::default(), body);
}

/// The same with settings of its own.
#[track_caller]
pub(crate) fn all_is_seen_by<T, F>(explorer: &Explorer, body: fn(Sim) -> F)
where
    T: Ord + Debug + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (in_full, all) = explorer.clone().strategy(Strategy::Exhaustive).outcomes(body);
    let (report, reduced) = explorer.clone().cross_check(0).strategy(Strategy::Reduced).outcomes(body);
    assert_eq!(in_full.finding.is_some(), report.finding.is_some(), "{in_full}\n{report}");
    if in_full.finding.is_none() {
        assert_eq!((in_full.coverage, report.coverage), (Coverage::Exhausted, Coverage::Exhausted));
    }
    assert!(in_full.finding.is_some() || all.len() > 1, "nothing depends on the order: {all:?}");
    assert_eq!(all, reduced, "{in_full}\n{report}");
}

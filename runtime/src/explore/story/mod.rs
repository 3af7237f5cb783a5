//! What went wrong, as people are told: in as few steps as will show it.

use super::report::Finding;
use super::schedule::Schedule;
use super::shrink::{Tried, shrink};
use super::trace::{Failure, Trace};

/// A run has failed. `replay` runs a schedule again, and may be asked to tell
/// of it; unless it is to be `shrunk`, the schedule stays what it is.
pub(super) fn finding(
    found: Trace,
    found_at: u64,
    shrunk: bool,
    mut replay: impl FnMut(&[u32], bool) -> Trace,
) -> Finding {
    let as_found = Schedule::of(&found);
    let first = Tried::of(&found);
    drop(found);
    let shrunk = shrunk && !matches!(first.failure, Some(Failure::Nondeterministic(_)));
    let best = if shrunk { shrink(first, |choices| Tried::of(&replay(choices, false))) } else { first };
    let schedule = Schedule::from_choices(best.choices());
    let failure = best.failure.unwrap_or_else(|| unreachable!("a run that has failed"));
    Finding { failure, found_at, found: as_found, schedule, story: String::new() }
}

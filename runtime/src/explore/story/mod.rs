//! What went wrong, as people are told: in as few steps as will show it.

mod acts;
mod chart;
mod command;
mod mermaid;
mod order;
mod races;

use std::fmt::Write;

use self::acts::Acts;
pub use self::command::Place;
pub(super) use self::command::command;
use super::report::Finding;
use super::sameness::told_of_other_ends;
use super::schedule::Schedule;
use super::shrink::{Tried, is_same_kind, shrink};
use super::strategy::{Replay, Search};
use super::trace::{Failure, Trace};

/// A run has failed. `replay` runs the program again as it is told to, and tells
/// of it if that is asked for; unless it is to be `shrunk`, the schedule stays
/// what it is.
pub(super) fn finding(
    found: Trace,
    found_at: u64,
    shrunk: bool,
    mut replay: impl FnMut(Box<dyn Search>, bool) -> Trace,
) -> Finding {
    let as_found = Schedule::of(&found);
    let first = Tried::of(&found);
    drop(found);
    let again = |choices: &[u32]| Box::new(Replay::new(choices.to_vec()));
    let is_same_again = !matches!(first.failure, Some(Failure::Nondeterministic(_)));
    let again_trace = (shrunk && is_same_again).then(|| replay(again(&first.choices()), false));
    if let (Some(failure), Some(trace)) = (&first.failure, &again_trace)
        && !matches!(failure, Failure::Escaped(_))
        && !trace.failure().is_some_and(|again| is_same_kind(failure, again))
    {
        let failure = Failure::Nondeterministic(told_of_other_ends(failure, trace.failure()));
        return Finding { found: as_found, ..Finding::of_no_run(failure, found_at) };
    }
    let best = if shrunk && is_same_again {
        shrink(first, |choices| Tried::of(&replay(again(choices), false)))
    } else {
        first
    };
    let schedule = Schedule::from_choices(best.choices());
    let failure = best.failure.unwrap_or_else(|| unreachable!("a run that has failed"));
    let mut finding = Finding { found: as_found, schedule, ..Finding::of_no_run(failure, found_at) };
    if is_same_again {
        let trace = replay(again(&finding.schedule.choices), true);
        tell(&mut finding, &trace, |order| replay(order, false));
    }
    finding
}

fn tell(finding: &mut Finding, trace: &Trace, replay: impl FnMut(Box<dyn Search>) -> Trace) {
    let acts = Acts::of(trace);
    let failed = match &finding.failure {
        // In the last step, which was its own.
        Failure::Panicked { .. } => trace.events.last().map(|last| acts.called(trace, last.task)),
        _ => None,
    };
    // Who waits for whom is told above.
    let failure = match &finding.failure {
        Failure::Deadlock(_) => String::from("deadlock"),
        failure => failure.to_string(),
    };
    finding.chart = chart::chart(&acts, &failure, failed);
    finding.mermaid = mermaid::mermaid(&acts, &finding.failure.to_string(), failed);
    finding.races = races::decisive(trace, &acts, replay);
    let mut story = finding.chart.clone();
    if let Some(kind) = acts.only_kind() {
        let _ = writeln!(story, "\nMessages are shown by type; `sim.describe::<{kind}>()` shows what is in them.");
    }
    let races = if finding.races.is_empty() {
        let some = races::some(trace, &acts);
        let among = if some.is_empty() { "" } else { " Steps that race:" };
        let _ = writeln!(story, "\nNothing was found that decides it alone.{among}");
        some
    } else {
        story.push_str("\nThis decides:\n");
        finding.races.clone()
    };
    for race in races {
        let _ = writeln!(story, "- {race}");
    }
    finding.story = story;
}

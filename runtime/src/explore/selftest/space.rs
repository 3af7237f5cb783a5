//! All that can come of a program, under a strategy.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::super::executor::SimExecutor;
use super::super::explorer::{Explorer, Strategy};
use super::super::run::{Chooser, Limits};
use super::super::schedule::Schedule;
use super::super::strategy::Search;
use super::super::trace::{DecisionKind, End, Failure};
use super::order::Order;
use super::program::{Program, Wrong};
use super::world::{Book, Logs, play};
use crate::sync::shim::Mutex;

/// What came of one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outcome {
    logs: Logs,
    end: String,
}

/// What came of all of them.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// Each with the first schedule that showed it.
    pub(super) outcomes: BTreeMap<Outcome, Schedule>,
    pub(super) runs: u64,
    pub(super) pruned: u64,
    /// Nothing that the strategy was to run is left.
    pub(super) is_complete: bool,
    /// A schedule that differs in nothing from one that was run before, where
    /// it is known what steps touch and nothing is chosen in them.
    pub(super) again: Option<Schedule>,
}

/// No program has more steps, unless it goes on for ever.
const STEPS: usize = 2_000;

/// Runs `program` under a strategy, past whatever is wrong with it, at most so
/// many times.
pub(super) fn explore(program: &Arc<Program>, search: Box<dyn Search>, most: u64) -> Space {
    let explorer = Explorer::new(Strategy::Exhaustive);
    let explorer = if program.any_time { explorer.any_time() } else { explorer };
    let faults = program.fault.map(Wrong::faults);
    let explorer = faults.map_or(explorer.clone(), |faults| explorer.faults(faults));
    let executor = SimExecutor::new();
    let limits = Limits { steps: STEPS, until: None, touching: search.wants_touches(), telling: false };
    let chooser: Chooser = Arc::new(Mutex::untouched(search));
    let book = RefCell::new(Book::new(program));
    let body = |sim| {
        let fresh = Book::new(program);
        book.replace(fresh.clone());
        play(Arc::clone(program), sim, fresh)
    };
    let mut space = Space::default();
    let mut orders = HashSet::new();
    loop {
        if !chooser.lock().begin() {
            space.is_complete = true;
            break;
        }
        if space.runs + space.pruned >= most {
            break;
        }
        let _ = explorer.once(&executor, &chooser, &body, limits);
        let trace = &executor.0.state.lock().trace;
        chooser.lock().end(trace);
        let end = match &trace.end {
            End::Abandoned => {
                space.pruned += 1;
                continue;
            }
            End::Done => "done".to_owned(),
            End::OutOfTime => unreachable!("there is time"),
            End::TooLong => "too long".to_owned(),
            // Which of those who wait are named may differ, and does not matter.
            End::Failed(Failure::Deadlock(_)) => "deadlock".to_owned(),
            End::Failed(Failure::Violated { property, .. }) => format!("not so: {property}"),
            End::Failed(failure) => failure.to_string(),
        };
        space.runs += 1;
        let chooses = trace.decisions.iter().any(|decision| decision.kind == DecisionKind::Data);
        if limits.touching && !chooses && !orders.insert(Order::of(trace)) {
            space.again.get_or_insert_with(|| Schedule::of(trace));
        }
        let outcome = Outcome { logs: book.borrow().take(), end };
        space.outcomes.entry(outcome).or_insert_with(|| Schedule::of(trace));
    }
    space
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for log in &self.logs {
            let seen: Vec<String> = log.iter().map(ToString::to_string).collect();
            write!(f, "[{}] ", seen.join(", "))?;
        }
        f.write_str(&self.end)
    }
}

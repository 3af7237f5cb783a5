//! Holds what comes of a program in all orders against what comes of it in those
//! that the reduction runs.

use std::sync::Arc;

use tidegate::explore::{Coverage, Explorer, Faults, Flaw, Report, Sim, Strategy};

use crate::book::Book;
use crate::party::Msg;
use crate::program::{Program, Wrong};
use crate::settings::ms;
use crate::world::play;

pub(crate) enum Compared {
    /// In so many orders, of which so many were run.
    Same {
        orders: u64,
        reduced: u64,
    },
    /// There are too many orders to search them all.
    TooBig,
    Different(String),
}

/// Of a program that has no more than so many orders.
pub(crate) fn compare(program: &Program, most: u64) -> Compared {
    let shared = Arc::new(program.clone());
    let body = |sim: Sim| play(Arc::clone(&shared), sim);
    let (full, all) = explorer(program, Strategy::Exhaustive).schedules(most).outcomes(body);
    if full.finding.is_none() && (full.coverage != Coverage::Exhausted || full.too_long > 0) {
        return Compared::TooBig;
    }
    // It may be worse than a search of everything, but not without end.
    let (reduced, seen) = explorer(program, Strategy::Reduced).schedules(most * 4).outcomes(body);
    // Nothing that a program does is a failure, whatever comes of it.
    if let Some(finding) = full.finding.as_ref().or(reduced.finding.as_ref()) {
        return Compared::Different(format!("a finding: {}\n{full}\n{reduced}", finding.failure));
    }
    if reduced.coverage != Coverage::Exhausted {
        return Compared::Different(format!("the reduction is cut off: {reduced}"));
    }
    if all == seen {
        return Compared::Same { orders: full.schedules, reduced: reduced.schedules + reduced.pruned };
    }
    let missing = all.difference(&seen).next();
    let extra = seen.difference(&all).next();
    Compared::Different(tell(&full, &reduced, missing, extra))
}

fn tell(full: &Report, reduced: &Report, missing: Option<&Book>, extra: Option<&Book>) -> String {
    let mut all = format!("{full}\n{reduced}");
    for (how, outcome) in [("not seen when reduced", missing), ("seen only when reduced", extra)] {
        if let Some(outcome) = outcome {
            all += &format!("\n{how}: {outcome:#?}");
        }
    }
    all
}

fn explorer(program: &Program, strategy: Strategy) -> Explorer {
    let explorer = Explorer::new(strategy).cross_check(0).steps(1500);
    let explorer = explorer.allow(Flaw::Stuck).allow(Flaw::Unanswered).allow(Flaw::Leak);
    let explorer = if program.any_time { explorer.any_time() } else { explorer };
    if program.faults.is_empty() { explorer } else { explorer.faults(faults(program)) }
}

fn faults(program: &Program) -> Faults {
    let path = |actor: usize| format!("/{actor}");
    program.faults.iter().fold(Faults::at_most(program.most).optional(), |faults, fault| match *fault {
        Wrong::Crash(actor) => faults.crash(path(actor)),
        Wrong::Kill(actor) => faults.kill(path(actor)),
        Wrong::Drop(actor) => faults.drop(path(actor)),
        Wrong::DropAnswer(actor) => faults.drop_answer(path(actor)),
        Wrong::Delay(actor) => faults.delay(path(actor)),
        Wrong::Duplicate(actor) => faults.duplicate::<Msg>(path(actor)),
        Wrong::Partition(actor) => faults.partition([path(actor)], ["client-0"]),
        Wrong::Jump(time) => faults.clock_jump(ms(time)),
    })
}

/// Takes things out of a program for as long as it shows a difference.
pub(crate) fn smallest(mut program: Program, mut why: String, most: u64) -> (Program, String) {
    'smaller: loop {
        for smaller in program.smaller() {
            if let Compared::Different(found) = compare(&smaller, most) {
                (program, why) = (smaller, found);
                continue 'smaller;
            }
        }
        return (program, why);
    }
}

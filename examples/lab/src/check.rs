//! Two accounts of one run, held against each other. Pure.
//!
//! The program knows of every event what became of it; the runtime counts what
//! its mailboxes did and what its dead letters were told. They count apart, at
//! different places, so where they agree a figure in the table is right, and
//! where they do not, one of the two is wrong and nothing is to be believed.

use tidegate::DropReason;

use crate::{
    measure::{Fate, Observed},
    probe::{Drops, Reading},
};

/// What does not agree, a sentence each; nothing where there is no account of
/// the runtime's.
pub(crate) fn disagreements(seen: &Observed) -> Vec<String> {
    let Some(runtime) = &seen.runtime else { return Vec::new() };
    let mut found = Vec::new();
    for reason in DropReason::ALL {
        let (drops, letters) = (of(&runtime.drops, reason), of(&runtime.dead_letters, reason));
        if drops != letters {
            found.push(format!("the mailboxes dropped {drops} as {reason}, and the dead letters count {letters}"));
        }
    }
    let count = |fate: Fate| seen.records.iter().filter(|r| r.fate == fate).count() as u64;
    let handled = seen.records.iter().filter(|r| r.handled.is_some()).count() as u64;
    let accepted = count(Fate::Accepted);
    let cut = unfinished(runtime);
    let mut same = |what: &str, ours: u64, theirs: u64| {
        if ours != theirs {
            found.push(format!("{what}: {ours} by the events, {theirs} by the runtime"));
        }
    };
    same("handled", handled, runtime.handled);
    same("newest dropped", count(Fate::Dropped), of(&runtime.dead_letters, DropReason::DropNewest));
    same("diverted", count(Fate::Diverted), of(&runtime.dead_letters, DropReason::Diverted));
    same("accepted and not handled", accepted.saturating_sub(handled), displaced(runtime) + cut);
    if !seen.cut && cut > 0 {
        found.push(format!("{cut} messages were lost at the end of a run that had time to handle them"));
    }
    found
}

/// How many messages gave way to newer ones.
pub(crate) fn displaced(runtime: &Reading) -> u64 {
    of(&runtime.dead_letters, DropReason::DropOldest) + of(&runtime.dead_letters, DropReason::Latest)
}

/// How many were queued or in a handler when the consumers were stopped.
fn unfinished(runtime: &Reading) -> u64 {
    of(&runtime.dead_letters, DropReason::Stopped) + of(&runtime.dead_letters, DropReason::Interrupted)
}

fn of(drops: &Drops, reason: DropReason) -> u64 {
    drops.get(&reason).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Record;

    fn seen(fates: &[(Fate, bool)], runtime: Reading) -> Observed {
        let records = fates
            .iter()
            .map(|(fate, handled)| Record {
                fate: *fate,
                handled: handled.then_some(std::time::Duration::ZERO),
                ..Record::UNTOUCHED
            })
            .collect();
        Observed { records, deepest: 1, peak_bytes: 1, runtime: Some(runtime), cut: false }
    }

    fn reading(handled: u64, drops: &[(DropReason, u64)]) -> Reading {
        let drops: Drops = drops.iter().copied().collect();
        Reading { handled, drops: drops.clone(), dead_letters: drops, ..Reading::default() }
    }

    #[test]
    fn accounts_that_agree_are_passed() {
        let fates = [
            (Fate::Accepted, true),
            (Fate::Accepted, false),
            (Fate::Merged, true),
            (Fate::Dropped, false),
            (Fate::Rejected, false),
        ];
        // The merged one was handled in the place of the first, so of two
        // accepted and two handled none is missing.
        let runtime = reading(2, &[(DropReason::DropNewest, 1)]);
        assert_eq!(disagreements(&seen(&fates, runtime)), Vec::<String>::new());
    }

    #[test]
    fn every_disagreement_is_found() {
        let fates = [(Fate::Accepted, true), (Fate::Accepted, false), (Fate::Dropped, false)];
        let right = reading(1, &[(DropReason::DropNewest, 1), (DropReason::DropOldest, 1)]);
        assert!(disagreements(&seen(&fates, right.clone())).is_empty());

        let mut wrong = right.clone();
        wrong.dead_letters.insert(DropReason::DropOldest, 2);
        let said = disagreements(&seen(&fates, wrong)).join("; ");
        assert!(said.contains("dropped 1 as drop-oldest, and the dead letters count 2"), "{said}");
        assert!(said.contains("accepted and not handled: 1 by the events, 2 by the runtime"), "{said}");

        let wrong = Reading { handled: 2, ..right.clone() };
        assert!(disagreements(&seen(&fates, wrong))[0].contains("handled: 1 by the events, 2"));

        let mut wrong = right;
        wrong.drops.remove(&DropReason::DropNewest);
        wrong.dead_letters.remove(&DropReason::DropNewest);
        assert!(disagreements(&seen(&fates, wrong))[0].contains("newest dropped: 1 by the events, 0"));
    }

    #[test]
    fn losing_at_the_end_is_right_only_in_a_run_that_was_cut() {
        let fates = [(Fate::Accepted, true), (Fate::Accepted, false)];
        let mut run = seen(&fates, reading(1, &[(DropReason::Stopped, 1)]));
        assert!(disagreements(&run)[0].contains("lost at the end"));
        run.cut = true;
        assert!(disagreements(&run).is_empty());
    }
}

//! The self-test tests itself: each way in which a reduction has been wrong turns
//! it red.

use std::ops::Range;

use super::{Checked, check_up_to};
use crate::sync::planted::{Planted, plant};

/// What is said of some programs if this is wrong.
#[allow(clippy::print_stdout)]
fn with(planted: Option<Planted>, seeds: Range<u64>) -> Checked {
    plant(planted);
    let checked = check_up_to(seeds, 1_000);
    plant(None);
    println!("{planted:?}: {checked}");
    checked
}

/// The reduction of some program leaves out what can come of it, and of none if nothing is wrong.
fn is_noticed(planted: Planted, seeds: Range<u64>) {
    let checked = with(Some(planted), seeds.clone());
    let mut differences = checked.mismatches.iter().flat_map(|mismatch| &mismatch.differences);
    assert!(differences.any(|difference| difference.starts_with("not seen when reduced")));
    assert!(with(None, seeds).is_clean());
}

/// What sleeps is woken by steps that touch what it would, and that has another number by then. That
/// steps touch something else than in the run before would be noticed first, as a program that is not
/// deterministic, so that is not looked at where this is planted.
#[test]
fn numbers_that_depend_on_the_order_are_noticed() {
    is_noticed(Planted::Numbers, 0..5);
}

#[test]
fn a_wake_taken_for_an_order_is_noticed() {
    is_noticed(Planted::Wakes, 18..20);
}

/// One looks at the clock while another waits for an answer, and not for ever.
#[test]
fn a_clock_that_is_not_touched_is_noticed() {
    is_noticed(Planted::Clock, 401..402);
}

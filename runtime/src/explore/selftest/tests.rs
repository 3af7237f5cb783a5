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

/// Some program shows it, and none shows what is not there.
fn is_noticed(planted: Planted, seeds: Range<u64>) {
    assert!(!with(Some(planted), seeds.clone()).is_clean());
    assert!(with(None, seeds).is_clean());
}

#[test]
fn numbers_that_depend_on_the_order_are_noticed() {
    is_noticed(Planted::Numbers, 0..5);
}

#[test]
fn a_wake_taken_for_an_order_is_noticed() {
    is_noticed(Planted::Wakes, 0..5);
}

/// One looks at the clock while another waits for an answer, and not for ever.
#[test]
fn a_clock_that_is_not_touched_is_noticed() {
    is_noticed(Planted::Clock, 281..282);
}

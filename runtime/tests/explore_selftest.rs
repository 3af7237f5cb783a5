//! The self-test that ships, on this runtime.
#![cfg(feature = "explore")]
#![allow(clippy::print_stdout)]

use tidegate::explore::selftest::{check, check_up_to};

/// As many as have 300 among them that are small enough.
#[test]
fn the_reduction_leaves_nothing_out_of_300_programs() {
    let checked = check(0..SEEDS);
    println!("{checked}");
    assert!(checked.is_clean(), "{checked}");
    assert!(checked.compared() >= 300, "{checked}");
    assert!(checked.reduced * 4 < checked.orders, "it reduces: {checked}");
}

const SEEDS: u64 = 500;

/// For those who change the runtime: more of them, and larger. Best in a release
/// build.
#[test]
#[ignore = "takes minutes"]
fn the_reduction_leaves_nothing_out_of_2_000_programs() {
    let checked = check_up_to(1_000..3_700, 3_000);
    println!("{checked}");
    assert!(checked.is_clean(), "{checked}");
    assert!(checked.compared() >= 2_000, "{checked}");
}

//! The self-test that ships, on this runtime.
#![cfg(feature = "explore")]
#![allow(clippy::print_stdout)]

use tidegate::explore::selftest::{check, check_up_to};

/// As many seeds as have 300 programs among them that are small enough.
const SEEDS: u64 = 560;

/// 300 programs; or, for those who change the runtime, 2,000 and larger ones, which takes
/// minutes and is best done in a release build:
/// `TIDEGATE_SELFTEST=full cargo test --release -p tidegate --features explore --test explore_selftest`
#[test]
fn the_reduction_leaves_nothing_out() {
    let is_full = std::env::var_os("TIDEGATE_SELFTEST").is_some_and(|size| size == "full");
    // In halves, each on a thread.
    let [one, other] = if is_full { [1_000..2_600, 2_600..4_200] } else { [0..SEEDS / 2, SEEDS / 2..SEEDS] };
    let checked = |seeds| if is_full { check_up_to(seeds, 3_000) } else { check(seeds) };
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(move || checked(other));
        [checked(one), other.join().expect("it is checked")]
    });
    for checked in &both {
        println!("{checked}");
        assert!(checked.is_clean(), "{checked}");
        assert!(checked.reduced * 4 < checked.orders, "it reduces: {checked}");
    }
    let compared: u64 = both.iter().map(|checked| checked.compared()).sum();
    assert!(compared >= if is_full { 2_000 } else { 300 }, "only {compared} were small enough");
}

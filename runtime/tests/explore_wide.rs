//! Whether the reduction leaves anything out, of programs that use all that there
//! is: random ones, explored in full and reduced.
//!
//! The self-test that ships (`tidegate::explore::selftest`) has the few things that
//! each program of actors does, in many ways. This one has little of everything:
//! every kind of mailbox, permits, looks, names, groups, timers, stashes, children,
//! mailboxes without actors, shutdowns, faults. Each of them is a place where somebody
//! may forget to say what a step touches. It uses the public API only.
#![cfg(feature = "explore")]
#![allow(clippy::print_stdout)]

#[path = "explore_wide/book.rs"]
mod book;
#[path = "explore_wide/compare.rs"]
mod compare;
#[path = "explore_wide/generate.rs"]
mod generate;
#[path = "explore_wide/party.rs"]
mod party;
#[path = "explore_wide/player.rs"]
mod player;
#[path = "explore_wide/program.rs"]
mod program;
#[path = "explore_wide/sending.rs"]
mod sending;
#[path = "explore_wide/settings.rs"]
mod settings;
#[path = "explore_wide/smaller.rs"]
mod smaller;
#[path = "explore_wide/wide.rs"]
mod wide;
#[path = "explore_wide/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::ops::Range;

use compare::{Compared, compare, smallest};
use program::Program;

/// What has been found of some programs.
#[derive(Default)]
struct Tally {
    compared: u64,
    too_big: u64,
    orders: u64,
    reduced: u64,
    /// What there was in those that were compared.
    kinds: BTreeSet<String>,
    differences: Vec<String>,
}

impl Tally {
    /// Of the programs of these seeds that have no more than so many orders.
    fn of(seeds: Range<u64>, most: u64) -> Self {
        let mut tally = Self::default();
        for seed in seeds {
            let program = Program::random(seed);
            match compare(&program, most) {
                Compared::TooBig => tally.too_big += 1,
                Compared::Same { orders, reduced } => {
                    tally.compared += 1;
                    tally.orders += orders;
                    tally.reduced += reduced;
                    tally.kinds.extend(program.kinds());
                }
                Compared::Different(why) => {
                    tally.compared += 1;
                    let (program, why) = smallest(program, why, most);
                    tally.differences.push(format!("seed {seed}\n{program}\n{why}"));
                }
            }
        }
        tally
    }

    fn and(mut self, other: Self) -> Self {
        self.compared += other.compared;
        self.too_big += other.too_big;
        self.orders += other.orders;
        self.reduced += other.reduced;
        self.kinds.extend(other.kinds);
        self.differences.extend(other.differences);
        self
    }
}

/// Some hundreds of programs; or, for those who change the runtime, thousands and larger
/// ones, which takes minutes and is best done in a release build:
/// `TIDEGATE_SELFTEST=full cargo test --release -p tidegate --features explore --test explore_wide`
#[test]
fn the_reduction_leaves_nothing_out_of_anything() {
    let is_full = std::env::var_os("TIDEGATE_SELFTEST").is_some_and(|size| size == "full");
    let (seeds, most, least) = if is_full { (1_000..7_000_u64, 3_000, 4_000) } else { (0..1_500, 200, 900) };
    // Panics of actors are among what there is: they are caught, and need not be told.
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload().downcast_ref::<&str>();
        if message.is_none_or(|message| *message != "as planned") {
            println!("{panic}");
        }
    }));
    // In halves, each on a thread.
    let middle = (seeds.start + seeds.end) / 2;
    let all = std::thread::scope(|scope| {
        let one = scope.spawn(|| Tally::of(seeds.start..middle, most));
        let other = Tally::of(middle..seeds.end, most);
        one.join().expect("it is checked").and(other)
    });
    let Tally { compared, too_big, orders, reduced, kinds, differences } = all;
    println!("{compared} programs compared, {too_big} too big: {orders} orders, {reduced} reduced");
    assert!(differences.is_empty(), "{} differ:\n\n{}", differences.len(), differences.join("\n\n"));
    assert!(compared >= least, "only {compared} were small enough");
    // Else it would look as if more had been compared than has been.
    let missing: Vec<_> = generate::all_kinds().difference(&kinds).cloned().collect();
    assert!(missing.is_empty(), "in no program that was compared: {missing:?}");
}

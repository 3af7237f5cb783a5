//! The attribute on something else than an impl block, where the item stays usable.
#![allow(unused)]

use tidegate::actor;

#[actor]
struct Counter {
    total: u64,
}

#[actor]
fn add(n: u64) -> u64 {
    n
}

fn main() {
    let _ = Counter { total: add(1) };
}

//! The attribute on the impl block of a trait.
#![allow(unused)]

use tidegate::actor;

struct Counter;

#[actor]
impl Default for Counter {
    fn default() -> Self {
        Counter
    }
}

fn main() {
    let _ = Counter::default();
}

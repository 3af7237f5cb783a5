//! A marked method in a block that is not marked itself.
#![allow(unused)]

struct Forgotten;

impl Forgotten {
    #[message]
    fn add(&mut self, n: u64) {}
}

fn main() {}

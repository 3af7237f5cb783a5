//! Markers with arguments, in twos, and in the wrong places.
#![allow(unused)]

use tidegate::actor;

struct Marked;

#[actor]
impl Marked {
    #[message(priority = 3)]
    fn argument(&self) {}

    #[message]
    #[message]
    fn twice(&self) {}

    #[message]
    #[started]
    fn both(&self) {}

    #[message]
    const ZERO: u64 = 0;

    #[message]
    fn conditional_argument(&self, #[cfg(all())] n: u64) {}
}

fn main() {}

//! Everything that is wrong is said at once, and what is right still works.
#![allow(unused)]

use tidegate::actor;

struct Counter;

#[actor(speed = fast)]
impl Counter {
    #[message]
    fn add(&mut self, text: &str) {}

    #[message]
    fn total(self) -> u64 {
        0
    }

    fn helper(&self) {}
}

fn main() {
    let mut counter = Counter;
    counter.add("a");
    counter.helper();
    let _ = counter.total();
}

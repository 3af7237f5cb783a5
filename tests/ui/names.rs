//! Names that mean two things.
#![allow(unused)]

use tidegate::actor;

struct Named;

#[actor]
impl Named {
    #[message]
    fn add_all(&mut self) {}

    #[message]
    fn addAll(&mut self) {}

    #[message]
    fn stop(&mut self) {}

    #[message]
    fn len(&self) -> usize {
        0
    }

    #[message]
    fn forward(&self, reply: u64) -> u64 {
        reply
    }

    #[message]
    fn told(&self, reply: u64) {}
}

fn main() {}

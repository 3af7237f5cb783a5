//! An impl block of a type that has no name to make others from.
#![allow(unused)]

use tidegate::actor;

trait Work {}

#[actor]
impl dyn Work {
    #[message]
    fn work(&mut self) {}
}

fn main() {}

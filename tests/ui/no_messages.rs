//! An actor that nobody could say anything to.
#![allow(unused)]

use tidegate::actor;

struct Silent;

#[actor]
impl Silent {
    fn helper(&self) {}

    #[started]
    fn begin(&mut self) {}
}

fn main() {}

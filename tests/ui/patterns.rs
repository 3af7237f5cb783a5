//! Arguments that have no name to be a field by.
#![allow(unused)]

use tidegate::actor;

struct Canvas;

#[actor]
impl Canvas {
    #[message]
    fn line(&mut self, (x, y): (u8, u8), [a, b]: [u8; 2]) {}

    #[message]
    fn ignore(&mut self, _: u64) {}

    #[message]
    fn whole(&mut self, all @ (_, _): (u8, u8), ref r: String) {}

    #[message]
    fn fine(&mut self, mut n: u64, _unused: u64) {
        n += 1;
    }
}

fn main() {}

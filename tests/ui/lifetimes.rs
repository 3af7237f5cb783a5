//! Actors that borrow: a parameter, an elided one, and none that is wrong.
#![allow(unused)]

use tidegate::actor;

struct Parser<'a>(&'a str);

#[actor]
impl<'a> Parser<'a> {
    #[message]
    fn rest(&self) -> String {
        self.0.to_owned()
    }
}

struct Printer<'a>(&'a str);

#[actor]
impl Printer<'_> {
    #[message]
    fn print(&self) {}
}

struct Fine<'a>(&'a str);

#[actor]
impl Fine<'static> {
    #[message]
    fn text(&self) -> &'static str {
        self.0
    }
}

fn main() {}

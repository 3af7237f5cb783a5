//! Options of the attribute that do not exist, or are malformed or given twice.
#![allow(unused)]

use tidegate::actor;

struct A;
struct B;
struct C;
struct D;

#[actor(message = Order)]
impl A {
    #[message]
    fn a(&self) {}
}

#[actor(msg = Order, msg = Command)]
impl B {
    #[message]
    fn b(&self) {}
}

#[actor(api = "Orders")]
impl C {
    #[message]
    fn c(&self) {}
}

#[actor(derive = Debug)]
impl D {
    #[message]
    fn d(&self, x: &str) {}
}

fn main() {}

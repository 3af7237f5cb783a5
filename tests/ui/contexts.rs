//! One context is enough, and it is the actor's own.
#![allow(unused)]

use tidegate::{Context, actor};

struct One;
struct Other;

#[actor]
impl One {
    #[message]
    fn two(&mut self, a: &mut Context<Self>, n: u64, b: &mut Context<Self>) {}
}

#[actor]
impl Other {
    #[message]
    fn foreign(&mut self, n: u64, cx: &mut Context<Fine>) {}
}

struct Fine;

#[actor]
impl Fine {
    #[message]
    fn fine(&mut self, cx: &mut Context<Self>) {}
}

fn main() {}

//! Receivers that are missing, owned, or in a box. All are reported.
#![allow(unused)]

use std::pin::Pin;
use tidegate::actor;

struct Counter;

#[actor]
impl Counter {
    #[message]
    fn by_value(self) {}

    #[message]
    async fn by_mut_value(mut self, n: u64) {}

    #[message]
    fn boxed(self: Box<Self>) {}

    #[message]
    fn pinned(self: Pin<&mut Self>) {}

    #[message]
    fn create(n: u64) -> Self {
        Counter
    }

    #[message]
    fn nothing() {}

    #[message]
    fn spelled_out(self: &mut Self) {}

    #[started]
    fn begin(self) {}

    #[stopped]
    fn end() {}
}

fn main() {}

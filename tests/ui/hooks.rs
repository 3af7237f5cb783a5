//! Hooks: too many, with the wrong arguments, with the wrong result.
#![allow(unused)]

use tidegate::{Context, Fault, StopReason, actor};

struct Busy;

#[actor]
impl Busy {
    #[message]
    fn work(&mut self) {}

    #[started]
    fn begin(&mut self, name: String) {}

    #[started]
    async fn begin_again(&mut self) {}

    #[started]
    fn begin_for_a_reason(&mut self, reason: &StopReason) -> u64 {
        0
    }

    #[stopped]
    fn end(&mut self, cx: &mut Context<Self>, reason: &StopReason, more: &mut Context<Self>) {}

    #[stopped]
    fn end_again(&mut self, a: &StopReason, b: &StopReason) -> Result<(), Fault> {
        Ok(())
    }
}

fn main() {}

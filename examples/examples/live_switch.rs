//! A mailbox that changes from push to pull and back while messages flow.
//!
//!     cargo run -p tidegate-examples --example live_switch
//!
//! Look for: 300 numbers under three different terms, and the actor has seen
//! each of them once and in order. Nothing is paused, drained or rebuilt.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::ops::Range;

use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/live_switch.rs"]
mod explored;

/// Checks that what comes is the number after the last one.
#[derive(Default)]
struct InOrder {
    next: u64,
}

#[actor]
impl InOrder {
    #[message]
    fn number(&mut self, n: u64) -> Result<(), Fault> {
        if n != self.next {
            return Err(Fault::msg(format!("{n} came, {} was next", self.next)));
        }
        self.next += 1;
        Ok(())
    }

    #[message]
    fn seen(&self) -> u64 {
        self.next
    }
}

async fn send(to: &ActorRef<InOrderMsg>, numbers: Range<u64>) -> Result<(), Box<dyn Error>> {
    for n in numbers {
        to.number(n).await?;
    }
    Ok(())
}

async fn tell_terms(of: &ActorRef<InOrderMsg>) -> Result<(), Box<dyn Error>> {
    let seen = of.seen().await?;
    println!("{:?}, capacity {}: {seen} seen", of.mode(), of.capacity().unwrap_or(usize::MAX));
    Ok(())
}

// ANCHOR: switch
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let actor = System::new().spawn(InOrder::default(), Push::bounded(64));
    send(&actor, 0..100).await?;
    tell_terms(&actor).await?;

    // In the middle of the traffic: a burst is queued while the terms change.
    send(&actor, 100..150).await?;
    actor.reconfigure(Pull::window(8));
    send(&actor, 150..200).await?;
    tell_terms(&actor).await?;

    actor.reconfigure(Push::bounded(1024));
    send(&actor, 200..300).await?;
    tell_terms(&actor).await?;

    let stats = actor.stats();
    println!("{} switches, {} dropped", stats.switches.len(), stats.drops.total());
    Ok(())
}
// ANCHOR_END: switch

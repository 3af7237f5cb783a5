//! Actors without a runtime: one poll at a time, on a clock that stands still.
//!
//!     cargo run -p tidegate-examples --example step_by_step
//!
//! Look for: nothing runs between two steps; a minute passes when it is told
//! to; and the same program prints the same lines on every machine.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Executor, ManualExecutor};

#[cfg(test)]
#[path = "../explored/step_by_step.rs"]
mod explored;

// ANCHOR: actor
/// Sums up what comes within a minute, and starts anew.
#[derive(Default)]
struct PerMinute {
    sum: u64,
    minutes: Vec<u64>,
}

enum Msg {
    Add(u64),
    Minute,
    Minutes(Reply<Vec<u64>>),
}

impl Actor for PerMinute {
    type Msg = Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.send_every(Duration::from_secs(60), || Msg::Minute);
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Add(n) => self.sum += n,
            Msg::Minute => self.minutes.push(std::mem::take(&mut self.sum)),
            Msg::Minutes(reply) => drop(reply.send(self.minutes.clone())),
        }
        Ok(())
    }
}
// ANCHOR_END: actor

fn main() -> Result<(), Box<dyn Error>> {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    // A budget of one message a poll, so that a step is a message.
    let actor = system.build(PerMinute::default).budget(1).spawn();

    for n in [1, 2, 3] {
        actor.try_tell(Msg::Add(n))?;
    }
    println!("sent, and nothing has run: {} handled", actor.stats().handled);
    executor.step();
    println!("after one step: {} handled", actor.stats().handled);
    executor.run_until_idle();
    println!("when there was nothing left to do: {} handled", actor.stats().handled);

    executor.advance(Duration::from_secs(60));
    actor.try_tell(Msg::Add(40))?;
    executor.advance(Duration::from_secs(119));
    let minutes = executor.block_on(actor.ask(Msg::Minutes))?;
    println!("at second {}: per minute {minutes:?}", executor.now().as_secs());
    Ok(())
}

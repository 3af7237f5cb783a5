//! Two actors that wait for each other, and what the system says and does.
//!
//!     cargo run -p tidegate-examples --example deadlock
//!
//! Each tells the other a message for each place it has, and two more. Look
//! for: the explanation names both bounds while nothing moves; after a second
//! one of the two gets its message back with the cycle, and the rest is
//! handled.
//!
//! The clock is one that we move, so the times are exact.
#![allow(clippy::print_stdout)]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Deadlocks, ManualExecutor};

#[cfg(test)]
#[path = "../explored/deadlock.rs"]
mod explored;

enum Msg {
    Flood(u32),
    Drop,
}

struct Player {
    name: &'static str,
    other: Arc<OnceLock<ActorRef<Msg>>>,
}

impl Actor for Player {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Drop => {}
            // ANCHOR: flood
            Msg::Flood(drops) => {
                let other = self.other.get().ok_or_else(|| Fault::msg("alone"))?;
                for _ in 0..drops {
                    match other.tell(Msg::Drop).await {
                        Ok(_) => {}
                        Err(SendError::Deadlock(deadlock)) => {
                            println!("{:.1?}: {}: {}", cx.now(), self.name, deadlock.cycle);
                            return Ok(());
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                println!("{:.1?}: {}: all {drops} went in", cx.now(), self.name);
            } // ANCHOR_END: flood
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::broken()).build_on(executor.clone());
    let player = |name, other: &Arc<OnceLock<ActorRef<Msg>>>| {
        let other = Arc::clone(other);
        let make = move || Player { name, other: Arc::clone(&other) };
        system.build(make).named(name).mailbox(Push::bounded(4)).spawn()
    };
    let (for_ping, for_pong) = (Arc::default(), Arc::default());
    let (ping, pong) = (player("ping", &for_ping), player("pong", &for_pong));
    drop((for_ping.set(pong.clone()), for_pong.set(ping.clone())));

    ping.try_tell(Msg::Flood(6))?;
    pong.try_tell(Msg::Flood(6))?;
    executor.advance(Duration::from_millis(500));
    println!("{}", system.explain());
    executor.advance(Duration::from_secs(1));
    println!("{} deadlock broken; {}", system.deadlocks(), system.explain());
    Ok(())
}

//! A shutdown in phases: intake, work, state; and one who is late.
//!
//!     cargo run -p tidegate-examples --example shutdown
//!
//! Orders come in at `http`, are worked on by `orders`, and end up in `ledger`.
//! Look for: whoever drains finds those behind it alive, so nothing that came in
//! is lost; `audit` hangs, is killed at its deadline, and the report says what it
//! was doing. The ledger is not hurried by that.
//!
//! The clock is tokio's paused one, so the times are exact.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Phase, Shutdown};

#[cfg(test)]
#[path = "../explored/shutdown.rs"]
mod explored;

/// Takes a while for each order, and hands it on.
struct Desk {
    takes: Duration,
    next: Option<ActorRef<u32>>,
    done: Vec<u32>,
}

impl Actor for Desk {
    type Msg = u32;

    async fn handle(&mut self, order: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(self.takes).await;
        if let Some(next) = &self.next {
            next.tell(order).await?;
        }
        self.done.push(order);
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Self>) {
        println!("{} {reason} with {:?} done", cx.path(), self.done);
    }
}

fn desk(takes: u64, next: Option<&ActorRef<u32>>) -> Desk {
    Desk { takes: Duration::from_millis(takes), next: next.cloned(), done: Vec::new() }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    // ANCHOR: phases
    let system = System::new();
    let ledger = system.build(|| desk(20, None)).named("ledger").phase(Phase::STATE).spawn();
    let to = ledger.clone();
    let orders = system.build(move || desk(10, Some(&to))).named("orders").spawn(); // Phase::WORK
    let to = orders.clone();
    let http = system.build(move || desk(1, Some(&to))).named("http").phase(Phase::INTAKE).spawn();
    // ANCHOR_END: phases
    let audit = system.build(|| desk(60_000, None)).named("audit").spawn();

    for order in 1..=3 {
        http.tell(order).await?;
        audit.tell(order).await?;
    }
    // ANCHOR: shutdown
    let plan = Shutdown::new().phase(Phase::WORK, Duration::from_millis(500));
    let report = system.shutdown_in_phases(plan).await;
    for phase in &report.phases {
        println!("{phase}");
    }
    println!("{report}");
    // ANCHOR_END: shutdown
    Ok(())
}

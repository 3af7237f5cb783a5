//! A slow consumer under each overflow policy: who waits, and what is lost.
//!
//!     cargo run -p tidegate-examples --example slow_consumer
//!
//! Ten messages are sent at once to an actor that takes 10 ms for each and has
//! room for four. Look for: only `Wait` holds the sender up, and loses nothing.
//! `Reject` and `Fail` give messages back (column "back"); the others let the
//! sender go on and send something else to the dead letters (column "dead").
//!
//! The clock is tokio's paused one: 10 ms are exactly 10 ms and take no time.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::prelude::*;
use tokio::time::Instant;

#[cfg(test)]
#[path = "../explored/slow_consumer.rs"]
mod explored;

// ANCHOR: actor
struct Slow {
    handled: Arc<Mutex<Vec<u32>>>,
}

impl Actor for Slow {
    type Msg = u32;

    async fn handle(&mut self, n: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(10)).await;
        self.handled.lock().map_err(|_| Fault::msg("poisoned"))?.push(n);
        Ok(())
    }
}
// ANCHOR_END: actor

// ANCHOR: run
async fn run(name: &str, overflow: Overflow) {
    let handled = Arc::new(Mutex::new(Vec::new()));
    let actor = Slow { handled: Arc::clone(&handled) };
    let slow = System::new().spawn(actor, Push::bounded(4).overflow(overflow));

    let begun = Instant::now();
    let mut back = 0;
    for n in 0..10 {
        // Under `Wait` this waits for room; under the others it never does.
        back += u32::from(slow.tell(n).await.is_err());
    }
    let waited = begun.elapsed().as_millis();

    slow.drain();
    let end = slow.stopped().await;
    let dead = slow.stats().drops.total();
    let end = end.to_string();
    println!("{name:<10} {waited:>3} ms {back:>4} {dead:>4}   {end:<10} {:?}", handled.lock().unwrap());
}
// ANCHOR_END: run

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("policy     waited back dead   ended      handled");
    run("Wait", Overflow::Wait).await;
    run("Reject", Overflow::Reject).await;
    run("DropNewest", Overflow::DropNewest).await;
    run("DropOldest", Overflow::DropOldest).await;
    run("Latest", Overflow::Latest).await;
    run("Divert", Overflow::Divert).await;
    run("Fail", Overflow::Fail).await;
    Ok(())
}

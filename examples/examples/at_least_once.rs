//! At least once, once in effect: a till crashes before, after, because of its work.
//!
//!     cargo run -p tidegate-examples --example at_least_once
//!
//! Look for: order 2 is done before the crash, comes again since nobody said so, and
//! is recognised. Order 3 is poison, and put aside after three attempts.
#![allow(clippy::print_stdout)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::pattern::{Courier, Dedup, Delivery, Novelty};
use tidegate::prelude::*;
use tidegate::{ActorId, Backoff};

#[cfg(test)]
#[path = "../explored/at_least_once.rs"]
mod explored;

struct Order {
    number: u32,
    cents: u64,
}

// ANCHOR: till
/// What it knows to be done, and what it took in, outlive it: made beside the factory.
#[derive(Clone)]
struct Till {
    done: Dedup<ActorId>,
    drawer: Arc<Mutex<u64>>,
}

impl Actor for Till {
    type Msg = Delivery<Order>;

    async fn handle(&mut self, order: Delivery<Order>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let what = format!("{:>3} ms  order {}, attempt {}", cx.now().as_millis(), order.number, order.attempt());
        match self.done.claim_delivery(&order) {
            Novelty::First(_) if order.number == 3 => {
                println!("{what}: cannot be done");
                return Err(Fault::msg("poison")); // dropped unacknowledged: comes again
            }
            Novelty::First(claim) => {
                println!("{what}: {} cents", order.cents);
                *self.drawer.lock().unwrap() += order.cents;
                claim.done();
                if order.number == 2 {
                    return Err(Fault::msg("crashed before the acknowledgement"));
                }
            }
            Novelty::Done => println!("{what}: was done before"),
            Novelty::Underway | Novelty::Unknown => return Ok(()),
        }
        order.ack();
        Ok(())
    }
}
// ANCHOR_END: till

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (system, often) = (System::new(), Restart::on_failure().limit(10, Duration::from_secs(1)));
    let one = Till { done: Dedup::new(64), drawer: Arc::default() };
    let till = system.build(move || one.clone()).restart(often).spawn();
    // ANCHOR: courier
    let soon = Backoff::exponential(Duration::from_millis(10), Duration::from_secs(1));
    let courier = Courier::to(&till).attempts(3).backoff(soon).spawn(&system);
    for (number, cents) in [(1, 250), (2, 990), (3, 0), (4, 120)] {
        courier.actor_ref().tell(Order { number, cents }).await?;
    }
    courier.actor_ref().drain();
    courier.actor_ref().stopped().await;
    // ANCHOR_END: courier
    println!("acknowledged {}, delivered again {}", courier.stats().acked, courier.stats().redelivered);
    for order in courier.quarantine().take() {
        println!("put aside: order {} after {} attempts", order.message.number, order.attempts);
    }
    Ok(())
}

//! At least once, and once in effect: a till that crashes before, after and
//! because of its work.
//!
//!     cargo run -p tidegate-examples --example at_least_once
//!
//! Look for: order 2 is done before the crash, and comes again since nobody said
//! so; the second time it is recognised. Order 3 is poison, and is put aside
//! after three attempts. The clock is tokio's paused one, so the times are exact.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::pattern::{Courier, Dedup, Delivery, Novelty};
use tidegate::prelude::*;
use tidegate::{ActorId, Backoff};

struct Order {
    number: u32,
    cents: u64,
}

// ANCHOR: till
/// Its memory of what was done outlives it: made beside the factory.
struct Till {
    done: Dedup<ActorId>,
}

impl Actor for Till {
    type Msg = Delivery<Order>;

    async fn handle(&mut self, order: Delivery<Order>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let what = format!("{:>3} ms  order {}, attempt {}", cx.now().as_millis(), order.number, order.attempt());
        match self.done.claim_delivery(&order) {
            Novelty::First(claim) => {
                if order.number == 3 {
                    println!("{what}: cannot be done");
                    return Err(Fault::msg("poison")); // dropped unacknowledged: comes again
                }
                println!("{what}: {} cents", order.cents);
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
async fn main() -> Result<(), Box<dyn Error>> {
    let system = System::new();
    let done = Dedup::new(64);
    let make = move || Till { done: done.clone() };
    let till = system.build(make).restart(Restart::on_failure().limit(10, Duration::from_secs(1))).spawn();
    // ANCHOR: courier
    let courier = Courier::to(&till)
        .attempts(3)
        .backoff(Backoff::exponential(Duration::from_millis(10), Duration::from_secs(1)))
        .spawn(&system);
    for (number, cents) in [(1, 250), (2, 990), (3, 0), (4, 120)] {
        courier.actor_ref().tell(Order { number, cents }).await?;
    }
    courier.actor_ref().drain();
    courier.actor_ref().stopped().await;
    // ANCHOR_END: courier
    let stats = courier.stats();
    println!("acknowledged {}, delivered again {}", stats.acked, stats.redelivered);
    for order in courier.quarantine().take() {
        println!("put aside: order {} after {} attempts", order.message.number, order.attempts);
    }
    Ok(())
}

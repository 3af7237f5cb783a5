//! Jobs with keys: in order, one at a time, and with the worker that knows them.
//!
//!     cargo run -p tidegate-examples --example sticky_keys
//!
//! Look for: a worker loads a customer into its cache before it works for them; with
//! keys it does so half as often, though one is killed and none idles for its cache.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::Backoff;
use tidegate::pattern::{Delivery, Workers, WorkersBuilder};
use tidegate::prelude::*;
use tokio::time::{Instant, sleep};

#[cfg(test)]
#[path = "../explored/sticky_keys.rs"]
mod explored;

struct Order {
    customer: u32,
    number: u32,
}

/// How many loads, and each customer's orders as they were done.
type Tally = Arc<Mutex<(u32, BTreeMap<u32, Vec<u32>>)>>;

struct Worker {
    cache: BTreeSet<u32>,
    tally: Tally,
}

impl Actor for Worker {
    type Msg = Delivery<Order>;

    async fn handle(&mut self, order: Delivery<Order>, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.cache.insert(order.customer) {
            self.tally.lock().unwrap().0 += 1;
            cx.sleep(Duration::from_millis(50)).await;
        }
        cx.sleep(Duration::from_millis(u64::from(1 + order.number % 7))).await;
        self.tally.lock().unwrap().1.entry(order.customer).or_default().push(order.number);
        order.ack();
        Ok(())
    }
}

fn hire(system: &System, workers: &Workers<Order>, tally: &Tally) -> ActorRef<Delivery<Order>> {
    let worker = system.spawn(Worker { cache: BTreeSet::new(), tally: tally.clone() }, Push::bounded(4));
    workers.join(&worker);
    worker
}

async fn run(name: &str, builder: WorkersBuilder<Order>) -> Result<(), SendError<Order>> {
    let (system, begun, tally) = (System::new(), Instant::now(), Tally::default());
    let soon = Backoff::exponential(Duration::from_millis(1), Duration::from_millis(9));
    let workers = builder.backoff(soon).mailbox(Push::bounded(1000)).spawn(&system);
    let [doomed, ..] = [0, 1, 2].map(|_| hire(&system, &workers, &tally));
    for n in 0..600 {
        workers.actor_ref().tell(Order { customer: n * 7 % 12, number: n / 12 }).await?;
    }
    sleep(Duration::from_millis(500)).await;
    doomed.kill();
    hire(&system, &workers, &tally);
    workers.actor_ref().drain();
    workers.actor_ref().stopped().await;
    let tally = tally.lock().unwrap();
    let in_order = tally.1.values().filter(|numbers| numbers.is_sorted()).count();
    println!("{name}: {} loads, {in_order:>2} of 12 customers in order, {:?}", tally.0, begun.elapsed());
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), SendError<Order>> {
    run("by turns ", Workers::builder()).await?;
    run("with keys", Workers::builder().keyed(|order: &Order| order.customer)).await
}

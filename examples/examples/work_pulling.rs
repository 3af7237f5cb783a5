//! Workers that share one mailbox: they come, go and die while there is work.
//!
//!     cargo run -p tidegate-examples --example work_pulling
//!
//! Look for: two workers are busy with a backlog of 60 jobs, and three more have
//! work in the moment they come, since nobody has taken jobs in advance. One is
//! killed in the middle of a job; another does it. The clock is tokio's paused
//! one, so the times are exact.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::Backoff;
use tidegate::pattern::{Delivery, Workers};
use tidegate::prelude::*;
use tokio::time::{Instant, sleep};

#[cfg(test)]
#[path = "../explored/work_pulling.rs"]
mod explored;

// ANCHOR: worker
struct Worker;

impl Actor for Worker {
    type Msg = Delivery<u32>;

    async fn handle(&mut self, job: Delivery<u32>, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(10)).await;
        job.ack(); // done, and ready for the next
        Ok(())
    }
}
// ANCHOR_END: worker

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let system = System::new();
    let begun = Instant::now();
    // ANCHOR: pull
    let backoff = Backoff::exponential(Duration::from_millis(1), Duration::from_millis(10));
    let workers = Workers::builder().mailbox(Push::bounded(100)).backoff(backoff).spawn(&system);
    let hire = || {
        let worker = system.spawn(Worker, Push::bounded(16));
        workers.join(&worker);
        worker
    };
    let first = hire();
    hire();
    for job in 0..60 {
        workers.actor_ref().tell(job).await?;
    }
    // ANCHOR_END: pull
    let report = |what: &str| {
        let (stats, waiting) = (workers.stats(), workers.actor_ref().len());
        println!(
            "{:>3} ms  {what}: {} workers hold {}, {} done, {waiting} wait",
            begun.elapsed().as_millis(),
            workers.len(),
            stats.out,
            stats.acked,
        );
    };
    sleep(Duration::from_millis(55)).await;
    report("two at work");
    (0..3).for_each(|_| drop(hire()));
    sleep(Duration::from_millis(1)).await;
    report("three more");
    first.kill();
    sleep(Duration::from_millis(1)).await;
    report("one killed");
    workers.actor_ref().drain();
    workers.actor_ref().stopped().await;
    report("drained");
    println!("given back and done by another: {}", workers.stats().redelivered);
    Ok(())
}

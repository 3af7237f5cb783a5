//! Three workers, and jobs of which every third takes five times as long.
//!
//!     cargo run -p tidegate-examples --example pool
//!
//! Look for: in turn, all the long jobs meet at one worker. By load they spread,
//! and it is done sooner. All twelve are handled although one of them fails: its
//! worker is begun anew with what was queued for it. A pool is resized while it
//! works.
//!
//! The clock is tokio's paused one, so the times are exact.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::pattern::{Pool, Routing};
use tidegate::prelude::*;
use tokio::time::{Instant, sleep};

#[cfg(test)]
#[path = "../explored/pool.rs"]
mod explored;

struct Job {
    takes: Duration,
    fails: bool,
}

struct Worker;

impl Actor for Worker {
    type Msg = Job;

    async fn handle(&mut self, job: Job, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(job.takes).await;
        if job.fails { Err(Fault::msg("a job that no worker can do")) } else { Ok(()) }
    }
}

fn job(n: u64) -> Job {
    let takes = Duration::from_millis(if n.is_multiple_of(3) { 50 } else { 10 });
    Job { takes, fails: n == 7 }
}

// ANCHOR: pool
fn pool(system: &System, routing: Routing<Job>) -> Pool<Job> {
    system.pool(3, || Worker).routing(routing).mailbox(Push::bounded(8)).restart(Restart::on_failure()).spawn()
}
// ANCHOR_END: pool

async fn run(what: &str, routing: Routing<Job>) -> Result<(), Box<dyn Error>> {
    let pool = pool(&System::new(), routing);
    let begun = Instant::now();
    for n in 0..12 {
        pool.tell(job(n)).await?;
        sleep(Duration::from_millis(10)).await;
    }
    let workers = pool.workers();
    pool.drain();
    pool.stopped().await;
    let handled: Vec<u64> = workers.iter().map(|worker| worker.stats().handled).collect();
    println!("{what}: {handled:?}, done after {} ms", begun.elapsed().as_millis());
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    run("in turn", Routing::round_robin()).await?;
    run("by load", Routing::least_loaded()).await?;

    let pool = pool(&System::new(), Routing::round_robin());
    pool.resize(8).await?;
    println!("resized: {} workers", pool.len());
    Ok(())
}

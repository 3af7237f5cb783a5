//! Two workers, one five times slower: dealing work out or letting them pull it.
//!
//!     cargo run -p tidegate-examples --example work_window
//!
//! Look for: dealt out in turn, half of the jobs end up behind the slow worker.
//! Pulled one by one, a job goes to whoever is free, and everything is done in
//! a third of the time, without anybody knowing who is slow.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::prelude::*;
use tokio::time::Instant;

#[cfg(test)]
#[path = "../explored/work_window.rs"]
mod explored;

struct Worker {
    takes: Duration,
}

impl Actor for Worker {
    type Msg = u32;

    async fn handle(&mut self, _job: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(self.takes).await;
        Ok(())
    }
}

fn workers(system: &System, mailbox: impl Into<Mailbox<u32>>) -> [ActorRef<u32>; 2] {
    let mailbox = mailbox.into();
    [10, 50].map(|ms| system.spawn(Worker { takes: Duration::from_millis(ms) }, mailbox.clone()))
}

async fn finish(what: &str, begun: Instant, [quick, slow]: [ActorRef<u32>; 2]) {
    quick.drain();
    slow.drain();
    let _ = (quick.stopped().await, slow.stopped().await);
    let (quick, slow) = (quick.stats().handled, slow.stats().handled);
    println!("{what}: quick {quick:>2}, slow {slow:>2}, done after {} ms", begun.elapsed().as_millis());
}

/// Push: whoever sends decides, and it does not know who is slow.
async fn deal_out(system: &System, jobs: u32) -> Result<[ActorRef<u32>; 2], SendError<u32>> {
    let workers = workers(system, Push::bounded(64));
    for job in 0..jobs {
        workers[job as usize % 2].tell(job).await?;
    }
    Ok(workers)
}

// ANCHOR: pull
/// Pull: a grant is there only when a worker has asked for a job.
async fn let_pull(system: &System, jobs: u32) -> Result<[ActorRef<u32>; 2], Box<dyn Error + Send + Sync>> {
    let [quick, slow] = workers(system, Pull::one_by_one());
    for job in 0..jobs {
        // `reserve` is cancel safe: the one that loses the race spends nothing.
        let permit = tokio::select! {
            biased;
            permit = quick.reserve() => permit?,
            permit = slow.reserve() => permit?,
        };
        permit.send(job)?;
    }
    Ok([quick, slow])
}
// ANCHOR_END: pull

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let begun = Instant::now();
    finish("dealt out in turn", begun, deal_out(&System::new(), 12).await?).await;
    let begun = Instant::now();
    finish("pulled one by one", begun, let_pull(&System::new(), 12).await?).await;
    Ok(())
}

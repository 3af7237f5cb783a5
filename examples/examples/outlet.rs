//! An actor that produces as it is asked, by a worker and one five times slower.
//!
//!     cargo run -p tidegate-examples --example outlet
//!
//! Look for: shared out by demand, the quick one gets most of the items and
//! nobody waits. Given everything, both go at the pace of the slow one, unless
//! that one may skip: then it misses items, and they are counted.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use tidegate::flow::{Demand, Demanded, Outlet};
use tidegate::pattern::Lag;
use tidegate::prelude::*;
use tokio::time::Instant;

#[cfg(test)]
#[path = "../explored/outlet.rs"]
mod explored;

/// Counts, but only as far as somebody wants to hear it.
struct Count {
    next: u32,
    end: u32,
    out: Outlet<u32>,
}

impl Actor for Count {
    type Msg = Demanded;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.out.announce(cx, |demanded| demanded);
        Ok(())
    }

    async fn handle(&mut self, _: Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
        while self.next < self.end && self.out.demand() > 0 {
            self.out.try_send(self.next)?;
            self.next += 1;
        }
        if self.next == self.end {
            self.out.complete();
        }
        Ok(())
    }
}

struct Worker(Duration);

impl Actor for Worker {
    type Msg = u32;

    async fn handle(&mut self, _: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(self.0).await;
        Ok(())
    }
}

async fn run(what: &str, out: Outlet<u32>, lag: Lag) {
    let (system, begun) = (System::new(), Instant::now());
    let workers = [10, 50].map(|ms| system.spawn(Worker(Duration::from_millis(ms)), Push::bounded(8)));
    let [quick, slow] =
        [0, 1].map(|i| system.subscribe(out.port().lag([Lag::Wait, lag][i]), &workers[i], Demand::window(2)));
    system.spawn(Count { next: 0, end: 24, out }, Push::bounded(1));
    let _ = (quick.ended().await, slow.ended().await);
    for worker in workers {
        worker.drain();
        worker.stopped().await;
    }
    let (quick, slow, took) = (quick.inspect(), slow.inspect(), begun.elapsed().as_millis());
    println!("{what}: quick {:>2}, slow {:>2}, skipped {:>2}, {took} ms", quick.sent, slow.sent, slow.skipped);
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    run("by demand         ", Outlet::new(), Lag::Wait).await;
    run("everything to both", Outlet::broadcast(), Lag::Wait).await;
    run("the slow one skips", Outlet::broadcast(), Lag::Skip).await;
}

//! Looking at a system while it runs: which actor holds it up?
//!
//!     cargo run -p tidegate-examples --example inspect
//!
//! Parsers feed an index over a mailbox of 4, and the index takes 10 ms for each
//! page. Look for: both parsers wait for room in `/index`, whose queue is full
//! and whose handler takes all the time; `/log` keeps the newest 2 lines and has
//! lost the others. The clock is paused, so the times are exact.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use tidegate::Deadlocks;
use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/inspect.rs"]
mod explored;

struct Index;

impl Actor for Index {
    type Msg = u32;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let newest = Push::bounded(2).overflow(Overflow::DropOldest);
        let log = cx.build_child(|| Log).named("log").mailbox(newest).spawn();
        for line in 0..5 {
            log.try_tell(line)?;
        }
        Ok(())
    }

    async fn handle(&mut self, _page: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(10)).await;
        Ok(())
    }
}

struct Log;

impl Actor for Log {
    type Msg = u32;

    async fn handle(&mut self, _line: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

struct Parser(ActorRef<u32>);

impl Actor for Parser {
    type Msg = u32;

    async fn handle(&mut self, page: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.tell(page).await?;
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // As debug builds do anyway: who waits for whom is written down.
    let system = System::builder().deadlocks(Deadlocks::watched()).build();
    let index = system.build(|| Index).named("index").mailbox(Push::bounded(4)).spawn();
    for name in ["parser-a", "parser-b"] {
        let to = index.clone();
        let parser = system.build(move || Parser(to.clone())).named(name).mailbox(Pull::window(8)).spawn();
        for page in 0..12 {
            parser.tell(page).await?;
        }
    }
    tokio::time::sleep(Duration::from_millis(45)).await;
    let seen = system.inspect();
    println!("{seen}\n");
    let slowest = seen.actors.iter().max_by_key(|actor| actor.mailbox.waiting_senders).ok_or("nobody lives")?;
    println!("{} holds {} up", slowest.path, slowest.mailbox.waiting_senders);
    Ok(())
}

//! Pull by hand: nothing arrives that the actor has not asked for.
//!
//!     cargo run -p tidegate-examples --example pull_by_hand
//!
//! Look for: the fourth row is refused for want of demand, not of room; and
//! the writer gets its rows in blocks of three, because it asks for three when
//! it has written three.
#![allow(clippy::print_stdout)]

use std::error::Error;

use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/pull_by_hand.rs"]
mod explored;

// ANCHOR: actor
#[derive(Default)]
struct Writer {
    block: Vec<u32>,
}

impl Actor for Writer {
    type Msg = u32;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.request(3);
        Ok(())
    }

    async fn handle(&mut self, row: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.block.push(row);
        if self.block.len() == 3 {
            println!("writer: wrote {:?}, asks for 3 more", self.block);
            self.block.clear();
            cx.request(3);
        }
        Ok(())
    }
}
// ANCHOR_END: actor

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let writer = System::new().spawn(Writer::default(), Pull::manual());
    println!("asked for before the writer has started: {}", writer.free());

    // On this one thread the writer starts when we let it.
    tokio::task::yield_now().await;
    println!("asked for: {}", writer.free());
    for row in 0..3 {
        println!("source: row {row}: {:?}", writer.try_tell(row)?);
    }
    match writer.try_tell(3) {
        Err(SendError::NoDemand(row)) => println!("source: row {row} comes back: nobody asked for it"),
        other => println!("source: {other:?}"),
    }

    // `tell` waits until there is demand: the writer sets the pace.
    for row in 3..9 {
        writer.tell(row).await?;
    }
    writer.drain();
    println!("writer: {}", writer.stopped().await);
    Ok(())
}

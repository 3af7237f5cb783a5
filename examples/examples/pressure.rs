//! A producer that slows down before anything is refused.
//!
//!     cargo run -p tidegate-examples --example pressure
//!
//! A sensor sends a full reading every 2 ms to an actor that takes 5 ms for it.
//! Look for: when pressure comes on it sends nothing until it is relieved, so
//! the queue never fills and not one reading is refused.
//!
//! The clock is tokio's paused one, so the times are exact.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::Level;
use tidegate::prelude::*;
use tokio::time::Instant;

#[cfg(test)]
#[path = "../explored/pressure.rs"]
mod explored;

struct Store;

impl Actor for Store {
    type Msg = u32;

    async fn handle(&mut self, _reading: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(5)).await;
        Ok(())
    }
}

// ANCHOR: producer
async fn produce(store: &ActorRef<u32>) -> Result<(), Box<dyn Error>> {
    let mut pressure = store.pressure();
    let begun = Instant::now();
    for reading in 0..30 {
        if pressure.level() == Level::Pressed {
            let (free, at) = (store.free(), begun.elapsed().as_millis());
            pressure.relieved().await;
            let paused = begun.elapsed().as_millis() - at;
            println!("{at:>3} ms: {free} free; paused for {paused} ms, until {} were", store.free());
        }
        store.tell(reading).await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}
// ANCHOR_END: producer

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    // Pressure when no more than 2 of 8 places are free, relief at 6.
    let marks = Watermarks::new(2, 6);
    let store = System::new().spawn(Store, Push::bounded(8).watermarks(marks).overflow(Overflow::Reject));
    produce(&store).await?;
    store.drain();
    store.stopped().await;
    let stats = store.stats();
    println!("{} handled, {} dropped, at most {} queued", stats.handled, stats.drops.total(), stats.high_water);
    Ok(())
}

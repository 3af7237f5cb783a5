//! The first actor: state, two messages, and a reference to it.
//!
//!     cargo run -p tidegate-examples --example hello
//!
//! Look for: the total is 5, and the second total is asked after the first, so
//! it is 15: messages of one sender are handled in the order they were sent.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/hello.rs"]
mod explored;

// ANCHOR: actor
#[derive(Default)]
struct Counter {
    total: u64,
}

#[actor]
impl Counter {
    /// Returns nothing, so it is told: the sender does not wait for it.
    #[message]
    async fn add(&mut self, n: u64) {
        self.total += n;
    }

    /// Returns a value, so it is asked: the sender waits for the answer.
    #[message]
    fn total(&self) -> u64 {
        self.total
    }
}
// ANCHOR_END: actor

// ANCHOR: main
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let system = System::new();
    let counter = system.spawn(Counter::default(), Push::bounded(1024));

    counter.add(2).await?;
    counter.add(3).await?;
    println!("total: {}", counter.total().await?);

    counter.add(10).await?;
    println!("total: {}", counter.total().await?);

    let report = system.shutdown(Duration::from_secs(1)).await;
    println!("shut down: {report}");
    Ok(())
}
// ANCHOR_END: main

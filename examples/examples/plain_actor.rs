//! The same counter without the macro: one enum, one `match`.
//!
//!     cargo run -p tidegate-examples --example plain_actor
//!
//! Look for: a question that nobody answers ends in `NoReply` at once, not in a
//! wait; an error in a handler ends the actor and never reaches the sender.
#![allow(clippy::print_stdout)]

use std::error::Error;

use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/plain_actor.rs"]
mod explored;

// ANCHOR: actor
#[derive(Default)]
struct Counter {
    total: u64,
}

enum Msg {
    Add(u64),
    Total(Reply<u64>),
    /// A question about something that the counter does not keep.
    Average(Reply<u64>),
    Parse(String),
}

impl Actor for Counter {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Add(n) => self.total += n,
            // The asker may have given up; then the answer comes back.
            Msg::Total(reply) => drop(reply.send(self.total)),
            // Dropped without an answer: the asker is told.
            Msg::Average(_reply) => {}
            // `?` turns any error into a `Fault`.
            Msg::Parse(text) => self.total += text.parse::<u64>()?,
        }
        Ok(())
    }
}
// ANCHOR_END: actor

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let counter = System::new().spawn(Counter::default(), Push::bounded(16));

    counter.tell(Msg::Add(2)).await?;
    println!("total: {}", counter.ask(Msg::Total).await?);
    println!("average: {:?}", counter.ask(Msg::Average).await);

    counter.tell(Msg::Parse("40".to_owned())).await?;
    println!("total: {}", counter.ask(Msg::Total).await?);

    counter.tell(Msg::Parse("seven".to_owned())).await?;
    println!("ended: {}", counter.stopped().await);
    println!("add: {}", counter.tell(Msg::Add(1)).await.expect_err("nobody is there"));
    Ok(())
}

//! One publisher, three subscribers: one keeps up, one is slow, one is waited for.
//!
//!     cargo run -p tidegate-examples --example topic
//!
//! Look for: the phone is slow and misses prices, which are counted and of which
//! it is told; nobody else notices. The ledger is slow too and misses nothing,
//! since it asked to be waited for, and the publisher is willing to.
//!
//! The clock is tokio's paused one, so what is missed is exact.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use tidegate::DropReason;
use tidegate::pattern::{Lag, Lagged, Topic};
use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/topic.rs"]
mod explored;

struct Screen {
    name: &'static str,
    takes: Duration,
    shown: Vec<u32>,
}

enum Msg {
    Price(u32),
    Lagged(Lagged),
}

impl Actor for Screen {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Price(price) => {
                self.shown.push(price);
                cx.sleep(self.takes).await;
            }
            Msg::Lagged(lagged) => println!("{}: missed {}", self.name, lagged.take()),
        }
        Ok(())
    }

    async fn stopped(&mut self, _: &StopReason, _: &mut Context<Self>) {
        println!("{}: {:?}", self.name, self.shown);
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let system = System::new();
    let screen = |name, ms| {
        let screen = Screen { name, takes: Duration::from_millis(ms), shown: Vec::new() };
        system.spawn(screen, Push::bounded(2))
    };
    let (wall, phone, ledger) = (screen("wall", 0), screen("phone", 90), screen("ledger", 20));

    // ANCHOR: subscribe
    let prices = Topic::new();
    prices.subscribe(&wall.map(Msg::Price), Lag::Skip).until_stopped();
    prices.subscribe(&ledger.map(Msg::Price), Lag::Wait).until_stopped();
    let subscription = prices.subscribe(&phone.map(Msg::Price), Lag::Skip).notify(&phone.map(Msg::Lagged));
    // ANCHOR_END: subscribe
    for price in 100..108 {
        prices.publish_waiting(price).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let missed = system.dead_letters().counts().of(DropReason::Lagged);
    println!("phone: {} reached it, {} did not; {missed} dead letters", subscription.reached(), subscription.skipped());
    let _ = system.shutdown(Duration::from_secs(1)).await;
    Ok(())
}

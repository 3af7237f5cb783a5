//! A store that says "there is news", and a biller that fetches when it wants.
//!
//!     cargo run -p tidegate-examples --example notify_then_fetch
//!
//! Look for: of twelve notices four arrive, twice and late, and every invoice is
//! written once. A hundred orders at once are one notice and pages of as many as
//! fit. A biller that begins anew goes on from its cursor. The clock is paused.
#![allow(clippy::print_stdout)]

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tidegate::flow::news::{Follow, Log, News, Notices, follow, notices};
use tidegate::flow::{Demand, Subscription};
use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/notify_then_fetch.rs"]
mod explored;

type Order = News<Arc<String>>;

struct Biller {
    cursor: Arc<AtomicU64>,
    written: u64,
}

impl Actor for Biller {
    type Msg = Order;

    async fn handle(&mut self, news: Order, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(5)).await;
        self.cursor.store(news.cursor(), Relaxed); // on a disk, in earnest
        self.written += 1;
        Ok(())
    }

    async fn stopped(&mut self, _: &StopReason, _: &mut Context<Self>) {
        println!("biller: {} written, cursor {}", self.written, self.cursor.load(Relaxed));
    }
}

// ANCHOR: follow
fn bill(system: &System, orders: &Log<String>, heard: &Notices, biller: &ActorRef<Order>, from: u64) -> Subscription {
    let log = orders.clone();
    let store = move |cursor, n: NonZeroU64| {
        let page = log.fetch(cursor, n); // elsewhere: a request over HTTP
        let page = page.inspect(|page| println!("fetch {cursor}, at most {n}: {} orders", page.items.len()));
        async move { Ok(page?) }
    };
    let settings = Follow::at(from).poll_every(Duration::from_secs(60));
    system.subscribe(follow(store, heard.clone(), settings), biller, Demand::window(16))
}
// ANCHOR_END: follow

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (system, orders, cursor) = (System::new(), Log::retaining(1000), Arc::new(AtomicU64::new(0)));
    let (notifier, heard) = notices();
    for orders_now in [12, 100] {
        let biller = system.spawn(Biller { cursor: Arc::clone(&cursor), written: 0 }, Push::bounded(16));
        let subscription = bill(&system, &orders, &heard, &biller, cursor.load(Relaxed));
        tokio::time::sleep(Duration::from_millis(1)).await;
        for n in 0..orders_now {
            let number = orders.append(format!("order {n}"))?;
            if number % 3 == 2 {
                notifier.notify(number + 1);
                notifier.notify(number - 1); // a late one
            }
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(subscription);
        biller.drain();
        biller.stopped().await;
    }
    Ok(())
}

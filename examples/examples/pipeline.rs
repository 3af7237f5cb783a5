//! Demand through a pipeline: a slow last step holds back the first.
//!
//!     cargo run -p tidegate-examples --example pipeline
//!
//! Readings are calibrated in 1 ms each, checked, put together by eight, and stored
//! in 100 ms a batch. Look for: the source is read as far as the windows allow and
//! no further; the last hop sets the pace of all; and a spoilt reading costs its
//! stage a life, and nobody else anything.
//!
//! The clock is tokio's paused one, so the times are exact.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tidegate::flow::stage::{self, Prefetch};
use tidegate::flow::{Conversion, source};
use tidegate::prelude::*;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let read = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&read);
    let readings = source::iter((0..200_u64).inspect(move |_| {
        counter.fetch_add(1, Relaxed);
    }));

    // ANCHOR: pipeline
    let system = System::new();
    let calibrate = stage::map(|reading: u64| async move {
        sleep(Duration::from_millis(1)).await;
        if reading == 77 { Err(Fault::msg("spoilt")) } else { Ok(reading * 10) }
    });
    let plausible = stage::filter_map(|value: u64| async move { Ok((value < 1_900).then_some(value)) });
    let store = stage::for_each(|batch: Vec<u64>| async move {
        sleep(Duration::from_millis(100)).await;
        if batch.len() < 8 {
            println!("the last batch has {}: {} to {}", batch.len(), batch[0], batch[batch.len() - 1]);
        }
        Ok(())
    });

    let calibrated = system
        .stage(readings, calibrate, Prefetch::window(8))
        .named("calibrate")
        .restart(Restart::on_failure())
        .spawn();
    let checked = system.stage(calibrated, plausible, Prefetch::window(4)).named("check").spawn();
    // Asks for what is wanted of it: 8 for each batch, and none ahead.
    let batches =
        system.stage(checked, stage::batch(8, None), Prefetch::none(Conversion::batch(8))).named("batch").spawn();
    let storing = system.consume(batches, store, 2).named("store").spawn();
    // ANCHOR_END: pipeline

    sleep(Duration::from_millis(250)).await;
    println!("after 250 ms {} are read, and 2 batches stored:", read.load(Relaxed));
    for flow in &system.inspect().flows[1..] {
        println!("  {} -> {}: {} sent, demand {}", flow.source, flow.target, flow.sent, flow.demand().unwrap_or(0));
    }
    let end = storing.ended().await;
    println!("{end}: {} read", read.load(Relaxed));
    Ok(())
}

//! Demand through a pipeline: a slow last step holds back the first.
//!
//!     cargo run -p tidegate-examples --example pipeline
//!
//! Readings are calibrated in 1 ms each, checked, put together by eight, and stored
//! in 100 ms a batch. Look for: the source is read as far as the windows allow and
//! no further; the last hop sets the pace of all; and a spoilt reading costs its
//! stage a life, and nobody else anything.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tidegate::flow::stage::{self, Prefetch, Running};
use tidegate::flow::{Conversion, Source, source};
use tidegate::prelude::*;

#[cfg(test)]
#[path = "../explored/pipeline.rs"]
mod explored;

// ANCHOR: pipeline
/// The clock is an argument: stages have none of their own.
fn pipeline<S: Future<Output = ()> + Send + 'static>(
    system: &System,
    readings: impl Source<Item = u64>,
    sleep: impl Fn(Duration) -> S + Clone + Send + 'static,
    stored: impl Fn(Vec<u64>) + Clone + Send + 'static,
) -> Running<std::convert::Infallible> {
    let clock = sleep.clone();
    let calibrate = stage::map(move |reading: u64| {
        let working = clock(Duration::from_millis(1));
        async move {
            working.await;
            if reading == 77 { Err(Fault::msg("spoilt")) } else { Ok(reading * 10) }
        }
    });
    let plausible = stage::filter_map(|value: u64| async move { Ok((value < 1_900).then_some(value)) });
    let store = stage::for_each(move |batch: Vec<u64>| {
        let (working, stored) = (sleep(Duration::from_millis(100)), stored.clone());
        async move {
            working.await;
            stored(batch);
            Ok(())
        }
    });
    let calibrated = system.stage(readings, calibrate, Prefetch::window(8)).restart(Restart::on_failure());
    let calibrated = calibrated.named("calibrate").spawn();
    let checked = system.stage(calibrated, plausible, Prefetch::window(4)).named("check").spawn();
    // Asks for what is wanted of it: 8 for each batch, and none ahead.
    let batches =
        system.stage(checked, stage::batch(8, None), Prefetch::none(Conversion::batch(8))).named("batch").spawn();
    system.consume(batches, store, 2).named("store").spawn()
}
// ANCHOR_END: pipeline

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let read = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&read);
    let readings = source::iter((0..200_u64).inspect(move |_| {
        counter.fetch_add(1, Relaxed);
    }));

    let system = System::new();
    let storing = pipeline(&system, readings, tokio::time::sleep, |batch| {
        if batch.len() < 8 {
            println!("the last batch has {}: {} to {}", batch.len(), batch[0], batch[batch.len() - 1]);
        }
    });
    tokio::time::sleep(Duration::from_millis(250)).await;
    println!("after 250 ms {} are read, and 2 batches stored:", read.load(Relaxed));
    for flow in &system.inspect().flows[1..] {
        println!("  {} -> {}: {} sent, demand {}", flow.source, flow.target, flow.sent, flow.demand().unwrap_or(0));
    }
    println!("{}: {} read", storing.ended().await, read.load(Relaxed));
    Ok(())
}

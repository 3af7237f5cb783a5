//! A pipeline of three that begins anew together, and gives up in the end.
//!
//!     cargo run -p tidegate-examples --example supervision
//!
//! Look for: `parse` fails, `write` behind it begins anew with it, `read` before it
//! does not. At the third failure the parent fails in its stead.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Backoff, ManualExecutor, Supervision};

#[cfg(test)]
#[path = "../explored/supervision.rs"]
mod explored;

/// Parses what it gets, and fails at what it cannot parse.
struct Stage(&'static str);

impl Actor for Stage {
    type Msg = &'static str;

    async fn started(&mut self, _cx: &mut Context<Self>) -> Result<(), Fault> {
        println!("  {} begins", self.0);
        Ok(())
    }

    async fn handle(&mut self, text: &'static str, _cx: &mut Context<Self>) -> Result<(), Fault> {
        let number: u32 = text.parse()?;
        println!("  {} has {number}", self.0);
        Ok(())
    }
}

struct Pipeline;

impl Actor for Pipeline {
    type Msg = &'static str;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let restart = Restart::on_failure()
            .limit(2, Duration::from_secs(60))
            .backoff(Backoff::exponential(Duration::from_millis(100), Duration::from_secs(1)));
        for name in ["read", "parse", "write"] {
            cx.build_child(move || Stage(name)).named(name).registered(name).restart(restart).spawn();
        }
        Ok(())
    }

    async fn handle(&mut self, _: &'static str, _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let pipeline = system.build(|| Pipeline).named("pipeline").supervision(Supervision::RestForOne).spawn();
    executor.run_until_idle();

    let parse = system.lookup::<&'static str>("parse")?;
    for text in ["1", "two", "3", "four", "five"] {
        println!("{text}");
        parse.try_tell(text)?;
        executor.advance(Duration::from_millis(500));
    }
    let reason = pipeline.stop_reason().ok_or("it lives")?;
    println!("{} {reason}", pipeline.path());
    Ok(())
}

//! Messages that come too early are put aside until they can be handled.
//!
//!     cargo run -p tidegate-examples --example stash
//!
//! Look for: four deposits that come before the account has been read wait in the
//! stash and are handled then, in order; the fifth finds it full, and is told so.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{ManualExecutor, StashFull};

#[cfg(test)]
#[path = "../explored/stash.rs"]
mod explored;

// ANCHOR: actor
enum Msg {
    /// What the store has found.
    Read(u64),
    Deposit(u64, Reply<Result<u64, &'static str>>),
}

/// Knows its balance only once it has been read.
#[derive(Default)]
struct Account {
    balance: Option<u64>,
}

impl Actor for Account {
    type Msg = Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.send_after(Duration::from_millis(50), Msg::Read(100)); // a store that takes its time
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match (msg, &mut self.balance) {
            (Msg::Read(found), balance) => {
                *balance = Some(found);
                cx.unstash_all();
            }
            (Msg::Deposit(n, reply), Some(balance)) => {
                *balance += n;
                let _ = reply.send(Ok(*balance));
            }
            (early, None) => {
                if let Err(StashFull(Msg::Deposit(_, reply))) = cx.stash(early) {
                    let _ = reply.send(Err("come back later"));
                }
            }
        }
        Ok(())
    }
}
// ANCHOR_END: actor

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    // Room for four messages, and so for four in the stash.
    let account = system.spawn(Account::default(), Push::bounded(4));
    let deposits = [1, 2, 3, 4, 5].map(|n| {
        let (reply, answer) = Reply::channel();
        account.try_tell(Msg::Deposit(n, reply)).expect("one at a time there is room");
        executor.run_until_idle();
        (n, answer)
    });
    let was = account.stats();
    println!("before it was read: {} put aside, {} handled, room for {}", was.stashed, was.handled, was.free);
    executor.advance(Duration::from_millis(50));
    println!("afterwards: {} put aside", account.stats().stashed);
    for (n, answer) in deposits {
        println!("deposit {n}: {:?}", executor.block_on(answer).ok_or("no answer")?);
    }
    Ok(())
}

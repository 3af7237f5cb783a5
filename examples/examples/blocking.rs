//! Code that blocks: an actor with a thread of its own, and a plain thread that
//! sends to actors.
//!
//!     cargo run -p tidegate-examples --example blocking
//!
//! Look for: the reader blocks until there is a line, and the runtime, which has
//! this one thread only, goes on and writes that line.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::thread;

use tidegate::prelude::*;

// ANCHOR: reader
/// Reads lines, by calls that block their thread.
struct Reader {
    from: BufReader<PipeReader>,
}

#[actor]
impl Reader {
    /// The next line, and the thread that waited for it.
    #[message]
    fn line(&mut self) -> std::io::Result<(String, Option<String>)> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok((line.trim().to_owned(), thread::current().name().map(str::to_owned)))
    }
}
// ANCHOR_END: reader

struct Sum(u64);

#[actor]
impl Sum {
    /// The sum so far.
    #[message]
    fn add(&mut self, n: u64) -> u64 {
        self.0 += n;
        self.0
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let system = System::new();

    // ANCHOR: on_thread
    let (from, mut to) = std::io::pipe()?;
    let open = move || Ok(Reader { from: BufReader::new(from.try_clone()?) });
    let reader = system.try_build(open).named("reader").on_thread().spawn();

    for line in ["ebb", "flood"] {
        let (read, ()) = tokio::join!(reader.line(), async {
            println!("runtime: writes a line while the reader blocks");
            to.write_all(format!("{line}\n").as_bytes()).expect("the pipe is open");
        });
        let (line, thread) = read??;
        println!("reader: got `{line}` on the thread {}", thread.unwrap_or_default());
    }
    // ANCHOR_END: on_thread

    // ANCHOR: plain
    let sum = system.spawn(Sum(0), Push::bounded(2));
    let (done, total) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        let sums = (1..=100).map(|n| sum.blocking_ask(|reply| SumMsg::Add { n, reply }));
        done.send(sums.reduce(|_, last| last))
    });
    // ANCHOR_END: plain
    println!("plain thread: the sum is {}", total.await?.transpose()?.unwrap_or_default());
    println!("{}", system.shutdown(std::time::Duration::from_secs(5)).await);
    Ok(())
}

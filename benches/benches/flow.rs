//! What a stage of a pipeline costs, held against a plain `tell`.
//!
//! The same two actors with the same mailboxes of 256, and the same handlers but
//! for one line: `self.out.send(n).await` in place of `self.to.tell(n).await`.
//! Runs of both alternate within one process, so that a busy spell of the
//! machine falls on both; what is printed is the ratio of the medians, and the
//! least and greatest ratio of two neighbouring runs.
//!
//! The chains are longer by one kind of actor: a relay that tells, or a stage of
//! `System::stage`. What one more stage costs, held against one more relay, is the
//! difference of two chains.
//!
//! ```text
//! cargo bench -p tidegate-benches --bench flow
//! valgrind --tool=callgrind target/release/deps/flow-* --once burst outlet 1000000
//! valgrind --tool=callgrind target/release/deps/flow-* --chain 5 stage 100000
//! ```
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use tidegate::flow::stage::{self, Prefetch};
use tidegate::flow::{Demand, Outlet};
use tidegate::{Actor, ActorRef, Context, Fault, Push, System};
use tidegate_benches::{on, runtime};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const WINDOW: usize = 256;
const ITEMS: u64 = 400_000;
const ROUNDS: usize = 41;

/// How items leave the first actor.
enum Out {
    Tell(ActorRef<u64>),
    Outlet(Outlet<u64>),
}

/// Passes on what it gets: one message, one item.
struct Relay<const OUTLET: bool>(Out);

impl Actor for Relay<false> {
    type Msg = u64;
    async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        let Out::Tell(to) = &self.0 else { return Ok(()) };
        assert!(to.tell(n).await.is_ok());
        Ok(())
    }
}

impl Actor for Relay<true> {
    type Msg = u64;
    async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        let Out::Outlet(out) = &mut self.0 else { return Ok(()) };
        assert!(out.send(n).await.is_ok());
        Ok(())
    }
}

/// Sends as many items as it is told, in one handler: nothing but the hop.
struct Burst<const OUTLET: bool>(Out);

impl Actor for Burst<false> {
    type Msg = u64;
    async fn handle(&mut self, items: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        let Out::Tell(to) = &self.0 else { return Ok(()) };
        for n in 0..items {
            assert!(to.tell(n).await.is_ok());
        }
        Ok(())
    }
}

impl Actor for Burst<true> {
    type Msg = u64;
    async fn handle(&mut self, items: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        let Out::Outlet(out) = &mut self.0 else { return Ok(()) };
        for n in 0..items {
            assert!(out.send(n).await.is_ok());
        }
        Ok(())
    }
}

struct Sum {
    sum: u64,
    left: u64,
    done: Option<oneshot::Sender<u64>>,
}

impl Actor for Sum {
    type Msg = u64;
    async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        self.sum += n;
        self.left -= 1;
        if self.left == 0
            && let Some(done) = self.done.take()
        {
            let _ = done.send(self.sum);
        }
        Ok(())
    }
}

/// One run: from the first item to the last one handled.
async fn hop<F: Actor<Msg = u64>>(first: fn(Out) -> F, outlet: bool, burst: bool, items: u64) -> Duration {
    let system = System::new();
    let (done, finished) = oneshot::channel();
    let sum = system.spawn(Sum { sum: 0, left: items, done: Some(done) }, Push::bounded(WINDOW));
    let mut subscription = None;
    let out = if outlet {
        let outlet = Outlet::new();
        subscription = Some(system.subscribe(outlet.port(), &sum, Demand::window(WINDOW)));
        Out::Outlet(outlet)
    } else {
        Out::Tell(sum)
    };
    let first = system.spawn(first(out), Push::bounded(WINDOW));
    let begin = Instant::now();
    if burst {
        assert!(first.tell(items).await.is_ok());
    } else {
        for n in 0..items {
            assert!(first.tell(n).await.is_ok());
        }
    }
    assert_eq!(finished.await, Ok(items * (items - 1) / 2));
    let elapsed = begin.elapsed();
    drop(subscription);
    elapsed
}

/// One run of a burst through so many hops: relays that tell, or stages.
async fn chain(stages: bool, hops: usize, items: u64) -> Duration {
    let system = System::new();
    let (done, finished) = oneshot::channel();
    let sum = system.spawn(Sum { sum: 0, left: items, done: Some(done) }, Push::bounded(WINDOW));
    let mut subscription = None;
    let first = if stages {
        let outlet = Outlet::new();
        let window = Prefetch::window(WINDOW);
        let mut last = None;
        for _ in 0..hops {
            let map = stage::map(|n: u64| async move { Ok(n) });
            last = Some(match last {
                None => system.stage(outlet.port(), map, window).spawn(),
                Some(before) => system.stage(before, map, window).spawn(),
            });
        }
        subscription = last.map(|last| system.subscribe(last, &sum, Demand::window(WINDOW)));
        assert!(subscription.is_some(), "at least one hop");
        system.spawn(Burst::<true>(Out::Outlet(outlet)), Push::bounded(WINDOW))
    } else {
        let mut to = sum;
        for _ in 0..hops {
            to = system.spawn(Relay::<false>(Out::Tell(to)), Push::bounded(WINDOW));
        }
        system.spawn(Burst::<false>(Out::Tell(to)), Push::bounded(WINDOW))
    };
    let begin = Instant::now();
    assert!(first.tell(items).await.is_ok());
    assert_eq!(finished.await, Ok(items * (items - 1) / 2));
    let elapsed = begin.elapsed();
    drop(subscription);
    elapsed
}

fn run(runtime: &Runtime, outlet: bool, burst: bool, items: u64) -> Duration {
    on(runtime, async move {
        match (outlet, burst) {
            (false, false) => hop(Relay::<false>, outlet, burst, items).await,
            (true, false) => hop(Relay::<true>, outlet, burst, items).await,
            (false, true) => hop(Burst::<false>, outlet, burst, items).await,
            (true, true) => hop(Burst::<true>, outlet, burst, items).await,
        }
    })
}

fn median(sorted: &mut [f64]) -> f64 {
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn compare(name: &str, runtime: &Runtime, burst: bool) {
    let nanos = |outlet| run(runtime, outlet, burst, ITEMS).as_secs_f64() * 1e9 / ITEMS as f64;
    let (mut tells, mut sends, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // In turn who begins; the first round warms up.
        let (tell, send) = if round % 2 == 0 {
            let tell = nanos(false);
            (tell, nanos(true))
        } else {
            let send = nanos(true);
            (nanos(false), send)
        };
        if round > 0 {
            tells.push(tell);
            sends.push(send);
            ratios.push(send / tell);
        }
    }
    let (tell, send) = (median(&mut tells), median(&mut sends));
    median(&mut ratios);
    println!(
        "{name:<28} tell {tell:6.1} ns   outlet {send:6.1} ns   {:.2} of it ({:.2} to {:.2})",
        send / tell,
        ratios[0],
        ratios[ratios.len() - 1]
    );
}

/// What one more hop costs: the difference of a long chain and a short one.
fn compare_hops(runtime: &Runtime) {
    const SHORT: usize = 1;
    const LONG: usize = 5;
    let once = |stages, hops| on(runtime, chain(stages, hops, ITEMS)).as_secs_f64() * 1e9 / ITEMS as f64;
    let hop = |stages| (once(stages, LONG) - once(stages, SHORT)) / (LONG - SHORT) as f64;
    let (mut tells, mut stages) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS / 2 {
        tells.push(hop(false));
        stages.push(hop(true));
    }
    let (tell, stage) = (median(&mut tells), median(&mut stages));
    println!(
        "{:<28} tell {tell:6.1} ns   stage  {stage:6.1} ns   {:.2} of it",
        "one more hop, one thread",
        stage / tell
    );
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let one = Builder::new_current_thread().enable_all().build().expect("a tokio runtime");
    if let Some(at) = args.iter().position(|arg| arg == "--once") {
        let [what, how, items] = &args[at + 1..at + 4] else { panic!("--once burst|relay tell|outlet ITEMS") };
        run(&one, how == "outlet", what == "burst", items.parse().expect("a number"));
        return;
    }
    if let Some(at) = args.iter().position(|arg| arg == "--chain") {
        let [hops, how, items] = &args[at + 1..at + 4] else { panic!("--chain HOPS tell|stage ITEMS") };
        let (hops, items) = (hops.parse().expect("a number"), items.parse().expect("a number"));
        on(&one, chain(how == "stage", hops, items));
        return;
    }
    compare_hops(&one);
    compare("a burst, one thread", &one, true);
    compare("one for one, one thread", &one, false);
    let two = runtime();
    compare("a burst, two threads", &two, true);
    compare("one for one, two threads", &two, false);
}

//! Looks whether steps touch what they should, and nothing else.

use std::future::Future;
use std::sync::Arc;

use super::executor::SimExecutor;
use super::explorer::{Explorer, Strategy};
use super::run::{Chooser, Limits};
use super::sim::Sim;
use super::strategy::{Replay, Search};
use super::trace::{End, Trace};
use crate::prelude::*;
use crate::sync::shim::Mutex;

/// One run, with what its steps touch.
fn run_once<F, Fut>(choices: Vec<u32>, telling: bool, body: F) -> Trace
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let executor = SimExecutor::new();
    let mut replay = Replay::new(choices);
    assert!(replay.begin());
    let chooser: Chooser = Arc::new(Mutex::untouched(Box::new(replay)));
    let limits = Limits { steps: 10_000, touching: true, telling };
    Explorer::new(Strategy::Exhaustive).once(&executor, &chooser, &body, limits);
    let trace = executor.0.state.lock().trace.clone();
    trace
}

/// Whether two events touch so that their order matters.
fn conflict(trace: &Trace, a: usize, b: usize) -> bool {
    trace.touched(a).iter().any(|x| trace.touched(b).iter().any(|y| x.conflicts(*y)))
}

fn name(trace: &Trace, event: usize) -> &str {
    let task = trace.events[event].task;
    trace.tasks.iter().find(|info| info.id == task).map_or("the clock", |info| info.name.as_str())
}

fn print(trace: &Trace) {
    for (at, event) in trace.events.iter().enumerate() {
        let touched: Vec<String> = trace
            .touched(at)
            .iter()
            .map(|touch| format!("{:?} {}.{}", touch.access, touch.object.0 >> 24, touch.object.0 & 0xff_ffff))
            .collect();
        println!("{at} {} {:?}: {}", name(trace, at), event.kind, touched.join(", "));
        for note in trace.notes(at) {
            println!("    {note:?}");
        }
    }
}

enum Msg {
    Get(Reply<u64>),
    Add(u64),
}

struct Sum(u64);

impl Actor for Sum {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Get(reply) => drop(reply.send(self.0)),
            Msg::Add(n) => self.0 += n,
        }
        Ok(())
    }
}

async fn pairs(sim: Sim) {
    let clients: Vec<_> = (0..3)
        .map(|n| {
            let sum = sim.system().build(|| Sum(0)).named(format!("{n}-server")).spawn();
            sim.spawn(&format!("{n}-client"), async move {
                sum.tell(Msg::Add(2)).await.unwrap();
                assert_eq!(sum.ask(Msg::Get).await.unwrap(), 2);
            })
        })
        .collect();
    for client in clients {
        client.await;
    }
}

#[test]
fn three_pairs_have_nothing_to_do_with_each_other() {
    let trace = run_once(Vec::new(), true, pairs);
    print(&trace);
    assert_eq!(trace.end, End::Done);
    let digit = |event| name(&trace, event).chars().find(char::is_ascii_digit);
    for a in 0..trace.events.len() {
        for b in 0..a {
            if let (Some(x), Some(y)) = (digit(a), digit(b))
                && x != y
            {
                assert!(!conflict(&trace, a, b), "{a} ({}) and {b} ({})", name(&trace, a), name(&trace, b));
            }
        }
    }
}

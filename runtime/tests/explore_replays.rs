//! A schedule that was found in one process shows the same in another: whatever hashes keys, keeps sets and
//! makes numbers in the runtime does it the same way there.
#![cfg(feature = "explore")]
#![allow(clippy::print_stdout)]

use std::process::Command;

use tidegate::explore::{Explorer, Finding, Shared, Sim, Strategy};
use tidegate::pattern::{Dedup, Delivery, Novelty, Router, Routing, Workers};
use tidegate::prelude::*;

/// Who did what.
type Log = Shared<Vec<String>>;

/// An item of work, by its key.
#[derive(Clone)]
struct Item(&'static str, u64);

/// Writes down what it gets, with what is by chance.
struct Worker {
    log: Log,
    seen: Dedup<&'static str>,
}

impl Worker {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), seen: Dedup::new(4) }
    }

    fn take(&self, Item(key, n): &Item, who: &str, chance: u64) {
        let is_new = matches!(self.seen.claim(key, *n), Novelty::First(_));
        self.log.with(|log| log.push(format!("{who}: {key} {n} {is_new} {chance}")));
    }
}

impl Actor for Worker {
    type Msg = Item;
    async fn handle(&mut self, item: Item, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.take(&item, cx.path().as_str(), cx.random() % 1_000);
        Ok(())
    }
}

/// The same, and has to say that it is done.
struct Careful(Worker);

impl Actor for Careful {
    type Msg = Delivery<Item>;
    async fn handle(&mut self, job: Delivery<Item>, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.0.take(job.message(), cx.path().as_str(), cx.random() % 1_000);
        job.ack();
        Ok(())
    }
}

const KEYS: [&str; 4] = ["ann", "bob", "cy", "dee"];

/// Work for a pool by its keys' hashes, for two of a group by chance, and for workers that keep the order of each key.
async fn work(sim: Sim) {
    let log = Log::default();
    let made = log.clone();
    let routing = Routing::consistent_hash(|item: &Item| item.0);
    let pool = sim.system().pool(3, move || Worker::new(&made)).named("pool").routing(routing).spawn();
    let others = ["one", "other"].map(|name| {
        let made = log.clone();
        sim.system().build(move || Worker::new(&made)).named(name).spawn()
    });
    let chance = Router::new(others.to_vec(), Routing::random());
    let workers = Workers::builder().keyed(|item: &Item| item.0).affinity(2).spawn(sim.system());
    for name in ["w1", "w2"] {
        let made = log.clone();
        let worker = sim.system().build(move || Careful(Worker::new(&made))).named(name).spawn();
        workers.join(&worker);
    }
    let clients: Vec<_> = (KEYS.iter().enumerate())
        .map(|(n, key)| {
            let (pool, chance, jobs) = (pool.clone(), chance.clone(), workers.actor_ref().clone());
            sim.spawn(&format!("client-{key}"), async move {
                let n = n as u64;
                pool.try_tell(Item(key, n)).unwrap();
                jobs.tell(Item(key, n)).await.unwrap();
                chance.try_tell(Item(key, n)).unwrap();
            })
        })
        .collect();
    for client in clients {
        client.await;
    }
    sim.settled().await;
    let log = log.get();
    let place = |key: &str| log.iter().position(|line| line.contains(key));
    assert!(place("dee") > place("ann"), "{}", log.join(", "));
}

fn explorer() -> Explorer {
    Explorer::new(Strategy::Random { schedules: 1_000, seed: 5 }).seed(3)
}

/// All that is said of it, but for how long it took.
fn told(finding: &Finding) -> String {
    format!("{}\n{}\n{}\n{:?}", finding.failure, finding.schedule, finding.chart, finding.races)
}

const BEGIN: &str = "-- begin\n";
const END: &str = "\n-- end";

/// What another process does: nothing if it is not told what.
#[test]
fn elsewhere() {
    let Ok(schedule) = std::env::var("TIDEGATE_TEST_REPLAYS") else { return };
    let explorer = explorer().strategy(Strategy::Replay(schedule.parse().unwrap()));
    let finding = explorer.run(work).finding.expect("it is found again");
    println!("{BEGIN}{}{END}", told(&finding));
}

#[test]
fn what_was_found_here_is_found_elsewhere() {
    let found = explorer().run(work).finding.expect("the last may be first");
    for place in ["/pool/", "/one", "/w"] {
        assert!(found.failure.to_string().contains(place), "{place} has worked: {}", found.failure);
    }
    for _ in 0..3 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "elsewhere", "--nocapture"]).env_remove("RUST_BACKTRACE");
        let done = command.env("TIDEGATE_TEST_REPLAYS", found.schedule.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let there = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(there, _)| there);
        assert_eq!(there, Some(told(&found).as_str()), "{text}");
    }
}

/// The whole search is the same as well.
#[test]
fn a_search_here_is_a_search_elsewhere() {
    let all = |explorer: Explorer| {
        let (report, outcomes) = explorer.outcomes(|sim| async move {
            let log = Log::default();
            let made = log.clone();
            let routing = Routing::consistent_hash(|item: &Item| item.0);
            let pool = sim.system().pool(2, move || Worker::new(&made)).named("pool").routing(routing).spawn();
            for (n, key) in KEYS.iter().enumerate() {
                pool.try_tell(Item(key, n as u64)).unwrap();
            }
            sim.settled().await;
            log.get()
        });
        report.assert_clean();
        (report.schedules, outcomes)
    };
    let here = format!("{:?}", all(Explorer::new(Strategy::Reduced).cross_check(0)));
    println!("{BEGIN}{here}{END}");
    if std::env::var_os("TIDEGATE_TEST_REPLAYS").is_some() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_search_here_is_a_search_elsewhere", "--nocapture"]);
    let done = command.env("TIDEGATE_TEST_REPLAYS", "-").output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.contains(&format!("{BEGIN}{here}{END}")), "{here} is not in {text}");
}

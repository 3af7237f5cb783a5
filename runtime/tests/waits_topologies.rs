//! Many actors that tell and ask each other in circles, with little room: the
//! work is done or an error names the cycle, whatever the seed; and where there
//! is no circle there is no error.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use support::{Random, lock, ms};
use tidegate::prelude::*;
use tidegate::{Deadlocks, ManualExecutor};

/// What became of all messages.
#[derive(Debug, Default)]
struct Books {
    handled: u64,
    /// Messages that were to be sent, the first ones included.
    made: u64,
    /// Messages that came back.
    back: u64,
    cycles: Vec<String>,
    surprises: Vec<String>,
}

type Peers = Arc<OnceLock<Vec<ActorRef<Task>>>>;
type Shared = Arc<Mutex<Books>>;

/// Work of some depth, and perhaps somebody who waits for it.
struct Task {
    depth: u32,
    reply: Option<Reply<()>>,
}

#[derive(Clone)]
struct Plan {
    /// Whom a node sends to, and whether it asks.
    edges: Vec<(usize, bool)>,
    /// It answers before it sends on.
    answers_first: bool,
}

struct Node {
    plan: Plan,
    peers: Peers,
    books: Shared,
}

impl Actor for Node {
    type Msg = Task;

    async fn handle(&mut self, task: Task, _cx: &mut Context<Self>) -> Result<(), Fault> {
        let Task { depth, mut reply } = task;
        if self.plan.answers_first {
            let _ = reply.take().map(|reply| reply.send(()));
        }
        if depth > 0 {
            for (to, asks) in self.plan.edges.clone() {
                let to = &self.peers.get().expect("they have met")[to];
                lock(&self.books).made += 1;
                let depth = depth - 1;
                if asks {
                    match to.ask(|reply| Task { depth, reply: Some(reply) }).await {
                        Ok(()) => {}
                        Err(AskError::Deadlock(cycle)) => lock(&self.books).cycles.push(cycle.to_string()),
                        Err(AskError::Refused(SendError::Deadlock(deadlock))) => {
                            let mut books = lock(&self.books);
                            books.back += 1;
                            books.cycles.push(deadlock.cycle.to_string());
                        }
                        Err(error) => lock(&self.books).surprises.push(error.to_string()),
                    }
                } else {
                    match to.tell(Task { depth, reply: None }).await {
                        Ok(_) => {}
                        Err(SendError::Deadlock(deadlock)) => {
                            let mut books = lock(&self.books);
                            books.back += 1;
                            books.cycles.push(deadlock.cycle.to_string());
                        }
                        Err(error) => lock(&self.books).surprises.push(error.to_string()),
                    }
                }
            }
        }
        let _ = reply.map(|reply| reply.send(()));
        lock(&self.books).handled += 1;
        Ok(())
    }
}

fn spawn(system: &System, plans: Vec<(Plan, Mailbox<Task>)>) -> (Vec<ActorRef<Task>>, Shared) {
    let (peers, books) = (Peers::default(), Shared::default());
    let nodes: Vec<_> = plans
        .into_iter()
        .enumerate()
        .map(|(n, (plan, mailbox))| {
            let (peers, books) = (Arc::clone(&peers), Arc::clone(&books));
            let node = move || Node { plan: plan.clone(), peers: Arc::clone(&peers), books: Arc::clone(&books) };
            system.build(node).named(format!("n{n}")).mailbox(mailbox).spawn()
        })
        .collect();
    assert!(peers.set(nodes.clone()).is_ok(), "they meet once");
    (nodes, books)
}

/// A graph of 2 to 6 nodes with little room, with circles or without.
fn topology(random: &mut Random, circles: bool) -> Vec<(Plan, Mailbox<Task>)> {
    let n = 2 + random.below(5) as usize;
    (0..n)
        .map(|at| {
            let out = 1 + random.below(3);
            let edges = (0..out).filter_map(|_| {
                // Without circles: only to those behind, and the last to nobody.
                let to =
                    if circles { random.below(n as u64) as usize } else { at + 1 + random.below(n as u64) as usize };
                (to < n).then(|| (to, random.below(3) == 0))
            });
            let edges = edges.collect();
            let capacity = 1 + random.below(3) as usize;
            let mailbox = match random.below(3) {
                0 => Pull::window(capacity).into(),
                1 => Pull::one_by_one().into(),
                _ => Push::bounded(capacity).into(),
            };
            (Plan { edges, answers_first: random.below(4) == 0 }, mailbox)
        })
        .collect()
}

/// Feeds the first node, and lets it run until nothing is left.
fn run(seed: u64, circles: bool, grace: Duration) -> (Books, u64) {
    let mut random = Random(seed);
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::broken().after(grace)).build_on(executor.clone());
    let (nodes, books) = spawn(&system, topology(&mut random, circles));
    let first = nodes[0].clone();
    let feed = Arc::clone(&books);
    let depth = 2 + random.below(3) as u32;
    // From outside, whose waits are never part of a circle.
    tidegate::Executor::spawn(
        &executor,
        "feed",
        Box::pin(async move {
            for _ in 0..4 {
                lock(&feed).made += 1;
                assert!(first.tell(Task { depth, reply: None }).await.is_ok(), "nobody has ended");
            }
        }),
    );
    executor.advance(Duration::from_secs(100_000));
    let explanation = system.explain();
    assert!(explanation.waits.is_empty(), "seed {seed}: somebody waits for ever\n{explanation}");
    let broken = system.deadlocks();
    let books = std::mem::take(&mut *lock(&books));
    (books, broken)
}

fn check(seed: u64, books: &Books, broken: u64) {
    assert_eq!(books.surprises, Vec::<String>::new(), "seed {seed}");
    assert_eq!(books.handled + books.back, books.made, "seed {seed}: {books:?}");
    assert_eq!(books.cycles.len() as u64, broken, "seed {seed}: each broken deadlock is somebody's error: {books:?}");
    for cycle in &books.cycles {
        let path: Vec<_> = cycle.split(" -> ").collect();
        assert!(path.len() >= 2 && path.first() == path.last(), "seed {seed}: {cycle} is no cycle");
        assert!(path.iter().all(|name| name.starts_with("/n")), "seed {seed}: {cycle}");
    }
}

#[test]
fn a_hundred_random_topologies_end_in_work_done_or_a_named_cycle() {
    let mut stuck = 0;
    for seed in 0..100 {
        let (books, broken) = run(seed, true, ms(1000));
        check(seed, &books, broken);
        stuck += u64::from(broken > 0);
    }
    assert!(stuck >= 50, "only {stuck} of 100 were stuck at all: the test shows little");
}

#[test]
fn without_a_circle_there_is_never_a_deadlock() {
    for seed in 0..100 {
        let (books, broken) = run(seed, false, ms(0));
        check(seed, &books, broken);
        assert_eq!(broken, 0, "seed {seed}: {books:?}");
    }
}

/// Tells its peer two messages for each, as deep as it goes.
struct Fan {
    peer: Arc<OnceLock<[ActorRef<u32>; 2]>>,
    me: usize,
    /// After an error nobody sends any more.
    once: bool,
    books: Shared,
}

impl Actor for Fan {
    type Msg = u32;
    async fn handle(&mut self, depth: u32, _cx: &mut Context<Self>) -> Result<(), Fault> {
        for _ in 0..if depth == 0 { 0 } else { 2 } {
            if self.once && !lock(&self.books).cycles.is_empty() {
                break;
            }
            lock(&self.books).made += 1;
            if let Err(error) = self.peer.get().expect("they have met")[1 - self.me].tell(depth - 1).await {
                let mut books = lock(&self.books);
                books.back += 1;
                match error {
                    SendError::Deadlock(deadlock) => books.cycles.push(deadlock.cycle.to_string()),
                    error => books.surprises.push(error.to_string()),
                }
            }
        }
        lock(&self.books).handled += 1;
        Ok(())
    }
}

fn fans(system: &System, capacity: Option<usize>, once: bool) -> ([ActorRef<u32>; 2], Shared) {
    let (peer, books) = (Arc::new(OnceLock::new()), Shared::default());
    let both = [0, 1].map(|me| {
        let (peer, books) = (Arc::clone(&peer), Arc::clone(&books));
        let fan = move || Fan { peer: Arc::clone(&peer), me, once, books: Arc::clone(&books) };
        let spawn = system.build(fan).named(["a", "b"][me]);
        match capacity {
            Some(capacity) => spawn.mailbox(Push::bounded(capacity)).spawn(),
            None => spawn.spawn(),
        }
    });
    assert!(peer.set(both.clone()).is_ok(), "they meet once");
    lock(&books).made = 1;
    both[0].try_tell(12).expect("there is room for one");
    (both, books)
}

/// 8,191 messages: a binary tree of depth 12. Kameo 0.22 stops after 130 of
/// them, for ever and without a word.
fn ends(books: &Books, broken: u64) {
    assert_eq!(books.surprises, Vec::<String>::new());
    assert_eq!(books.handled + books.back, books.made, "{books:?}");
    assert_eq!(books.cycles.len() as u64, broken, "{books:?}");
    assert!(books.cycles.iter().all(|cycle| cycle == "/a -> /b -> /a" || cycle == "/b -> /a -> /b"), "{books:?}");
    assert!(books.back > 0 || books.handled == 8191, "{books:?}");
}

#[test]
fn two_that_tell_each_other_twice_end_under_default_settings() {
    let executor = ManualExecutor::new();
    let system = if cfg!(debug_assertions) {
        System::with_executor(executor.clone())
    } else {
        // In a release build it has to be asked for.
        System::builder().deadlocks(Deadlocks::default().after(ms(1000))).build_on(executor.clone())
    };
    let (_, books) = fans(&system, None, false);
    executor.advance(Duration::from_secs(100_000));
    assert!(system.explain().waits.is_empty(), "{}", system.explain());
    let books = lock(&books);
    ends(&books, system.deadlocks());
}

#[test]
fn with_little_room_two_that_tell_each_other_twice_are_told_so() {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::broken()).build_on(executor.clone());
    let (_, books) = fans(&system, Some(64), false);
    executor.advance(Duration::from_secs(1_000_000));
    assert!(system.explain().waits.is_empty(), "{}", system.explain());
    let books = lock(&books);
    ends(&books, system.deadlocks());
    assert!(system.deadlocks() > 0, "64 places are too few");
}

/// Waits until every message that was made has been handled or come back: a
/// handler is counted when it has told all that it has to tell.
#[cfg(feature = "tokio")]
async fn settled(books: &Shared) {
    let all_done = async {
        loop {
            let (done, made) = {
                let books = lock(books);
                (books.handled + books.back, books.made)
            };
            if done == made {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let stuck = tokio::time::timeout(Duration::from_secs(60), all_done).await.is_err();
    assert!(!stuck, "they wait for each other for ever: {:?}", lock(books));
}

#[cfg(feature = "tokio")]
#[test]
fn on_many_threads_too_a_deadlock_ends_with_an_error() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        for capacity in [10, 100, 500, 1000] {
            let system = System::builder().deadlocks(Deadlocks::broken().after(ms(0))).build();
            let (_, books) = fans(&system, Some(capacity), true);
            settled(&books).await;
            let books = lock(&books);
            ends(&books, system.deadlocks());
        }
    });
}

#[cfg(feature = "tokio")]
#[test]
fn on_many_threads_there_is_no_deadlock_where_there_is_no_circle() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        for seed in 0..20 {
            let mut random = Random(seed);
            let system = System::builder().deadlocks(Deadlocks::broken().after(ms(0))).build();
            let (nodes, books) = spawn(&system, topology(&mut random, false));
            for _ in 0..20 {
                lock(&books).made += 1;
                nodes[0].tell(Task { depth: 4, reply: None }).await.unwrap();
            }
            // In their order, each has heard all that those before it had to say.
            for node in &nodes {
                node.drain();
                node.stopped().await;
            }
            let books = lock(&books);
            check(seed, &books, system.deadlocks());
            assert_eq!(system.deadlocks(), 0, "seed {seed}");
        }
    });
}

//! Fifty actors on real threads, and everything that may happen to them, at
//! random from a seed that is printed. `TIDEGATE_STRESS_SEED` repeats one.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use support::{Case, Random, every_mailbox, lock, ms, yield_now};
use tidegate::prelude::*;
use tidegate::{BoxTask, DropCounts, DropReason, Executor, TokioExecutor};

const ACTORS: usize = 50;
const SENDERS: u64 = 8;
const MESSAGES: u64 = 10_000;

enum Task {
    Plain,
    Yield,
    Nap,
    Fail,
    Panic,
    Question(Reply<()>),
    Delegate,
}

/// What all lives of one actor began and finished.
#[derive(Debug, Default)]
struct Tally {
    began: AtomicU64,
    finished: AtomicU64,
}

struct Laborer {
    tally: Arc<Tally>,
    manual: bool,
}

impl Actor for Laborer {
    type Msg = Task;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.request(u64::from(self.manual));
        Ok(())
    }

    async fn handle(&mut self, task: Task, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.tally.began.fetch_add(1, Ordering::Relaxed);
        cx.request(u64::from(self.manual));
        let mut result = Ok(());
        match task {
            Task::Plain => {}
            Task::Yield => yield_now().await,
            Task::Nap => cx.sleep(ms(1)).await,
            Task::Fail => result = Err(Fault::msg("now and then")),
            Task::Panic => std::panic::resume_unwind(Box::new("quietly")),
            Task::Question(reply) => drop(reply.send(())),
            Task::Delegate => {
                let guard = cx.in_flight();
                cx.spawn(async move {
                    let _guard = guard;
                    yield_now().await;
                });
            }
        }
        self.tally.finished.fetch_add(1, Ordering::Relaxed);
        result
    }
}

/// Tokio, counting the tasks that have not ended.
struct Counting {
    tokio: TokioExecutor,
    live: Arc<AtomicU64>,
}

struct Leaving(Arc<AtomicU64>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Executor for Counting {
    fn spawn(&self, name: &str, task: BoxTask) {
        self.live.fetch_add(1, Ordering::AcqRel);
        let leaving = Leaving(Arc::clone(&self.live));
        self.tokio.spawn(
            name,
            Box::pin(async move {
                task.await;
                drop(leaving);
            }),
        );
    }
    fn now(&self) -> Duration {
        self.tokio.now()
    }
    fn sleep(&self, duration: Duration) -> BoxTask {
        self.tokio.sleep(duration)
    }
    fn random(&self) -> u64 {
        self.tokio.random()
    }
}

/// What senders know: let in, disposed of by the policy, or not known, since
/// nobody says what became of a question without an answer.
#[derive(Debug, Default)]
struct Account {
    accepted: u64,
    disposed: u64,
}

/// The mailboxes that do not end their actor.
fn lasting() -> Vec<Case<Task>> {
    every_mailbox().into_iter().filter(|case| case.overflow != Overflow::Fail).collect()
}

fn seed() -> u64 {
    match std::env::var("TIDEGATE_STRESS_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_actors_in_turmoil_account_for_every_message_and_leave_no_task() {
    let seed = seed();
    eprintln!("TIDEGATE_STRESS_SEED={seed}");
    let live = Arc::new(AtomicU64::new(0));
    let system = System::with_executor(Counting { tokio: TokioExecutor::new(), live: Arc::clone(&live) });
    let tallies: Vec<Arc<Tally>> = (0..ACTORS).map(|_| Arc::default()).collect();
    let mut random = Random(seed);
    let actors: Vec<ActorRef<Task>> = tallies
        .iter()
        .map(|tally| {
            // A few fail at the first overflow.
            let mut cases = if random.below(10) == 0 { every_mailbox() } else { lasting() };
            let case = cases.swap_remove(random.below(cases.len() as u64) as usize);
            let tally = Arc::clone(tally);
            system
                // Those that pull by hand may become so at any time, so all ask.
                .build(move || Laborer { tally: Arc::clone(&tally), manual: true })
                .mailbox(case.mailbox)
                .restart(Restart::on_failure().limit(40, Duration::from_secs(60)))
                .budget(1 + random.below(64) as usize)
                .spawn()
        })
        .collect();
    let accounts: Arc<Vec<Mutex<Account>>> = Arc::new((0..ACTORS).map(|_| Mutex::default()).collect());
    let mut senders = Vec::new();
    for n in 0..SENDERS {
        let (actors, accounts, mut random) = (actors.clone(), Arc::clone(&accounts), Random(seed ^ (n + 1)));
        senders.push(tokio::spawn(async move {
            let cases = lasting();
            for _ in 0..MESSAGES {
                let at = random.below(ACTORS as u64) as usize;
                let actor = &actors[at];
                match random.below(8_000) {
                    0..1 => actor.stop(),
                    1..2 => actor.kill(),
                    2..3 => actor.drain(),
                    3..100 => actor.reconfigure(cases[random.below(cases.len() as u64) as usize].mailbox.clone()),
                    _ => {}
                }
                let task = match random.below(200) {
                    0 => Task::Fail,
                    1 => Task::Panic,
                    2..4 => Task::Nap,
                    4..30 => Task::Yield,
                    30..40 => Task::Delegate,
                    _ => Task::Plain,
                };
                let told = match random.below(5) {
                    0 => actor.tell_within(ms(1), task).await.ok(),
                    1 => match actor.try_reserve() {
                        Ok(permit) => permit.send(task).ok().map(|()| Admission::Queued),
                        Err(_) => None,
                    },
                    2 => {
                        // By a question of its own, whose message is counted
                        // by the `tell` that it is.
                        let (reply, answer) = Reply::channel();
                        let told = actor.tell_within(ms(1), Task::Question(reply)).await.ok();
                        if told.is_some_and(Admission::is_in) {
                            // An answer, or word that there is none.
                            let _ = answer.await;
                        }
                        told
                    }
                    _ => actor.try_tell(task).ok(),
                };
                let mut account = lock(&accounts[at]);
                match told {
                    Some(admission) if admission.is_in() => account.accepted += 1,
                    Some(_) => account.disposed += 1,
                    None => {}
                }
            }
        }));
    }
    let all = async {
        for sender in senders {
            sender.await.unwrap();
        }
        system.shutdown(Duration::from_secs(2)).await
    };
    let report = tokio::time::timeout(Duration::from_secs(20), all).await.expect("somebody waits for ever");
    assert!(report.stuck.is_empty() && report.killed.is_empty(), "{report}");

    let (mut handled, mut drops) = (0, 0);
    for ((actor, tally), account) in actors.iter().zip(&tallies).zip(accounts.iter()) {
        let (stats, account) = (actor.stats(), lock(account));
        let (began, finished) = (tally.began.load(Ordering::Relaxed), tally.finished.load(Ordering::Relaxed));
        let sum = |counts: &DropCounts| counts.iter().map(|(_, n)| n).sum::<u64>();
        assert!(actor.stop_reason().is_some());
        assert_eq!(stats.len, 0, "{actor:?}: {stats:?}");
        assert_eq!(stats.handled, finished, "{actor:?}: {stats:?}");
        assert_eq!(stats.drops.of(DropReason::Interrupted), began - finished, "{actor:?}: {stats:?}");
        assert_eq!(
            account.accepted + account.disposed,
            stats.handled + sum(&stats.drops),
            "{actor:?}: {account:?}, {stats:?}"
        );
        handled += stats.handled;
        drops += sum(&stats.drops);
    }
    assert_eq!(system.dead_letters().counts().total(), drops);
    eprintln!("{handled} handled; {report}; {:?}", system.dead_letters().counts());
    assert!(system.is_empty());
    // The sweep notices within a second or two that there is nobody left.
    let ended = async {
        while live.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(ms(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("a task is left");
}

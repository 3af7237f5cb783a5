//! Actors that wait for each other: found when it is so, broken with an error
//! that names the cycle, and never found when somebody may yet go on.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use support::{Log, lock, ms};
use tidegate::prelude::*;
use tidegate::{Deadlocks, ManualExecutor, ReserveError, TellWithinError};

fn watching(deadlocks: Deadlocks) -> (ManualExecutor, System) {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(deadlocks).build_on(executor.clone());
    (executor, system)
}

/// An actor that does to its peers what it is told.
struct Node {
    peers: Arc<OnceLock<Vec<ActorRef<Order>>>>,
    log: Log,
}

type Step = Box<dyn FnOnce(Peers, Log) -> tidegate::BoxTask + Send>;
type Peers = Arc<OnceLock<Vec<ActorRef<Order>>>>;

enum Order {
    Nothing,
    Answer(Reply<u64>),
    /// Whatever the closure does, in the handler.
    Do(Step),
    /// As `Do`, with the reply of a question.
    With(Reply<u64>, Box<dyn FnOnce(Reply<u64>, Peers, Log) -> tidegate::BoxTask + Send>),
}

fn order<F, T>(f: F) -> Order
where
    F: FnOnce(Peers, Log) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    Order::Do(Box::new(move |peers, log| Box::pin(f(peers, log))))
}

fn peer(peers: &Peers, n: usize) -> ActorRef<Order> {
    peers.get().expect("they have met")[n].clone()
}

impl Actor for Node {
    type Msg = Order;
    async fn handle(&mut self, order: Order, _cx: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Order::Nothing => {}
            Order::Answer(reply) => drop(reply.send(1)),
            Order::Do(step) => step(Arc::clone(&self.peers), self.log.clone()).await,
            Order::With(reply, step) => step(reply, Arc::clone(&self.peers), self.log.clone()).await,
        }
        Ok(())
    }
}

/// So many nodes, `/0` and so on, that know each other.
fn nodes(system: &System, n: usize, mailbox: impl Fn() -> Mailbox<Order>) -> (Vec<ActorRef<Order>>, Log) {
    let (peers, log) = (Peers::default(), Log::default());
    let all: Vec<_> = (0..n)
        .map(|n| {
            let (peers, log) = (Arc::clone(&peers), log.clone());
            let node = move || Node { peers: Arc::clone(&peers), log: log.clone() };
            system.build(node).named(n.to_string()).mailbox(mailbox()).spawn()
        })
        .collect();
    assert!(peers.set(all.clone()).is_ok(), "they meet once");
    (all, log)
}

/// Tells peer `to` more than its mailbox and its handler can hold.
fn flood(to: usize) -> Order {
    tells(to, 8)
}

fn tells(to: usize, n: usize) -> Order {
    order(move |peers, log| async move {
        let to = peer(&peers, to);
        for _ in 0..n {
            if let Err(error) = to.tell(Order::Nothing).await {
                return log.add(error);
            }
        }
        log.add("went in");
    })
}

fn asks(to: usize) -> Order {
    order(move |peers, log| async move {
        match peer(&peers, to).ask(Order::Answer).await {
            Ok(_) => log.add("answered"),
            Err(error) => log.add(error),
        }
    })
}

#[test]
fn two_that_tell_each_other_end_with_the_cycle_named() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, log) = nodes(&system, 2, || Push::bounded(2).into());
    nodes[0].try_tell(flood(1)).unwrap();
    nodes[1].try_tell(flood(0)).unwrap();
    executor.run_until_idle();
    executor.advance(ms(999));
    assert_eq!(log.all(), Vec::<String>::new(), "it has not lasted for a second");
    executor.advance(ms(100));
    assert_eq!(log.all(), ["deadlock: /0 -> /1 -> /0", "went in"], "the youngest wait ends, and the other goes on");
    assert_eq!(system.deadlocks(), 1);
    assert!(nodes.iter().all(ActorRef::is_empty), "and all is handled");
}

#[test]
fn one_that_waits_for_itself_is_a_cycle_of_its_own() {
    for of in [flood(0), asks(0)] {
        let (executor, system) = watching(Deadlocks::broken());
        let (nodes, log) = nodes(&system, 1, || Push::bounded(2).into());
        nodes[0].try_tell(of).unwrap();
        executor.advance(ms(1500));
        assert_eq!(log.all(), ["deadlock: /0 -> /0"]);
    }
}

#[test]
fn three_that_ask_each_other_end_with_the_cycle_named() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, log) = nodes(&system, 3, || Push::bounded(8).into());
    for (n, node) in nodes.iter().enumerate() {
        node.try_tell(asks((n + 1) % 3)).unwrap();
    }
    executor.advance(ms(1500));
    assert_eq!(log.all(), ["deadlock: /2 -> /0 -> /1 -> /2", "answered", "answered"]);
}

#[test]
fn a_question_asked_back_in_its_own_handler_is_found() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, log) = nodes(&system, 2, || Push::bounded(8).into());
    let back = |reply: Reply<u64>, peers: Peers, log: Log| {
        Box::pin(async move {
            match peer(&peers, 0).ask(Order::Answer).await {
                Ok(_) => log.add("answered back"),
                Err(error) => log.add(format!("back: {error}")),
            }
            let _ = reply.send(2);
        }) as tidegate::BoxTask
    };
    nodes[0]
        .try_tell(order(move |peers, log| async move {
            match peer(&peers, 1).ask(|reply| Order::With(reply, Box::new(back))).await {
                Ok(n) => log.add(n),
                Err(error) => log.add(error),
            }
        }))
        .unwrap();
    executor.advance(ms(1500));
    assert_eq!(log.all(), ["back: deadlock: /1 -> /0 -> /1", "2"]);
}

#[test]
fn a_grant_that_is_waited_for_is_part_of_a_cycle() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, log) = nodes(&system, 2, || Push::bounded(2).into());
    let reserving = |to: usize| {
        order(move |peers, log| async move {
            let to = peer(&peers, to);
            for _ in 0..8 {
                match to.reserve().await {
                    Ok(permit) => permit.send(Order::Nothing).expect("it is there"),
                    Err(ReserveError::Deadlock(cycle)) => return log.add(cycle),
                    Err(error) => return log.add(error),
                }
            }
            log.add("reserved");
        })
    };
    nodes[0].try_tell(reserving(1)).unwrap();
    nodes[1].try_tell(reserving(0)).unwrap();
    executor.advance(ms(1500));
    assert_eq!(log.all(), ["/0 -> /1 -> /0", "reserved"]);
}

#[test]
fn a_mapped_reference_waits_like_any_other_and_hands_the_message_back() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, log) = nodes(&system, 2, || Push::bounded(2).into());
    nodes[0]
        .try_tell(order(|peers, log| async move {
            let mapped = peer(&peers, 1).map(|_: usize| Order::Nothing);
            for n in 0..8 {
                if let Err(error) = mapped.tell(n).await {
                    return log.add(format!("{error}, {}", error.clone().into_message()));
                }
            }
        }))
        .unwrap();
    nodes[1].try_tell(asks(0)).unwrap();
    executor.advance(ms(1500));
    assert_eq!(log.all(), ["deadlock: /0 -> /1 -> /0, 2", "answered"]);
}

#[test]
fn without_demand_there_is_no_room_either() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, log) = nodes(&system, 2, || Pull::one_by_one().into());
    executor.run_until_idle();
    nodes[0].try_tell(flood(1)).unwrap();
    nodes[1].try_tell(flood(0)).unwrap();
    executor.advance(ms(1500));
    assert_eq!(log.count("went in"), 1, "{:?}", log.all());
    assert_eq!(system.deadlocks(), 1);
}

#[test]
fn who_is_told_how_long_to_wait_is_never_cut_short() {
    let (executor, system) = watching(Deadlocks::broken().after(ms(10)));
    let (nodes, log) = nodes(&system, 2, || Push::bounded(1).into());
    nodes[0].try_tell(flood(1)).unwrap();
    nodes[1]
        .try_tell(order(|peers, log| async move {
            let to = peer(&peers, 0);
            while to.try_tell(Order::Nothing).is_ok() {}
            match to.tell_within(ms(5000), Order::Nothing).await {
                Err(TellWithinError::Timeout(_)) => log.add("timeout"),
                other => log.add(format!("{other:?}")),
            }
        }))
        .unwrap();
    executor.advance(ms(4999));
    assert_eq!(log.all(), Vec::<String>::new());
    let explanation = system.explain();
    assert_eq!(explanation.circles.len(), 1, "a circle, with a way out");
    assert_eq!(explanation.waits_of("/1").next().and_then(|wait| wait.limit), Some(ms(5000)));
    executor.advance(ms(1));
    assert_eq!(log.all(), ["timeout", "went in"]);
    assert_eq!(system.deadlocks(), 0);
}

/// Two nodes in a circle, of which the second waits by `wait` beside.
fn no_deadlock<T, F>(wait: impl FnOnce(ActorRef<Order>, ManualExecutor) -> T, after: F)
where
    T: Future<Output = &'static str> + Send + 'static,
    F: FnOnce(&[ActorRef<Order>]),
{
    let (executor, system) = watching(Deadlocks::broken().after(ms(0)));
    let (nodes, log) = nodes(&system, 2, || Push::bounded(1).into());
    executor.run_until_idle();
    nodes[0].try_tell(flood(1)).unwrap();
    let wait = wait(nodes[0].clone(), executor.clone());
    nodes[1]
        .try_tell(order(|peers, log| async move {
            while peer(&peers, 0).try_tell(Order::Nothing).is_ok() {}
            log.add(wait.await);
        }))
        .unwrap();
    executor.advance(ms(60_000));
    assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0), "somebody may yet go on");
    after(&nodes);
    executor.advance(ms(60_000));
    assert_eq!(system.deadlocks(), 0);
    assert_eq!(log.count("went in"), 1, "{:?}", log.all());
}

#[test]
fn a_timer_beside_the_wait_is_a_way_out() {
    no_deadlock(
        |to, executor| async move {
            use tidegate::Executor;
            tokio::select! {
                _ = to.tell(Order::Nothing) => "told",
                () = executor.sleep(ms(100_000)) => "slept",
            }
        },
        |_| {},
    );
}

#[test]
fn a_channel_beside_the_wait_is_a_way_out() {
    let (tx, rx) = tokio::sync::oneshot::channel();
    no_deadlock(
        |to, _| async move {
            tokio::select! {
                _ = to.tell(Order::Nothing) => "told",
                _ = rx => "received",
            }
        },
        |_| tx.send(()).unwrap(),
    );
}

#[test]
fn a_wait_for_an_actor_outside_is_a_way_out() {
    let (there, elsewhere) = watching(Deadlocks::broken());
    let (others, _) = nodes(&elsewhere, 1, || Push::bounded(1).into());
    while others[0].try_tell(Order::Nothing).is_ok() {}
    let other = others[0].clone();
    no_deadlock(
        |to, _| async move {
            tokio::select! {
                _ = to.tell(Order::Nothing) => "told",
                _ = other.tell(Order::Nothing) => "told elsewhere",
            }
        },
        |_| {
            others[0].kill();
            there.run_until_idle();
        },
    );
}

#[test]
fn a_permit_that_is_out_is_a_way_out() {
    let (executor, system) = watching(Deadlocks::broken().after(ms(0)));
    let (nodes, log) = nodes(&system, 2, || Push::bounded(2).into());
    executor.run_until_idle();
    let permit = nodes[1].try_reserve().unwrap();
    nodes[1].try_tell(order(|peers, _| async move { drop(peer(&peers, 0).ask(Order::Answer).await) })).unwrap();
    nodes[0].try_tell(tells(1, 2)).unwrap();
    executor.advance(ms(60_000));
    assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0));
    assert!(system.explain().to_string().contains("1 permits out"), "{}", system.explain());
    drop(permit);
    executor.advance(ms(60_000));
    assert_eq!((log.all(), system.deadlocks()), (vec!["went in".to_owned()], 0));
}

#[test]
fn a_reply_that_was_handed_on_is_a_way_out() {
    // 0 asks 1, which hands the reply to 2 and then asks 0. Once 2 answers, all
    // go on.
    let (executor, system) = watching(Deadlocks::broken().after(ms(0)));
    let (nodes, log) = nodes(&system, 3, || Push::bounded(8).into());
    let hand_on = |reply: Reply<u64>, peers: Peers, _: Log| {
        Box::pin(async move {
            let slowly = |reply: Reply<u64>, _: Peers, _: Log| {
                Box::pin(async move {
                    let _ = reply.send(7);
                }) as _
            };
            drop(peer(&peers, 2).try_tell(Order::With(reply, Box::new(slowly))));
        }) as tidegate::BoxTask
    };
    let (tx, rx) = tokio::sync::oneshot::channel::<()>();
    nodes[2].try_tell(order(|_, _| async move { drop(rx.await) })).unwrap();
    nodes[0]
        .try_tell(order(move |peers, log| async move {
            match peer(&peers, 1).ask(|reply| Order::With(reply, Box::new(hand_on))).await {
                Ok(n) => log.add(n),
                Err(error) => log.add(error),
            }
        }))
        .unwrap();
    executor.run_until_idle();
    nodes[1].try_tell(asks(0)).unwrap();
    executor.advance(ms(60_000));
    assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0));
    assert_eq!(system.explain().circles, []);
    tx.send(()).unwrap();
    executor.advance(ms(1));
    assert_eq!((log.all(), system.deadlocks()), (vec!["7".to_owned(), "answered".to_owned()], 0));
}

#[test]
fn a_slow_actor_is_no_deadlock() {
    let (executor, system) = watching(Deadlocks::broken().after(ms(0)));
    let (nodes, log) = nodes(&system, 2, || Push::bounded(1).into());
    nodes[0].try_tell(flood(1)).unwrap();
    nodes[1].try_tell(order(|_, _| std::future::pending())).unwrap();
    executor.advance(Duration::from_secs(1000));
    assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0));
}

#[test]
fn an_executor_that_has_nothing_more_to_do_says_so_though_somebody_waits() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, _) = nodes(&system, 2, || Push::bounded(1).into());
    nodes[0].try_tell(order(|_, _| std::future::pending())).unwrap();
    nodes[1].try_tell(asks(0)).unwrap();
    let never = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        executor.block_on(std::future::pending::<()>());
    }));
    assert!(never.is_err(), "nobody is told of one wait for ever");
}

#[test]
fn a_wait_that_is_given_up_leaves_nothing_behind() {
    let (executor, system) = watching(Deadlocks::broken());
    let (nodes, _) = nodes(&system, 2, || Push::bounded(1).into());
    nodes[0].try_tell(order(|_, _| std::future::pending())).unwrap();
    nodes[1].try_tell(asks(0)).unwrap();
    executor.run_until_idle();
    assert_eq!(system.explain().waits.len(), 1);
    nodes[1].kill();
    nodes[0].kill();
    executor.advance(ms(2000));
    assert_eq!(system.explain().waits.len(), 0);
    assert_eq!(executor.tasks(), 0, "nor is anybody there to look after it");
}

#[test]
fn what_is_not_watched_is_not_seen_and_not_broken() {
    let (executor, system) = watching(Deadlocks::off());
    let (nodes, log) = nodes(&system, 2, || Push::bounded(2).into());
    nodes[0].try_tell(flood(1)).unwrap();
    nodes[1].try_tell(flood(0)).unwrap();
    executor.advance(ms(60_000));
    assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0));
    assert_eq!(system.explain().to_string(), "waits are not watched in this system");
    assert_eq!(nodes[0].activity(), tidegate::Activity::Working);
}

#[test]
fn what_is_watched_only_is_explained_and_not_broken() {
    let (executor, system) = watching(Deadlocks::watched());
    let (nodes, log) = nodes(&system, 2, || Push::bounded(2).into());
    nodes[0].try_tell(flood(1)).unwrap();
    nodes[1].try_tell(asks(0)).unwrap();
    executor.advance(ms(3000));
    assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0));
    assert_eq!(
        system.explain().to_string(),
        "2 wait at 3s\n  \
         /1 waits for an answer of /0, 3s (1 queued)\n  \
         /0 waits for room in /1, 3s (capacity 2: 2 queued, 1 waiting)\n\
         in a circle: /0 -> /1 -> /0"
    );
    let activities: Vec<_> = nodes.iter().map(|node| node.activity().to_string()).collect();
    assert_eq!(activities, ["waiting for room in /1", "waiting for an answer of /0"]);
    assert_eq!(system.explain().root_of("/0").map(|path| path.as_str()), Some("/1"));
}

#[test]
fn long_waits_are_told_of_once_and_again_as_they_double() {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::watched()).long_waits(ms(100)).build_on(executor.clone());
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    system.on_long_wait(move |wait| lock(&listener).push(wait.to_string()));
    let (nodes, _) = nodes(&system, 2, || Push::bounded(8).into());
    nodes[0].try_tell(order(|_, _| std::future::pending())).unwrap();
    nodes[1].try_tell(asks(0)).unwrap();
    executor.advance(ms(99));
    assert_eq!(system.long_waits(), 0);
    executor.advance(ms(1));
    assert_eq!(*lock(&told), ["/1 waits for an answer of /0, 100ms (1 queued)"]);
    executor.advance(ms(299));
    assert_eq!(system.long_waits(), 2, "at 200 ms");
    executor.advance(ms(1));
    assert_eq!(system.long_waits(), 3, "at 400 ms");
    // Also of one that is no actor's.
    let outside = nodes[0].clone();
    tidegate::Executor::spawn(&executor, "outside", Box::pin(async move { drop(outside.ask(Order::Answer).await) }));
    executor.advance(ms(100));
    assert_eq!(lock(&told).last().unwrap(), "a task waits for an answer of /0, 100ms (2 queued)");
}

/// An executor on which time passes while tasks run.
#[derive(Clone)]
struct Passing(ManualExecutor, Arc<Mutex<Duration>>);

impl tidegate::Executor for Passing {
    fn spawn(&self, name: &str, task: tidegate::BoxTask) {
        self.0.spawn(name, task);
    }

    fn now(&self) -> Duration {
        let mut now = lock(&self.1);
        *now += Duration::from_micros(100);
        *now
    }

    fn sleep(&self, duration: Duration) -> tidegate::BoxTask {
        let (this, until) = (self.clone(), self.now() + duration);
        Box::pin(std::future::poll_fn(move |cx| {
            if this.now() >= until {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        }))
    }

    fn random(&self) -> u64 {
        self.0.random()
    }
}

#[test]
fn one_that_runs_all_the_time_is_not_stuck() {
    let executor = Passing(ManualExecutor::new(), Arc::default());
    let system = System::builder().deadlocks(Deadlocks::broken().after(ms(0))).build_on(executor.clone());
    let (nodes, log) = nodes(&system, 2, || Push::bounded(1).into());
    let done = Arc::new(OnceLock::new());
    nodes[0].try_tell(flood(1)).unwrap();
    let spins = Arc::clone(&done);
    nodes[1]
        .try_tell(order(move |peers, log| async move {
            while peer(&peers, 0).try_tell(Order::Nothing).is_ok() {}
            // It keeps no clone of its waker: it uses it at once.
            let spin = std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                spins.get().map_or(std::task::Poll::Pending, |()| std::task::Poll::Ready(()))
            });
            let to = peer(&peers, 0);
            tokio::select! {
                told = to.tell(Order::Nothing) => log.add(format!("{told:?}")),
                () = spin => log.add("done"),
            }
        }))
        .unwrap();
    for _ in 0..10_000 {
        executor.0.step();
    }
    assert!(*lock(&executor.1) > ms(100), "there was time enough");
    assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0));
    done.set(()).unwrap();
    executor.0.run_until_idle();
    assert_eq!((log.all(), system.deadlocks()), (vec!["done".to_owned(), "went in".to_owned()], 0));
}

/// Keeps the reply of a question, and asks back when something else than a
/// message makes it: a timer, or the end of another.
struct Keeper {
    asker: Arc<OnceLock<ActorRef<Order>>>,
    kept: Arc<Mutex<Option<Reply<u64>>>>,
    other: ActorRef<Order>,
    by_timer: bool,
    log: Log,
}

enum Kept {
    Question(Reply<u64>),
    Tick,
}

impl Keeper {
    async fn ask_back(&self) {
        match self.asker.get().expect("they have met").ask(Order::Answer).await {
            Ok(_) => self.log.add("answered back"),
            Err(error) => self.log.add(format!("back: {error}")),
        }
    }
}

impl Actor for Keeper {
    type Msg = Kept;

    async fn handle(&mut self, kept: Kept, cx: &mut Context<Self>) -> Result<(), Fault> {
        match kept {
            Kept::Question(reply) => {
                *lock(&self.kept) = Some(reply);
                cx.watch(&self.other);
                if self.by_timer {
                    cx.send_after(ms(10), Kept::Tick);
                }
            }
            Kept::Tick => self.ask_back().await,
        }
        Ok(())
    }

    async fn terminated(&mut self, _: tidegate::Terminated, _: &mut Context<Self>) -> Result<(), Fault> {
        self.ask_back().await;
        Ok(())
    }
}

#[test]
fn a_question_whose_handler_is_done_holds_nobody_up_whatever_its_actor_does_next() {
    for by_timer in [true, false] {
        let (executor, system) = watching(Deadlocks::broken());
        let (nodes, log) = nodes(&system, 2, || Push::bounded(8).into());
        let (asker, kept, other) = (Arc::new(OnceLock::new()), Arc::new(Mutex::new(None)), nodes[1].clone());
        let keeper = {
            let (asker, kept, other, log) = (Arc::clone(&asker), Arc::clone(&kept), other.clone(), log.clone());
            let keeper = move || Keeper {
                asker: Arc::clone(&asker),
                kept: Arc::clone(&kept),
                other: other.clone(),
                by_timer,
                log: log.clone(),
            };
            system.build(keeper).named("keeper").spawn()
        };
        assert!(asker.set(nodes[0].clone()).is_ok());
        nodes[0]
            .try_tell(order(move |_, log| async move {
                match keeper.ask(Kept::Question).await {
                    Ok(n) => log.add(n),
                    Err(error) => log.add(error),
                }
            }))
            .unwrap();
        executor.run_until_idle();
        if !by_timer {
            other.kill();
        }
        executor.advance(ms(60_000));
        assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0), "whoever has the reply may yet answer");
        assert!(system.explain().to_string().contains("for a reply that /keeper handed on"), "{}", system.explain());
        let reply = lock(&kept).take().expect("it was kept");
        reply.send(7).unwrap();
        executor.advance(ms(1));
        assert_eq!(log.all(), ["7", "answered back"]);
        assert_eq!(system.deadlocks(), 0);
    }
}

#[test]
fn a_listener_that_panics_keeps_no_deadlock_from_being_broken() {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::broken()).long_waits(ms(100)).build_on(executor.clone());
    let told = Arc::new(Mutex::new(0));
    let listener = Arc::clone(&told);
    system.on_long_wait(|_| panic!("on purpose"));
    system.on_long_wait(move |_| *lock(&listener) += 1);
    let (nodes, log) = nodes(&system, 1, || Push::bounded(1).into());
    nodes[0].try_tell(asks(0)).unwrap();
    executor.advance(ms(1500));
    assert_eq!(log.all(), ["deadlock: /0 -> /0"]);
    assert_eq!(*lock(&told), 4, "and others are told: at 100, 200, 400 and 800 ms");
}

#[test]
fn waits_that_began_soon_after_each_other_are_looked_at_together() {
    let executor = ManualExecutor::new();
    let watched = System::builder().deadlocks(Deadlocks::broken()).long_waits(Duration::MAX);
    let system = watched.build_on(executor.clone());
    let (nodes, _) = nodes(&system, 1001, || Push::bounded(2000).into());
    nodes[0].try_tell(order(|_, _| std::future::pending())).unwrap();
    for node in &nodes[1..] {
        node.try_tell(asks(0)).unwrap();
        executor.advance(Duration::from_micros(500));
    }
    assert_eq!(system.explain().waits.len(), 1000);
    let mut looks = 0;
    while let Some(at) = executor.next_timer().filter(|at| *at < Duration::from_secs(10)) {
        looks += 1;
        executor.advance(at.saturating_sub(tidegate::Executor::now(&executor)));
    }
    assert!(looks <= 200, "{looks} looks at a thousand waits, each of which is looked at four times");
}

#[test]
fn one_that_waits_for_several_is_stuck_only_if_each_of_them_is() {
    for third_works in [false, true] {
        let (executor, system) = watching(Deadlocks::broken());
        let (nodes, log) = nodes(&system, 4, || Push::bounded(8).into());
        nodes[0]
            .try_tell(order(|peers, log| async move {
                let [one, two, three] = [1, 2, 3].map(|n| peer(&peers, n));
                let answers = tokio::join!(one.ask(Order::Answer), two.ask(Order::Answer), three.ask(Order::Answer));
                log.add(format!("{} answers", [answers.0, answers.1, answers.2].iter().flatten().count()));
            }))
            .unwrap();
        let (tx, rx) = tokio::sync::oneshot::channel::<()>();
        nodes[1].try_tell(asks(0)).unwrap();
        nodes[2].try_tell(asks(1)).unwrap();
        nodes[3].try_tell(if third_works { order(|_, _| async move { drop(rx.await) }) } else { asks(2) }).unwrap();
        executor.advance(ms(10_000));
        if third_works {
            assert_eq!((log.all(), system.deadlocks()), (Vec::new(), 0), "the third may yet answer");
            tx.send(()).unwrap();
            executor.advance(ms(10_000));
        }
        assert!(system.deadlocks() > 0, "of the others each waits for one that waits");
        assert!(log.all().iter().any(|line| line.ends_with("answers")), "{:?}", log.all());
        assert!(system.explain().waits.is_empty() && nodes.iter().all(ActorRef::is_empty), "all go on");
    }
}

//! Actors on tokio with two workers, under each delivery mode.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use tidegate::{Actor, ActorRef, Adaptive, Context, Fault, Mailbox, Pull, Push, Reply, System};
use tidegate_benches::{on, runtime};
use tokio::sync::Notify;

fn main() {
    divan::main();
}

const CAPACITY: usize = 1024;

/// How messages are delivered.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    Push,
    PullWindow,
    PullMaxInFlight,
    PullOneByOne,
    Adaptive,
}

impl Delivery {
    const ALL: [Self; 5] = [Self::Push, Self::PullWindow, Self::PullMaxInFlight, Self::PullOneByOne, Self::Adaptive];

    fn mailbox<M: Send + 'static>(self) -> Mailbox<M> {
        match self {
            Self::Push => Push::bounded(CAPACITY).into(),
            Self::PullWindow => Pull::window(CAPACITY).into(),
            Self::PullMaxInFlight => Pull::max_in_flight(CAPACITY).into(),
            Self::PullOneByOne => Pull::one_by_one().into(),
            Self::Adaptive => Adaptive::window(CAPACITY).into(),
        }
    }
}

#[derive(Default)]
struct Counter {
    total: u64,
}

enum Count {
    Add(u64),
    Total(Reply<u64>),
}

impl Actor for Counter {
    type Msg = Count;

    async fn handle(&mut self, message: Count, _: &mut Context<Self>) -> Result<(), Fault> {
        match message {
            Count::Add(number) => self.total += number,
            Count::Total(reply) => {
                let _ = reply.send(self.total);
            }
        }
        Ok(())
    }
}

/// The actor, and the system that it lives in.
async fn counter(delivery: Delivery) -> (System, ActorRef<Count>) {
    let system = System::new();
    let counter = system.spawn(Counter::default(), delivery.mailbox());
    (system, counter)
}

async fn total(counter: &ActorRef<Count>) -> u64 {
    counter.ask(Count::Total).await.unwrap_or_else(|_| panic!("an answer"))
}

/// A sender that waits for room, until the last message is handled.
#[divan::bench(args = Delivery::ALL, sample_size = 1)]
fn counting(bencher: Bencher<'_, '_>, delivery: Delivery) {
    const MESSAGES: u64 = 100_000;
    let runtime = runtime();
    let (_system, counter) = on(&runtime, counter(delivery));
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        let counter = counter.clone();
        on(&runtime, async move {
            let before = total(&counter).await;
            for _ in 0..MESSAGES {
                assert!(counter.tell(Count::Add(1)).await.is_ok());
            }
            assert_eq!(total(&counter).await, before + MESSAGES);
        });
    });
}

/// One question at a time.
#[divan::bench(args = Delivery::ALL, sample_size = 1)]
fn ask(bencher: Bencher<'_, '_>, delivery: Delivery) {
    const QUESTIONS: u64 = 10_000;
    let runtime = runtime();
    let (_system, counter) = on(&runtime, counter(delivery));
    bencher.counter(ItemsCount::new(QUESTIONS)).bench_local(|| {
        let counter = counter.clone();
        on(&runtime, async move {
            for _ in 0..QUESTIONS {
                assert_eq!(total(&counter).await, 0);
            }
        });
    });
}

/// One of two who pass a token to and fro.
struct Player {
    other: Option<ActorRef<Game>>,
    over: Arc<Notify>,
}

enum Game {
    Meet(ActorRef<Game>),
    /// How many hops are left.
    Token(u64),
}

impl Actor for Player {
    type Msg = Game;

    async fn handle(&mut self, message: Game, _: &mut Context<Self>) -> Result<(), Fault> {
        match (message, &self.other) {
            (Game::Meet(other), _) => self.other = Some(other),
            (Game::Token(0), _) => self.over.notify_one(),
            (Game::Token(left), Some(other)) => {
                assert!(other.tell(Game::Token(left - 1)).await.is_ok());
            }
            (Game::Token(_), None) => return Err(Fault::msg("no one to play with")),
        }
        Ok(())
    }
}

#[divan::bench(args = Delivery::ALL, sample_size = 1)]
fn ping_pong(bencher: Bencher<'_, '_>, delivery: Delivery) {
    const HOPS: u64 = 20_000;
    let runtime = runtime();
    let over = Arc::new(Notify::new());
    let finished = over.clone();
    let (_system, first) = on(&runtime, async move {
        let system = System::new();
        let [one, two] =
            [(), ()].map(|()| system.spawn(Player { other: None, over: over.clone() }, delivery.mailbox()));
        assert!(one.tell(Game::Meet(two.clone())).await.is_ok());
        assert!(two.tell(Game::Meet(one.clone())).await.is_ok());
        (system, one)
    });
    bencher.counter(ItemsCount::new(HOPS)).bench_local(|| {
        let (first, finished) = (first.clone(), finished.clone());
        on(&runtime, async move {
            assert!(first.tell(Game::Token(HOPS - 1)).await.is_ok());
            finished.notified().await;
        });
    });
}

/// Handles one message and stops.
struct Mayfly;

impl Actor for Mayfly {
    type Msg = u64;

    async fn handle(&mut self, _: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.stop();
        Ok(())
    }
}

/// From the start of the first to the end of the last.
#[divan::bench(args = Delivery::ALL, sample_size = 1)]
fn spawn_one_message_stop(bencher: Bencher<'_, '_>, delivery: Delivery) {
    const ACTORS: u64 = 1_000;
    let runtime = runtime();
    bencher.counter(ItemsCount::new(ACTORS)).bench_local(|| {
        on(&runtime, async move {
            let system = System::new();
            let mut mayflies = Vec::with_capacity(1_000);
            for number in 0..ACTORS {
                let mayfly = system.spawn(Mayfly, delivery.mailbox());
                assert!(mayfly.tell(number).await.is_ok());
                mayflies.push(mayfly);
            }
            for mayfly in mayflies {
                mayfly.stopped().await;
            }
        });
    });
}

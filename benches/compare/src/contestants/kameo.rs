//! kameo: actors are tokio tasks, mailboxes tokio's mpsc, a box per message.
//!
//! Built without its `tracing` feature, which is on by default and slower.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kameo::actor::{Actor, ActorRef, Spawn, WeakActorRef};
use kameo::error::ActorStopReason;
use kameo::mailbox;
use kameo::message::{Context, Message};

use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::support::{
    CAPACITY, FORKS, Latch, PRODUCERS, Payload, RING, Relay, Tally, Wide, bytes_after, bytes_before, journey,
    let_them_run, on_tokio, per_actor, sum_below,
};

pub(crate) fn lineup() -> Lineup {
    Lineup {
        name: "kameo",
        kind: Kind::Actors,
        ping_pong: Entry::Timed(|plan| pass_around(2, plan.items)),
        bounded: Entry::Timed(counting::<u64>),
        bounded_wide: Entry::Timed(counting::<Wide>),
        unbounded: Entry::Timed(counting_unbounded),
        many_to_one: Entry::Timed(many_to_one),
        ring: Entry::Timed(|plan| pass_around(RING, plan.items)),
        fork_join: Entry::Timed(fork_join),
        spawn: Entry::Timed(spawn),
        ask: Entry::Timed(ask),
        pipeline: Entry::Cannot("no demand between actors"),
        idle: Entry::Bytes(idle),
    }
}

struct Counter(Tally);

impl Actor for Counter {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

impl<P: Payload> Message<P> for Counter {
    type Reply = ();

    async fn handle(&mut self, item: P, _: &mut Context<Self, ()>) {
        self.0.add(item.number());
    }
}

async fn tell<A, M>(to: &ActorRef<A>, message: M)
where
    A: Actor + Message<M>,
    M: Send + 'static,
{
    let told = to.tell(message).send().await;
    assert!(told.is_ok(), "the actor is there");
}

fn counting<P: Payload>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let counter = Counter::spawn_with_mailbox(Counter(Tally::new(items, latch)), mailbox::bounded(CAPACITY));
        let start = Instant::now();
        for number in 0..items {
            tell(&counter, P::of(number)).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn counting_unbounded(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let counter = Counter::spawn_with_mailbox(Counter(Tally::new(items, latch)), mailbox::unbounded());
        let start = Instant::now();
        for number in 0..items {
            let told = counter.tell(number).try_send();
            assert!(told.is_ok(), "the actor is there");
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn many_to_one(plan: &Plan) -> Duration {
    let each = plan.items / PRODUCERS;
    let items = each * PRODUCERS;
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let counter = Counter::spawn_with_mailbox(Counter(Tally::new(items, latch)), mailbox::bounded(CAPACITY));
        let start = Instant::now();
        for producer in 0..PRODUCERS {
            let counter = counter.clone();
            tokio::spawn(async move {
                for turn in 0..each {
                    tell(&counter, turn * PRODUCERS + producer).await;
                }
            });
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

struct Place {
    relay: Relay,
    next: Option<ActorRef<Place>>,
}

struct Next(ActorRef<Place>);
struct Token(u64);

impl Actor for Place {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

impl Message<Next> for Place {
    type Reply = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self, ()>) {
        self.next = Some(next);
    }
}

impl Message<Token> for Place {
    type Reply = ();

    async fn handle(&mut self, Token(token): Token, _: &mut Context<Self, ()>) {
        if let (Some(token), Some(next)) = (self.relay.take(token), &self.next) {
            // One token always finds room, and `try_send` is the faster of the two.
            let told = next.tell(Token(token)).try_send();
            assert!(told.is_ok(), "the next one is there");
        }
    }
}

fn pass_around(size: u64, items: u64) -> Duration {
    let (rounds, token) = journey(size, items);
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let places: Vec<_> = (0..size)
            .map(|_| {
                let place = Place { relay: Relay::new(latch.clone()), next: None };
                Place::spawn_with_mailbox(place, mailbox::bounded(CAPACITY))
            })
            .collect();
        for (place, next) in places.iter().zip(places.iter().cycle().skip(1)) {
            tell(place, Next(next.clone())).await;
        }
        let start = Instant::now();
        tell(&places[0], Token(token)).await;
        assert_eq!(done.await, Ok(rounds));
        start.elapsed()
    })
}

fn fork_join(plan: &Plan) -> Duration {
    let each = plan.items / FORKS;
    on_tokio(async move {
        let (latch, done) = Latch::new(FORKS);
        let forks: Vec<_> = (0..FORKS)
            .map(|_| {
                let counter = Counter(Tally::new(each, latch.clone()));
                Counter::spawn_with_mailbox(counter, mailbox::bounded(CAPACITY))
            })
            .collect();
        let start = Instant::now();
        for number in 0..each {
            for fork in &forks {
                tell(fork, number).await;
            }
        }
        assert_eq!(done.await, Ok(FORKS * sum_below(each)));
        start.elapsed()
    })
}

/// Handles one message, stops, and reports when it has stopped.
struct Mayfly {
    number: u64,
    latch: Arc<Latch>,
}

impl Actor for Mayfly {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }

    async fn on_stop(&mut self, _: WeakActorRef<Self>, _: ActorStopReason) -> Result<(), Infallible> {
        self.latch.arrive(self.number);
        Ok(())
    }
}

impl Message<u64> for Mayfly {
    type Reply = ();

    async fn handle(&mut self, number: u64, cx: &mut Context<Self, ()>) {
        self.number = number;
        cx.stop();
    }
}

fn spawn(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (latch, done) = Latch::new(items);
        let start = Instant::now();
        for number in 0..items {
            let mayfly = Mayfly { number: 0, latch: latch.clone() };
            let mayfly = Mayfly::spawn_with_mailbox(mayfly, mailbox::bounded(CAPACITY));
            tell(&mayfly, number).await;
            let_them_run(number).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

struct Successor;

impl Actor for Successor {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

impl Message<u64> for Successor {
    type Reply = u64;

    async fn handle(&mut self, number: u64, _: &mut Context<Self, u64>) -> u64 {
        number + 1
    }
}

fn ask(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let successor = Successor::spawn_with_mailbox(Successor, mailbox::bounded(CAPACITY));
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..items {
            sum += successor.ask(number).send().await.expect("an answer");
        }
        assert_eq!(sum, sum_below(items) + items);
        start.elapsed()
    })
}

/// Handles one message and stays.
struct Sleeper(Arc<Latch>);

impl Actor for Sleeper {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

impl Message<u64> for Sleeper {
    type Reply = ();

    async fn handle(&mut self, number: u64, _: &mut Context<Self, ()>) {
        self.0.arrive(number);
    }
}

fn idle(plan: &Plan) -> f64 {
    let items = plan.items;
    let _counting = crate::alloc::counting();
    on_tokio(async move {
        let mut sleepers = Vec::with_capacity(items as usize);
        let (latch, done) = Latch::new(items);
        let before = bytes_before().await;
        for number in 0..items {
            let sleeper = Sleeper::spawn_with_mailbox(Sleeper(latch.clone()), mailbox::bounded(CAPACITY));
            tell(&sleeper, number).await;
            sleepers.push(sleeper);
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        let after = bytes_after().await;
        drop(sleepers);
        per_actor(before, after, items)
    })
}

//! xtra: actors are tokio tasks over its own two-lock queue, a box per message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use xtra::{Actor, Address, Context, Handler, Mailbox, spawn_tokio};

use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::support::{
    CAPACITY, FORKS, Latch, PRODUCERS, Payload, RING, Relay, Tally, Wide, bytes_after, bytes_before, journey,
    let_them_run, on_tokio, per_actor, sum_below,
};

pub(crate) fn lineup() -> Lineup {
    Lineup {
        name: "xtra",
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
    type Stop = ();

    async fn stopped(self) {}
}

impl<P: Payload> Handler<P> for Counter {
    type Return = ();

    async fn handle(&mut self, item: P, _: &mut Context<Self>) {
        self.0.add(item.number());
    }
}

/// Waits for room only: `detach` is what makes it not wait for the handler.
async fn tell<A, M>(to: &Address<A>, message: M)
where
    A: Handler<M>,
    M: Send + 'static,
{
    let told = to.send(message).detach().await;
    assert!(told.is_ok(), "the actor is there");
}

fn counting<P: Payload>(plan: &Plan) -> Duration {
    count_through::<P>(Mailbox::bounded(CAPACITY), plan.items)
}

fn counting_unbounded(plan: &Plan) -> Duration {
    count_through::<u64>(Mailbox::unbounded(), plan.items)
}

fn count_through<P: Payload>(mailbox: (Address<Counter>, Mailbox<Counter>), items: u64) -> Duration {
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let counter = spawn_tokio(Counter(Tally::new(items, latch)), mailbox);
        let start = Instant::now();
        for number in 0..items {
            tell(&counter, P::of(number)).await;
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
        let counter = spawn_tokio(Counter(Tally::new(items, latch)), Mailbox::bounded(CAPACITY));
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
    next: Option<Address<Place>>,
}

struct Next(Address<Place>);
struct Token(u64);

impl Actor for Place {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Next> for Place {
    type Return = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self>) {
        self.next = Some(next);
    }
}

impl Handler<Token> for Place {
    type Return = ();

    async fn handle(&mut self, Token(token): Token, _: &mut Context<Self>) {
        if let (Some(token), Some(next)) = (self.relay.take(token), &self.next) {
            tell(next, Token(token)).await;
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
                spawn_tokio(place, Mailbox::bounded(CAPACITY))
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
                spawn_tokio(counter, Mailbox::bounded(CAPACITY))
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
    type Stop = ();

    async fn stopped(self) {
        self.latch.arrive(self.number);
    }
}

impl Handler<u64> for Mayfly {
    type Return = ();

    async fn handle(&mut self, number: u64, cx: &mut Context<Self>) {
        self.number = number;
        cx.stop_self();
    }
}

fn spawn(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (latch, done) = Latch::new(items);
        let start = Instant::now();
        for number in 0..items {
            let mayfly = Mayfly { number: 0, latch: latch.clone() };
            let mayfly = spawn_tokio(mayfly, Mailbox::bounded(CAPACITY));
            tell(&mayfly, number).await;
            let_them_run(number).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

struct Successor;

impl Actor for Successor {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<u64> for Successor {
    type Return = u64;

    async fn handle(&mut self, number: u64, _: &mut Context<Self>) -> u64 {
        number + 1
    }
}

fn ask(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let successor = spawn_tokio(Successor, Mailbox::bounded(CAPACITY));
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..items {
            sum += successor.send(number).await.expect("an answer");
        }
        assert_eq!(sum, sum_below(items) + items);
        start.elapsed()
    })
}

/// Handles one message and stays.
struct Sleeper(Arc<Latch>);

impl Actor for Sleeper {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<u64> for Sleeper {
    type Return = ();

    async fn handle(&mut self, number: u64, _: &mut Context<Self>) {
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
            let sleeper = spawn_tokio(Sleeper(latch.clone()), Mailbox::bounded(CAPACITY));
            tell(&sleeper, number).await;
            sleepers.push(sleeper);
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        let after = bytes_after().await;
        drop(sleepers);
        per_actor(before, after, items)
    })
}

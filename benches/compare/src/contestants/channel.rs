//! The workloads between tasks over a channel, written once over two traits.
//!
//! The traits are resolved at compile time; what runs is each library's own
//! future, without a box or a dynamic call in between.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::support::{
    CAPACITY, FORKS, Latch, PRODUCERS, Payload, RING, Relay, STAGES, Tally, WINDOW, Wide, bytes_after, bytes_before,
    journey, let_them_run, on_tokio, per_actor, sum_below,
};

/// What can be sent; some libraries ask for `Unpin`.
pub(crate) trait Item: Send + Unpin + 'static {}
impl<T: Send + Unpin + 'static> Item for T {}

/// A bounded channel whose sender waits for room.
pub(crate) trait Bounded: 'static {
    type Sender<T: Item>: Clone + Send + Sync + 'static;
    type Receiver<T: Item>: Send + 'static;
    /// The library's own answer, which is not looked into.
    type Sent: Send;
    /// The library's own error; that there is none is all that is asked.
    type Lost<T: Item>: Send;

    fn channel<T: Item>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);
    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> impl Future<Output = Result<Self::Sent, Self::Lost<T>>> + Send;
    fn recv<T: Item>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send;
}

/// A channel without a bound; sending never waits.
pub(crate) trait Unbounded: 'static {
    type Sender<T: Item>: Send + 'static;
    type Receiver<T: Item>: Send + 'static;

    fn channel<T: Item>() -> (Self::Sender<T>, Self::Receiver<T>);
    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> bool;
    fn recv<T: Item>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send;
}

/// The full lineup of a channel.
pub(crate) fn lineup<B: Bounded, U: Unbounded>(name: &'static str, kind: Kind) -> Lineup {
    Lineup {
        name,
        kind,
        ping_pong: Entry::Timed(ping_pong::<B>),
        bounded: Entry::Timed(bounded::<B, u64>),
        bounded_wide: Entry::Timed(bounded::<B, Wide>),
        unbounded: Entry::Timed(unbounded::<U>),
        many_to_one: Entry::Timed(many_to_one::<B>),
        ring: Entry::Timed(ring::<B>),
        fork_join: Entry::Timed(fork_join::<B>),
        spawn: Entry::Noted(spawn::<B>, "a task and its channel"),
        ask: Entry::Noted(ask::<B>, "replies through tokio's oneshot"),
        pipeline: Entry::Timed(pipeline::<B>),
        idle: Entry::Bytes(idle::<B>),
    }
}

async fn must_send<B: Bounded, T: Item>(to: &B::Sender<T>, item: T) {
    assert!(B::send(to, item).await.is_ok(), "the receiver is there");
}

/// Receives into a tally until it is complete.
async fn consume<B: Bounded, P: Payload>(mut from: B::Receiver<P>, mut tally: Tally) {
    while let Some(item) = B::recv(&mut from).await {
        if tally.add(item.number()) {
            break;
        }
    }
}

fn bounded<B: Bounded, P: Payload>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (to, from) = B::channel::<P>(CAPACITY);
        let (latch, done) = Latch::new(1);
        tokio::spawn(consume::<B, P>(from, Tally::new(items, latch)));
        let start = Instant::now();
        for number in 0..items {
            must_send::<B, P>(&to, P::of(number)).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn pipeline<B: Bounded>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (to, mut from) = B::channel::<u64>(WINDOW);
        for _ in 0..STAGES {
            let (next, out) = B::channel::<u64>(WINDOW);
            let mut stage = std::mem::replace(&mut from, out);
            tokio::spawn(async move {
                while let Some(item) = B::recv(&mut stage).await {
                    must_send::<B, u64>(&next, item).await;
                }
            });
        }
        let (latch, done) = Latch::new(1);
        tokio::spawn(consume::<B, u64>(from, Tally::new(items, latch)));
        let start = Instant::now();
        tokio::spawn(async move {
            for number in 0..items {
                must_send::<B, u64>(&to, number).await;
            }
        });
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn unbounded<U: Unbounded>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (to, mut from) = U::channel::<u64>();
        let (latch, done) = Latch::new(1);
        let mut tally = Tally::new(items, latch);
        tokio::spawn(async move {
            while let Some(item) = U::recv(&mut from).await {
                if tally.add(item) {
                    break;
                }
            }
        });
        let start = Instant::now();
        for number in 0..items {
            assert!(U::send(&to, number), "the receiver is there");
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn many_to_one<B: Bounded>(plan: &Plan) -> Duration {
    let each = plan.items / PRODUCERS;
    let items = each * PRODUCERS;
    on_tokio(async move {
        let (to, from) = B::channel::<u64>(CAPACITY);
        let (latch, done) = Latch::new(1);
        tokio::spawn(consume::<B, u64>(from, Tally::new(items, latch)));
        let start = Instant::now();
        for producer in 0..PRODUCERS {
            let to = to.clone();
            tokio::spawn(async move {
                for turn in 0..each {
                    must_send::<B, u64>(&to, turn * PRODUCERS + producer).await;
                }
            });
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn ping_pong<B: Bounded>(plan: &Plan) -> Duration {
    pass_around::<B>(2, plan.items)
}

fn ring<B: Bounded>(plan: &Plan) -> Duration {
    pass_around::<B>(RING, plan.items)
}

fn pass_around<B: Bounded>(size: u64, items: u64) -> Duration {
    let (rounds, token) = journey(size, items);
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..size).map(|_| B::channel::<u64>(CAPACITY)).unzip();
        for (place, mut from) in receivers.into_iter().enumerate() {
            let next = senders[(place + 1) % senders.len()].clone();
            let mut relay = Relay::new(latch.clone());
            tokio::spawn(async move {
                while let Some(token) = B::recv(&mut from).await {
                    if let Some(token) = relay.take(token) {
                        must_send::<B, u64>(&next, token).await;
                    }
                }
            });
        }
        let start = Instant::now();
        must_send::<B, u64>(&senders[0], token).await;
        assert_eq!(done.await, Ok(rounds));
        start.elapsed()
    })
}

fn fork_join<B: Bounded>(plan: &Plan) -> Duration {
    let each = plan.items / FORKS;
    on_tokio(async move {
        let (latch, done) = Latch::new(FORKS);
        let forks: Vec<_> = (0..FORKS)
            .map(|_| {
                let (to, from) = B::channel::<u64>(CAPACITY);
                tokio::spawn(consume::<B, u64>(from, Tally::new(each, latch.clone())));
                to
            })
            .collect();
        let start = Instant::now();
        for number in 0..each {
            for fork in &forks {
                must_send::<B, u64>(fork, number).await;
            }
        }
        assert_eq!(done.await, Ok(FORKS * sum_below(each)));
        start.elapsed()
    })
}

fn spawn<B: Bounded>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (latch, done) = Latch::new(items);
        let start = Instant::now();
        for number in 0..items {
            let (to, from) = B::channel::<u64>(CAPACITY);
            let latch = latch.clone();
            tokio::spawn(one_message::<B>(from, latch));
            must_send::<B, u64>(&to, number).await;
            let_them_run(number).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

/// Handles one message and ends.
async fn one_message<B: Bounded>(mut from: B::Receiver<u64>, latch: std::sync::Arc<Latch>) {
    let number = B::recv(&mut from).await.unwrap_or_default();
    drop(from);
    latch.arrive(number);
}

fn ask<B: Bounded>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (to, mut from) = B::channel::<(u64, oneshot::Sender<u64>)>(CAPACITY);
        tokio::spawn(async move {
            while let Some((number, reply)) = B::recv(&mut from).await {
                let _ = reply.send(number + 1);
            }
        });
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..items {
            let (reply, answer) = oneshot::channel();
            must_send::<B, _>(&to, (number, reply)).await;
            sum += answer.await.expect("an answer");
        }
        assert_eq!(sum, sum_below(items) + items);
        start.elapsed()
    })
}

fn idle<B: Bounded>(plan: &Plan) -> f64 {
    let items = plan.items;
    let _counting = crate::alloc::counting();
    on_tokio(async move {
        let mut senders = Vec::with_capacity(items as usize);
        let (latch, done) = Latch::new(items);
        let before = bytes_before().await;
        for number in 0..items {
            let (to, mut from) = B::channel::<u64>(CAPACITY);
            let latch = latch.clone();
            tokio::spawn(async move {
                while let Some(number) = B::recv(&mut from).await {
                    latch.arrive(number);
                }
            });
            must_send::<B, u64>(&to, number).await;
            senders.push(to);
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        let after = bytes_after().await;
        drop(senders);
        per_actor(before, after, items)
    })
}

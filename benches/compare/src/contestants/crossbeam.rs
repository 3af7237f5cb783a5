//! crossbeam-channel between operating system threads: it has no async side.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::support::{CAPACITY, FORKS, Latch, PRODUCERS, Payload, RING, Relay, Tally, Wide, journey, sum_below};

const A_THREAD_EACH: &str = "a thread for every receiver";

pub(crate) fn lineup() -> Lineup {
    Lineup {
        name: "crossbeam (threads)",
        kind: Kind::Channel,
        ping_pong: Entry::Timed(ping_pong),
        bounded: Entry::Timed(counting::<u64>),
        bounded_wide: Entry::Timed(counting::<Wide>),
        unbounded: Entry::Timed(counting_unbounded),
        many_to_one: Entry::Timed(many_to_one),
        ring: Entry::Noted(ring, "100 threads"),
        fork_join: Entry::Noted(fork_join, "60 threads"),
        spawn: Entry::Cannot(A_THREAD_EACH),
        ask: Entry::Noted(ask, "replies through a bounded(1) of each question"),
        pipeline: Entry::Cannot(A_THREAD_EACH),
        idle: Entry::Cannot(A_THREAD_EACH),
    }
}

fn consume<P: Payload>(from: &Receiver<P>, mut tally: Tally) {
    for item in from {
        if tally.add(item.number()) {
            break;
        }
    }
}

fn counting<P: Payload>(plan: &Plan) -> Duration {
    count_through(bounded::<P>(CAPACITY), plan.items)
}

fn counting_unbounded(plan: &Plan) -> Duration {
    count_through(unbounded::<u64>(), plan.items)
}

/// The caller's thread only waits: two threads do the work, as elsewhere.
fn count_through<P: Payload>((to, from): (Sender<P>, Receiver<P>), items: u64) -> Duration {
    let (latch, done) = Latch::new(1);
    let receiver = thread::spawn(move || consume(&from, Tally::new(items, latch)));
    let start = Instant::now();
    let sender = thread::spawn(move || {
        for number in 0..items {
            to.send(P::of(number)).expect("the receiver is there");
        }
    });
    assert_eq!(done.blocking_recv(), Ok(sum_below(items)));
    let took = start.elapsed();
    join([receiver, sender]);
    took
}

fn many_to_one(plan: &Plan) -> Duration {
    let each = plan.items / PRODUCERS;
    let items = each * PRODUCERS;
    let (to, from) = bounded::<u64>(CAPACITY);
    let (latch, done) = Latch::new(1);
    let receiver = thread::spawn(move || consume(&from, Tally::new(items, latch)));
    let start = Instant::now();
    let senders: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let to = to.clone();
            thread::spawn(move || {
                for turn in 0..each {
                    to.send(turn * PRODUCERS + producer).expect("the receiver is there");
                }
            })
        })
        .collect();
    assert_eq!(done.blocking_recv(), Ok(sum_below(items)));
    let took = start.elapsed();
    join(senders);
    join([receiver]);
    took
}

fn ping_pong(plan: &Plan) -> Duration {
    pass_around(2, plan.items)
}

fn ring(plan: &Plan) -> Duration {
    pass_around(RING, plan.items)
}

fn pass_around(size: u64, items: u64) -> Duration {
    let (rounds, token) = journey(size, items);
    let (latch, done) = Latch::new(1);
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..size).map(|_| bounded::<u64>(CAPACITY)).unzip();
    let places: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(place, from)| {
            let next = senders[(place + 1) % senders.len()].clone();
            let mut relay = Relay::new(latch.clone());
            thread::spawn(move || {
                for token in from {
                    match relay.take(token) {
                        Some(token) => next.send(token).expect("the next one is there"),
                        None => break,
                    }
                }
            })
        })
        .collect();
    let start = Instant::now();
    senders[0].send(token).expect("the first one is there");
    assert_eq!(done.blocking_recv(), Ok(rounds));
    let took = start.elapsed();
    // The last one's end drops its sender, which ends the next, and so on.
    drop(senders);
    join(places);
    took
}

fn fork_join(plan: &Plan) -> Duration {
    let each = plan.items / FORKS;
    let (latch, done) = Latch::new(FORKS);
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..FORKS)
        .map(|_| {
            let (to, from) = bounded::<u64>(CAPACITY);
            let tally = Tally::new(each, latch.clone());
            (to, thread::spawn(move || consume(&from, tally)))
        })
        .unzip();
    let start = Instant::now();
    for number in 0..each {
        for to in &senders {
            to.send(number).expect("the receiver is there");
        }
    }
    assert_eq!(done.blocking_recv(), Ok(FORKS * sum_below(each)));
    let took = start.elapsed();
    join(receivers);
    took
}

fn ask(plan: &Plan) -> Duration {
    let (to, from) = bounded::<(u64, Sender<u64>)>(CAPACITY);
    let answering = thread::spawn(move || {
        for (number, reply) in from {
            reply.send(number + 1).expect("the asker is there");
        }
    });
    let start = Instant::now();
    let mut sum = 0;
    for number in 0..plan.items {
        let (reply, answer) = bounded(1);
        to.send((number, reply)).expect("the receiver is there");
        sum += answer.recv().expect("an answer");
    }
    assert_eq!(sum, sum_below(plan.items) + plan.items);
    let took = start.elapsed();
    drop(to);
    join([answering]);
    took
}

fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a thread of the workload ran to its end");
    }
}

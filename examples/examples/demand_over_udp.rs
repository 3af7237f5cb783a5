//! Demand over UDP: two sockets, and every tenth datagram thrown away.
//!
//!     cargo run -p tidegate-examples --example demand_over_udp
//!
//! Look for: datagrams were lost, and all readings arrive, once and in order; the
//! producer never had more out than was asked for.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::net::UdpSocket;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use tidegate::Mode;
use tidegate::flow::link::{Consumer, Producer, Signal, State, Timing};

const READINGS: u64 = 2_000;
const SEED: u64 = 2026;

/// A socket, the state of its luck (Knuth's MMIX generator), and its losses so far.
struct Lossy(UdpSocket, u64, u64);

impl Lossy {
    fn send(&mut self, frame: &impl serde::Serialize) -> Result<(), Box<dyn Error>> {
        self.1 = self.1.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (self.1 >> 33) % 10 {
            0 => self.2 += 1,
            _ => drop(self.0.send(&serde_json::to_vec(frame)?)?),
        }
        Ok(())
    }

    fn receive<F: serde::de::DeserializeOwned>(&self) -> Option<F> {
        let mut datagram = [0; 512];
        let length = self.0.recv(&mut datagram).ok()?;
        serde_json::from_slice(&datagram[..length]).ok()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("seed {SEED}");
    let [here, there] = [UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?];
    for (one, other) in [(&here, &there), (&there, &here)] {
        one.connect(other.local_addr()?)?;
        one.set_nonblocking(true)?;
    }
    let (mut here, mut there) = (Lossy(here, SEED, 0), Lossy(there, SEED, 0));
    let (start, ms) = (Instant::now(), Duration::from_millis);
    let timing = Timing::default().resend(ms(4), ms(50)).confirm(ms(1)).idle(ms(20), ms(200));
    let window = NonZeroU64::new(64).ok_or("not a window")?;
    let mut producer = Producer::new(SEED, window, timing);
    let mut consumer = Consumer::<u64>::new(SEED, Mode::Pull, window, timing, start.elapsed());
    let (mut got, mut completed, mut most) = (Vec::new(), false, 0);
    while !(completed && producer.state() == State::Finished) {
        let now = start.elapsed();
        while producer.sent() < READINGS && producer.try_send(producer.sent() * 7, now).is_ok() {}
        let _ = producer.sent() == READINGS && producer.complete(now);
        most = most.max(producer.sent() - consumer.done());
        if consumer.done() == consumer.requested() && consumer.done() < READINGS {
            consumer.request(50)?;
        }
        while let Some(signal) = consumer.poll_signal() {
            match signal {
                Signal::Item { item, .. } => got.push(item),
                end => completed = end == Signal::Completed,
            }
        }
        producer.handle_timeout(now);
        consumer.handle_timeout(now);
        std::iter::from_fn(|| there.receive()).for_each(|frame| producer.handle_frame(frame, now));
        std::iter::from_fn(|| here.receive()).for_each(|frame| consumer.handle_frame(frame, now));
        std::iter::from_fn(|| producer.poll_frame()).try_for_each(|frame| there.send(&frame))?;
        std::iter::from_fn(|| consumer.poll_frame()).try_for_each(|frame| here.send(&frame))?;
    }
    println!("datagrams were thrown away, both ways: {}", here.2 > 0 && there.2 > 100);
    println!("{} readings, in order: {}", got.len(), got.iter().copied().eq((0..READINGS).map(|n| n * 7)));
    println!("asked for {}, never more than {most} of them out", consumer.requested());
    Ok(())
}

//! Changing a mailbox while messages flow through it.
//!
//! Each iteration is the same traffic with more or fewer changes in it; what a
//! change costs is the difference to the line without any.

use divan::Bencher;
use divan::counter::ItemsCount;
use tidegate::{Actor, Context, Fault, Mailbox, Overflow, Pull, Push, Reply, System};
use tidegate_benches::{on, runtime};

fn main() {
    divan::main();
}

const MESSAGES: u64 = 100_000;
const CAPACITY: usize = 1024;

/// Messages between two changes.
const EVERY: [u64; 4] = [u64::MAX, 10_000, 1_000, 100];

#[derive(Default)]
struct Counter {
    handled: u64,
}

enum Count {
    One,
    Handled(Reply<u64>),
}

impl Actor for Counter {
    type Msg = Count;

    async fn handle(&mut self, message: Count, _: &mut Context<Self>) -> Result<(), Fault> {
        match message {
            Count::One => self.handled += 1,
            Count::Handled(reply) => {
                let _ = reply.send(self.handled);
            }
        }
        Ok(())
    }
}

/// Sends the traffic and changes the mailbox to and fro `every` so often.
fn traffic(bencher: Bencher<'_, '_>, every: u64, one: fn() -> Mailbox<Count>, other: fn() -> Mailbox<Count>) {
    let runtime = runtime();
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        on(&runtime, async move {
            let system = System::new();
            let counter = system.spawn(Counter::default(), one());
            let mut changes = [other, one].into_iter().cycle();
            for sent in 1..=MESSAGES {
                assert!(counter.tell(Count::One).await.is_ok());
                if sent % every == 0 {
                    let next = changes.next().expect("a cycle has no end");
                    counter.reconfigure(next());
                }
            }
            // Through every change, nothing is lost.
            assert_eq!(counter.ask(Count::Handled).await.ok(), Some(MESSAGES));
        });
    });
}

/// Push to pull and back: another one moves the grant limit.
#[divan::bench(args = EVERY, sample_size = 1)]
fn mode(bencher: Bencher<'_, '_>, every: u64) {
    traffic(bencher, every, || Push::bounded(CAPACITY).into(), || Pull::window(CAPACITY).into());
}

/// More room and less.
#[divan::bench(args = EVERY, sample_size = 1)]
fn capacity(bencher: Bencher<'_, '_>, every: u64) {
    traffic(bencher, every, || Push::bounded(CAPACITY).into(), || Push::bounded(64).into());
}

/// To a policy that keeps its queue in another storage, and back. The bound is
/// above the traffic, so that neither has anything to drop.
#[divan::bench(args = EVERY, sample_size = 1)]
fn policy(bencher: Bencher<'_, '_>, every: u64) {
    const ROOM: usize = 2 * MESSAGES as usize;
    traffic(
        bencher,
        every,
        || Push::bounded(ROOM).into(),
        || Push::bounded(ROOM).overflow(Overflow::DropOldest).into(),
    );
}

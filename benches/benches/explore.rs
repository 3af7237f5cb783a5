//! How fast programs are explored: schedules in a second, on one core, and how
//! many of them the reduction needs.
//!
//! Each iteration explores a whole program, and asserts how far it came: one that
//! was cut off would be fast for no good reason.

use divan::Bencher;
use divan::counter::ItemsCount;
use tidegate::explore::{Explorer, Report, Sim, Strategy};
use tidegate::{Actor, Context, Fault, Push, Reply};

// What is counted here is not a time, and divan has no place for it.
#[allow(clippy::print_stdout)]
fn main() {
    let at_random = Strategy::Random { schedules: AT_RANDOM, seed: 1 };
    for strategy in [Strategy::Exhaustive, Strategy::Reduced, at_random] {
        println!("two clients: {}", two_explored(strategy));
    }
    println!("three pairs: {}", three_explored());
    divan::main();
}

/// What is chosen at random is as much as this.
const AT_RANDOM: u64 = 1_000;

#[derive(Default)]
struct Counter(u64);

enum Count {
    Get(Reply<u64>),
    Set(u64),
}

impl Actor for Counter {
    type Msg = Count;

    async fn handle(&mut self, message: Count, _: &mut Context<Self>) -> Result<(), Fault> {
        match message {
            Count::Get(reply) => drop(reply.send(self.0)),
            Count::Set(to) => self.0 = to,
        }
        Ok(())
    }
}

/// Two clients, each of which reads a counter and writes one more. That one of
/// them may be lost is nobody's failure here: every order is run to its end.
async fn two_clients(sim: Sim) {
    let counter = sim.system().spawn(Counter::default(), Push::bounded(4));
    let clients = ["ann", "bob"].map(|name| {
        let counter = counter.clone();
        sim.spawn(name, async move {
            let old = counter.ask(Count::Get).await.expect("it lives");
            counter.tell(Count::Set(old + 1)).await.expect("it lives");
        })
    });
    for client in clients {
        client.await;
    }
}

/// Three counters with a client each: they have nothing to do with each other,
/// so that one order stands for all.
async fn three_pairs(sim: Sim) {
    let clients = ["ann", "bob", "eve"].map(|name| {
        let counter = sim.system().spawn(Counter::default(), Push::bounded(4));
        sim.spawn(name, async move {
            let old = counter.ask(Count::Get).await.expect("it lives");
            counter.tell(Count::Set(old + 1)).await.expect("it lives");
        })
    });
    for client in clients {
        client.await;
    }
}

fn two_explored(strategy: Strategy) -> Report {
    let report = Explorer::new(strategy).cross_check(0).run(two_clients);
    report.assert_clean();
    report
}

fn three_explored() -> Report {
    let report = Explorer::new(Strategy::Reduced).cross_check(0).run(three_pairs);
    report.assert_clean();
    report
}

/// Counts what is run, to its end or broken off: by the strategy alone, without the
/// orders at random that follow a reduction otherwise.
fn counted(bencher: Bencher<'_, '_>, explored: impl Fn() -> Report) {
    let Report { schedules, pruned, .. } = explored();
    bencher.counter(ItemsCount::new(schedules + pruned)).bench_local(explored);
}

/// Every order of the two.
#[divan::bench]
fn exhaustive(bencher: Bencher<'_, '_>) {
    counted(bencher, || two_explored(Strategy::Exhaustive));
}

/// One of all that differ in nothing that matters.
#[divan::bench]
fn reduced(bencher: Bencher<'_, '_>) {
    counted(bencher, || two_explored(Strategy::Reduced));
}

/// So many of them at random.
#[divan::bench]
fn random(bencher: Bencher<'_, '_>) {
    counted(bencher, || two_explored(Strategy::Random { schedules: AT_RANDOM, seed: 1 }));
}

/// What the reduction is for: all orders of six that meet in pairs.
#[divan::bench]
fn pairs(bencher: Bencher<'_, '_>) {
    counted(bencher, three_explored);
}

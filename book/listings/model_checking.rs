//! Listings of the chapter "Model checking your actors".

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Failure, Faults, Report, Schedule, Sim, Strategy};
use tidegate::prelude::*;
use tidegate_book::Transcript;

// ANCHOR: counter
#[derive(Default)]
struct Counter {
    count: u64,
}

#[derive(Debug)]
enum Count {
    Get(Reply<u64>),
    Set(u64),
}

impl Actor for Counter {
    type Msg = Count;

    async fn handle(&mut self, message: Count, _: &mut Context<Self>) -> Result<(), Fault> {
        match message {
            Count::Get(reply) => drop(reply.send(self.count)),
            Count::Set(to) => self.count = to,
        }
        Ok(())
    }
}
// ANCHOR_END: counter

// ANCHOR: clients
async fn add_one(counter: ActorRef<Count>) {
    let old = counter.ask(Count::Get).await.unwrap();
    counter.tell(Count::Set(old + 1)).await.unwrap();
}

async fn two_clients(sim: Sim) {
    sim.describe::<Count>();
    let counter = sim.system().build(Counter::default).named("counter").mailbox(Push::bounded(4)).spawn();
    let clients = ["ann", "bob"].map(|name| sim.spawn(name, add_one(counter.clone())));
    for client in clients {
        client.await;
    }
    let count = counter.ask(Count::Get).await.unwrap();
    assert!(count == 2, "an update is lost: {count}");
}
// ANCHOR_END: clients

/// What a report says, but for how long it took, and for the lines of this file:
/// both would be others soon.
fn said(report: &Report) -> String {
    let said = report.to_string();
    without_lines(said.rsplit_once("\n\n(").map_or(said.as_str(), |(said, _)| said))
}

fn without_lines(said: &str) -> String {
    let mut lines = Vec::new();
    for line in said.lines() {
        lines.push(line.split_once(", at book/").map_or(line, |(line, _)| line));
    }
    lines.join("\n")
}

#[test]
fn an_update_is_lost() {
    // ANCHOR: lost
    let report = Explorer::new(Strategy::Reduced).run(two_clients);
    // ANCHOR_END: lost
    let mut out = Transcript::new();
    out.line(said(&report));
    out.assert_is("model_checking_lost");
}

// ANCHOR: bank
struct Bank {
    balance: u64,
}

#[derive(Debug)]
enum Order {
    Pay(u64, Reply<()>),
    Balance(Reply<u64>),
}

impl Actor for Bank {
    type Msg = Order;

    async fn handle(&mut self, order: Order, _: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Order::Pay(amount, reply) => {
                self.balance -= amount;
                let _ = reply.send(());
            }
            Order::Balance(reply) => drop(reply.send(self.balance)),
        }
        Ok(())
    }
}
// ANCHOR_END: bank

// ANCHOR: retry
const PATIENCE: Duration = Duration::from_secs(1);

/// Pays, and tries a second time where no answer comes.
async fn pay(bank: &ActorRef<Order>, amount: u64) -> bool {
    for _attempt in 0..2 {
        if bank.ask_within(PATIENCE, |reply| Order::Pay(amount, reply)).await.is_ok() {
            return true;
        }
    }
    false
}

async fn one_payment(sim: Sim) {
    sim.describe::<Order>();
    let bank = sim.system().build(|| Bank { balance: 100 }).named("bank").mailbox(Push::bounded(4)).spawn();
    pay(&bank, 30).await;
    let balance = bank.ask(Order::Balance).await.unwrap();
    assert!(balance >= 70, "paid twice: {balance} are left");
}
// ANCHOR_END: retry

#[test]
fn a_payment_is_made_twice() {
    // ANCHOR: any_time
    Explorer::new(Strategy::Reduced).run(one_payment).assert_clean();

    let report = Explorer::new(Strategy::Reduced).any_time().run(one_payment);
    // ANCHOR_END: any_time
    let mut out = Transcript::new();
    out.line(said(&report));
    out.assert_is("model_checking_twice");

    let finding = report.finding.expect("an answer may come too late");
    let text = finding.schedule.to_string();
    // ANCHOR: replay
    let schedule: Schedule = text.parse().unwrap();
    let again = Explorer::new(Strategy::Replay(schedule)).any_time().run(one_payment);
    assert!(matches!(again.finding.unwrap().failure, Failure::Panicked { .. }));
    // ANCHOR_END: replay
    let mut mermaid = Transcript::new();
    mermaid.line(without_lines(&finding.mermaid));
    mermaid.assert_is("model_checking_mermaid");
}

// ANCHOR: once
struct CarefulBank {
    balance: u64,
    done: BTreeSet<u64>,
}

#[derive(Debug)]
enum Numbered {
    Pay { id: u64, amount: u64, reply: Reply<()> },
    Balance(Reply<u64>),
}

impl Actor for CarefulBank {
    type Msg = Numbered;

    async fn handle(&mut self, order: Numbered, _: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Numbered::Pay { id, amount, reply } => {
                if self.done.insert(id) {
                    self.balance -= amount;
                }
                let _ = reply.send(());
            }
            Numbered::Balance(reply) => drop(reply.send(self.balance)),
        }
        Ok(())
    }
}

/// Pays by an id, which is the same in each attempt; returns how many it took.
async fn pay_once(bank: &ActorRef<Numbered>, id: u64, amount: u64) -> Option<u32> {
    for attempt in 1..=2 {
        if bank.ask_within(PATIENCE, |reply| Numbered::Pay { id, amount, reply }).await.is_ok() {
            return Some(attempt);
        }
    }
    None
}
// ANCHOR_END: once

// ANCHOR: careful
async fn one_careful_payment(sim: Sim) {
    let bank = || CarefulBank { balance: 100, done: BTreeSet::new() };
    let bank = sim.system().build(bank).named("bank").mailbox(Push::bounded(4)).spawn();

    let mailbox = bank.clone();
    sim.always("the bank lags by two orders at most", move || match mailbox.stats().len {
        0..=2 => Ok(()),
        more => Err(format!("{more} wait")),
    });

    let attempts = pay_once(&bank, 1, 30).await;
    sim.sometimes("it is tried again, and then answered", attempts == Some(2));
    sim.settled().await;
    if let Ok(balance) = bank.ask_within(PATIENCE, Numbered::Balance).await {
        assert!(balance >= 70, "paid twice: {balance} are left");
    }
}
// ANCHOR_END: careful

#[test]
fn a_payment_is_made_once() {
    // ANCHOR: fixed
    let faults = Faults::at_most(1).drop("/bank").drop_answer("/bank").delay("/bank");
    let explorer = Explorer::new(Strategy::Reduced).any_time();
    explorer.run(one_careful_payment).assert_clean();
    explorer.faults(faults).run(one_careful_payment).assert_clean();
    // ANCHOR_END: fixed
}

// ANCHOR: vacuous
#[test]
fn without_a_late_answer_nothing_is_shown() {
    let report = Explorer::new(Strategy::Reduced).run(one_careful_payment);
    let failure = report.finding.unwrap().failure.to_string();
    assert!(failure.starts_with("it is tried again, and then answered does not hold"), "{failure}");
}
// ANCHOR_END: vacuous

// ANCHOR: attribute
#[tidegate::explore_test(
    strategy = Strategy::Reduced,
    faults = Faults::at_most(1).drop("/bank").drop_answer("/bank"),
    with = |explorer| explorer.any_time(),
    on_tokio = 2
)]
async fn payments(sim: Sim) {
    one_careful_payment(sim).await;
}
// ANCHOR_END: attribute

// ANCHOR: strategies
#[test]
fn each_strategy_finds_the_lost_update() {
    let by_chance = Strategy::Random { schedules: 1_000, seed: 1 };
    let by_priority = Strategy::Pct { depth: 2, schedules: 1_000, seed: 1 };
    for strategy in [Strategy::Exhaustive, Strategy::Reduced, Strategy::Delays(1), by_priority, by_chance] {
        let report = Explorer::new(strategy).run(two_clients);
        assert!(matches!(report.finding.as_ref().unwrap().failure, Failure::Panicked { .. }), "{report}");
    }
}
// ANCHOR_END: strategies

/// As above, but it returns the count, and nothing is wrong with it.
async fn count_of_two(sim: Sim) -> u64 {
    let counter = sim.system().spawn(Counter::default(), Push::bounded(4));
    let clients = ["ann", "bob"].map(|name| sim.spawn(name, add_one(counter.clone())));
    for client in clients {
        client.await;
    }
    counter.ask(Count::Get).await.unwrap()
}

#[test]
fn one_of_each_kind_shows_as_much_as_all() {
    // ANCHOR: outcomes
    let (every, all) = Explorer::new(Strategy::Exhaustive).outcomes(count_of_two);
    let (one_of_each, same) = Explorer::new(Strategy::Reduced).outcomes(count_of_two);
    assert_eq!((&all, &same), (&[1, 2].into(), &[1, 2].into()));
    assert!(one_of_each.schedules < every.schedules);
    // ANCHOR_END: outcomes
    assert_eq!((every.coverage, one_of_each.coverage), (Coverage::Exhausted, Coverage::Exhausted));
    let look = |strategy| {
        let (report, _) = Explorer::new(strategy).outcomes(count_of_two);
        (report.coverage, report.schedules)
    };
    assert_eq!(look(Strategy::Delays(2)).0, Coverage::Bounded);
    assert_eq!(look(Strategy::Random { schedules: 100, seed: 1 }), (Coverage::Sampled, 100));
    let cut_off = Explorer::new(Strategy::Exhaustive).schedules(10).outcomes(count_of_two).0;
    assert_eq!(cut_off.coverage, Coverage::CutOff);
    assert!(!cut_off.is_clean());
}

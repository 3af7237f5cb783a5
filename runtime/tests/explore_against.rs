//! Stores held against a model, with commands by proptest, in every order.
#![cfg(all(feature = "explore", feature = "proptest"))]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use tidegate::explore::against::{Model, commands};
use tidegate::explore::{Coverage, Explorer, Report, Sim, Strategy};
use tidegate::prelude::*;

#[derive(Clone, Debug)]
enum Command {
    Get(u8),
    Set(u8, u8),
    Add(u8, u8),
    Remove(u8),
}

/// What a store is, and what it answers: what was there.
#[derive(Clone, Default, PartialEq)]
struct Values(BTreeMap<u8, u8>);

impl Model for Values {
    type Command = Command;
    type Answer = Option<u8>;

    fn apply(&mut self, command: &Command) -> Option<u8> {
        match *command {
            Command::Get(key) => self.0.get(&key).copied(),
            Command::Set(key, value) => self.0.insert(key, value),
            Command::Add(key, n) => {
                let before = self.0.get(&key).copied();
                self.0.insert(key, before.unwrap_or(0) + n)
            }
            Command::Remove(key) => self.0.remove(&key),
        }
    }
}

fn command() -> impl Generator<Value = Command> {
    prop_oneof![
        (0..2_u8).prop_map(Command::Get),
        (0..2_u8, 0..3_u8).prop_map(|(key, value)| Command::Set(key, value)),
        (0..2_u8, 1..3_u8).prop_map(|(key, n)| Command::Add(key, n)),
        (0..2_u8).prop_map(Command::Remove),
    ]
}

enum Msg {
    Do(Command, Reply<Option<u8>>),
    /// Nobody waits for it.
    Note(u8, Option<u8>),
}

/// Keeps values, and may tell another of each that has changed.
struct Store {
    values: Values,
    copy: Option<ActorRef<Msg>>,
}

impl Actor for Store {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Do(command, reply) => {
                let _ = reply.send(self.values.apply(&command));
                if let (Some(copy), Command::Set(key, _) | Command::Add(key, _) | Command::Remove(key)) =
                    (&self.copy, command)
                {
                    copy.tell(Msg::Note(key, self.values.0.get(&key).copied())).await?;
                }
            }
            Msg::Note(key, Some(value)) => drop(self.values.0.insert(key, value)),
            Msg::Note(key, None) => drop(self.values.0.remove(&key)),
        }
        Ok(())
    }
}

fn store(sim: &Sim, copy: Option<ActorRef<Msg>>) -> ActorRef<Msg> {
    sim.system().spawn(Store { values: Values::default(), copy }, Push::bounded(2))
}

async fn asked(store: ActorRef<Msg>, command: Command) -> Option<u8> {
    store.ask(|reply| Msg::Do(command, reply)).await.unwrap()
}

fn explorer() -> Explorer {
    Explorer::new(Strategy::Reduced)
}

/// One actor does one command at a time.
fn one_actor(explorer: &Explorer, commands: &[Vec<Command>]) -> Report {
    explorer.against(&Values::default(), commands, |sim| store(sim, None), asked)
}

/// An addition is made of two commands.
fn lost_update(explorer: &Explorer, commands: &[Vec<Command>]) -> Report {
    explorer.against(
        &Values::default(),
        commands,
        |sim| store(sim, None),
        |store, command| async move {
            let Command::Add(key, n) = command else { return asked(store, command).await };
            let before = asked(store.clone(), Command::Get(key)).await;
            asked(store, Command::Set(key, before.unwrap_or(0) + n)).await;
            before
        },
    )
}

/// Who reads is sent to a copy, which hears of what has changed.
fn stale_read(explorer: &Explorer, commands: &[Vec<Command>]) -> Report {
    let start = |sim: &Sim| {
        let copy = store(sim, None);
        (store(sim, Some(copy.clone())), copy)
    };
    explorer.against(&Values::default(), commands, start, |(store, copy), command| async move {
        asked(if matches!(command, Command::Get(_)) { copy } else { store }, command).await
    })
}

type Explored = fn(&Explorer, &[Vec<Command>]) -> Report;

/// The smallest commands under which it is not as the model, among those that 50
/// cases lead to, the same in every run.
fn smallest(explored: Explored) -> Vec<Vec<Command>> {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(50) };
    let mut cases = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let failed = cases.run(&commands(command(), 1..6, 2), |commands| {
        let report = explored(&explorer(), &commands);
        prop_assert!(report.finding.is_none(), "{report}");
        Ok(())
    });
    match failed {
        Err(TestError::Fail(_, commands)) => commands,
        other => panic!("it is not found: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn a_store_is_as_its_model(commands in commands(command(), 1..6, 2)) {
        one_actor(&explorer(), &commands).assert_clean();
    }
}

/// What matters is known to the reduction: which answer came before which command
/// as well.
#[test]
fn all_orders_say_what_the_reduced_ones_say() {
    let (set, add, get) = (Command::Set(0, 1), Command::Add(0, 2), Command::Get(0));
    let all: [&[Vec<Command>]; 4] = [
        &[vec![add.clone(), get.clone()]],
        &[vec![add.clone()], vec![add.clone()]],
        &[vec![set.clone()], vec![get.clone()]],
        &[vec![get], vec![set, add]],
    ];
    let mut exhausted = 0;
    for explored in [one_actor, lost_update, stale_read] as [Explored; 3] {
        for commands in all {
            let full = explored(&Explorer::new(Strategy::Exhaustive).schedules(3_000), commands);
            let reduced = explored(&explorer(), commands);
            if full.finding.is_some() || full.coverage == Coverage::Exhausted {
                assert_eq!(full.finding.is_some(), reduced.finding.is_some(), "{full}\n\n{reduced}");
                exhausted += 1;
            }
        }
    }
    assert!(exhausted >= 8, "{exhausted} compared");
}

#[test]
fn a_lost_update_needs_two_additions() {
    let commands = smallest(lost_update);
    assert!(commands.concat().len() <= 2, "{commands:?}");
    assert!(commands.iter().all(|client| !client.is_empty()), "one alone loses nothing: {commands:?}");
}

#[test]
fn a_stale_read_needs_a_change_and_a_read() {
    let commands = smallest(stale_read);
    assert!(commands.concat().len() <= 2, "{commands:?}");
}

/// Two clients, each with one command: it is stale only since the change was
/// answered before somebody else read.
#[test]
fn what_another_was_answered_is_known() {
    let commands = [vec![Command::Set(0, 1)], vec![Command::Get(0)]];
    let finding = stale_read(&explorer(), &commands).finding.expect("the copy has not heard of it");
    let failure = finding.failure.to_string();
    assert!(failure.contains("client-1, 3 to 4: Get(0) -> None\nAfter Set(0, 1) the model says"), "{failure}");
}

//! Listings of the chapter "Testing": an actor against a model.

use proptest::prelude::{ProptestConfig, Strategy as _, any, proptest};
use tidegate::explore::against::{Model, commands};
use tidegate::explore::{Explorer, Report, Sim, Strategy};
use tidegate::prelude::*;

/// A balance in an actor.
struct Account {
    balance: u8,
}

#[actor]
impl Account {
    #[message]
    fn balance(&self) -> u8 {
        self.balance
    }

    #[message]
    fn pay(&mut self, amount: u8) {
        self.balance = self.balance.saturating_sub(amount);
    }

    /// Pays, if there is as much.
    #[message]
    fn draw(&mut self, amount: u8) -> bool {
        let paid = amount <= self.balance;
        self.balance -= if paid { amount } else { 0 };
        paid
    }
}

// ANCHOR: model
/// Draws so much, and says whether that was there.
#[derive(Clone, Debug)]
struct Draw(u8);

#[derive(Clone, PartialEq)]
struct Balance(u8);

impl Model for Balance {
    type Command = Draw;
    type Answer = bool;

    fn apply(&mut self, &Draw(amount): &Draw) -> bool {
        let paid = amount <= self.0;
        self.0 -= if paid { amount } else { 0 };
        paid
    }
}
// ANCHOR_END: model

fn account(sim: &Sim) -> ActorRef<AccountMsg> {
    sim.system().spawn(Account { balance: 9 }, Push::bounded(4))
}

// ANCHOR: conforms
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20) })]

    #[test]
    fn an_account_is_as_its_model(commands in commands(any::<u8>().prop_map(Draw), 1..6, 2)) {
        let explorer = Explorer::new(Strategy::Reduced);
        let report = explorer.against(&Balance(9), &commands, account, |account, Draw(amount)| async move {
            account.draw(amount).await.unwrap()
        });
        report.assert_clean();
    }
}
// ANCHOR_END: conforms

// ANCHOR: careless
fn careless(commands: &[Vec<Draw>]) -> Report {
    Explorer::new(Strategy::Reduced).against(&Balance(9), commands, account, |account, Draw(amount)| async move {
        let enough = amount <= account.balance().await.unwrap();
        if enough {
            account.pay(amount).await.unwrap();
        }
        enough
    })
}
// ANCHOR_END: careless

// ANCHOR: found
#[test]
fn who_looks_and_then_pays_draws_too_much() {
    careless(&[vec![Draw(5), Draw(5)]]).assert_clean();
    let finding = careless(&[vec![Draw(5)], vec![Draw(5)]]).finding.expect("both have looked before one pays");
    let failure = finding.failure.to_string();
    assert!(failure.contains("After Draw(5) the model says Draw(5) -> false"), "{failure}");
}
// ANCHOR_END: found

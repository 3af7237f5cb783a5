//! Listings of the chapter "Testing": every interleaving.

use tidegate::explore::{Explorer, Sim, Strategy};
use tidegate::prelude::*;

// ANCHOR: actor
/// Sells tickets, as many as there are.
struct Sale {
    left: i32,
}

#[actor]
impl Sale {
    #[message]
    fn left(&self) -> i32 {
        self.left
    }

    #[message]
    fn take(&mut self) -> i32 {
        self.left -= 1;
        self.left
    }

    /// Takes one, if there is one.
    #[message]
    fn buy(&mut self) -> bool {
        let sold = self.left > 0;
        self.left -= i32::from(sold);
        sold
    }
}
// ANCHOR_END: actor

// ANCHOR: careless
/// Looks, and then takes.
async fn careless(sale: ActorRef<SaleMsg>) -> bool {
    sale.left().await.unwrap() > 0 && sale.take().await.is_ok()
}

async fn one_ticket_two_careless_buyers(sim: Sim) {
    let sale = sim.system().spawn(Sale { left: 1 }, Push::bounded(8));
    let buyers = ["ann", "bob"].map(|name| sim.spawn(name, careless(sale.clone())));
    let mut sold = 0;
    for buyer in buyers {
        sold += i32::from(buyer.await);
    }
    assert_eq!(sold, 1, "one ticket, {sold} buyers");
}
// ANCHOR_END: careless

// ANCHOR: found
#[test]
fn one_who_looks_and_then_takes_may_come_too_late() {
    let report = Explorer::new(Strategy::Exhaustive).run(one_ticket_two_careless_buyers);
    let finding = report.finding.expect("there is an order in which both have looked before one takes");
    assert!(finding.failure.to_string().contains("one ticket, 2 buyers"), "{}", finding.failure);
}
// ANCHOR_END: found

// ANCHOR: explored
#[tidegate::explore_test]
async fn a_ticket_is_sold_once(sim: Sim) {
    let sale = sim.system().spawn(Sale { left: 1 }, Push::bounded(8));
    let buyers = ["ann", "bob"].map(|name| {
        let sale = sale.clone();
        sim.spawn(name, async move { sale.buy().await.unwrap() })
    });
    let mut sold = 0;
    for buyer in buyers {
        sold += i32::from(buyer.await);
    }
    assert_eq!(sold, 1, "one ticket, {sold} buyers");
}
// ANCHOR_END: explored

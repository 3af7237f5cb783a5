//! Listings of the chapter "Testing".

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tidegate::DropReason;
use tidegate::prelude::*;
use tidegate::testkit::{Faults, Faulty, TestActor, TestKit};
use tidegate_book::Transcript;

// ANCHOR: actor
/// Sends what is in stock, and puts off what is not, or what nobody knows of.
struct Orders {
    stock: ActorRef<Check>,
    shipping: ActorRef<Shipment>,
}

struct Check(u32, Reply<bool>);

#[derive(Debug, PartialEq)]
enum Shipment {
    Send(u32),
    PutOff(u32),
}

impl Actor for Orders {
    type Msg = u32;

    async fn handle(&mut self, item: u32, _cx: &mut Context<Self>) -> Result<(), Fault> {
        let limit = Duration::from_secs(2);
        let shipment = match self.stock.ask_within(limit, |reply| Check(item, reply)).await {
            Ok(true) => Shipment::Send(item),
            Ok(false) | Err(_) => Shipment::PutOff(item),
        };
        self.shipping.tell(shipment).await?;
        Ok(())
    }
}
// ANCHOR_END: actor

// ANCHOR: probe
#[test]
fn what_is_in_stock_is_sent() {
    let kit = TestKit::new();
    let (mut stock, mut shipping) = (kit.probe(), kit.probe());
    let orders = kit.spawn(Orders { stock: stock.me(), shipping: shipping.me() }, Push::bounded(8));

    orders.try_tell(7).unwrap();
    stock.reply(|Check(item, reply)| reply.send(item == 7).unwrap());
    shipping.expect_eq(Shipment::Send(7));
    shipping.expect_nothing();
}
// ANCHOR_END: probe

// ANCHOR: time
#[test]
fn nobody_waits_for_the_stock_longer_than_two_seconds() {
    let kit = TestKit::new();
    let (mut stock, mut shipping) = (kit.probe::<Check>(), kit.probe());
    let orders = kit.spawn(Orders { stock: stock.me(), shipping: shipping.me() }, Push::bounded(8));

    orders.try_tell(7).unwrap();
    let _unanswered = stock.expect();
    shipping.expect_nothing_for(Duration::from_millis(1999));
    assert_eq!(shipping.expect_within(Duration::from_millis(1)), Shipment::PutOff(7));
}
// ANCHOR_END: time

/// Orders with everything in stock.
fn stocked(kit: &TestKit) -> ActorRef<Check> {
    kit.stub(Push::bounded(8), |Check(_, reply)| reply.send(true).unwrap())
}

// ANCHOR: flow
#[test]
fn slow_shipping_holds_the_customers_back() {
    let kit = TestKit::new();
    let stock = kit.stub(Push::bounded(8), |Check(_, reply)| reply.send(true).unwrap());
    let mut shipping = kit.probe_with(Pull::one_by_one());
    let orders = kit.spawn(Orders { stock, shipping: shipping.me() }, Push::bounded(2));

    let to = orders.clone();
    let customer = kit.start(async move {
        for item in 1..=6 {
            to.tell(item).await.unwrap();
        }
    });

    // Nobody has taken a shipment yet: one lies there, one is held by the actor
    // whose handler waits, two are queued, and a customer waits with the fifth.
    assert!(customer.is_waiting());
    kit.flow(&shipping.me()).len(1).would_wait().waiting_senders(1);
    kit.flow(&orders).len(2).free(0).would_wait().waiting_senders(1);

    // One is taken, and everything moves up by one.
    assert_eq!(shipping.expect(), Shipment::Send(1));
    kit.flow(&orders).handled(2).waiting_senders(1).nothing_dropped();
    assert_eq!(shipping.expect_n(5).len(), 5);
    customer.expect();
}
// ANCHOR_END: flow

#[test]
fn a_failure_shows_the_mailbox() {
    let kit = TestKit::new();
    let shipping = kit.probe();
    let (stock, to) = (stocked(&kit), shipping.me());
    let orders = kit
        .build(move || Orders { stock: stock.clone(), shipping: to.clone() })
        .named("orders")
        .mailbox(Push::bounded(2));
    let orders = orders.spawn();
    let said = catch_unwind(AssertUnwindSafe(|| {
        // ANCHOR: complaint
        kit.flow(&orders).would_wait();
        // ANCHOR_END: complaint
    }));
    let mut out = Transcript::new();
    out.line(said.unwrap_err().downcast_ref::<String>().expect("a text"));
    out.assert_is("testing_complaint");
}

// ANCHOR: fault
#[test]
fn a_panic_costs_one_order_and_no_more() {
    let kit = TestKit::new();
    let mut shipping = kit.probe();
    let (stock, to) = (stocked(&kit), shipping.me());
    let faults = Faults::new().panic_at(2, "division by zero");
    let plan = faults.clone();
    let orders = kit
        .build(move || Faulty::new(Orders { stock: stock.clone(), shipping: to.clone() }, &plan))
        .restart(Restart::on_failure())
        .spawn();

    for item in 1..=4 {
        orders.try_tell(item).unwrap();
    }
    assert_eq!(shipping.expect_n(3), [Shipment::Send(1), Shipment::Send(3), Shipment::Send(4)]);
    kit.flow(&orders).dropped([(DropReason::Interrupted, 1)]);
    assert_eq!((faults.messages(), faults.lives()), (4, 2));
}
// ANCHOR_END: fault

// ANCHOR: modes
tidegate::in_all_modes! {
    /// `no_order_is_lost::push`, `no_order_is_lost::pull_one_by_one`, ..
    fn no_order_is_lost(mode) {
        let kit = TestKit::new();
        let mut shipping = kit.probe_with(mode.mailbox(2));
        let orders = kit.spawn(Orders { stock: stocked(&kit), shipping: shipping.me() }, mode.mailbox(4));
        let customer = kit.start(async move {
            for item in 0..10 {
                orders.tell(item).await.unwrap();
            }
        });
        let sent: Vec<Shipment> = (0..10).map(Shipment::Send).collect();
        assert_eq!(shipping.expect_n(10), sent);
        customer.expect();
        kit.finish();
    }
}
// ANCHOR_END: modes

// ANCHOR: seeds
#[test]
fn orders_of_one_customer_stay_in_order_under_every_interleaving() {
    for seed in 0..100 {
        let kit = TestKit::shuffled(seed);
        let mut shipping = kit.probe();
        let orders = kit.spawn(Orders { stock: stocked(&kit), shipping: shipping.me() }, Pull::window(4));
        let customers: Vec<_> = (0..3)
            .map(|customer| {
                let to = orders.clone();
                kit.start(async move {
                    for n in 0..5 {
                        to.tell(10 * customer + n).await.unwrap();
                    }
                })
            })
            .collect();
        let mut next = [0; 3];
        for shipment in shipping.expect_n(15) {
            let Shipment::Send(item) = shipment else { panic!("seed {seed}: {shipment:?}") };
            let (customer, n) = (item / 10, item % 10);
            assert_eq!(n, next[customer as usize], "seed {seed}");
            next[customer as usize] += 1;
        }
        customers.iter().for_each(|customer| customer.expect());
    }
}
// ANCHOR_END: seeds

// ANCHOR: bare
/// Lets five through a minute.
#[derive(Default)]
struct Gate {
    used: u32,
}

enum Call {
    Enter(Reply<bool>),
    Minute,
}

impl Actor for Gate {
    type Msg = Call;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.send_every(Duration::from_secs(60), || Call::Minute);
        Ok(())
    }

    async fn handle(&mut self, call: Call, _cx: &mut Context<Self>) -> Result<(), Fault> {
        match call {
            Call::Enter(reply) => {
                self.used += 1;
                let _ = reply.send(self.used <= 5);
            }
            Call::Minute => self.used = 0,
        }
        Ok(())
    }
}

#[test]
fn the_sixth_of_a_minute_has_to_wait_for_the_next() {
    let mut gate = TestActor::new(Gate::default());
    gate.started().unwrap();
    gate.used = 4; // its state is open
    assert_eq!(gate.ask(Call::Enter), Some(true));
    assert_eq!(gate.ask(Call::Enter), Some(false));
    gate.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(gate.used, 0);
    assert_eq!(gate.ask(Call::Enter), Some(true));
}
// ANCHOR_END: bare

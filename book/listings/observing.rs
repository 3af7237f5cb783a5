//! Listings of the chapter "Observing".

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{DropReason, ManualExecutor};
use tidegate_book::Transcript;

// ANCHOR: actors
/// Takes 5 ms for each order, and has a journal.
struct Orders;

impl Actor for Orders {
    type Msg = u32;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let newest = Push::bounded(2).overflow(Overflow::DropOldest);
        let journal = cx.build_child(|| Journal).named("journal").mailbox(newest).spawn();
        for line in 0..5 {
            journal.try_tell(line)?;
        }
        Ok(())
    }

    async fn handle(&mut self, _order: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(5)).await;
        Ok(())
    }
}
// ANCHOR_END: actors

struct Journal;

impl Actor for Journal {
    type Msg = u32;

    async fn handle(&mut self, _line: u32, _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

// ANCHOR: inspect
fn look(out: &mut Transcript) {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let orders = system.build(|| Orders).named("orders").mailbox(Push::bounded(8)).spawn();
    for (orders_now, millis) in [(3, 20), (6, 12)] {
        for order in 0..orders_now {
            orders.try_tell(order).unwrap();
        }
        executor.advance(Duration::from_millis(millis));
    }
    out.line(system.inspect());
}
// ANCHOR_END: inspect

#[test]
fn a_look_at_a_system() {
    let mut out = Transcript::new();
    look(&mut out);
    out.assert_is("observing_inspect");
}

// ANCHOR: find
#[test]
fn one_actor() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let orders = system.build(|| Orders).named("orders").mailbox(Pull::window(4)).spawn();
    executor.run_until_idle();
    for order in 0..3 {
        orders.try_tell(order).unwrap();
    }

    let seen = system.inspect();
    let orders = seen.find("/orders").expect("it lives");
    // One rule: a sender may go on while it is below the limit.
    assert_eq!((orders.mailbox.taken, orders.mailbox.requested, orders.mailbox.limit), (0, Some(4), Some(4)));
    assert_eq!((orders.mailbox.len, orders.mailbox.free), (3, 1));
    // Children stand behind their parents.
    let journal = seen.children(orders.id).next().expect("it has one");
    assert_eq!(journal.mailbox.drops.of(DropReason::DropOldest), 3);
}
// ANCHOR_END: find

// ANCHOR: gauges
#[test]
fn gauges_by_themselves() {
    let executor = ManualExecutor::new();
    let system = System::builder().record_metrics_every(Duration::from_secs(10)).build_on(executor);
    // Or when a scraper asks:
    system.record_metrics();
}
// ANCHOR_END: gauges

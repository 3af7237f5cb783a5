//! Each order is done once or put aside, also if the till crashes once more, at any time.

use tidegate::explore::{Coverage, Explorer, Faults, Sim, Strategy};

use super::*;

/// What the orders come to, and which are put aside.
async fn brought(sim: Sim, orders: &[(u32, u64)]) -> (u64, Vec<(u32, u32)>) {
    let drawer = Arc::default();
    let one = Till { done: Dedup::new(64), drawer: Arc::clone(&drawer) };
    let restart = Restart::on_failure().limit(10, Duration::from_secs(1));
    let till = sim.system().build(move || one.clone()).named("till").restart(restart).spawn();
    let soon = Backoff::exponential(Duration::from_millis(10), Duration::from_secs(1));
    let courier = Courier::to(&till).attempts(3).backoff(soon).spawn(sim.system());
    for (number, cents) in orders {
        courier.actor_ref().tell(Order { number: *number, cents: *cents }).await.unwrap();
    }
    courier.actor_ref().drain();
    courier.actor_ref().stopped().await;
    let stats = courier.stats();
    assert_eq!((stats.acked + stats.quarantined, stats.lost, stats.unsettled), (orders.len() as u64, 0, 0));
    let aside = courier.quarantine().take();
    let sum = *drawer.lock().unwrap();
    (sum, aside.iter().map(|order| (order.message.number, order.attempts)).collect())
}

#[test]
fn once_or_put_aside() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let (sum, aside) = brought(sim, &[(2, 990), (3, 0)]).await;
        assert_eq!((sum, aside), (990, vec![(3, 3)]));
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

#[test]
fn once_though_the_till_crashes_once_more() {
    let explorer = Explorer::new(Strategy::Reduced).faults(Faults::at_most(1).crash("/till"));
    let report = explorer.run(|sim| async move {
        assert_eq!(brought(sim, &[(2, 990)]).await, (990, vec![]));
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

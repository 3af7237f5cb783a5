//! Two who add, and one of them asks: in every order.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
        let counter = sim.system().spawn(Counter::default(), Push::bounded(1024));
        let other = counter.clone();
        let adding = sim.spawn("other", async move { other.add(10).await.unwrap() });
        counter.add(2).await.unwrap();
        counter.add(3).await.unwrap();
        let total = counter.total().await.unwrap();
        assert!([5, 15].contains(&total), "{total}");
        adding.await;
        assert_eq!(counter.total().await.unwrap(), 15);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

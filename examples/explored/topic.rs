//! One who is slow misses some and is told of all that it missed.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let screen = |name| {
            let screen = Screen { name, takes: Duration::from_millis(1), shown: Vec::new() };
            sim.system().spawn(screen, Push::bounded(1))
        };
        let (phone, ledger) = (screen("phone"), screen("ledger"));
        let prices = Topic::new();
        let waited = prices.subscribe(&ledger.map(Msg::Price), Lag::Wait);
        let skipped = prices.subscribe(&phone.map(Msg::Price), Lag::Skip).notify(&phone.map(Msg::Lagged));
        for price in 100..103 {
            prices.publish_waiting(price).await;
        }
        assert_eq!((waited.reached(), waited.skipped()), (3, 0));
        assert_eq!(skipped.reached() + skipped.skipped(), 3);
        let missed = sim.system().dead_letters().counts().of(DropReason::Lagged);
        assert_eq!(missed, skipped.skipped());
        for screen in [phone, ledger] {
            screen.drain();
            screen.stopped().await;
        }
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

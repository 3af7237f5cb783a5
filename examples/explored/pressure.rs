//! A producer that heeds the pressure, and one that sends when it likes.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
        let marks = Watermarks::new(0, 1);
        let store = sim.system().spawn(Store, Push::bounded(2).watermarks(marks).overflow(Overflow::Reject));
        let other = store.clone();
        let source = sim.spawn("source", async move { u64::from(other.tell(0).await.is_ok()) });
        let mut pressure = store.pressure();
        let mut accepted = 0;
        for reading in 1..3 {
            if pressure.level() == Level::Pressed {
                pressure.relieved().await;
            }
            accepted += u64::from(store.tell(reading).await.is_ok());
        }
        accepted += source.await;
        store.drain();
        store.stopped().await;
        assert_eq!((store.stats().handled, store.stats().drops.total()), (accepted, 0));
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

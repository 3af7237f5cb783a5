//! Two sources, and never a row that was not asked for.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let writer = sim.system().spawn(Writer::default(), Pull::manual());
        let stats = writer.clone();
        sim.always("nothing comes that was not asked for", move || {
            let stats = stats.stats();
            if stats.taken <= stats.requested.unwrap_or(u64::MAX) { Ok(()) } else { Err(format!("{stats:?}")) }
        });
        let other = writer.clone();
        let source = sim.spawn("source", async move {
            for row in 0..2 {
                other.tell(row).await.unwrap();
            }
        });
        for row in 2..5 {
            writer.tell(row).await.unwrap();
        }
        source.await;
        writer.drain();
        assert!(matches!(writer.stopped().await, StopReason::Drained));
        assert_eq!(writer.stats().handled, 5);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

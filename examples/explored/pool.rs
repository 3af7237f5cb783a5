//! A pool that is resized while it works, and one job that fails: all are handled.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let pool = pool(sim.system(), Routing::round_robin());
        sim.settled().await;
        for n in [1, 7] {
            pool.tell(job(n)).await.unwrap();
        }
        pool.resize(1).await.unwrap();
        pool.tell(job(2)).await.unwrap();
        let workers = pool.workers();
        assert_eq!(workers.len(), 1);
        pool.drain();
        pool.stopped().await;
        assert!(sim.system().is_empty());
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

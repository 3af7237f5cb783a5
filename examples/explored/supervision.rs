//! Two lines that cannot be parsed, told by two: the pipeline begins anew and goes on.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let pipeline = sim.system().build(|| Pipeline).supervision(Supervision::RestForOne).spawn();
        sim.settled().await;
        let parse = sim.system().lookup::<&'static str>("parse").unwrap();
        let tellers = ["two", "3"].map(|text| {
            let parse = parse.clone();
            sim.spawn("teller", async move { parse.tell(text).await.unwrap() })
        });
        for teller in tellers {
            teller.await;
        }
        sim.sleep(Duration::from_millis(500)).await;
        assert!(pipeline.stop_reason().is_none());
        assert_eq!(parse.stats().handled, 2);
        for name in ["read", "parse", "write"] {
            assert!(sim.system().lookup::<&'static str>(name).is_ok(), "{name}");
        }
        pipeline.stop();
        pipeline.stopped().await;
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

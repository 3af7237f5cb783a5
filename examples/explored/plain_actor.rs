//! Questions and a failure at the same time: every question is answered or refused.

use super::*;
use tidegate::AskError;
use tidegate::explore::{Coverage, Explorer, Strategy};

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
        let counter = sim.system().spawn(Counter::default(), Push::bounded(16));
        let other = counter.clone();
        let failing = sim.spawn("failing", async move { drop(other.tell(Msg::Parse("seven".to_owned())).await) });
        let average = counter.ask(Msg::Average).await;
        assert!(matches!(average, Err(AskError::NoReply | AskError::Refused(SendError::Closed(_)))));
        match counter.ask(Msg::Total).await {
            Ok(total) => assert_eq!(total, 0),
            Err(AskError::NoReply | AskError::Refused(SendError::Closed(_))) => {}
            Err(other) => panic!("{other}"),
        }
        failing.await;
        assert!(matches!(counter.stopped().await, StopReason::Failed(_)));
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

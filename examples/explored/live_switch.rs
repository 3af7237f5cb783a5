//! The switches at any time between the numbers.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
        let actor = sim.system().spawn(InOrder::default(), Push::bounded(2));
        let switched = actor.clone();
        let switcher = sim.spawn("switcher", async move {
            switched.reconfigure(Pull::window(1));
            assert!(switched.seen().await.unwrap() <= 4);
            switched.reconfigure(Push::bounded(4));
        });
        send(&actor, 0..4).await.unwrap();
        switcher.await;
        assert_eq!(actor.seen().await.unwrap(), 4);
        assert_eq!(actor.stats().drops.total(), 0);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

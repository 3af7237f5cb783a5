//! Each policy, with two senders: accepted is handled or counted.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let policies = [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest, Overflow::Latest];
        let overflow = policies[sim.choose(policies.len())];
        let handled = Arc::new(Mutex::new(Vec::new()));
        let actor = Slow { handled: Arc::clone(&handled) };
        let slow = sim.system().spawn(actor, Push::bounded(1).overflow(overflow));
        let senders = [0, 1].map(|from| {
            let to = slow.clone();
            sim.spawn(&format!("sender-{from}"), async move {
                u64::from(to.tell(2 * from).await.is_ok()) + u64::from(to.tell(2 * from + 1).await.is_ok())
            })
        });
        let mut accepted = 0;
        for sender in senders {
            accepted += sender.await;
        }
        slow.drain();
        slow.stopped().await;
        let (stats, handled) = (slow.stats(), handled.lock().unwrap().clone());
        assert_eq!(stats.handled + stats.drops.total(), accepted, "{overflow:?}");
        assert_eq!(stats.handled, handled.len() as u64);
        for from in [0, 1] {
            assert!(handled.iter().filter(|n| **n / 2 == from).is_sorted(), "{overflow:?}: {handled:?}");
        }
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

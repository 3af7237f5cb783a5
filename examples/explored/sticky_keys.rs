//! One of two workers is killed at any time: all orders are done, those of a customer
//! in their order.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let (system, tally) = (sim.system(), Tally::default());
        let soon = Backoff::exponential(Duration::from_millis(1), Duration::from_millis(9));
        let keyed = Workers::builder().keyed(|order: &Order| order.customer);
        let workers = keyed.backoff(soon).mailbox(Push::bounded(4)).spawn(system);
        let [doomed, other] = [0, 1].map(|_| hire(system, &workers, &tally));
        let clock = sim.clone();
        let killer = sim.spawn("killer", async move {
            clock.sleep(Duration::from_millis([25, 51, 60][clock.choose(3)])).await;
            doomed.kill();
        });
        for (customer, number) in [(1, 0), (1, 1)] {
            workers.actor_ref().tell(Order { customer, number }).await.unwrap();
        }
        killer.await;
        workers.actor_ref().drain();
        workers.actor_ref().stopped().await;
        let (loads, done) = tally.lock().unwrap().clone();
        assert_eq!(done, BTreeMap::from([(1, vec![0, 1])]));
        // One for each customer, and one more where it was the worker's that is gone.
        assert!((1..=2).contains(&loads), "{loads}");
        sim.sometimes("no cache is lost that is needed", loads == 1);
        other.stop();
        other.stopped().await;
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

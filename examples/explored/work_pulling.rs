//! One of two workers is killed in the middle of a job or in the moment it is done:
//! every job is acknowledged once.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let backoff = Backoff::exponential(Duration::from_millis(1), Duration::from_millis(10));
        let workers = Workers::builder().mailbox(Push::bounded(4)).backoff(backoff).spawn(sim.system());
        let staff = [0, 1].map(|_| {
            let worker = sim.system().spawn(Worker, Push::bounded(2));
            workers.join(&worker);
            worker
        });
        let (doomed, clock) = (staff[0].clone(), sim.clone());
        let killer = sim.spawn("killer", async move {
            clock.sleep(Duration::from_millis([5, 10][clock.choose(2)])).await;
            doomed.kill();
        });
        for job in 0..2 {
            workers.actor_ref().tell(job).await.unwrap();
        }
        killer.await;
        workers.actor_ref().drain();
        assert!(matches!(workers.actor_ref().stopped().await, StopReason::Drained));
        let stats = workers.stats();
        assert_eq!((stats.acked, stats.out, workers.quarantine().len()), (2, 0, 0));
        staff[1].stop();
        staff[1].stopped().await;
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

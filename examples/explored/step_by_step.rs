//! Two who add around the end of a minute: each number belongs to one minute.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let actor = sim.system().spawn(PerMinute::default(), Push::bounded(1));
        let adding = [(1, 2), (10, 3)].map(|(n, moments)| {
            let (actor, clock) = (actor.clone(), sim.clone());
            // Before the minute ends, in that very moment, or after it.
            let when = [30, 60, 90][sim.choose(moments)];
            let task = sim.spawn("adds", async move {
                clock.sleep(Duration::from_secs(when)).await;
                actor.tell(Msg::Add(n)).await.unwrap();
            });
            (n, when, task)
        });
        let mut least = [0; 3];
        for (n, when, task) in adding {
            task.await;
            least[match when {
                30 => 0,
                90 => 1,
                _ => 2,
            }] += n;
        }
        sim.sleep(Duration::from_secs(150)).await;
        let minutes = actor.ask(Msg::Minutes).await.unwrap();
        // Those of the moment between belong to either.
        assert_eq!(minutes.iter().sum::<u64>(), 11, "{minutes:?}");
        assert!(minutes[0] >= least[0] && minutes[1] >= least[1], "{minutes:?}");
        assert!(minutes[2..].iter().all(|sum| *sum == 0), "{minutes:?}");
        sim.sometimes("counted in the minute that ends", least[2] > 0 && minutes[0] == 11);
        sim.sometimes("counted in the one that begins", least[2] > 0 && minutes[1] == 11);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

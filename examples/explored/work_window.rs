//! However things come about, pulled work is done in less time than dealt out work.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

const JOBS: u32 = 4;

/// How many jobs each has done, and after how many milliseconds all were done.
fn outcomes(pulled: bool) -> Vec<(u64, u64, u128)> {
    let (report, outcomes) = Explorer::new(Strategy::Reduced).outcomes(move |sim| async move {
        let workers = if pulled {
            let_pull(sim.system(), JOBS).await.unwrap()
        } else {
            deal_out(sim.system(), JOBS).await.unwrap()
        };
        for worker in &workers {
            worker.drain();
            worker.stopped().await;
        }
        let [quick, slow] = workers.map(|worker| worker.stats().handled);
        (quick, slow, sim.now().as_millis())
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
    outcomes.into_iter().collect()
}

#[test]
fn dealt_out_in_turn() {
    assert_eq!(outcomes(false), [(2, 2, 100)]);
}

/// Whoever is free at that moment has the first: after it nothing waits for the slow one.
#[test]
fn pulled_one_by_one() {
    assert_eq!(outcomes(true), [(3, 1, 50)]);
}

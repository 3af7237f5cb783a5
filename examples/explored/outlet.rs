//! Two workers at any outlet: each item goes where it should, and never one that
//! nobody has asked for.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

const ITEMS: u64 = 3;

/// How many items the quick one and the slow one were sent, and how many it missed.
fn explored(outlet: fn() -> Outlet<u32>, lag: Lag, right: fn([u64; 3]) -> bool) {
    let report = Explorer::new(Strategy::Reduced).run(move |sim| async move {
        let out = outlet();
        let workers = [1, 3].map(|ms| sim.system().spawn(Worker(Duration::from_millis(ms)), Push::bounded(2)));
        let [quick, slow] =
            [0, 1].map(|i| sim.system().subscribe(out.port().lag([Lag::Wait, lag][i]), &workers[i], Demand::window(1)));
        let watched = workers.clone();
        sim.always("no more than asked for", move || {
            let waiting = watched.iter().map(|worker| worker.stats().len).max();
            if waiting <= Some(1) { Ok(()) } else { Err(format!("{waiting:?} wait")) }
        });
        sim.system().spawn(Count { next: 0, end: ITEMS as u32, out }, Push::bounded(1));
        let _ = (quick.ended().await, slow.ended().await);
        for worker in &workers {
            worker.drain();
            worker.stopped().await;
        }
        let (quick, slow) = (quick.inspect(), slow.inspect());
        assert_eq!([quick.sent, slow.sent], [workers[0].stats().handled, workers[1].stats().handled]);
        let came = [quick.sent, slow.sent, slow.skipped];
        assert!(quick.skipped == 0 && right(came), "{came:?}");
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

#[test]
fn each_item_once_by_demand() {
    explored(Outlet::new, Lag::Wait, |[quick, slow, skipped]| quick + slow == ITEMS && skipped == 0);
}

#[test]
fn all_items_to_both() {
    explored(Outlet::broadcast, Lag::Wait, |came| came == [ITEMS, ITEMS, 0]);
}

#[test]
fn what_the_slow_one_skips_is_counted() {
    explored(Outlet::broadcast, Lag::Skip, |[quick, slow, skipped]| quick == ITEMS && slow + skipped == ITEMS);
}

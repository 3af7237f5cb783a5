//! Orders that a look in vain must not hide.
#![cfg(feature = "explore")]

use tidegate::Reply;
use tidegate::explore::{Explorer, Shared, Sim, Strategy};

async fn between(sim: Sim) -> (u64, u64) {
    let (x, y) = (Shared::new(0u64), Shared::new(0u64));
    let (reply, answer) = Reply::channel();
    let poster = sim.spawn("poster", async move {
        let _ = reply.send(());
    });
    let (mine, yours) = (x.clone(), y.clone());
    let waiter = sim.spawn("waiter", async move {
        mine.set(1);
        let _ = answer.await;
        yours.set(1);
    });
    let watcher = sim.spawn("watcher", async move { (x.get(), y.get()) });
    poster.await;
    waiter.await;
    watcher.await
}

#[test]
fn what_is_done_before_a_look_in_vain_is_seen_alone() {
    let (_, all) = Explorer::new(Strategy::Exhaustive).outcomes(between);
    let (_, reduced) = Explorer::new(Strategy::Reduced).cross_check(0).outcomes(between);
    assert_eq!(all, reduced);
}

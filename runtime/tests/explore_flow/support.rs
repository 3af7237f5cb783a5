//! How two strategies are compared, and who subscribes.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::task::Poll;

use tidegate::explore::{Coverage, Explorer, Shared, Sim, Strategy};
use tidegate::prelude::*;

/// Whatever comes of `program` in every order comes of it in those that the
/// reduction runs. Returns all of it.
#[track_caller]
pub(crate) fn alike<T, F, Fut>(program: F) -> BTreeSet<T>
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
    T: Ord + Debug + Send + 'static,
{
    let (every, all) = Explorer::new(Strategy::Exhaustive).outcomes(&program);
    every.assert_clean();
    assert_eq!(every.coverage, Coverage::Exhausted, "{every}");
    let (some, reduced) = Explorer::new(Strategy::Reduced).cross_check(0).outcomes(&program);
    some.assert_clean();
    assert_eq!(some.coverage, Coverage::Exhausted, "{some}");
    println!("{all:?}");
    println!("{} outcomes of {} orders and of {}+{}", all.len(), every.schedules, some.schedules, some.pruned);
    let missing: Vec<&T> = all.difference(&reduced).collect();
    assert!(
        missing.is_empty(),
        "{} of {} outcomes are missing: {missing:?}\n{every}\n{some}",
        missing.len(),
        all.len()
    );
    assert_eq!(all, reduced);
    all
}

/// Writes down what comes, where all can see it.
pub(crate) struct Scribe(pub(crate) Shared<Vec<u32>>);

impl Actor for Scribe {
    type Msg = u32;

    async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.with(|log| log.push(n));
        Ok(())
    }
}

/// An actor that writes down, with room for so many, and where it writes.
pub(crate) fn scribe(sim: &Sim, room: usize) -> (ActorRef<u32>, Shared<Vec<u32>>) {
    let log = Shared::new(Vec::new());
    (sim.system().spawn(Scribe(log.clone()), Push::bounded(room)), log)
}

/// Ends an actor when it has seen to all.
pub(crate) async fn settle(actor: ActorRef<u32>) {
    actor.drain();
    actor.stopped().await;
}

/// Lets others run.
pub(crate) async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

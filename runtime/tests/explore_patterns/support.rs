//! How a program is explored in two ways, and what several of them use.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tidegate::explore::{Coverage, Explorer, Sim, Strategy};
use tidegate::prelude::*;

/// What comes out of `body`, by the reduction as in every order.
#[track_caller]
pub(crate) fn same<T, F, Fut>(body: F) -> BTreeSet<T>
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
    T: Ord + Debug + Send + 'static,
{
    same_with(|explorer| explorer, body)
}

/// The same, with settings of its own.
#[track_caller]
pub(crate) fn same_with<T, F, Fut>(set: impl Fn(Explorer) -> Explorer, body: F) -> BTreeSet<T>
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
    T: Ord + Debug + Send + 'static,
{
    let [(all, in_all), (some, in_some)] = [Strategy::Exhaustive, Strategy::Reduced].map(|strategy| {
        let (report, outcomes) = set(Explorer::new(strategy).cross_check(0)).outcomes(&body);
        assert!(report.finding.is_none(), "{report}");
        assert_eq!((report.coverage, report.too_long), (Coverage::Exhausted, 0), "{report}");
        (report, outcomes)
    });
    println!(
        "{} of {} orders, and {} broken off; {:?} after {:?}: {in_all:?}",
        some.schedules, all.schedules, some.pruned, some.elapsed, all.elapsed,
    );
    assert_eq!(in_all, in_some, "by the reduction on the right");
    in_all
}

/// What one actor has to say: nobody else writes there, and it is read when the
/// actor has ended.
#[derive(Debug)]
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Log<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn push(&self, entry: T) {
        self.0.lock().unwrap().push(entry);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Writes down what it gets.
pub(crate) struct Scribe(pub(crate) Log<u32>);

impl Actor for Scribe {
    type Msg = u32;

    async fn handle(&mut self, number: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.push(number);
        Ok(())
    }
}

/// One that writes into the log beside it, and has begun.
pub(crate) async fn scribe(sim: &Sim, mailbox: impl Into<Mailbox<u32>>) -> (ActorRef<u32>, Log<u32>) {
    let log = Log::new();
    let scribe = sim.system().spawn(Scribe(log.clone()), mailbox);
    sim.settled().await;
    (scribe, log)
}

/// What it has written, once it has handled everything.
pub(crate) async fn drained<T: Clone>((actor, log): (ActorRef<impl Send + 'static>, Log<T>)) -> Vec<T> {
    actor.drain();
    actor.stopped().await;
    log.all()
}

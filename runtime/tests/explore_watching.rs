//! What a property reads may be another thing every time that it is looked at: the reduction finds what there is.
#![cfg(feature = "explore")]

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use tidegate::explore::{Coverage, Explorer, Failure, Shared, Sim, Strategy};

type Body = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What both searches find; `None` if nothing, of all.
#[track_caller]
fn found(body: impl Fn(Sim) -> Body) -> Option<String> {
    let explorers = [Explorer::new(Strategy::Exhaustive), Explorer::new(Strategy::Reduced).cross_check(0)];
    for explorer in [&explorers[0], &explorers[1]].map(Clone::clone) {
        // Under any clock, too.
        assert_eq!(what(&explorer, &body), what(&explorer.clone().any_time(), &body));
    }
    let [all, some] = explorers.map(|explorer| what(&explorer, &body));
    assert_eq!(some, all);
    all
}

fn what(explorer: &Explorer, body: &impl Fn(Sim) -> Body) -> Option<String> {
    let report = explorer.run(body);
    if report.finding.is_none() {
        assert_eq!(report.coverage, Coverage::Exhausted, "{report}");
    }
    report.finding.map(|finding| match finding.failure {
        Failure::Violated { message, .. } => message,
        other => panic!("{other}"),
    })
}

/// Writes `n` to a cell, as a task of its own.
fn writer(sim: &Sim, cell: &Shared<u64>, n: u64) {
    let cell = cell.clone();
    drop(sim.spawn(&format!("writer-{n}"), async move { cell.set(n) }));
}

/// It is told what to look at when all else goes on.
fn later(settles: bool) -> impl Fn(Sim) -> Body {
    move |sim| {
        Box::pin(async move {
            let (one, other) = (Shared::new(0), Shared::new(0));
            let slot: Arc<OnceLock<[Shared<u64>; 2]>> = Arc::default();
            let look = Arc::clone(&slot);
            sim.always("one is not alone", move || match look.get() {
                Some([one, other]) if one.get() == 1 && other.get() == 0 => Err("alone".into()),
                _ => Ok(()),
            });
            if settles {
                sim.settled().await;
            }
            writer(&sim, &one, 1);
            writer(&sim, &other, 2);
            drop(sim.spawn("teller", async move { drop(slot.set([one, other])) }));
        })
    }
}

#[test]
fn one_that_reads_nothing_at_first() {
    assert_eq!(found(later(false)).as_deref(), Some("alone"));
    assert_eq!(found(later(true)).as_deref(), Some("alone"));
}

/// Looks at one cell until that is set, then at nothing that is known, then at the other.
#[test]
fn one_that_stops_and_begins_again() {
    let body = |wrong: u64| {
        move |sim: Sim| -> Body {
            Box::pin(async move {
                let (one, other) = (Shared::new(0), Shared::new(0));
                let (seen, later) = (one.clone(), other.clone());
                let (mut left, mut looks) = (false, 0);
                sim.always("in time", move || {
                    if !left {
                        left = seen.get() == 1;
                        return Ok(());
                    }
                    looks += 1;
                    match looks {
                        // It has stopped.
                        1 => Ok(()),
                        _ if later.get() == wrong => Err(format!("{wrong} is there")),
                        _ => Ok(()),
                    }
                });
                writer(&sim, &one, 1);
                writer(&sim, &other, 2);
                writer(&sim, &other, 3);
            })
        }
    };
    assert_eq!(found(body(2)).as_deref(), Some("2 is there"));
    assert_eq!(found(body(3)).as_deref(), Some("3 is there"));
    assert_eq!(found(body(4)), None);
}

#[test]
fn what_has_to_come_true_may_read_nothing_at_first() {
    let body = |ever: bool| {
        move |sim: Sim| -> Body {
            Box::pin(async move {
                let (cell, slot) = (Shared::new(0), Arc::new(OnceLock::new()));
                let look = Arc::clone(&slot);
                sim.eventually("it is two", 50, move || look.get().is_some_and(|cell: &Shared<u64>| cell.get() == 2));
                writer(&sim, &cell, 1);
                if ever {
                    let last = cell.clone();
                    // The last, whatever comes before.
                    sim.settled().await;
                    writer(&sim, &last, 2);
                }
                drop(sim.spawn("teller", async move { drop(slot.set(cell)) }));
            })
        }
    };
    assert_eq!(found(body(false)).as_deref(), Some("it was not by the end"));
    assert_eq!(found(body(true)), None);
}

#[cfg(feature = "tokio")]
mod on_tokio {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use tidegate::explore::harness::on_tokio;

    use super::*;

    fn failure(body: impl Fn(Sim) -> Body) -> String {
        let failed = catch_unwind(AssertUnwindSafe(|| on_tokio("fails", 1, body)));
        *failed.expect_err("it fails").downcast::<String>().expect("says why")
    }

    /// Looks only at what it was told of.
    #[test]
    fn a_property_that_reads_nothing_at_first_is_looked_at() {
        let why = failure(|sim| {
            Box::pin(async move {
                let slot: Arc<OnceLock<Shared<u64>>> = Arc::default();
                let look = Arc::clone(&slot);
                sim.always("it is not one", move || match look.get() {
                    Some(cell) if cell.get() == 1 => Err("it is".into()),
                    _ => Ok(()),
                });
                sim.settled().await;
                let cell = Shared::new(0);
                writer(&sim, &cell, 1);
                let _ = slot.set(cell);
                sim.settled().await;
            })
        });
        assert!(why.contains("it is not one does not hold: it is"), "{why}");
    }

    #[test]
    fn what_never_comes_true_is_missed_at_the_end() {
        let why = failure(|sim| {
            Box::pin(async move {
                sim.eventually("it is so", 100, || false);
            })
        });
        assert!(why.contains("it is so does not hold: it was not by the end"), "{why}");
    }

    #[test]
    fn what_a_timer_brings_about_is_waited_for() {
        on_tokio("a timer", 1, |sim| async move {
            let cell = Shared::new(0);
            let (seen, own) = (cell.clone(), sim.clone());
            sim.eventually("it is one", 100, move || seen.get() == 1);
            drop(sim.spawn("sleeper", async move {
                own.sleep(Duration::from_millis(20)).await;
                cell.set(1);
            }));
        });
    }
}

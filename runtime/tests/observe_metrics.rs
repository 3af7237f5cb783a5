//! Metrics: their names and labels are those of the book's table, their
//! numbers those of the actors, and their times exact where the clock is.
#![cfg(feature = "metrics")]

#[path = "actor/support.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use support::{Job, Log, Worker, lock, manual, ms};
use tidegate::Deadlocks;
use tidegate::prelude::*;
use tidegate::{DropReason, ManualExecutor, Timing};

type Labels = Vec<(String, String)>;
type Series = (String, Labels);

#[derive(Default)]
struct State {
    counters: BTreeMap<Series, u64>,
    gauges: BTreeMap<Series, f64>,
    histograms: BTreeMap<Series, Vec<f64>>,
    described: BTreeMap<String, Option<Unit>>,
}

/// Keeps everything that is recorded.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<State>>);

struct Handle(Recorder, Series);

impl CounterFn for Handle {
    fn increment(&self, n: u64) {
        *lock(&self.0.0).counters.entry(self.1.clone()).or_default() += n;
    }

    fn absolute(&self, _: u64) {
        unreachable!("counters only count");
    }
}

impl GaugeFn for Handle {
    fn increment(&self, n: f64) {
        *lock(&self.0.0).gauges.entry(self.1.clone()).or_default() += n;
    }

    fn decrement(&self, n: f64) {
        GaugeFn::increment(self, -n);
    }

    fn set(&self, n: f64) {
        lock(&self.0.0).gauges.insert(self.1.clone(), n);
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        lock(&self.0.0).histograms.entry(self.1.clone()).or_default().push(value);
    }
}

impl Recorder {
    fn handle(&self, key: &Key) -> Arc<Handle> {
        let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
        Arc::new(Handle(self.clone(), (key.name().to_owned(), labels)))
    }

    fn counter(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        lock(&self.0).counters.get(&series(name, labels)).copied().unwrap_or_default()
    }

    fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        lock(&self.0).gauges.get(&series(name, labels)).copied().unwrap_or_default()
    }

    /// What was recorded, in milliseconds.
    fn times(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let state = lock(&self.0);
        let times = state.histograms.get(&series(name, labels));
        times.map(|times| times.iter().map(|seconds| seconds * 1e3).collect()).unwrap_or_default()
    }
}

fn series(name: &str, labels: &[(&str, &str)]) -> Series {
    (name.to_owned(), labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        lock(&self.0).described.insert(name.as_str().to_owned(), unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        lock(&self.0).described.insert(name.as_str().to_owned(), unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        lock(&self.0).described.insert(name.as_str().to_owned(), unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.handle(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.handle(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.handle(key))
    }
}

/// Runs `test` on a still clock with everything recorded.
fn recorded(test: impl FnOnce(&Recorder, &ManualExecutor, &System)) {
    let recorder = Recorder::default();
    metrics::with_local_recorder(&recorder, || {
        let executor = ManualExecutor::new();
        let watched = System::builder().deadlocks(Deadlocks::broken()).long_waits(ms(500));
        let system = watched.build_on(executor.clone());
        test(&recorder, &executor, &system);
    });
}

fn worker() -> Worker {
    Worker::new(&Log::default())
}

/// Tells its peer twice for each message, so that two of them block each other.
struct Echo(Option<ActorRef<Said>>);

enum Said {
    Meet(ActorRef<Said>),
    Go(u32),
}

impl Actor for Echo {
    type Msg = Said;

    async fn handle(&mut self, said: Said, _: &mut Context<Self>) -> Result<(), Fault> {
        match (said, &self.0) {
            (Said::Meet(peer), _) => self.0 = Some(peer),
            (Said::Go(n), Some(peer)) if n > 0 => {
                for _ in 0..2 {
                    // Whose message does not get in has no more to say.
                    let _ = peer.tell(Said::Go(n - 1)).await;
                }
            }
            (Said::Go(_), _) => {}
        }
        Ok(())
    }
}

/// Two actors that wait for each other, first for long, then until one gives
/// up.
fn a_deadlock(executor: &ManualExecutor, system: &System) {
    let [a, b] = ["a", "b"].map(|name| system.build(|| Echo(None)).named(name).mailbox(Push::bounded(1)).spawn());
    for (one, other) in [(&a, &b), (&b, &a)] {
        one.try_tell(Said::Meet(other.clone())).unwrap();
    }
    executor.run_until_idle();
    a.try_tell(Said::Go(8)).unwrap();
    executor.advance(Duration::from_secs(60));
    assert!(system.deadlocks() > 0 && system.long_waits() > 0, "{}", system.explain());
}

/// Makes everything happen that there is a metric for.
fn everything(executor: &ManualExecutor, system: &System) {
    let always = Restart::on_failure().limit(3, ms(1000));
    let mailbox = Push::bounded(1).overflow(Overflow::DropNewest);
    let w = system.build(worker).named("w").mailbox(mailbox).restart(always).spawn();
    w.try_tell(Job::panic("on purpose")).unwrap();
    w.try_tell(Job::Note(2)).unwrap();
    executor.run_until_idle();
    w.reconfigure(Pull::window(4));
    executor.run_until_idle();
    w.try_tell(Job::Note(3)).unwrap();
    system.record_metrics();
    executor.run_until_idle();
    w.stop();
    executor.run_until_idle();
    a_deadlock(executor, system);
}

/// The table of metrics in the book: name to kind and labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../book/src/observing.md");
    let text = std::fs::read_to_string(path).expect("the chapter can be read");
    let cells = |line: &str| -> Vec<String> { line.split('|').map(|cell| cell.trim().to_owned()).collect() };
    let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = text.lines().filter(|line| line.starts_with("| `tidegate_")).map(cells);
    rows.map(|row| (code(&row[1])[0].clone(), (row[2].clone(), code(&row[3]).into_iter().collect()))).collect()
}

#[test]
fn names_kinds_and_labels_are_those_of_the_books_table() {
    recorded(|recorder, executor, system| {
        everything(executor, system);
        let state = lock(&recorder.0);
        let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        let mut note = |(name, labels): &Series, kind: &str| {
            let labels = labels.iter().map(|(key, _)| key.clone());
            let (_, all) = found.entry(name.clone()).or_insert_with(|| (kind.to_owned(), BTreeSet::new()));
            all.extend(labels);
        };
        state.counters.keys().for_each(|series| note(series, "counter"));
        state.gauges.keys().for_each(|series| note(series, "gauge"));
        state.histograms.keys().for_each(|series| note(series, "histogram"));
        assert_eq!(found, documented());
        let described: BTreeSet<&String> = state.described.keys().collect();
        assert_eq!(described, found.keys().collect(), "each has a description");
    });
}

#[test]
fn reasons_in_labels_are_those_of_the_books_list() {
    let text = include_str!("../../book/src/observing.md");
    let list = text.lines().find(|line| line.starts_with("| `reason` of drops |")).expect("the list is there");
    let listed: BTreeSet<&str> = list.rsplit_once('|').unwrap().0.split('`').skip(3).step_by(2).collect();
    assert_eq!(listed, DropReason::ALL.iter().map(|reason| reason.name()).collect());
}

#[test]
fn counters_count_what_happened() {
    recorded(|recorder, executor, system| {
        everything(executor, system);
        let w = ("actor", "/w");
        assert_eq!(recorder.counter("tidegate_messages_handled_total", &[w]), 2);
        let dropped = |reason| recorder.counter("tidegate_messages_dropped_total", &[w, ("reason", reason)]);
        assert_eq!((dropped("drop-newest"), dropped("interrupted"), dropped("stopped")), (1, 1, 0));
        assert_eq!(recorder.counter("tidegate_actor_restarts_total", &[w]), 1);
        assert_eq!(recorder.counter("tidegate_actor_ends_total", &[w, ("reason", "stopped")]), 1);
        let switch = [w, ("to", "pull"), ("reason", "reconfigured")];
        assert_eq!(recorder.counter("tidegate_mode_switches_total", &switch), 1);
        assert!(recorder.counter("tidegate_actor_polls_total", &[w]) >= 3);
    });
}

#[test]
fn gauges_are_sums_over_all_actors_of_a_label_and_end_at_zero() {
    recorded(|recorder, executor, system| {
        let actors: Vec<_> = (0..3).map(|_| system.spawn(worker(), Push::bounded(4))).collect();
        executor.run_until_idle();
        for (n, actor) in (1..).zip(&actors) {
            (0..n).for_each(|n| assert!(actor.try_tell(Job::Note(n)).unwrap().is_in()));
        }
        let label = [("actor", "/*")];
        assert_eq!(recorder.gauge("tidegate_actors", &label), 3.0);
        assert_eq!(recorder.gauge("tidegate_mailbox_messages", &label), 0.0, "not before it is asked for");
        system.record_metrics();
        assert_eq!(recorder.gauge("tidegate_mailbox_messages", &label), 6.0);
        executor.run_until_idle();
        system.record_metrics();
        assert_eq!(recorder.gauge("tidegate_mailbox_messages", &label), 0.0);
        assert_eq!(recorder.counter("tidegate_messages_handled_total", &label), 6);
        actors.iter().for_each(|actor| actor.kill());
        executor.run_until_idle();
        assert_eq!(recorder.gauge("tidegate_actors", &label), 0.0);
        assert_eq!(recorder.counter("tidegate_actor_ends_total", &[label[0], ("reason", "killed")]), 3);
    });
}

#[test]
fn gauges_are_recorded_every_so_often_while_there_is_a_system() {
    let recorder = Recorder::default();
    metrics::with_local_recorder(&recorder, || {
        let executor = ManualExecutor::new();
        let system = System::builder().record_metrics_every(ms(100)).build_on(executor.clone());
        assert_eq!(executor.tasks(), 0, "nothing runs before there is an actor");
        let w = system.build(worker).named("w").mailbox(Push::bounded(8)).spawn();
        w.try_tell(Job::Slow(1, ms(1000))).unwrap();
        w.try_tell(Job::Note(2)).unwrap();
        executor.advance(ms(99));
        assert_eq!(recorder.gauge("tidegate_mailbox_messages", &[("actor", "/w")]), 0.0);
        executor.advance(ms(1));
        assert_eq!(recorder.gauge("tidegate_mailbox_messages", &[("actor", "/w")]), 1.0);
        let report = executor.block_on(system.shutdown(ms(5000)));
        assert!(report.is_clean(), "{report}");
        executor.advance(ms(3000));
        assert_eq!(executor.tasks(), 0, "the recording ends with the system");
    });
}

fn timing(system: &System, path: &str) -> Timing {
    system.inspect().find(path).expect("it lives").timing.clone().expect("it is measured")
}

#[test]
fn a_backlog_is_as_long_as_it_takes_to_work_off() {
    recorded(|recorder, executor, system| {
        let w = system.build(worker).named("w").mailbox(Push::bounded(8)).spawn();
        executor.run_until_idle();
        for n in 0..4 {
            w.try_tell(Job::Slow(n, ms(5))).unwrap();
        }
        executor.advance(ms(100));
        // The first was handled at once; one that had come with the note,
        // behind all four, would have waited for all four.
        assert_eq!(recorder.times("tidegate_queue_wait_seconds", &[("actor", "/w")]), [0.0, 20.0]);
        // Each is slow, so each is timed.
        assert_eq!(recorder.times("tidegate_handler_seconds", &[("actor", "/w")]), [5.0; 4]);
        let Timing { queue_wait, handling, .. } = timing(system, "/w");
        assert_eq!((queue_wait.count, queue_wait.max), (2, ms(20)));
        assert_eq!((handling.count, handling.sum, handling.mean()), (4, ms(20), Some(ms(5))));
        assert_eq!(handling.quantile(0.5), Some(ms(5)), "no longer than the longest");
    });
}

#[test]
fn what_wakes_an_actor_has_waited_since_it_did() {
    recorded(|recorder, executor, system| {
        let elsewhere = ManualExecutor::new();
        let w = system.build(worker).named("w").on(elsewhere.clone()).spawn();
        elsewhere.run_until_idle();
        for wait in [3, 0, 7] {
            w.try_tell(Job::Note(wait)).unwrap();
            // The system's clock goes on while the actor's thread is busy.
            executor.advance(ms(wait));
            elsewhere.run_until_idle();
        }
        assert_eq!(recorder.times("tidegate_queue_wait_seconds", &[("actor", "/w")]), [3.0, 0.0, 7.0]);
        assert_eq!(timing(system, "/w").queue_wait.max, ms(7));
    });
}

#[test]
fn one_in_sixty_four_quick_messages_is_timed() {
    recorded(|_, executor, system| {
        let w = system.build(worker).named("w").mailbox(Push::bounded(1000)).spawn();
        executor.run_until_idle();
        for n in 0..1000 {
            w.try_tell(Job::Note(n)).unwrap();
        }
        executor.run_until_idle();
        let handling = timing(system, "/w").handling;
        // 1000 / 64, and some for the polls and the ends of notes.
        assert!((15..=20).contains(&handling.count), "{}", handling.count);
        assert_eq!(w.stats().handled, 1000);
    });
}

#[test]
fn times_survive_a_restart_and_are_not_mixed_up_by_a_panic() {
    recorded(|recorder, executor, system| {
        let w =
            system.build(worker).named("w").restart(Restart::on_failure().limit(3, Duration::from_secs(60))).spawn();
        executor.run_until_idle();
        w.try_tell(Job::panic("on purpose")).unwrap();
        executor.advance(ms(50));
        w.try_tell(Job::Slow(1, ms(2))).unwrap();
        executor.advance(ms(50));
        assert_eq!(recorder.times("tidegate_handler_seconds", &[("actor", "/w")]), [2.0]);
    });
}

#[test]
fn a_system_without_a_recorder_measures_for_its_inspections_all_the_same() {
    let (executor, system) = manual();
    let w = system.build(worker).named("w").spawn();
    executor.run_until_idle();
    w.try_tell(Job::Slow(1, ms(3))).unwrap();
    executor.advance(ms(10));
    assert_eq!(timing(&system, "/w").handling.max, ms(3));
    let printed = system.inspect().to_string();
    assert!(printed.contains("takes: half within 3ms, 99 % within 3ms, at most 3ms"), "{printed}");
}

//! Looks whether steps touch what they should, and nothing else.

mod flow;
mod patterns;
mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use super::executor::{SimExecutor, mix};
use super::explorer::{Explorer, Strategy};
use super::run::{Chooser, Limits};
use super::sim::Sim;
use super::strategy::{Replay, Search};
use super::trace::{End, Trace};
use crate::sync::access::Access;
use crate::sync::audit::{self, Seen, Step};
use crate::sync::shim::Mutex;

/// One run, with what its steps touch.
fn run_once<F, Fut>(choices: Vec<u32>, telling: bool, body: F) -> Trace
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let executor = SimExecutor::new();
    let mut replay = Replay::new(choices);
    assert!(replay.begin());
    let chooser: Chooser = Arc::new(Mutex::untouched(Box::new(replay)));
    let limits = Limits { steps: 10_000, until: None, touching: true, telling };
    Explorer::new(Strategy::Exhaustive).once(&executor, &chooser, &body, limits);
    executor.0.state.lock().trace.clone()
}

/// Whether two events touch so that their order matters.
fn conflict(trace: &Trace, a: usize, b: usize) -> bool {
    trace.touched(a).iter().any(|x| trace.touched(b).iter().any(|y| x.conflicts(*y)))
}

/// Two steps of different tasks do something to the same thing, and their order
/// would not be tried the other way round.
struct Unseen {
    /// Where the one and the other did, in their files.
    places: (String, String),
    steps: (usize, usize),
}

/// Places that may be shared without a touch of the two steps that conflicts.
fn is_harmless((a, b): (&Step, &Step), (x, y): (&Seen, &Seen)) -> bool {
    let (at, other) = (place(x), place(y));
    let of = |file: &str| at.starts_with(file) && other.starts_with(file);
    // Who is woken is the explorer's business, and what the explorer does itself.
    // Nothing is decided by what is measured.
    if of("sync/wait_cell.rs") || of("explore/") || of("sync/stamp.rs") {
        return true;
    }
    // They say themselves that they may change places: of a lock or a count, whose
    // object lies beside it.
    let beside = |at: usize| at.abs_diff(x.place.0) <= size_of::<u64>();
    let updates = |step: &Step| {
        let updated = step.touched.iter().filter(|(at, _, access)| beside(*at) && *access == Access::Update);
        updated.map(|(_, object, _)| *object).collect::<BTreeSet<_>>()
    };
    if !updates(a).is_disjoint(&updates(b)) {
        return true;
    }
    // What a message that comes in and one that is taken out do to one mailbox
    // may change places as long as there is room: see `queue::seen`. The same goes
    // for the two queues of a lane. Both steps have touched a part of the same.
    let within = |at: &str| ["sync/queue", "sync/ring.rs", "sync/lane.rs"].iter().any(|file| at.starts_with(file));
    let wholes =
        |step: &Step| step.touched.iter().filter_map(|(_, part, _)| audit::whole_of(*part)).collect::<BTreeSet<_>>();
    within(&at) && within(&other) && !wholes(a).is_disjoint(&wholes(b))
}

/// In which file and line something was done.
fn place(seen: &Seen) -> String {
    let file = seen.at.file();
    format!("{}:{}", file.rsplit_once("src/").map_or(file, |(_, file)| file), seen.at.line())
}

fn audit<F, Fut>(choices: Vec<u32>, body: F) -> (Trace, Vec<Unseen>)
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    audit::want();
    let trace = run_once(choices, false, body);
    // The first is the making of the system.
    let steps = audit::take().split_off(1);
    let mut events = (0..trace.events.len()).filter(|at| !trace.events[*at].kind.is_barrier());
    let mut by_place: BTreeMap<_, Vec<(usize, &Step, &Seen)>> = BTreeMap::new();
    for step in &steps {
        let event = events.next().expect("there is an event for each step");
        for seen in &step.seen {
            by_place.entry(seen.place).or_default().push((event, step, seen));
        }
    }
    let mut unseen = Vec::new();
    for shared in by_place.values() {
        for (n, (a, did, x)) in shared.iter().enumerate() {
            for (b, does, y) in &shared[n + 1..] {
                if trace.events[*a].task != trace.events[*b].task
                    && (x.changes || y.changes)
                    && !conflict(&trace, *a, *b)
                    && !is_harmless((did, does), (x, y))
                {
                    unseen.push(Unseen { places: (place(x), place(y)), steps: (*a, *b) });
                }
            }
        }
    }
    (trace, unseen)
}

fn name(trace: &Trace, event: usize) -> &str {
    let task = trace.events[event].task;
    trace.tasks.iter().find(|info| info.id == task).map_or("the clock", |info| info.name.as_str())
}

fn print(trace: &Trace) {
    for (at, event) in trace.events.iter().enumerate() {
        let touched: Vec<String> = trace
            .touched(at)
            .iter()
            .map(|touch| format!("{:?} {}.{}", touch.access, touch.object.0 >> 24, touch.object.0 & 0xff_ffff))
            .collect();
        eprintln!("{at} {} {:?}: {}", name(trace, at), event.kind, touched.join(", "));
        for note in trace.notes(at) {
            eprintln!("    {note:?}");
        }
    }
}

/// Runs `body` in many orders, and fails if what steps do to each other cannot be
/// seen by what they touch.
fn audited<F, Fut>(body: F)
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut found = BTreeSet::new();
    for seed in 0..20 {
        let choices = (0..200).map(|n| (mix(seed << 32 | n) % 3) as u32).collect();
        let (trace, unseen) = audit(choices, &body);
        assert_eq!(trace.end, End::Done, "seed {seed}");
        for Unseen { places, steps: (a, b) } in unseen {
            if found.insert(places.clone()) {
                eprintln!("seed {seed}: {} and {}: {places:?}", name(&trace, a), name(&trace, b));
                eprintln!("    {:?}\n    {:?}", trace.touched(a), trace.touched(b));
            }
        }
    }
    assert!(found.is_empty(), "{} pairs of places", found.len());
}

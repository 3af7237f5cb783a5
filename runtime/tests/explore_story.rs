//! What a failure looks like to whoever has to understand it.
#![cfg(feature = "explore")]

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::explore::{Explorer, Report, Sim, Strategy, harness};
use tidegate::prelude::*;

#[derive(Debug)]
enum Msg {
    Get(Reply<u64>),
    Set(u64),
    Ask(ActorRef<Msg>, Reply<u64>),
}

#[derive(Default)]
struct Keeper(u64);

impl Actor for Keeper {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Get(reply) => drop(reply.send(self.0)),
            Msg::Set(to) => self.0 = to,
            Msg::Ask(other, reply) => {
                if let Ok(n) = other.ask(Msg::Get).await {
                    let _ = reply.send(n);
                }
            }
        }
        Ok(())
    }
}

fn keeper(sim: &Sim, name: &str) -> ActorRef<Msg> {
    sim.system().build(Keeper::default).named(name).mailbox(Push::bounded(4)).spawn()
}

/// Each client reads, then writes what it has read and one.
async fn lost_update(sim: Sim) {
    let count = keeper(&sim, "count");
    let clients = ["ann", "bob"].map(|name| {
        let count = count.clone();
        sim.spawn(name, async move {
            add_one(&count).await;
        })
    });
    for client in clients {
        client.await;
    }
    assert_eq!(count.ask(Msg::Get).await.unwrap(), 2, "an update is lost");
}

async fn add_one(count: &ActorRef<Msg>) {
    let old = count.ask(Msg::Get).await.unwrap();
    count.tell(Msg::Set(old + 1)).await.unwrap();
}

async fn circle(sim: Sim) {
    let (left, right) = (keeper(&sim, "left"), keeper(&sim, "right"));
    let clients = [("ann", left.clone(), right.clone()), ("bob", right, left)].map(|(name, one, other)| {
        sim.spawn(name, async move { one.ask(|reply| Msg::Ask(other, reply)).await.unwrap() })
    });
    for client in clients {
        client.await;
    }
}

async fn late(sim: Sim) {
    let keep = keeper(&sim, "keep");
    let patience = [10, 30][sim.choose(2)];
    let writer = keep.clone();
    let clock = sim.clone();
    let writer = sim.spawn("writer", async move {
        clock.sleep(Duration::from_millis(20)).await;
        writer.tell(Msg::Set(1)).await.unwrap();
    });
    sim.sleep(Duration::from_millis(patience)).await;
    assert_eq!(keep.ask(Msg::Get).await.unwrap(), 0, "it has been set");
    writer.await;
}

/// What three tasks write, in every order; one of the orders is wrong.
async fn one_order(sim: Sim) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let keep = keeper(&sim, "keep");
    let tasks = ["ann", "bob", "eve"].map(|name| {
        let (keep, log) = (keep.clone(), Arc::clone(&log));
        sim.spawn(name, async move {
            for n in 0..2 {
                keep.tell(Msg::Set(n)).await.unwrap();
            }
            log.lock().unwrap().push(name);
        })
    });
    for task in tasks {
        task.await;
    }
    assert_ne!(*log.lock().unwrap(), ["eve", "bob", "ann"]);
}

fn explore<F: Future<Output = ()> + Send + 'static>(body: impl Fn(Sim) -> F) -> Report {
    Explorer::new(Strategy::Exhaustive).run(body)
}

#[test]
fn a_lost_update_is_told_by_its_race() {
    let report = explore(lost_update);
    assert_eq!(
        told(&report),
        "\
body panicked: assertion `left == right` failed: an update is lost
  left: 1
 right: 2

Schedule -: no choice but the default

  step  body    /count  ann     bob
     0  o       |       |       |         spawns /count, ann, bob
     2  |       |<------o       |         asks #1 Msg
     3  |       |<--------------o         asks #2 Msg
     4  |       *       |       |         takes #1 Msg
        |       o------>|       |         answers #1 with u64
     5  |       |<------o       |         sends #3 Msg
     6  |       *       |       |         takes #2 Msg
        |       o-------------->|         answers #2 with u64
     8  |       |<--------------o         sends #4 Msg
     9  |       *       |       |         takes #3 Msg
    10  o------>|       |       |         asks #5 Msg
    11  |       *       |       |         takes #4 Msg
    12  |       *       |       |         takes #5 Msg
        |<------o       |       |         answers #5 with u64
        X       |       |       |         body panicked: assertion `left == right` failed: an update is lost

Messages are shown by type; `sim.describe::<Msg>()` shows what is in them.

This decides:
- step 3: bob asks #2 Msg to /count
  step 5: ann sends #3 Msg to /count
  Both touch /count. The other way round it does not fail.
- step 2: ann asks #1 Msg to /count
  step 8: bob sends #4 Msg to /count
  Both touch /count. The other way round it does not fail.

Replay:
  the same explorer, `.strategy(Strategy::Replay(\"-\".parse()?))`
"
    );
}

#[test]
fn a_deadlock_is_told_by_who_waits() {
    let report = explore(circle);
    assert_eq!(
        told(&report),
        "\
deadlock: nothing can go on, and the body is not done:
  /left waits for an answer of /right
  /right waits for an answer of /left
  ann waits for an answer of /left
  bob waits for an answer of /right

Schedule -: no choice but the default

  step  body    /left   /right  ann     bob
     0  o       |       |       |       |         spawns /left, /right, ann, bob
     3  |       |<--------------o       |         asks #1 Msg
     4  |       |       |<--------------o         asks #2 Msg
     5  |       *       |       |       |         takes #1 Msg
     6  |       |       *       |       |         takes #2 Msg
     7  |       o------>|       |       |         asks #3 Msg
     8  |       |<------o       |       |         asks #4 Msg
        X deadlock

Messages are shown by type; `sim.describe::<Msg>()` shows what is in them.

This decides:
- step 3: ann asks #1 Msg to /left
  step 8: /right asks #4 Msg to /left
  Both touch /left. The other way round it does not fail.
- step 4: bob asks #2 Msg to /right
  step 7: /left asks #3 Msg to /right
  Both touch /right. The other way round it does not fail.

Replay:
  the same explorer, `.strategy(Strategy::Replay(\"-\".parse()?))`
"
    );
}

#[test]
fn a_choice_of_the_program_that_decides_is_told() {
    let report = explore(late);
    let finding = report.finding.as_ref().expect("it is too late for one of the two");
    assert_eq!(finding.races, ["step 0 chooses 1: with 0 it does not fail"]);
    assert!(report.chart().contains("--- nothing else can run: the clock moves to 20ms ---"), "{report}");
    assert_eq!(
        report.mermaid().lines().take(9).collect::<Vec<_>>(),
        [
            "sequenceDiagram",
            "    participant p0 as body",
            "    participant p1 as /keep",
            "    participant p2 as writer",
            "    Note over p0: spawns /keep, writer",
            "    Note over p0: chooses 1 of 0..2",
            "    Note over p0,p2: nothing else can run: the clock moves to 20ms",
            "    p2->>p1: sends #35;1 Msg",
            "    Note over p1: takes #35;1 Msg",
        ]
    );
}

#[test]
fn what_was_found_late_is_made_short() {
    let report = explore(one_order);
    let finding = report.finding.as_ref().expect("one order is wrong");
    assert!(finding.schedule.len() <= 8, "{} from {}", finding.schedule, finding.found);
    assert!(finding.schedule.len() < finding.found.len(), "{} from {}", finding.schedule, finding.found);
}

#[test]
fn a_replay_is_the_same_a_hundred_times() {
    let found = explore(lost_update).finding.expect("it is lost");
    for _ in 0..100 {
        let again = Explorer::new(Strategy::Replay(found.schedule.clone())).run(lost_update);
        let again = again.finding.expect("it is lost again");
        assert_eq!(
            (&again.failure, &again.schedule, &again.story, &again.mermaid),
            (&found.failure, &found.schedule, &found.story, &found.mermaid)
        );
    }
}

/// Without what differs from day to day.
fn told(report: &Report) -> String {
    let report = report.to_string();
    let (report, _) = report.rsplit_once("\n\n(").expect("it ends with what was looked at");
    report.lines().map(|line| line.split(", at runtime").next().unwrap_or(line)).collect::<Vec<_>>().join("\n") + "\n"
}

/// A keeper that nobody lets in, an asker who gives up, and who is not heard.
async fn impatient(sim: Sim) {
    sim.describe::<Msg>();
    let (left, right) = (keeper(&sim, "left"), keeper(&sim, "the-one-who-is-on-the-right"));
    let reject = Push::bounded(1).overflow(Overflow::Reject);
    let full = sim.system().build(Keeper::default).named("full").mailbox(reject).spawn();
    for n in 0..2 {
        drop(full.try_tell(Msg::Set(n)));
    }
    let (one, other) = (left.clone(), right.clone());
    let client = sim.spawn("client", async move { drop(one.ask(|reply| Msg::Ask(other, reply)).await) });
    right.ask(|reply| Msg::Ask(left, reply)).await.ok();
    client.await;
}

async fn give_up(sim: Sim) {
    sim.describe::<Msg>();
    let (left, right) = (keeper(&sim, "left"), keeper(&sim, "right"));
    drop(left.ask_within(Duration::from_millis(5), |reply| Msg::Ask(left.clone(), reply)).await);
    right.stop();
    sim.settled().await;
    panic!("tired");
}

#[test]
fn who_is_refused_and_who_gives_up_is_told() {
    let refused = explore(impatient).chart().to_owned();
    assert!(refused.contains("sends #1 Set(0)"), "{refused}");
    assert!(refused.contains("-x|") && refused.contains("is refused Msg (the mailbox is full)"), "{refused}");
    assert!(refused.contains("  ..on-the-right  "), "a long name is cut: {refused}");
    let gave_up = explore(give_up).chart().to_owned();
    assert!(gave_up.contains("asks #1 Ask("), "{gave_up}");
    assert!(gave_up.contains("waits no more for an answer to #1"), "{gave_up}");
}

#[test]
fn too_many_for_a_chart_are_a_list() {
    let report = explore(|sim| async move {
        for n in 0..10 {
            keeper(&sim, &format!("k{n}")).tell(Msg::Set(n)).await.unwrap();
        }
        sim.settled().await;
        panic!("enough");
    });
    let lines: Vec<&str> = report.chart().lines().collect();
    assert!(lines.iter().any(|line| line.ends_with("  body: sends #10 Msg -> /k9")), "{report}");
    assert!(lines[lines.len() - 1].contains("X body panicked: enough"), "{report}");
    let finding = report.finding.as_ref().expect("enough");
    assert_eq!(finding.races, [""; 0], "it fails in any order");
    assert!(finding.story.contains("Nothing was found that decides it alone."), "{}", finding.story);
}

/// Set where [`the_order_is_wrong`] is run to fail, by another test.
const ON_ITS_OWN: &str = "TIDEGATE_TEST_ON_ITS_OWN";

/// Fails, as it should: for [`the_line_that_is_shown_replays_it`] in a process of its
/// own.
#[test]
fn the_order_is_wrong() {
    let name = "explore_story::the_order_is_wrong";
    let explore =
        || harness::explored(name, tidegate::__explore_place!(), Explorer::new(Strategy::Exhaustive), one_order);
    if std::env::var_os(ON_ITS_OWN).is_some() {
        explore();
    } else {
        assert!(std::panic::catch_unwind(explore).is_err(), "an order is wrong");
    }
}

#[test]
fn the_line_that_is_shown_replays_it() {
    let run = |replay: Option<&str>| {
        let mut test = Command::new(std::env::current_exe().expect("a test"));
        test.args(["the_order_is_wrong", "--exact"]).env("CARGO_PKG_NAME", "tidegate").env(ON_ITS_OWN, "1");
        test.env_remove("TIDEGATE_REPLAY").env_remove("TIDEGATE_SEED");
        if let Some(schedule) = replay {
            test.env("TIDEGATE_REPLAY", schedule);
        }
        let output = test.output().expect("it runs");
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let found = run(None);
    let (_, shown) = found.split_once("TIDEGATE_REPLAY='").unwrap_or_else(|| panic!("no line: {found}"));
    let (schedule, command) = shown.split_once("' ").expect("it ends");
    assert!(
        command.starts_with("cargo test -p tidegate --test explore_story the_order_is_wrong -- --exact\n"),
        "{command}"
    );
    let replayed = run(Some(schedule));
    let chart = |text: &str| {
        let (_, chart) = text.split_once("  step  ").expect("a chart");
        chart.split_once("\nReplay").expect("it ends").0.to_owned()
    };
    assert_eq!(chart(&replayed), chart(&found));
    assert!(replayed.contains("found in schedule 1 "), "{replayed}");
}

//! `#[explore_test]`: one body, explored and on tokio.
#![cfg(all(feature = "explore", feature = "macros", feature = "tokio"))]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tidegate::explore::{Explorer, Failure, Faults, Sim, Strategy};
use tidegate::prelude::*;

#[derive(Default)]
struct Counter(u64);

#[actor]
impl Counter {
    #[message]
    fn add(&mut self, n: u64) {
        self.0 += n;
    }

    #[message]
    fn total(&self) -> u64 {
        self.0
    }
}

#[tidegate::explore_test]
async fn nothing_is_lost(sim: Sim) {
    let counter = sim.system().spawn(Counter::default(), Push::bounded(1));
    let clients = ["a", "b"].map(|name| {
        let counter = counter.clone();
        sim.spawn(name, async move { counter.add(1).await.map(drop) })
    });
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(counter.total().await.unwrap(), 2);
}

#[tidegate::explore_test(strategy = Exhaustive, schedules = 100, seconds = 10, steps = 500, seed = 7, on_tokio = 3)]
async fn every_option_is_taken(sim: Sim) -> Result<(), String> {
    let chosen = sim.choose(3);
    sim.sleep(Duration::from_millis(1)).await;
    if chosen < 3 { Ok(()) } else { Err(format!("{chosen}")) }
}

fn few(explorer: Explorer) -> Explorer {
    explorer.schedules(1_000)
}

#[tidegate::explore_test(with = few)]
async fn quiet_is_when_all_wait(sim: Sim) {
    let counter = sim.system().spawn(Counter::default(), Push::bounded(8));
    let done = Arc::new(AtomicUsize::new(0));
    for n in 0..3 {
        let (counter, counted) = (counter.clone(), Arc::clone(&done));
        drop(sim.spawn(&format!("client-{n}"), async move {
            counter.add(1).await.unwrap();
            if counter.total().await.is_ok() {
                counted.fetch_add(1, SeqCst);
            }
        }));
        sim.settled().await;
        assert_eq!(done.load(SeqCst), n + 1);
    }
}

/// Runs one test of this program, with settings; what it printed.
fn run(test: &str, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env_remove("RUST_BACKTRACE").envs(settings.iter().copied());
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.success(), text(&done.stdout) + &text(&done.stderr))
}

#[test]
fn the_environment_says_what_is_run() {
    let test = "nothing_is_lost::explored";
    let (passed, text) = run(test, &[("TIDEGATE_REPLAY", "1.1")]);
    assert!(passed && text.contains("replay of 1.1: Sampled, 1 schedules"), "{text}");
    let (passed, text) = run(test, &[("TIDEGATE_SCHEDULES", "3")]);
    assert!(!passed && text.contains("CutOff, 3 schedules"), "{text}");
    let (passed, text) = run("a_strategy_is_an_expression::explored", &[("TIDEGATE_SCHEDULES", "30")]);
    assert!(passed && text.contains("Sampled, 30 schedules"), "{text}");
    let (passed, text) = run(test, &[("TIDEGATE_SECONDS", "0")]);
    assert!(!passed && text.contains("CutOff, 0 schedules"), "{text}");
    assert!(run("numbers_come_from_the_seed::explored", &[("TIDEGATE_SEED", "7")]).0);
    let (passed, text) = run("numbers_come_from_the_seed::explored", &[("TIDEGATE_SEED", "8")]);
    assert!(!passed && text.contains("panicked"), "{text}");
    let (passed, text) = run(test, &[("TIDEGATE_REPLAY", "one")]);
    assert!(!passed && text.contains("TIDEGATE_REPLAY=one: a schedule is numbers"), "{text}");
    let (passed, text) = run("nothing_is_lost::on_tokio", &[("TIDEGATE_REPLAY", "1.1")]);
    assert!(passed && text.contains("tokio has an order of its own"), "{text}");
}

#[test]
fn a_schedule_that_does_not_fit_is_no_success() {
    let choices = |schedule: &str| {
        let replay = Strategy::Replay(schedule.parse().unwrap());
        Explorer::new(replay).run(|sim| async move {
            let _ = sim.choose(2);
        })
    };
    choices("1").assert_clean();
    for schedule in ["2", "1.1"] {
        let failure = choices(schedule).finding.expect("there is no such choice").failure;
        assert!(matches!(failure, Failure::Strayed(_)), "{failure}");
    }
}

#[tidegate::explore_test]
#[should_panic(expected = "lost in some order")]
async fn what_panics_in_some_order_fails_the_test(sim: Sim) {
    let counter = sim.system().spawn(Counter::default(), Push::bounded(8));
    let clients = ["a", "b"].map(|name| {
        let counter = counter.clone();
        sim.spawn(name, async move {
            let total = counter.total().await.unwrap();
            counter.add(1 - total.min(1)).await.unwrap();
        })
    });
    for client in clients {
        client.await;
    }
    assert_eq!(counter.total().await.unwrap(), 1, "lost in some order");
}

#[tidegate::explore_test(delays = 2, on_tokio = 0)]
async fn a_bound_on_delays_is_a_strategy(sim: Sim) {
    let counter = sim.system().spawn(Counter::default(), Push::bounded(1));
    let client = sim.spawn("client", async move { counter.total().await });
    assert_eq!(client.await.unwrap(), 0);
}

/// Is not told, though nobody is refused.
#[tidegate::explore_test(faults = Faults::at_most(1).drop("/counter"))]
#[should_panic(expected = "a message to /counter is lost")]
async fn faults_happen(sim: Sim) {
    let counter = sim.system().build(Counter::default).named("counter").spawn();
    counter.add(1).await.unwrap();
    sim.settled().await;
    assert_eq!(counter.stats().handled, 1);
}

#[tidegate::explore_test(steps = 3)]
#[should_panic(expected = "Runs were cut off after `steps`")]
async fn a_run_has_so_many_steps(sim: Sim) {
    for _ in 0..4 {
        sim.settled().await;
    }
}

#[tidegate::explore_test(schedules = 1)]
#[should_panic(expected = "The budget was used up before the end")]
async fn there_are_so_many_schedules(sim: Sim) {
    let _ = sim.choose(2);
}

#[tidegate::explore_test(seconds = 0)]
#[should_panic(expected = "CutOff, 0 schedules")]
async fn it_takes_so_long(sim: Sim) {
    let _ = sim.choose(2);
}

/// A number by chance.
async fn drawn(sim: Sim) -> u64 {
    sim.system().build(Chance::default).spawn().draw().await.unwrap()
}

#[derive(Default)]
struct Chance;

#[actor]
impl Chance {
    #[message]
    fn draw(&mut self, cx: &mut Context<Self>) -> u64 {
        cx.random()
    }
}

static DRAWN: OnceLock<BTreeSet<u64>> = OnceLock::new();

#[tidegate::explore_test(seed = 7, on_tokio = 0, with = |explorer| {
    DRAWN.get_or_init(|| Explorer::default().seed(7).outcomes(drawn).1);
    explorer
})]
async fn numbers_come_from_the_seed(sim: Sim) {
    assert_eq!(DRAWN.get(), Some(&[drawn(sim).await].into()));
}

#[tidegate::explore_test(crate = ::tidegate, strategy = Strategy::Random { schedules: 5, seed: 4 }, on_tokio = 1 + 2)]
#[allow(clippy::print_stdout)]
async fn a_strategy_is_an_expression(sim: Sim) {
    println!("here: {}", sim.is_explored());
}

#[tidegate::explore_test(strategy = Pct { depth: 1, schedules: 2, seed: 9 }, with = Explorer::any_time, on_tokio = 0)]
async fn so_is_what_changes_it(sim: Sim) {
    sim.sleep(Duration::from_secs(1)).await;
}

#[test]
fn what_is_said_of_the_strategy_is_done() {
    let times = |text: &str, what: &str| text.matches(what).count();
    let (passed, text) = run("a_strategy_is_an_expression::explored", &[]);
    assert!(passed && text.contains("random, seed 4: Sampled, 5 schedules"), "{text}");
    // The first and the last are run twice: a program has to do the same again.
    assert_eq!(times(&text, "here: true"), 7, "{text}");
    let (passed, text) = run("a_strategy_is_an_expression::on_tokio", &[]);
    assert!(passed && times(&text, "here: false") == 3, "{text}");
    let (passed, text) = run("so_is_what_changes_it::explored", &[]);
    assert!(passed && text.contains("depth 1, seed 9: Sampled, 2 schedules"), "{text}");
}

/// As it can be written where the rest is a test of tokio.
#[tokio::test]
async fn a_test_of_tokio_explores_on_a_thread_of_its_own() {
    let explore = || Explorer::default().outcomes(drawn);
    let finding = explore().0.finding.expect("it is told what to do");
    let Failure::Escaped(why) = finding.failure else { panic!("{}", finding.failure) };
    assert!(why.contains("Explore in a `#[test]` instead of a `#[tokio::test]`, or on a thread of its own"), "{why}");
    let (report, outcomes) = std::thread::spawn(explore).join().unwrap();
    report.assert_clean();
    assert_eq!(outcomes.len(), 1);
}

//! The line that a failed test shows: it runs that test of that file, and no other.
#![cfg(all(feature = "explore", feature = "macros"))]

use std::process::Command;

use tidegate::explore::{Explorer, Sim, Strategy, harness};

/// Set where a test is run to fail, by another.
const ON_ITS_OWN: &str = "TIDEGATE_TEST_ON_ITS_OWN";

async fn one_choice(sim: Sim) {
    assert_eq!(sim.choose(3), 0, "this one");
}

/// There is one of this name in `explore_story`, too.
#[test]
fn the_order_is_wrong() {
    let name = "explore_line::the_order_is_wrong";
    let explore =
        || harness::explored(name, tidegate::__explore_place!(), Explorer::new(Strategy::Exhaustive), one_choice);
    if std::env::var_os(ON_ITS_OWN).is_some() {
        explore();
    } else {
        assert!(std::panic::catch_unwind(explore).is_err(), "an order is wrong");
    }
}

/// And one of this name in `explore_attribute`.
#[tidegate::explore_test(on_tokio = 0)]
#[should_panic(expected = "this one")]
async fn faults_happen(sim: Sim) {
    one_choice(sim).await;
}

/// What a test of this program shows, with what is in the environment beside.
fn shown(args: &[&str], replay: Option<&str>) -> String {
    let mut test = Command::new(std::env::current_exe().expect("a test"));
    test.args(args).arg("--nocapture").env("CARGO_PKG_NAME", "tidegate").env(ON_ITS_OWN, "1");
    test.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR")).env_remove("TIDEGATE_SEED");
    match replay {
        Some(schedule) => test.env("TIDEGATE_REPLAY", schedule),
        None => test.env_remove("TIDEGATE_REPLAY"),
    };
    let output = test.output().expect("it runs");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn the_line_names_the_file_that_the_test_is_in() {
    for test in ["the_order_is_wrong", "faults_happen::explored"] {
        let found = shown(&[test, "--exact"], None);
        let (_, line) = found.split_once("TIDEGATE_REPLAY='").unwrap_or_else(|| panic!("no line: {found}"));
        let (schedule, command) = line.lines().next().and_then(|line| line.split_once("' ")).expect("it ends");
        let (cargo, args) = command.split_once(&format!(" {test} ")).expect("it names the test");
        assert_eq!(cargo, "cargo test -p tidegate --test explore_line");
        assert!(found.contains("Replay, with the same `--features`:\n"), "{found}");
        // What cargo does with it.
        let program = std::env::current_exe().expect("a test");
        assert!(program.file_name().unwrap().to_string_lossy().starts_with("explore_line-"), "{program:?}");
        let args: Vec<&str> = args.split(' ').filter(|arg| *arg != "--").chain([test]).collect();
        let again = shown(&args, Some(schedule));
        assert!(again.contains("replay of 1: found in schedule 1 "), "{again}");
        assert!(again.contains("running 1 test\n"), "{again}");
    }
}

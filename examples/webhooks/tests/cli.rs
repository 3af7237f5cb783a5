//! The program as its users meet it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

fn webhooks(args: &[&str]) -> Output {
    // From a folder of its own: nothing may depend on where it is run.
    Command::new(env!("CARGO_BIN_EXE_webhooks"))
        .args(args)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("it starts")
}

/// Runs to its end, expects success, returns what was printed.
fn report(args: &[&str]) -> String {
    let out = webhooks(args);
    let (text, err) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(0), "{args:?}\n{text}{err}");
    assert!(out.stderr.is_empty(), "{err}");
    text.into_owned()
}

#[test]
fn ten_thousand_deliveries_come_to_the_state_that_the_source_has() {
    // With room for all of them: on a busy machine some would be refused.
    let text = report(&["--room", "16384"]);
    for line in [
        "deliveries   10000 happened, seed 1",
        "webhooks     10060 sent: 510 lost, 473 doubled, 97 forged; 9963 accepted, 0 unreachable",
        "refused      97 signatures (401), 0 for want of room (503), 0 others",
        "notices      9490 heard, 473 known before, merged into ",
        "fetched      10000 by 8 workers in ",
        " of 8 for details, 1 of 1 for pages; ",
        "state        10000 of 10000 deliveries, 16 homes, 42 subjects: as the source says",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }
}

#[test]
fn another_seed_has_other_mishaps_and_the_same_end() {
    let text = report(&["--deliveries", "500", "--rate", "0", "--seed", "2", "--outage", "100..200", "--inspect"]);
    assert!(text.contains("500 of 500 deliveries") && text.contains("as the source says"), "{text}");
    assert!(text.contains("/keeper") && text.contains("/worker-7"), "{text}");
    assert!(!text.contains(" 0 unreachable"), "{text}");
}

#[test]
fn a_state_that_is_not_the_sources_is_shown_and_is_exit_code_1() {
    let out = webhooks(&["--deliveries", "500", "--rate", "0", "--loss", "100", "--keep", "20"]);
    let (text, err) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "{text}{err}");
    assert!(text.contains("NOT AS THE SOURCE SAYS"), "{text}");
    assert!(err.starts_with("webhooks: the state is not what the source says:\ndeliveries: is "), "{err}");
    assert!(err.contains(", should be 500\n") && err.contains(" deliveries were not to be had, "), "{err}");
}

#[test]
fn help_and_version_are_what_they_say() {
    for flag in ["--help", "-h"] {
        assert!(report(&[flag]).starts_with("webhooks: GitHub's webhooks as notices"));
    }
    assert_eq!(report(&["--version"]), concat!("webhooks ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_bad_option_is_refused_before_anything_runs() {
    let out = webhooks(&["--workers", "0"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(out.stdout.is_empty());
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(err.starts_with("webhooks: --workers: ") && err.ends_with("Try 'webhooks --help'.\n"), "{err}");
}

/// The signal comes from the program that sends signals: no crate is needed.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_in_order() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_webhooks"))
        .args(["--deliveries", "1000000", "--rate", "500"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
    let mut first = String::new();
    lines.read_line(&mut first).expect("it says that it begins");
    assert_eq!(first, "seed 1, 1000000 deliveries; Ctrl-C ends it in order\n");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("it starts");
    assert!(killed.success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("it prints text");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{rest}");
    assert!(rest.contains("as the source says"), "{rest}");
}

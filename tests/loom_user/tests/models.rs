//! Models of a user's own structures, and of tidegate's beside them.
//!
//! `cargo xtask test loom-user` runs them; by hand it is
//! `RUSTFLAGS="--cfg tidegate_loom" cargo test -p tidegate-loom-user --profile loom`.
#![cfg(tidegate_loom)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;

use loom::thread;
use tidegate::testkit::{loom_block_on, loom_model};
use tidegate::{Pull, Push, Reply, mailbox};
use tidegate_loom_user::Tickets;

// ANCHOR: model
#[test]
fn no_ticket_is_sold_twice() {
    loom_model("no_ticket_is_sold_twice", Some(2), || two_buyers(|tickets| loom_block_on(tickets.sell())));
}

/// Two who buy the only ticket at once; both ends of a mailbox are tidegate's.
fn two_buyers(buy: fn(&Tickets) -> Option<usize>) {
    let (tx, mut rx) = mailbox::channel(Push::bounded(2));
    let tickets = Arc::new(Tickets::new(1, tx));
    let other = Arc::clone(&tickets);
    let buyer = thread::spawn(move || buy(&other));
    let bought = [buy(&tickets), buyer.join().unwrap()];
    assert_eq!(bought.iter().flatten().count(), 1, "{bought:?}");
    drop(tickets);
    assert_eq!([loom_block_on(rx.recv()), loom_block_on(rx.recv())], [Some(1), None]);
}
// ANCHOR_END: model

#[test]
fn a_receiver_that_asks_lets_in_as_many() {
    loom_model("a_receiver_that_asks_lets_in_as_many", Some(2), || {
        let (tx, mut rx) = mailbox::channel(Pull::manual());
        let sender = thread::spawn(move || loom_block_on(tx.tell(7)).is_ok());
        rx.request(1);
        assert_eq!(loom_block_on(rx.recv()), Some(7));
        assert!(sender.join().unwrap());
    });
}

#[test]
fn an_answer_arrives_or_is_known_not_to() {
    loom_model("an_answer_arrives_or_is_known_not_to", None, || {
        let (reply, answer) = Reply::channel();
        let answers = thread::spawn(move || reply.send(7).is_ok());
        assert_eq!(loom_block_on(answer), Some(7));
        assert!(answers.join().unwrap());
        let (reply, answer) = Reply::<u8>::channel();
        let forgets = thread::spawn(move || drop(reply));
        assert_eq!(loom_block_on(answer), None);
        forgets.join().unwrap();
    });
}

/// What `loom_model` says of a model that fails, from a test of that name.
fn failure(test: &str, preemptions: Option<usize>, model: fn()) -> String {
    if std::env::var_os("TIDEGATE_LOOM_MODEL").is_some() {
        loom_model(test, preemptions, model);
        return String::new();
    }
    let failed = catch_unwind(AssertUnwindSafe(|| loom_model(test, preemptions, model)));
    *failed.expect_err("it fails").downcast::<String>().expect("says why")
}

/// Whether this is the process of the model, where nothing is asserted.
fn is_model() -> bool {
    std::env::var_os("TIDEGATE_LOOM_MODEL").is_some()
}

#[test]
fn a_race_is_found() {
    let race = || two_buyers(|tickets| loom_block_on(tickets.sell_carelessly()));
    let why = failure("a_race_is_found", Some(2), race);
    assert!(is_model() || why.contains("[Some(1), Some(1)]"), "{why}");
}

/// loom aborts the process; the other tests go on.
#[test]
fn a_deadlock_takes_no_other_test_along() {
    let why = failure("a_deadlock_takes_no_other_test_along", Some(2), || {
        let (tx, mut rx) = mailbox::channel::<u8>(Pull::manual());
        let sender = thread::spawn(move || loom_block_on(tx.tell(7)).is_ok());
        // Nobody has asked for anything.
        assert_eq!(loom_block_on(rx.recv()), Some(7));
        sender.join().unwrap();
    });
    assert!(is_model() || why.contains("a_deadlock_takes_no_other_test_along failed"), "{why}");
}

#[test]
fn one_schedule_is_no_model() {
    let why = failure("one_schedule_is_no_model", Some(2), || {});
    assert!(is_model() || why.contains("this models nothing"), "{why}");
}

#[test]
fn a_name_that_is_no_test_is_told() {
    let why = failure("a_name_that_is_not_there", Some(2), || {});
    assert!(why.contains("no model was run: `a_name_that_is_not_there`"), "{why}");
}

/// Runs one test of this program, with settings.
fn run(test: &str, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).envs(settings.iter().copied());
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.success(), text(&done.stdout) + &text(&done.stderr))
}

/// How many senders there are in the model below.
const SENDERS: &str = "MODEL_SENDERS";

/// With three senders there are more schedules than anybody waits for.
#[test]
fn every_message_of_every_sender_arrives() {
    let senders = std::env::var(SENDERS).map_or(1, |senders| senders.parse().unwrap());
    let preemptions = if senders == 1 { Some(1) } else { None };
    loom_model("every_message_of_every_sender_arrives", preemptions, move || {
        let (tx, mut rx) = mailbox::channel(Push::bounded(4));
        let senders: Vec<_> = (0..senders)
            .map(|n: u32| {
                let tx = tx.clone();
                thread::spawn(move || loom_block_on(tx.tell(n)).is_ok())
            })
            .collect();
        drop(tx);
        let mut received = 0;
        while loom_block_on(rx.recv()).is_some() {
            received += 1;
        }
        assert_eq!(received, senders.len());
        senders.into_iter().for_each(|sender| assert!(sender.join().unwrap()));
    });
}

#[test]
fn what_was_cut_off_has_failed() {
    let test = "every_message_of_every_sender_arrives";
    let (passed, text) = run(test, &[(SENDERS, "3"), ("TIDEGATE_LOOM_SECONDS", "1")]);
    assert!(!passed && text.contains(&format!("{test} was cut off after 1s")), "{text}");
}

/// loom would stop after as many, and call it passed.
#[test]
fn settings_that_cut_off_are_not_let_in() {
    let (passed, text) = run("no_ticket_is_sold_twice", &[("LOOM_MAX_PERMUTATIONS", "3")]);
    assert!(passed, "{text}");
    let schedules = text.split_once("no_ticket_is_sold_twice: ").and_then(|(_, rest)| rest.split_once(" schedules in"));
    let schedules: u64 = schedules.expect("says how many").0.parse().unwrap();
    assert!(schedules > 3, "{schedules}");
}

//! Listings of the chapter "A first actor".

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{DropReason, ManualExecutor};

// ANCHOR: account
#[derive(Default)]
struct Account {
    cents: u64,
}

#[actor]
impl Account {
    /// Told. An error is the supervisor's business: it ends this life.
    #[message]
    fn post(&mut self, entry: String) -> Result<(), Fault> {
        self.cents += entry.parse::<u64>()?;
        Ok(())
    }

    /// Asked, and answered with exactly this: the error is the asker's.
    #[message]
    fn withdraw(&mut self, cents: u64) -> Result<u64, String> {
        let left = self.cents.checked_sub(cents).ok_or("not that much is there")?;
        self.cents = left;
        Ok(left)
    }
}
// ANCHOR_END: account

// ANCHOR: errors
#[tokio::test]
async fn errors_go_to_whom_they_concern() -> Result<(), Box<dyn std::error::Error>> {
    let account = System::new().spawn(Account::default(), Push::bounded(64));
    account.post("100".to_owned()).await?;
    assert_eq!(account.withdraw(30).await?, Ok(70));
    assert_eq!(account.withdraw(500).await?, Err("not that much is there".to_owned()));

    // The sender of nonsense is not concerned; the actor ends.
    account.post("nonsense".to_owned()).await?;
    assert!(account.stopped().await.is_failure());
    Ok(())
}
// ANCHOR_END: errors

// ANCHOR: restart
#[tokio::test]
async fn a_restart_keeps_the_mailbox() {
    let system = System::new();
    let account = system
        .build(Account::default) // how to make one: again after each failure
        .named("account")
        .mailbox(Push::bounded(64))
        .restart(Restart::on_failure().limit(3, Duration::from_secs(10)))
        .spawn();

    for entry in ["100", "nonsense", "20"] {
        account.post(entry.to_owned()).await.unwrap();
    }
    // Begun anew, with what was queued: 20, and not 120.
    assert_eq!(account.withdraw(0).await.unwrap(), Ok(20));
    assert_eq!(account.stop_reason().map(|reason| reason.to_string()), None);
}
// ANCHOR_END: restart

// ANCHOR: hooks
struct Session {
    log: Arc<Mutex<Vec<String>>>,
}

#[actor]
impl Session {
    #[started]
    fn begin(&mut self, cx: &mut Context<Self>) {
        cx.send_after(Duration::from_secs(30), SessionMsg::TimeOut {});
        self.note("started");
    }

    #[message]
    fn time_out(&mut self, cx: &mut Context<Self>) {
        self.note("timed out");
        cx.stop();
    }

    #[stopped]
    fn end(&mut self, reason: &StopReason) {
        self.note(&reason.to_string());
    }

    fn note(&self, what: &str) {
        self.log.lock().unwrap().push(what.to_owned());
    }
}
// ANCHOR_END: hooks

// ANCHOR: without_runtime
#[test]
fn a_session_times_out() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let log = Arc::new(Mutex::new(Vec::new()));
    let session = system.spawn(Session { log: Arc::clone(&log) }, Push::bounded(8));

    executor.advance(Duration::from_secs(29));
    assert_eq!(*log.lock().unwrap(), ["started"]);
    executor.advance(Duration::from_secs(1));
    assert_eq!(*log.lock().unwrap(), ["started", "timed out", "stopped"]);
    assert!(session.try_time_out().is_err());
}
// ANCHOR_END: without_runtime

// ANCHOR: direct
#[test]
fn methods_can_be_called_directly() {
    let mut account = Account { cents: 100 };
    assert_eq!(account.withdraw(40), Ok(60));
    assert_eq!(account.withdraw(61), Err("not that much is there".to_owned()));
}
// ANCHOR_END: direct

// ANCHOR: children
#[tokio::test]
async fn a_child_ends_with_its_parent() {
    struct Parent;

    impl Actor for Parent {
        type Msg = Reply<ActorRef<AccountMsg>>;

        async fn handle(&mut self, open: Self::Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
            let child = cx.spawn_child(Account::default(), Push::bounded(8));
            drop(open.send(child));
            Ok(())
        }
    }

    let parent = System::new().spawn(Parent, Push::bounded(8));
    let account = parent.ask(|reply| reply).await.unwrap();
    assert!(account.path().as_str().starts_with(parent.path().as_str()));

    parent.stop();
    parent.stopped().await;
    // Children end first, so there is nothing to wait for.
    assert!(account.stop_reason().is_some());
}
// ANCHOR_END: children

// ANCHOR: shutdown
#[tokio::test]
async fn a_shutdown_reports_what_was_left() {
    let system = System::new();
    let account = system.spawn(Account::default(), Push::bounded(64));
    for _ in 0..10 {
        account.post("1".to_owned()).await.unwrap();
    }
    let report = system.shutdown(Duration::from_secs(5)).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(system.dead_letters().counts().of(DropReason::Stopped), 0);

    // Nobody is there any more, and the entry comes back.
    let refused = account.post("1".to_owned()).await.unwrap_err();
    assert!(matches!(refused, SendError::Closed(AccountMsg::Post { entry }) if entry == "1"));
}
// ANCHOR_END: shutdown

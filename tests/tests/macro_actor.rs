//! `#[actor]` at run time: what the methods of a reference send, what comes
//! back, and what the hooks are told, under each mode of delivery.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{DropReason, Executor, ManualExecutor};

type Log = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
struct Account {
    balance: i64,
    log: Log,
    begun: u32,
}

impl Account {
    fn note(&self, text: impl Into<String>) {
        self.log.lock().unwrap().push(text.into());
    }
}

#[actor(derive(Debug))]
impl Account {
    /// Told: the sender learns that it was let in.
    #[message]
    async fn deposit(&mut self, amount: i64) {
        self.balance += amount;
    }

    /// Asked: the sender learns the answer.
    #[message]
    fn balance(&self) -> i64 {
        self.balance
    }

    /// Asked: an answer that says no is an answer.
    #[message]
    async fn withdraw(&mut self, amount: i64) -> Result<i64, String> {
        if amount > self.balance {
            return Err(format!("{} short", amount - self.balance));
        }
        self.balance -= amount;
        Ok(self.balance)
    }

    /// Asked: the answer is for the sender, the fault for the supervisor.
    #[message]
    fn audit(&mut self) -> Result<i64, Fault> {
        if self.balance < 0 { Err(Fault::msg("overdrawn")) } else { Ok(self.balance) }
    }

    /// Told: a fault that nobody waits for.
    #[message]
    fn charge(&mut self, amount: i64) -> Result<(), Fault> {
        self.balance -= amount;
        if self.balance < -100 { Err(Fault::msg("far overdrawn")) } else { Ok(()) }
    }

    /// The context stands where it likes and is no argument.
    #[message]
    async fn deposit_later(&mut self, delay: Duration, cx: &mut Context<Self>, amount: i64) {
        let _ = cx.send_after(delay, AccountMsg::Deposit { amount });
    }

    /// Waits within its handler.
    #[message]
    async fn slow_balance(&mut self, cx: &mut Context<Self>) -> i64 {
        cx.sleep(Duration::from_millis(10)).await;
        self.balance
    }

    /// Asks for one more, for a mailbox that pulls by hand.
    #[message]
    fn next(&mut self, cx: &mut Context<Self>) {
        cx.request(1);
    }

    #[message]
    fn crash(&mut self) {
        panic!("crashed");
    }

    #[message]
    fn close(&mut self, cx: &mut Context<Self>) {
        cx.stop();
    }

    #[started]
    async fn begin(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.begun += 1;
        cx.request(1);
        self.note(format!("begun at {}", cx.path()));
        Ok(())
    }

    #[stopped]
    async fn end(&mut self, reason: &StopReason) {
        self.note(format!("ended: {reason}"));
    }
}

/// An account whose log outlives its restarts.
fn open(system: &System, mailbox: impl Into<Mailbox<AccountMsg>>) -> (ActorRef<AccountMsg>, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let account = system
        .build(move || Account { log: Arc::clone(&kept), ..Account::default() })
        .named("account")
        .mailbox(mailbox)
        .restart(Restart::on_failure().limit(1, Duration::from_secs(1)))
        .spawn();
    (account, log)
}

fn manual() -> (ManualExecutor, System) {
    let executor = ManualExecutor::new();
    (executor.clone(), System::with_executor(executor))
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

#[test]
fn the_same_methods_under_every_mode() {
    let mailboxes: [Mailbox<AccountMsg>; 5] = [
        Push::bounded(4).into(),
        Push::unbounded().into(),
        Pull::one_by_one().into(),
        Pull::window(2).into(),
        Adaptive::window(4).into(),
    ];
    for mailbox in mailboxes {
        let (executor, system) = manual();
        let (account, log) = open(&system, mailbox);
        executor.block_on(async {
            assert_eq!(account.deposit(70).await.unwrap(), Admission::Queued);
            assert_eq!(account.balance().await.unwrap(), 70);
            assert_eq!(account.withdraw(100).await.unwrap(), Err("30 short".to_owned()));
            assert_eq!(account.withdraw(50).await.unwrap(), Ok(20));
            assert_eq!(account.audit().await.unwrap(), 20);
            assert_eq!(account.slow_balance().await.unwrap(), 20);
        });
        account.drain();
        executor.run_until_idle();
        assert_eq!(lines(&log), ["begun at /account", "ended: drained"]);
    }
}

#[tokio::test]
async fn on_tokio_as_in_the_documentation() {
    let system = System::new();
    let account = system.spawn(Account::default(), Push::bounded(16));
    for amount in 1..=10 {
        account.deposit(amount).await.unwrap();
    }
    assert_eq!(account.balance().await.unwrap(), 55);
    let report = system.shutdown(Duration::from_secs(10)).await;
    assert!(report.is_clean(), "{report}");
}

#[test]
fn try_methods_hand_the_message_back_as_the_enum_it_is() {
    let (executor, system) = manual();
    let (account, _) = open(&system, Push::bounded(1));
    account.try_deposit(1).unwrap();
    assert!(matches!(account.try_deposit(2), Err(SendError::Full(AccountMsg::Deposit { amount: 2 }))));
    executor.run_until_idle();
    account.stop();
    executor.run_until_idle();
    let refused = executor.block_on(account.deposit(3));
    assert!(matches!(refused, Err(SendError::Closed(AccountMsg::Deposit { amount: 3 }))));
    let refused = executor.block_on(account.balance());
    assert!(matches!(refused, Err(AskError::Refused(SendError::Closed(AccountMsg::Balance { .. })))));
}

#[test]
fn messages_can_be_made_by_hand_and_asked_with_a_limit() {
    let (executor, system) = manual();
    let (account, _) = open(&system, Push::bounded(4));
    account.try_tell(AccountMsg::Deposit { amount: 5 }).unwrap();
    let within = |ms| account.ask_within(Duration::from_millis(ms), |reply| AccountMsg::SlowBalance { reply });
    assert_eq!(executor.block_on(within(11)).unwrap(), 5);
    assert!(matches!(executor.block_on(within(9)), Err(AskError::Timeout(None))));
    assert_eq!(format!("{:?}", AccountMsg::Charge { amount: 1 }), "Charge { amount: 1 }");
}

#[test]
fn a_fault_restarts_the_actor_and_tells_the_asker_that_there_is_no_answer() {
    let (executor, system) = manual();
    let (account, log) = open(&system, Push::bounded(8));
    account.try_charge(50).unwrap();
    assert!(matches!(executor.block_on(account.audit()), Err(AskError::NoReply)));
    assert_eq!(executor.block_on(account.balance()).unwrap(), 0, "a new life");
    assert_eq!(lines(&log), ["begun at /account", "begun at /account"]);
    // The second failure within the span is one too many.
    account.try_charge(101).unwrap();
    executor.run_until_idle();
    assert_eq!(lines(&log)[2], "ended: failed: far overdrawn");
    assert_eq!(account.stop_reason().unwrap().to_string(), "failed: far overdrawn");
}

#[test]
fn a_panic_restarts_the_actor_and_its_mail_is_kept() {
    let (executor, system) = manual();
    let (account, log) = open(&system, Push::bounded(8));
    account.try_deposit(1).unwrap();
    account.try_crash().unwrap();
    account.try_deposit(2).unwrap();
    assert_eq!(executor.block_on(account.balance()).unwrap(), 2);
    assert_eq!(account.stats().drops.of(DropReason::Interrupted), 1);
    assert_eq!(lines(&log).len(), 2);
}

#[test]
fn a_handler_uses_its_context() {
    let (executor, system) = manual();
    let (account, log) = open(&system, Push::bounded(8));
    account.try_deposit_later(Duration::from_millis(5), 7).unwrap();
    executor.advance(Duration::from_millis(4));
    assert_eq!(executor.block_on(account.balance()).unwrap(), 0);
    executor.advance(Duration::from_millis(1));
    assert_eq!(executor.block_on(account.balance()).unwrap(), 7);
    account.try_close().unwrap();
    executor.run_until_idle();
    assert_eq!(lines(&log), ["begun at /account", "ended: stopped"]);
    assert_eq!(executor.now(), Duration::from_millis(5));
}

#[test]
fn a_handler_asks_for_the_next_message() {
    let (executor, system) = manual();
    let (account, _) = open(&system, Pull::manual());
    executor.run_until_idle();
    account.try_next().unwrap();
    executor.run_until_idle();
    account.try_deposit(1).unwrap();
    executor.run_until_idle();
    assert!(matches!(account.try_next(), Err(SendError::NoDemand(AccountMsg::Next))), "a deposit asks for nothing");
}

#[test]
fn a_mapped_reference_has_no_methods_of_the_actor_but_reaches_it() {
    let (executor, system) = manual();
    let (account, _) = open(&system, Push::bounded(8));
    let wages: ActorRef<i64> = account.map(|amount| AccountMsg::Deposit { amount });
    executor.block_on(wages.tell(40)).unwrap();
    assert_eq!(executor.block_on(account.balance()).unwrap(), 40);
}

mod watching {
    use tidegate::prelude::*;
    use tidegate::{ActorRef, ManualExecutor};

    struct Idle;

    #[actor]
    impl Idle {
        #[message]
        fn nothing(&mut self) {}
    }

    #[derive(Default)]
    struct Nurse {
        gone: Vec<String>,
    }

    #[actor]
    impl Nurse {
        #[message]
        fn look_after(&mut self, patient: ActorRef<IdleMsg>, cx: &mut Context<Self>) {
            cx.watch(&patient);
        }

        #[message]
        fn gone(&self) -> Vec<String> {
            self.gone.clone()
        }

        #[terminated]
        async fn lost(&mut self, who: Terminated) -> Result<(), Fault> {
            self.gone.push(format!("{} {}", who.path, who.reason));
            Ok(())
        }
    }

    #[test]
    fn a_method_marked_terminated_hears_of_watched_actors() {
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let patient = system.build(|| Idle).named("patient").spawn();
        let nurse = system.build(Nurse::default).spawn();
        executor.block_on(nurse.look_after(patient.clone())).unwrap();
        executor.run_until_idle();
        patient.try_nothing().unwrap();
        patient.drain();
        executor.run_until_idle();
        assert_eq!(executor.block_on(nurse.gone()).unwrap(), ["/patient drained"]);
    }
}

//! The table of the chapter "The restart contract": one test for each cell, and
//! one that reads the table.
//!
//! A child of a parent has one of everything, a message in its handler above
//! all, when it comes to its end or to a restart. What became of each thing is
//! observed from outside.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{AnswerFuture, DropReason, Escalated, ManualExecutor, Permit};

/// What happens while a message is in the handler.
#[derive(Clone, Copy, PartialEq)]
enum Event {
    /// The handler fails; its actor is begun anew.
    Restart,
    Stop,
    Drain,
    Kill,
    /// The handler panics; its actor is not begun anew.
    Panic,
    /// The handler fails once too often.
    Escalate,
    /// The handler panics; its actor is begun anew.
    RestartAfterPanic,
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What was handled, in order, and in which life.
type Log = Arc<Mutex<Vec<(&'static str, u32)>>>;
type Shared<T> = Arc<Mutex<Option<T>>>;

enum Msg {
    /// An ask that is kept to be answered later.
    Keep(Reply<u32>),
    /// Is put aside when it comes first.
    Early {
        seen: bool,
    },
    /// In the handler when it happens.
    Long(Event, Reply<u32>),
    Queued,
    Question(Reply<u32>),
    Timer,
    ByPermit,
}

struct Subject {
    life: u32,
    log: Log,
    child: Shared<ActorRef<u32>>,
    kept: Vec<Reply<u32>>,
}

impl Subject {
    fn note(&self, what: &'static str) {
        lock(&self.log).push((what, self.life));
    }
}

impl Actor for Subject {
    type Msg = Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.life == 1 {
            // Six for what is sent below, and three that nobody uses.
            cx.request(9);
            cx.send_after(seconds(30), Msg::Timer);
            let child = cx.spawn_child(Child, Push::bounded(8));
            // One in its handler and one behind it.
            let _ = (child.try_tell(0), child.try_tell(1));
            *lock(&self.child) = Some(child);
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Keep(reply) => self.kept.push(reply),
            Msg::Early { seen: false } => cx.stash(Msg::Early { seen: true })?,
            Msg::Early { seen: true } => self.note("stashed"),
            Msg::Long(event, reply) => {
                cx.sleep(seconds(10)).await;
                assert!(!matches!(event, Event::Panic | Event::RestartAfterPanic), "no");
                self.note("in the handler");
                if matches!(event, Event::Restart | Event::Escalate) {
                    return Err(Fault::msg("no"));
                }
                let _ = reply.send(self.life);
            }
            Msg::Queued => self.note("queued"),
            Msg::Question(reply) => drop(reply.send(self.life)),
            Msg::Timer => self.note("timer"),
            Msg::ByPermit => self.note("by permit"),
        }
        Ok(())
    }
}

struct Child;

impl Actor for Child {
    type Msg = u32;
    async fn handle(&mut self, _: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(seconds(20)).await;
        Ok(())
    }
}

/// Has the subject as its child, and fails with it at its limit.
struct Parent {
    restart: Restart,
    log: Log,
    subject: Shared<ActorRef<Msg>>,
    child: Shared<ActorRef<u32>>,
}

impl Actor for Parent {
    type Msg = ();
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let (log, child, mut life) = (Arc::clone(&self.log), Arc::clone(&self.child), 0);
        let make = move || {
            life += 1;
            Subject { life, log: Arc::clone(&log), child: Arc::clone(&child), kept: Vec::new() }
        };
        let subject = cx.build_child(make).restart(self.restart).mailbox(Pull::manual().capacity(64)).spawn();
        *lock(&self.subject) = Some(subject);
        Ok(())
    }
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

/// What became of each thing.
fn observe(event: Event) -> BTreeMap<&'static str, String> {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let log = Log::default();
    let (subject, child) = (Shared::default(), Shared::default());
    let parent = Parent {
        restart: match event {
            Event::Restart | Event::RestartAfterPanic => Restart::on_failure().limit(1, seconds(60)),
            Event::Escalate => Restart::on_failure().limit(0, seconds(60)),
            Event::Stop | Event::Drain | Event::Kill | Event::Panic => Restart::never(),
        },
        log: Arc::clone(&log),
        subject: Arc::clone(&subject),
        child: Arc::clone(&child),
    };
    let parent = system.spawn(parent, Push::bounded(1));
    let dead = Log::default();
    let noted = Arc::clone(&dead);
    let _subscription = system.dead_letters().subscribe(move |letter| {
        let what = match letter.message.as_ref().and_then(|message| message.downcast_ref::<Msg>()) {
            Some(Msg::Queued) => "queued",
            Some(Msg::Early { .. }) => "stashed",
            _ => return,
        };
        lock(&noted).push((what, 0));
    });
    executor.run_until_idle();
    let subject = lock(&subject).take().expect("the parent has begun");

    let questions: [(Reply<u32>, AnswerFuture<u32>); 3] = std::array::from_fn(|_| Reply::channel());
    let [(keep, kept), (long, in_handler), (question, queued)] = questions;
    let permit: Permit<Msg> = subject.try_reserve().expect("it was asked for");
    for msg in
        [Msg::Keep(keep), Msg::Early { seen: false }, Msg::Long(event, long), Msg::Queued, Msg::Question(question)]
    {
        assert!(subject.try_tell(msg).is_ok());
    }
    executor.advance(seconds(5));
    match event {
        Event::Stop => subject.stop(),
        Event::Drain => subject.drain(),
        Event::Kill => subject.kill(),
        Event::Restart | Event::Panic | Event::Escalate | Event::RestartAfterPanic => {}
    }
    executor.advance(seconds(100));
    let by_permit = permit.send(Msg::ByPermit);
    executor.advance(seconds(1));

    let ended = subject.stop_reason();
    match event {
        Event::Restart | Event::RestartAfterPanic => assert!(ended.is_none(), "{ended:?}"),
        _ => assert!(ended.is_some()),
    }
    let escalated = match parent.stop_reason() {
        Some(StopReason::Failed(fault)) => fault.source().is_some_and(|source| source.is::<Escalated>()),
        _ => false,
    };
    assert_eq!(escalated, event == Event::Escalate);
    if event == Event::Restart {
        let order: Vec<&str> = lock(&log).iter().filter(|(_, life)| *life == 2).map(|(what, _)| *what).collect();
        assert_eq!(order, ["stashed", "queued", "by permit"], "what was put aside comes first");
    }

    let of = |what: &str| {
        let handled = lock(&log).iter().find(|(noted, _)| *noted == what).map(|(_, life)| *life);
        let died = match what {
            // Of it nothing is left but a count.
            "in the handler" => subject.stats().drops.of(DropReason::Interrupted),
            _ => lock(&dead).iter().filter(|(noted, _)| *noted == what).count() as u64,
        };
        match (handled, died) {
            (Some(1), 0) => "handled",
            (Some(_), 0) => "kept",
            (None, 1) => "dead-lettered",
            (None, 0) => "ended",
            _ => panic!("{what} was handled and is dead: {handled:?}, {died}"),
        }
        .to_owned()
    };
    let answer = |answer: AnswerFuture<u32>| match executor.block_on(answer) {
        Some(1) => "answered",
        Some(_) => "kept",
        None => "unanswered",
    };
    let child = lock(&child).take().expect("the subject has begun");
    BTreeMap::from([
        ("message in the handler", of("in the handler")),
        ("queued message", of("queued")),
        ("stashed message", of("stashed")),
        ("timer", of("timer")),
        ("permit", if by_permit.is_err() { "returned".to_owned() } else { of("by permit") }),
        ("ask in the handler", answer(in_handler).to_owned()),
        ("ask in the queue", answer(queued).to_owned()),
        ("ask in the state", answer(kept).to_owned()),
        (
            "outstanding requests",
            match subject.free() {
                3 => "kept".to_owned(),
                0 if subject.is_closed() => "ended".to_owned(),
                free => panic!("{free} are asked for"),
            },
        ),
        ("children", child.stop_reason().map_or_else(|| "kept".to_owned(), |reason| reason.to_string())),
    ])
}

/// The table of the chapter, by row and column.
fn table() -> BTreeMap<(String, String), String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/restart-contract.md");
    let text = std::fs::read_to_string(&page).expect("the chapter is there");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let [columns, _rule, rows @ ..] = &*rows else { panic!("no table in {}", page.display()) };
    let mut cells = BTreeMap::new();
    for row in rows {
        assert_eq!(row.len(), columns.len(), "{row:?}");
        for (column, cell) in columns.iter().zip(row).skip(1) {
            let old = cells.insert((row[0].to_owned(), (*column).to_owned()), (*cell).to_owned());
            assert!(old.is_none(), "{} is there twice", row[0]);
        }
    }
    cells
}

const CELL: &str = "each cell of the table has a test, and each test a cell";

/// A test for each cell. The words are here once more, so that neither the
/// table nor a test can be changed alone.
macro_rules! contract {
    ($($column:ident: $event:ident { $($test:ident: $row:literal => $word:literal,)* })*) => {
        $(mod $column {
            $(#[test]
            fn $test() {
                let observed = super::observe(super::Event::$event);
                assert_eq!(observed[$row], $word);
            })*
        })*

        #[test]
        fn the_table_says_what_the_tests_say() {
            let mut tested = BTreeMap::new();
            $($(tested.insert(($row.to_owned(), stringify!($column).to_owned()), $word.to_owned());)*)*
            let table = table();
            assert_eq!(table.keys().collect::<Vec<_>>(), tested.keys().collect::<Vec<_>>(), "{CELL}");
            assert_eq!(table, tested);
        }
    };
}

contract! {
    restart: Restart {
        message_in_the_handler: "message in the handler" => "handled",
        queued_message: "queued message" => "kept",
        stashed_message: "stashed message" => "kept",
        timer: "timer" => "ended",
        permit: "permit" => "kept",
        ask_in_the_handler: "ask in the handler" => "unanswered",
        ask_in_the_queue: "ask in the queue" => "kept",
        ask_in_the_state: "ask in the state" => "unanswered",
        outstanding_requests: "outstanding requests" => "kept",
        children: "children" => "stopped",
    }
    stop: Stop {
        message_in_the_handler: "message in the handler" => "handled",
        queued_message: "queued message" => "dead-lettered",
        stashed_message: "stashed message" => "dead-lettered",
        timer: "timer" => "ended",
        permit: "permit" => "returned",
        ask_in_the_handler: "ask in the handler" => "answered",
        ask_in_the_queue: "ask in the queue" => "unanswered",
        ask_in_the_state: "ask in the state" => "unanswered",
        outstanding_requests: "outstanding requests" => "ended",
        children: "children" => "stopped",
    }
    drain: Drain {
        message_in_the_handler: "message in the handler" => "handled",
        queued_message: "queued message" => "handled",
        stashed_message: "stashed message" => "handled",
        timer: "timer" => "ended",
        permit: "permit" => "returned",
        ask_in_the_handler: "ask in the handler" => "answered",
        ask_in_the_queue: "ask in the queue" => "answered",
        ask_in_the_state: "ask in the state" => "unanswered",
        outstanding_requests: "outstanding requests" => "ended",
        children: "children" => "drained",
    }
    kill: Kill {
        message_in_the_handler: "message in the handler" => "dead-lettered",
        queued_message: "queued message" => "dead-lettered",
        stashed_message: "stashed message" => "dead-lettered",
        timer: "timer" => "ended",
        permit: "permit" => "returned",
        ask_in_the_handler: "ask in the handler" => "unanswered",
        ask_in_the_queue: "ask in the queue" => "unanswered",
        ask_in_the_state: "ask in the state" => "unanswered",
        outstanding_requests: "outstanding requests" => "ended",
        children: "children" => "killed",
    }
    panic: Panic {
        message_in_the_handler: "message in the handler" => "dead-lettered",
        queued_message: "queued message" => "dead-lettered",
        stashed_message: "stashed message" => "dead-lettered",
        timer: "timer" => "ended",
        permit: "permit" => "returned",
        ask_in_the_handler: "ask in the handler" => "unanswered",
        ask_in_the_queue: "ask in the queue" => "unanswered",
        ask_in_the_state: "ask in the state" => "unanswered",
        outstanding_requests: "outstanding requests" => "ended",
        children: "children" => "stopped",
    }
    escalate: Escalate {
        message_in_the_handler: "message in the handler" => "handled",
        queued_message: "queued message" => "dead-lettered",
        stashed_message: "stashed message" => "dead-lettered",
        timer: "timer" => "ended",
        permit: "permit" => "returned",
        ask_in_the_handler: "ask in the handler" => "unanswered",
        ask_in_the_queue: "ask in the queue" => "unanswered",
        ask_in_the_state: "ask in the state" => "unanswered",
        outstanding_requests: "outstanding requests" => "ended",
        children: "children" => "stopped",
    }
}

/// What the chapter says below its table.
#[test]
fn a_restart_after_a_panic_is_as_any_other_but_for_the_message_in_the_handler() {
    let (fault, panic) = (observe(Event::Restart), observe(Event::RestartAfterPanic));
    for (row, word) in &fault {
        let expected = if *row == "message in the handler" { "dead-lettered" } else { word };
        assert_eq!(panic[row], expected, "{row}");
    }
}

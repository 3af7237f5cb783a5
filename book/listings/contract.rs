//! The table of the chapter "The contract": one actor in the middle of a
//! message, with more queued, a timer, a task, a child and two unanswered
//! questions, and then its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{AnswerFuture, DropReason, ManualExecutor};
use tidegate_book::Transcript;

/// What has happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    fn has(&self, what: &str) -> bool {
        self.0.lock().unwrap().contains(&what)
    }
}

#[derive(Clone, Copy)]
enum End {
    Stop,
    Drain,
    Kill,
    Fault,
    Panic,
}

enum Msg {
    /// In the handler when the end comes: takes ten seconds.
    Long(End, Reply<()>),
    Queued,
    Question(Reply<()>),
    Timer(&'static str),
}

struct Subject {
    log: Log,
    /// Only the first life sets things up.
    first: Arc<Mutex<bool>>,
    child: Arc<Mutex<Option<ActorRef<u32>>>>,
}

impl Actor for Subject {
    type Msg = Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.note("started");
        if std::mem::take(&mut *self.first.lock().unwrap()) {
            cx.send_after(Duration::from_secs(5), Msg::Timer("due"));
            cx.send_after(Duration::from_secs(30), Msg::Timer("later"));
            let (log, minute) = (self.log.clone(), cx.sleep(Duration::from_secs(60)));
            cx.spawn(async move {
                minute.await;
                log.note("task");
            });
            let child = cx.spawn_child(Child, Push::bounded(8));
            // One in its handler and one behind it.
            let _ = (child.try_tell(0), child.try_tell(1));
            *self.child.lock().unwrap() = Some(child);
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Long(end, reply) => {
                cx.sleep(Duration::from_secs(10)).await;
                match end {
                    End::Fault => return Err(Fault::msg("no")),
                    End::Panic => panic!("no"),
                    _ => {}
                }
                self.log.note("long");
                let _ = reply.send(());
            }
            Msg::Queued => self.log.note("queued"),
            Msg::Question(reply) => {
                let _ = reply.send(());
            }
            Msg::Timer(which) => self.log.note(which),
        }
        Ok(())
    }

    async fn stopped(&mut self, _reason: &StopReason, _cx: &mut Context<Self>) {
        self.log.note("stopped");
    }
}

struct Child;

impl Actor for Child {
    type Msg = u32;

    async fn handle(&mut self, _: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_secs(20)).await;
        Ok(())
    }
}

/// What became of each thing, in the order of `THINGS`.
fn outcome(end: End, restart: Restart) -> [String; THINGS.len()] {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let (log, child) = (Log::default(), Arc::new(Mutex::new(None)));
    let (first, make_log, make_child) = (Arc::new(Mutex::new(true)), log.clone(), Arc::clone(&child));
    let subject = system
        .build(move || Subject { log: make_log.clone(), first: Arc::clone(&first), child: Arc::clone(&make_child) })
        .restart(restart)
        .spawn();
    let dead = log.clone();
    let _subscription = system.dead_letters().subscribe(move |letter| {
        match letter.message.as_ref().and_then(|message| message.downcast_ref::<Msg>()) {
            Some(Msg::Queued) => dead.note("dead: queued"),
            Some(Msg::Timer(_)) => dead.note("dead: timer"),
            _ => {}
        }
    });

    let (reply, in_handler) = Reply::channel();
    let (question, in_queue) = Reply::channel();
    subject.try_tell(Msg::Long(end, reply)).unwrap();
    subject.try_tell(Msg::Queued).unwrap();
    subject.try_tell(Msg::Question(question)).unwrap();
    // The first timer is due by now, and the message still in the handler.
    executor.advance(Duration::from_secs(6));
    match end {
        End::Stop => subject.stop(),
        End::Drain => subject.drain(),
        End::Kill => subject.kill(),
        End::Fault | End::Panic => {}
    }
    executor.advance(Duration::from_secs(100));

    let interrupted = subject.stats().drops.of(DropReason::Interrupted) == 1;
    let of = |what: &'static str, dead: &'static str, neither: &'static str| {
        let known = [(log.has(what), "handled"), (log.has(dead), "dead letter")];
        known.into_iter().find_map(|(so, said)| so.then_some(said)).unwrap_or(neither)
    };
    let answer = |answer: AnswerFuture<()>| if executor.block_on(answer).is_some() { "answered" } else { "`NoReply`" };
    let child = child.lock().unwrap().take().and_then(|child| child.stop_reason());
    let ended = subject.stop_reason();
    [
        if interrupted { "interrupted" } else { of("long", "", "failed") }.to_owned(),
        answer(in_handler).to_owned(),
        of("queued", "dead: queued", "?").to_owned(),
        answer(in_queue).to_owned(),
        of("due", "dead: timer", "?").to_owned(),
        of("later", "", "cancelled").to_owned(),
        if log.has("task") { "goes on" } else { "dropped" }.to_owned(),
        child.map_or_else(|| "lives on".to_owned(), |reason| reason.to_string()),
        if log.has("stopped") { "runs" } else { "does not run" }.to_owned(),
        ended.map_or_else(|| "lives on".to_owned(), |reason| reason.to_string().replace(": no", "")),
    ]
}

const THINGS: [&str; 10] = [
    "message in the handler",
    "its ask",
    "queued message",
    "queued ask",
    "timer that is due",
    "timer that is not",
    "task of `cx.spawn`",
    "children",
    "`stopped` hook",
    "the actor",
];

#[test]
fn what_becomes_of_what() {
    let (never, once) = (Restart::never(), Restart::on_failure().limit(1, Duration::from_secs(60)));
    let ends = [
        ("stop", End::Stop, never),
        ("drain", End::Drain, never),
        ("kill", End::Kill, never),
        ("fault", End::Fault, never),
        ("panic", End::Panic, never),
        ("fault, restart", End::Fault, once),
        ("panic, restart", End::Panic, once),
    ];
    let outcomes = ends.map(|(_, end, restart)| outcome(end, restart));

    let mut out = Transcript::new();
    out.line(format!("| | {} |", ends.map(|(name, ..)| name).join(" | ")));
    out.line(format!("|---|{}", "---|".repeat(ends.len())));
    for (place, thing) in THINGS.iter().enumerate() {
        let cells: Vec<&str> = outcomes.iter().map(|outcome| outcome[place].as_str()).collect();
        out.line(format!("| {thing} | {} |", cells.join(" | ")));
    }
    out.assert_is("contract_endings");
}

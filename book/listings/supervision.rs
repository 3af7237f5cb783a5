//! The chapter "Supervision": a connection that is made anew, a limit that is
//! the parent's business, siblings, links, and a start that fails.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Backoff, Escalated, ManualExecutor, Supervision};
use tidegate_book::Transcript;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl std::fmt::Display) {
        self.0.lock().unwrap().push(line.to_string());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

// ANCHOR: connection
enum Msg {
    Send(u32),
    Break,
}

/// Talks to a server, over a connection that is made when it starts.
struct Link {
    log: Log,
}

impl Actor for Link {
    type Msg = Msg;

    async fn started(&mut self, _cx: &mut Context<Self>) -> Result<(), Fault> {
        // .. connect; an error here is a failed life like any other.
        self.log.add("connected");
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, _cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Send(n) => self.log.add(format_args!("sent {n}")),
            Msg::Break => return Err(Fault::msg("connection reset")),
        }
        Ok(())
    }
}
// ANCHOR_END: connection

#[test]
fn a_connection_is_made_anew() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let log = Log::default();
    // ANCHOR: restart
    let noted = log.clone();
    let link = system
        .build(move || Link { log: noted.clone() })
        .named("link")
        .mailbox(Push::bounded(64))
        .restart(
            Restart::on_failure()
                .limit(5, Duration::from_secs(60))
                .backoff(Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10)).jitter(0.2)),
        )
        .spawn();
    for msg in [Msg::Send(1), Msg::Break, Msg::Send(2)] {
        link.try_tell(msg).unwrap();
    }
    // ANCHOR_END: restart
    executor.run_until_idle();
    assert_eq!(log.take(), ["connected", "sent 1"]);
    executor.advance(Duration::from_millis(100));
    assert_eq!(log.take(), ["connected", "sent 2"], "what was queued was kept");
}

/// Fails at its first message.
struct Fragile;

impl Actor for Fragile {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        panic!("out of range")
    }
}

// ANCHOR: escalate
struct Boss {
    log: Log,
}

impl Actor for Boss {
    type Msg = ();

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let restart = Restart::on_failure().limit(1, Duration::from_secs(60));
        let worker = cx.build_child(|| Fragile).named("worker").restart(restart).spawn();
        for _ in 0..2 {
            worker.try_tell(())?;
        }
        Ok(())
    }

    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        if let StopReason::Failed(fault) = reason
            && let Some(escalated) = fault.source().and_then(|source| source.downcast_ref::<Escalated>())
        {
            self.log.add(format_args!("{} ended: {}", escalated.child.path, escalated.child.reason));
        }
    }
}
// ANCHOR_END: escalate

#[test]
fn at_its_limit_a_child_takes_its_parent_along() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let log = Log::default();
    let noted = log.clone();
    let boss = system.build(move || Boss { log: noted.clone() }).named("boss").spawn();
    executor.run_until_idle();
    assert_eq!(log.take(), ["/boss/worker ended: panicked: out of range"]);
    assert_eq!(boss.stop_reason().unwrap().to_string().split(", at").next().unwrap(), BOSS);
}

const BOSS: &str = "failed: /boss/worker failed too often: panicked: out of range";

/// A stage of a pipeline, which fails when it is told to.
struct Stage {
    name: &'static str,
    log: Log,
}

impl Actor for Stage {
    type Msg = ();
    async fn started(&mut self, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add(format_args!("{} begins", self.name));
        Ok(())
    }
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Err(Fault::msg("bad"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.log.add(format_args!("{} ends", self.name));
    }
}

struct Pipeline {
    log: Log,
    stages: Arc<Mutex<Vec<ActorRef<()>>>>,
}

impl Actor for Pipeline {
    type Msg = ();
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        for name in ["read", "parse", "write"] {
            let log = self.log.clone();
            let stage = cx.build_child(move || Stage { name, log: log.clone() });
            self.stages.lock().unwrap().push(stage.named(name).restart(Restart::on_failure()).spawn());
        }
        Ok(())
    }
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn siblings_begin_anew_together() {
    let mut out = Transcript::new();
    for supervision in [Supervision::OneForOne, Supervision::OneForAll, Supervision::RestForOne] {
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let log = Log::default();
        let stages = Arc::new(Mutex::new(Vec::new()));
        let (noted, given) = (log.clone(), Arc::clone(&stages));
        let pipeline = move || Pipeline { log: noted.clone(), stages: Arc::clone(&given) };
        // ANCHOR: siblings
        system.build(pipeline).named("pipeline").supervision(supervision).spawn();
        // ANCHOR_END: siblings
        executor.run_until_idle();
        log.take();
        stages.lock().unwrap()[1].try_tell(()).unwrap();
        executor.run_until_idle();
        out.line(format_args!("{supervision:?}: {}", log.take().join(", ")));
    }
    out.assert_is("supervision_siblings");
}

/// Needs a port of its own.
struct Server;

impl Server {
    fn bind(port: &str) -> Result<Self, Fault> {
        let _port: u16 = port.parse()?;
        Ok(Self)
    }
}

impl Actor for Server {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn a_start_can_fail() {
    let system = System::new();
    // ANCHOR: start
    let server = system.try_build(|| Server::bind("eighty")).named("server").start().await;
    let error = server.unwrap_err();
    assert_eq!(error.to_string(), "/server did not start: failed: invalid digit found in string");
    assert!(system.is_empty());
    // ANCHOR_END: start
}

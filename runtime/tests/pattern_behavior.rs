//! Behaviours: a state is a value, and handling a message returns the next.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::time::Duration;

use support::{Log, manual, ms};
use tidegate::pattern::{Behaving, Behavior};
use tidegate::prelude::*;
use tidegate::{Deadline, DropReason};

/// Connects before it sends, and connects again when the connection is lost.
enum Link {
    Down(Log),
    Connecting {
        log: Log,
        tries: u32,
    },
    Up {
        log: Log,
        sent: u32,
        _line: Line,
    },
    /// It ends with whoever held it.
    Broken,
}

/// Notes when it is dropped.
struct Line(Log);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.add("line dropped");
    }
}

enum Msg {
    Connect,
    Connected,
    Lost,
    Send(u32),
    SendBy(u32, Deadline),
    Fail,
    Panic,
    Watch(ActorRef<Msg>),
}

type Cx<'a> = &'a mut Context<Behaving<Link>>;

fn put_aside(msg: Msg, cx: Cx<'_>) -> Result<(), Fault> {
    cx.stash(msg).map_err(|full| Fault::msg(full.to_string()))
}

impl Behavior for Link {
    type Msg = Msg;

    async fn started(self, cx: Cx<'_>) -> Result<Self, Fault> {
        match self {
            Self::Down(log) => {
                log.add("started");
                cx.timers().after("connect", ms(10), Msg::Connect);
                Ok(Self::Down(log))
            }
            _ => Err(Fault::msg("it begins without a connection")),
        }
    }

    async fn handle(self, msg: Msg, cx: Cx<'_>) -> Result<Self, Fault> {
        Ok(match (self, msg) {
            (_, Msg::Fail) => return Err(Fault::msg("as told")),
            (_, Msg::Panic) => panic!("as told"),
            (same, Msg::Watch(other)) => {
                cx.watch(&other);
                same
            }
            (Self::Down(log), Msg::Connect) => Self::Connecting { log, tries: 1 },
            (Self::Connecting { log, .. }, Msg::Connected) => {
                cx.unstash_all();
                let line = Line(log.clone());
                Self::Up { log, sent: 0, _line: line }
            }
            (Self::Connecting { log, tries }, Msg::Lost) => {
                log.add(format_args!("lost {tries}"));
                Self::Connecting { log, tries: tries + 1 }
            }
            (Self::Up { log, sent, .. }, Msg::Lost) => {
                log.add(format_args!("lost after {sent}"));
                Self::Connecting { log, tries: 1 }
            }
            (Self::Up { log, sent, _line }, Msg::Send(n) | Msg::SendBy(n, _)) => {
                cx.sleep(ms(1)).await;
                log.add(n);
                Self::Up { log, sent: sent + 1, _line }
            }
            (same, msg @ (Msg::Send(_) | Msg::SendBy(..))) => {
                put_aside(msg, cx)?;
                same
            }
            (same, Msg::Connect | Msg::Connected | Msg::Lost) => same,
        })
    }

    fn expired(message: &Msg) -> bool {
        matches!(message, Msg::SendBy(_, until) if until.has_passed())
    }

    async fn terminated(self, who: Terminated, _cx: Cx<'_>) -> Result<Self, Fault> {
        if let Self::Down(log) | Self::Connecting { log, .. } | Self::Up { log, .. } = &self {
            log.add(format_args!("terminated {}", who.path));
        }
        Ok(Self::Broken)
    }

    async fn stopped(self, reason: &StopReason, _cx: Cx<'_>) {
        if let Self::Down(log) | Self::Connecting { log, .. } | Self::Up { log, .. } = &self {
            log.add(format_args!("stopped: {reason}"));
        }
    }
}

fn send(link: &ActorRef<Msg>, all: impl IntoIterator<Item = Msg>) {
    for msg in all {
        link.try_tell(msg).unwrap();
    }
}

#[test]
fn the_state_decides_what_a_message_does() {
    let (executor, system) = manual();
    let log = Log::default();
    let link = system.spawn(Behaving::new(Link::Down(log.clone())), Push::bounded(16));
    send(&link, [Msg::Send(1), Msg::Send(2), Msg::Connected]);
    executor.advance(ms(5));
    assert_eq!(log.take(), ["started"], "down, it sends nothing, and nothing connects it");
    executor.advance(ms(5));
    send(&link, [Msg::Lost, Msg::Lost, Msg::Connected, Msg::Send(3)]);
    executor.advance(ms(10));
    assert_eq!(log.take(), ["lost 1", "lost 2", "1", "2", "3"]);
    send(&link, [Msg::Lost, Msg::Send(4), Msg::Connected]);
    executor.advance(ms(10));
    assert_eq!(log.take(), ["lost after 3", "line dropped", "4"], "what a state holds goes with it");
    link.stop();
    executor.run_until_idle();
    assert_eq!(log.take(), ["stopped: stopped", "line dropped"]);
    assert_eq!(link.stats().drops.total(), 0);
}

#[test]
fn a_failure_leaves_no_state_and_a_restart_begins_with_the_first() {
    for end in [|| Msg::Fail, || Msg::Panic] {
        let (executor, system) = manual();
        let log = Log::default();
        let shared = log.clone();
        let link = system
            .build(move || Behaving::from(Link::Down(shared.clone())))
            .mailbox(Push::bounded(16))
            .restart(Restart::on_failure().limit(1, Duration::from_secs(10)))
            .spawn();
        executor.advance(ms(10));
        send(&link, [Msg::Connected, end(), Msg::Send(1)]);
        executor.run_until_idle();
        assert_eq!(log.take(), ["started", "line dropped", "started"]);
        executor.advance(ms(10));
        send(&link, [Msg::Connected]);
        executor.advance(ms(10));
        assert_eq!(log.take(), ["1"], "the new life connects by its own timer, and what was put aside is sent");
        send(&link, [end()]);
        executor.run_until_idle();
        assert!(link.stop_reason().unwrap().is_failure());
        assert_eq!(log.take(), ["line dropped"], "there is no state that could say good-bye");
    }
}

#[test]
fn expiry_and_death_reach_the_behaviour() {
    let (executor, system) = manual();
    let (log, other_log) = (Log::default(), Log::default());
    let link = system.spawn(Behaving::new(Link::Down(log.clone())), Push::bounded(16));
    let other = system.build(move || Behaving::new(Link::Down(other_log.clone()))).named("other").spawn();
    send(&link, [Msg::SendBy(1, system.deadline(ms(5))), Msg::SendBy(2, system.deadline(ms(50)))]);
    send(&link, [Msg::Watch(other.clone())]);
    executor.advance(ms(10));
    send(&link, [Msg::Connected]);
    executor.advance(ms(10));
    assert_eq!(log.take(), ["started", "2"]);
    assert_eq!(link.stats().drops.of(DropReason::Expired), 1);
    other.kill();
    executor.run_until_idle();
    assert_eq!(log.take(), ["terminated /other", "line dropped"]);
}

#[test]
fn a_failed_behaviour_is_not_asked_again() {
    let (executor, system) = manual();
    let log = Log::default();
    // Not to begin with `Up`: the start fails, and so does whatever follows.
    let link = system.spawn(Behaving::new(Link::Broken), Push::bounded(4));
    executor.run_until_idle();
    assert_eq!(link.stop_reason().unwrap().to_string(), "failed: it begins without a connection");
    let mut behaving = Behaving::new(Link::Down(log));
    assert!(matches!(behaving.state(), Some(Link::Down(_))));
    behaving = Behaving::from(Link::Broken);
    assert!(matches!(behaving.state(), Some(Link::Broken)));
}

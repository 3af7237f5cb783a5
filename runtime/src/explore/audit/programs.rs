//! Actors alone: what is sent, waited for, stopped, watched and set anew.

use std::time::Duration;

use super::{audited, conflict, name, print, run_once};
use crate::explore::sim::Sim;
use crate::explore::trace::End;
use crate::prelude::*;

enum Msg {
    Get(Reply<u64>),
    Add(u64),
}

struct Sum(u64);

impl Actor for Sum {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Get(reply) => drop(reply.send(self.0)),
            Msg::Add(n) => self.0 += n,
        }
        Ok(())
    }
}

async fn pairs(sim: Sim) {
    let clients: Vec<_> = (0..3)
        .map(|n| {
            let sum = sim.system().build(|| Sum(0)).named(format!("{n}-server")).spawn();
            sim.spawn(&format!("{n}-client"), async move {
                sum.tell(Msg::Add(2)).await.unwrap();
                assert_eq!(sum.ask(Msg::Get).await.unwrap(), 2);
            })
        })
        .collect();
    for client in clients {
        client.await;
    }
}

#[test]
fn three_pairs_have_nothing_to_do_with_each_other() {
    let trace = run_once(Vec::new(), true, pairs);
    print(&trace);
    assert_eq!(trace.end, End::Done);
    let digit = |event| name(&trace, event).chars().find(char::is_ascii_digit);
    for a in 0..trace.events.len() {
        for b in 0..a {
            if let (Some(x), Some(y)) = (digit(a), digit(b))
                && x != y
            {
                assert!(!conflict(&trace, a, b), "{a} ({}) and {b} ({})", name(&trace, a), name(&trace, b));
            }
        }
    }
}

#[test]
fn pairs_are_seen() {
    audited(pairs);
}

#[test]
fn waiting_senders_are_seen() {
    audited(|sim| async move {
        let sum = sim.system().spawn(Sum(0), Push::bounded(1));
        let clients: Vec<_> = (0..3)
            .map(|n| {
                let sum = sum.clone();
                sim.spawn(&format!("client-{n}"), async move {
                    sum.tell(Msg::Add(n)).await.unwrap();
                    let permit = sum.reserve().await.unwrap();
                    permit.send(Msg::Add(1)).unwrap();
                    let _ = sum.try_tell(Msg::Add(1));
                    let _ = sum.ask(Msg::Get).await;
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        sum.stop();
        sum.stopped().await;
        assert!(sum.stats().handled > 0);
    });
}

/// Watches, restarts, stops, and timers.
#[test]
fn ends_are_seen() {
    struct Frail(u32);
    impl Actor for Frail {
        type Msg = bool;
        async fn handle(&mut self, fail: bool, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0 += 1;
            cx.sleep(Duration::from_millis(1)).await;
            if fail { Err(Fault::msg("as told")) } else { Ok(()) }
        }
    }
    struct Boss(ActorRef<bool>, u32);
    impl Actor for Boss {
        type Msg = ();
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.watch(&self.0);
            let child = cx.build_child(|| Frail(0)).restart(Restart::on_failure()).spawn();
            let _ = child.try_tell(true);
            Ok(())
        }
        async fn terminated(&mut self, _: Terminated, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.stop();
            Ok(())
        }
        async fn handle(&mut self, (): (), cx: &mut Context<Self>) -> Result<(), Fault> {
            self.1 += 1;
            cx.send_after(Duration::from_millis(2), ());
            Ok(())
        }
    }
    audited(|sim| async move {
        let frail = sim.system().build(|| Frail(0)).restart(Restart::on_failure()).named("frail").spawn();
        let boss = sim.system().spawn(Boss(frail.clone(), 0), Push::bounded(2));
        let (one, other) = (frail.clone(), boss.clone());
        let client = sim.spawn("client", async move {
            let _ = one.tell(true).await;
            let _ = other.tell(()).await;
            let _ = one.tell(false).await;
            one.stop();
        });
        let _ = boss.try_tell(());
        client.await;
        boss.stopped().await;
        let _ = sim.system().shutdown(Duration::from_secs(1)).await;
    });
}

/// Other terms, while messages come.
#[test]
fn terms_are_seen() {
    audited(|sim| async move {
        let sum = sim.system().spawn(Sum(0), Push::bounded(2));
        let clients: Vec<_> = (0..2)
            .map(|n| {
                let sum = sum.clone();
                sim.spawn(&format!("client-{n}"), async move {
                    let pressure = sum.pressure();
                    for _ in 0..2 {
                        let _ = sum.tell(Msg::Add(n)).await;
                    }
                    let _ = pressure.level();
                    if n == 0 {
                        sum.reconfigure(Push::bounded(1).overflow(Overflow::DropOldest));
                    } else {
                        sum.reconfigure(Pull::window(2));
                    }
                    let _ = sum.try_tell(Msg::Add(n));
                    let _ = sum.tell(Msg::Add(n)).await;
                    let _ = pressure.level();
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        let _ = sum.ask(Msg::Get).await;
        assert!(sim.system().dead_letters().counts().total() < 9);
    });
}

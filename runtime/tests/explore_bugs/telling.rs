//! News that is dropped on its way: the end of a worker, and an alarm.

use tidegate::explore::{Explorer, Sim, Strategy};
use tidegate::prelude::*;

use super::support::{Takes, Version, hunt, is_deadlock, says, sure};

enum Office {
    Report(u64),
    Gone,
    /// Tells when the worker has gone.
    IsOver(Reply<u64>),
}

struct Worker {
    office: ActorRef<Office>,
    version: Version,
}

impl Actor for Worker {
    type Msg = ();

    async fn handle(&mut self, (): (), cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.stop();
        Ok(())
    }

    async fn stopped(&mut self, _: &StopReason, _: &mut Context<Self>) {
        if !self.version.is_fixed() {
            // Full of reports, the mailbox takes no more.
            let _ = self.office.try_tell(Office::Gone);
        }
    }
}

/// Waits for the end of its worker.
struct Manager {
    version: Version,
    reports: u64,
    gone: bool,
    waiting: Option<Reply<u64>>,
}

impl Manager {
    fn look(&mut self) {
        if self.gone
            && let Some(reply) = self.waiting.take()
        {
            let _ = reply.send(self.reports);
        }
    }
}

impl Actor for Manager {
    type Msg = Office;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let worker = Worker { office: cx.me(), version: self.version };
        let worker = cx.spawn_child(worker, Push::bounded(1));
        if self.version.is_fixed() {
            // Past every bound.
            cx.watch(&worker);
        }
        worker.tell(()).await?;
        Ok(())
    }

    async fn handle(&mut self, msg: Office, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Office::Report(n) => self.reports += n,
            Office::Gone => self.gone = true,
            Office::IsOver(reply) => self.waiting = Some(reply),
        }
        self.look();
        Ok(())
    }

    async fn terminated(&mut self, _: Terminated, _: &mut Context<Self>) -> Result<(), Fault> {
        self.gone = true;
        self.look();
        Ok(())
    }
}

/// A worker tells its end by a message like any other. Put right, it is watched.
async fn lost_notice(sim: Sim, version: Version) {
    let manager = Manager { version, reports: 0, gone: false, waiting: None };
    let manager = sim.system().spawn(manager, Push::bounded(1));
    sure(manager.tell(Office::Report(1)).await);
    assert_eq!(sure(manager.ask(Office::IsOver).await), 1);
}

#[test]
fn an_end_that_nobody_hears_of() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(0), is_deadlock, lost_notice);
}

enum Panelled {
    Value(u64),
    Alarm,
    IsAlarmed(Reply<bool>),
}

#[derive(Default)]
struct Panel {
    latest: u64,
    alarmed: bool,
}

impl Actor for Panel {
    type Msg = Panelled;

    async fn handle(&mut self, msg: Panelled, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Panelled::Value(value) => self.latest = value,
            Panelled::Alarm => self.alarmed = true,
            Panelled::IsAlarmed(reply) => drop(reply.send(self.alarmed)),
        }
        Ok(())
    }
}

/// Where the oldest is dropped, an alarm gives way to readings. Put right, a
/// reading takes the place of a reading.
async fn inverted(sim: Sim, version: Version) {
    let mailbox: Mailbox<Panelled> = match version {
        Version::Buggy => Push::bounded(2).overflow(Overflow::DropOldest).into(),
        Version::Fixed => Mailbox::from(Push::bounded(4)).conflate(std::mem::discriminant, |queued, new| *queued = new),
    };
    let panel = sim.system().spawn(Panel::default(), mailbox);
    let alarm = panel.clone();
    let alarm = sim.spawn("alarm", async move {
        sure(alarm.tell(Panelled::Alarm).await);
    });
    for value in [1, 2] {
        sure(panel.tell(Panelled::Value(value)).await);
    }
    alarm.await;
    assert!(sure(panel.ask(Panelled::IsAlarmed).await), "the alarm is lost");
}

#[test]
fn an_alarm_that_gives_way_to_readings() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(1), says("the alarm is lost"), inverted);
}

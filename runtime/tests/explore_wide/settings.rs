//! Mailboxes and restarts of their names.

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Adaptive, Backoff, Mailbox, Overflow, Restart, Thresholds, Watermarks};

use crate::party::Msg;
use crate::program::{Restarts, Setting};

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn of_actor(setting: Setting) -> Mailbox<Msg> {
    match setting {
        Setting::Conflate(n) => {
            let bounded = Mailbox::from(Push::bounded(n));
            bounded.conflate(|msg: &Msg| msg.id % 2, |queued, new| queued.id = queued.id * 7 + new.id)
        }
        other => any(other),
    }
}

pub(crate) fn of_channel(setting: Setting) -> Mailbox<u64> {
    match setting {
        Setting::Conflate(n) => {
            let bounded = Mailbox::from(Push::bounded(n));
            bounded.conflate(|msg: &u64| msg % 2, |queued, new| *queued = *queued * 7 + new)
        }
        other => any(other),
    }
}

/// Of any messages. What conflates has to know which.
fn any<M>(setting: Setting) -> Mailbox<M> {
    let full = |n, overflow| Push::bounded(n).overflow(overflow).into();
    match setting {
        Setting::Push(n) => Push::bounded(n).watermarks(Watermarks::new(0, n)).into(),
        Setting::Oldest(n) => full(n, Overflow::DropOldest),
        Setting::Newest(n) => full(n, Overflow::DropNewest),
        Setting::Reject(n) => full(n, Overflow::Reject),
        Setting::Latest => full(1, Overflow::Latest),
        Setting::Unbounded | Setting::Conflate(_) => Push::unbounded().into(),
        Setting::OneByOne => Pull::one_by_one().into(),
        Setting::Window(n) => Pull::window(n).into(),
        Setting::WindowLow => Pull::window(2).low(1).into(),
        Setting::InFlight(n) => Pull::max_in_flight(n).into(),
        Setting::Manual => Pull::manual().capacity(2).into(),
        Setting::Adaptive(n) => Adaptive::window(n).into(),
        Setting::AdaptivePull(n) => {
            let mut soon = Thresholds::default();
            soon.overloaded_for = ms(1);
            soon.relieved_for = ms(2);
            soon.dwell = ms(0);
            Adaptive::window(n).pull_window(1).thresholds(soon).into()
        }
    }
}

pub(crate) fn restart(restarts: Restarts) -> Restart {
    match restarts {
        Restarts::Never => Restart::never(),
        Restarts::OnFailure => Restart::on_failure(),
        Restarts::OnFailureOnce => Restart::on_failure().limit(1, ms(9)),
        Restarts::WithBackoff => Restart::on_failure().limit(2, ms(5)).backoff(Backoff::exponential(ms(1), ms(2))),
        Restarts::Always => Restart::always().limit(2, ms(9)),
    }
}

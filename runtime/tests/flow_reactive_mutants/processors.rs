//! A processor written by hand, and what can be wrong with it: one for many
//! subscribers, who all get the same, and one for a single one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tidegate::flow::reactive::{Publication, Publisher, Subscriber, Subscription};
use tidegate::flow::verify::{Outcome, ProcessorSuite, Subscribers, Suite};
use tidegate::{Executor, Fault, ManualExecutor};

/// One thing that is wrong, and all else right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Nothing,
    TellsOnlyTheFirst,
    KeepsUpstream,
    RequestsOnceForEachRequest,
    DropsWithoutDemand,
    FailsWithDemandOnly,
}

/// Asks for that many ahead, of what was asked for.
const WINDOW: usize = 3;

struct Shared {
    flaw: Flaw,
    subscription: Option<Box<dyn Subscription>>,
    /// Asked for upstream, and not here yet.
    pending: u64,
    /// Downstream's demand when upstream was asked last.
    seen: u64,
    buffer: VecDeque<u64>,
    downstream: Vec<Publication<u64>>,
    had_any: bool,
    end: Option<Option<Fault>>,
    waker: Option<Waker>,
}

pub(crate) struct Up(Arc<Mutex<Shared>>);
pub(crate) struct Down(Arc<Mutex<Shared>>);

pub(crate) fn suite(flaw: Flaw, subscribers: Subscribers) -> ProcessorSuite<u64, u64> {
    ProcessorSuite::new(move |env| reference(flaw, env.executor().expect("it is manual")), |n| n).serves(subscribers)
}

/// Serving one and serving many, since each skips what the other does not.
pub(crate) struct Both([ProcessorSuite<u64, u64>; 2]);

pub(crate) fn both(flaw: Flaw) -> Both {
    Both([Subscribers::One, Subscribers::Same].map(|subscribers| suite(flaw, subscribers)))
}

impl Suite for Both {
    fn checks(&self) -> Vec<&'static str> {
        self.0[0].checks()
    }

    fn check(&self, name: &str) -> Outcome {
        let [one, many] = [0, 1].map(|at: usize| self.0[at].check(name));
        match (&one, &many) {
            (Outcome::Violated(_), _) | (_, Outcome::Skipped(_)) => one,
            _ => many,
        }
    }
}

fn reference(flaw: Flaw, executor: &ManualExecutor) -> (Up, Down) {
    let shared = Arc::new(Mutex::new(Shared {
        flaw,
        subscription: None,
        pending: 0,
        seen: 0,
        buffer: VecDeque::new(),
        downstream: Vec::new(),
        had_any: false,
        end: None,
        waker: None,
    }));
    let task = Arc::clone(&shared);
    executor.spawn(
        "reference",
        Box::pin(std::future::poll_fn(move |cx| {
            let mut shared = task.lock().unwrap();
            shared.waker = Some(cx.waker().clone());
            shared.step(cx)
        })),
    );
    (Up(Arc::clone(&shared)), Down(shared))
}

impl Shared {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // Also has each wake this task when it is cancelled.
            self.downstream.retain_mut(|to| to.poll_cancelled(cx).is_pending());
            if self.downstream.is_empty() {
                if self.had_any && self.flaw != Flaw::KeepsUpstream {
                    self.subscription = None;
                }
                return Poll::Pending;
            }
            let demand = self.downstream.iter().map(Publication::demand).min().unwrap_or(0);
            if demand > 0
                && let Some(item) = self.buffer.pop_front()
            {
                for to in &mut self.downstream {
                    // Who has cancelled since is seen to above.
                    let _ = to.try_send(item);
                }
                continue;
            }
            let waits = self.flaw == Flaw::FailsWithDemandOnly && demand == 0;
            match &self.end {
                Some(Some(_)) if !waits => {}
                Some(None) if self.buffer.is_empty() => {}
                _ => {
                    self.ask(demand);
                    return Poll::Pending;
                }
            }
            let told = if self.flaw == Flaw::TellsOnlyTheFirst { 1 } else { usize::MAX };
            let fault = self.end.clone().flatten();
            for (at, to) in self.downstream.drain(..).enumerate() {
                match &fault {
                    Some(fault) if at < told => to.fail(fault.clone()),
                    _ => to.complete(),
                }
            }
        }
    }

    fn ask(&mut self, demand: u64) {
        let wanted = demand.min(WINDOW as u64);
        let there = self.pending + self.buffer.len() as u64;
        let mut more = wanted.saturating_sub(there);
        if self.flaw == Flaw::RequestsOnceForEachRequest {
            more = more.min(demand.saturating_sub(self.seen)).min(1);
            self.seen = demand;
        }
        if self.flaw == Flaw::DropsWithoutDemand && demand > 0 && there == 0 {
            more = WINDOW as u64;
        }
        if more > 0
            && self.end.is_none()
            && let Some(subscription) = &mut self.subscription
        {
            self.pending += more;
            subscription.request(more);
        }
    }
}

impl Subscriber<u64> for Up {
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) {
        let mut shared = self.0.lock().unwrap();
        if shared.subscription.is_none() {
            shared.subscription = Some(subscription);
            shared.wake();
        }
    }

    fn on_next(&mut self, item: u64) {
        let mut shared = self.0.lock().unwrap();
        if shared.subscription.is_none() {
            return;
        }
        shared.pending = shared.pending.saturating_sub(1);
        let demand = shared.downstream.iter().map(Publication::demand).min().unwrap_or(0);
        if shared.flaw != Flaw::DropsWithoutDemand || (shared.buffer.len() as u64) < demand {
            shared.buffer.push_back(item);
        }
        shared.wake();
    }

    fn on_error(self: Box<Self>, fault: Fault) {
        let mut shared = self.0.lock().unwrap();
        shared.end = Some(Some(fault));
        drop(shared.subscription.take());
        shared.wake();
    }

    fn on_complete(self: Box<Self>) {
        let mut shared = self.0.lock().unwrap();
        shared.end = Some(None);
        drop(shared.subscription.take());
        shared.wake();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let mut shared = self.0.lock().unwrap();
        if shared.end.is_none() {
            shared.end = Some(Some(Fault::msg("upstream went away")));
        }
        drop(shared.subscription.take());
        shared.wake();
    }
}

impl Publisher for Down {
    type Item = u64;

    fn subscribe(&self, subscriber: Box<dyn Subscriber<u64>>) {
        let to = Publication::open(subscriber);
        let mut shared = self.0.lock().unwrap();
        shared.had_any = true;
        shared.downstream.push(to);
        shared.wake();
    }
}

/// Each flaw, and what notices it.
pub(crate) const MUTANTS: &[(Flaw, &[&str])] = &[
    (Flaw::TellsOnlyTheFirst, &["spec104_must_call_on_error_on_all_its_subscribers"]),
    (Flaw::KeepsUpstream, &["spec206_must_cancel_upstream_when_nobody_is_left_downstream"]),
    (
        Flaw::RequestsOnceForEachRequest,
        &["spec401_must_request_from_upstream_for_elements_that_have_been_requested_long_ago"],
    ),
    (Flaw::DropsWithoutDemand, &["spec401_must_send_on_all_that_it_has_requested"]),
    (Flaw::FailsWithDemandOnly, &["spec402_must_immediately_pass_on_on_error_events"]),
];

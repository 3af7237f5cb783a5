//! The publisher that checks of subscribers play: it signals what the check
//! says, and writes down what is called on its subscriptions.

use std::fmt;
use std::sync::Arc;

use super::environment::Environment;
use super::report::{Verdict, ensure};
use super::subscriber::{Seen, Subject};
use crate::actor::Fault;
use crate::actor::panic::contained;
use crate::flow::reactive::{Subscriber, Subscription};
use crate::sync::shim::Mutex;

/// What a subscriber did with a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Request(u64),
    Cancel,
    Drop,
}

/// The last that a subscriber sees of its publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    Fail,
    /// It is dropped without a word, as by a publisher that is torn down.
    Abandon,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "on_complete",
            Self::Fail => "on_error",
            Self::Abandon => "dropping it",
        })
    }
}

type Calls = Arc<Mutex<Vec<Call>>>;

struct Spy(Calls);

impl Subscription for Spy {
    fn request(&mut self, n: u64) {
        self.0.lock().push(Call::Request(n));
    }

    fn cancel(&mut self) {
        self.0.lock().push(Call::Cancel);
    }
}

impl Drop for Spy {
    fn drop(&mut self) {
        self.0.lock().push(Call::Drop);
    }
}

/// A subscriber under test, and the end of the line that the check holds.
pub(super) struct Line<'a, T> {
    env: &'a Environment,
    /// Its subscriber is gone once it was told of the end, or dropped.
    subject: Subject<T>,
    element: &'a dyn Fn(u64) -> T,
    calls: Calls,
    sent: u64,
    panics: Vec<String>,
}

impl<'a, T: 'static> Line<'a, T> {
    /// The subscriber has its subscription, and nothing has settled since.
    pub(super) fn begin(env: &'a Environment, subject: Subject<T>, element: &'a dyn Fn(u64) -> T) -> Self {
        let mut line = Self { env, subject, element, calls: Calls::default(), sent: 0, panics: Vec::new() };
        let subscription = Box::new(Spy(Arc::clone(&line.calls)));
        line.signal("on_subscribe", |subscriber| subscriber.on_subscribe(subscription));
        line
    }

    fn signal(&mut self, what: &str, f: impl FnOnce(&mut dyn Subscriber<T>)) {
        let Some(subscriber) = &mut self.subject.subscriber else { return };
        if let Err(panic) = contained(|| f(&mut **subscriber)) {
            self.panics.push(format!("{what} panicked: {panic:#}"));
        }
    }

    pub(super) fn next(&mut self) {
        let item = (self.element)(self.sent);
        self.sent += 1;
        self.signal("on_next", |subscriber| subscriber.on_next(item));
    }

    pub(super) fn end(&mut self, how: End) {
        let Some(subscriber) = self.subject.subscriber.take() else { return };
        let told = contained(|| match how {
            End::Complete => subscriber.on_complete(),
            End::Fail => subscriber.on_error(Fault::msg("upstream has failed")),
            End::Abandon => drop(subscriber),
        });
        if let Err(panic) = told {
            self.panics.push(format!("{how} panicked: {panic:#}"));
        }
    }

    /// Another subscription for the same subscriber, and what is called on it.
    pub(super) fn subscribe_again(&mut self) -> Calls {
        let calls = Calls::default();
        let subscription = Box::new(Spy(Arc::clone(&calls)));
        self.signal("the second on_subscribe", |subscriber| subscriber.on_subscribe(subscription));
        calls
    }

    pub(super) fn settle(&self) {
        self.env.settle();
    }

    /// Lets things settle, having had the subscriber request `n` items if it does
    /// so on demand.
    pub(super) fn want(&mut self, n: u64) {
        if let Some(request) = &mut self.subject.request {
            request(n);
        }
        self.settle();
    }

    /// It has asked for something, if need be because it is told to, and has not
    /// cancelled: an item would be welcome. Without this, a subscriber that does
    /// nothing would break no rule.
    pub(super) fn is_asked(&mut self) -> Verdict {
        if self.demand() == 0 {
            self.want(1);
        } else {
            self.settle();
        }
        ensure!(self.demand() > 0, "no item may be sent, it has requested nothing; {self}");
        ensure!(!self.is_cancelled(), "no item may be sent, it has cancelled, and nobody had it do so; {self}");
        Ok(())
    }

    /// Has the subscriber cancel. `false` if it does not do so on demand.
    pub(super) fn stop(&mut self) -> bool {
        let Some(cancel) = &mut self.subject.cancel else { return false };
        cancel();
        self.settle();
        true
    }

    /// What was called on its subscription so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }

    pub(super) fn requested(&self) -> u64 {
        self.calls.lock().iter().fold(0, |sum, call| match call {
            Call::Request(n) => sum.saturating_add(*n),
            Call::Cancel | Call::Drop => sum,
        })
    }

    /// How many items may be sent.
    pub(super) fn demand(&self) -> u64 {
        self.requested().saturating_sub(self.sent)
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether it has cancelled, in so many words or by dropping its subscription.
    pub(super) fn is_cancelled(&self) -> bool {
        is_cancelled(&self.calls)
    }

    /// What the subject says that has arrived.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.subject.seen.as_ref().map(|seen| seen())
    }

    pub(super) fn is_asynchronous(&self) -> bool {
        self.subject.is_asynchronous
    }

    /// No signal has panicked.
    pub(super) fn returned_normally(&self) -> Verdict {
        ensure!(self.panics.is_empty(), "{}; {self}", self.panics.join("; "));
        Ok(())
    }
}

pub(super) fn is_cancelled(calls: &Calls) -> bool {
    calls.lock().iter().any(|call| matches!(call, Call::Cancel | Call::Drop))
}

/// What was called, for messages: `3 items sent; request(1), cancel()`.
impl<T> fmt::Display for Line<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MANY: usize = 12;
        write!(f, "{} items were sent; called were ", self.sent)?;
        let calls = self.calls.lock();
        if calls.is_empty() {
            return f.write_str("neither request nor cancel");
        }
        for (index, call) in calls.iter().take(MANY).enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match call {
                Call::Request(n) => write!(f, "request({n})")?,
                Call::Cancel => f.write_str("cancel()")?,
                Call::Drop => f.write_str("drop")?,
            }
        }
        match calls.len().saturating_sub(MANY) {
            0 => Ok(()),
            more => write!(f, ", {more} more"),
        }
    }
}

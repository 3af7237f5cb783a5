//! What the mailbox suites share: polling by hand with a waker that counts, a
//! thread that blocks on a future, and every mailbox there is.
// Each suite is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use proptest::test_runner::{Config, FileFailurePersistence};
use tidegate::mailbox::{Adaptive, Mailbox, Overflow, Pull, Push};

/// A waker that counts how often it was called.
#[derive(Default)]
pub(crate) struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future that is polled by hand.
pub(crate) struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    calls: Arc<Calls>,
    waker: Waker,
    /// Calls that have been followed by a poll.
    heard: usize,
}

impl<'a, T> Task<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        let calls = Arc::new(Calls::default());
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&calls)), calls, heard: 0 }
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        self.heard = self.calls.0.load(SeqCst);
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// Polls; it is to be ready.
    #[track_caller]
    pub(crate) fn ready(&mut self) -> T {
        match self.poll() {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it is to be ready"),
        }
    }

    /// Polls; it is to wait.
    #[track_caller]
    pub(crate) fn waits(&mut self) {
        assert!(self.poll().is_pending(), "it is to wait");
    }

    /// Whether it has been woken since the last poll.
    pub(crate) fn is_woken(&self) -> bool {
        self.calls.0.load(SeqCst) > self.heard
    }

    /// How often it has been woken in all.
    pub(crate) fn calls(&self) -> usize {
        self.calls.0.load(SeqCst)
    }
}

/// Polls once; it is to be ready.
#[track_caller]
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    Task::new(future).ready()
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which sleeps while it waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
        thread::park();
    }
}

/// What the property tests run with; `PROPTEST_CASES` asks for more.
pub(crate) fn cases() -> Config {
    Config {
        // Failing seeds are printed, and kept beside the test.
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..Config::default()
    }
}

/// The ways of delivery, with what they allow before anything is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    PushBounded,
    PushUnbounded,
    PullManual,
    PullOneByOne,
    PullWindow,
    PullMaxInFlight,
    Adaptive,
}

impl Way {
    pub(crate) const ALL: [Self; 7] = [
        Self::PushBounded,
        Self::PushUnbounded,
        Self::PullManual,
        Self::PullOneByOne,
        Self::PullWindow,
        Self::PullMaxInFlight,
        Self::Adaptive,
    ];

    /// How many may wait.
    pub(crate) const fn capacity(self) -> Option<usize> {
        match self {
            Self::PushUnbounded => None,
            Self::PullOneByOne => Some(1),
            Self::PullMaxInFlight => Some(4),
            Self::PullWindow => Some(6),
            Self::PushBounded | Self::PullManual | Self::Adaptive => Some(8),
        }
    }

    /// Whether nothing comes but what the receiver asks for by hand.
    pub(crate) const fn is_manual(self) -> bool {
        matches!(self, Self::PullManual)
    }

    pub(crate) fn with<M: Send + 'static>(self, overflow: Overflow) -> Mailbox<M> {
        match self {
            Self::PushBounded => Push::bounded(8).overflow(overflow).into(),
            Self::PushUnbounded => Push::unbounded().overflow(overflow).into(),
            Self::PullManual => Pull::manual().capacity(8).overflow(overflow).into(),
            Self::PullOneByOne => Pull::one_by_one().overflow(overflow).into(),
            Self::PullWindow => Pull::window(6).low(2).overflow(overflow).into(),
            Self::PullMaxInFlight => Pull::max_in_flight(4).overflow(overflow).into(),
            Self::Adaptive => Adaptive::window(8).pull_window(2).overflow(overflow).into(),
        }
    }
}

/// The policies, each with what it does to a message for which there is no
/// grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Wait,
    Reject,
    DropNewest,
    DropOldest,
    Latest,
    Divert,
    Fail,
    Conflate,
}

impl Policy {
    pub(crate) const ALL: [Self; 8] = [
        Self::Wait,
        Self::Reject,
        Self::DropNewest,
        Self::DropOldest,
        Self::Latest,
        Self::Divert,
        Self::Fail,
        Self::Conflate,
    ];

    /// Whether a message without a grant displaces others, so that no sender
    /// is ever held back.
    pub(crate) const fn evicts(self) -> bool {
        matches!(self, Self::DropOldest | Self::Latest | Self::Conflate)
    }

    pub(crate) const fn overflow(self) -> Overflow {
        match self {
            Self::Wait | Self::Conflate => Overflow::Wait,
            Self::Reject => Overflow::Reject,
            Self::DropNewest => Overflow::DropNewest,
            Self::DropOldest => Overflow::DropOldest,
            Self::Latest => Overflow::Latest,
            Self::Divert => Overflow::Divert,
            Self::Fail => Overflow::Fail,
        }
    }
}

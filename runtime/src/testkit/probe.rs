//! Probes: references like any other, behind which a test looks.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use super::{flow, run_until, terminated};
use crate::actor::{ActorRef, Executor, StopReason};
use crate::mailbox::{Mailbox, Receiver};
use crate::system::{ManualExecutor, System};

/// A receiver by hand, and the reference to it.
///
/// It stands for an actor that is not under test. Nothing takes messages out of
/// it but the test, so a bounded probe fills up, and senders wait, as behind a
/// slow actor. Made by [`TestKit::probe`](super::TestKit::probe).
///
/// Expectations let run what is ready and say, when they fail, what was found
/// instead. Those `within` a limit let time pass, though no more than needed.
///
/// ```
/// use std::time::Duration;
/// use tidegate::Push;
/// use tidegate::testkit::TestKit;
/// let kit = TestKit::new();
/// let mut probe = kit.probe_with(Push::bounded(1));
/// let to = probe.me();
/// let sender = kit.start(async move { for n in 1..=2 { to.tell(n).await.unwrap(); } });
/// assert!(sender.is_waiting(), "there is room for one");
/// assert_eq!(probe.expect(), 1);
/// assert_eq!(probe.expect(), 2);
/// sender.expect();
/// probe.expect_nothing_for(Duration::from_secs(3600));
/// ```
pub struct Probe<M: Send + 'static> {
    /// `None` on an executor that the test does not drive.
    executor: Option<ManualExecutor>,
    me: ActorRef<M>,
    rx: Receiver<M>,
}

impl<M: Send + 'static> Probe<M> {
    pub(super) fn new(system: &System, executor: Option<ManualExecutor>, name: &str, mailbox: &Mailbox<M>) -> Self {
        let (me, rx) = system.by_hand(name, mailbox);
        Self { executor, me, rx }
    }

    /// A probe in a system that the test does not drive, on tokio for
    /// instance: use [`recv_within`](Self::recv_within). The other
    /// expectations look at what is there and let nothing run.
    #[must_use]
    pub fn of(system: &System, mailbox: impl Into<Mailbox<M>>) -> Self {
        Self::new(system, None, "probe", &mailbox.into())
    }

    /// A reference to this probe.
    #[must_use]
    pub fn me(&self) -> ActorRef<M> {
        self.me.clone()
    }

    /// Asks for `n` more messages, as an actor does under
    /// [`Pull::manual`](crate::Pull::manual).
    pub fn request(&mut self, n: u64) {
        self.rx.request(n);
    }

    fn settle(&self) {
        if let Some(executor) = &self.executor {
            executor.run_until_idle();
        }
    }

    fn now(&self) -> Duration {
        self.me.life().world.executor.now()
    }

    /// The next message, taking what is there only.
    fn look(&mut self) -> Option<M> {
        // Not `try_recv`: a window that senders wait for is filled up when
        // the receiver would sleep.
        let next = pin!(self.rx.recv()).poll(&mut TaskContext::from_waker(Waker::noop()));
        match next {
            Poll::Ready(Some(message)) => Some(message),
            Poll::Ready(None) => {
                self.me.life().end(StopReason::Stopped);
                None
            }
            Poll::Pending => None,
        }
    }

    fn next_within(&mut self, limit: Duration) -> Option<M> {
        match self.executor.clone() {
            Some(executor) => run_until(&executor, limit, || self.look()),
            None => self.look(),
        }
    }

    #[track_caller]
    fn missed(&self, expected: &str) -> ! {
        panic!(
            "{}: expected {expected} ({}) by {:?}, and none came\n{}",
            self.me.path(),
            std::any::type_name::<M>(),
            self.now(),
            flow(&self.me),
        )
    }

    /// The next message, which is there or comes without time passing.
    ///
    /// # Panics
    /// If none is there.
    #[track_caller]
    pub fn expect(&mut self) -> M {
        self.expect_within(Duration::ZERO)
    }

    /// The next message, which comes within `limit`.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn expect_within(&mut self, limit: Duration) -> M {
        match self.next_within(limit) {
            Some(message) => message,
            None => self.missed("a message"),
        }
    }

    /// The next `n` messages, in their order.
    ///
    /// # Panics
    /// If fewer come without time passing.
    #[track_caller]
    pub fn expect_n(&mut self, n: usize) -> Vec<M> {
        let mut messages = Vec::with_capacity(n);
        while messages.len() < n {
            match self.next_within(Duration::ZERO) {
                Some(message) => messages.push(message),
                None => self.missed(&format!("{n} messages, after {} of them one more", messages.len())),
            }
        }
        messages
    }

    /// Asserts that the next message equals `expected`.
    ///
    /// # Panics
    /// If none is there, or another.
    #[track_caller]
    pub fn expect_eq<E>(&mut self, expected: E)
    where
        M: PartialEq<E> + fmt::Debug,
        E: fmt::Debug,
    {
        let Some(message) = self.next_within(Duration::ZERO) else { self.missed(&format!("{expected:?}")) };
        assert!(message == expected, "{}: expected {expected:?}, and {message:?} came", self.me.path());
    }

    /// The next message, out of which `matches` makes what the test goes on
    /// with.
    ///
    /// # Panics
    /// If none is there, or it does not match.
    #[track_caller]
    pub fn expect_matching<T>(&mut self, matches: impl FnOnce(M) -> Option<T>) -> T {
        let Some(message) = self.next_within(Duration::ZERO) else { self.missed("a message that matches") };
        match matches(message) {
            Some(matched) => matched,
            None => {
                panic!("{}: a {} came that does not match", self.me.path(), std::any::type_name::<M>())
            }
        }
    }

    /// The first message that `matches`, within `limit`; others that come
    /// before it are passed over.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn expect_among<T>(&mut self, limit: Duration, mut matches: impl FnMut(M) -> Option<T>) -> T {
        let until = self.now().saturating_add(limit);
        let mut passed = 0;
        while let Some(message) = self.next_within(until.saturating_sub(self.now())) {
            if let Some(matched) = matches(message) {
                return matched;
            }
            passed += 1;
        }
        self.missed(&format!("one that matches, passed over {passed}"))
    }

    /// Takes the next message and has `answer` deal with it; then lets run
    /// whoever waited for that.
    ///
    /// # Panics
    /// If none is there.
    #[track_caller]
    pub fn reply<T>(&mut self, answer: impl FnOnce(M) -> T) -> T {
        let message = self.expect();
        let answered = answer(message);
        self.settle();
        answered
    }

    /// Asserts that no message is there when nothing is left to do at the
    /// present time.
    ///
    /// # Panics
    /// If one is there.
    #[track_caller]
    pub fn expect_nothing(&mut self) {
        self.expect_nothing_for(Duration::ZERO);
    }

    /// Asserts that no message comes while `span` passes.
    ///
    /// # Panics
    /// If one comes.
    #[track_caller]
    pub fn expect_nothing_for(&mut self, span: Duration) {
        let came = self.next_within(span).is_some();
        assert!(
            !came,
            "{}: expected nothing, and a {} came at {:?}",
            self.me.path(),
            std::any::type_name::<M>(),
            self.now(),
        );
    }

    /// Asserts that `other` has ended when nothing is left to do at the present
    /// time; tells why it did.
    ///
    /// # Panics
    /// If it has not.
    #[track_caller]
    pub fn expect_terminated<N: Send + 'static>(&self, other: &ActorRef<N>) -> StopReason {
        match &self.executor {
            Some(executor) => terminated(executor, other, Duration::ZERO),
            None => match other.stop_reason() {
                Some(reason) => reason,
                None => panic!("{} has not ended", other.path()),
            },
        }
    }

    /// The next message; `None` if the probe was stopped and is empty. For
    /// tests that are futures themselves.
    ///
    /// # Cancel safety
    /// Cancel safe: a message is taken when this resolves.
    pub async fn recv(&mut self) -> Option<M> {
        self.rx.recv().await
    }

    /// The next message, if it comes within `limit` on the executor's clock.
    ///
    /// # Cancel safety
    /// Cancel safe: a message is taken when this resolves.
    pub async fn recv_within(&mut self, limit: Duration) -> Option<M> {
        let mut sleep = self.me.life().world.executor.sleep(limit);
        let mut next = pin!(self.rx.recv());
        std::future::poll_fn(|cx| {
            if let Poll::Ready(message) = next.as_mut().poll(cx) {
                return Poll::Ready(message);
            }
            sleep.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    /// Ends as an actor does for `reason`, for whoever watches it. What is in
    /// the mailbox goes to the dead letters.
    pub fn end(self, reason: StopReason) {
        let Self { executor, me, rx } = self;
        drop(rx);
        me.life().end(reason);
        if let Some(executor) = executor {
            executor.run_until_idle();
        }
    }
}

impl<M: Send + 'static> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("path", self.me.path()).finish_non_exhaustive()
    }
}

//! Faults at a chosen message: an actor that fails, panics, stalls or is
//! killed when the test wants it to.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::{Actor, Context, Fault, StopReason, Terminated};
use crate::sync::counter::Counter;
use crate::sync::shim::Mutex;

/// What is to go wrong, and when. Clones are the same plan, so that a factory
/// can give it to every life of an actor.
///
/// Messages are counted from 1 as they come to the handler, over all lives,
/// those of timers and those that come back from the stash included: what goes
/// wrong at message 3 goes wrong once, also if the actor is begun anew. It goes
/// wrong when the message has been taken from the mailbox and before the
/// handler sees it.
///
/// ```
/// use std::time::Duration;
/// use tidegate::prelude::*;
/// use tidegate::testkit::{Faults, Faulty, TestKit};
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// let kit = TestKit::new();
/// let faults = Faults::new().fault_at(2, "disk full").stall_at(3, Duration::from_secs(5));
/// let plan = faults.clone();
/// let sum = kit.build(move || Faulty::new(Sum(0), &plan)).spawn();
/// sum.try_tell(1).unwrap();
/// sum.try_tell(2).unwrap();
/// let reason = kit.expect_terminated(&sum, Duration::ZERO);
/// assert_eq!(reason.to_string(), "failed: disk full");
/// assert_eq!(faults.messages(), 2);
/// ```
#[derive(Clone)]
pub struct Faults(Arc<Plan>);

struct Plan {
    messages: Counter,
    lives: Counter,
    at: Mutex<BTreeMap<u64, What>>,
    starts: Mutex<BTreeMap<u64, String>>,
}

#[derive(Clone, Debug)]
enum What {
    Fault(String),
    Panic(String),
    Stall(Option<Duration>),
    Kill,
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Plan {
            messages: Counter::new(),
            lives: Counter::new(),
            at: Mutex::new(BTreeMap::new()),
            starts: Mutex::new(BTreeMap::new()),
        }))
    }

    fn at(self, message: u64, what: What) -> Self {
        assert!(message > 0, "messages are counted from 1");
        self.0.at.lock().insert(message, what);
        self
    }

    /// Message number `message` is answered with a fault: it has been handled.
    #[must_use]
    pub fn fault_at(self, message: u64, text: impl Into<String>) -> Self {
        self.at(message, What::Fault(text.into()))
    }

    /// Message number `message` panics, and is lost.
    #[must_use]
    pub fn panic_at(self, message: u64, text: impl Into<String>) -> Self {
        self.at(message, What::Panic(text.into()))
    }

    /// Message number `message` takes so much longer: a slow consumer.
    #[must_use]
    pub fn stall_at(self, message: u64, how_long: Duration) -> Self {
        self.at(message, What::Stall(Some(how_long)))
    }

    /// Message number `message` is never done: only a kill ends the actor.
    #[must_use]
    pub fn hang_at(self, message: u64) -> Self {
        self.at(message, What::Stall(None))
    }

    /// The actor is killed with message number `message` in its handler.
    #[must_use]
    pub fn kill_at(self, message: u64) -> Self {
        self.at(message, What::Kill)
    }

    /// Life number `life`, from 1, fails in its `started` hook.
    #[must_use]
    pub fn fail_start_of(self, life: u64, text: impl Into<String>) -> Self {
        assert!(life > 0, "lives are counted from 1");
        self.0.starts.lock().insert(life, text.into());
        self
    }

    /// How many messages have come so far, over all lives.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.0.messages.get()
    }

    /// How many lives have begun.
    #[must_use]
    pub fn lives(&self) -> u64 {
        self.0.lives.get()
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("at", &*self.0.at.lock())
            .field("starts", &*self.0.starts.lock())
            .field("messages", &self.messages())
            .field("lives", &self.lives())
            .finish()
    }
}

/// An actor with [`Faults`]: it takes the same messages and does the same,
/// until something is to go wrong.
#[derive(Debug)]
pub struct Faulty<A> {
    actor: A,
    faults: Faults,
}

impl<A: Actor> Faulty<A> {
    /// `actor`, with `faults`.
    #[must_use]
    pub fn new(actor: A, faults: &Faults) -> Self {
        Self { actor, faults: faults.clone() }
    }

    /// What goes wrong now, before the handler sees its message. Without
    /// `self`, since an actor need not be `Sync`.
    async fn go_wrong(what: What, cx: &mut Context<Self>) -> Result<(), Fault> {
        match what {
            What::Fault(text) => Err(Fault::msg(text)),
            What::Panic(text) => panic!("{text}"),
            What::Stall(Some(how_long)) => {
                cx.sleep(how_long).await;
                Ok(())
            }
            What::Stall(None) => pending().await,
            What::Kill => {
                cx.me().kill();
                // It ends at an await.
                pending().await
            }
        }
    }
}

impl<A: Actor> Actor for Faulty<A> {
    type Msg = A::Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let life = self.faults.0.lives.next();
        let fails = self.faults.0.starts.lock().remove(&life);
        if let Some(text) = fails {
            return Err(Fault::msg(text));
        }
        self.actor.started(&mut cx.lend().to).await
    }

    async fn handle(&mut self, msg: A::Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        let message = self.faults.0.messages.next();
        let what = self.faults.0.at.lock().remove(&message);
        if let Some(what) = what {
            Self::go_wrong(what, cx).await?;
        }
        self.actor.handle(msg, &mut cx.lend().to).await
    }

    fn expired(message: &A::Msg) -> bool {
        A::expired(message)
    }

    async fn terminated(&mut self, who: Terminated, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.actor.terminated(who, &mut cx.lend().to).await
    }

    async fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Self>) {
        self.actor.stopped(reason, &mut cx.lend().to).await;
    }
}

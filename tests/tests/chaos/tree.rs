//! Two hundred actors in three generations: 4 with 7 children each, and those
//! with 6 each. Whoever finds that a child of its has ended puts another in its
//! place.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Backoff, Supervision};

use crate::ledger::{Ledger, Receipt, Token};

const TOPS: usize = 4;
const MIDDLES: usize = 7;
const LEAVES: usize = 6;
const FIRST_LEAF: usize = TOPS + TOPS * MIDDLES;
pub(crate) const ACTORS: usize = FIRST_LEAF + TOPS * MIDDLES * LEAVES;

/// A message: its token, and what is to be done.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) token: Token,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Plain,
    Yield,
    Nap,
    /// To another actor, not waiting.
    Pass,
    /// To another actor, waiting for a while.
    Push,
    Question(Reply<u64>),
    Fail,
    Panic,
}

/// What everybody in this test shares.
pub(crate) struct Shared {
    pub(crate) ledger: Arc<Ledger>,
    /// Who is in which place at present.
    places: Vec<Mutex<Option<ActorRef<Job>>>>,
    chance: AtomicU64,
    /// Lives begun.
    pub(crate) lives: AtomicU64,
}

impl Shared {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            ledger: Arc::default(),
            places: (0..ACTORS).map(|_| Mutex::new(None)).collect(),
            chance: AtomicU64::new(seed),
            lives: AtomicU64::new(0),
        })
    }

    /// SplitMix64, drawn from by all threads.
    pub(crate) fn below(&self, n: u64) -> u64 {
        let mut z = self.chance.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    pub(crate) fn at(&self, place: usize) -> Option<ActorRef<Job>> {
        self.places[place].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, place: usize, actor: ActorRef<Job>) {
        *self.places[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(actor);
    }

    /// Lets go of all actors.
    pub(crate) fn clear(&self) {
        for place in &self.places {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    pub(crate) fn anybody(&self) -> Option<ActorRef<Job>> {
        self.at(self.below(ACTORS as u64) as usize)
    }

    pub(crate) fn job(&self, what: What) -> (Job, Receipt) {
        let token = self.ledger.token();
        let receipt = token.receipt();
        (Job { token, what }, receipt)
    }

    /// Sends without waiting, and accounts for a refusal.
    pub(crate) fn pass(&self, to: &ActorRef<Job>, what: What) {
        let (job, receipt) = self.job(what);
        if let Err(refused) = to.try_tell(job) {
            refused.into_message().token.returned();
        }
        receipt.settled();
    }

    /// Sends, waiting for a while.
    pub(crate) async fn push(&self, to: &ActorRef<Job>, what: What) {
        let (job, receipt) = self.job(what);
        if let Err(refused) = to.tell_within(Duration::from_millis(2), job).await {
            refused.into_message().token.returned();
        }
        receipt.settled();
    }

    /// Asks, waiting for a while.
    pub(crate) async fn ask(&self, to: &ActorRef<Job>) {
        let token = self.ledger.token();
        let receipt = token.receipt();
        let asked = to.ask_within(Duration::from_millis(5), |reply| Job { token, what: What::Question(reply) }).await;
        match asked {
            Err(AskError::Refused(refused)) => refused.into_message().token.returned(),
            Err(AskError::Timeout(Some(job))) => job.token.returned(),
            _ => {}
        }
        receipt.settled();
    }

    /// One of the mailboxes there are, small and large.
    pub(crate) fn mailbox(&self) -> Mailbox<Job> {
        let capacity = 1 << self.below(9);
        let overflow = [
            Overflow::Wait,
            Overflow::Wait,
            Overflow::Reject,
            Overflow::DropNewest,
            Overflow::DropOldest,
            Overflow::Latest,
            Overflow::Divert,
        ][self.below(7) as usize];
        match self.below(7) {
            0 => Push::bounded(capacity).overflow(overflow).into(),
            1 => Pull::window(capacity).overflow(overflow).into(),
            2 => Pull::one_by_one().capacity(capacity).overflow(overflow).into(),
            3 => Pull::max_in_flight(capacity).overflow(overflow).into(),
            4 => Adaptive::window(capacity).overflow(overflow).into(),
            5 => Mailbox::from(Push::bounded(capacity))
                .conflate(|job: &Job| std::mem::discriminant(&job.what), |_, newer: Job| newer.token.merged()),
            _ => Push::bounded(capacity).into(),
        }
    }
}

/// One of the two hundred.
pub(crate) struct Node {
    place: usize,
    shared: Arc<Shared>,
}

impl Node {
    fn children(&self) -> std::ops::Range<usize> {
        match self.place {
            top if top < TOPS => TOPS + top * MIDDLES..TOPS + (top + 1) * MIDDLES,
            middle if middle < FIRST_LEAF => {
                let first = FIRST_LEAF + (middle - TOPS) * LEAVES;
                first..first + LEAVES
            }
            _ => 0..0,
        }
    }

    fn bear(&self, place: usize, cx: &mut Context<Self>) {
        let shared = Arc::clone(&self.shared);
        let child = cx
            .build_child(move || Node { place, shared: Arc::clone(&shared) })
            .named(place.to_string())
            .mailbox(self.shared.mailbox())
            .restart(restart(place))
            .supervision(supervision(place))
            .spawn();
        cx.watch(&child);
        self.shared.put(place, child);
    }
}

/// Some may fail often, some escalate soon, some begin anew only after a while.
fn restart(place: usize) -> Restart {
    match place % 5 {
        0 => Restart::on_failure().limit(3, Duration::from_millis(200)),
        1 => Restart::on_failure()
            .limit(1_000, Duration::from_secs(1))
            .backoff(Backoff::exponential(Duration::from_millis(1), Duration::from_millis(8)).jitter(0.5)),
        2 => Restart::never(),
        _ => Restart::on_failure().limit(100_000, Duration::from_secs(1)),
    }
}

fn supervision(place: usize) -> Supervision {
    match place % 3 {
        0 => Supervision::OneForOne,
        1 => Supervision::OneForAll,
        _ => Supervision::RestForOne,
    }
}

/// Puts an actor at each place of the top where there is none alive.
pub(crate) fn plant(system: &System, shared: &Arc<Shared>) {
    for place in 0..TOPS {
        if shared.at(place).is_none_or(|top| top.stop_reason().is_some()) {
            let kept = Arc::clone(shared);
            let top = system
                .build(move || Node { place, shared: Arc::clone(&kept) })
                .named(place.to_string())
                .mailbox(shared.mailbox())
                .restart(Restart::on_failure().limit(100_000, Duration::from_secs(1)))
                .supervision(supervision(place))
                .spawn();
            shared.put(place, top);
        }
    }
}

impl Actor for Node {
    type Msg = Job;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.shared.lives.fetch_add(1, Ordering::Relaxed);
        for place in self.children() {
            self.bear(place, cx);
        }
        Ok(())
    }

    async fn handle(&mut self, job: Job, cx: &mut Context<Self>) -> Result<(), Fault> {
        let Job { token, what } = job;
        token.held();
        let mut result = Ok(());
        match what {
            What::Plain => {}
            What::Yield => tokio::task::yield_now().await,
            What::Nap => cx.sleep(Duration::from_millis(1)).await,
            What::Pass => {
                if let Some(other) = self.shared.anybody() {
                    self.shared.pass(&other, What::Plain);
                }
            }
            What::Push => {
                if let Some(other) = self.shared.anybody() {
                    self.shared.push(&other, What::Plain).await;
                }
            }
            What::Question(reply) => drop(reply.send(self.place as u64)),
            What::Fail => result = Err(Fault::msg("it was told to")),
            // Past the hook that would print it.
            What::Panic => std::panic::resume_unwind(Box::new("it was told to")),
        }
        token.handled();
        result
    }

    async fn terminated(&mut self, who: Terminated, cx: &mut Context<Self>) -> Result<(), Fault> {
        let place = who.path.as_str().rsplit('/').next().and_then(|name| name.parse().ok());
        // Refused: the system is shutting down, and so will be the next.
        if !matches!(who.reason, StopReason::Refused)
            && let Some(place) = place
        {
            self.bear(place, cx);
        }
        Ok(())
    }
}

//! Who accounts for every message: each carries a token, and a token whose last
//! holder lets go of it has to have met exactly one fate.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const HELD: u8 = 1;
const HANDLED: u8 = 2;
const RETURNED: u8 = 4;
const DEAD: u8 = 8;
const MERGED: u8 = 16;
const WITHDRAWN: u8 = 32;

/// How many messages met which fate.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    created: AtomicU64,
    handled: AtomicU64,
    returned: AtomicU64,
    dead: AtomicU64,
    merged: AtomicU64,
    interrupted: AtomicU64,
    withdrawn: AtomicU64,
    lost: AtomicU64,
    twice: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) created: u64,
    /// Its handler came to its end.
    pub(crate) handled: u64,
    /// It came back to its sender in an error.
    pub(crate) returned: u64,
    /// It was seen among the dead letters.
    pub(crate) dead: u64,
    /// It was merged into another by the mailbox's policy.
    pub(crate) merged: u64,
    /// It was in a handler that did not come to its end.
    pub(crate) interrupted: u64,
    /// Its sender ended while it waited for a grant.
    pub(crate) withdrawn: u64,
    /// Nobody knows.
    pub(crate) lost: u64,
    /// It met two fates.
    pub(crate) twice: u64,
}

impl Ledger {
    pub(crate) fn token(self: &Arc<Self>) -> Token {
        self.created.fetch_add(1, Ordering::Relaxed);
        Token(Arc::new(Fate { bits: AtomicU8::new(0), ledger: Arc::clone(self) }))
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    pub(crate) fn sums(&self) -> Sums {
        let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Sums {
            created: get(&self.created),
            handled: get(&self.handled),
            returned: get(&self.returned),
            dead: get(&self.dead),
            merged: get(&self.merged),
            interrupted: get(&self.interrupted),
            withdrawn: get(&self.withdrawn),
            lost: get(&self.lost),
            twice: get(&self.twice),
        }
    }
}

impl Sums {
    /// All that have met their fate.
    pub(crate) fn settled(&self) -> u64 {
        self.handled
            + self.returned
            + self.dead
            + self.merged
            + self.interrupted
            + self.withdrawn
            + self.lost
            + self.twice
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages: {} handled, {} returned, {} dead letters, {} merged, {} interrupted, {} withdrawn, {} lost, {} twice",
            self.created,
            self.handled,
            self.returned,
            self.dead,
            self.merged,
            self.interrupted,
            self.withdrawn,
            self.lost,
            self.twice
        )
    }
}

/// A message's own part in the ledger.
#[derive(Debug)]
pub(crate) struct Token(Arc<Fate>);

#[derive(Debug)]
struct Fate {
    bits: AtomicU8,
    ledger: Arc<Ledger>,
}

impl Token {
    fn mark(&self, bit: u8) {
        self.0.bits.fetch_or(bit, Ordering::SeqCst);
    }

    pub(crate) fn held(&self) {
        self.mark(HELD);
    }

    pub(crate) fn handled(&self) {
        self.mark(HANDLED);
    }

    pub(crate) fn returned(&self) {
        self.mark(RETURNED);
    }

    pub(crate) fn dead(&self) {
        self.mark(DEAD);
    }

    pub(crate) fn merged(&self) {
        self.mark(MERGED);
    }

    /// What the sender keeps while it sends.
    pub(crate) fn receipt(&self) -> Receipt {
        Receipt(Some(Arc::clone(&self.0)))
    }
}

/// A sender that goes away before it has learnt what came of its message has
/// withdrawn it, unless it was let in in that moment.
#[derive(Debug)]
pub(crate) struct Receipt(Option<Arc<Fate>>);

impl Receipt {
    pub(crate) fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(fate) = self.0.take() {
            fate.bits.fetch_or(WITHDRAWN, Ordering::SeqCst);
        }
    }
}

impl Drop for Fate {
    fn drop(&mut self) {
        let bits = *self.bits.get_mut();
        let sums = &self.ledger;
        let count = match bits & !WITHDRAWN {
            0 if bits == WITHDRAWN => &sums.withdrawn,
            0 => &sums.lost,
            HELD => &sums.interrupted,
            both if both == HELD | HANDLED => &sums.handled,
            RETURNED => &sums.returned,
            DEAD => &sums.dead,
            MERGED => &sums.merged,
            _ => &sums.twice,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_ledger_tells_fates_apart() {
    let ledger = Arc::new(Ledger::default());
    let marks: [fn(&Token); 4] = [Token::returned, Token::dead, Token::merged, Token::held];
    for mark in marks {
        mark(&ledger.token());
    }
    let handled = ledger.token();
    handled.held();
    handled.handled();
    drop(handled);
    drop(ledger.token());
    let twice = ledger.token();
    twice.dead();
    twice.returned();
    drop(twice);
    let withdrawn = ledger.token();
    drop(withdrawn.receipt());
    drop(withdrawn);
    let let_in = ledger.token();
    drop(let_in.receipt());
    let_in.dead();
    drop(let_in);
    let sums = ledger.sums();
    assert_eq!((sums.returned, sums.dead, sums.merged, sums.interrupted), (1, 2, 1, 1));
    assert_eq!((sums.handled, sums.lost, sums.twice, sums.withdrawn), (1, 1, 1, 1));
    assert_eq!(sums.settled(), sums.created);
}

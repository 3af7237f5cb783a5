//! THE property: whatever is done to a mailbox, under every mode and policy
//! and while they change, each message has exactly one fate.
//!
//! accepted = handled + dropped by reason + returned + in the queue
//!
//! The operations are random, a thread of their own where threads matter; the
//! rules named S1 to S5 and L2 are those of the contract. `PROPTEST_CASES`
//! asks for more than the usual 256 runs of each property.
#![cfg(not(tidegate_loom))]

#[path = "mailbox_support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread;

use proptest::prelude::*;
use support::{Policy, Task, Way, block_on, cases};
use tidegate::mailbox::{
    self, Adaptive, Admission, DeadLetterSubscription, DropReason, Mailbox, Overflow, Permit, Permits, Pull, Push,
    Receiver, ReserveManyError, SendError, Sender, TryRecvError,
};

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    Handled,
    Dropped(DropReason),
    /// It came back to its sender.
    Returned,
    /// It was merged into another.
    Merged,
    /// It was dropped with a `tell` that nobody waits for any more.
    GivenUp,
}

/// The fates of all messages that were made, by their numbers.
#[derive(Default)]
struct Ledger(Mutex<Vec<Option<Fate>>>);

impl Ledger {
    fn record(&self, id: usize, fate: Fate) {
        let before = self.0.lock().unwrap()[id].replace(fate);
        assert_eq!(before, None, "message {id} has a second fate, {fate:?}");
    }

    fn made(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn counts(&self) -> HashMap<Fate, u64> {
        let mut counts = HashMap::new();
        for fate in self.0.lock().unwrap().iter().flatten() {
            *counts.entry(*fate).or_default() += 1;
        }
        counts
    }
}

/// Message `n` of a sender. One that is dropped without a fate was given up.
struct Message {
    id: usize,
    sender: usize,
    n: u64,
    ledger: Arc<Ledger>,
}

impl Message {
    fn new(sender: usize, n: u64, ledger: &Arc<Ledger>) -> Self {
        let mut fates = ledger.0.lock().unwrap();
        fates.push(None);
        Self { id: fates.len() - 1, sender, n, ledger: Arc::clone(ledger) }
    }

    fn meets(self, fate: Fate) {
        self.ledger.record(self.id, fate);
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let mut fates = self.ledger.0.lock().unwrap();
        fates[self.id].get_or_insert(Fate::GivenUp);
    }
}

/// A mailbox, as small as conflicts need.
#[derive(Clone, Copy, Debug)]
struct Setting {
    way: Way,
    policy: Policy,
    size: usize,
}

impl Setting {
    fn mailbox(self) -> Mailbox<Message> {
        let (size, overflow) = (self.size, self.policy.overflow());
        let mailbox: Mailbox<Message> = match self.way {
            Way::PushBounded => Push::bounded(size).overflow(overflow).into(),
            Way::PushUnbounded => Push::unbounded().overflow(overflow).into(),
            Way::PullManual => Pull::manual().capacity(size).overflow(overflow).into(),
            Way::PullOneByOne => Pull::one_by_one().capacity(size).overflow(overflow).into(),
            Way::PullWindow => Pull::window(size).overflow(overflow).into(),
            Way::PullMaxInFlight => Pull::max_in_flight(size).overflow(overflow).into(),
            Way::Adaptive => Adaptive::window(size).overflow(overflow).into(),
        };
        match self.policy {
            Policy::Conflate => mailbox.conflate(|message| message.sender, |_, new| new.meets(Fate::Merged)),
            _ => mailbox,
        }
    }
}

fn setting() -> impl Strategy<Value = Setting> {
    let way = prop::sample::select(Way::ALL.to_vec());
    let policy = prop::sample::select(Policy::ALL.to_vec());
    (way, policy, 1usize..12).prop_map(|(way, policy, size)| Setting { way, policy, size })
}

#[derive(Clone, Debug)]
enum Op {
    TryTell(usize),
    Tell(usize),
    TryReserve(usize),
    Reserve(usize, usize),
    SendPermit(usize),
    DropPermit(usize),
    /// Polls what a sender waits for, woken or not.
    Poll(usize),
    Cancel(usize),
    Take,
    TakeMany(usize),
    Request(u64),
    Reconfigure(Setting, bool),
}

fn steady() -> impl Strategy<Value = Op> {
    let who = || 0usize..SENDERS;
    let request = prop_oneof![12 => 0u64..6, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 2)];
    prop_oneof![
        16 => who().prop_map(Op::TryTell),
        10 => who().prop_map(Op::Tell),
        3 => who().prop_map(Op::TryReserve),
        3 => (who(), 1usize..4).prop_map(|(who, n)| Op::Reserve(who, n)),
        5 => who().prop_map(Op::SendPermit),
        2 => who().prop_map(Op::DropPermit),
        8 => who().prop_map(Op::Poll),
        3 => who().prop_map(Op::Cancel),
        16 => Just(Op::Take),
        4 => (1usize..6).prop_map(Op::TakeMany),
        8 => request.prop_map(Op::Request),
    ]
}

fn changing() -> impl Strategy<Value = Op> {
    let change = (setting(), any::<bool>()).prop_map(|(setting, by_sender)| Op::Reconfigure(setting, by_sender));
    prop_oneof![12 => steady(), 1 => change]
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// Closed, and everything that is in it is taken.
    Close,
    /// The same, closed by the last sender's going.
    DropSenders,
    /// Nobody takes any more.
    DropReceiver,
}

const SENDERS: usize = 3;

type Reserving = Task<'static, Result<Permits<Message>, ReserveManyError>>;

/// One sender and what it is in the middle of.
#[derive(Default)]
struct Party {
    next: u64,
    tell: Option<Task<'static, Result<Admission, SendError<Message>>>>,
    reserve: Option<(u64, Reserving)>,
    permits: Vec<Permit<Message>>,
}

struct World {
    setting: Setting,
    changed: bool,
    ledger: Arc<Ledger>,
    parties: Vec<Party>,
    tx: Sender<Message>,
    rx: Receiver<Message>,
    _listening: DeadLetterSubscription,
    /// The last message of each sender that was handled.
    last: [Option<u64>; SENDERS],
    requested: u64,
    taken: u64,
    /// `tell`s that were cancelled.
    cancelled: u64,
}

impl World {
    fn new(setting: Setting) -> Self {
        let ledger = Arc::new(Ledger::default());
        let (tx, rx) = mailbox::channel(setting.mailbox());
        let listening = tx.dead_letters().subscribe(|letter| {
            let message = letter.message.as_ref().and_then(|message| message.downcast_ref::<Message>());
            let message = message.expect("no handler held it");
            message.ledger.record(message.id, Fate::Dropped(letter.reason));
        });
        Self {
            setting,
            changed: false,
            ledger,
            parties: (0..SENDERS).map(|_| Party::default()).collect(),
            tx,
            rx,
            _listening: listening,
            last: [None; SENDERS],
            requested: 0,
            taken: 0,
            cancelled: 0,
        }
    }

    fn message(&mut self, who: usize) -> Message {
        let party = &mut self.parties[who];
        party.next += 1;
        Message::new(who, party.next, &self.ledger)
    }

    fn fate(&self, id: usize) -> Option<Fate> {
        self.ledger.0.lock().unwrap()[id]
    }

    /// What a sender was told agrees with what became of its message.
    fn told(&self, id: usize, outcome: Result<Admission, SendError<Message>>) {
        match outcome {
            Ok(Admission::Dropped) => assert_eq!(self.fate(id), Some(Fate::Dropped(DropReason::DropNewest))),
            Ok(Admission::Diverted) => assert_eq!(self.fate(id), Some(Fate::Dropped(DropReason::Diverted))),
            Ok(Admission::Conflated) => assert_eq!(self.fate(id), Some(Fate::Merged)),
            Ok(_) => {}
            Err(error) => {
                let message = error.into_message();
                assert_eq!(message.id, id, "each failure hands its own message back");
                message.meets(Fate::Returned);
            }
        }
    }

    /// S4: each sender's messages are handled in the order of their sending.
    fn handled(&mut self, message: Message) {
        assert!(self.last[message.sender] < Some(message.n), "{} of {} is late", message.n, message.sender);
        self.last[message.sender] = Some(message.n);
        self.taken += 1;
        message.meets(Fate::Handled);
    }

    fn poll(&mut self, who: usize) {
        let party = &mut self.parties[who];
        if let Some(tell) = &mut party.tell
            && let Poll::Ready(outcome) = tell.poll()
        {
            party.tell = None;
            if let Err(error) = outcome {
                error.into_message().meets(Fate::Returned);
            }
        }
        if let Some((_, reserve)) = &mut party.reserve
            && let Poll::Ready(permits) = reserve.poll()
        {
            party.reserve = None;
            party.permits.extend(permits.into_iter().flatten());
        }
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::TryTell(who) if self.parties[who].tell.is_none() => {
                let message = self.message(who);
                let id = message.id;
                let outcome = self.tx.try_tell(message);
                self.told(id, outcome);
            }
            // Its tells would not be in order if it sent in between.
            Op::TryTell(who) => self.poll(who),
            Op::Tell(who) if self.parties[who].tell.is_none() => {
                let message = self.message(who);
                let tx = self.tx.clone();
                self.parties[who].tell = Some(Task::new(async move { tx.tell(message).await }));
                self.poll(who);
            }
            Op::Tell(who) | Op::Poll(who) => self.poll(who),
            Op::TryReserve(who) => self.parties[who].permits.extend(self.tx.try_reserve()),
            Op::Reserve(who, n) => {
                // More than the capacity panics, and more than a strategy asks
                // for at a time never comes.
                let most = if self.setting.way == Way::PullOneByOne { 1 } else { self.setting.size };
                let n = n.min(most).min(self.tx.capacity().unwrap_or(n));
                if self.parties[who].reserve.is_none() {
                    let tx = self.tx.clone();
                    let reserve = Task::new(async move { tx.reserve_many(n).await });
                    self.parties[who].reserve = Some((n as u64, reserve));
                    self.poll(who);
                }
            }
            Op::SendPermit(who) => {
                if self.parties[who].tell.is_none()
                    && let Some(permit) = self.parties[who].permits.pop()
                {
                    let message = self.message(who);
                    let id = message.id;
                    if let Err(error) = permit.send(message) {
                        let message = error.into_message();
                        assert_eq!(message.id, id);
                        message.meets(Fate::Returned);
                    }
                }
            }
            Op::DropPermit(who) => drop(self.parties[who].permits.pop()),
            Op::Cancel(who) => {
                self.cancelled += u64::from(self.parties[who].tell.take().is_some());
                self.parties[who].reserve = None;
            }
            Op::Take => self.take(),
            Op::TakeMany(n) => {
                let mut batch = Vec::new();
                let room = self.rx.demand();
                let polled = Task::new(self.rx.recv_many(&mut batch, n)).poll();
                assert!(polled == Poll::Ready(batch.len()) || batch.is_empty());
                if self.is_manual() {
                    // S16: a batch needs as much demand beforehand.
                    assert!(room.is_none_or(|room| batch.len() as u64 <= room), "{} of {room:?}", batch.len());
                }
                batch.into_iter().for_each(|message| self.handled(message));
            }
            Op::Request(n) => {
                let state = |world: &Self| (world.rx.demand(), world.tx.free(), world.tx.len());
                let before = state(self);
                self.rx.request(n);
                self.requested = self.requested.saturating_add(n);
                if n == 0 {
                    assert_eq!(state(self), before, "S5: nothing was asked for");
                } else {
                    let sum = before.0.map(|demand| demand.checked_add(n));
                    // S5: additive, and for ever without end at the end.
                    match sum {
                        None => assert_eq!(self.rx.demand(), None),
                        Some(Some(sum)) if sum < u64::MAX - self.taken => assert_eq!(self.rx.demand(), Some(sum)),
                        Some(_) => assert!(self.rx.demand().is_none_or(|demand| demand > u64::MAX / 2)),
                    }
                }
            }
            Op::Reconfigure(setting, by_sender) => {
                self.changed = true;
                self.setting = setting;
                if by_sender {
                    self.tx.reconfigure(setting.mailbox());
                } else {
                    self.rx.reconfigure(setting.mailbox());
                }
            }
        }
    }

    /// S1 can be told from outside when nothing but the test asks.
    fn is_manual(&self) -> bool {
        self.setting.way == Way::PullManual && !self.changed
    }

    fn take(&mut self) {
        let demand = self.rx.demand();
        if let Ok(message) = self.rx.try_recv() {
            assert!(!self.is_manual() || demand != Some(0), "S1: delivered without demand");
            self.handled(message);
        }
    }

    fn check(&mut self) {
        if self.tx.is_closed() {
            // Refused messages lie with their tells until these are looked at.
            (0..SENDERS).for_each(|who| self.poll(who));
        }
        let counts = self.ledger.counts();
        let of = |fate| counts.get(&fate).copied().unwrap_or(0);
        let waits = |task: Option<bool>| usize::from(task == Some(false));
        let telling: usize = self.parties.iter().map(|p| waits(p.tell.as_ref().map(Task::is_woken))).sum();
        let reserving: usize = self.parties.iter().map(|p| waits(p.reserve.as_ref().map(|r| r.1.is_woken()))).sum();
        let stats = self.rx.stats();

        // S3: conservation, at every step.
        let fates: u64 = counts.values().sum();
        assert_eq!(self.ledger.made() as u64, fates + stats.len as u64 + telling as u64, "{counts:?} {stats:?}");
        assert_eq!(stats.handled, of(Fate::Handled));
        for reason in DropReason::ALL {
            assert_eq!(stats.drops.of(reason), of(Fate::Dropped(reason)), "{reason}");
        }
        assert_eq!(self.tx.dead_letters().counts(), stats.drops);
        assert!(of(Fate::GivenUp) <= self.cancelled, "a message vanished");

        // L2: nobody waits while there is a grant.
        assert_eq!(stats.waiting_senders, telling + reserving, "a sender was not woken");
        assert!(telling == 0 || reserving > 0 || stats.free == 0, "{telling} wait though {} are free", stats.free);

        if !self.changed {
            if self.is_manual() {
                // S1: no more is delivered than was asked for.
                assert!(self.taken <= self.requested);
            }
            // S2: what waits and what is set aside stay within the capacity.
            let granted = |p: &Party| p.reserve.as_ref().map_or(0, |(n, task)| if task.is_woken() { *n } else { 0 });
            let set_aside: u64 = self.parties.iter().map(|p| p.permits.len() as u64 + granted(p)).sum();
            let set_aside = if self.setting.policy.evicts() || self.tx.is_closed() { 0 } else { set_aside };
            if let Some(capacity) = self.tx.capacity() {
                assert!(stats.len as u64 + set_aside <= capacity as u64, "{} and {set_aside}", stats.len);
            }
        }
    }

    fn end(mut self, end: End) {
        match end {
            End::DropReceiver => {
                let left = self.tx.len() as u64;
                let before = self.tx.stats().drops.of(DropReason::Stopped);
                let Self { rx, parties, tx, ledger, cancelled, .. } = self;
                // Those granted but not looked at are in the queue already.
                drop(rx);
                assert_eq!(tx.stats().drops.of(DropReason::Stopped) - before, left);
                conserved(parties, &ledger, cancelled);
                return;
            }
            End::Close => self.tx.close(),
            End::DropSenders => {
                // Waiting tells hold a sender each: they are given up.
                for party in &mut self.parties {
                    self.cancelled += u64::from(party.tell.take().is_some());
                    party.reserve = None;
                }
                let (other, _) = mailbox::channel(Push::bounded(1));
                drop(std::mem::replace(&mut self.tx, other));
            }
        }
        loop {
            match self.rx.try_recv() {
                Ok(message) => self.handled(message),
                Err(TryRecvError::Empty) => self.rx.request(u64::MAX),
                Err(_) => break,
            }
        }
        assert_eq!(self.rx.stats().len, 0);
        let Self { rx, parties, ledger, cancelled, .. } = self;
        drop(rx);
        conserved(parties, &ledger, cancelled);
    }
}

/// Everything is over: what the parties hold comes back, and then each message
/// has its fate.
fn conserved(parties: Vec<Party>, ledger: &Ledger, cancelled: u64) {
    for mut party in parties {
        if let Some(mut tell) = party.tell.take()
            && let Err(error) = tell.ready()
        {
            error.into_message().meets(Fate::Returned);
        }
        drop(party);
    }
    let counts = ledger.counts();
    assert_eq!(counts.values().sum::<u64>(), ledger.made() as u64, "{counts:?}");
    assert!(counts.get(&Fate::GivenUp).copied().unwrap_or(0) <= cancelled, "{counts:?}");
}

fn run(setting: Setting, ops: &[Op], end: End) {
    let mut world = World::new(setting);
    for op in ops {
        world.step(op);
        world.check();
    }
    world.end(end);
}

fn end() -> impl Strategy<Value = End> {
    prop::sample::select(vec![End::Close, End::DropSenders, End::DropReceiver])
}

proptest! {
    #![proptest_config(cases())]

    /// S1, S2, S3, S4, S5, S16 and L2 under terms that stay.
    #[test]
    fn every_message_has_one_fate(
        setting in setting(),
        ops in prop::collection::vec(steady(), 1..200),
        end in end(),
    ) {
        run(setting, &ops, end);
    }

    /// S3, S4, S13 and S14: the same while mode, capacity and policy change.
    #[test]
    fn every_message_has_one_fate_while_terms_change(
        setting in setting(),
        ops in prop::collection::vec(changing(), 1..200),
        end in end(),
    ) {
        run(setting, &ops, end);
    }
}

/// S3 and S4 with threads: senders that tell, reserve and give up, somebody
/// who changes the terms all the time, and a receiver that sleeps, or looks
/// again and again and asks as it goes.
fn threads(sleeping: bool, seed: usize) {
    const EACH: u64 = 2_000;
    let ways: Vec<Way> = Way::ALL.into_iter().filter(|way| !(sleeping && way.is_manual())).collect();
    let policies: Vec<Policy> = Policy::ALL.into_iter().filter(|policy| *policy != Policy::Fail).collect();
    let ledger = Arc::new(Ledger::default());
    let (tx, mut rx) = mailbox::channel::<Message>(Push::bounded(4));
    let _listening = tx.dead_letters().subscribe(|letter| {
        let message = letter.message.as_ref().and_then(|message| message.downcast_ref::<Message>());
        let message = message.expect("no handler held it");
        message.ledger.record(message.id, Fate::Dropped(letter.reason));
    });
    let sending = AtomicU64::new(SENDERS as u64);
    let mut last = [0; SENDERS];
    thread::scope(|scope| {
        for who in 0..SENDERS {
            let (tx, ledger, sending) = (tx.clone(), &ledger, &sending);
            scope.spawn(move || {
                for n in 1..=EACH {
                    let message = Message::new(who, n, ledger);
                    match (n as usize * 7 + who + seed) % 5 {
                        0 => {
                            if let Err(error) = tx.try_tell(message) {
                                error.into_message().meets(Fate::Returned);
                            }
                        }
                        1 => match block_on(tx.reserve()) {
                            Ok(permit) if n % 11 == 0 => {
                                drop(permit);
                                message.meets(Fate::Returned);
                            }
                            Ok(permit) => {
                                if let Err(error) = permit.send(message) {
                                    error.into_message().meets(Fate::Returned);
                                }
                            }
                            Err(_) => message.meets(Fate::Returned),
                        },
                        2 => {
                            // Given up after one look.
                            let mut tell = Task::new(tx.tell(message));
                            if let Poll::Ready(Err(error)) = tell.poll() {
                                error.into_message().meets(Fate::Returned);
                            }
                        }
                        _ => {
                            if let Err(error) = block_on(tx.tell(message)) {
                                error.into_message().meets(Fate::Returned);
                            }
                        }
                    }
                }
                sending.fetch_sub(1, SeqCst);
            });
        }
        let (ways, policies, sending) = (&ways, &policies, &sending);
        scope.spawn(move || {
            for round in seed.. {
                if sending.load(SeqCst) == 0 {
                    break;
                }
                let setting = Setting {
                    way: ways[round * 5 % ways.len()],
                    policy: policies[round / 3 % policies.len()],
                    size: round % 9 + 1,
                };
                tx.reconfigure(setting.mailbox());
                thread::yield_now();
            }
        });
        loop {
            let message = if sleeping {
                block_on(rx.recv())
            } else {
                match rx.try_recv() {
                    Ok(message) => Some(message),
                    Err(TryRecvError::Empty) => {
                        rx.request(1);
                        thread::yield_now();
                        continue;
                    }
                    Err(_) => None,
                }
            };
            let Some(message) = message else { break };
            assert!(message.n > last[message.sender], "S4");
            last[message.sender] = message.n;
            message.meets(Fate::Handled);
        }
    });
    let stats = rx.stats();
    drop(rx);
    let counts = ledger.counts();
    assert_eq!(ledger.made() as u64, SENDERS as u64 * EACH);
    assert_eq!(counts.values().sum::<u64>(), SENDERS as u64 * EACH, "{counts:?}");
    let of = |fate| counts.get(&fate).copied().unwrap_or(0);
    assert_eq!(stats.handled, of(Fate::Handled));
    for reason in DropReason::ALL {
        assert_eq!(stats.drops.of(reason), of(Fate::Dropped(reason)), "{reason}");
    }
}

#[test]
fn threads_and_a_sleeping_receiver_lose_nothing_while_terms_change() {
    (0..10).for_each(|seed| threads(true, seed));
}

#[test]
fn threads_and_a_receiver_that_asks_lose_nothing_while_terms_change() {
    (0..10).for_each(|seed| threads(false, seed));
}

/// A close and a change of storage at the same time: the receiver sees the
/// end, whichever comes first.
#[test]
fn a_close_is_seen_through_a_change_of_storage() {
    for round in 0..500 {
        let (tx, mut rx) = mailbox::channel::<u64>(Push::bounded(4));
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                tx.close();
            });
            start.wait();
            (0..round % 50).for_each(|_| std::hint::spin_loop());
            rx.reconfigure(Push::bounded(4).overflow(Overflow::DropOldest));
            assert_eq!(block_on(rx.recv()), None);
        });
    }
}

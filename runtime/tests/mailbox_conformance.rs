//! One suite for every mailbox: each way of delivery with each policy, under
//! the same names, so that `mailbox_conformance push_bounded::wait::permits`
//! is that test of that mailbox.
//!
//! Futures are polled by hand, with a waker that counts; nothing sleeps.
#![cfg(not(tidegate_loom))]

#[path = "mailbox_support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use support::{Policy, Task, Way, block_on, now};
use tidegate::mailbox::{
    self, Admission, DropReason, Level, Mailbox, Mode, Overflow, Pull, Push, Receiver, SendError, Sender, TryRecvError,
    TryReserveError,
};

/// A message: who sent it, and which of its messages it is.
type Message = (u8, u64);

#[derive(Clone, Copy, Debug)]
struct Case {
    way: Way,
    policy: Policy,
}

impl Case {
    fn mailbox(self) -> Mailbox<Message> {
        let mailbox = self.way.with(self.policy.overflow());
        match self.policy {
            // By sender: the newest of each stays.
            Policy::Conflate => mailbox.conflate(|message: &Message| message.0, |queued, new| *queued = new),
            _ => mailbox,
        }
    }

    fn open(self) -> (Sender<Message>, Receiver<Message>) {
        mailbox::channel(self.mailbox())
    }

    /// Open, with as much asked for as there is room.
    fn open_and_ask(self) -> (Sender<Message>, Receiver<Message>) {
        let (tx, mut rx) = self.open();
        self.ask(&mut rx, 8);
        (tx, rx)
    }

    /// Asks for `n`, if somebody has to.
    fn ask(self, rx: &mut Receiver<Message>, n: u64) {
        if self.way.is_manual() {
            rx.request(n);
        }
    }

    /// How many messages go in before one is taken. Of an unbounded mailbox,
    /// as many as make the same tests run.
    fn room(self) -> u64 {
        self.way.capacity().unwrap_or(8) as u64
    }

    fn is_bounded(self) -> bool {
        self.way.capacity().is_some()
    }

    /// Fills a mailbox that has been asked for as much as it takes.
    fn fill(self, tx: &Sender<Message>) -> u64 {
        let room = if self.is_bounded() { tx.free() as u64 } else { self.room() };
        for n in 0..room {
            assert_eq!(tx.try_tell((0, n)), Ok(Admission::Queued), "{n} of {room}");
        }
        room
    }

    /// How much is free when all has been taken: a window is filled up again
    /// once no more than its low mark is left of it.
    fn room_again(self) -> std::ops::RangeInclusive<u64> {
        let least = if self.way == Way::PullWindow && !self.policy.evicts() { 3 } else { self.room() };
        least..=self.room()
    }
}

/// Takes what is there, asking as it goes.
fn drain(case: Case, rx: &mut Receiver<Message>) -> Vec<Message> {
    let mut taken = Vec::new();
    loop {
        case.ask(rx, 1);
        match rx.try_recv() {
            Ok(message) => taken.push(message),
            Err(_) => return taken,
        }
    }
}

fn numbers(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.1).collect()
}

fn smoke(case: Case) {
    let (tx, mut rx) = case.open();
    assert!(tx.is_empty() && !tx.is_closed());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    case.ask(&mut rx, 1);
    let mut recv = Task::new(rx.recv());
    recv.waits();
    assert_eq!(now(tx.tell((1, 7))), Ok(Admission::Queued));
    assert!(recv.is_woken());
    assert_eq!(recv.ready(), Some((1, 7)));
    drop(recv);
    assert!(tx.is_empty());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((rx.stats().handled, tx.stats().drops.total()), (1, 0));
    let expected =
        if matches!(case.way, Way::PushBounded | Way::PushUnbounded | Way::Adaptive) { Mode::Push } else { Mode::Pull };
    assert_eq!((rx.mode(), tx.mode()), (expected, expected));
}

fn capacity(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    assert_eq!(tx.capacity(), case.way.capacity());
    for round in 0..3 {
        if case.is_bounded() {
            let room = if round == 0 { case.room()..=case.room() } else { case.room_again() };
            assert!(room.contains(&(tx.free() as u64)), "{} in round {round}", tx.free());
        }
        let filled = case.fill(&tx);
        assert_eq!(tx.len() as u64, filled);
        assert_eq!(tx.free() == 0, case.is_bounded());
        assert_eq!(numbers(&drain(case, &mut rx)), (0..filled).collect::<Vec<_>>());
        case.ask(&mut rx, case.room());
        // As strategies ask: when they are looked at.
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

fn try_tell_reports_what_the_policy_does(case: Case) {
    if case.way.is_manual() && !case.policy.evicts() {
        // Nothing was asked for: every message is one too many.
        let (tx, rx) = case.open();
        let refused = tx.try_tell((3, 9));
        match case.policy {
            Policy::Wait | Policy::Reject => assert_eq!(refused, Err(SendError::NoDemand((3, 9)))),
            Policy::DropNewest => assert_eq!(refused, Ok(Admission::Dropped)),
            Policy::Divert => assert_eq!(refused, Ok(Admission::Diverted)),
            _ => assert_eq!(refused, Err(SendError::Overflowed((3, 9)))),
        }
        assert_eq!(rx.stats().len, 0);
    }
    let (tx, mut rx) = case.open_and_ask();
    let filled = case.fill(&tx);
    if !case.is_bounded() {
        assert_eq!(tx.try_tell((0, filled)), Ok(Admission::Queued));
        return;
    }
    let full = tx.try_tell((0, filled));
    let (outcome, left) = match case.policy {
        Policy::Wait | Policy::Reject if case.way.is_manual() && rx.demand() == Some(0) => {
            (Err(SendError::NoDemand((0, filled))), (0..filled).collect::<Vec<_>>())
        }
        Policy::Wait | Policy::Reject => (Err(SendError::Full((0, filled))), (0..filled).collect()),
        Policy::DropNewest => (Ok(Admission::Dropped), (0..filled).collect()),
        Policy::Divert => (Ok(Admission::Diverted), (0..filled).collect()),
        Policy::Fail => (Err(SendError::Overflowed((0, filled))), (0..filled).collect()),
        Policy::DropOldest => (Ok(Admission::Displaced), (1..=filled).collect()),
        Policy::Latest => (Ok(Admission::Displaced), vec![filled]),
        // Merged into the newest of the same sender, which keeps its place.
        Policy::Conflate => (Ok(Admission::Conflated), (0..filled - 1).chain([filled]).collect()),
    };
    assert_eq!(full, outcome);
    if let Err(error) = full {
        assert_eq!(error.is_transient(), case.policy != Policy::Fail);
        assert_eq!(error.into_message(), (0, filled), "the message comes back");
    }
    assert_eq!(tx.is_closed(), case.policy == Policy::Fail);
    assert_eq!(numbers(&drain(case, &mut rx)), left);
    let dropped = tx.stats().drops.total();
    let handled = rx.stats().handled;
    let back = u64::from(outcome.is_err() || outcome == Ok(Admission::Conflated));
    assert_eq!(handled + dropped + back, filled + 1);
}

fn order_per_sender(case: Case) {
    let (tx, mut rx) = case.open();
    let senders = [tx.clone(), tx.clone(), tx];
    let mut taken = Vec::new();
    let mut next = [0u64; 3];
    for round in 0..200 {
        case.ask(&mut rx, 2);
        for _ in 0..2 {
            let who = (round * 7 + round / 3) % 3;
            if senders[who].try_tell((who as u8, next[who])).is_ok_and(Admission::is_in) {
                next[who] += 1;
            } else {
                next[who] += u64::from(case.policy != Policy::Reject);
            }
            if senders[who].is_closed() {
                break;
            }
        }
        if round % 3 != 0 {
            taken.extend(rx.try_recv());
        }
    }
    taken.extend(drain(case, &mut rx));
    assert!(!taken.is_empty());
    for who in 0..3 {
        let of: Vec<_> = taken.iter().filter(|message| message.0 == who).collect();
        assert!(of.is_sorted_by(|a, b| a.1 < b.1), "{of:?}");
    }
}

fn close_then_drain(case: Case) {
    for by_sender in [true, false] {
        let (tx, mut rx) = case.open_and_ask();
        let filled = case.fill(&tx);
        if by_sender {
            tx.close();
        } else {
            rx.close();
        }
        assert!(tx.is_closed());
        assert_eq!(tx.free(), 0);
        assert_eq!(tx.try_tell((0, 99)), Err(SendError::Closed((0, 99))));
        assert_eq!(now(tx.tell((0, 99))), Err(SendError::Closed((0, 99))));
        assert!(now(tx.reserve()).is_err());
        assert_eq!(tx.try_reserve().err(), Some(TryReserveError::Closed));
        for n in 0..filled {
            assert_eq!(now(rx.recv()), Some((0, n)));
        }
        assert_eq!(now(rx.recv()), None);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(now(rx.recv_many(&mut Vec::new(), 3)), 0);
    }
}

fn closing_wakes_a_sleeping_receiver(case: Case) {
    let (tx, mut rx) = case.open();
    let mut recv = Task::new(rx.recv());
    recv.waits();
    tx.close();
    assert!(recv.is_woken());
    assert_eq!(recv.ready(), None);
}

fn receiver_drop_accounts(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let filled = case.fill(&tx);
    let first = rx.try_recv().expect("there are some");
    assert_eq!(first.1, 0);
    let held = tx.try_reserve().ok();
    let left = filled - 1;
    let buried = Arc::new(Mutex::new(Vec::new()));
    let _listening = tx.dead_letters().subscribe({
        let buried = Arc::clone(&buried);
        move |letter| {
            assert_eq!(letter.reason, DropReason::Stopped);
            let message = letter.message.as_ref().and_then(|message| message.downcast_ref::<Message>());
            buried.lock().unwrap().push(*message.expect("it is here"));
        }
    });
    drop(rx);
    assert!(tx.is_closed());
    assert_eq!(tx.dead_letters().counts().of(DropReason::Stopped), left);
    assert_eq!(tx.stats().drops.of(DropReason::Stopped), left);
    assert_eq!(numbers(&buried.lock().unwrap()), (1..filled).collect::<Vec<_>>());
    assert_eq!(tx.try_tell((0, 99)), Err(SendError::Closed((0, 99))));
    if let Some(permit) = held {
        assert_eq!(permit.send((0, 99)), Err(SendError::Closed((0, 99))));
    }
    assert_eq!(tx.stats().len, 0);
}

fn permits(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let mut held: Vec<_> = (0..case.room()).map(|_| tx.try_reserve().expect("there is a grant")).collect();
    if case.is_bounded() && !case.policy.evicts() {
        assert_eq!(tx.free(), 0);
        assert!(matches!(tx.try_reserve().err(), Some(TryReserveError::Full | TryReserveError::NoDemand)));
        let mut waiting = Task::new(tx.reserve());
        waiting.waits();
        // One given up goes to the one that waits.
        held.pop();
        assert!(waiting.is_woken());
        held.push(waiting.ready().expect("the mailbox is open"));
        assert_eq!(tx.free(), 0);
    }
    let mut sent = 0;
    for permit in held.drain(..) {
        permit.send((0, sent)).expect("a permit is a grant");
        sent += 1;
    }
    assert_eq!(tx.len() as u64, sent);
    assert_eq!(numbers(&drain(case, &mut rx)), (0..sent).collect::<Vec<_>>());
    case.ask(&mut rx, case.room());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    drop(tx.try_reserve().expect("there is a grant again"));
    assert!(case.room_again().contains(&case.fill(&tx)), "and it went back");
}

fn a_permit_takes_its_place_when_it_is_sent(case: Case) {
    let (tx, mut rx) = case.open();
    case.ask(&mut rx, 2);
    if case.room() < 2 {
        return;
    }
    let permit = tx.try_reserve().expect("there is a grant");
    now(tx.tell((0, 0))).expect("there is another");
    permit.send((0, 1)).expect("a permit is a grant");
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok((0, 0)), Ok((0, 1))));
}

fn reserve_many(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let n = case.room();
    let permits = now(tx.reserve_many(n as usize)).expect("the mailbox is open");
    assert_eq!(permits.len() as u64, n);
    for (sent, permit) in (0..).zip(permits) {
        permit.send((0, sent)).expect("a permit is a grant");
    }
    let mut again = Task::new(tx.reserve_many(n as usize));
    if case.is_bounded() && !case.policy.evicts() {
        again.waits();
        for expected in 0..n {
            assert_eq!(rx.try_recv(), Ok((0, expected)));
            if expected + 1 < n {
                case.ask(&mut rx, 1);
                assert!(again.poll().is_pending(), "all at once or none");
            }
        }
        case.ask(&mut rx, 1);
        Task::new(rx.recv()).waits();
        assert!(again.is_woken());
    }
    let mut permits = again.ready().expect("the mailbox is open");
    drop(permits.next());
    drop(permits);
    if case.is_bounded() {
        drain(case, &mut rx);
        assert!(case.room_again().contains(&case.fill(&tx)), "those not used went back");
    }
}

/// As many as the window asks for ahead, after a part of it was used: the
/// window is filled up for a sender that needs more than its low mark leaves.
fn reserve_many_after_some_were_taken(case: Case) {
    let n = case.room() as usize;
    for taken in 0..case.room() {
        let (tx, mut rx) = case.open_and_ask();
        for _ in 0..taken {
            tx.try_tell((0, 0)).expect("there is room");
            rx.try_recv().expect("it is there");
        }
        case.ask(&mut rx, taken);
        let mut recv = Task::new(rx.recv());
        recv.waits();
        let mut many = Task::new(tx.reserve_many(n));
        if many.poll().is_pending() {
            assert!(recv.is_woken(), "only the receiver can help, after {taken} of {n}");
            recv.waits();
            assert!(many.is_woken(), "after {taken} of {n}");
            assert!(many.ready().is_ok());
        }
    }
}

fn cancel_waiting_tell_gives_its_place_up(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    case.fill(&tx);
    let mut first = Task::new(tx.tell((1, 100)));
    if case.policy != Policy::Wait || !case.is_bounded() {
        // Nothing waits but under `Wait`.
        let _ = first.ready();
        assert_eq!(tx.stats().waiting_senders, 0);
        return;
    }
    first.waits();
    let mut second = Task::new(tx.tell((2, 200)));
    second.waits();
    assert_eq!(tx.stats().waiting_senders, 2);
    drop(first);
    assert_eq!(tx.stats().waiting_senders, 1);
    case.ask(&mut rx, 1);
    assert_eq!(rx.try_recv(), Ok((0, 0)));
    let mut rest = Vec::new();
    while !second.is_woken() {
        // A strategy asks again when it is looked at.
        rest.extend(rx.try_recv());
    }
    assert_eq!(second.ready(), Ok(Admission::Queued));
    rest.extend(drain(case, &mut rx));
    assert_eq!(rest.last(), Some(&(2, 200)));
    assert!(!rest.contains(&(1, 100)), "what was given up is not sent");
}

/// Granted, and then dropped before its sender looked: it has been sent.
fn a_tell_that_was_granted_is_sent_though_nobody_looks(case: Case) {
    if case.policy != Policy::Wait || !case.is_bounded() {
        return;
    }
    let (tx, mut rx) = case.open_and_ask();
    let filled = case.fill(&tx);
    let mut tell = Task::new(tx.tell((0, filled)));
    tell.waits();
    case.ask(&mut rx, 1);
    let mut taken = vec![rx.try_recv().expect("it is full")];
    taken.extend(rx.try_recv());
    while !tell.is_woken() {
        taken.push(rx.try_recv().expect("the tell is let in before the queue is empty"));
    }
    drop(tell);
    taken.extend(drain(case, &mut rx));
    assert_eq!(numbers(&taken), (0..=filled).collect::<Vec<_>>());
}

fn fifo_of_waiting_senders(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let filled = case.fill(&tx);
    if case.policy != Policy::Wait || !case.is_bounded() {
        return;
    }
    let mut waiting: Vec<_> = (0..5).map(|n| Task::new(tx.tell((0, filled + n)))).collect();
    waiting.iter_mut().for_each(Task::waits);
    assert_eq!(tx.try_tell((9, 9)).unwrap_err().into_message(), (9, 9), "nobody passes those who wait");
    let mut taken = Vec::new();
    let mut granted = Vec::new();
    while taken.len() < filled as usize + 5 {
        case.ask(&mut rx, 1);
        taken.push(rx.try_recv().expect("there are more"));
        for (n, tell) in waiting.iter_mut().enumerate() {
            if tell.is_woken() && !granted.contains(&n) {
                assert_eq!(tell.ready(), Ok(Admission::Queued));
                granted.push(n);
            }
        }
    }
    assert_eq!(granted, [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&taken), (0..filled + 5).collect::<Vec<_>>());
}

fn closing_gives_waiting_senders_their_messages_back(case: Case) {
    if case.policy.evicts() || !case.is_bounded() {
        return;
    }
    let (tx, rx) = case.open_and_ask();
    case.fill(&tx);
    let mut reserve = Task::new(tx.reserve());
    reserve.waits();
    let mut tell = (case.policy == Policy::Wait).then(|| Task::new(tx.tell((4, 4))));
    tell.iter_mut().for_each(Task::waits);
    drop(rx);
    assert!(reserve.is_woken());
    assert!(reserve.ready().is_err());
    if let Some(tell) = &mut tell {
        assert!(tell.is_woken());
        assert_eq!(tell.ready(), Err(SendError::Closed((4, 4))));
    }
}

fn sender_drop_closes(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let other = tx.clone();
    assert!(tx.same_mailbox(&other));
    tx.try_tell((0, 0)).expect("there is room");
    drop(tx);
    assert!(!other.is_closed());
    assert_eq!(rx.try_recv(), Ok((0, 0)));
    let mut recv = Task::new(rx.recv());
    recv.waits();
    drop(other);
    assert!(recv.is_woken());
    assert_eq!(recv.ready(), None);
}

fn weak_upgrade(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let weak = tx.downgrade();
    let strong = weak.upgrade().expect("there is a sender");
    assert!(strong.same_mailbox(&tx));
    drop(tx);
    strong.try_tell((0, 0)).expect("the upgraded one keeps it open");
    assert_eq!(rx.try_recv(), Ok((0, 0)));
    let (other, again) = (weak.clone(), weak.upgrade());
    drop((strong, other.upgrade(), again));
    assert!(weak.upgrade().is_none(), "the last has gone");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    let (tx, rx) = case.open();
    let weak = tx.downgrade();
    drop(rx);
    assert!(weak.upgrade().is_none(), "the receiver has gone");
}

fn pressure_edges(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let mut pressure = tx.pressure();
    assert_eq!(pressure.level(), Level::Relieved);
    if case.policy.evicts() || !case.is_bounded() {
        for n in 0..20 {
            tx.try_tell((0, n)).expect("nobody is held back");
        }
        // Demand used up holds delivery back here, not senders.
        while rx.try_recv().is_ok() {}
        assert_eq!(pressure.level(), Level::Relieved);
        assert_eq!(tx.pressure().level(), Level::Relieved);
        Task::new(pressure.changed()).waits();
        now(pressure.relieved());
        return;
    }
    let mut edge = Task::new(pressure.changed());
    edge.waits();
    case.fill(&tx);
    assert!(edge.is_woken());
    assert_eq!(edge.ready(), Level::Pressed);
    assert_eq!(edge.calls(), 1, "each crossing is told once");
    drop(edge);
    assert_eq!(pressure.level(), Level::Pressed);
    let mut second = tx.pressure();
    assert_eq!(second.level(), Level::Pressed);
    let mut relieved = Task::new(second.relieved());
    relieved.waits();
    drain(case, &mut rx);
    case.ask(&mut rx, case.room());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(relieved.is_woken());
    relieved.ready();
    assert_eq!(now(pressure.changed()), Level::Relieved);
    // A crossing that was slept through is told; so is the way back.
    case.fill(&tx);
    drain(case, &mut rx);
    case.ask(&mut rx, case.room());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(now(pressure.changed()), Level::Pressed);
    assert_eq!(now(pressure.changed()), Level::Relieved);
    let mut last = Task::new(pressure.changed());
    last.waits();
    tx.close();
    assert!(last.is_woken(), "a close is news");
    assert_eq!(last.ready(), Level::Relieved);
    drop(last);
    assert_eq!([pressure.level(), tx.pressure().level()], [Level::Relieved; 2], "the level at that time");
}

/// Under any load, from this mailbox to each other and back: what was let in
/// comes out, in order, and the new terms hold.
fn reconfigure_live(case: Case) {
    for way in Way::ALL {
        for policy in Policy::ALL {
            let to = Case { way, policy };
            for queued in [0, 1, case.room()] {
                for by_sender in [true, false] {
                    change(case, to, queued, by_sender);
                }
            }
        }
    }
}

fn change(from: Case, to: Case, queued: u64, by_sender: bool) {
    let context = || format!("{from:?} with {queued} queued to {to:?}");
    let (tx, mut rx) = from.open_and_ask();
    for n in 0..queued {
        tx.try_tell((0, n)).expect("there is room");
    }
    if by_sender {
        tx.reconfigure(to.mailbox());
    } else {
        rx.reconfigure(to.mailbox());
    }
    let mut taken = Vec::new();
    // Signals are seen when the receiver is looked at. Manual pull needs to be
    // asked; what is left of the old terms comes first.
    let mut quiet = 0;
    while quiet < 2 {
        match rx.try_recv() {
            Ok(message) => taken.push(message),
            Err(_) => quiet += 1,
        }
        if to.way.is_manual() && quiet == 1 {
            rx.request(queued);
        }
    }
    let kept = taken.len() as u64 + tx.stats().drops.total();
    assert_eq!(kept, queued, "{}: {taken:?}", context());
    let lossless = !to.policy.evicts() || to.way.capacity().is_none_or(|capacity| capacity as u64 >= queued);
    if lossless {
        assert_eq!(numbers(&taken), (0..queued).collect::<Vec<_>>(), "{}", context());
    }
    assert_eq!(tx.capacity(), to.way.capacity(), "{}", context());
    let expected =
        if matches!(to.way, Way::PushBounded | Way::PushUnbounded | Way::Adaptive) { Mode::Push } else { Mode::Pull };
    assert_eq!(tx.mode(), expected, "{}", context());

    // What was granted under the old terms stays granted; once that has been
    // used up, the new mailbox behaves as one that was new.
    if to.way.is_manual() {
        while rx.demand().is_none_or(|demand| demand > 0) {
            tx.try_tell((0, 50)).unwrap_or_else(|error| panic!("{}: {error}", context()));
            rx.try_recv().unwrap_or_else(|error| panic!("{}: {error}", context()));
        }
        rx.request(8);
    } else {
        for _ in 0..40 {
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "{}", context());
            tx.try_tell((0, 50)).unwrap_or_else(|error| panic!("{}: {error}", context()));
            rx.try_recv().unwrap_or_else(|error| panic!("{}: {error}", context()));
        }
        let _ = rx.try_recv();
    }
    if to.is_bounded() {
        assert!(to.room_again().contains(&to.fill(&tx)), "{}", context());
        assert_eq!(tx.free(), 0, "{}", context());
        let before = rx.stats().drops;
        let more = tx.try_tell((7, 7));
        match to.policy {
            Policy::Wait | Policy::Reject => assert!(more.is_err_and(|error| error.is_transient()), "{}", context()),
            Policy::Fail => assert_eq!(more, Err(SendError::Overflowed((7, 7))), "{}", context()),
            _ => {
                assert!(more.is_ok(), "{}", context());
                let lost = if to.policy == Policy::Latest { to.room() } else { 1 };
                assert_eq!(rx.stats().drops.total() - before.total(), lost, "{}", context());
            }
        }
        let most = if to.policy == Policy::Latest { 1 } else { to.room() };
        assert!(tx.len() as u64 <= most, "{}", context());
    }
}

/// Waiting senders under a change: those it makes room for go in.
fn reconfigure_lets_waiting_senders_in(case: Case) {
    if case.policy != Policy::Wait || !case.is_bounded() {
        return;
    }
    let roomy: [Mailbox<Message>; 5] = [
        Push::bounded(100).into(),
        Push::unbounded().into(),
        Push::bounded(100).overflow(Overflow::DropOldest).into(),
        Push::bounded(100).overflow(Overflow::Reject).into(),
        Pull::window(100).into(),
    ];
    for to in roomy {
        let (tx, mut rx) = case.open_and_ask();
        let filled = case.fill(&tx);
        let mut tells: Vec<_> = (0..3).map(|n| Task::new(tx.tell((0, filled + n)))).collect();
        tells.iter_mut().for_each(Task::waits);
        let mut reserve = Task::new(tx.reserve());
        reserve.waits();
        rx.reconfigure(to.clone());
        // A window asks for its own once the push's grants are used up.
        let mut taken = Vec::new();
        for tell in &mut tells {
            while !tell.is_woken() {
                taken.push(rx.try_recv().unwrap_or_else(|error| panic!("{to:?}: {error}")));
            }
            assert_eq!(tell.ready(), Ok(Admission::Queued), "{to:?}");
        }
        assert!(reserve.is_woken(), "{to:?}");
        reserve.ready().expect("open").send((0, filled + 3)).expect("a permit is a grant");
        taken.extend(drain(case, &mut rx));
        assert_eq!(numbers(&taken), (0..filled + 4).collect::<Vec<_>>(), "{to:?}");
    }
}

fn recv_many(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let filled = case.fill(&tx);
    let mut batch = vec![(9, 9)];
    assert_eq!(now(rx.recv_many(&mut batch, 0)), 0);
    assert_eq!(now(rx.recv_many(&mut batch, 1)), 1);
    let rest = (filled - 1).min(3);
    if rest > 0 {
        assert_eq!(now(rx.recv_many(&mut batch, 3)) as u64, rest);
    }
    assert_eq!(batch[0], (9, 9), "a batch is added to");
    assert_eq!(numbers(&batch[1..]), (0..=rest).collect::<Vec<_>>());
    assert_eq!(rx.stats().handled, rest + 1);
    drain(case, &mut rx);
    case.ask(&mut rx, 8);
    let mut waits = Vec::new();
    let mut recv = Task::new(rx.recv_many(&mut waits, 100));
    recv.waits();
    let filled = case.fill(&tx);
    assert!(recv.is_woken());
    assert_eq!(recv.ready() as u64, filled);
    drop(recv);
    assert_eq!(numbers(&waits), (0..filled).collect::<Vec<_>>());
    let all = filled + rx.stats().drops.total();
    assert!(all >= filled);
}

fn dead_letters_by_reason(case: Case) {
    let (tx, mut rx) = case.open_and_ask();
    let letters = Arc::new(Mutex::new(Vec::new()));
    let listening = tx.dead_letters().subscribe({
        let letters = Arc::clone(&letters);
        move |letter| {
            assert_eq!(letter.message_type, std::any::type_name::<Message>());
            assert_eq!((&*letter.mailbox, letter.sender.as_deref()), ("channel", None));
            let message = letter.message.as_ref().and_then(|message| message.downcast_ref::<Message>()).copied();
            letters.lock().unwrap().push((letter.reason, message.expect("it is here").1));
        }
    });
    let filled = case.fill(&tx);
    let more = 3;
    for n in filled..filled + more {
        let _ = tx.try_tell((n as u8, n));
    }
    let expected: Vec<(DropReason, u64)> = match (case.is_bounded(), case.policy) {
        (false, _) | (_, Policy::Wait | Policy::Reject | Policy::Fail) => Vec::new(),
        (_, Policy::DropNewest) => (filled..filled + more).map(|n| (DropReason::DropNewest, n)).collect(),
        (_, Policy::Divert) => (filled..filled + more).map(|n| (DropReason::Diverted, n)).collect(),
        // Nobody's twin is queued: the oldest makes room.
        (_, Policy::DropOldest | Policy::Conflate) => (0..more).map(|n| (DropReason::DropOldest, n)).collect(),
        (_, Policy::Latest) => {
            // All of them each time that it is full.
            let full = filled + more - 1;
            (0..full - full % filled).map(|n| (DropReason::Latest, n)).collect()
        }
    };
    assert_eq!(*letters.lock().unwrap(), expected);
    let counts = tx.dead_letters().counts();
    assert_eq!(counts.total(), expected.len() as u64);
    assert_eq!(counts, tx.stats().drops);
    for (reason, n) in counts.iter() {
        assert_eq!(n, expected.iter().filter(|(of, _)| *of == reason).count() as u64);
    }
    drop(listening);
    let seen = letters.lock().unwrap().len();
    rx.close();
    drop(rx);
    assert_eq!(letters.lock().unwrap().len(), seen, "who does not listen is not told");
    assert!(tx.dead_letters().counts().of(DropReason::Stopped) > 0, "it is counted all the same");
}

/// Two threads tell, this one receives, terms stay: everything comes or is
/// accounted for, in each sender's order.
fn threads(case: Case) {
    const EACH: u64 = 300;
    let (tx, mut rx) = case.open_and_ask();
    let returned = AtomicU64::new(0);
    let conflated = AtomicU64::new(0);
    let mut taken = Vec::new();
    thread::scope(|scope| {
        for who in 0..2 {
            let tx = tx.clone();
            let (returned, conflated) = (&returned, &conflated);
            scope.spawn(move || {
                for n in 0..EACH {
                    match block_on(tx.tell((who, n))) {
                        Ok(Admission::Conflated) => conflated.fetch_add(1, SeqCst),
                        Ok(_) => 0,
                        Err(_) => returned.fetch_add(1, SeqCst),
                    };
                }
            });
        }
        // The senders' clones keep it open as long as they send.
        let sink = tx.dead_letters().clone();
        drop(tx);
        loop {
            case.ask(&mut rx, 1);
            match block_on(rx.recv()) {
                Some(message) => taken.push(message),
                None => break,
            }
        }
        drop(sink);
    });
    let accounted = taken.len() as u64 + rx.stats().drops.total() + returned.into_inner() + conflated.into_inner();
    assert_eq!(accounted, 2 * EACH);
    if case.policy == Policy::Wait {
        assert_eq!(taken.len() as u64, 2 * EACH);
    }
    for who in 0..2 {
        let of: Vec<_> = taken.iter().filter(|message| message.0 == who).collect();
        assert!(of.is_sorted_by(|a, b| a.1 < b.1), "{of:?}");
    }
}

macro_rules! suites {
    ($($way:ident: $Way:ident),* $(,)?) => {
        $(mod $way {
            policies!($Way, wait: Wait, reject: Reject, drop_newest: DropNewest, drop_oldest: DropOldest,
                latest: Latest, divert: Divert, fail: Fail, conflate: Conflate);
        })*
    };
}

macro_rules! policies {
    ($Way:ident, $($policy:ident: $Policy:ident),* $(,)?) => {
        $(mod $policy {
            tests!($Way, $Policy,
                smoke, capacity, try_tell_reports_what_the_policy_does, order_per_sender, close_then_drain,
                closing_wakes_a_sleeping_receiver, receiver_drop_accounts, permits,
                a_permit_takes_its_place_when_it_is_sent, reserve_many, reserve_many_after_some_were_taken,
                cancel_waiting_tell_gives_its_place_up, a_tell_that_was_granted_is_sent_though_nobody_looks,
                fifo_of_waiting_senders, closing_gives_waiting_senders_their_messages_back, sender_drop_closes,
                weak_upgrade, pressure_edges, reconfigure_live, reconfigure_lets_waiting_senders_in, recv_many,
                dead_letters_by_reason, threads);
        })*
    };
}

macro_rules! tests {
    ($Way:ident, $Policy:ident, $($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            crate::$name(crate::Case { way: crate::Way::$Way, policy: crate::Policy::$Policy });
        })*
    };
}

suites! {
    push_bounded: PushBounded,
    push_unbounded: PushUnbounded,
    pull_manual: PullManual,
    pull_one_by_one: PullOneByOne,
    pull_window: PullWindow,
    pull_max_in_flight: PullMaxInFlight,
    adaptive: Adaptive,
}

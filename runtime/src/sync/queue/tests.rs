//! The queue on one thread: everything that needs no second one to go wrong.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, atomic};

use proptest::prelude::*;

use super::*;

const WRAP: u64 = 1 << 43;

fn noop() -> &'static Waker {
    Waker::noop()
}

/// Makes a queue and its consumer in place, since a consumer is bound to the
/// queue's address.
macro_rules! open {
    ($queue:ident, $consumer:ident, $terms:expr) => {
        open!($queue, $consumer, $terms, 0);
    };
    ($queue:ident, $consumer:ident, $terms:expr, $start:expr) => {
        let $queue = Queue::starting_at($terms, $start);
        #[allow(unused_mut)]
        let mut $consumer = $queue.consumer().expect("a new queue has its consumer");
    };
}

fn taken<T>(queue: &Queue<T>, consumer: &mut Consumer<T>) -> Vec<T> {
    std::iter::from_fn(|| consumer.try_take(queue)).collect()
}

fn limit<T>(queue: &Queue<T>) -> u64 {
    sequence(queue.published.0.limit.load(Relaxed))
}

fn slots<T>(queue: &Queue<T>) -> u64 {
    queue.published.0.ring_len.load(Relaxed)
}

#[test]
fn one_consumer_is_given_out() {
    open!(queue, _consumer, Terms::push(1));
    let _: &Queue<u8> = &queue;
    assert!(queue.consumer().is_none());
}

#[test]
fn a_bound_is_a_bound_whatever_the_number() {
    for capacity in [1, 2, 3, 5, 16, 17, 100, 1000] {
        open!(queue, consumer, Terms::push(capacity));
        for n in 0..capacity {
            assert_eq!(queue.try_put(n), Ok(()), "{n} of {capacity}");
        }
        assert_eq!(queue.try_put(capacity), Err((Refusal::Full, capacity)));
        assert_eq!((queue.len(), queue.free()), (capacity, 0));
        assert_eq!(taken(&queue, &mut consumer), (0..capacity).collect::<Vec<_>>());
        assert_eq!(queue.try_put(0), Err((Refusal::Full, 0)), "room counts once it is published");
        consumer.publish(&queue);
        assert_eq!((queue.len(), queue.free()), (0, capacity));
        assert_eq!(queue.try_put(0), Ok(()));
    }
}

#[test]
fn sequences_run_over_without_harm() {
    for start in [WRAP - 1, WRAP - 7, WRAP - 40, 5 * WRAP - 3] {
        for capacity in [1, 3, 8, 33] {
            open!(queue, consumer, Terms::push(capacity), start);
            let mut next = 0;
            for round in 0..60 {
                while queue.try_put(next).is_ok() {
                    next += 1;
                }
                assert_eq!((queue.len(), queue.free()), (capacity, 0), "round {round} from {start}");
                assert_eq!(taken(&queue, &mut consumer), (next - capacity..next).collect::<Vec<_>>());
                consumer.publish(&queue);
                assert_eq!((queue.len(), queue.free()), (0, capacity));
            }
            assert_eq!(consumer.taken(), start + next);
        }
    }
}

#[test]
fn permits_and_demand_run_over_too() {
    open!(queue, consumer, Terms::pull(4), WRAP - 2);
    for n in 0..9 {
        assert_eq!(queue.try_reserve(1), Err(Refusal::NoDemand));
        consumer.request(&queue, 1);
        assert_eq!(consumer.demand(&queue), 1);
        assert_eq!(queue.try_reserve(1), Ok(()));
        assert_eq!(queue.free(), 0);
        assert_eq!(queue.put_reserved(n, |n| n), Ok(()));
        assert_eq!(consumer.try_take(&queue), Some(n));
        consumer.publish(&queue);
        assert_eq!(consumer.demand(&queue), 0);
    }
}

#[test]
fn growth_over_several_rings_keeps_order() {
    for start in [0, WRAP - 100] {
        open!(queue, consumer, Terms::push(MAX_CAPACITY), start);
        let mut sizes = Vec::new();
        for n in 0..20_000 {
            assert_eq!(queue.try_put(n), Ok(()));
            if sizes.last() != Some(&slots(&queue)) {
                sizes.push(slots(&queue));
            }
        }
        assert!(sizes.len() > 4 && sizes.is_sorted(), "{sizes:?}");
        assert_eq!(taken(&queue, &mut consumer), (0..20_000).collect::<Vec<_>>());
    }
}

/// The receiver is in the middle of a ring when the next one is laid, and a
/// ring or two behind later on.
#[test]
fn growth_behind_a_receiver_on_its_way_keeps_order() {
    open!(queue, consumer, Terms::push(MAX_CAPACITY));
    let (mut put, mut took) = (0, 0);
    for burst in [10, 20, 50, 3, 400, 1, 3000] {
        for _ in 0..burst {
            assert_eq!(queue.try_put(put), Ok(()));
            put += 1;
        }
        for _ in 0..burst / 2 {
            assert_eq!(consumer.try_take(&queue), Some(took));
            took += 1;
        }
        if burst % 2 == 0 {
            consumer.publish(&queue);
        }
    }
    assert_eq!(taken(&queue, &mut consumer), (took..put).collect::<Vec<_>>());
}

#[test]
fn storage_is_laid_when_needed_and_given_back_when_idle() {
    open!(queue, consumer, Terms::push(MAX_CAPACITY));
    assert!(!consumer.holds_storage(&queue));
    assert!(!consumer.retire(&queue), "there is nothing to give back");
    assert_eq!(queue.try_put(0), Ok(()));
    let small = slots(&queue);
    for round in 0..3 {
        for n in 1..5000 {
            assert_eq!(queue.try_put(n), Ok(()));
        }
        assert!(slots(&queue) >= 4096);
        assert!(!consumer.retire(&queue), "a mailbox in use keeps its storage");
        assert_eq!(taken(&queue, &mut consumer).len(), 5000);
        assert!(consumer.retire(&queue));
        assert!(!consumer.holds_storage(&queue));
        assert_eq!((slots(&queue), queue.len()), (0, 0));
        assert_eq!(queue.try_put(0), Ok(()), "round {round}");
        assert_eq!(slots(&queue), small);
    }
}

#[test]
fn a_bound_outlives_its_storage() {
    open!(queue, consumer, Terms::push(3), WRAP - 4);
    for round in 0..5 {
        for n in 0..3 {
            assert_eq!(queue.try_put(n), Ok(()), "round {round}");
        }
        assert_eq!(queue.try_put(3), Err((Refusal::Full, 3)));
        assert_eq!(taken(&queue, &mut consumer), [0, 1, 2]);
        assert!(consumer.retire(&queue));
    }
}

#[test]
fn permits_set_grants_aside_across_a_retirement() {
    open!(queue, consumer, Terms::push(4));
    assert_eq!(queue.try_reserve(3), Ok(()));
    assert_eq!(queue.try_put(0), Ok(()));
    assert_eq!(queue.try_put(1), Err((Refusal::Full, 1)));
    assert_eq!(queue.try_reserve(1), Err(Refusal::Full));
    assert_eq!(taken(&queue, &mut consumer), [0]);
    assert!(consumer.retire(&queue));
    assert_eq!(queue.try_put(1), Ok(()));
    assert_eq!(queue.try_put(9), Err((Refusal::Full, 9)));
    for n in 2..4 {
        assert_eq!(queue.put_reserved(n, |n| n), Ok(()));
    }
    queue.release_permits(1);
    assert_eq!(queue.try_put(4), Ok(()));
    assert_eq!(taken(&queue, &mut consumer), [1, 2, 3, 4]);
}

#[test]
fn there_are_so_many_permits_and_no_more() {
    open!(queue, consumer, Terms::push(MAX_CAPACITY));
    assert_eq!(queue.try_reserve(MAX_PERMITS), Ok(()));
    assert_eq!(queue.try_reserve(1), Err(Refusal::Full));
    assert_eq!(queue.try_put('a'), Ok(()), "permits are scarce, grants are not");
    queue.release_permits(MAX_PERMITS);
    assert_eq!(queue.try_reserve(1), Ok(()));
    assert_eq!(queue.put_reserved('b', |m| m), Ok(()));
    assert_eq!(taken(&queue, &mut consumer), ['a', 'b']);
}

#[test]
fn requests_add_up_and_stick_at_the_end() {
    open!(queue, consumer, Terms::pull(10));
    assert_eq!(queue.try_put(0), Err((Refusal::NoDemand, 0)));
    consumer.request(&queue, 0);
    assert_eq!((consumer.demand(&queue), queue.free()), (0, 0));
    consumer.request(&queue, 2);
    consumer.request(&queue, 3);
    assert_eq!((consumer.demand(&queue), queue.free()), (5, 5));
    consumer.request(&queue, u64::MAX - 6);
    assert_eq!((consumer.demand(&queue), queue.free()), (u64::MAX - 1, 10));
    consumer.request(&queue, 7);
    assert_eq!(consumer.demand(&queue), UNBOUNDED);
    for n in 0..10 {
        assert_eq!(queue.try_put(n), Ok(()));
    }
    assert_eq!(queue.try_put(10), Err((Refusal::Full, 10)));
    assert_eq!(taken(&queue, &mut consumer).len(), 10);
    assert_eq!(consumer.demand(&queue), UNBOUNDED, "without end, whatever was taken");
    consumer.request(&queue, u64::MAX);
    assert_eq!(consumer.demand(&queue), UNBOUNDED);
}

#[test]
fn what_was_granted_stays_granted() {
    open!(queue, consumer, Terms::push(6));
    assert_eq!(queue.try_put(0), Ok(()));
    queue.set_terms(&mut consumer, Terms::pull(2));
    assert_eq!((queue.free(), consumer.demand(&queue)), (5, 6));
    for n in 1..6 {
        assert_eq!(queue.try_put(n), Ok(()));
    }
    assert_eq!(queue.try_put(6), Err((Refusal::Full, 6)));
    assert_eq!(taken(&queue, &mut consumer).len(), 6);
    consumer.publish(&queue);
    assert_eq!(queue.try_put(6), Err((Refusal::NoDemand, 6)));
    consumer.request(&queue, 5);
    assert_eq!(queue.free(), 2, "the smaller capacity holds from here on");
    queue.set_terms(&mut consumer, Terms::push(3));
    assert_eq!(queue.free(), 3);
}

/// A mailbox without a bound has granted what its storage holds, not all that
/// memory could.
#[test]
fn a_bound_takes_hold_of_what_was_unbounded() {
    for terms in [Terms::push(8), Terms::pull(8)] {
        open!(queue, consumer, Terms::push(MAX_CAPACITY));
        for n in 0..100 {
            assert_eq!(queue.try_put(n), Ok(()));
        }
        assert_eq!(queue.try_reserve(5), Ok(()));
        queue.set_terms(&mut consumer, terms);
        let mut more = 0;
        while more < 1000 && queue.try_put(100).is_ok() {
            more += 1;
        }
        assert!(more < slots(&queue), "{more} more under {terms:?}");
        for _ in 0..5 {
            assert_eq!(queue.put_reserved(7, |n| n), Ok(()), "a permit is a grant");
        }
        assert_eq!(taken(&queue, &mut consumer).len() as u64, 105 + more);
        consumer.publish(&queue);
        consumer.request(&queue, 100);
        assert_eq!(queue.free(), 8);
    }
}

#[test]
fn waiting_senders_are_let_in_by_other_terms() {
    open!(queue, consumer, Terms::push(1));
    assert_eq!(queue.try_put(0), Ok(()));
    let first = queue.wait(Want::Put(1), noop()).expect("the mailbox is open");
    let second = queue.wait(Want::Permits(2), noop()).expect("the mailbox is open");
    assert_eq!(queue.waiting_senders(), 2);
    queue.set_terms(&mut consumer, Terms::push(3));
    assert!(matches!(queue.look(first, noop()), Outcome::Put(_)));
    let Outcome::Waiting(second) = queue.look(second, noop()) else { panic!("there is room for one only") };
    queue.set_terms(&mut consumer, Terms::push(4));
    assert!(matches!(queue.look(second, noop()), Outcome::Granted(2)));
    assert_eq!((queue.len(), queue.free(), queue.waiting_senders()), (2, 0, 0));
}

/// A message that counts how many of its kind there are.
#[derive(Debug)]
struct Counted(u64, Arc<AtomicUsize>);

impl Counted {
    fn new(n: u64, live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, atomic::Ordering::Relaxed);
        Self(n, Arc::clone(live))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, atomic::Ordering::Relaxed);
    }
}

#[test]
fn every_message_is_dropped_once() {
    for queued in [0, 1, 15, 16, 17, 300] {
        for took in [0, 1, 16, 200] {
            let live = Arc::new(AtomicUsize::new(0));
            let alive = || live.load(atomic::Ordering::Relaxed) as u64;
            open!(queue, consumer, Terms::push(MAX_CAPACITY));
            for n in 0..queued {
                assert!(queue.try_put(Counted::new(n, &live)).is_ok());
            }
            for _ in 0..took {
                drop(consumer.try_take(&queue));
            }
            assert_eq!(alive(), queued.saturating_sub(took));
            let mut buried = Vec::new();
            consumer.bury(&queue, |message| buried.push(message.0));
            assert_eq!(buried, (took..queued).collect::<Vec<_>>());
            assert_eq!(alive(), 0);
            let (refusal, message) = queue.try_put(Counted::new(9, &live)).expect_err("it is closed");
            assert_eq!((refusal, message.0, alive()), (Refusal::Closed, 9, 1));
            drop((consumer, queue));
        }
    }
}

#[test]
fn a_message_that_cannot_be_made_leaves_no_hole() {
    open!(queue, consumer, Terms::pull(4));
    consumer.request(&queue, 2);
    assert_eq!(queue.try_put(1), Ok(()));
    let failed =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| queue.try_put_with((), |()| panic!("no message"))));
    assert!(failed.is_err());
    assert_eq!(taken(&queue, &mut consumer), [1]);
    consumer.publish(&queue);
    assert_eq!(consumer.demand(&queue), 1, "its demand is there for another");
    assert_eq!(queue.try_put(2), Ok(()));
    assert_eq!(taken(&queue, &mut consumer), [2]);
}

#[test]
fn sealing_keeps_the_order_of_those_who_wait() {
    open!(queue, consumer, Terms::push(2));
    for n in 0..2 {
        assert_eq!(queue.try_put(n), Ok(()));
    }
    let tickets: Vec<_> = (2..4).map(|n| queue.wait(Want::Put(n), noop()).expect("open")).collect();
    let mut buffered = Vec::new();
    queue.seal(|message| buffered.push(message));
    assert!(queue.is_sealed());
    assert_eq!(buffered, [2, 3]);
    for ticket in tickets {
        assert!(matches!(queue.look(ticket, noop()), Outcome::Granted(0)));
    }
    assert_eq!(queue.try_put(4), Err((Refusal::Buffered, 4)));
    assert!(!queue.slots_drained(&consumer));
    assert_eq!(taken(&queue, &mut consumer), [0, 1]);
    assert!(queue.slots_drained(&consumer) && consumer.retire(&queue));
    // Two in the buffer become a backlog in front of new slots.
    queue.set_aside(2);
    queue.unseal();
    assert_eq!((queue.len(), queue.free()), (2, 0));
    for _ in 0..2 {
        consumer.count_buffered(&queue, true);
    }
    consumer.publish(&queue);
    assert_eq!((queue.len(), queue.free()), (0, 2));
    assert_eq!(queue.try_put(5), Ok(()));
    assert_eq!(taken(&queue, &mut consumer), [5]);
}

/// A message that was buffered counts like one that took a slot, over the end
/// of the sequences too.
#[test]
fn a_backlog_larger_than_the_first_ring_is_followed_by_slots() {
    open!(queue, consumer, Terms::push(200), WRAP - 20);
    queue.seal(|_: u64| unreachable!("nobody waits"));
    for _ in 0..50 {
        consumer.count_buffered(&queue, false);
    }
    queue.set_aside(100);
    queue.unseal();
    consumer.publish(&queue);
    assert_eq!((queue.len(), queue.free()), (100, 100));
    for n in 0..100 {
        assert_eq!(queue.try_put(n), Ok(()));
    }
    assert_eq!(queue.try_put(100), Err((Refusal::Full, 100)));
    for _ in 0..100 {
        consumer.count_buffered(&queue, true);
    }
    assert_eq!(taken(&queue, &mut consumer), (0..100).collect::<Vec<_>>());
}

// ---- against a plain model -------------------------------------------------

#[derive(Clone, Debug)]
enum Op {
    Put,
    Reserve(u64),
    Send,
    Release,
    Wait,
    WaitMany(u64),
    Leave(usize),
    Take,
    Publish,
    Request(u64),
    Terms(bool, u64),
    Park,
    Retire,
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    let request = prop_oneof![9 => 0u64..6, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 3)];
    let capacity = prop_oneof![9 => 1u64..9, 2 => 9u64..80, 1 => Just(MAX_CAPACITY)];
    prop_oneof![
        20 => Just(Op::Put),
        3 => (1u64..4).prop_map(Op::Reserve),
        3 => Just(Op::Send),
        2 => Just(Op::Release),
        3 => Just(Op::Wait),
        2 => (1u64..5).prop_map(Op::WaitMany),
        2 => (0usize..4).prop_map(Op::Leave),
        14 => Just(Op::Take),
        6 => Just(Op::Publish),
        6 => request.prop_map(Op::Request),
        2 => (any::<bool>(), capacity).prop_map(|(push, capacity)| Op::Terms(push, capacity)),
        2 => Just(Op::Park),
        2 => Just(Op::Retire),
        1 => Just(Op::Close),
    ]
}

/// The rule of the gate in whole numbers, without storage.
struct Model {
    queued: VecDeque<u64>,
    accepted: u64,
    taken: u64,
    published: u64,
    permits: u64,
    capacity: u64,
    requested: u64,
    floor: u64,
    closed: bool,
    storage: bool,
    waiting: VecDeque<(u64, Want<u64>)>,
    granted: Vec<u64>,
    refused: Vec<u64>,
}

impl Model {
    fn allowed(&self) -> u64 {
        self.requested.min(self.published + self.capacity).max(self.floor)
    }

    fn used(&self) -> u64 {
        self.accepted + self.permits
    }

    fn refusal(&self, n: u64) -> Option<Refusal> {
        let room = self.published + self.capacity > self.used();
        match () {
            () if self.closed => Some(Refusal::Closed),
            () if !self.waiting.is_empty() => Some(Refusal::Full),
            () if self.used() + n <= self.allowed() => None,
            () if self.requested != UNBOUNDED && room => Some(Refusal::NoDemand),
            () => Some(Refusal::Full),
        }
    }

    fn accept(&mut self, message: u64) {
        self.queued.push_back(message);
        self.accepted += 1;
        self.storage = true;
    }

    fn publish(&mut self) {
        self.published = self.taken;
    }

    /// `stored` is how far the queue's storage goes, if it has any.
    fn terms(&mut self, push: bool, capacity: u64, stored: u64) {
        self.publish();
        // Bounded terms have granted all that they allow.
        let bounded = self.allowed() - self.published < MAX_CAPACITY;
        let granted = match (bounded, self.storage) {
            (true, _) => self.allowed(),
            (false, true) => stored.max(self.used()),
            (false, false) => self.used(),
        };
        self.floor = granted;
        self.capacity = capacity;
        self.requested = match (push, self.requested) {
            (true, _) => UNBOUNDED,
            (false, UNBOUNDED) => granted,
            (false, requested) => requested,
        };
    }

    /// In order, as long as there are grants.
    fn grant(&mut self) {
        if self.closed {
            self.refused.extend(self.waiting.drain(..).map(|(id, _)| id));
        }
        while let Some((_, want)) = self.waiting.front() {
            let need = if let Want::Permits(n) = want { *n } else { 1 };
            if self.used() + need > self.allowed() {
                break;
            }
            let Some((id, want)) = self.waiting.pop_front() else { unreachable!("looked at above") };
            self.granted.push(id);
            match want {
                Want::Put(message) => self.accept(message),
                Want::Permits(n) => self.permits += n,
            }
        }
    }
}

/// Runs the operations on both and compares after each.
fn agree(start: u64, terms: Terms, ops: &[Op]) {
    let live = Arc::new(AtomicUsize::new(0));
    open!(queue, consumer, terms, start);
    let mut model = Model {
        queued: VecDeque::new(),
        accepted: start,
        taken: start,
        published: start,
        permits: 0,
        capacity: terms.capacity,
        requested: terms.requested.map_or(UNBOUNDED, |n| start + n),
        floor: start,
        closed: false,
        storage: false,
        waiting: VecDeque::new(),
        granted: Vec::new(),
        refused: Vec::new(),
    };
    let mut tickets: Vec<(u64, Ticket)> = Vec::new();
    let mut next = 0;
    let (mut stored, mut seen) = (false, limit(&queue));
    let plain = |(refusal, item): (Refusal, Counted)| (refusal, item.0);
    for op in ops {
        next += 1;
        match *op {
            Op::Put => {
                let refused = model.refusal(1);
                let put = queue.try_put(Counted::new(next, &live)).map_err(plain);
                assert_eq!(put, refused.map_or(Ok(()), |refusal| Err((refusal, next))));
                if refused.is_none() {
                    model.accept(next);
                }
            }
            Op::Reserve(n) => {
                let refused = model.refusal(n);
                assert_eq!(queue.try_reserve(n), refused.map_or(Ok(()), Err));
                if refused.is_none() {
                    model.permits += n;
                }
            }
            Op::Send if model.permits > 0 => {
                let put = queue.put_reserved(next, |n| Counted::new(n, &live));
                model.permits -= 1;
                if model.closed {
                    assert_eq!(put, Err((Refusal::Closed, next)));
                } else {
                    assert_eq!(put, Ok(()));
                    model.accept(next);
                }
            }
            Op::Release if model.permits > 0 => {
                queue.release_permits(1);
                model.permits -= 1;
            }
            Op::Send | Op::Release => {}
            Op::Wait => match queue.wait(Want::Put(Counted::new(next, &live)), noop()) {
                Ok(ticket) => {
                    tickets.push((next, ticket));
                    model.waiting.push_back((next, Want::Put(next)));
                }
                Err((refusal, _)) => assert!(model.closed && refusal == Refusal::Closed),
            },
            Op::WaitMany(n) => match queue.wait(Want::Permits(n), noop()) {
                Ok(ticket) => {
                    tickets.push((next, ticket));
                    model.waiting.push_back((next, Want::Permits(n)));
                }
                Err((refusal, _)) => assert!(model.closed && refusal == Refusal::Closed),
            },
            Op::Leave(at) => {
                if at < tickets.len() {
                    let (id, ticket) = tickets.remove(at);
                    let left = queue.leave(&ticket).map(|message| message.0);
                    let waited = model.waiting.iter().position(|(other, _)| *other == id);
                    let want = waited.and_then(|place| model.waiting.remove(place));
                    assert_eq!(
                        left,
                        match want {
                            Some((_, Want::Put(message))) => Some(message),
                            _ => None,
                        }
                    );
                }
            }
            Op::Take => {
                let message = consumer.try_take(&queue).map(|message| message.0);
                assert_eq!(message, model.queued.pop_front());
                model.taken += u64::from(message.is_some());
            }
            Op::Publish => {
                consumer.publish(&queue);
                model.publish();
            }
            Op::Request(n) => {
                consumer.request(&queue, n);
                model.requested = model.requested.saturating_add(n);
            }
            Op::Terms(push, capacity) => {
                consumer.publish(&queue);
                let reach = start + ahead(limit(&queue), start).max(0) as u64;
                let terms = if push { Terms::push(capacity) } else { Terms::pull(capacity) };
                queue.set_terms(&mut consumer, terms);
                model.terms(push, capacity, reach);
            }
            Op::Park => {
                let sleeps = consumer.park(&queue, noop());
                model.publish();
                model.grant();
                assert_eq!(sleeps, model.queued.is_empty() && !model.closed);
            }
            Op::Retire => {
                let retired = consumer.retire(&queue);
                model.publish();
                model.grant();
                assert_eq!(retired, model.storage && !model.closed && model.queued.is_empty());
                model.storage &= !retired;
            }
            Op::Close => {
                queue.close();
                model.closed = true;
            }
        }
        model.grant();
        tickets = tickets
            .into_iter()
            .filter_map(|(id, ticket)| match queue.look(ticket, noop()) {
                Outcome::Waiting(ticket) => Some((id, ticket)),
                Outcome::Granted(n) => {
                    let place = model.granted.iter().position(|granted| *granted == id);
                    assert!(place.is_some(), "{id} was granted {n} out of turn");
                    model.granted.swap_remove(place.unwrap_or_default());
                    None
                }
                Outcome::Put(_) => {
                    let place = model.granted.iter().position(|granted| *granted == id);
                    assert!(place.is_some(), "{id} was let in out of turn");
                    model.granted.swap_remove(place.unwrap_or_default());
                    None
                }
                Outcome::Refused(message) => {
                    assert!(model.refused.contains(&id), "{id} was refused");
                    assert!(message.is_none_or(|message| message.0 == id));
                    None
                }
            })
            .collect();

        assert_eq!(queue.waiting_senders(), model.waiting.len());
        assert_eq!(queue.len(), model.accepted - model.published);
        let free = model.allowed().saturating_sub(model.used());
        assert_eq!(queue.free(), if model.closed { 0 } else { free.min(MAX_CAPACITY) }, "after {op:?}");
        assert_eq!(
            consumer.demand(&queue),
            match model.requested {
                UNBOUNDED => UNBOUNDED,
                requested => requested.saturating_sub(model.taken),
            }
        );
        // It starts again with new storage.
        assert!(!stored || ahead(limit(&queue), seen) >= 0, "the limit moved back after {op:?}");
        (stored, seen) = (model.storage, limit(&queue));
        let waiting = model.waiting.iter().filter(|(_, want)| matches!(want, Want::Put(_))).count();
        assert_eq!(live.load(atomic::Ordering::Relaxed), model.queued.len() + waiting);
    }
    for (_, ticket) in tickets {
        drop(queue.leave(&ticket));
        model.waiting.clear();
        model.grant();
    }
    let mut buried = Vec::new();
    consumer.bury(&queue, |message| buried.push(message.0));
    let granted = buried.iter().skip(model.queued.len()).count();
    assert!(buried.iter().take(model.queued.len()).eq(&model.queued), "{buried:?} and {granted} let in at the end");
    assert_eq!(live.load(atomic::Ordering::Relaxed), 0);
}

proptest! {
    /// The gate is arithmetic: whatever is done, it answers as the rule says.
    #[test]
    fn the_queue_keeps_to_its_rule(
        start in prop::sample::select(vec![0, WRAP - 3, WRAP - 30, 3 * WRAP - 100]),
        terms in prop::sample::select(vec![
            Terms::push(1), Terms::push(3), Terms::push(20), Terms::push(MAX_CAPACITY), Terms::pull(1), Terms::pull(7),
        ]),
        ops in prop::collection::vec(op(), 1..250),
    ) {
        agree(start, terms, &ops);
    }

    /// Terms after terms, with and without storage: no grant is taken back.
    #[test]
    fn the_limit_never_moves_back(changes in prop::collection::vec((any::<bool>(), 1u64..40, 0usize..30, 0usize..30), 1..60)) {
        open!(queue, consumer, Terms::push(8));
        let (mut allowed, mut seen) = (queue.allowed(), limit(&queue));
        for (push, capacity, puts, takes) in changes {
            queue.set_terms(&mut consumer, if push { Terms::push(capacity) } else { Terms::pull(capacity) });
            for _ in 0..puts {
                let _ = queue.try_put(0);
            }
            for _ in 0..takes {
                consumer.try_take(&queue);
            }
            prop_assert!(queue.allowed() >= allowed);
            prop_assert!(limit(&queue) >= seen);
            (allowed, seen) = (queue.allowed(), limit(&queue));
        }
    }
}

//! The queue of waiting senders: first in, first out, and out at any time.
//!
//! A waiting sender leaves its message here (or the number of permits it wants)
//! and whoever makes room hands the grant over in order: the message moves
//! into its slot on the sender's behalf, so a sender that has been granted has
//! nothing left to do and nobody can slip in between. Nodes live in a slab and
//! are linked by index: leaving from the middle, when a future is dropped, is
//! O(1) and needs no pinning. All of it happens under one lock.

use std::task::Waker;

const NIL: u32 = u32::MAX;

/// What a waiting sender wants.
#[derive(Debug)]
pub(crate) enum Want<T> {
    /// To have this message put into the mailbox.
    Put(T),
    /// This many permits at once.
    Permits(u64),
}

/// How a node stands.
#[derive(Debug)]
enum State<T> {
    Waiting(Want<T>),
    /// The permits are the sender's; 0 for a message that went in.
    Granted(u64),
    /// The message was put at this sequence.
    Put(u64),
    /// The mailbox closed first; the message goes back.
    Refused(Option<T>),
    Free,
}

#[derive(Debug)]
struct Node<T> {
    state: State<T>,
    waker: Option<Waker>,
    previous: u32,
    next: u32,
    /// Tells a node from its predecessors in the same place.
    turn: u32,
}

/// A waiting sender's hold on its node. Not `Clone`: one future, one node.
#[derive(Debug)]
pub(crate) struct Ticket {
    index: u32,
    turn: u32,
}

/// Where a node that has just been granted lies; good under the same lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u32);

/// What a sender learns when it looks at its node.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Waiting(Ticket),
    /// That many permits are its own; 0 for a message that is in.
    Granted(u64),
    /// Its message is in, at this sequence.
    Put(u64),
    Refused(Option<T>),
}

/// What a sender that gives up leaves behind.
#[derive(Debug)]
pub(crate) enum Left<T> {
    /// It was still waiting; this is what it wanted.
    Waiting(Want<T>),
    /// It held this many permits already (0 for a message that went in).
    Granted(u64),
    Refused(Option<T>),
}

/// Waiting senders in order of arrival. Costs a pointer while nobody waits.
#[derive(Debug)]
pub(crate) struct Waiters<T>(Option<Box<List<T>>>);

#[derive(Debug)]
struct List<T> {
    nodes: Vec<Node<T>>,
    free: Vec<u32>,
    head: u32,
    tail: u32,
    waiting: usize,
}

impl<T> Waiters<T> {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.waiting)
    }

    /// Joins the end of the queue.
    pub(crate) fn join(&mut self, want: Want<T>, waker: Waker) -> Ticket {
        self.0.get_or_insert_with(|| Box::new(List::new())).join(want, waker)
    }

    /// What the first in the queue wants.
    pub(crate) fn first(&self) -> Option<&Want<T>> {
        self.0.as_ref()?.first()
    }

    /// Takes the first out of the queue: what it wanted is the caller's to
    /// carry out, and the waker the caller's to call once the lock is free.
    pub(crate) fn grant_first(&mut self) -> Option<(Place, Want<T>, Option<Waker>)> {
        self.0.as_mut()?.grant_first()
    }

    /// Tells the first that what it wants will never be.
    pub(crate) fn refuse_first(&mut self, wakers: &mut Vec<Waker>) {
        if let Some(list) = &mut self.0 {
            list.refuse_first(wakers);
        }
    }

    /// Takes the first out of the queue without a permit: there is room.
    pub(crate) fn let_first_in(&mut self) -> Option<(Want<T>, Option<Waker>)> {
        let list = self.0.as_mut()?;
        let (Place(index), want, waker) = list.grant_first()?;
        list.nodes[index as usize].state = State::Granted(0);
        Some((want, waker))
    }

    /// A granted message was put at `sequence`.
    pub(crate) fn note_put(&mut self, place: Place, sequence: u64) {
        if let Some(list) = &mut self.0 {
            list.nodes[place.0 as usize].state = State::Put(sequence);
        }
    }

    /// The receiver went away while a granted message was put: it goes back.
    pub(crate) fn take_back(&mut self, place: Place, item: T) {
        if let Some(list) = &mut self.0 {
            list.nodes[place.0 as usize].state = State::Refused(Some(item));
        }
    }

    /// Tells everybody that the mailbox has closed.
    pub(crate) fn refuse_all(&mut self, wakers: &mut Vec<Waker>) {
        if let Some(list) = &mut self.0 {
            list.refuse_all(wakers);
        }
    }

    /// A sender looks at its node; while it waits, `waker` is the one to wake.
    /// A waker that this replaces is left in `old`.
    pub(crate) fn look(&mut self, ticket: Ticket, waker: &Waker, old: &mut Option<Waker>) -> Outcome<T> {
        let outcome = self.list().look(ticket, waker, old);
        self.tidy();
        outcome
    }

    /// A sender gives up.
    pub(crate) fn leave(&mut self, ticket: &Ticket) -> Left<T> {
        let left = self.list().leave(ticket);
        self.tidy();
        left
    }

    fn list(&mut self) -> &mut List<T> {
        match &mut self.0 {
            Some(list) => list,
            None => unreachable!("a ticket holds its node"),
        }
    }

    /// After a crowd the memory is given back; a few places stay, for
    /// mailboxes that are waited for all the time.
    fn tidy(&mut self) {
        if self.0.as_ref().is_some_and(|list| list.free.len() == list.nodes.len() && list.nodes.len() > 4) {
            self.0 = None;
        }
    }
}

impl<T> List<T> {
    const fn new() -> Self {
        Self { nodes: Vec::new(), free: Vec::new(), head: NIL, tail: NIL, waiting: 0 }
    }

    fn join(&mut self, want: Want<T>, waker: Waker) -> Ticket {
        let node = Node { state: State::Waiting(want), waker: Some(waker), previous: self.tail, next: NIL, turn: 0 };
        let index = if let Some(index) = self.free.pop() {
            let place = &mut self.nodes[index as usize];
            let turn = place.turn.wrapping_add(1);
            *place = Node { turn, ..node };
            index
        } else {
            self.nodes.push(node);
            (self.nodes.len() - 1) as u32
        };
        match self.tail {
            NIL => self.head = index,
            last => self.nodes[last as usize].next = index,
        }
        self.tail = index;
        self.waiting += 1;
        Ticket { index, turn: self.nodes[index as usize].turn }
    }

    fn first(&self) -> Option<&Want<T>> {
        if self.head == NIL {
            return None;
        }
        match &self.nodes[self.head as usize].state {
            State::Waiting(want) => Some(want),
            _ => None,
        }
    }

    fn grant_first(&mut self) -> Option<(Place, Want<T>, Option<Waker>)> {
        let index = self.head;
        if index == NIL {
            return None;
        }
        self.unlink(index);
        let node = &mut self.nodes[index as usize];
        let State::Waiting(want) = std::mem::replace(&mut node.state, State::Free) else { return None };
        node.state = State::Granted(match want {
            Want::Put(_) => 0,
            Want::Permits(n) => n,
        });
        Some((Place(index), want, node.waker.take()))
    }

    fn refuse_all(&mut self, wakers: &mut Vec<Waker>) {
        while self.head != NIL {
            self.refuse_first(wakers);
        }
    }

    fn refuse_first(&mut self, wakers: &mut Vec<Waker>) {
        let Some((Place(index), want, waker)) = self.grant_first() else { return };
        self.nodes[index as usize].state = State::Refused(match want {
            Want::Put(item) => Some(item),
            Want::Permits(_) => None,
        });
        wakers.extend(waker);
    }

    fn look(&mut self, ticket: Ticket, waker: &Waker, old: &mut Option<Waker>) -> Outcome<T> {
        let node = &mut self.nodes[ticket.index as usize];
        debug_assert_eq!(node.turn, ticket.turn, "a node outlives its ticket");
        match std::mem::replace(&mut node.state, State::Free) {
            State::Waiting(want) => {
                node.state = State::Waiting(want);
                if !node.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
                    *old = node.waker.replace(waker.clone());
                }
                Outcome::Waiting(ticket)
            }
            State::Granted(n) => {
                self.release(ticket.index);
                Outcome::Granted(n)
            }
            State::Put(sequence) => {
                self.release(ticket.index);
                Outcome::Put(sequence)
            }
            State::Refused(item) => {
                self.release(ticket.index);
                Outcome::Refused(item)
            }
            State::Free => unreachable!("a ticket holds its node"),
        }
    }

    fn leave(&mut self, ticket: &Ticket) -> Left<T> {
        let index = ticket.index;
        debug_assert_eq!(self.nodes[index as usize].turn, ticket.turn, "a node outlives its ticket");
        let left = match std::mem::replace(&mut self.nodes[index as usize].state, State::Free) {
            State::Waiting(want) => {
                self.unlink(index);
                Left::Waiting(want)
            }
            State::Granted(n) => Left::Granted(n),
            State::Put(_) => Left::Granted(0),
            State::Refused(item) => Left::Refused(item),
            State::Free => unreachable!("a ticket holds its node"),
        };
        self.release(index);
        left
    }

    fn unlink(&mut self, index: u32) {
        let (previous, next) = {
            let node = &self.nodes[index as usize];
            (node.previous, node.next)
        };
        match previous {
            NIL => self.head = next,
            p => self.nodes[p as usize].next = next,
        }
        match next {
            NIL => self.tail = previous,
            n => self.nodes[n as usize].previous = previous,
        }
        self.waiting -= 1;
    }

    fn release(&mut self, index: u32) {
        let node = &mut self.nodes[index as usize];
        node.state = State::Free;
        node.waker = None;
        self.free.push(index);
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    fn waker() -> Waker {
        Waker::noop().clone()
    }

    #[test]
    fn first_in_first_out_with_leaving_from_the_middle() {
        let mut waiters = Waiters::new();
        let tickets: Vec<_> = (0..5).map(|n| waiters.join(Want::Put(n), waker())).collect();
        assert!(matches!(waiters.leave(&tickets[2]), Left::Waiting(Want::Put(2))));
        let mut order = Vec::new();
        while let Some((_, Want::Put(n), _)) = waiters.grant_first() {
            order.push(n);
        }
        assert_eq!(order, [0, 1, 3, 4]);
        for (n, ticket) in tickets.into_iter().enumerate().filter(|(n, _)| *n != 2) {
            assert!(matches!(waiters.look(ticket, &waker(), &mut None), Outcome::Granted(0)), "{n}");
        }
        assert!(waiters.first().is_none());
        assert_eq!(waiters.len(), 0);
    }

    #[test]
    fn closing_hands_messages_back() {
        let mut waiters = Waiters::new();
        let put = waiters.join(Want::Put("message"), waker());
        let permits = waiters.join(Want::Permits(3), waker());
        let mut wakers = Vec::new();
        waiters.refuse_all(&mut wakers);
        assert_eq!(wakers.len(), 2);
        assert!(matches!(waiters.look(put, &waker(), &mut None), Outcome::Refused(Some("message"))));
        assert!(matches!(waiters.leave(&permits), Left::Refused(None)));
    }

    #[test]
    fn a_node_is_reused_and_memory_given_back() {
        let mut waiters = Waiters::new();
        let tickets: Vec<_> = (0..8).map(|n| waiters.join(Want::Put(n), waker())).collect();
        for ticket in &tickets {
            waiters.leave(ticket);
        }
        assert!(waiters.0.is_none());
        let again = waiters.join(Want::Put(9), waker());
        assert!(matches!(waiters.leave(&again), Left::Waiting(Want::Put(9))));
    }
}

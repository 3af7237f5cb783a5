//! Models of the gate. Two or three threads, one or two messages each, rings of
//! two slots: what goes wrong at all goes wrong there.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Consumer, Queue, Refusal, Terms};
use crate::sync::modelling::{Message, block_on};
use crate::sync::shim::Arc;
use crate::sync::waiters::{Outcome, Ticket, Want};

mod claims;
mod ending;
mod permits;
mod pressure;
mod storage;
mod terms;
mod waiting;

type Shared = Arc<Queue<Message>>;

fn queue(terms: Terms) -> (Shared, Consumer<Message>) {
    queue_at(terms, 0)
}

fn queue_at(terms: Terms, start: u64) -> (Shared, Consumer<Message>) {
    let queue = Arc::new(Queue::starting_at(terms, start));
    let consumer = queue.consumer().expect("it is given out once");
    (queue, consumer)
}

const fn pull(capacity: u64, requested: u64) -> Terms {
    Terms { capacity, requested: Some(requested) }
}

/// Waits for the next message, as a receiver does; `None` when it is drained.
fn receive(queue: &Shared, consumer: &mut Consumer<Message>) -> Option<Message> {
    block_on(poll_fn(|cx| {
        loop {
            if let Some(message) = consumer.try_take(queue) {
                return Poll::Ready(Some(message));
            }
            if consumer.is_drained(queue) {
                return Poll::Ready(None);
            }
            if consumer.park(queue, cx.waker()) {
                return Poll::Pending;
            }
        }
    }))
}

/// Receives all that comes until the queue is closed and drained.
fn drain(queue: &Shared, consumer: &mut Consumer<Message>) -> Vec<u32> {
    std::iter::from_fn(|| receive(queue, consumer)).map(|message| message.id()).collect()
}

/// Takes all that is there.
fn taken(queue: &Shared, consumer: &mut Consumer<Message>) -> Vec<u32> {
    std::iter::from_fn(|| consumer.try_take(queue)).map(|message| message.id()).collect()
}

/// What is in the queue for good: it is closed, and emptied.
fn bury(queue: &Shared, consumer: &mut Consumer<Message>) -> Vec<u32> {
    let mut buried = Vec::new();
    consumer.bury(queue, |message| buried.push(message.id()));
    buried
}

/// A sender that waits: to have a message put, or for permits.
struct Waits<'a> {
    queue: &'a Queue<Message>,
    want: Option<Want<Message>>,
    ticket: Option<Ticket>,
}

/// Puts `message`, waiting for a grant. `Err` with it if the queue is closed.
fn send(queue: &Queue<Message>, message: Message) -> Waits<'_> {
    Waits { queue, want: Some(Want::Put(message)), ticket: None }
}

/// Waits for `n` permits.
fn reserve(queue: &Queue<Message>, n: u64) -> Waits<'_> {
    Waits { queue, want: Some(Want::Permits(n)), ticket: None }
}

impl Waits<'_> {
    fn try_now(&self, want: Want<Message>) -> Result<(), (Refusal, Want<Message>)> {
        match want {
            Want::Put(message) => self.queue.try_put(message).map_err(|(why, back)| (why, Want::Put(back))),
            Want::Permits(n) => self.queue.try_reserve(n).map_err(|why| (why, Want::Permits(n))),
        }
    }
}

impl Future for Waits<'_> {
    type Output = Result<(), Option<Message>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(want) = self.want.take() {
            let want = match self.try_now(want) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err((Refusal::Closed, Want::Put(message))) => return Poll::Ready(Err(Some(message))),
                Err((Refusal::Closed, Want::Permits(_))) => return Poll::Ready(Err(None)),
                Err((_, want)) => want,
            };
            match self.queue.wait(want, cx.waker()) {
                Ok(ticket) => self.ticket = Some(ticket),
                Err((Refusal::Closed, Want::Put(message))) => return Poll::Ready(Err(Some(message))),
                Err(_) => return Poll::Ready(Err(None)),
            }
        }
        let ticket = self.ticket.take().expect("polled no more once it is ready");
        match self.queue.look(ticket, cx.waker()) {
            Outcome::Waiting(ticket) => {
                self.ticket = Some(ticket);
                Poll::Pending
            }
            Outcome::Granted(_) | Outcome::Put(_) => Poll::Ready(Ok(())),
            Outcome::Refused(message) => Poll::Ready(Err(message)),
        }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            drop(self.queue.leave(&ticket));
        }
    }
}

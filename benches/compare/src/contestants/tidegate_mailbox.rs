//! tidegate's mailbox without an actor: what is to be held against channels.

use tidegate::mailbox::{self, Admission, Push, Receiver, SendError, Sender};

use super::channel::{self, Bounded, Item, Unbounded};
use crate::lineup::{Kind, Lineup};

pub(crate) fn lineup() -> Lineup {
    channel::lineup::<Pushed, PushedUnbounded>("tidegate mailbox", Kind::TidegateMailbox)
}

struct Pushed;

impl Bounded for Pushed {
    type Sender<T: Item> = Sender<T>;
    type Receiver<T: Item> = Receiver<T>;
    type Sent = Admission;
    type Lost<T: Item> = SendError<T>;

    fn channel<T: Item>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        mailbox::channel(Push::bounded(capacity))
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> impl Future<Output = Result<Self::Sent, Self::Lost<T>>> + Send {
        to.tell(item)
    }

    fn recv<T: Item>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send {
        from.recv()
    }
}

struct PushedUnbounded;

impl Unbounded for PushedUnbounded {
    type Sender<T: Item> = Sender<T>;
    type Receiver<T: Item> = Receiver<T>;

    fn channel<T: Item>() -> (Self::Sender<T>, Self::Receiver<T>) {
        mailbox::channel(Push::unbounded())
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> bool {
        to.try_tell(item).is_ok()
    }

    fn recv<T: Item>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send {
        from.recv()
    }
}

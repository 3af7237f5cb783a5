//! The channels that are measured between two or more tokio tasks.

use crossfire::{AsyncRx, MAsyncTx, mpsc as crossfire_mpsc};
use tokio::sync::mpsc;

use super::channel::{self, Bounded, Item, Unbounded};
use crate::lineup::{Entry, Kind, Lineup};

pub(crate) fn lineups() -> Vec<Lineup> {
    vec![
        channel::lineup::<Tokio, TokioUnbounded>("tokio mpsc", Kind::Channel),
        tokio_in_batches(),
        channel::lineup::<Flume, FlumeUnbounded>("flume", Kind::Channel),
        channel::lineup::<Kanal, KanalUnbounded>("kanal", Kind::Channel),
        channel::lineup::<Crossfire, CrossfireUnbounded>("crossfire", Kind::Channel),
    ]
}

/// tokio's mpsc as most programs use it: one `recv` a message.
struct Tokio;

impl Bounded for Tokio {
    type Sender<T: Item> = mpsc::Sender<T>;
    type Receiver<T: Item> = mpsc::Receiver<T>;
    type Sent = ();
    type Lost<T: Item> = mpsc::error::SendError<T>;

    fn channel<T: Item>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        mpsc::channel(capacity)
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> impl Future<Output = Result<Self::Sent, Self::Lost<T>>> + Send {
        to.send(item)
    }

    fn recv<T: Item>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send {
        from.recv()
    }
}

struct TokioUnbounded;

impl Unbounded for TokioUnbounded {
    type Sender<T: Item> = mpsc::UnboundedSender<T>;
    type Receiver<T: Item> = mpsc::UnboundedReceiver<T>;

    fn channel<T: Item>() -> (Self::Sender<T>, Self::Receiver<T>) {
        mpsc::unbounded_channel()
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> bool {
        to.send(item).is_ok()
    }

    fn recv<T: Item>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send {
        from.recv()
    }
}

/// tokio's mpsc with `recv_many`: the receiver takes what is there in one go.
struct TokioBatched;

/// Messages taken at a time, and the receiver they came from.
struct Batched<T> {
    /// Newest first, so that the next one is popped off the end.
    taken: Vec<T>,
    from: mpsc::Receiver<T>,
}

/// More at a time did not make it faster.
const BATCH: usize = 256;

impl Bounded for TokioBatched {
    type Sender<T: Item> = mpsc::Sender<T>;
    type Receiver<T: Item> = Batched<T>;
    type Sent = ();
    type Lost<T: Item> = mpsc::error::SendError<T>;

    fn channel<T: Item>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        let (to, from) = mpsc::channel(capacity);
        (to, Batched { taken: Vec::with_capacity(BATCH), from })
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> impl Future<Output = Result<Self::Sent, Self::Lost<T>>> + Send {
        to.send(item)
    }

    async fn recv<T: Item>(from: &mut Self::Receiver<T>) -> Option<T> {
        if from.taken.is_empty() {
            from.from.recv_many(&mut from.taken, BATCH).await;
            from.taken.reverse();
        }
        from.taken.pop()
    }
}

fn tokio_in_batches() -> Lineup {
    const ONE: Entry = Entry::Cannot("one message at a time: nothing to batch");
    Lineup {
        ping_pong: ONE,
        unbounded: Entry::Cannot("measured bounded only"),
        ring: ONE,
        spawn: ONE,
        ask: ONE,
        idle: Entry::Cannot("as tokio mpsc, and its batch"),
        ..channel::lineup::<TokioBatched, TokioUnbounded>("tokio mpsc, recv_many", Kind::Aside)
    }
}

struct Flume;

impl Bounded for Flume {
    type Sender<T: Item> = flume::Sender<T>;
    type Receiver<T: Item> = flume::Receiver<T>;
    type Sent = ();
    type Lost<T: Item> = flume::SendError<T>;

    fn channel<T: Item>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        flume::bounded(capacity)
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> impl Future<Output = Result<Self::Sent, Self::Lost<T>>> + Send {
        to.send_async(item)
    }

    async fn recv<T: Item>(from: &mut Self::Receiver<T>) -> Option<T> {
        from.recv_async().await.ok()
    }
}

struct FlumeUnbounded;

impl Unbounded for FlumeUnbounded {
    type Sender<T: Item> = flume::Sender<T>;
    type Receiver<T: Item> = flume::Receiver<T>;

    fn channel<T: Item>() -> (Self::Sender<T>, Self::Receiver<T>) {
        flume::unbounded()
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> bool {
        to.send(item).is_ok()
    }

    async fn recv<T: Item>(from: &mut Self::Receiver<T>) -> Option<T> {
        from.recv_async().await.ok()
    }
}

struct Kanal;

impl Bounded for Kanal {
    type Sender<T: Item> = kanal::AsyncSender<T>;
    type Receiver<T: Item> = kanal::AsyncReceiver<T>;
    type Sent = ();
    type Lost<T: Item> = kanal::SendError;

    fn channel<T: Item>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        kanal::bounded_async(capacity)
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> impl Future<Output = Result<Self::Sent, Self::Lost<T>>> + Send {
        to.send(item)
    }

    async fn recv<T: Item>(from: &mut Self::Receiver<T>) -> Option<T> {
        from.recv().await.ok()
    }
}

struct KanalUnbounded;

impl Unbounded for KanalUnbounded {
    type Sender<T: Item> = kanal::Sender<T>;
    type Receiver<T: Item> = kanal::AsyncReceiver<T>;

    fn channel<T: Item>() -> (Self::Sender<T>, Self::Receiver<T>) {
        let (to, from) = kanal::unbounded();
        (to, from.to_async())
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> bool {
        to.send(item).is_ok()
    }

    async fn recv<T: Item>(from: &mut Self::Receiver<T>) -> Option<T> {
        from.recv().await.ok()
    }
}

/// crossfire's many-to-one flavour: what a mailbox needs.
struct Crossfire;

impl Bounded for Crossfire {
    type Sender<T: Item> = MAsyncTx<crossfire_mpsc::Array<T>>;
    type Receiver<T: Item> = AsyncRx<crossfire_mpsc::Array<T>>;
    type Sent = ();
    type Lost<T: Item> = crossfire::SendError<T>;

    fn channel<T: Item>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        crossfire_mpsc::bounded_async(capacity)
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> impl Future<Output = Result<Self::Sent, Self::Lost<T>>> + Send {
        to.send(item)
    }

    async fn recv<T: Item>(from: &mut Self::Receiver<T>) -> Option<T> {
        from.recv().await.ok()
    }
}

struct CrossfireUnbounded;

impl Unbounded for CrossfireUnbounded {
    type Sender<T: Item> = crossfire::MTx<crossfire_mpsc::List<T>>;
    type Receiver<T: Item> = AsyncRx<crossfire_mpsc::List<T>>;

    fn channel<T: Item>() -> (Self::Sender<T>, Self::Receiver<T>) {
        crossfire_mpsc::unbounded_async()
    }

    fn send<T: Item>(to: &Self::Sender<T>, item: T) -> bool {
        to.send(item).is_ok()
    }

    async fn recv<T: Item>(from: &mut Self::Receiver<T>) -> Option<T> {
        from.recv().await.ok()
    }
}

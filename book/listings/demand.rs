//! Listings of the chapter "Demand end to end".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_util::StreamExt;
use tidegate::flow::{Demand, Emitter, End, Held, Inlet, Source, Subscription, source};
use tidegate::prelude::*;
use tokio::task::yield_now;

/// Lets everything run until nothing is left to do.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// Numbers from 0, and how many of them have been read.
fn counted() -> (impl Source<Item = u64>, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&read);
    let numbers = (0..).inspect(move |_| {
        counter.fetch_add(1, Relaxed);
    });
    (source::iter(numbers), read)
}

/// Handles what it is sent when it is let.
struct Press {
    gate: Arc<tokio::sync::Semaphore>,
}

impl Actor for Press {
    type Msg = u64;
    async fn handle(&mut self, _page: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        if let Ok(pass) = self.gate.acquire().await {
            pass.forget();
        }
        Ok(())
    }
}

fn press(system: &System) -> (ActorRef<u64>, Arc<tokio::sync::Semaphore>) {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    (system.spawn(Press { gate: Arc::clone(&gate) }, Push::bounded(64)), gate)
}

#[tokio::test]
async fn a_source_is_read_as_far_as_it_is_asked() {
    let system = System::new();
    let (press, gate) = press(&system);
    let (pages, read) = counted();
    // ANCHOR: window
    let subscription = system.subscribe(pages, &press, Demand::window(4));
    settle().await;
    // One is in the handler, and three wait: more is asked for when two do.
    assert_eq!(read.load(Relaxed), 4);

    gate.add_permits(10);
    settle().await;
    assert_eq!(press.stats().taken, 11); // ten are done, and one is in the handler
    // At most the window waits, besides the one in the handler.
    assert!(read.load(Relaxed) <= 10 + 1 + 4);
    // ANCHOR_END: window
    drop(subscription);
}

#[tokio::test]
async fn demand_by_hand() {
    let system = System::new();
    let (pages, read) = counted();
    // ANCHOR: manual
    let mut items = system.items(pages, Demand::manual());
    settle().await;
    assert_eq!(read.load(Relaxed), 0);

    items.subscription().request(2);
    items.subscription().request(1); // adds up
    settle().await;
    assert_eq!(read.load(Relaxed), 3);
    assert_eq!(items.next().await.unwrap().unwrap(), 0);
    // ANCHOR_END: manual
}

// ANCHOR: held
struct Uploads {
    under_way: Vec<Held<u64>>,
}

impl Actor for Uploads {
    type Msg = Held<u64>;
    async fn handle(&mut self, page: Held<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
        // The upload goes on after this handler: the page is in flight until it is
        // dropped.
        self.under_way.push(page);
        Ok(())
    }
}
// ANCHOR_END: held

#[tokio::test]
async fn what_is_held_is_in_flight() {
    let system = System::new();
    let uploads = system.spawn(Uploads { under_way: Vec::new() }, Push::bounded(64));
    let (pages, read) = counted();
    // ANCHOR: holding
    let inlet = Inlet::holding(&uploads, |page| page);
    let _subscription = system.subscribe(pages, inlet, Demand::max_in_flight(3));
    settle().await;
    assert_eq!(uploads.stats().handled, 3);
    assert_eq!(read.load(Relaxed), 3); // and no more before one is dropped
    // ANCHOR_END: holding
}

// ANCHOR: emitter
/// A sensor: an async function that gets the emitter.
fn sensor() -> impl Source<Item = u64> {
    source::from_fn(|mut emitter: Emitter<u64>| async move {
        for reading in 0.. {
            // Waits until a reading is wanted, and takes it only then.
            let Ok(wanted) = emitter.ready().await else {
                return; // nobody wants any more
            };
            assert!(wanted.get() >= 1);
            if reading == 3 {
                return emitter.fail(Fault::msg("the sensor is wet"));
            }
            if emitter.send(reading).await.is_err() {
                return;
            }
        }
    })
}
// ANCHOR_END: emitter

#[tokio::test]
async fn ends_come_after_the_items() {
    // ANCHOR: end
    let system = System::new();
    let mut items = system.items(sensor(), Demand::window(8));
    let mut seen = Vec::new();
    while let Some(item) = items.next().await {
        seen.push(item.map_err(|fault| fault.to_string()));
    }
    assert_eq!(seen, [Ok(0), Ok(1), Ok(2), Err("the sensor is wet".to_owned())]);
    // ANCHOR_END: end
}

// ANCHOR: actor
enum Msg {
    Page(u64),
    NoMore(End),
}

/// Subscribes for itself, in every life: dropping the subscription cancels it.
struct Reader {
    pages: Option<Subscription>,
    last: u64,
}

impl Actor for Reader {
    type Msg = Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let inlet = Inlet::new(&cx.me(), Msg::Page).on_end(Msg::NoMore);
        self.pages = Some(cx.system().subscribe(source::iter(1..=20), inlet, Demand::window(4)));
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Page(page) => self.last = page,
            Msg::NoMore(end) => {
                assert!(end.is_completed() && self.last == 20);
                cx.stop();
            }
        }
        Ok(())
    }
}
// ANCHOR_END: actor

#[tokio::test]
async fn an_actor_hears_of_the_end() {
    let system = System::new();
    let reader = system.spawn(Reader { pages: None, last: 0 }, Push::bounded(8));
    assert!(matches!(reader.stopped().await, StopReason::Stopped));
}

#[tokio::test]
async fn cancelling_lets_the_source_go() {
    let system = System::new();
    let (press, _gate) = press(&system);
    // ANCHOR: cancel
    let (pages, read) = counted();
    let source = Arc::downgrade(&read);
    drop(read);
    let subscription = system.subscribe(pages, &press, Demand::window(4));
    settle().await;
    assert!(source.upgrade().is_some());

    drop(subscription);
    settle().await;
    assert!(source.upgrade().is_none()); // the iterator has been dropped
    // ANCHOR_END: cancel
    // What was sent before still comes: one in the handler, three that wait.
    assert_eq!(press.len(), 3);
}

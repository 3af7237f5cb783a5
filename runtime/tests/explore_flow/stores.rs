//! Notify, then fetch; and the two ends of a link.

use std::num::NonZeroU64;
use std::time::Duration;

use futures_util::StreamExt;
use tidegate::explore::{Shared, Sim};
use tidegate::flow::Demand;
use tidegate::flow::link::{Consumer, Producer, Signal, Timing, ToConsumer, ToProducer};
use tidegate::flow::news::{Follow, Log, follow};
use tidegate::{Mode, prelude::*};

use super::support::{alike, pause};

#[test]
fn a_store_that_is_followed() {
    alike(|sim: Sim| async move {
        let store = Log::retaining(1);
        let source = follow(store.clone(), store.notices(), Follow::from_start().never_poll().page(1));
        let mut items = sim.system().items(source, Demand::window(1));
        let appending = sim.spawn("appending", async move {
            store.append(1u32).unwrap();
            pause().await;
            store.append(2).unwrap();
            pause().await;
            store.close();
        });
        let mut got = Vec::new();
        while let Some(Ok(news)) = items.next().await {
            got.push(news.into_item().map(|item| *item));
        }
        appending.await;
        got
    });
}

/// An end of a link each, and what it has to say to the other.
struct Sends {
    end: Producer<u32>,
    to: Option<ActorRef<ToConsumer<u32>>>,
    left: Vec<u32>,
}

enum Told {
    Where(ActorRef<ToConsumer<u32>>),
    Frame(ToProducer),
}

impl Actor for Sends {
    type Msg = Told;

    async fn handle(&mut self, told: Told, _: &mut Context<Self>) -> Result<(), Fault> {
        match told {
            Told::Where(to) => self.to = Some(to),
            Told::Frame(frame) => self.end.handle_frame(frame, Duration::ZERO),
        }
        let Some(to) = &self.to else { return Ok(()) };
        while self.end.allowance() > 0 && !self.left.is_empty() {
            let _ = self.end.try_send(self.left.remove(0), Duration::ZERO);
        }
        if self.left.is_empty() {
            self.end.complete(Duration::ZERO);
        }
        while let Some(frame) = self.end.poll_frame() {
            let _ = to.tell(frame).await;
        }
        Ok(())
    }
}

struct Gets {
    end: Consumer<u32>,
    to: ActorRef<Told>,
    log: Shared<Vec<u32>>,
}

impl Actor for Gets {
    type Msg = ToConsumer<u32>;

    async fn started(&mut self, _: &mut Context<Self>) -> Result<(), Fault> {
        self.say().await;
        Ok(())
    }

    async fn handle(&mut self, frame: ToConsumer<u32>, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.end.handle_frame(frame, Duration::ZERO);
        while let Some(signal) = self.end.poll_signal() {
            match signal {
                Signal::Item { item, .. } => self.log.with(|log| log.push(item)),
                _ => cx.stop(),
            }
        }
        self.say().await;
        Ok(())
    }
}

impl Gets {
    async fn say(&mut self) {
        while let Some(frame) = self.end.poll_frame() {
            let _ = self.to.tell(Told::Frame(frame)).await;
        }
    }
}

#[test]
fn two_ends_of_a_link() {
    alike(|sim: Sim| async move {
        let window = NonZeroU64::new(1).unwrap();
        let log = Shared::new(Vec::new());
        let end = Producer::new(7, window, Timing::default());
        let sends = sim.system().spawn(Sends { end, to: None, left: vec![1] }, Push::bounded(4));
        let end = Consumer::new(7, Mode::Push, window, Timing::default(), Duration::ZERO);
        let gets = sim.system().spawn(Gets { end, to: sends.clone(), log: log.clone() }, Push::bounded(4));
        sends.tell(Told::Where(gets.clone())).await.unwrap();
        pause().await;
        let seen = log.get().len();
        gets.stopped().await;
        sends.stop();
        sends.stopped().await;
        (seen, log.get())
    });
}

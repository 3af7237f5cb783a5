//! Listings of the chapter "Patterns".

use std::time::Duration;

use tidegate::pattern::{Behaving, Behavior};
use tidegate::prelude::*;
use tidegate::{Deadline, DropReason, ManualExecutor};

const MS: Duration = Duration::from_millis(1);

// ANCHOR: behavior
/// A turnstile: locked until a coin comes, and again behind each visitor.
enum Turnstile {
    Locked { refused: u32 },
    Unlocked,
}

enum Event {
    Coin,
    Push,
    Refused(Reply<u32>),
}

impl Behavior for Turnstile {
    type Msg = Event;

    async fn handle(self, event: Event, cx: &mut Context<Behaving<Self>>) -> Result<Self, Fault> {
        Ok(match (self, event) {
            (Self::Locked { .. }, Event::Coin) => {
                // An unlocked turnstile locks itself again after a while.
                cx.timers().after("lock", 5000 * MS, Event::Push);
                Self::Unlocked
            }
            (Self::Locked { refused }, Event::Push) => Self::Locked { refused: refused + 1 },
            (Self::Locked { refused }, Event::Refused(reply)) => {
                let _ = reply.send(refused);
                Self::Locked { refused }
            }
            (Self::Unlocked, Event::Push) => {
                cx.timers().cancel("lock");
                cx.unstash_all();
                Self::Locked { refused: 0 }
            }
            (Self::Unlocked, Event::Coin) => Self::Unlocked,
            // Nobody was refused yet: answered when it is locked again.
            (Self::Unlocked, question) => {
                cx.stash(question).map_err(|full| Fault::msg(full.to_string()))?;
                Self::Unlocked
            }
        })
    }
}
// ANCHOR_END: behavior

// ANCHOR: behavior_run
#[test]
fn a_turnstile() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let turnstile = system.spawn(Behaving::new(Turnstile::Locked { refused: 0 }), Push::bounded(8));
    for event in [Event::Push, Event::Push] {
        turnstile.try_tell(event).unwrap();
    }
    assert_eq!(executor.block_on(turnstile.ask(Event::Refused)).unwrap(), 2);

    turnstile.try_tell(Event::Coin).unwrap();
    // Asked while it is open: answered when the timer has locked it.
    assert_eq!(executor.block_on(turnstile.ask(Event::Refused)).unwrap(), 0);
    assert_eq!(tidegate::Executor::now(&executor), 5000 * MS);
}
// ANCHOR_END: behavior_run

// ANCHOR: expiry
/// Slow: 30 ms for each price.
#[derive(Default)]
struct Quotes {
    asked: u32,
}

#[actor]
impl Quotes {
    #[message]
    async fn price(&mut self, cx: &mut Context<Self>) -> u32 {
        self.asked += 1;
        cx.sleep(30 * MS).await;
        42
    }

    /// Worth nothing any more after `until`.
    #[message]
    fn hint(&mut self, _what: &'static str, until: Deadline) {
        assert!(!until.has_passed());
    }

    #[message]
    fn asked(&self) -> u32 {
        self.asked
    }
}
// ANCHOR_END: expiry

// ANCHOR: expiry_run
#[tokio::test(start_paused = true)]
async fn what_comes_too_late_is_not_handled() {
    let quotes = System::new().spawn(Quotes::default(), Push::bounded(64));
    // Ten askers with 100 ms of patience, for work that takes 300.
    let askers: Vec<_> = (0..10)
        .map(|_| {
            let quotes = quotes.clone();
            tokio::spawn(async move { quotes.ask_within(100 * MS, |reply| QuotesMsg::Price { reply }).await })
        })
        .collect();
    tokio::task::yield_now().await;
    quotes.try_hint("look at gold", Deadline::within(50 * MS, &quotes)).unwrap();
    let mut answered = 0;
    for asker in askers {
        answered += u32::from(asker.await.unwrap().is_ok());
    }
    assert_eq!(answered, 3);
    // The fourth was being handled when its asker gave up. The other six, and
    // the hint, cost nothing: the actor is free again at once.
    assert_eq!(quotes.asked().await.unwrap(), 4);
    assert_eq!(quotes.stats().drops.of(DropReason::Expired), 7);
}
// ANCHOR_END: expiry_run

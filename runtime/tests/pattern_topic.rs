//! Topics: who gets a message, who misses it, and who is held up.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::pin::pin;

use support::{Jittery, Log, Random, manual, ms, poll_once, start};
use tidegate::pattern::{Lag, Lagged, Published, Topic};
use tidegate::prelude::*;
use tidegate::{DropReason, ManualExecutor, Pull};

/// Notes what it gets, each in its time.
struct Reader {
    log: Log,
    takes: std::time::Duration,
}

enum Msg {
    News(u64),
    Lagged(Lagged),
    Fail,
}

impl Actor for Reader {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::News(n) => {
                if !self.takes.is_zero() {
                    cx.sleep(self.takes).await;
                }
                self.log.add(n);
            }
            Msg::Lagged(lagged) => {
                let end = if lagged.is_disconnected() { ", disconnected" } else { "" };
                self.log.add(format_args!("missed {}{end}", lagged.take()));
            }
            Msg::Fail => return Err(Fault::msg("told to")),
        }
        Ok(())
    }
}

struct Subscriber {
    actor: ActorRef<Msg>,
    log: Log,
}

impl Subscriber {
    fn new(system: &System, takes: u64, mailbox: impl Into<Mailbox<Msg>>) -> Self {
        let log = Log::default();
        let noted = log.clone();
        let make = move || Reader { log: noted.clone(), takes: ms(takes) };
        let restart = Restart::on_failure();
        Self { actor: system.build(make).mailbox(mailbox).restart(restart).spawn(), log }
    }

    fn news(&self) -> ActorRef<u64> {
        self.actor.map(Msg::News)
    }
}

fn published(reached: usize, skipped: usize) -> (usize, usize) {
    (reached, skipped)
}

fn counts(published: Published) -> (usize, usize) {
    (published.reached, published.skipped)
}

#[test]
fn everybody_who_subscribes_gets_every_message_in_order() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let readers = [(); 3].map(|()| Subscriber::new(&system, 0, Push::bounded(8)));
    let _subscriptions = readers.each_ref().map(|reader| topic.subscribe(&reader.news(), Lag::Skip));
    for n in 0..5 {
        assert_eq!(counts(topic.clone().publish(n)), published(3, 0));
    }
    executor.run_until_idle();
    assert!(readers.iter().all(|reader| reader.log.numbers() == [0, 1, 2, 3, 4]));
}

#[test]
fn nothing_comes_before_and_after_a_subscription() {
    let (executor, system) = manual();
    let topic = Topic::new();
    assert_eq!(topic.publish(0), Published::default());
    let reader = Subscriber::new(&system, 0, Push::bounded(8));
    let subscription = topic.subscribe(&reader.news(), Lag::Skip);
    topic.publish(1);
    assert_eq!((subscription.reached(), subscription.is_ended()), (1, false));
    drop(subscription);
    topic.publish(2);
    topic.subscribe(&reader.news(), Lag::Skip).until_stopped();
    topic.publish(3);
    executor.run_until_idle();
    assert_eq!((reader.log.numbers(), topic.len()), (vec![1, 3], 1));
}

#[test]
fn a_subscriber_that_never_reads_harms_nobody_and_its_losses_are_counted() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let (quick, stuck) =
        (Subscriber::new(&system, 0, Push::bounded(16)), Subscriber::new(&system, 1_000_000, Push::bounded(16)));
    let _quick = topic.subscribe(&quick.news(), Lag::Skip);
    let slow = topic.subscribe(&stuck.news(), Lag::Skip);
    for n in 0..10_000 {
        topic.publish(n);
        executor.run_until_idle();
    }
    assert_eq!(quick.log.numbers().len(), 10_000);
    // Sixteen in its queue and one in its handler.
    assert_eq!((slow.reached(), slow.skipped()), (17, 9_983));
    assert_eq!(stuck.actor.len(), 16, "no more memory than its bound");
    assert_eq!(stuck.actor.stats().drops.of(DropReason::Lagged), 9_983);
    assert_eq!(system.dead_letters().counts().of(DropReason::Lagged), 9_983);
    let stats = topic.subscribers();
    assert_eq!(stats.iter().map(|stats| stats.skipped).collect::<Vec<_>>(), [0, 9_983]);
    assert_eq!((stats[1].id, &stats[1].path, stats[1].lag), (stuck.actor.id(), stuck.actor.path(), Lag::Skip));
}

#[test]
fn what_was_missed_is_among_the_dead_letters_with_its_mailbox() {
    let (_executor, system) = manual();
    let topic = Topic::new();
    let reader = Subscriber::new(&system, 0, Push::bounded(1));
    let letters = Log::default();
    let note = letters.clone();
    let _listener = system.dead_letters().subscribe(move |letter| {
        let message = letter.message.as_ref().and_then(|message| message.downcast_ref::<u64>());
        note.add(format_args!("{} {} {message:?}", letter.mailbox, letter.reason));
    });
    let _subscription = topic.subscribe(&reader.news(), Lag::Skip);
    (0..3).for_each(|n| _ = topic.publish(n));
    let path = reader.actor.path();
    assert_eq!(letters.all(), [format!("{path} lagged Some(1)"), format!("{path} lagged Some(2)")]);
}

#[test]
fn the_mailboxs_own_policy_comes_first() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let with = |overflow| Subscriber::new(&system, 0, Push::bounded(2).overflow(overflow));
    let (newest, oldest, rejecting) = (with(Overflow::DropNewest), with(Overflow::DropOldest), with(Overflow::Reject));
    let subscriptions = [&newest, &oldest, &rejecting].map(|reader| topic.subscribe(&reader.news(), Lag::Skip));
    (0..3).for_each(|n| _ = topic.publish(n));
    let last = topic.publish(3);
    assert_eq!((last.reached, last.dropped, last.skipped), (1, 1, 1));
    executor.run_until_idle();
    assert_eq!(newest.log.numbers(), [0, 1]);
    assert_eq!(oldest.log.numbers(), [2, 3]);
    assert_eq!(rejecting.log.numbers(), [0, 1]);
    assert_eq!(subscriptions.each_ref().map(|subscription| subscription.skipped()), [0, 0, 2]);
}

#[test]
fn a_subscriber_that_pulls_gets_what_it_asks_for() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let asleep = Subscriber::new(&system, 0, Pull::manual().capacity(8));
    let pulling = Subscriber::new(&system, 0, Pull::one_by_one());
    let (none, one) = (topic.subscribe(&asleep.news(), Lag::Skip), topic.subscribe(&pulling.news(), Lag::Skip));
    executor.run_until_idle();
    topic.publish(1);
    topic.publish(2);
    executor.run_until_idle();
    assert_eq!(((none.reached(), none.skipped()), (one.reached(), one.skipped())), ((0, 2), (1, 1)));
}

#[test]
fn a_publisher_waits_only_for_those_who_wait_and_only_if_it_wants_to() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let (patient, other) =
        (Subscriber::new(&system, 10, Push::bounded(1)), Subscriber::new(&system, 0, Push::bounded(8)));
    let waited_for = topic.subscribe(&patient.news(), Lag::Wait);
    let _other = topic.subscribe(&other.news(), Lag::Skip);
    for n in 0..2 {
        assert_eq!(counts(topic.publish(n)), published(2, 0));
        executor.run_until_idle();
    }
    assert_eq!(counts(topic.publish(2)), published(1, 1), "who does not wait goes on");

    let mut waiting = pin!(topic.publish_waiting(3));
    assert!(poll_once(waiting.as_mut()).is_pending());
    executor.run_until_idle();
    assert_eq!(other.log.numbers(), [0, 1, 2, 3], "the others have it meanwhile");
    assert_eq!(counts(executor.block_on(waiting)), published(2, 0));
    executor.advance(ms(100));
    assert_eq!((patient.log.numbers(), waited_for.skipped()), (vec![0, 1, 3], 1));
}

#[test]
fn a_publisher_that_gives_up_waiting_leaves_a_loss_that_is_counted() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let patient = Subscriber::new(&system, 0, Push::bounded(1));
    let subscription = topic.subscribe(&patient.news(), Lag::Wait);
    topic.publish(0);
    {
        let mut waiting = pin!(topic.publish_waiting(1));
        assert!(poll_once(waiting.as_mut()).is_pending());
    }
    assert_eq!((subscription.reached(), subscription.skipped()), (1, 1));
    executor.run_until_idle();
    topic.publish(2);
    executor.run_until_idle();
    assert_eq!(patient.log.numbers(), [0, 2]);
}

#[test]
fn who_is_waited_for_and_ends_holds_nobody_up() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let patient = Subscriber::new(&system, 1_000_000, Push::bounded(1));
    let _subscription = topic.subscribe(&patient.news(), Lag::Wait);
    for n in 0..2 {
        topic.publish(n);
        executor.run_until_idle();
    }
    let waiting = start(&executor, {
        let topic = topic.clone();
        async move { topic.publish_waiting(2).await }
    });
    executor.run_until_idle();
    assert!(waiting.take().is_none());
    patient.actor.kill();
    executor.run_until_idle();
    assert_eq!(waiting.take(), Some(Published::default()));
    assert!(topic.is_empty());
}

#[test]
fn a_laggard_that_is_to_be_disconnected_gets_no_more() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let reader = Subscriber::new(&system, 0, Push::bounded(1));
    let subscription = topic.subscribe(&reader.news(), Lag::Disconnect).notify(&reader.actor.map(Msg::Lagged));
    topic.publish(0);
    let published = topic.publish(1);
    assert_eq!((published.skipped, published.disconnected), (1, 1));
    executor.run_until_idle();
    assert_eq!(topic.publish(2), Published::default());
    executor.run_until_idle();
    assert_eq!(reader.log.all(), ["missed 1, disconnected", "0"]);
    assert_eq!((subscription.is_ended(), subscription.skipped(), topic.len()), (true, 1, 0));
}

#[test]
fn a_subscriber_is_told_of_all_that_it_missed_by_one_notice_at_a_time() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let reader = Subscriber::new(&system, 0, Push::bounded(2));
    let subscription = topic.subscribe(&reader.news(), Lag::Skip);
    (0..3).for_each(|n| _ = topic.publish(n));
    let subscription = subscription.notify(&reader.actor.map(Msg::Lagged));
    (3..10).for_each(|n| _ = topic.publish(n));
    executor.run_until_idle();
    assert_eq!(reader.log.take(), ["missed 8", "0", "1"]);
    (10..15).for_each(|n| _ = topic.publish(n));
    executor.run_until_idle();
    assert_eq!(reader.log.take(), ["missed 3", "10", "11"]);
    assert_eq!(subscription.skipped(), 11);
}

#[test]
fn a_notice_that_nobody_looks_at_does_not_silence_the_next() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let reader = Subscriber::new(&system, 0, Push::bounded(1));
    // Looks at every second notice.
    let looked = std::sync::Mutex::new(false);
    let listener = reader.actor.map(move |lagged: Lagged| {
        let mut looked = support::lock(&looked);
        *looked = !*looked;
        if *looked { Msg::News(lagged.is_disconnected().into()) } else { Msg::Lagged(lagged) }
    });
    let _subscription = topic.subscribe(&reader.news(), Lag::Skip).notify(&listener);
    topic.publish(7);
    topic.publish(8);
    topic.publish(9);
    executor.run_until_idle();
    assert_eq!(reader.log.all(), ["0", "missed 2", "7"]);
}

#[test]
fn a_subscription_outlives_a_restart_and_ends_with_the_subscriber() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let reader = Subscriber::new(&system, 0, Push::bounded(8));
    let subscription = topic.subscribe(&reader.news(), Lag::Skip);
    reader.actor.try_tell(Msg::Fail).unwrap();
    topic.publish(1);
    executor.run_until_idle();
    executor.advance(ms(10));
    assert_eq!(reader.log.numbers(), [1]);
    reader.actor.stop();
    executor.run_until_idle();
    assert!(topic.is_empty() && subscription.is_ended());
    assert_eq!(topic.publish(2), Published::default());
    let late = topic.subscribe(&reader.news(), Lag::Wait);
    assert!(late.is_ended() && topic.is_empty(), "it has ended already");
}

#[test]
fn overflow_that_is_a_failure_ends_the_subscriber_and_loses_nothing_uncounted() {
    let (executor, system) = manual();
    let topic = Topic::new();
    let reader = Subscriber::new(&system, 0, Push::bounded(1).overflow(Overflow::Fail));
    let subscription = topic.subscribe(&reader.news(), Lag::Skip);
    topic.publish(0);
    let published = topic.publish(1);
    assert_eq!((published.skipped, published.disconnected, subscription.skipped()), (1, 1, 1));
    executor.run_until_idle();
    assert!(matches!(reader.actor.stop_reason(), Some(StopReason::Overflowed)));
}

#[test]
fn each_publishers_messages_stay_in_order_and_every_copy_is_accounted_for() {
    for seed in 0..30 {
        let mut random = Random(seed);
        let executor = ManualExecutor::new();
        let system = System::with_executor(Jittery::new(executor.clone(), seed));
        let topic = Topic::new();
        let readers: Vec<_> = (0..4)
            .map(|_| Subscriber::new(&system, 0, Push::bounded(usize::try_from(random.below(4) + 1).unwrap())))
            .collect();
        let lags = [Lag::Skip, Lag::Wait, Lag::Skip, Lag::Wait];
        let subscriptions: Vec<_> =
            readers.iter().zip(lags).map(|(reader, lag)| topic.subscribe(&reader.news(), lag)).collect();
        let jittery = Jittery::new(executor.clone(), !seed);
        let publishers: Vec<_> = (0..3)
            .map(|publisher: u64| {
                let (topic, mut random) = (topic.clone(), Random(random.next()));
                start(&jittery, async move {
                    for n in 0..60 {
                        let message = publisher * 1000 + n;
                        if random.below(2) == 0 {
                            topic.publish(message);
                        } else {
                            topic.publish_waiting(message).await;
                        }
                        if random.below(3) == 0 {
                            support::yield_now().await;
                        }
                    }
                })
            })
            .collect();
        executor.run_until_idle();
        assert!(publishers.iter().all(|publisher| publisher.take().is_some()), "seed {seed}");
        for (reader, subscription) in readers.iter().zip(&subscriptions) {
            let got = reader.log.numbers();
            assert_eq!(got.len() as u64, subscription.reached(), "seed {seed}");
            assert_eq!(subscription.reached() + subscription.skipped(), 180, "seed {seed}");
            assert_eq!(reader.actor.stats().drops.of(DropReason::Lagged), subscription.skipped(), "seed {seed}");
            let mut last = BTreeMap::new();
            for n in got {
                let before = last.insert(n / 1000, n);
                assert!(before.is_none_or(|before| before < n), "seed {seed}: {n} after {before:?}");
            }
        }
    }
}

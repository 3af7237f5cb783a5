//! Subscriptions into mailboxes that change their mode while items flow: the
//! rules S13 a to f, and switches that are seen.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Jittery, Random, lock, manual, ms};
use tidegate::flow::{Demand, End, Subscription, source};
use tidegate::prelude::*;
use tidegate::{ManualExecutor, Mode, SwitchReason};

/// How an item was handled.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Handled {
    item: u64,
    /// The mailbox's epoch and mode when it began and when it ended.
    began: (u64, Mode),
    ended: (u64, Mode),
}

/// Takes as long for each item as it is told to.
#[derive(Clone, Default)]
struct Log {
    handled: Arc<Mutex<Vec<Handled>>>,
    takes: Arc<Mutex<Duration>>,
    asks: Arc<Mutex<u64>>,
}

struct Sink(Log);

impl Actor for Sink {
    type Msg = u64;

    async fn handle(&mut self, item: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        let now = |cx: &Context<Self>| {
            let stats = cx.me().stats();
            (stats.epoch, stats.mode)
        };
        let began = now(cx);
        let takes = *lock(&self.0.takes);
        if !takes.is_zero() {
            cx.sleep(takes).await;
        }
        let ask = std::mem::take(&mut *lock(&self.0.asks));
        if ask > 0 {
            cx.request(ask);
        }
        lock(&self.0.handled).push(Handled { item, began, ended: now(cx) });
        Ok(())
    }
}

impl Log {
    fn items(&self) -> Vec<u64> {
        lock(&self.handled).iter().map(|handled| handled.item).collect()
    }

    fn len(&self) -> u64 {
        lock(&self.handled).len() as u64
    }

    fn take(&self, takes: Duration) {
        *lock(&self.takes) = takes;
    }

    fn ask_next_time(&self, n: u64) {
        *lock(&self.asks) = n;
    }
}

fn sink(system: &System, mailbox: impl Into<Mailbox<u64>>) -> (ActorRef<u64>, Log) {
    let log = Log::default();
    (system.spawn(Sink(log.clone()), mailbox), log)
}

fn numbers(system: &System, to: &ActorRef<u64>, n: u64, demand: Demand) -> Subscription {
    system.subscribe(source::iter(0..n), to, demand)
}

/// One item each millisecond, to an actor that keeps up, then does not, then does
/// again. The mailbox turns to pull and back, and says so while items flow.
#[test]
fn an_adaptive_mailbox_turns_to_pull_under_load_and_back_and_says_so_while_items_flow() {
    let (executor, system) = manual();
    let (actor, log) = sink(&system, Adaptive::window(64));
    log.take(ms(0));
    let flow = numbers(&system, &actor, 10_000, Demand::window(256).rate(1000, Duration::from_secs(1)));
    let seen = || {
        let inspection = system.inspect();
        let mailbox = inspection.actors[0].mailbox.clone();
        let flow = inspection.flows[0].clone();
        assert!(flow.sent - flow.done <= 256, "{flow}");
        let switches: Vec<_> = mailbox.switches.iter().map(|switch| (switch.epoch, switch.to, switch.reason)).collect();
        (mailbox, flow.sent, switches)
    };
    executor.advance(ms(500));
    let (mailbox, sent, switches) = seen();
    assert_eq!((mailbox.mode, mailbox.epoch, switches.len()), (Mode::Push, 0, 0));
    assert!(sent >= 400, "{sent}");

    log.take(ms(10));
    executor.advance(ms(1500));
    let (mailbox, under_load, switches) = seen();
    assert_eq!((mailbox.mode, mailbox.epoch), (Mode::Pull, 1));
    assert!(matches!(switches[..], [(1, Mode::Pull, SwitchReason::Exhausted | SwitchReason::Slower)]), "{switches:?}");
    assert!(under_load > sent && under_load < 10_000, "in the middle of the flow: {under_load}");
    assert!(mailbox.len <= 8, "an eighth of the window while it pulls: {}", mailbox.len);

    log.take(ms(0));
    executor.advance(ms(500));
    let (mailbox, relieved, switches) = seen();
    assert_eq!((mailbox.mode, mailbox.epoch), (Mode::Push, 2));
    assert_eq!(switches[1], (2, Mode::Push, SwitchReason::Relieved));
    assert!(relieved > under_load && relieved < 10_000, "in the middle of the flow: {relieved}");

    assert!(matches!(executor.block_on(flow.ended()), End::Completed));
    executor.advance(ms(10));
    assert_eq!(log.items(), (0..10_000).collect::<Vec<_>>());
}

/// S13 (a): what is queued stays, in its order.
#[test]
fn s13a_a_switch_changes_neither_what_is_queued_nor_its_order() {
    let modes: [fn() -> Mailbox<u64>; 4] = [
        || Push::bounded(32).into(),
        || Pull::window(4).into(),
        || Pull::one_by_one().into(),
        || Adaptive::window(16).into(),
    ];
    for from in modes {
        for to in modes {
            let (executor, system) = manual();
            let (actor, log) = sink(&system, from());
            log.take(ms(1));
            let flow = numbers(&system, &actor, 100, Demand::window(64));
            executor.advance(ms(10));
            let queued = actor.len();
            actor.reconfigure(to());
            assert_eq!(actor.len(), queued);
            assert!(matches!(executor.block_on(flow.ended()), End::Completed));
            executor.advance(ms(100));
            assert_eq!(log.items(), (0..100).collect::<Vec<_>>());
        }
    }
}

/// S13 (b): the mailbox refills under push, the handler under pull, and never
/// both: what the handler asks for under push adds nothing, and the mailbox adds
/// nothing under pull.
#[test]
fn s13b_exactly_one_side_refills() {
    let (executor, system) = manual();
    let (actor, log) = sink(&system, Push::bounded(8));
    log.take(ms(1));
    let flow = numbers(&system, &actor, 10_000, Demand::window(64));
    log.ask_next_time(1000);
    executor.advance(ms(50));
    let stats = actor.stats();
    assert_eq!((stats.requested, stats.mode), (None, Mode::Push), "demand without end, whatever was asked for");
    assert!(stats.limit.is_some_and(|limit| limit <= stats.taken + 8), "{stats:?}");

    actor.reconfigure(Pull::manual().capacity(8));
    executor.advance(ms(50));
    let stats = actor.stats();
    assert_eq!((stats.mode, stats.epoch, stats.len), (Mode::Pull, 1, 0), "all that was granted is handled");
    let (handled, limit) = (log.len(), stats.limit);
    executor.advance(ms(1000));
    assert_eq!((log.len(), actor.stats().limit), (handled, limit), "and nobody refills but the handler");
    drop(flow);
}

/// S13 (c): grants that were issued stay valid, and there are no others until
/// the handler asks.
#[test]
fn s13c_from_push_to_pull_grants_stay_and_none_are_added_until_the_handler_asks() {
    let (executor, system) = manual();
    let (actor, log) = sink(&system, Push::bounded(16));
    log.take(ms(10));
    // Half of the room is granted and not used: so far goes the demand.
    let flow = numbers(&system, &actor, 1000, Demand::max_in_flight(8));
    executor.advance(ms(15));
    actor.reconfigure(Pull::manual().capacity(16));
    executor.advance(ms(10));
    let after = actor.stats();
    assert_eq!(after.mode, Mode::Pull);
    let limit = after.limit.unwrap();
    assert!(limit <= after.taken + 16, "never more than there is room for: {after:?}");
    executor.advance(ms(1000));
    assert_eq!(log.len(), limit, "every grant that was issued, and not one more");
    assert_eq!(actor.stats().limit, Some(limit));
    drop(flow);
    assert_eq!(log.items(), (0..limit).collect::<Vec<_>>());
}

/// S13 (d): demand that is left is kept, and not granted twice.
#[test]
fn s13d_from_pull_to_push_and_back_demand_is_kept_and_granted_once() {
    let (executor, system) = manual();
    let (actor, log) = sink(&system, Pull::window(4));
    log.take(ms(10));
    let flow = numbers(&system, &actor, 1000, Demand::window(64));
    executor.advance(ms(25));
    let before = actor.stats();
    assert!(before.limit.unwrap() <= before.taken + 4, "{before:?}");
    actor.reconfigure(Push::bounded(8));
    executor.advance(ms(10));
    let pushed = actor.stats();
    assert!(pushed.limit.unwrap() <= pushed.taken + 8, "eight, and not those four besides: {pushed:?}");
    assert!(pushed.limit >= before.limit, "what was granted stays granted");
    actor.reconfigure(Pull::manual().capacity(8));
    executor.advance(ms(500));
    let pulled = actor.stats();
    assert_eq!((pulled.len, pulled.taken), (0, pulled.limit.unwrap()), "used up");
    let extra = pulled.limit.unwrap() - pushed.limit.unwrap();
    assert!(extra <= 2, "what came free until the switch, and nothing after: {extra}");
    assert_eq!(log.len(), pulled.taken);
    drop(flow);
}

/// S13 (e) and (f): a switch is between two items. Each belongs to the epoch that
/// it was taken under, and epochs follow each other as items do.
#[test]
fn s13e_each_item_is_handled_under_one_epoch_and_s13f_switches_are_ordered_with_deliveries() {
    let (executor, system) = manual();
    let (actor, log) = sink(&system, Push::bounded(8));
    log.take(ms(10));
    let flow = numbers(&system, &actor, 40, Demand::window(64));
    for n in 0..30 {
        // In the middle of a handler, each time.
        executor.advance(ms(10));
        match n % 3 {
            0 => actor.reconfigure(Pull::window(3)),
            1 => actor.reconfigure(Adaptive::window(8)),
            _ => actor.reconfigure(Push::bounded(8)),
        }
    }
    assert!(matches!(executor.block_on(flow.ended()), End::Completed));
    executor.advance(ms(200));
    let handled = lock(&log.handled).clone();
    assert_eq!(handled.len(), 40);
    // An order that comes in the middle of an item is the next one's.
    let next = |pair: &[Handled]| pair[0].ended == pair[1].began;
    assert!(handled.windows(2).all(next), "{handled:?}");
    assert!(handled.iter().all(|item| item.ended.0 - item.began.0 <= 1), "{handled:?}");
    assert!(handled.is_sorted_by_key(|item| item.began.0), "{handled:?}");
    let epochs = actor.stats().epoch;
    // From push to pull and from pull to push; from adaptive, which pushes at
    // first, to push nothing changes.
    assert_eq!(epochs, 20);
    let switches = actor.stats().switches;
    assert!(switches.windows(2).all(|pair| pair[0].epoch + 1 == pair[1].epoch && pair[0].to != pair[1].to));
}

/// A mailbox to be, and how far it may grant ahead.
fn by_chance(chance: &mut Random) -> (Mailbox<u64>, u64) {
    let size = 1 + chance.below(24);
    let n = size as usize;
    let mailbox = match chance.below(5) {
        0 => Push::bounded(n).into(),
        1 => Pull::window(n).into(),
        2 => Pull::max_in_flight(n).into(),
        3 => return (Pull::one_by_one().into(), 1),
        _ => Adaptive::window(n).into(),
    };
    (mailbox, size)
}

/// A thousand switches by chance under two subscriptions, in interleavings given
/// by the seed: nothing is lost, doubled or reordered, no grant goes further than
/// a mode's bound or what was granted before it, and no demand is overrun.
#[test]
fn a_thousand_switches_lose_nothing_and_keep_every_bound() {
    let (mut switches, mut epochs, mut adapted) = (0, 0, 0);
    for seed in 0..12 {
        let executor = ManualExecutor::new();
        let system = System::with_executor(Jittery::new(executor.clone(), seed));
        let mut chance = Random(seed ^ 0xada);
        let (mailbox, mut bound) = by_chance(&mut chance);
        let (actor, log) = sink(&system, mailbox);
        let (wide, narrow) = (1 + chance.below(40) as usize, 1 + chance.below(5) as usize);
        let flows = [
            system.subscribe(source::iter((0..4000u64).map(|n| 2 * n)), &actor, Demand::window(wide)),
            system.subscribe(source::iter((0..4000u64).map(|n| 2 * n + 1)), &actor, Demand::window(narrow)),
        ];
        // Grants from before the last switch, which stay.
        let mut granted = 0;
        let mut done = 0;
        while done < 1000 {
            log.take(Duration::from_micros([200, 1000, 6000][chance.below(3) as usize]));
            executor.advance(ms(1 + chance.below(60)));
            let stats = actor.stats();
            let limit = stats.limit.unwrap();
            assert!(
                limit <= granted.max(stats.taken + bound),
                "seed {seed}: {limit} of {granted} and {bound}: {stats:?}"
            );
            assert!(stats.taken + stats.len as u64 <= limit, "seed {seed}: more than was granted: {stats:?}");
            for (flow, window) in flows.iter().zip([wide, narrow]) {
                let seen = flow.inspect();
                assert!(seen.sent - seen.done <= window as u64, "seed {seed}: {seen}");
            }
            adapted += u64::from(stats.switches.iter().any(|switch| switch.reason != SwitchReason::Reconfigured));
            let (mailbox, size) = by_chance(&mut chance);
            granted = granted.max(limit);
            bound = size;
            actor.reconfigure(mailbox);
            done += 1;
            if flows.iter().all(|flow| flow.end().is_some()) {
                break;
            }
        }
        switches += done;
        executor.advance(Duration::from_secs(60));
        for flow in &flows {
            assert!(matches!(flow.end(), Some(End::Completed)), "seed {seed}: {:?}", flow.inspect());
        }
        let items = log.items();
        for parity in [0, 1] {
            let of: Vec<u64> = items.iter().copied().filter(|item| item % 2 == parity).collect();
            assert!(of.into_iter().eq((0..4000).map(|n| 2 * n + parity)), "seed {seed}: lost, doubled or reordered");
        }
        let handled = lock(&log.handled).clone();
        assert!(handled.is_sorted_by_key(|item| item.began.0), "seed {seed}");
        epochs += actor.stats().epoch;
    }
    // It was about something.
    assert!(switches >= 1000 && epochs > 400 && adapted > 20, "{switches} {epochs} {adapted}");
}

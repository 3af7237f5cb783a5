//! Listings of the chapter "Patterns": names, groups, routers, pools, topics.

use std::sync::{Arc, Mutex};

use tidegate::pattern::{Lag, RouteError, Router, Routing, Topic};
use tidegate::prelude::*;
use tidegate::{GroupEvent, LookupError, ManualExecutor, StopReason};

/// Notes what it is told.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Vec<u64>>>);

impl Desk {
    fn noted(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

impl Actor for Desk {
    type Msg = u64;

    async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.lock().unwrap().push(n);
        Ok(())
    }
}

fn manual() -> (ManualExecutor, System) {
    let executor = ManualExecutor::new();
    (executor.clone(), System::with_executor(executor))
}

#[test]
fn an_actor_is_found_by_name() {
    let (executor, system) = manual();
    // ANCHOR: names
    let desk = system.build(Desk::default).registered("front-desk").spawn();

    assert_eq!(system.lookup::<u64>("front-desk").unwrap(), desk);
    assert!(matches!(system.lookup::<String>("front-desk"), Err(LookupError::OtherType { .. })));

    // One living actor has a name at a time: this one does not start.
    let other = system.build(Desk::default).registered("front-desk").spawn();
    assert!(matches!(other.stop_reason(), Some(StopReason::NameTaken(_))));
    // ANCHOR_END: names
    desk.stop();
    executor.run_until_idle();
    assert_eq!(system.lookup::<u64>("front-desk"), Err(LookupError::Unknown));
}

#[test]
fn a_group_is_always_up_to_date() {
    let (executor, system) = manual();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&heard);
    let [one, two] = [(); 2].map(|()| system.spawn(Desk::default(), Push::bounded(8)));
    // ANCHOR: groups
    let desks = system.group::<u64>("desks");
    desks.join(&one);
    let watch = desks.watch(move |event| {
        if let GroupEvent::Joined(desk) | GroupEvent::Left(desk) = event {
            note.lock().unwrap().push(desk.id());
        }
    });
    desks.join(&two);
    one.stop(); // and is a member no longer
    // ANCHOR_END: groups
    executor.run_until_idle();
    drop(watch);
    assert_eq!(system.group::<u64>("desks").members()[..], *std::slice::from_ref(&two));
    assert_eq!(*heard.lock().unwrap(), [one.id(), two.id(), one.id()]);
}

#[test]
fn a_key_stays_with_its_member() {
    let (executor, system) = manual();
    let desks = system.group::<u64>("desks");
    let all = [(); 3].map(|()| system.spawn(Desk::default(), Push::bounded(1)));
    all.iter().for_each(|desk| assert!(desks.join(desk)));
    // ANCHOR: router
    let by_customer = Router::new(&desks, Routing::consistent_hash(|order: &u64| order / 100));

    let home = by_customer.choose(&4201).unwrap();
    assert_eq!(by_customer.choose(&4202).unwrap(), home);

    // Nobody takes it in the place of a member that is full.
    by_customer.try_tell(4201).unwrap();
    assert!(matches!(by_customer.try_tell(4202), Err(RouteError::Refused(SendError::Full(4202)))));

    // When a member goes, its keys find another, and no other key moves.
    home.kill();
    // ANCHOR_END: router
    executor.run_until_idle();
    assert_ne!(by_customer.choose(&4202).unwrap(), home);
    assert_eq!(desks.len(), 2);
}

#[test]
fn without_a_member_the_message_comes_back() {
    let (_executor, system) = manual();
    // ANCHOR: no_member
    let nobody = Router::new(system.group::<u64>("nobody"), Routing::round_robin());
    let Err(RouteError::NoMember(message)) = nobody.try_tell(7) else { panic!("who took it?") };
    assert_eq!(message, 7);
    // ANCHOR_END: no_member
}

#[test]
fn a_slow_subscriber_harms_nobody() {
    let (executor, system) = manual();
    let (quick, slow) = (Desk::default(), Desk::default());
    let fast = system.spawn(quick.clone(), Push::bounded(1));
    // Never runs: its executor does not.
    let never = ManualExecutor::new();
    let behind = {
        let slow = slow.clone();
        system.build(move || slow.clone()).on(never).mailbox(Push::bounded(1)).spawn()
    };
    // ANCHOR: topic
    let topic = Topic::new();
    let _fast = topic.subscribe(&fast, Lag::Skip);
    let lagging = topic.subscribe(&behind, Lag::Skip);
    for n in 0..5 {
        let published = topic.publish(n);
        assert_eq!(published.reached + published.skipped, 2);
        executor.run_until_idle();
    }
    assert_eq!((lagging.reached(), lagging.skipped()), (1, 4));
    // ANCHOR_END: topic
    assert_eq!((quick.noted(), slow.noted()), (vec![0, 1, 2, 3, 4], vec![]));
}

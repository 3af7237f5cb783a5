//! Names, groups, routers and topics from many threads: what holds whatever the
//! schedule.

#![cfg(all(feature = "tokio", not(tidegate_loom)))]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::pattern::{Lag, Router, Routing, Topic};
use tidegate::prelude::*;
use tidegate::{DropReason, GroupEvent, LookupError, NameEvent};

/// Notes what it is told.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<u64>>>);

impl Noting {
    fn noted(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

impl Actor for Noting {
    type Msg = u64;
    async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.lock().unwrap().push(n);
        Ok(())
    }
}

async fn together(tasks: impl Iterator<Item = tokio::task::JoinHandle<()>>) {
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn names_taken_and_given_up_at_once_are_told_of_in_pairs() {
    let system = System::new();
    let open: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    let told = Arc::clone(&open);
    let _watch = system.watch_names(move |event| match event {
        NameEvent::Registered(named) => {
            let other = told.lock().unwrap().insert(named.name.to_string(), 1);
            assert_eq!(other, None, "{} was given twice", named.name);
        }
        NameEvent::Ended(named) => {
            let was = told.lock().unwrap().remove(&*named.name);
            assert_eq!(was, Some(1), "{} ended without a beginning", named.name);
        }
        _ => {}
    });
    together((0..4).map(|task| {
        let system = system.clone();
        tokio::spawn(async move {
            for n in 0..200 {
                let actor = system.spawn(Noting::default(), Push::bounded(1));
                let name = format!("name-{}", (n + task) % 3);
                match system.register(name.as_str(), &actor) {
                    // Ended by its actor, or by hand, or by both at once.
                    Ok(registration) if n % 2 == 0 => drop((actor.stop(), registration)),
                    Ok(registration) => registration.until_stopped(),
                    Err(taken) => assert_eq!(&*taken.name, name),
                }
                actor.stop();
                actor.stopped().await;
                assert_ne!(system.lookup::<u64>(&name).as_ref(), Ok(&actor), "found after its end");
            }
        })
    }))
    .await;
    assert!(system.names().is_empty());
    assert_eq!(system.lookup::<u64>("name-0"), Err(LookupError::Unknown));
    // Whoever told the last news may still be telling them.
    while !open.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_routed_while_members_come_and_go_is_handled_once() {
    let system = System::new();
    let group = system.group::<u64>("workers");
    let members = Arc::new(Mutex::new(0_i64));
    let count = Arc::clone(&members);
    let watch = group.watch(move |event| {
        *count.lock().unwrap() += match event {
            GroupEvent::Joined(_) => 1,
            GroupEvent::Left(_) => -1,
            _ => 0,
        };
    });
    let all = Noting::default();
    let join = {
        let (system, group, all) = (system.clone(), group.clone(), all.clone());
        move || {
            let actor = system.spawn(all.clone(), Push::bounded(4));
            assert!(group.join(&actor));
            actor
        }
    };
    let _stays = join();
    let coming_and_going = tokio::spawn(async move {
        for _ in 0..100 {
            let actor = join();
            tokio::task::yield_now().await;
            actor.drain();
            actor.stopped().await;
        }
    });
    let routings = [Routing::round_robin(), Routing::least_loaded(), Routing::random()];
    let by_key = Routing::consistent_hash(|n: &u64| *n);
    together(routings.into_iter().chain([by_key]).zip(0..).map(|(routing, sender)| {
        let router = Router::new(&group, routing);
        tokio::spawn(async move {
            for n in 0..500 {
                router.tell(sender * 1000 + n).await.unwrap();
            }
        })
    }))
    .await;
    coming_and_going.await.unwrap();
    let _ = system.shutdown(Duration::from_secs(30)).await;
    let mut noted = all.noted();
    noted.sort_unstable();
    let sent: Vec<u64> = (0..4).flat_map(|sender| (0..500).map(move |n| sender * 1000 + n)).collect();
    assert_eq!(noted, sent);
    drop(watch);
    assert!(group.is_empty());
    assert_eq!(*members.lock().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_copy_of_what_is_published_is_handled_or_counted_and_in_order() {
    let system = System::new();
    let topic = Topic::new();
    let readers: Vec<Noting> = (0..4).map(|_| Noting::default()).collect();
    let actors: Vec<_> = readers.iter().map(|reader| system.spawn(reader.clone(), Push::bounded(8))).collect();
    let lags = [Lag::Skip, Lag::Wait, Lag::Skip, Lag::Wait];
    let subscriptions: Vec<_> = actors.iter().zip(lags).map(|(actor, lag)| topic.subscribe(actor, lag)).collect();
    together((0..4).map(|publisher: u64| {
        let topic = topic.clone();
        tokio::spawn(async move {
            for n in 0..1000 {
                let message = publisher * 10_000 + n;
                if n % 3 == 0 {
                    topic.publish(message)
                } else {
                    topic.publish_waiting(message).await
                };
            }
        })
    }))
    .await;
    let _ = system.shutdown(Duration::from_secs(30)).await;
    for ((reader, subscription), actor) in readers.iter().zip(&subscriptions).zip(&actors) {
        assert_eq!(subscription.reached() + subscription.skipped(), 4000);
        assert_eq!(actor.stats().drops.of(DropReason::Lagged), subscription.skipped());
        let noted = reader.noted();
        assert_eq!(noted.len() as u64, subscription.reached());
        for publisher in 0..4 {
            assert!(noted.iter().filter(|n| **n / 10_000 == publisher).is_sorted());
        }
    }
    assert!(topic.is_empty());
}

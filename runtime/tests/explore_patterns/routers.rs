//! Routers and pools.

use std::time::Duration;

use tidegate::pattern::{RouteError, Router, Routing};
use tidegate::prelude::*;

use super::support::{Log, Scribe, drained, same, scribe};

#[test]
fn two_senders_who_take_turns() {
    let seen = same(|sim| async move {
        let members = [scribe(&sim, Push::bounded(2)).await, scribe(&sim, Push::bounded(2)).await];
        let router = Router::new([members[0].0.clone(), members[1].0.clone()], Routing::round_robin());
        let senders = [1, 2].map(|n| {
            let router = router.clone();
            sim.spawn(&format!("sender-{n}"), async move { router.tell(n).await.is_ok() })
        });
        for sender in senders {
            assert!(sender.await);
        }
        sim.settled().await;
        let [one, other] = members;
        (drained(one).await, drained(other).await)
    });
    assert_eq!(seen, [(vec![1], vec![2]), (vec![2], vec![1])].into());
}

#[test]
fn two_senders_may_find_the_same_member_idle() {
    /// Takes so long for a message that nobody sees it done.
    struct Slow;
    impl Actor for Slow {
        type Msg = u32;
        async fn handle(&mut self, _: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(Duration::from_secs(1)).await;
            Ok(())
        }
    }
    let seen = same(|sim| async move {
        let members = [0, 1].map(|_| sim.system().spawn(Slow, Push::bounded(3)));
        sim.settled().await;
        members[1].tell(0).await.unwrap();
        sim.settled().await;
        let router = Router::new(members.clone(), Routing::least_loaded());
        let senders = [1, 2].map(|n| {
            let router = router.clone();
            sim.spawn(&format!("sender-{n}"), async move { router.tell(n).await.is_ok() })
        });
        for sender in senders {
            assert!(sender.await);
        }
        members.map(|member| member.stats().taken + member.stats().len as u64)
    });
    // The other is as good as the first once the first has a message.
    assert_eq!(seen, [[1, 2], [2, 1]].into());
}

#[test]
fn a_key_whose_member_ends_between_the_choice_and_the_message() {
    let seen = same(|sim| async move {
        let members = [scribe(&sim, Push::bounded(2)).await, scribe(&sim, Push::bounded(2)).await];
        let routing = Routing::consistent_hash(|n: &u32| *n);
        let router = Router::new([members[0].0.clone(), members[1].0.clone()], routing);
        let home = router.choose(&1).unwrap();
        let stopper = sim.spawn("stopper", async move { home.kill() });
        let told = router.tell(1).await.is_ok();
        stopper.await;
        sim.settled().await;
        let [one, other] = members;
        (told, drained(one).await.len() + drained(other).await.len())
    });
    // Taken by the one and not handled, or by either.
    assert_eq!(seen, [(true, 0), (true, 1)].into());
}

#[test]
fn a_broadcast_to_one_that_is_dying() {
    let seen = same(|sim| async move {
        let members = [scribe(&sim, Push::bounded(1)).await, scribe(&sim, Push::bounded(1)).await];
        let router = Router::new([members[0].0.clone(), members[1].0.clone()], Routing::broadcast());
        let dying = members[0].0.clone();
        let killer = sim.spawn("killer", async move { dying.kill() });
        let told = match router.tell(1).await {
            Ok(_) => "told",
            Err(RouteError::NoMember(_)) => "nobody",
            Err(_) => "in part",
        };
        killer.await;
        sim.settled().await;
        let [one, other] = members;
        (told, drained(one).await, drained(other).await)
    });
    assert_eq!(seen, [("told", vec![], vec![1]), ("told", vec![1], vec![1])].into());
}

#[test]
fn two_broadcasts_come_in_different_orders() {
    let seen = same(|sim| async move {
        let members = [scribe(&sim, Push::bounded(2)).await, scribe(&sim, Push::bounded(2)).await];
        let router = Router::new([members[0].0.clone(), members[1].0.clone()], Routing::broadcast());
        let senders = [1, 2].map(|n| {
            let router = router.clone();
            sim.spawn(&format!("sender-{n}"), async move { router.tell(n).await.is_ok() })
        });
        for sender in senders {
            assert!(sender.await);
        }
        sim.settled().await;
        let [one, other] = members;
        (drained(one).await, drained(other).await)
    });
    assert_eq!(seen.len(), 4);
}

#[test]
fn a_pool_that_grows_while_a_message_comes() {
    let seen = same(|sim| async move {
        let logs: Log<Log<u32>> = Log::new();
        let made = logs.clone();
        let pool = sim
            .system()
            .pool(1, move || {
                let log = Log::new();
                made.push(log.clone());
                Scribe(log)
            })
            .mailbox(Push::bounded(1))
            .spawn();
        sim.settled().await;
        let to = pool.clone();
        let sender = sim.spawn("sender", async move { to.tell(1).await.is_ok() });
        pool.resize(2).await.unwrap();
        let told = sender.await;
        sim.settled().await;
        pool.drain();
        pool.stopped().await;
        (told, logs.all().iter().map(|log| log.all().len()).collect::<Vec<_>>())
    });
    assert!(seen.iter().all(|(told, lens)| *told && lens.iter().sum::<usize>() == 1), "{seen:?}");
}

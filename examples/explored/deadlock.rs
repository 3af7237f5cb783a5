//! Both flood each other at any time: what would be a deadlock is broken, and named,
//! and both go on.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let explorer = Explorer::new(Strategy::Reduced).deadlocks(Deadlocks::broken());
    let report = explorer.run(|sim| async move {
        let player = |name, other: &Arc<OnceLock<ActorRef<Msg>>>| {
            let other = Arc::clone(other);
            let make = move || Player { name, other: Arc::clone(&other) };
            sim.system().build(make).named(name).mailbox(Push::bounded(1)).spawn()
        };
        let (for_ping, for_pong) = (Arc::default(), Arc::default());
        let (ping, pong) = (player("ping", &for_ping), player("pong", &for_pong));
        drop((for_ping.set(pong.clone()), for_pong.set(ping.clone())));
        for player in [&ping, &pong] {
            player.tell(Msg::Flood(2)).await.unwrap();
        }
        sim.sleep(Duration::from_secs(4)).await;
        let broken = sim.system().deadlocks();
        assert!(broken <= 1, "{broken}");
        sim.sometimes("a deadlock is broken", broken == 1);
        sim.sometimes("there is none", broken == 0);
        let handled: u64 = [&ping, &pong].map(|player| player.stats().handled).iter().sum();
        // Two floods, and all that went in.
        assert!(if broken == 0 { handled == 6 } else { handled < 6 }, "{handled}");
        // The references that they have of each other are a circle too.
        for player in [ping, pong] {
            assert!(player.stats().len == 0 && player.stop_reason().is_none());
            player.drain();
            player.stopped().await;
        }
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

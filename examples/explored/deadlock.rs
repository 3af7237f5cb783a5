//! Both flood each other at any time: what is broken off is named, and both go on.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    const SCHEDULES: u64 = 20_000;
    let explorer = Explorer::new(Strategy::Exhaustive).schedules(SCHEDULES);
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
            player.tell(Msg::Flood(1)).await.unwrap();
        }
        sim.sleep(Duration::from_secs(2)).await;
        // The references that they have of each other are a circle too.
        for player in [ping, pong] {
            player.drain();
            player.stopped().await;
        }
    });
    println!("{report}");
    assert!(report.finding.is_none(), "{report}");
    assert!(report.coverage == Coverage::Exhausted || report.schedules >= SCHEDULES, "{report}");
}

//! Two parsers before an index with little room: who waits is seen to wait for it,
//! nothing goes past the bounds, and every page is indexed.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).deadlocks(Deadlocks::watched()).run(|sim| async move {
        let index = sim.system().build(|| Index).named("index").mailbox(Push::bounded(1)).spawn();
        let parsers = ["parser-a", "parser-b"].map(|name| {
            let to = index.clone();
            sim.system().build(move || Parser(to.clone())).named(name).mailbox(Pull::window(8)).spawn()
        });
        for parser in &parsers {
            for page in 0..3 {
                parser.tell(page).await.unwrap();
            }
        }
        sim.sleep(Duration::from_millis(5)).await;
        // One page is in hand and one in the mailbox; for one of each parser there is no room.
        let seen = sim.system().inspect();
        let of = |path: &str| seen.find(path).unwrap();
        assert_eq!((of("/index").mailbox.len, of("/index").mailbox.waiting_senders), (1, 2));
        let text = seen.to_string();
        for name in ["a", "b"] {
            assert!(text.contains(&format!("/parser-{name} waits for room in /index")), "{text}");
        }
        for parser in parsers {
            parser.drain();
            parser.stopped().await;
        }
        index.drain();
        let log = sim.system().inspect().find("/index/log").map(|log| (log.mailbox.handled, log.mailbox.drops.total()));
        index.stopped().await;
        assert_eq!(index.stats().handled, 6);
        assert_eq!(log, Some((2, 3)));
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

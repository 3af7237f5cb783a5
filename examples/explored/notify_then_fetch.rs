//! Notices that are lost, come late or twice, and a biller that begins anew at any
//! time: every invoice is written once.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let (orders, cursor) = (Log::retaining(1000), Arc::new(AtomicU64::new(0)));
        let (notifier, heard) = notices();
        let (log, fate) = (orders.clone(), sim.clone());
        let shop = sim.spawn("shop", async move {
            for number in 1..=2 {
                log.append(format!("order {number}")).unwrap();
                fate.sleep(Duration::from_millis(4)).await;
                match fate.choose(3) {
                    0 => {}
                    1 => notifier.notify(number),
                    _ => {
                        notifier.notify(number);
                        notifier.notify(number - 1);
                    }
                }
            }
            notifier
        });
        let mut written = 0;
        for life in 0..2 {
            let biller = sim.system().spawn(Biller { cursor: Arc::clone(&cursor), written: 0 }, Push::bounded(16));
            let subscription = bill(sim.system(), &orders, &heard, &biller, cursor.load(Relaxed));
            // The first ends at some time among the orders, the second when it has looked without a notice.
            let lives = if life == 0 { [1, 7, 13][sim.choose(3)] } else { 61_000 };
            sim.sleep(Duration::from_millis(lives)).await;
            drop(subscription);
            biller.drain();
            biller.stopped().await;
            written += biller.stats().handled;
            assert_eq!(cursor.load(Relaxed), written);
            sim.sometimes("the first writes one", life == 0 && written == 1);
        }
        assert_eq!(written, 2);
        drop(shop.await);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

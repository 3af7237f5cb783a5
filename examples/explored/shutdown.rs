//! Three desks one behind the other, shut down while orders come in: none is lost.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let ledger = sim.system().build(|| desk(1, None)).phase(Phase::STATE).spawn();
        let to = ledger.clone();
        let orders = sim.system().build(move || desk(1, Some(&to))).spawn();
        let to = orders.clone();
        let http = sim.system().build(move || desk(1, Some(&to))).phase(Phase::INTAKE).spawn();
        let to = http.clone();
        let client = sim
            .spawn("client", async move { u64::from(to.tell(1).await.is_ok()) + u64::from(to.tell(2).await.is_ok()) });
        let clock = sim.clone();
        let late = sim.spawn("late", async move { clock.sleep(Duration::from_millis(clock.choose(3) as u64)).await });
        late.await;
        let report = sim.system().shutdown_in_phases(Shutdown::new()).await;
        assert!(report.is_clean(), "{report}");
        let accepted = client.await;
        for desk in [http, orders, ledger] {
            assert_eq!(desk.stats().handled, accepted);
        }
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

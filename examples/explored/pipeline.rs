//! A spoilt reading costs its stage a life and an implausible one is left out: what
//! comes behind it is stored, and the source is read to its end.

use tidegate::explore::{Coverage, Explorer, Shared, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let stored = Shared::new(Vec::new());
        let (clock, place) = (sim.clone(), stored.clone());
        let sleep = move |time| {
            let clock = clock.clone();
            async move { clock.sleep(time).await }
        };
        let readings = source::iter([77, 190, 78]);
        let storing = pipeline(sim.system(), readings, sleep, move |batch| place.with(|stored| stored.push(batch)));
        assert_eq!(storing.ended().await.to_string(), "completed");
        assert_eq!(stored.get(), [[780]]);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

//! How long checks take: the processor's time of this thread, which does not grow
//! because others are busy, and which a check in virtual time has no way to wait
//! out. Best of several, so that a page fault is no failure.

use std::time::Duration;

use tidegate::flow::verify::{Outcome, Suite};

/// For one check.
const LIMIT: Duration = Duration::from_millis(100);

/// Panics if a check of `suite` takes longer than that each time, or is not kept.
pub(crate) fn assert_quick(suite: &impl Suite) {
    for check in suite.checks() {
        let took = (0..5)
            .map(|_| {
                let before = spent();
                let outcome = suite.check(check);
                assert!(!matches!(outcome, Outcome::Violated(_)), "{check}: {outcome:?}");
                spent().saturating_sub(before)
            })
            // Mostly the first will do.
            .try_fold(Duration::MAX, |best, took| if took < LIMIT { Err(took) } else { Ok(best.min(took)) });
        if let Ok(best) = took {
            panic!("{check} takes {best:?}");
        }
    }
}

/// Linux says it of each thread; elsewhere the clock on the wall has to do.
fn spent() -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = said.and_then(|said| said.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(since_start, Duration::from_nanos)
}

fn since_start() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

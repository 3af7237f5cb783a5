//! Which orders of a program are run.

mod delays;
mod exhaustive;
mod order;
mod pct;
mod random;
mod reduced;
mod replay;
mod rng;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

pub(crate) use self::delays::Delays;
pub(crate) use self::exhaustive::Exhaustive;
pub(crate) use self::pct::Pct;
pub(crate) use self::random::Random;
pub(crate) use self::reduced::Reduced;
pub(crate) use self::replay::Replay;
use super::report::Coverage;
use super::trace::{Point, Trace};

/// Chooses, run by run, what a program does wherever it could do otherwise.
///
/// A run is [`begin`](Self::begin), then for each step
/// [`schedule`](Self::schedule), [`choose`](Self::choose) as often as the step
/// asks, and [`stepped`](Self::stepped); and [`end`](Self::end). The program does
/// the same wherever the same is chosen.
pub(crate) trait Search: Send {
    /// Begins another run; `false`: there is none.
    fn begin(&mut self) -> bool;

    /// Who runs next: an index into `point.ready`. Asked also where there is one
    /// only. `None`: what follows has been seen in other runs.
    fn schedule(&mut self, point: &Point<'_>) -> Option<usize>;

    /// What the step that goes on is told: less than `options`, which is two or
    /// more.
    fn choose(&mut self, options: usize) -> usize;

    /// The step is over: the last event of `trace`. Those that are [barriers]
    /// (super::trace::EventKind::is_barrier) come without a `schedule`.
    fn stepped(&mut self, trace: &Trace) {
        let _ = trace;
    }

    /// The run is over.
    fn end(&mut self, trace: &Trace);

    /// Whether it looks at what events touch.
    fn wants_touches(&self) -> bool {
        false
    }

    /// What has been looked at, when [`begin`](Self::begin) has returned `false`.
    fn coverage(&self) -> Coverage;

    /// Whether it was told what could not be done: the program is another.
    fn has_strayed(&self) -> bool {
        false
    }

    /// Runs that were broken off, as all that follows had been seen.
    fn pruned(&self) -> u64 {
        0
    }
}

//! Mistakes that are made on purpose, to see whether the self-test of exploration
//! notices them. None outside of this crate's own tests.

/// The three ways in which a reduction has been wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) enum Planted {
    /// Objects are numbered in the order in which they happen to be made, in all runs
    /// together. In each run by itself would cost orders that are run in vain, but no
    /// outcome: what a task that sleeps would touch was made before it slept, under
    /// the same number in all runs that go on from there, or its step makes it, and
    /// then nobody else touches it.
    Numbers,
    /// Who was woken by a step is taken to come after it in any order.
    Wakes,
    /// Reading the clock and setting timers touch nothing.
    Clock,
}

#[cfg(test)]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Planted>> = const { std::cell::Cell::new(None) };
    static MADE: std::cell::Cell<u64> = const { std::cell::Cell::new(1) };
}

/// Makes this mistake on this thread from now on.
#[cfg(test)]
pub(crate) fn plant(planted: Option<Planted>) {
    PLANTED.set(planted);
}

/// The number of the next object, where it is given in the order in which they
/// are made.
#[cfg(test)]
pub(super) fn next_number() -> Option<u64> {
    is_planted(Planted::Numbers).then(|| MADE.replace(MADE.get() + 1))
}

#[cfg(not(test))]
#[inline(always)]
pub(super) const fn next_number() -> Option<u64> {
    None
}

/// Whether this mistake is made.
#[cfg(test)]
pub(crate) fn is_planted(planted: Planted) -> bool {
    PLANTED.get() == Some(planted)
}

#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn is_planted(_: Planted) -> bool {
    false
}

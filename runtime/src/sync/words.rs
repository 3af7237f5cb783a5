//! The two words of the gate, and the arithmetic on them.
//!
//! ```text
//! tail   63            21 20         4   3        2        1      0
//!        [   sequence    ][  permits  ][reported][buffered][frozen][closed]
//! limit  63            21 20                      2        1      0
//!        [   sequence    ][          0           ][followed][watched][waiters]
//! ```
//!
//! A sequence is a message count modulo 2^43. Two of them are compared by
//! their distance, which the capacity keeps below 2^42, so the words run over
//! without harm; the receiver counts in whole `u64`s beside them.

/// The mailbox takes no more claims.
pub(crate) const CLOSED: u64 = 1;
/// There is no ring to claim from, or it is being replaced: take the lock.
pub(crate) const FROZEN: u64 = 1 << 1;
/// Messages go to the buffer of an evicting overflow policy, not to slots.
pub(crate) const BUFFERED: u64 = 1 << 2;
/// Somebody listens for pressure, and every claim reports to it: `WATCHED` for
/// whoever moves the tail. A claim that has not seen it is before it.
pub(crate) const REPORTED: u64 = 1 << 3;
/// Senders wait: nobody passes them.
pub(crate) const WAITERS: u64 = 1;
/// Somebody listens for pressure: whoever raises the limit or gives a grant back
/// reports to it.
pub(crate) const WATCHED: u64 = 1 << 1;
/// Somebody waits until the receiver has come further: whoever raises the limit
/// sees to it.
pub(crate) const FOLLOWED: u64 = 1 << 2;
pub(crate) const LIMIT_FLAGS: u64 = WAITERS | WATCHED | FOLLOWED;

const PERMIT_SHIFT: u32 = 4;
const SHIFT: u32 = 21;
/// Flags and permits.
pub(crate) const BELOW_SEQUENCE: u64 = (1 << SHIFT) - 1;
pub(crate) const SEQUENCE_MASK: u64 = (1 << (64 - SHIFT)) - 1;
/// How many permits may be out at a time.
pub(crate) const MAX_PERMITS: u64 = (1 << (SHIFT - PERMIT_SHIFT)) - 1;
/// What "unbounded" is for the arithmetic: more messages than memory holds.
pub(crate) const MAX_CAPACITY: u64 = 1 << 41;

pub(crate) const ONE_MESSAGE: u64 = 1 << SHIFT;
pub(crate) const ONE_PERMIT: u64 = 1 << PERMIT_SHIFT;

#[inline(always)]
pub(crate) const fn sequence(word: u64) -> u64 {
    word >> SHIFT
}

#[inline(always)]
pub(crate) const fn permits(tail: u64) -> u64 {
    (tail >> PERMIT_SHIFT) & MAX_PERMITS
}

#[inline(always)]
pub(crate) const fn limit_word(sequence: u64, flags: u64) -> u64 {
    (sequence << SHIFT) | flags
}

/// How far `a` is ahead of `b`; negative if behind. Either may be a whole
/// count or a sequence.
#[inline(always)]
pub(crate) const fn ahead(a: u64, b: u64) -> i64 {
    ((a.wrapping_sub(b) << SHIFT) as i64) >> SHIFT
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn distance_survives_the_wrap() {
        assert_eq!(ahead(3, 5), -2);
        assert_eq!(ahead(0, SEQUENCE_MASK), 1);
        assert_eq!(ahead(SEQUENCE_MASK, 0), -1);
        assert_eq!(ahead(1 << 43, SEQUENCE_MASK), 1);
        assert_eq!(ahead(MAX_CAPACITY + 7, 7), 1 << 41);
    }

    #[test]
    fn fields_do_not_overlap() {
        let word = (SEQUENCE_MASK << SHIFT) | CLOSED | FROZEN | BUFFERED;
        assert_eq!((sequence(word), permits(word)), (SEQUENCE_MASK, 0));
        assert_eq!(permits(ONE_PERMIT * MAX_PERMITS), MAX_PERMITS);
        assert_eq!(sequence(ONE_PERMIT * MAX_PERMITS), 0);
        assert_eq!(sequence((SEQUENCE_MASK << SHIFT).wrapping_add(ONE_MESSAGE)), 0);
    }
}

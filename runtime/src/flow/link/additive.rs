//! Credit for peers that count in increments.

use std::num::NonZeroU32;

/// The most that one `REQUEST_N` of RSocket can say: 31 bits.
const MOST: u64 = (1 << 31) - 1;

/// Turns the absolute limit of a link into the additive `REQUEST_N` of one
/// RSocket connection, and back.
///
/// An increment that is lost, or counted twice, is wrong for ever, so additive
/// credit lives and dies with a reliable connection; the absolute limit does
/// not. Make one of these for each connection, at both ends, from the number of
/// the first item that it carries; what was granted on an earlier connection and
/// not used there is then granted again, and nothing twice.
///
/// 2^31-1 in one frame is "all, for ever": rsocket-java says it and means it, and
/// then says nothing more. So it is read that way here, and said only for an
/// unlimited limit. Any other amount goes out in parts, of which the sum on its
/// way stays below 2^31-1, since that is where peers begin to read it as "all".
///
/// ```
/// use tidegate::flow::link::Additive;
/// // Items below 5 had arrived, and those below 9 were granted.
/// let (mut here, mut there) = (Additive::new(5), Additive::new(5));
/// let n = here.newly_granted(9, 5).unwrap();
/// assert_eq!((n.get(), there.granted(n.get())), (4, Some(9)));
/// assert_eq!(here.newly_granted(9, 7), None, "said already");
/// // And the limit of a consumer that takes all:
/// let all = here.newly_granted(u64::MAX, 7).unwrap();
/// assert_eq!((all.get(), there.granted(all.get())), ((1 << 31) - 1, Some(u64::MAX)));
/// assert_eq!((there.granted(0), there.granted(1 << 31)), (None, None), "not credit");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Additive {
    /// Items below this number may be sent, by what was said on this connection.
    limit: u64,
}

impl Additive {
    /// A connection whose first item has the number `first`: what the consumer
    /// has [received](super::Consumer::received).
    #[must_use]
    pub const fn new(first: u64) -> Self {
        Self { limit: first }
    }

    /// What the consumer has to say now so that the producer may send up to
    /// `limit`: the `n` of a `REQUEST_N`, or nothing. `received` is how far items
    /// have arrived: what was granted beyond it is with the producer, or on its
    /// way.
    ///
    /// Call it when the limit rises, and when items arrive, until it says nothing.
    #[must_use = "what it returns has been counted as said"]
    pub fn newly_granted(&mut self, limit: u64, received: u64) -> Option<NonZeroU32> {
        let n = if limit == u64::MAX {
            if self.limit == u64::MAX {
                return None;
            }
            self.limit = u64::MAX;
            MOST
        } else {
            let out = self.limit.saturating_sub(received);
            let n = limit.saturating_sub(self.limit).min((MOST - 1).saturating_sub(out));
            self.limit = self.limit.saturating_add(n);
            n
        };
        u32::try_from(n).ok().and_then(NonZeroU32::new)
    }

    /// Takes in the `n` of a `REQUEST_N`, as the producer: the limit that it
    /// amounts to, for a [`Grant`](super::Grant). `None` if `n` is 0 or has more
    /// than 31 bits, which is an error of the peer.
    #[must_use]
    pub fn granted(&mut self, n: u32) -> Option<u64> {
        match u64::from(n) {
            1..MOST => self.limit = self.limit.saturating_add(n.into()),
            MOST => self.limit = u64::MAX,
            _ => return None,
        }
        Some(self.limit)
    }
}

//! The id under which a delivery travels: `X-GitHub-Delivery`, a UUID.
//!
//! A receiver can tell by it that it has been told before, and nothing else.
//! GitHub signs the body and not the headers, so whoever has seen one signed
//! body can send it again under any id: an id is nobody's promise that there is
//! news, and even less of how much.

use std::fmt;
use std::str::FromStr;

use crate::rng::mix;

/// The header.
pub const HEADER: &str = "x-github-delivery";

/// The id of one delivery.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(u128);

/// The lengths of its groups, in hex digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

impl DeliveryId {
    /// That of delivery `number` in the run with this seed.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        let high = mix(mix(seed) ^ number);
        Self(u128::from(high) << 64 | u128::from(mix(high)))
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = 32;
        for (at, length) in GROUPS.into_iter().enumerate() {
            rest -= length;
            let group = self.0 >> (4 * rest) & ((1 << (4 * length)) - 1);
            write!(f, "{}{group:0length$x}", if at == 0 { "" } else { "-" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveryId({self})")
    }
}

impl FromStr for DeliveryId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let mut groups = text.split('-');
        let mut id = 0;
        for length in GROUPS {
            let group = groups.next().filter(|group| group.len() == length).and_then(hex).ok_or(NotAnId)?;
            id = id << (4 * length) | u128::from(group);
        }
        if groups.next().is_some() { Err(NotAnId) } else { Ok(Self(id)) }
    }
}

/// Digits alone: `from_str_radix` takes a sign as well.
fn hex(digits: &str) -> Option<u64> {
    digits.bytes().all(|c| c.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// What is not the id of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the id of a delivery")
    }
}

impl std::error::Error for NotAnId {}

#[cfg(test)]
mod tests {
    use super::{DeliveryId, NotAnId};

    #[test]
    fn an_id_is_read_back_as_it_was_written() {
        for number in [0, 1, 9999, u64::MAX] {
            let id = DeliveryId::new(7, number);
            assert_eq!(id.to_string().len(), 36);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let real = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
        assert_eq!(real.parse::<DeliveryId>().map(|id| id.to_string()), Ok(real.to_owned()));
    }

    #[test]
    fn every_delivery_has_its_own() {
        let ids: std::collections::BTreeSet<_> =
            (0..1000).flat_map(|n| [DeliveryId::new(1, n), DeliveryId::new(2, n)]).collect();
        assert_eq!(ids.len(), 2000);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let good = DeliveryId::new(1, 2).to_string();
        let (short, long, signed) = (&good[1..], format!("{good}-"), format!("+{}", &good[1..]));
        for bad in ["", "-", "----", short, &long, &signed, &good.replace('-', ""), "ä"] {
            assert_eq!(bad.parse::<DeliveryId>(), Err(NotAnId), "{bad:?}");
        }
    }
}

//! Where a page of deliveries begins and how long it may be: the query of
//! `GET /deliveries`.
//!
//! The names are GitHub's: `cursor`, `per_page` with 30 as the default and 100
//! as the most. To a client a cursor is a word to hand back. It begins with its
//! version, so that the server may change its meaning and still know old ones.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

const DEFAULT: NonZeroU64 = NonZeroU64::new(30).unwrap();
const MOST: u64 = 100;

/// From where to read on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor(pub u64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1_{}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = BadQuery;

    fn from_str(text: &str) -> Result<Self, BadQuery> {
        text.strip_prefix("v1_").and_then(whole).map(Self).ok_or(BadQuery::Cursor)
    }
}

/// What `GET /deliveries` was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// From where on.
    pub cursor: Cursor,
    /// At most so many.
    pub per_page: NonZeroU64,
}

impl Wanted {
    /// Reads a query. What is not there is the beginning and 30; names that it
    /// does not know it passes over, as GitHub does.
    ///
    /// # Errors
    /// If a value is none, or is there twice.
    pub fn read(query: Option<&str>) -> Result<Self, BadQuery> {
        let (mut cursor, mut per_page) = (None, None);
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let twice = match name {
                "cursor" => cursor.replace(value.parse()?).is_some(),
                "per_page" => per_page.replace(page(value)?).is_some(),
                _ => false,
            };
            if twice {
                return Err(BadQuery::Twice);
            }
        }
        Ok(Self { cursor: cursor.unwrap_or_default(), per_page: per_page.unwrap_or(DEFAULT) })
    }

    /// The path and query that ask for this.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/deliveries?cursor={}&per_page={}", self.cursor, self.per_page)
    }

    /// As much as a page may hold.
    #[must_use]
    pub fn from(cursor: u64, n: NonZeroU64) -> Self {
        Self { cursor: Cursor(cursor), per_page: n.min(NonZeroU64::new(MOST).unwrap_or(DEFAULT)) }
    }
}

fn page(text: &str) -> Result<NonZeroU64, BadQuery> {
    whole(text).filter(|n| *n <= MOST).and_then(NonZeroU64::new).ok_or(BadQuery::PerPage)
}

/// Digits alone: `parse` takes a sign as well.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Why a query is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadQuery {
    /// It was not handed out by this service.
    Cursor,
    /// Not 1 to 100.
    PerPage,
    /// One of them is there twice, and nobody knows which is meant.
    Twice,
}

impl fmt::Display for BadQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cursor => "cursor: not one that was handed out here",
            Self::PerPage => "per_page: not a number from 1 to 100",
            Self::Twice => "cursor or per_page is there twice",
        })
    }
}

impl std::error::Error for BadQuery {}

#[cfg(test)]
mod tests {
    use super::{BadQuery, Cursor, Wanted};
    use std::num::NonZeroU64;

    fn read(query: &str) -> Result<(u64, u64), BadQuery> {
        Wanted::read(Some(query)).map(|wanted| (wanted.cursor.0, wanted.per_page.get()))
    }

    #[test]
    fn what_is_not_said_is_the_beginning_and_thirty() {
        assert_eq!(Wanted::read(None).map(|w| (w.cursor, w.per_page.get())), Ok((Cursor(0), 30)));
        assert_eq!(read(""), Ok((0, 30)));
        assert_eq!(read("page=3&redelivery&=&&"), Ok((0, 30)));
    }

    #[test]
    fn a_query_is_read_in_any_order() {
        assert_eq!(read("cursor=v1_17&per_page=100"), Ok((17, 100)));
        assert_eq!(read("per_page=1&x=y&cursor=v1_0"), Ok((0, 1)));
        assert_eq!(read("cursor=v1_18446744073709551615"), Ok((u64::MAX, 30)));
    }

    #[test]
    fn what_was_not_handed_out_is_no_cursor() {
        for bad in ["", "17", "v1_", "v1_-1", "v1_+1", "v1_1.0", "v1_ 1", "v2_1", "V1_1", "v1_18446744073709551616"] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadQuery::Cursor), "{bad:?}");
        }
        assert_eq!(read("cursor"), Err(BadQuery::Cursor));
    }

    #[test]
    fn a_page_holds_one_to_a_hundred() {
        for bad in ["per_page=0", "per_page=101", "per_page=", "per_page=ten", "per_page=-1", "per_page=%31"] {
            assert_eq!(read(bad), Err(BadQuery::PerPage), "{bad:?}");
        }
    }

    #[test]
    fn twice_is_refused() {
        assert_eq!(read("cursor=v1_1&cursor=v1_2"), Err(BadQuery::Twice));
        assert_eq!(read("per_page=1&per_page=1"), Err(BadQuery::Twice));
    }

    #[test]
    fn what_is_asked_is_what_is_read() {
        for n in [1, 100, 5000] {
            let wanted = Wanted::from(42, NonZeroU64::new(n).expect("more than none"));
            let query = wanted.path();
            assert_eq!(Wanted::read(query.split_once('?').map(|(_, query)| query)), Ok(wanted));
        }
    }
}

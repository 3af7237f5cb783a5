//! The JSON that the source answers with, as both sides see it.
//!
//! A likeness of GitHub's: the names of its fields where it has them. What it
//! does not have is `happened_us`, for measuring, and that a list says whether
//! there is more, whether that was all, and what is gone.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A page of deliveries, oldest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct List<'a> {
    /// What there is.
    #[serde(borrow)]
    pub deliveries: Vec<Listed<'a>>,
    /// The cursor of the next page.
    #[serde(borrow)]
    pub next: Cow<'a, str>,
    /// Whether something is there already.
    pub more: bool,
    /// Whether nothing will ever be there.
    pub closed: bool,
    /// The deliveries before the first that are no longer kept: from, and up to
    /// and without.
    pub gone: Option<(u64, u64)>,
}

/// One delivery in a list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed<'a> {
    /// Its number.
    pub id: u64,
    /// What kind of event it is.
    #[serde(borrow)]
    pub event: Cow<'a, str>,
}

/// All about one delivery.
#[derive(Debug, Serialize, Deserialize)]
pub struct Detail<'a> {
    /// Its number.
    pub id: u64,
    /// Its id, as in `X-GitHub-Delivery`.
    #[serde(borrow)]
    pub guid: Cow<'a, str>,
    /// What kind of event it is.
    #[serde(borrow)]
    pub event: Cow<'a, str>,
    /// When it happened, in microseconds since the source began.
    pub happened_us: u64,
    /// What happened.
    #[serde(borrow)]
    pub payload: &'a RawValue,
}

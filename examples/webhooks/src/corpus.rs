//! The 329 real deliveries, as their sender has them: an event and a raw body.

use std::fmt;
use std::sync::Arc;

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// In the program, so that it runs from any folder. See examples/data/ATTRIBUTION.md.
const GITHUB: &str = include_str!("../../data/github-webhooks.jsonl");

/// One delivery without a time and a number.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Where it is in the file, from 1.
    pub line: usize,
    /// GitHub's name of the event, as in `X-GitHub-Event`.
    pub event: Arc<str>,
    /// The JSON body, byte by byte what is signed.
    pub payload: Bytes,
    /// The same, known to be JSON.
    pub(crate) json: Box<RawValue>,
}

/// Deliveries to be repeated under new numbers. Cheap to clone.
#[derive(Clone)]
pub struct Corpus(Arc<[Sample]>);

#[derive(Deserialize)]
struct Line<'a> {
    event: &'a str,
    #[serde(borrow)]
    payload: &'a RawValue,
}

impl Corpus {
    /// The deliveries that come with the program.
    ///
    /// # Errors
    /// As [`parse`](Self::parse): never, or the file was changed.
    pub fn github() -> Result<Self, CorpusError> {
        Self::parse(GITHUB)
    }

    /// From lines of `{"event": …, "payload": …}`.
    ///
    /// # Errors
    /// The first line that is not one, or that there is none.
    pub fn parse(lines: &str) -> Result<Self, CorpusError> {
        let samples: Result<Arc<[Sample]>, CorpusError> = lines
            .lines()
            .enumerate()
            .map(|(at, line)| {
                let line: Line<'_> =
                    serde_json::from_str(line).map_err(|why| CorpusError { line: at + 1, why: why.to_string() })?;
                let payload = Bytes::copy_from_slice(line.payload.get().as_bytes());
                Ok(Sample { line: at + 1, event: line.event.into(), payload, json: line.payload.to_owned() })
            })
            .collect();
        match samples? {
            none if none.is_empty() => Err(CorpusError { line: 1, why: "no deliveries".to_owned() }),
            samples => Ok(Self(samples)),
        }
    }

    /// How many there are; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The one for delivery `number`: they come round and round.
    #[must_use]
    pub fn sample(&self, number: u64) -> &Sample {
        &self.0[(number % self.0.len() as u64) as usize]
    }
}

impl fmt::Debug for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Corpus({} deliveries)", self.len())
    }
}

/// What is wrong with a file of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorpusError {
    /// From 1.
    pub line: usize,
    /// In words.
    pub why: String,
}

impl fmt::Display for CorpusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for CorpusError {}

#[cfg(test)]
mod tests {
    use super::Corpus;

    #[test]
    fn the_real_deliveries_are_all_there() {
        let corpus = Corpus::github().expect("it comes with the program");
        assert_eq!(corpus.len(), 329);
        let first = corpus.sample(0);
        assert_eq!(&*first.event, "branch_protection_rule");
        assert!(first.payload.starts_with(b"{\"action\":\"edited\""), "the bytes are as they were");
        assert_eq!(corpus.sample(329).payload, first.payload, "and begin anew");
    }

    #[test]
    fn a_bad_line_is_named() {
        let bad = |text| Corpus::parse(text).expect_err("it is bad");
        assert_eq!(bad("").line, 1);
        assert_eq!(bad("{\"event\":\"ping\",\"payload\":{}}\n{\"event\":\"ping\"}").line, 2);
        assert_eq!(bad("{\"event\":1,\"payload\":{}}").line, 1);
    }
}

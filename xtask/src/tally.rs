//! Counting what passed and what failed.

use std::ops::AddAssign;

use crate::Result;

/// How many checks passed, failed, or were not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Tests marked `#[ignore]`, and doc tests marked `ignore`.
    pub(crate) ignored: u64,
}

impl Tally {
    /// Counts one more check.
    pub(crate) fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Adds what one line of a test program says, if it is its closing line
    /// (`test result: ok. 3 passed; 0 failed; 1 ignored; ...`).
    pub(crate) fn read(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else { return };
        for count in counts.split([';', '.']) {
            let mut words = count.split_whitespace();
            let (Some(number), Some(kind), None) = (words.next(), words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match kind {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.ignored += more.ignored;
    }
}

/// How a part of the checks ended: what it counted, and what else went wrong.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// Why the part as a whole failed, if it did.
    pub(crate) complaint: Option<String>,
}

impl Outcome {
    /// Whether the part as a whole passed.
    pub(crate) fn passed(&self) -> bool {
        self.complaint.is_none()
    }
}

/// What was counted is kept whether or not the rest went well. Anything that did
/// not pass makes the part fail; a test that was not run is one of those.
impl From<(Tally, Result<()>)> for Outcome {
    fn from((tally, result): (Tally, Result<()>)) -> Self {
        let complaint = match result {
            Err(why) if tally.failed > 0 => Some(format!("{} failed; {why}", tally.failed)),
            Err(why) => Some(why),
            Ok(()) if tally.failed > 0 => Some(format!("{} failed", tally.failed)),
            Ok(()) if tally.ignored > 0 => {
                Some(format!("{} marked `ignore`, and what is not run is not checked", tally.ignored))
            }
            Ok(()) => None,
        };
        Self { tally, complaint }
    }
}

/// For a part that counts nothing.
impl From<Result<()>> for Outcome {
    fn from(result: Result<()>) -> Self {
        (Tally::default(), result).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Tally};

    #[test]
    fn closing_lines_are_added_up() {
        let mut tally = Tally::default();
        tally.read("running 3 tests");
        tally.read("test a ... ok");
        tally.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.08s");
        tally.read("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        assert_eq!(tally, Tally { passed: 14, failed: 3, ignored: 1 });
    }

    #[test]
    fn a_closing_line_is_understood_in_colour() {
        let mut tally = Tally::default();
        tally.read("test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 5 passed; 0 failed; 0 ignored; finished in 0.08s");
        assert_eq!(tally.passed, 5);
    }

    #[test]
    fn what_is_not_run_is_not_passed() {
        let passed = |tally: Tally| Outcome::from((tally, Ok(()))).passed();
        assert!(passed(Tally { passed: 1, ..Tally::default() }));
        assert!(!passed(Tally { passed: 1, ignored: 1, ..Tally::default() }));
        assert!(!passed(Tally { passed: 1, failed: 1, ..Tally::default() }));
    }

    #[test]
    fn what_was_counted_before_a_failure_is_kept() {
        let outcome = Outcome::from((Tally { passed: 7, ..Tally::default() }, Err("cargo failed".to_owned())));
        assert_eq!(outcome.tally.passed, 7);
        assert_eq!(outcome.complaint.as_deref(), Some("cargo failed"));
        let outcome = Outcome::from((Tally { failed: 2, ..Tally::default() }, Err("cargo failed".to_owned())));
        assert_eq!(outcome.complaint.as_deref(), Some("2 failed; cargo failed"));
    }
}

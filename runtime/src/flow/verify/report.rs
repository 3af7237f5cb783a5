//! What a check has found.

use std::fmt::{self, Write as _};

use super::rules::Rule;
use crate::actor::panic::contained;

/// How a check ends early: with `?`.
#[derive(Debug)]
pub(super) enum Stop {
    Skipped(String),
    Violated(String),
}

/// What a check returns.
pub(super) type Verdict = Result<(), Stop>;

/// Ends the check if the condition does not hold, with what was observed.
macro_rules! ensure {
    ($condition:expr, $($observed:tt)+) => {
        if !$condition {
            return Err($crate::flow::verify::report::Stop::Violated(format!($($observed)+)));
        }
    };
}
pub(super) use ensure;

/// What one check says of its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// As far as it can be observed, the rule is kept.
    Kept,
    /// There is nothing to check: why.
    Skipped(String),
    /// The rule is broken: what was observed.
    Violated(String),
}

/// A check, and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The check.
    pub check: &'static str,
    /// What it found.
    pub outcome: Outcome,
}

impl Finding {
    /// The rule that it is about. `None`: the check is about the suite itself,
    /// whether the subject is what it was said to be.
    #[must_use]
    pub fn rule(&self) -> Option<&'static Rule> {
        Rule::of(self.check)
    }
}

/// Check, rule and observation, on three lines; one line if it is kept.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Kept => write!(f, "kept      {}", self.check),
            Outcome::Skipped(why) => write!(f, "skipped   {}: {why}", self.check),
            Outcome::Violated(observed) => {
                write!(f, "VIOLATED  {}", self.check)?;
                match self.rule() {
                    Some(rule) => write!(f, "\n  rule {}: {}", rule.number, rule.says)?,
                    None => f.write_str("\n  the subject has to be what the suite was told")?,
                }
                write!(f, "\n  observed: {observed}")
            }
        }
    }
}

/// All checks of a suite, and what they found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a report says what is wrong; nothing else does"]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// One for each check, in the order of the rules.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Those that found a rule broken.
    pub fn violations(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Violated(_)))
    }

    /// Those that had nothing to check.
    pub fn skipped(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Skipped(_)))
    }

    /// Panics if a rule is broken.
    ///
    /// # Panics
    /// With all violations: check, rule and observation.
    #[track_caller]
    pub fn assert_kept(&self) {
        let mut broken = String::new();
        for violation in self.violations() {
            let _ = write!(broken, "\n{violation}");
        }
        assert!(broken.is_empty(), "rules are broken:{broken}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

/// A number of checks on one subject, which is made anew for each of them.
///
/// [`verify_publisher!`](crate::verify_publisher) and its sisters make a test of
/// each check. Without a test harness:
///
/// ```
/// use tidegate::flow::reactive::from_iter;
/// use tidegate::flow::verify::{PublisherSuite, Suite};
/// let suite = PublisherSuite::new(|env, n| from_iter(env.system(), 0..n));
/// let report = suite.run();
/// report.assert_kept();
/// assert!(report.findings().len() > 20);
/// ```
pub trait Suite {
    /// The names of its checks, in the order of the rules.
    fn checks(&self) -> Vec<&'static str>;

    /// Runs one.
    ///
    /// # Panics
    /// If there is no such check.
    fn check(&self, name: &str) -> Outcome;

    /// Runs all.
    fn run(&self) -> Report {
        let findings = self.checks().into_iter().map(|check| Finding { check, outcome: self.check(check) });
        Report { findings: findings.collect() }
    }

    /// Runs one, as a test: one that is skipped says so on stderr.
    ///
    /// # Panics
    /// If the rule is broken, and if there is no such check.
    #[track_caller]
    fn assert(&self, check: &'static str) {
        let finding = Finding { check, outcome: self.check(check) };
        match finding.outcome {
            Outcome::Kept => {}
            Outcome::Skipped(_) => eprintln!("{finding}"),
            Outcome::Violated(_) => panic!("{finding}"),
        }
    }
}

/// One line of the table of a suite.
pub(super) type Case<S> = (&'static str, fn(&S) -> Verdict);

pub(super) fn run<S>(suite: &S, cases: &[Case<S>], name: &str) -> Outcome {
    let Some((_, check)) = cases.iter().find(|(check, _)| *check == name) else { panic!("there is no check {name}") };
    match contained(|| check(suite)) {
        Ok(Ok(())) => Outcome::Kept,
        Ok(Err(Stop::Skipped(why))) => Outcome::Skipped(why),
        Ok(Err(Stop::Violated(observed))) => Outcome::Violated(observed),
        Err(panic) => Outcome::Violated(format!("it panicked: {panic:#}")),
    }
}

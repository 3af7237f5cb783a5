//! How long a consumer takes for a message.

use std::{fmt, str::FromStr, time::Duration};

use crate::rng::Rng;

/// What a consumer does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Waits, as for a disk or another service: the thread is free.
    Wait,
    /// Computes: the thread is taken.
    Busy,
}

/// How the times are spread.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Always the mean.
    Fixed,
    Exponential,
    /// Heavy-tailed; cut at [`PARETO_CUT`] times the mean.
    Pareto {
        alpha: f64,
    },
    /// In proportion to a column of the trace.
    By(String),
    /// As the trace's `service_ms` column says.
    Column,
}

/// No drawn time exceeds this many means: one draw must not outlast the run.
pub(crate) const PARETO_CUT: f64 = 100.0;

/// `--service`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Service {
    pub(crate) work: Work,
    pub(crate) shape: Shape,
    /// `None`: chosen so that the consumers are as busy as `--load` says.
    pub(crate) mean_ms: Option<f64>,
}

impl Service {
    /// Exponential, the mean chosen by the load.
    pub(crate) const AUTO: Self = Self { work: Work::Wait, shape: Shape::Exponential, mean_ms: None };

    /// The column of the trace that this needs.
    pub(crate) fn weight(&self) -> Option<&str> {
        match &self.shape {
            Shape::By(column) => Some(column),
            _ => None,
        }
    }

    /// Draws one time around `mean_ms`. `relative` is the event's weight by the
    /// mean weight, and is used by [`Shape::By`] alone.
    pub(crate) fn draw(&self, mean_ms: f64, relative: f64, rng: &mut Rng) -> Duration {
        let ms = match self.shape {
            Shape::Fixed | Shape::Column => mean_ms,
            Shape::Exponential => rng.exponential(mean_ms),
            Shape::Pareto { alpha } => rng.pareto(mean_ms, alpha).min(PARETO_CUT * mean_ms),
            Shape::By(_) => mean_ms * relative,
        };
        milliseconds(ms)
    }
}

/// A time that a file or a distribution gave. What is no sensible number is a
/// little over an hour, which the plan then refuses.
pub(crate) fn milliseconds(ms: f64) -> Duration {
    Duration::from_secs_f64(if ms.is_finite() { ms.clamp(0.0, 4e6) } else { 4e6 } / 1000.0)
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (work, rest) = match text.strip_prefix("cpu:") {
            Some(rest) => (Work::Busy, rest),
            None => (Work::Wait, text),
        };
        let parts: Vec<&str> = rest.split(':').collect();
        let mean = |s: &str| match s.parse::<f64>() {
            Ok(ms) if ms.is_finite() && (0.0..=3_600_000.0).contains(&ms) => Ok(Some(ms)),
            _ => Err(format!("{s:?} in {text:?} is not a time in milliseconds")),
        };
        let (shape, mean_ms) = match parts[..] {
            ["trace"] => (Shape::Column, None),
            ["exp"] => (Shape::Exponential, None),
            ["exp", ms] => (Shape::Exponential, mean(ms)?),
            ["pareto"] => (Shape::Pareto { alpha: 2.0 }, None),
            ["pareto", ms] => (Shape::Pareto { alpha: 2.0 }, mean(ms)?),
            ["pareto", ms, alpha] => match alpha.parse::<f64>() {
                Ok(alpha) if alpha > 1.0 && alpha.is_finite() => (Shape::Pareto { alpha }, mean(ms)?),
                _ => return Err(format!("the tail index {alpha:?} is not a number above 1")),
            },
            ["by", column] if !column.is_empty() => (Shape::By(column.to_owned()), None),
            ["by", column, ms] if !column.is_empty() => (Shape::By(column.to_owned()), mean(ms)?),
            [ms] if ms.starts_with(|c: char| c.is_ascii_digit() || c == '.') => (Shape::Fixed, mean(ms)?),
            _ => {
                return Err(format!(
                    "{text:?} is not one of MS, exp[:MS], pareto[:MS[:ALPHA]], by:COLUMN[:MS], trace, or one of them after cpu:"
                ));
            }
        };
        Ok(Self { work, shape, mean_ms })
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            Shape::Fixed => write!(f, "always the same")?,
            Shape::Exponential => write!(f, "exponentially distributed")?,
            Shape::Pareto { alpha } => write!(f, "Pareto distributed (tail index {alpha})")?,
            Shape::By(column) => write!(f, "in proportion to \"{column}\"")?,
            Shape::Column => write!(f, "from the trace")?,
        }
        match self.work {
            Work::Wait => write!(f, ", spent waiting"),
            Work::Busy => write!(f, ", spent computing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_parse() {
        let parse = |s: &str| s.parse::<Service>();
        assert_eq!(parse("5"), Ok(Service { work: Work::Wait, shape: Shape::Fixed, mean_ms: Some(5.0) }));
        assert_eq!(parse("cpu:0.2").unwrap().work, Work::Busy);
        assert_eq!(parse("exp"), Ok(Service::AUTO));
        assert_eq!(parse("pareto:5:1.5").unwrap().shape, Shape::Pareto { alpha: 1.5 });
        assert_eq!(parse("by:sig:7").unwrap().weight(), Some("sig"));
        assert_eq!(parse("trace").unwrap().shape, Shape::Column);
        for bad in ["", "fast", "-1", "exp:", "exp:x", "pareto:5:1", "by:", "cpu:", "5ms", "1e999", "exp:1:2"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn draws_follow_the_shape() {
        let mut rng = Rng::stream(1, 1);
        let of = |s: &str| s.parse::<Service>().unwrap();
        assert_eq!(of("5").draw(5.0, 9.0, &mut rng), Duration::from_millis(5));
        assert_eq!(of("by:sig:5").draw(5.0, 3.0, &mut rng), Duration::from_millis(15));
        let pareto = of("pareto:1:1.01");
        assert!((0..10_000).all(|_| pareto.draw(1.0, 1.0, &mut rng) <= Duration::from_millis(100)));
    }
}

//! A schedule, as text: what is chosen wherever there is a choice.

use std::fmt;
use std::str::FromStr;

use super::trace::Trace;

/// What was chosen, wherever there was a choice, in order. Behind its end the
/// first of what there is is chosen: the task that was woken first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule {
    pub(crate) choices: Vec<u32>,
}

impl Schedule {
    pub(crate) fn of(trace: &Trace) -> Self {
        Self::from_choices(trace.decisions.iter().map(|decision| decision.chosen).collect())
    }

    pub(crate) fn from_choices(mut choices: Vec<u32>) -> Self {
        while choices.last() == Some(&0) {
            choices.pop();
        }
        Self { choices }
    }

    /// How many choices it says.
    #[must_use]
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Whether it says nothing: the first of what there is, all along.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }
}

/// The choices with dots between them; `-` for none.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.choices.is_empty() {
            return f.write_str("-");
        }
        for (n, choice) in self.choices.iter().enumerate() {
            write!(f, "{}{choice}", if n == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSchedule(String);

impl fmt::Display for NoSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a schedule is numbers with dots between them, or `-`: {:?}", self.0)
    }
}

impl std::error::Error for NoSchedule {}

impl FromStr for Schedule {
    type Err = NoSchedule;

    fn from_str(text: &str) -> Result<Self, NoSchedule> {
        if text == "-" {
            return Ok(Self::default());
        }
        let choices = text.split('.').map(|choice| choice.parse().map_err(|_| NoSchedule(text.to_owned())));
        Ok(Self::from_choices(choices.collect::<Result<_, _>>()?))
    }
}

//! What happened in one run of a program.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::sync::access::{Note, Touch};

/// A task of an explored program: the same for the same task in every run,
/// whatever the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct TaskId(pub(crate) u32);

impl TaskId {
    /// What is made before the program begins, and what the clock does.
    pub(crate) const ROOT: Self = Self(0);
}

/// What there is to choose from: who runs next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point<'a> {
    /// The tasks that can run, in the order in which they were woken. Never
    /// empty.
    pub(crate) ready: &'a [TaskId],
}

/// One step of a run.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) task: TaskId,
    pub(crate) kind: EventKind,
    /// What it touched, in [`Trace::touches`].
    pub(crate) touched: Range<u32>,
    /// Which of [`Trace::decisions`] were made for it and in it.
    pub(crate) decisions: Range<u32>,
    /// What there is to tell of it, in [`Trace::notes`].
    pub(crate) notes: Range<u32>,
    /// When, on the clock of the program.
    pub(crate) at: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// A task was polled.
    Step,
    /// A task was polled, and is done.
    Last,
    /// Nothing else could run, so the clock moved on, to here. Everything that
    /// follows comes after everything before.
    Time,
    /// Nothing else could run, so those went on who waited for that. As `Time`.
    Settled,
}

impl EventKind {
    /// Whether no step can change places with it.
    pub(crate) fn is_barrier(self) -> bool {
        matches!(self, Self::Time | Self::Settled)
    }
}

/// One choice that was made, among two or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) kind: DecisionKind,
    pub(crate) options: u32,
    pub(crate) chosen: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecisionKind {
    /// Who runs next: an index into [`Point::ready`].
    Task,
    /// What the program asked for.
    Data,
}

/// A task, as it appeared in this run.
#[derive(Clone, Debug)]
pub(crate) struct TaskInfo {
    pub(crate) id: TaskId,
    pub(crate) name: String,
    /// The event in which it was spawned; `None` for the first.
    pub(crate) born: Option<usize>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum End {
    /// The body is done, and nothing is left to run.
    #[default]
    Done,
    /// Something is wrong.
    Failed(Failure),
    /// There were more steps than are looked at.
    TooLong,
    /// There was no time for more.
    OutOfTime,
    /// The strategy has seen all that follows.
    Abandoned,
}

/// What is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A task panicked: most often an assertion of the body.
    Panicked {
        /// The name of the task.
        task: String,
        /// What it said.
        message: String,
        /// Where, if that is known.
        location: Option<String>,
    },
    /// The body returned an error.
    Error(String),
    /// Nothing can go on, and somebody waits.
    Deadlock(String),
    /// A property does not hold.
    Violated {
        /// The name of the property.
        property: String,
        /// What is wrong.
        message: String,
    },
    /// Something of the program was left over.
    Leaked(String),
    /// The program did what cannot be explored.
    Escaped(String),
    /// The program did something else than the last time.
    Nondeterministic(String),
    /// A schedule was to be run again, and the program does not have the choices
    /// that it names.
    Strayed(String),
    /// A fault that was asked for could happen in none of the runs, so nothing was
    /// checked with it.
    Vacuous(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked { task, message, location } => {
                write!(f, "{task} panicked: {message}")?;
                location.as_ref().map_or(Ok(()), |location| write!(f, ", at {location}"))
            }
            Self::Error(message) => write!(f, "the body failed: {message}"),
            Self::Deadlock(message) => write!(f, "deadlock: {message}"),
            Self::Violated { property, message } => write!(f, "{property} does not hold: {message}"),
            Self::Leaked(message) => write!(f, "leaked: {message}"),
            Self::Escaped(message) => write!(f, "this cannot be explored: {message}"),
            Self::Strayed(message) => write!(f, "the schedule does not fit: {message}"),
            Self::Vacuous(message) => write!(f, "a fault that cannot happen: {message}"),
            Self::Nondeterministic(message) => write!(f, "the program is not deterministic: {message}"),
        }
    }
}

impl std::error::Error for Failure {}

/// One run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) events: Vec<Event>,
    pub(crate) touches: Vec<Touch>,
    pub(crate) notes: Vec<Note>,
    pub(crate) decisions: Vec<Decision>,
    /// In the order of their births.
    pub(crate) tasks: Vec<TaskInfo>,
    pub(crate) end: End,
    /// A clock that may move at any time could have moved on at the end.
    pub(crate) is_cut: bool,
}

impl Trace {
    /// What an event touched.
    pub(crate) fn touched(&self, event: usize) -> &[Touch] {
        let Range { start, end } = self.events[event].touched;
        &self.touches[start as usize..end as usize]
    }

    /// What there is to tell of an event.
    pub(crate) fn notes(&self, event: usize) -> &[Note] {
        let Range { start, end } = self.events[event].notes;
        &self.notes[start as usize..end as usize]
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.end {
            End::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.touches.clear();
        self.notes.clear();
        self.decisions.clear();
        self.tasks.clear();
        self.end = End::Done;
        self.is_cut = false;
    }
}

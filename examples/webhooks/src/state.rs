//! What is made of the deliveries: what happened where, how often, and in which
//! order.
//!
//! The order is in it on purpose. Of every subject the state keeps the last step
//! and a number that all of its steps went into, one after the other: a delivery
//! that is left out, counted twice or taken in another order changes it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::facts::Facts;
use crate::rng::mix;

/// Of each repository what happened in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    homes: BTreeMap<String, Home>,
    applied: u64,
}

/// What happened in one repository or organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Home {
    events: BTreeMap<String, u64>,
    subjects: BTreeMap<String, Subject>,
}

/// What happened to one issue, pull request, branch, ...
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Subject {
    last: String,
    steps: u64,
    /// All steps and their numbers, in their order.
    trail: u64,
}

impl State {
    /// Takes delivery `number` in.
    pub fn apply(&mut self, number: u64, facts: &Facts) {
        self.applied += 1;
        // Most are known: no name is copied then.
        if !self.homes.contains_key(&facts.home) {
            self.homes.insert(facts.home.clone(), Home::default());
        }
        let Some(home) = self.homes.get_mut(&facts.home) else { return };
        match home.events.get_mut(&*facts.event) {
            Some(count) => *count += 1,
            None => drop(home.events.insert(facts.event.to_string(), 1)),
        }
        // What is about the whole has a trail too.
        let subject = home.subjects.entry(facts.subject.clone().unwrap_or_default()).or_default();
        subject.steps += 1;
        subject.last = facts.step();
        subject.trail =
            subject.last.bytes().fold(mix(subject.trail ^ number), |trail, byte| mix(trail ^ u64::from(byte)));
    }

    /// How many deliveries went into it.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// How many repositories and organizations, and how many subjects in them.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.homes.len(), self.homes.values().map(|home| home.subjects.len()).sum())
    }

    /// Where `self` is not what it should be, a line each; `None` if nowhere.
    #[must_use]
    pub fn difference(&self, right: &Self) -> Option<String> {
        if self == right {
            return None;
        }
        let mut text = String::new();
        if self.applied != right.applied {
            line(&mut text, "deliveries", &self.applied, &right.applied);
        }
        both(&self.homes, &right.homes, |name, ours, rights| {
            both(&ours.events, &rights.events, |event, ours, rights| {
                line(&mut text, &format!("{name}, {event} events"), ours, rights);
            });
            both(&ours.subjects, &rights.subjects, |subject, ours, rights| {
                line(&mut text, &format!("{name}, {subject}"), ours, rights);
            });
        });
        Some(text)
    }
}

/// Calls `differ` for each name under which the two are not the same.
fn both<T: Default + PartialEq>(
    ours: &BTreeMap<String, T>,
    rights: &BTreeMap<String, T>,
    mut differ: impl FnMut(&str, &T, &T),
) {
    let none = T::default();
    let missing = rights.keys().filter(|name| !ours.contains_key(*name));
    for name in ours.keys().chain(missing) {
        let (ours, rights) = (ours.get(name).unwrap_or(&none), rights.get(name).unwrap_or(&none));
        if ours != rights {
            differ(name, ours, rights);
        }
    }
}

fn line(text: &mut String, what: &str, is: &dyn fmt::Display, should: &dyn fmt::Display) {
    // Into a string, which has room.
    let _ = writeln!(text, "{what}: is {is}, should be {should}");
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps == 0 {
            return f.write_str("unknown");
        }
        write!(f, "{:?} after {} steps ({:016x})", self.last, self.steps, self.trail)
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::facts::Facts;

    fn facts(action: &str, subject: &str) -> Facts {
        Facts {
            event: "issues".into(),
            action: Some(action.to_owned()),
            home: "a/b".to_owned(),
            subject: Some(subject.to_owned()),
        }
    }

    fn of(steps: &[(u64, &str, &str)]) -> State {
        let mut state = State::default();
        steps.iter().for_each(|(number, action, subject)| state.apply(*number, &facts(action, subject)));
        state
    }

    #[test]
    fn the_same_deliveries_give_the_same_state() {
        let steps = [(0, "opened", "issue 1"), (1, "opened", "issue 2"), (2, "closed", "issue 1")];
        assert_eq!(of(&steps).difference(&of(&steps)), None);
        assert_eq!((of(&steps).applied(), of(&steps).size()), (3, (1, 2)));
    }

    #[test]
    fn what_is_lost_doubled_or_in_another_order_shows() {
        let right = of(&[(0, "opened", "issue 1"), (1, "edited", "issue 1"), (2, "closed", "issue 1")]);
        let wrong: [&[(u64, &str, &str)]; 4] = [
            &[(0, "opened", "issue 1"), (2, "closed", "issue 1")],
            &[(0, "opened", "issue 1"), (1, "edited", "issue 1"), (1, "edited", "issue 1"), (2, "closed", "issue 1")],
            &[(1, "edited", "issue 1"), (0, "opened", "issue 1"), (2, "closed", "issue 1")],
            &[(0, "opened", "issue 1"), (1, "edited", "issue 2"), (2, "closed", "issue 1")],
        ];
        for wrong in wrong {
            let text = of(wrong).difference(&right).expect("it differs");
            assert!(text.contains("a/b, issue 1: is \"issues.closed\" after"), "{text}");
        }
    }

    #[test]
    fn a_difference_says_what_is_and_what_should_be() {
        let text = of(&[(0, "opened", "issue 1")]).difference(&State::default()).expect("it differs");
        assert!(text.starts_with("deliveries: is 1, should be 0\na/b, issues events: is 1, should be 0\n"), "{text}");
        assert!(text.ends_with("should be unknown\n"), "{text}");
    }
}

//! What one payload says that the state is made of.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

/// What happened, to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// GitHub's name of the event.
    pub event: Arc<str>,
    /// `opened`, `closed`, ...; not every event has one.
    pub action: Option<String>,
    /// The repository; failing that the organization, or `-`.
    pub home: String,
    /// `pull 2`, `issue 1`, `refs/heads/main`, ...; none for what is about the
    /// whole of the home.
    pub subject: Option<String>,
}

/// The fields that are looked at, in the order of which names the subject. All
/// others are skipped without being kept.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    repository: Option<Repository<'a>>,
    #[serde(borrow)]
    organization: Option<Organization<'a>>,
    pull_request: Option<Numbered>,
    issue: Option<Numbered>,
    discussion: Option<Numbered>,
    milestone: Option<Numbered>,
    release: Option<Identified>,
    workflow_job: Option<Identified>,
    workflow_run: Option<Identified>,
    check_run: Option<Identified>,
    check_suite: Option<Identified>,
    deployment: Option<Identified>,
    project_card: Option<Identified>,
    #[serde(borrow, rename = "ref")]
    reference: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Repository<'a> {
    #[serde(borrow)]
    full_name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Organization<'a> {
    #[serde(borrow)]
    login: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

#[derive(Deserialize)]
struct Identified {
    id: u64,
}

impl Facts {
    /// Reads the payload of an event.
    ///
    /// # Errors
    /// If it is not JSON, or not of the form that GitHub gives it.
    pub fn read(event: impl Into<Arc<str>>, payload: &[u8]) -> Result<Self, serde_json::Error> {
        let payload: Payload<'_> = serde_json::from_slice(payload)?;
        let home = match (&payload.repository, &payload.organization) {
            (Some(repository), _) => repository.full_name.to_string(),
            (None, Some(organization)) => organization.login.to_string(),
            (None, None) => "-".to_owned(),
        };
        let subject = payload.subject();
        Ok(Self { event: event.into(), action: payload.action.map(Cow::into_owned), home, subject })
    }

    /// `issues.opened`, or the event alone.
    #[must_use]
    pub fn step(&self) -> String {
        match &self.action {
            Some(action) => format!("{}.{action}", self.event),
            None => self.event.to_string(),
        }
    }
}

impl Payload<'_> {
    fn subject(&self) -> Option<String> {
        let numbered = [
            ("pull", &self.pull_request),
            ("issue", &self.issue),
            ("discussion", &self.discussion),
            ("milestone", &self.milestone),
        ];
        let identified = [
            ("release", &self.release),
            ("job", &self.workflow_job),
            ("run", &self.workflow_run),
            ("check", &self.check_run),
            ("suite", &self.check_suite),
            ("deployment", &self.deployment),
            ("card", &self.project_card),
        ];
        let numbered = numbered.into_iter().filter_map(|(kind, at)| Some(format!("{kind} {}", at.as_ref()?.number)));
        let identified = identified.into_iter().filter_map(|(kind, at)| Some(format!("{kind} {}", at.as_ref()?.id)));
        numbered.chain(identified).next().or_else(|| self.reference.as_ref().map(ToString::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;
    use crate::corpus::Corpus;

    #[test]
    fn what_happened_to_what_is_read() {
        let body =
            br#"{"action":"opened","issue":{"number":7,"title":"\u00e4"},"repository":{"full_name":"a/b"},"x":[{}]}"#;
        let facts = Facts::read("issues", body).expect("a payload");
        assert_eq!(facts.step(), "issues.opened");
        assert_eq!((facts.home.as_str(), facts.subject.as_deref()), ("a/b", Some("issue 7")));
    }

    #[test]
    fn a_comment_on_a_pull_request_is_about_the_pull_request() {
        let body = br#"{"pull_request":{"number":2},"issue":{"number":1},"organization":{"login":"o"}}"#;
        let facts = Facts::read("x", body).expect("a payload");
        assert_eq!((facts.home.as_str(), facts.subject.as_deref()), ("o", Some("pull 2")));
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for bad in ["", "{", "[]", "{\"issue\":{}}", "{\"action\":1}", "{} x"] {
            assert!(Facts::read("x", bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_real_delivery_is_understood() {
        let corpus = Corpus::github().expect("it comes with the program");
        let all: Vec<Facts> = (0..corpus.len() as u64)
            .map(|n| Facts::read(corpus.sample(n).event.clone(), &corpus.sample(n).payload))
            .collect::<Result<_, _>>()
            .expect("real ones");
        assert!(all.iter().filter(|facts| facts.subject.is_some()).count() > 150);
        assert!(all.iter().filter(|facts| facts.home != "-").count() > 280);
    }
}

//! The receiver: takes webhooks in, and says that there is news.
//!
//! It does what cannot be done later, and nothing else. It bounds what it reads,
//! checks the signature over the raw bytes and that there is JSON in them, and
//! hands on that something happened: not what. Whoever wants to know what asks
//! the source, at a pace of its own; so the receiver is as quick on a bad day as
//! on a good one, and GitHub's ten seconds are never an issue.
//!
//! Room comes first: a request is read only when there is a permit for it in the
//! intake's mailbox. Without one it is answered 503. Nothing is lost by that:
//! GitHub does not try again, and the next look at the source finds the delivery.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::IgnoredAny;
use tidegate::ActorRef;

use crate::delivery::{self, DeliveryId};
use crate::intake::Told;
use crate::server::Server;
use crate::signature::{self, Secret};

/// The header that names the event.
pub const EVENT: &str = "x-github-event";
/// Where webhooks go.
pub const PATH: &str = "/webhook";
/// GitHub sends no more than 25 MB, and nothing here comes near to it.
pub const LARGEST: usize = 1 << 20;
/// For all of the body: GitHub itself would have given up.
const WITHIN: Duration = Duration::from_secs(10);

/// A receiver that runs.
#[derive(Debug)]
pub struct Receiver(Server);

/// What became of the webhooks so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// 202: signed and whole.
    pub accepted: u64,
    /// 401: not signed, or not for this body under this secret.
    pub unsigned: u64,
    /// 413.
    pub too_large: u64,
    /// 400, and 408 for a body that did not come.
    pub malformed: u64,
    /// 503: no room.
    pub overloaded: u64,
}

/// What counts them, over the lives of several receivers.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<Received>>);

impl Tally {
    /// So far.
    #[must_use]
    pub fn read(&self) -> Received {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Debug)]
struct Desk {
    secret: Secret,
    intake: ActorRef<Told>,
    tally: Tally,
}

impl Receiver {
    /// Begins to listen, on a free port of loopback. `intake` is told of what
    /// comes; its mailbox says how much may come at a time.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(secret: Secret, intake: ActorRef<Told>, tally: Tally) -> io::Result<Self> {
        let router = Router::new().route(PATH, post(webhook)).with_state(Desk { secret, intake, tally });
        Ok(Self(Server::start(0, router).await?))
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Answers what has come, and ends.
    pub async fn drain(self, within: Duration) {
        self.0.drain(within).await;
    }

    /// Ends as if its process had been killed: whoever is talking to it is cut
    /// off.
    pub async fn kill(self) {
        self.0.kill().await;
    }
}

/// Why a webhook is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Overloaded,
    TooLarge,
    TooSlow,
    Unsigned,
    Malformed(&'static str),
}

async fn webhook(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Response {
    let taken = take(&desk, &headers, body).await;
    let mut tally = desk.tally.0.lock().unwrap_or_else(PoisonError::into_inner);
    *match taken {
        Ok(()) => &mut tally.accepted,
        Err(Refusal::Overloaded) => &mut tally.overloaded,
        Err(Refusal::TooLarge) => &mut tally.too_large,
        Err(Refusal::Unsigned) => &mut tally.unsigned,
        Err(Refusal::TooSlow | Refusal::Malformed(_)) => &mut tally.malformed,
    } += 1;
    drop(tally);
    match taken {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// In the order of what it costs. Who sent it is known only from the signature
/// on, so before that nothing is told apart that is about the content.
async fn take(desk: &Desk, headers: &HeaderMap, body: Body) -> Result<(), Refusal> {
    let permit = desk.intake.try_reserve().map_err(|_| Refusal::Overloaded)?;
    let body = read(body).await?;
    let signature = headers.get(signature::HEADER).ok_or(Refusal::Unsigned)?;
    desk.secret.verify(signature.as_bytes(), &body).map_err(|_| Refusal::Unsigned)?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    text(EVENT).ok_or(Refusal::Malformed("no X-GitHub-Event"))?;
    let id: DeliveryId = text(delivery::HEADER)
        .and_then(|id| id.parse().ok())
        .ok_or(Refusal::Malformed("no X-GitHub-Delivery, or not an id"))?;
    serde_json::from_slice::<IgnoredAny>(&body).map_err(|_| Refusal::Malformed("the body is not JSON"))?;
    // Whether the intake still lives to hear it makes no difference to GitHub.
    drop(permit.send(Told { id }));
    Ok(())
}

async fn read(body: Body) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(WITHIN, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(why)) if why.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Ok(Err(_)) => Err(Refusal::Malformed("the body breaks off")),
        Err(_) => Err(Refusal::TooSlow),
    }
}

impl Refusal {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "no room"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than a megabyte"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body takes too long"),
            Self::Unsigned => (StatusCode::UNAUTHORIZED, "no valid signature"),
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, why),
        };
        let mut response = (status, why).into_response();
        if self == Self::Overloaded {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

//! A small HTTP client: whole answers, with a limit of time and size.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// As long as GitHub gives a receiver.
const WITHIN: Duration = Duration::from_secs(10);
/// No answer here comes near to it.
const LARGEST: usize = 4 << 20;

/// Talks to one server. Connections are kept and used again; clones share them.
#[derive(Clone, Debug)]
pub struct Client {
    http: Pooled<HttpConnector, Full<Bytes>>,
    server: SocketAddr,
}

/// Who can be asked: a server by a [`Client`], or one in memory.
pub trait Ask: fmt::Debug + Send + Sync + 'static {
    /// Asks for `path`, as [`Client::get`].
    fn ask<'a>(&'a self, path: &'a str) -> Asking<'a>;
}

/// A question that waits for its answer.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Answer, ClientError>> + Send + 'a>>;

impl Ask for Client {
    fn ask<'a>(&'a self, path: &'a str) -> Asking<'a> {
        Box::pin(self.get(path))
    }
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// When to come again, if it said so.
    pub retry_after: Option<Duration>,
    /// All of its body.
    pub body: Bytes,
}

/// Why there is no answer. All of it may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// No connection, or one that broke.
    Unreachable(String),
    /// Nothing within the time.
    TimedOut,
    /// An answer that breaks off, or is larger than any should be.
    Broken(String),
}

impl Client {
    /// For the server at this address.
    #[must_use]
    pub fn new(server: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: Pooled::builder(TokioExecutor::new()).build(connector), server }
    }

    /// Asks for `path`.
    ///
    /// # Errors
    /// If there is no answer. A status that says no is one.
    /// # Cancel safety
    /// Dropped, the request may or may not have reached the server.
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.send(Method::GET, path, HeaderMap::new(), Bytes::new()).await
    }

    /// Sends `body` to `path`.
    ///
    /// # Errors
    /// As [`get`](Self::get); the server may have got it then.
    /// # Cancel safety
    /// As [`get`](Self::get).
    pub async fn post(&self, path: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, ClientError> {
        self.send(Method::POST, path, headers, body).await
    }

    async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, ClientError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        *request.uri_mut() = format!("http://{}{path}", self.server)
            .parse()
            .map_err(|why| ClientError::Unreachable(format!("{path:?}: {why}")))?;
        tokio::time::timeout(WITHIN, self.exchange(request)).await.unwrap_or(Err(ClientError::TimedOut))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        let response = self.http.request(request).await.map_err(|why| ClientError::Unreachable(why.to_string()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|why| ClientError::Broken(why.to_string()))?;
        Ok(Answer { status: head.status, retry_after: retry_after(&head.headers), body: body.to_bytes() })
    }
}

/// The form in seconds; the other, a date, is not sent by anybody here.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the server cannot be reached: {why}"),
            Self::TimedOut => write!(f, "no answer within {} s", WITHIN.as_secs()),
            Self::Broken(why) => write!(f, "the answer breaks off: {why}"),
        }
    }
}

impl std::error::Error for ClientError {}

#[cfg(test)]
mod tests {
    use super::retry_after;
    use axum::http::header::RETRY_AFTER;
    use axum::http::{HeaderMap, HeaderValue};
    use std::time::Duration;

    #[test]
    fn when_to_come_again_is_read_or_left_alone() {
        let read =
            |value: &'static str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]));
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        for other in ["", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(read(other), None, "{other:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}

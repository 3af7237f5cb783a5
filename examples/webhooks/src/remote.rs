//! The source as its client sees it: pages and details over HTTP, and a gate
//! that is closed for all while the source has asked to be left alone.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use tidegate::flow::news::{Fetch, FetchError, Gap, Page};
use tokio::time::{Instant, sleep_until};

use crate::api;
use crate::client::{Ask, ClientError};
use crate::cursor::{Cursor, Wanted};
use crate::facts::Facts;
use crate::intake::Notified;

/// The source. Clones share connections and the gate.
#[derive(Clone, Debug)]
pub struct Remote {
    server: Arc<dyn Ask>,
    /// Nobody asks before this.
    not_before: Arc<Mutex<Option<Instant>>>,
}

/// Why the source did not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteError {
    /// It may say the next time.
    Later(String),
    /// It has asked to be left alone for so long. Everybody waits by now.
    Limited(Duration),
    /// It never will: there is no such thing.
    Never(String),
}

/// A delivery, as far as anybody here wants to know it.
#[derive(Clone, Debug)]
pub struct Happening {
    /// What happened.
    pub facts: Facts,
    /// When, since the source began.
    pub at: Duration,
}

impl Remote {
    /// The source that answers at `server`.
    #[must_use]
    pub fn new(server: impl Ask) -> Self {
        Self { server: Arc::new(server), not_before: Arc::default() }
    }

    /// What delivery `number` is.
    ///
    /// # Errors
    /// If the source does not say.
    pub async fn detail(&self, number: u64) -> Result<Happening, RemoteError> {
        let body = self.ask(&format!("/deliveries/{number}")).await?;
        let detail: api::Detail<'_> = understood(&body)?;
        if detail.id != number {
            return Err(RemoteError::Later(format!("asked for delivery {number} and was told of {}", detail.id)));
        }
        let facts = Facts::read(&*detail.event, detail.payload.get().as_bytes())
            .map_err(|why| RemoteError::Never(format!("delivery {number} is not understood: {why}")))?;
        Ok(Happening { facts, at: Duration::from_micros(detail.happened_us) })
    }

    async fn list(&self, cursor: u64, n: NonZeroU64) -> Result<Page<()>, RemoteError> {
        let body = self.ask(&Wanted::from(cursor, n).path()).await?;
        let list: api::List<'_> = understood(&body)?;
        let next: Cursor = list.next.parse().map_err(|why| RemoteError::Later(format!("the next page: {why}")))?;
        let items = list.deliveries.iter().map(|listed| (listed.id, ())).collect();
        let gap = list.gone.map(|(from, to)| Gap { from, to });
        Ok(Page::new(items, next.0).more(list.more).closed(list.closed).gap(gap))
    }

    async fn ask(&self, path: &str) -> Result<axum::body::Bytes, RemoteError> {
        self.gate().await;
        let answer = self.server.ask(path).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            StatusCode::TOO_MANY_REQUESTS => {
                let pause = answer.retry_after.unwrap_or(Duration::from_secs(1));
                self.close_for(pause);
                Err(RemoteError::Limited(pause))
            }
            // What is wrong with the question stays wrong.
            status if status.is_client_error() => Err(RemoteError::Never(format!("{path}: {status}"))),
            status => Err(RemoteError::Later(format!("{path}: {status}"))),
        }
    }

    fn close_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = Some(not_before.map_or(until, |known| known.max(until)));
    }

    async fn gate(&self) {
        loop {
            let not_before = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
            match not_before {
                Some(until) if Instant::now() < until => sleep_until(until).await,
                _ => return,
            }
        }
    }
}

/// An answer that breaks off is as good as none, and the next may be whole.
fn understood<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, RemoteError> {
    serde_json::from_slice(body).map_err(|why| RemoteError::Later(format!("the answer is not understood: {why}")))
}

impl From<ClientError> for RemoteError {
    fn from(why: ClientError) -> Self {
        Self::Later(why.to_string())
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Later(why) | Self::Never(why) => f.write_str(why),
            Self::Limited(pause) => write!(f, "asked to wait for {pause:?}"),
        }
    }
}

impl std::error::Error for RemoteError {}

/// What made the follower look, and what it found by that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// After a notice.
    pub by_notice: Looked,
    /// Without a new one, since there was more, or the look before had failed.
    pub going_on: Looked,
    /// Without either: the first look, and the safety poll.
    pub by_poll: Looked,
    /// Looks that failed, and were repeated.
    pub failed: u64,
}

/// Looks, and deliveries that were found by them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Pages.
    pub pages: u64,
    /// Deliveries on them.
    pub found: u64,
}

impl Looks {
    /// Those that did not fail, by whatever reason.
    #[must_use]
    pub fn all(&self) -> Looked {
        let [a, b, c] = [self.by_notice, self.going_on, self.by_poll];
        Looked { pages: a.pages + b.pages + c.pages, found: a.found + b.found + c.found }
    }
}

/// The list of deliveries as a store that can be followed.
#[derive(Debug)]
pub struct Deliveries {
    remote: Remote,
    notified: Arc<Mutex<Notified>>,
    looks: Arc<Mutex<Looks>>,
    /// Notices that had come by the last look.
    heard: u64,
    /// Whether the last look goes on: there was more, or it failed.
    goes_on: bool,
}

impl Deliveries {
    /// Those of `remote`. What is counted in `notified` tells why one looks,
    /// which is counted in `looks`.
    #[must_use]
    pub fn new(remote: Remote, notified: Arc<Mutex<Notified>>, looks: Arc<Mutex<Looks>>) -> Self {
        Self { remote, notified, looks, heard: 0, goes_on: false }
    }
}

impl Fetch for Deliveries {
    /// The number says it all. The rest is asked for by who handles it.
    type Item = ();

    async fn fetch(&mut self, cursor: u64, n: NonZeroU64) -> Result<Page<()>, FetchError> {
        let notices = self.notified.lock().unwrap_or_else(PoisonError::into_inner).notices;
        let (heard, goes_on) = (notices > self.heard, self.goes_on);
        self.heard = notices;
        let listed = self.remote.list(cursor, n).await;
        self.goes_on = listed.as_ref().map_or(true, |page| page.more);
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        match listed {
            Ok(page) => {
                let looked = match (heard, goes_on) {
                    (true, _) => &mut looks.by_notice,
                    (false, true) => &mut looks.going_on,
                    (false, false) => &mut looks.by_poll,
                };
                looked.pages += 1;
                looked.found += page.items.len() as u64;
                Ok(page)
            }
            Err(why) => {
                looks.failed += 1;
                Err(match why {
                    RemoteError::Later(_) => FetchError::transient(why),
                    RemoteError::Limited(pause) => FetchError::transient(why).retry_after(pause),
                    RemoteError::Never(_) => FetchError::permanent(why),
                })
            }
        }
    }
}

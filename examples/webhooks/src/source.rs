//! The other side: a service that has the deliveries, in order, and answers
//! questions about them. A stand-in for
//! `GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries`.
//!
//! It also counts how many requests it works on at a time. That is where demand
//! shows: not in what a client believes to have asked for.

use std::io;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Serialize;
use tidegate::flow::news::Retained;

use crate::api;
use crate::corpus::{Corpus, Sample};
use crate::cursor::{Cursor, Wanted};
use crate::delivery::DeliveryId;
use crate::facts::Facts;
use crate::faults::{Fate, Faults, Misfortune};
use crate::server::Server;
use crate::state;

/// What a list of deliveries is asked for as, where things have numbers.
const LIST: u64 = u64::MAX;

/// The service, as its owner sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    corpus: Corpus,
    seed: u64,
    /// Times count from here.
    epoch: Instant,
    /// Of each delivery when it happened; what happened its number says.
    happened: Mutex<Retained<Duration>>,
    misfortune: Misfortune,
    counted: Mutex<Traffic>,
}

/// What the service has been asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests for a page of the list.
    pub lists: u64,
    /// Requests for one delivery.
    pub details: u64,
    /// Of all of these: answered with 500.
    pub errors: u64,
    /// Answered with 429.
    pub limited: u64,
    /// Refused: there is no such thing.
    pub refused: u64,
    /// Requests for a page at this moment.
    pub listing: u64,
    /// Requests for one delivery at this moment.
    pub detailing: u64,
    /// The most of them there ever were.
    pub most_listing: u64,
    /// The most of them there ever were.
    pub most_detailing: u64,
}

impl Source {
    /// Has nothing yet, and keeps the newest `keep` deliveries of what comes: at
    /// least one.
    #[must_use]
    pub fn new(corpus: Corpus, seed: u64, keep: usize, faults: Faults) -> Self {
        Self(Arc::new(Inner {
            corpus,
            seed,
            epoch: Instant::now(),
            happened: Mutex::new(Retained::new(keep.max(1))),
            misfortune: Misfortune::new(faults, seed),
            counted: Mutex::default(),
        }))
    }

    /// Serves it on loopback.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn serve(&self) -> io::Result<Server> {
        Server::start(0, self.router()).await
    }

    /// What it answers, wherever it is served.
    pub fn router(&self) -> Router {
        Router::new().route("/deliveries", get(list)).route("/deliveries/{id}", get(detail)).with_state(self.clone())
    }

    /// Something happens: one more delivery is there. Returns its number, `None`
    /// if the source is [closed](Self::close).
    #[must_use]
    pub fn happen(&self) -> Option<u64> {
        let now = self.0.epoch.elapsed();
        let (number, _) = lock(&self.0.happened).append(now).ok()?;
        Some(number)
    }

    /// Nothing will happen any more.
    pub fn close(&self) {
        lock(&self.0.happened).close();
    }

    /// How many deliveries there are.
    #[must_use]
    pub fn reach(&self) -> u64 {
        lock(&self.0.happened).end()
    }

    /// What delivery `number` is.
    #[must_use]
    pub fn sample(&self, number: u64) -> &Sample {
        self.0.corpus.sample(number)
    }

    /// How long ago a delivery happened that happened `at`.
    #[must_use]
    pub fn age(&self, at: Duration) -> Duration {
        self.0.epoch.elapsed().saturating_sub(at)
    }

    /// What it has been asked so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        *lock(&self.0.counted)
    }

    /// The state that the first deliveries make, up to `reach`, straight from
    /// here: what everybody else has to come to.
    ///
    /// # Errors
    /// If a payload is not understood.
    pub fn truth(&self, reach: u64) -> Result<state::State, serde_json::Error> {
        let different = self.0.corpus.len() as u64;
        let facts: Vec<Facts> = (0..reach.min(different))
            .map(|number| self.0.corpus.sample(number))
            .map(|sample| Facts::read(Arc::clone(&sample.event), &sample.payload))
            .collect::<Result<_, _>>()?;
        let mut truth = state::State::default();
        (0..reach).for_each(|number| truth.apply(number, &facts[(number % different) as usize]));
        Ok(truth)
    }

    /// Counts a request until what is returned is dropped: when it is answered,
    /// and also when it is given up.
    fn admit(&self, what: What) -> Counted<'_> {
        let mut counted = lock(&self.0.counted);
        let (total, now, most) = what.of(&mut counted);
        *total += 1;
        *now += 1;
        *most = (*most).max(*now);
        drop(counted);
        Counted { source: self, what }
    }

    /// `Some`: what is answered instead.
    async fn mishap(&self, thing: u64) -> Option<Response> {
        match self.0.misfortune.fate(thing, Instant::now()) {
            Fate::Answer(after) => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                None
            }
            Fate::Error => {
                lock(&self.0.counted).errors += 1;
                Some((StatusCode::INTERNAL_SERVER_ERROR, "something went wrong").into_response())
            }
            Fate::Limited(pause) => {
                lock(&self.0.counted).limited += 1;
                let mut answer = (StatusCode::TOO_MANY_REQUESTS, "too many requests").into_response();
                // Rounded up: who comes back on time comes late enough.
                let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                Some(answer)
            }
        }
    }

    fn refuse(&self, status: StatusCode, why: String) -> Response {
        lock(&self.0.counted).refused += 1;
        (status, why).into_response()
    }
}

/// What is asked for.
#[derive(Clone, Copy)]
enum What {
    List,
    Detail,
}

impl What {
    fn of(self, traffic: &mut Traffic) -> (&mut u64, &mut u64, &mut u64) {
        match self {
            Self::List => (&mut traffic.lists, &mut traffic.listing, &mut traffic.most_listing),
            Self::Detail => (&mut traffic.details, &mut traffic.detailing, &mut traffic.most_detailing),
        }
    }
}

struct Counted<'a> {
    source: &'a Source,
    what: What,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        *self.what.of(&mut lock(&self.source.0.counted)).1 -= 1;
    }
}

async fn list(State(source): State<Source>, RawQuery(query): RawQuery) -> Response {
    let _counted = source.admit(What::List);
    if let Some(instead) = source.mishap(LIST).await {
        return instead;
    }
    let wanted = match Wanted::read(query.as_deref()) {
        Ok(wanted) => wanted,
        Err(why) => return source.refuse(StatusCode::BAD_REQUEST, why.to_string()),
    };
    let page = lock(&source.0.happened).fetch(wanted.cursor.0, wanted.per_page);
    match page {
        Err(ahead) => source.refuse(StatusCode::UNPROCESSABLE_ENTITY, ahead.to_string()),
        Ok(page) => json(&api::List {
            deliveries: page
                .items
                .iter()
                .map(|(number, _)| api::Listed { id: *number, event: (&*source.0.corpus.sample(*number).event).into() })
                .collect(),
            next: Cursor(page.next).to_string().into(),
            more: page.more,
            closed: page.closed,
            gone: page.gap.map(|gap| (gap.from, gap.to)),
        }),
    }
}

async fn detail(State(source): State<Source>, Path(id): Path<String>) -> Response {
    let _counted = source.admit(What::Detail);
    let Some(number) = id.parse().ok().filter(|number| *number != LIST) else {
        return source.refuse(StatusCode::BAD_REQUEST, "not the number of a delivery".to_owned());
    };
    if let Some(instead) = source.mishap(number).await {
        return instead;
    }
    let found =
        lock(&source.0.happened).fetch(number, NonZeroU64::MIN).ok().and_then(|page| page.items.into_iter().next());
    let Some((_, happened)) = found.filter(|(found, _)| *found == number) else {
        return source.refuse(StatusCode::NOT_FOUND, format!("there is no delivery {number}"));
    };
    let sample = source.0.corpus.sample(number);
    json(&api::Detail {
        id: number,
        guid: DeliveryId::new(source.0.seed, number).to_string().into(),
        event: (&*sample.event).into(),
        happened_us: u64::try_from(happened.as_micros()).unwrap_or(u64::MAX),
        payload: &sample.json,
    })
}

fn json(answer: &impl Serialize) -> Response {
    match serde_json::to_vec(answer) {
        Ok(body) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()).into_response(),
    }
}

/// What is behind these locks is whole between two statements, so also after a
/// panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

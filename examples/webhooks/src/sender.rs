//! The sender: GitHub's side of webhooks, with everything that happens to them
//! on the way.
//!
//! Some are lost, some come twice, some are tampered with, and all are shuffled.
//! What happens to a delivery follows from the seed and its number.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::task::JoinSet;

use crate::client::{Client, ClientError};
use crate::delivery::{self, DeliveryId};
use crate::receiver;
use crate::rng::{Rng, draw};
use crate::signature::{self, Secret};
use crate::source::Source;

/// As many are on their way at a time.
const AT_A_TIME: usize = 16;
/// So many wait to be sent, and the next is any of them.
const BAG: usize = 64;
/// Matters of chance.
const LOST: u64 = 10;
const DOUBLED: u64 = 11;
const FORGED: u64 = 12;

/// How much goes wrong; parts of all deliveries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mishaps {
    /// Never sent.
    pub loss: f64,
    /// Sent twice.
    pub double: f64,
    /// Sent once more with a body that was changed on the way.
    pub forge: f64,
}

/// What was sent, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Deliveries whose webhook was never sent.
    pub lost: u64,
    /// Deliveries whose webhook was sent twice.
    pub doubled: u64,
    /// Of those sent: changed on the way.
    pub forged: u64,
    /// Webhooks sent, with the doubles and the changed ones.
    pub sent: u64,
    /// Answered 202.
    pub accepted: u64,
    /// Answered 401.
    pub unauthorized: u64,
    /// Answered 503.
    pub overloaded: u64,
    /// Answered in another way.
    pub other: u64,
    /// Not answered.
    pub unreachable: u64,
    /// What the slowest answer took.
    pub slowest: Duration,
}

/// Sends webhooks.
#[derive(Debug)]
pub struct Sender {
    source: Source,
    secret: Secret,
    client: Client,
    mishaps: Mishaps,
    seed: u64,
    rng: Rng,
    /// Of each body: the same ones come again and again.
    signatures: HashMap<usize, String>,
    bag: Vec<Webhook>,
    under_way: JoinSet<Result<(StatusCode, Duration), ClientError>>,
    sent: Sent,
}

#[derive(Clone, Copy, Debug)]
struct Webhook {
    id: DeliveryId,
    number: u64,
    forged: bool,
}

impl Sender {
    /// Sends what happens in `source` to the receiver at `to`.
    #[must_use]
    pub fn new(source: Source, secret: Secret, to: SocketAddr, mishaps: Mishaps, seed: u64) -> Self {
        Self {
            source,
            secret,
            client: Client::new(to),
            mishaps,
            seed,
            rng: Rng::new(seed),
            signatures: HashMap::new(),
            bag: Vec::with_capacity(BAG + 3),
            under_way: JoinSet::new(),
            sent: Sent::default(),
        }
    }

    /// The receiver is somewhere else now.
    pub fn aim(&mut self, to: SocketAddr) {
        self.client = Client::new(to);
    }

    /// Has the webhooks of delivery `number` sent: some time, and some others
    /// now.
    ///
    /// # Cancel safety
    /// Dropped, nothing is sent twice; what was in the bag is sent later.
    pub async fn deliver(&mut self, number: u64) {
        let id = DeliveryId::new(self.seed, number);
        let happens = |what, part| draw(self.seed, what, number) < part;
        let webhook = Webhook { id, number, forged: false };
        if happens(LOST, self.mishaps.loss) {
            self.sent.lost += 1;
        } else {
            let doubled = happens(DOUBLED, self.mishaps.double);
            self.sent.doubled += u64::from(doubled);
            self.bag.extend(std::iter::repeat_n(webhook, 1 + usize::from(doubled)));
        }
        if happens(FORGED, self.mishaps.forge) {
            self.bag.push(Webhook { forged: true, ..webhook });
        }
        while self.bag.len() > BAG {
            self.send_any().await;
        }
    }

    /// Sends what is left, and waits for all answers.
    pub async fn finish(&mut self) -> Sent {
        while !self.bag.is_empty() {
            self.send_any().await;
        }
        while let Some(answer) = self.under_way.join_next().await {
            self.count(answer.ok());
        }
        self.sent
    }

    /// So far.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.sent
    }

    async fn send_any(&mut self) {
        while self.under_way.len() >= AT_A_TIME
            && let Some(answer) = self.under_way.join_next().await
        {
            self.count(answer.ok());
        }
        let any = self.rng.below(self.bag.len());
        let webhook = self.bag.swap_remove(any);
        let (headers, body) = self.written(webhook);
        let client = self.client.clone();
        self.sent.sent += 1;
        self.sent.forged += u64::from(webhook.forged);
        self.under_way.spawn(async move {
            let begun = Instant::now();
            let status = client.post(receiver::PATH, headers, body).await?.status;
            Ok((status, begun.elapsed()))
        });
    }

    /// As GitHub writes it.
    fn written(&mut self, webhook: Webhook) -> (HeaderMap, Bytes) {
        let sample = self.source.sample(webhook.number);
        let mut body = sample.payload.clone();
        let secret = &self.secret;
        let signature = self.signatures.entry(sample.line).or_insert_with(|| secret.sign(&body));
        if webhook.forged {
            // Still JSON, and as long as it was.
            let mut changed = body.to_vec();
            if let Some(byte) = changed.iter_mut().rev().find(|byte| byte.is_ascii_lowercase()) {
                *byte = if *byte == b'z' { b'a' } else { *byte + 1 };
            }
            body = changed.into();
        }
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            (receiver::EVENT, &*sample.event),
            (delivery::HEADER, &webhook.id.to_string()),
            (signature::HEADER, signature),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        (headers, body)
    }

    fn count(&mut self, answer: Option<Result<(StatusCode, Duration), ClientError>>) {
        let status = answer.and_then(Result::ok).map(|(status, took)| {
            self.sent.slowest = self.sent.slowest.max(took);
            status
        });
        *match status {
            Some(StatusCode::ACCEPTED) => &mut self.sent.accepted,
            Some(StatusCode::UNAUTHORIZED) => &mut self.sent.unauthorized,
            Some(StatusCode::SERVICE_UNAVAILABLE) => &mut self.sent.overloaded,
            Some(_) => &mut self.sent.other,
            None => &mut self.sent.unreachable,
        } += 1;
    }
}

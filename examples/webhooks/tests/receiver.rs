//! The receiver by itself: what it answers to whom, and what it hands on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tidegate::flow::news::notices;
use tidegate::prelude::*;
use webhooks::client::{Answer, Client, ClientError};
use webhooks::delivery::DeliveryId;
use webhooks::intake::{Intake, Notified, Told};
use webhooks::receiver::{LARGEST, PATH, Received, Receiver, Tally};
use webhooks::signature::Secret;

const ROOM: usize = 4;
const BODY: &[u8] = br#"{"action":"opened","issue":{"number":1}}"#;
const SIGNATURE: &str = "x-hub-signature-256";

struct Desk {
    system: System,
    intake: ActorRef<Told>,
    notified: Arc<Mutex<Notified>>,
    receiver: Receiver,
    tally: Tally,
    secret: Secret,
    client: Client,
}

async fn desk() -> Desk {
    let system = System::new();
    let notified = Arc::<Mutex<Notified>>::default();
    let (notifier, _) = notices();
    let intake = system.spawn(Intake::new(notifier, Arc::clone(&notified)), Push::bounded(ROOM));
    let (secret, tally) = (Secret::new("hush"), Tally::default());
    let receiver = Receiver::start(secret.clone(), intake.clone(), tally.clone()).await.expect("a free port");
    let client = Client::new(receiver.address());
    Desk { system, intake, notified, receiver, tally, secret, client }
}

impl Desk {
    /// As GitHub would send it, then changed.
    async fn post(&self, body: &[u8], change: impl FnOnce(&mut HeaderMap)) -> Answer {
        let mut headers = HeaderMap::new();
        set(&mut headers, "x-github-event", "issues");
        set(&mut headers, "x-github-delivery", &DeliveryId::new(1, 1).to_string());
        set(&mut headers, SIGNATURE, &self.secret.sign(body));
        change(&mut headers);
        self.client.post(PATH, headers, Bytes::copy_from_slice(body)).await.expect("it answers")
    }

    async fn status(&self, body: &[u8], change: impl FnOnce(&mut HeaderMap)) -> u16 {
        self.post(body, change).await.status.as_u16()
    }

    /// Ends it, and says what came in.
    async fn ended(self) -> (Received, Notified) {
        self.receiver.drain(Duration::from_secs(5)).await;
        assert!(self.system.shutdown(Duration::from_secs(5)).await.is_clean());
        let notified = *self.notified.lock().expect("nobody panicked");
        (self.tally.read(), notified)
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("visible letters"));
}

#[tokio::test]
async fn a_signed_webhook_is_accepted_and_told_of_once() {
    let desk = desk().await;
    for _ in 0..3 {
        assert_eq!(desk.status(BODY, |_| ()).await, 202);
    }
    let (received, notified) = desk.ended().await;
    assert_eq!(received, Received { accepted: 3, ..Received::default() });
    assert_eq!(notified, Notified { notices: 1, duplicates: 2 });
}

#[tokio::test]
async fn what_is_not_signed_for_this_body_is_refused_and_not_told_of() {
    let desk = desk().await;
    let good = desk.secret.sign(BODY);
    let (another_secret, another_body) = (Secret::new("guessed").sign(BODY), desk.secret.sign(b"{}"));
    let (old, bare) = (good.replace("sha256=", "sha1="), good.replace("sha256=", ""));
    for value in [&*another_secret, &another_body, &good[..70], &old, &bare, "sha256=zz", ""] {
        assert_eq!(desk.status(BODY, |headers| set(headers, SIGNATURE, value)).await, 401, "{value:?}");
    }
    assert_eq!(desk.status(BODY, |headers| drop(headers.remove(SIGNATURE))).await, 401);
    // As a body that is tampered with on the way.
    let tampered = String::from_utf8_lossy(BODY).replace('1', "2");
    assert_eq!(desk.status(tampered.as_bytes(), |headers| set(headers, SIGNATURE, &good)).await, 401);
    // Who is not known is not told what else is wrong.
    assert_eq!(desk.status(b"no JSON", |headers| set(headers, SIGNATURE, &good)).await, 401);
    let (received, notified) = desk.ended().await;
    assert_eq!(received, Received { unsigned: 10, ..Received::default() });
    assert_eq!(notified, Notified::default());
}

#[tokio::test]
async fn what_is_signed_and_malformed_is_a_bad_request() {
    let desk = desk().await;
    for bad in [&b""[..], b"{", b"{} {}", b"payload=%7B%7D", b"\xff"] {
        assert_eq!(desk.status(bad, |_| ()).await, 400, "{bad:?}");
    }
    for header in ["x-github-event", "x-github-delivery"] {
        assert_eq!(desk.status(BODY, |headers| drop(headers.remove(header))).await, 400, "{header}");
        assert_eq!(desk.status(BODY, |headers| set(headers, header, "")).await, 400, "{header}");
    }
    assert_eq!(desk.status(BODY, |headers| set(headers, "x-github-delivery", "17")).await, 400);
    let (received, notified) = desk.ended().await;
    assert_eq!(received, Received { malformed: 10, ..Received::default() });
    assert_eq!(notified, Notified::default());
}

#[tokio::test]
async fn a_body_is_taken_up_to_the_limit_and_not_beyond() {
    let desk = desk().await;
    let fits = format!("\"{}\"", "a".repeat(LARGEST - 2));
    assert_eq!(desk.status(fits.as_bytes(), |_| ()).await, 202);
    let large = format!("\"{}\"", "a".repeat(LARGEST - 1));
    // It may cut the connection while the rest is still being sent.
    match desk.client.post(PATH, HeaderMap::new(), large.into()).await {
        Ok(answer) => assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE),
        Err(why) => assert!(matches!(why, ClientError::Unreachable(_)), "{why}"),
    }
    let (received, _) = desk.ended().await;
    assert_eq!(received, Received { accepted: 1, too_large: 1, ..Received::default() });
}

#[tokio::test]
async fn without_room_it_says_when_to_come_again_and_takes_nothing() {
    let desk = desk().await;
    let taken: Vec<_> = (0..ROOM).map(|_| desk.intake.try_reserve().expect("there is room")).collect();
    let answer = desk.post(BODY, |_| ()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.retry_after, Some(Duration::from_secs(1)));
    drop(taken);
    assert_eq!(desk.status(BODY, |_| ()).await, 202, "and then there is");
    let (received, notified) = desk.ended().await;
    assert_eq!(received, Received { accepted: 1, overloaded: 1, ..Received::default() });
    assert_eq!(notified.notices, 1);
}

#[tokio::test]
async fn a_refused_webhook_gives_its_room_back() {
    let desk = desk().await;
    for _ in 0..3 * ROOM {
        assert_eq!(desk.status(BODY, |headers| drop(headers.remove(SIGNATURE))).await, 401);
    }
    assert_eq!(desk.intake.free(), ROOM);
    let (received, _) = desk.ended().await;
    assert_eq!(received.overloaded, 0);
}

#[tokio::test]
async fn other_paths_and_methods_are_not_there() {
    let desk = desk().await;
    assert_eq!(desk.client.get(PATH).await.expect("it answers").status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(desk.client.get("/").await.expect("it answers").status, StatusCode::NOT_FOUND);
    let (received, _) = desk.ended().await;
    assert_eq!(received, Received::default());
}

#[tokio::test]
async fn once_killed_it_is_gone_with_its_connections() {
    let desk = desk().await;
    assert_eq!(desk.status(BODY, |_| ()).await, 202);
    desk.receiver.kill().await;
    let again = desk.client.post(PATH, HeaderMap::new(), Bytes::new()).await;
    assert!(matches!(again, Err(ClientError::Unreachable(_))), "{again:?}");
}

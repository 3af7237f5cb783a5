//! The source by itself: pages by cursor, details, and what it says no to.

use std::num::NonZeroU64;
use std::time::Duration;

use axum::http::StatusCode;
use webhooks::api::{Detail, List};
use webhooks::client::{Answer, Client};
use webhooks::corpus::Corpus;
use webhooks::delivery::DeliveryId;
use webhooks::facts::Facts;
use webhooks::faults::Faults;
use webhooks::server::Server;
use webhooks::source::Source;

async fn serving(deliveries: u64, faults: Faults) -> (Source, Server, Client) {
    let source = Source::new(Corpus::github().expect("it comes with the program"), 1, usize::MAX, faults);
    (0..deliveries).for_each(|number| assert_eq!(source.happen(), Some(number)));
    let server = source.serve().await.expect("a free port");
    let client = Client::new(server.address());
    (source, server, client)
}

async fn get(client: &Client, path: &str) -> Answer {
    client.get(path).await.expect("it answers")
}

fn list(answer: &Answer) -> List<'_> {
    assert_eq!(answer.status, StatusCode::OK);
    serde_json::from_slice(&answer.body).expect("a list")
}

#[tokio::test]
async fn page_by_page_each_delivery_comes_once_and_in_order() {
    let (source, _server, client) = serving(250, Faults::NONE).await;
    let (mut seen, mut cursor) = (Vec::new(), "v1_0".to_owned());
    for per_page in [100, 100, 30, 30] {
        let answer = get(&client, &format!("/deliveries?per_page={per_page}&cursor={cursor}")).await;
        let page = list(&answer);
        assert!(page.deliveries.len() <= per_page && !page.closed && page.gone.is_none());
        seen.extend(page.deliveries.iter().map(|listed| listed.id));
        assert_eq!(page.more, seen.len() < 250);
        cursor = page.next.into_owned();
    }
    assert_eq!(seen, (0..250).collect::<Vec<_>>());
    let end = format!("/deliveries?cursor={cursor}");
    let answer = get(&client, &end).await;
    let page = list(&answer);
    assert!(page.deliveries.is_empty() && !page.more && !page.closed && page.next == cursor);
    source.close();
    assert_eq!(source.happen(), None, "nothing happens any more");
    assert!(list(&get(&client, &end).await).closed);
}

#[tokio::test]
async fn asking_changes_nothing() {
    let (_source, _server, client) = serving(50, Faults::NONE).await;
    let path = "/deliveries?cursor=v1_7&per_page=5";
    let first = get(&client, path).await;
    assert_eq!(get(&client, path).await.body, first.body);
    let numbers: Vec<_> = list(&first).deliveries.iter().map(|listed| listed.id).collect();
    assert_eq!(numbers, [7, 8, 9, 10, 11]);
}

#[tokio::test]
async fn a_detail_is_the_delivery_byte_by_byte() {
    let (source, _server, client) = serving(400, Faults::NONE).await;
    for number in [0, 17, 328, 329, 399] {
        let answer = get(&client, &format!("/deliveries/{number}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        let detail: Detail<'_> = serde_json::from_slice(&answer.body).expect("a detail");
        let sample = source.sample(number);
        assert_eq!((detail.id, &*detail.event), (number, &*sample.event));
        assert_eq!(detail.guid, DeliveryId::new(1, number).to_string());
        assert_eq!(detail.payload.get().as_bytes(), &sample.payload[..]);
        assert!(Facts::read(&*detail.event, detail.payload.get().as_bytes()).is_ok());
    }
}

#[tokio::test]
async fn what_is_not_there_or_not_understood_is_said_so() {
    let (source, _server, client) = serving(3, Faults::NONE).await;
    let refused = [
        ("/deliveries/3", 404),
        ("/deliveries/18446744073709551615", 400),
        ("/deliveries/-1", 400),
        ("/deliveries/first", 400),
        ("/deliveries?cursor=3", 400),
        ("/deliveries?per_page=101", 400),
        ("/deliveries?cursor=v1_4", 422),
    ];
    for (path, status) in refused {
        assert_eq!(get(&client, path).await.status.as_u16(), status, "{path}");
    }
    assert_eq!(source.traffic().refused, refused.len() as u64);
    assert_eq!(get(&client, "/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn past_the_quota_it_says_when_to_come_again() {
    let pause = Duration::from_secs(3600);
    let faults = Faults { quota: NonZeroU64::new(2), pause, ..Faults::NONE };
    let (source, _server, client) = serving(3, faults).await;
    for status in [200, 200, 429, 429] {
        let answer = get(&client, "/deliveries/0").await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.retry_after.is_some(), status == 429);
        assert!(answer.retry_after.is_none_or(|after| after <= pause && !after.is_zero()));
    }
    assert_eq!(source.traffic().limited, 2);
}

#[tokio::test]
async fn requests_are_counted_for_as_long_as_they_are_worked_on() {
    let faults = Faults { slow: 1.0, delay: Duration::from_millis(20), ..Faults::NONE };
    let (source, _server, client) = serving(3, faults).await;
    let ask = |number: u64| {
        let client = client.clone();
        tokio::spawn(async move { get(&client, &format!("/deliveries/{number}")).await.status })
    };
    for asked in [ask(0), ask(1), ask(2)] {
        assert_eq!(asked.await.expect("no panic"), StatusCode::OK);
    }
    let traffic = source.traffic();
    assert_eq!((traffic.details, traffic.detailing), (3, 0));
    assert!((1..=3).contains(&traffic.most_detailing), "{traffic:?}");
}

//! The actors explored, wired as in earnest, with a source in memory: whatever becomes
//! of notices and requests, in every order the state is what the source says.

use std::time::Duration;

use axum::http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tidegate::Shutdown;
use tidegate::explore::{Coverage, Explorer, Faults as Around, Shared, Sim, Strategy};
use webhooks::client::{Answer, Ask, Asking, ClientError};
use webhooks::corpus::Corpus;
use webhooks::delivery::DeliveryId;
use webhooks::faults::Faults;
use webhooks::intake::Told;
use webhooks::keeper::ToKeeper;
use webhooks::remote::Remote;
use webhooks::run::Setup;
use webhooks::service::Service;
use webhooks::source::Source;

/// Two steps of one issue: in another order they make another state.
const DELIVERIES: &str = r#"{"event":"issues","payload":{"action":"opened","issue":{"number":1}}}
{"event":"issues","payload":{"action":"closed","issue":{"number":1}}}"#;

/// The source's own answers, without a socket. A request takes some time, and so does its
/// answer; either may be lost, of as many as there may be.
#[derive(Debug)]
struct InMemory {
    sim: Sim,
    source: Source,
    way: Duration,
    /// How many may still be lost. Touched with the source, whose own locks the explorer
    /// does not see: what comes of the order of two requests, and of what happens, does.
    losses: Shared<usize>,
}

impl InMemory {
    async fn answer(&self, path: &str) -> Result<Answer, ClientError> {
        self.sim.sleep(self.way).await;
        let fate = self.losses.with(|left| {
            let fate = if *left > 0 { self.sim.choose(3) } else { 0 };
            *left -= fate.min(1);
            fate
        });
        if fate == 1 {
            return Err(ClientError::Unreachable("the request is lost".to_owned()));
        }
        // In the same step: nothing in it waits.
        let request = Request::get(path).body(Empty::new()).expect("a path");
        let Ok(response) = TowerToHyperService::new(self.source.router()).call(request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|why| ClientError::Broken(why.to_string()))?;
        self.sim.sleep(self.way).await;
        if fate == 2 {
            return Err(ClientError::Broken("the answer is lost".to_owned()));
        }
        Ok(Answer { status: head.status, retry_after: None, body: body.to_bytes() })
    }
}

impl Ask for InMemory {
    fn ask<'a>(&'a self, path: &'a str) -> Asking<'a> {
        Box::pin(self.answer(path))
    }
}

/// What a request takes on its way, and its answer.
const WAY: Duration = Duration::from_millis(1);
/// With the answer to the first look.
const LATE: Duration = Duration::from_millis(2);
/// Long after a look has ended, and long before the next that nobody has asked for.
const QUIET: Duration = Duration::from_millis(100);

/// What is explored.
#[derive(Clone, Copy, Debug)]
struct Program {
    /// What happens, each so long after the one before; the first before anybody looks.
    deliveries: &'static [Duration],
    /// Each is told of never, once, twice, or late. Otherwise never.
    notices: bool,
    /// What a request takes on its way, and its answer.
    way: Duration,
    workers: usize,
    /// As many requests or answers may be lost.
    losses: usize,
    /// The part of the deliveries at which a worker fails after its work.
    crashes: f64,
    /// Whether the first worker crashes, at any time.
    crash: bool,
}

/// Nothing is told and nothing goes wrong; the two are fetched at the same time, and
/// learned in either order.
const PLAIN: Program = Program {
    deliveries: &[Duration::ZERO; 2],
    notices: false,
    way: WAY,
    workers: 2,
    losses: 0,
    crashes: 0.0,
    crash: false,
};

/// Everything happens, and each of it gets into the state once.
async fn all_is_known(sim: Sim, program: Program) {
    let Program { deliveries, notices, way, workers, losses, crashes, crash } = program;
    let setup = Setup { workers, window: 2, crashes, ..Setup::default() };
    let corpus = Corpus::parse(DELIVERIES).expect("deliveries");
    let source = Source::new(corpus, setup.seed, usize::MAX, Faults::NONE);
    let lossy = Shared::new(losses);
    let server = InMemory { sim: sim.clone(), source: source.clone(), way, losses: lossy.clone() };
    let service = Service::start(sim.system(), &setup, &source, Remote::new(server));

    let (mut fates, mut webhooks) = (Vec::new(), Vec::new());
    for after in deliveries {
        if !after.is_zero() {
            sim.sleep(*after).await;
        }
        let number = lossy.with(|_| source.happen()).expect("it is not closed");
        let fate = if notices { sim.choose(4) } else { 0 };
        fates.push(fate);
        if fate == 0 {
            continue;
        }
        let (intake, clock) = (service.intake.clone(), sim.clone());
        let told = Told { id: DeliveryId::new(setup.seed, number) };
        webhooks.push(sim.spawn("webhook", async move {
            if fate == 3 {
                clock.sleep(LATE).await;
            }
            for _ in 0..[1, 2, 1][fate - 1] {
                intake.tell(told).await.expect("it is there");
            }
        }));
    }
    for webhook in webhooks {
        webhook.await;
    }
    sim.sleep(QUIET).await;
    let reach = service.keeper.ask(ToKeeper::Reach).await.expect("it is there");
    // What was there before the first look, and all up to the last that was told of.
    let due = (0..deliveries.len()).rfind(|n| fates[*n] != 0 || deliveries[..=*n].iter().all(Duration::is_zero));
    let all = deliveries.len() as u64;
    assert!(Some(reach) > due.map(|last| last as u64), "only {reach} are known by now");

    // No notice tells of the end.
    lossy.with(|_| source.close());
    service.subscription.ended().await;
    service.workers.actor_ref().drain();
    service.workers.actor_ref().stopped().await;
    service.intake.drain();
    service.intake.stopped().await;
    let kept = service.keeper.ask(ToKeeper::Show).await.expect("it is there");
    let truth = source.truth(all).expect("deliveries are understood");
    assert_eq!(kept.state.difference(&truth), None);
    assert_eq!((kept.reach, kept.again, &kept.missing[..]), (all, 0, &[][..]), "each once, by one who knows");

    let traffic = source.traffic();
    // What was asked for in vain is asked for again, and nothing else.
    let (lost, in_vain) = (losses - lossy.get(), u64::from(crash));
    assert!((all..=all + lost as u64 + in_vain).contains(&traffic.details), "{traffic:?}");
    let stats = service.workers.stats();
    assert_eq!((stats.acked, stats.quarantined, stats.lost), (all, 0, 0));
    let notified = *service.notified.lock().expect("nobody panicked");
    let told = fates.iter().filter(|fate| **fate != 0).count() as u64;
    let twice = fates.iter().filter(|fate| **fate == 2).count() as u64;
    assert_eq!((notified.notices, notified.duplicates), (told, twice));
    let shutdown = sim.system().shutdown_in_phases(Shutdown::new()).await;
    assert!(shutdown.is_clean(), "{shutdown}");

    // What each program is there for does come about.
    if workers > 1 && all > 1 {
        sim.sometimes("the second is learned first", kept.most_early == 2);
    }
    if losses > 0 {
        sim.sometimes("a page is lost", lost > 0 && stats.redelivered == 0);
        sim.sometimes("an answer is lost", traffic.details > all);
    }
    if crash {
        sim.sometimes("a worker crashes before its job", stats.redelivered == 0);
        sim.sometimes("a worker crashes with its request", stats.redelivered == 1 && traffic.details == all);
        sim.sometimes("a worker crashes with its answer", traffic.details > all);
    }
    if crashes > 0.0 {
        assert_eq!((stats.redelivered, service.done.duplicates()), (all, all), "both come again, and are known");
    }
}

/// Explores it, to the last order that makes a difference.
fn explored(program: Program, around: Around) {
    // A slow machine gets there, too.
    let explorer = Explorer::new(Strategy::Reduced).time(Duration::from_secs(600)).faults(around);
    let report = explorer.run(|sim| all_is_known(sim, program));
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted, "{program:?} {report}");
}

#[test]
fn notices_are_lost_doubled_and_late() {
    explored(Program { notices: true, deliveries: &[Duration::ZERO, QUIET], workers: 1, ..PLAIN }, Around::default());
}

#[test]
fn something_happens_while_one_looks() {
    explored(Program { notices: true, deliveries: &[Duration::ZERO, WAY], workers: 1, ..PLAIN }, Around::default());
}

#[test]
fn a_request_or_an_answer_is_lost() {
    explored(Program { losses: 1, ..PLAIN }, Around::default());
}

#[test]
fn workers_fail_after_their_work() {
    explored(Program { crashes: 1.0, ..PLAIN }, Around::default());
}

#[test]
fn a_worker_crashes_at_any_time() {
    // Faults come while something can run: the clock does not go past them.
    let program = Program { crash: true, way: Duration::ZERO, ..PLAIN };
    let around = Around::at_most(1).crash("/worker-0");
    explored(Program { workers: 1, ..program }, around.clone());
    explored(Program { deliveries: &[Duration::ZERO], ..program }, around);
}

//! Trace context travels with messages: a handler runs in a span that follows
//! from the one in which its message was sent. And what goes wrong or changes
//! is told as an event.
#![cfg(feature = "tracing")]

#[path = "actor/support.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use support::{Job, Log, Worker, lock, manual, ms};
use tidegate::prelude::*;
use tidegate::{ManualExecutor, mailbox};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber, info_span};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

#[derive(Clone, Debug, Default)]
struct Span {
    name: String,
    fields: BTreeMap<String, String>,
    parent: Option<u64>,
    follows: Vec<u64>,
}

#[derive(Default)]
struct State {
    spans: BTreeMap<u64, Span>,
    /// The names of spans, in the order in which they closed.
    closed: Vec<String>,
    /// Level, message and fields.
    events: Vec<(Level, BTreeMap<String, String>)>,
}

/// Keeps every span and event.
#[derive(Clone, Default)]
struct Recorder {
    state: Arc<Mutex<State>>,
    /// Wants no spans of handlers.
    coarse: bool,
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        self.coarse.then_some(tracing::level_filters::LevelFilter::INFO)
    }

    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        !self.coarse || *metadata.level() <= Level::INFO
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let parent = cx.span(id).and_then(|span| Some(span.parent()?.id().into_u64()));
        let name = attributes.metadata().name().to_owned();
        lock(&self.state).spans.insert(id.into_u64(), Span { name, fields: fields.0, parent, follows: Vec::new() });
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: LayerContext<'_, S>) {
        lock(&self.state).spans.get_mut(&id.into_u64()).unwrap().follows.push(follows.into_u64());
    }

    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        lock(&self.state).events.push((*event.metadata().level(), fields.0));
    }

    fn on_close(&self, id: Id, _: LayerContext<'_, S>) {
        let mut state = lock(&self.state);
        let name = state.spans[&id.into_u64()].name.clone();
        state.closed.push(name);
    }
}

impl Recorder {
    /// Runs `test` on a still clock with this as the subscriber.
    fn record(&self, test: impl FnOnce(&ManualExecutor, &System)) {
        let subscriber = tracing_subscriber::registry().with(self.clone());
        tracing::subscriber::with_default(subscriber, || {
            let (executor, system) = manual();
            test(&executor, &system);
        });
    }

    /// From which spans the handlers' spans follow, with the handlers' actors.
    fn handled(&self) -> Vec<(String, Vec<String>)> {
        let state = lock(&self.state);
        let handlers = state.spans.values().filter(|span| span.name == "handle");
        handlers
            .map(|span| {
                assert_eq!(state.spans[&span.parent.expect("it runs in its actor's span")].name, "actor");
                let follows = span.follows.iter().map(|id| state.spans[id].name.clone()).collect();
                (span.fields["actor"].clone(), follows)
            })
            .collect()
    }

    fn events(&self, message: &str) -> Vec<(Level, BTreeMap<String, String>)> {
        let state = lock(&self.state);
        state.events.iter().filter(|(_, fields)| fields["message"].starts_with(message)).cloned().collect()
    }
}

fn worker() -> Worker {
    Worker::new(&Log::default())
}

#[test]
fn a_handler_follows_from_the_span_its_message_was_sent_in() {
    let recorder = Recorder::default();
    recorder.record(|executor, system| {
        let w = system.build(worker).named("w").spawn();
        info_span!("request").in_scope(|| w.try_tell(Job::Note(1)).unwrap());
        w.try_tell(Job::Note(2)).unwrap();
        executor.run_until_idle();
    });
    assert_eq!(recorder.handled(), [("/w".into(), vec!["request".into()]), ("/w".into(), vec![])]);
}

#[test]
fn every_way_into_a_mailbox_carries_the_span() {
    let ways: [(&str, Mailbox<Job>); 3] = [
        ("slots", Push::bounded(2).into()),
        ("evicting", Push::bounded(2).overflow(Overflow::DropOldest).into()),
        ("pull", Pull::window(2).into()),
    ];
    for (name, mailbox) in ways {
        let recorder = Recorder::default();
        recorder.record(|executor, system| {
            let w = system.build(worker).named("w").mailbox(mailbox.clone()).spawn();
            let mapped: ActorRef<u64> = w.map(Job::Note);
            executor.run_until_idle();
            let within = |name: &'static str, send: &mut dyn FnMut()| {
                // The names of spans are fixed where they are written.
                match name {
                    "tell" => info_span!("tell").in_scope(send),
                    "mapped" => info_span!("mapped").in_scope(send),
                    _ => info_span!("permit").in_scope(send),
                }
                executor.run_until_idle();
            };
            within("tell", &mut || {
                executor.block_on(w.tell(Job::Note(1))).unwrap();
            });
            within("mapped", &mut || {
                mapped.try_tell(2).unwrap();
            });
            let mut permit = Some(w.try_reserve().unwrap());
            within("permit", &mut || permit.take().unwrap().send(Job::Note(3)).unwrap());
        });
        let follows: Vec<_> = recorder.handled().into_iter().map(|(_, follows)| follows.concat()).collect();
        assert_eq!(follows, ["tell", "mapped", "permit"], "{name}");
    }
}

#[test]
fn a_message_that_waited_for_room_carries_the_span_of_its_tell() {
    let recorder = Recorder::default();
    recorder.record(|executor, system| {
        let w = system.build(worker).named("w").mailbox(Push::bounded(1)).spawn();
        w.try_tell(Job::Note(1)).unwrap();
        let mut told = info_span!("told").in_scope(|| Box::pin(w.tell(Job::Note(2))));
        assert!(support::poll_once(told.as_mut()).is_pending());
        executor.run_until_idle();
        assert!(support::poll_once(told.as_mut()).is_ready());
    });
    assert_eq!(recorder.handled()[1].1, ["told"]);
}

#[test]
fn a_trace_goes_on_from_actor_to_actor() {
    let recorder = Recorder::default();
    recorder.record(|executor, system| {
        let last = system.build(worker).named("last").spawn();
        let first = system.build(worker).named("first").spawn();
        let hop = Job::run(move |_, _| {
            support::tell(&last, Job::Note(1));
            Ok(())
        });
        info_span!("request").in_scope(|| first.try_tell(hop).unwrap());
        executor.run_until_idle();
    });
    assert_eq!(
        recorder.handled(),
        [("/first".into(), vec!["request".into()]), ("/last".into(), vec!["handle".into()])]
    );
}

#[test]
fn a_span_stays_open_until_what_it_sent_is_handled_or_dropped() {
    let recorder = Recorder::default();
    recorder.record(|executor, system| {
        let w = system.build(worker).named("w").mailbox(Push::bounded(1).overflow(Overflow::DropNewest)).spawn();
        executor.run_until_idle();
        info_span!("queued").in_scope(|| w.try_tell(Job::Note(1)).unwrap());
        info_span!("dropped").in_scope(|| w.try_tell(Job::Note(2)).unwrap());
        assert_eq!(lock(&recorder.state).closed, ["dropped"]);
        executor.run_until_idle();
        assert!(lock(&recorder.state).closed.contains(&"queued".to_owned()));
    });
}

#[test]
fn a_mailbox_without_an_actor_keeps_no_span_of_what_was_received() {
    let recorder = Recorder::default();
    recorder.record(|_, _| {
        let (tx, mut rx) = mailbox::channel(Push::bounded(1));
        info_span!("sent").in_scope(|| tx.try_tell(1).unwrap());
        assert!(lock(&recorder.state).closed.is_empty());
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(lock(&recorder.state).closed, ["sent"]);
    });
}

#[test]
fn who_wants_no_spans_of_handlers_pays_for_none() {
    let recorder = Recorder { coarse: true, ..Recorder::default() };
    recorder.record(|executor, system| {
        let w = system.build(worker).named("w").spawn();
        info_span!("request").in_scope(|| w.try_tell(Job::Note(1)).unwrap());
        executor.run_until_idle();
    });
    assert_eq!(recorder.handled(), []);
}

#[test]
fn failures_restarts_and_mode_switches_are_events() {
    let recorder = Recorder::default();
    recorder.record(|executor, system| {
        let restart = Restart::on_failure().limit(3, ms(1000));
        let w = system.build(worker).named("w").restart(restart).spawn();
        w.try_tell(Job::fail("on purpose")).unwrap();
        executor.run_until_idle();
        w.reconfigure(Pull::window(4));
        executor.run_until_idle();
    });
    let [(level, failed)] = &recorder.events("actor failed")[..] else { panic!("one failure") };
    assert_eq!((*level, &*failed["actor"], &*failed["reason"]), (Level::ERROR, "/w", "failed: on purpose"));
    let [(level, restarts)] = &recorder.events("actor restarts")[..] else { panic!("one restart") };
    assert_eq!((*level, &*restarts["actor"], &*restarts["restarts"]), (Level::WARN, "/w", "1"));
    let [(level, switch)] = &recorder.events("delivery mode changed")[..] else { panic!("one switch") };
    assert_eq!((*level, &*switch["actor"], &*switch["to"]), (Level::INFO, "/w", "Pull"));
    assert_eq!(switch["reason"], "Reconfigured");
}

#[test]
fn long_waits_are_events() {
    let recorder = Recorder::default();
    recorder.record(|_, _| {
        let executor = ManualExecutor::new();
        let watched = System::builder().deadlocks(tidegate::Deadlocks::watched()).long_waits(ms(100));
        let system = watched.build_on(executor.clone());
        let full = system.build(worker).named("full").mailbox(Push::bounded(1)).spawn();
        full.try_tell(Job::Stuck(1)).unwrap();
        executor.run_until_idle();
        full.try_tell(Job::Note(2)).unwrap();
        let mut told = Box::pin(full.tell(Job::Note(3)));
        assert!(support::poll_once(told.as_mut()).is_pending());
        executor.advance(ms(150));
    });
    let waits = recorder.events("a task waits for room in /full");
    assert_eq!(waits.len(), 1);
    assert_eq!((waits[0].0, &*waits[0].1["on"]), (Level::WARN, "/full"));
}

/// Asks itself, in its handler.
struct Selfish(std::sync::Arc<std::sync::OnceLock<ActorRef<Reply<()>>>>);

impl Actor for Selfish {
    type Msg = Reply<()>;

    async fn handle(&mut self, _: Reply<()>, _: &mut Context<Self>) -> Result<(), Fault> {
        if let Some(me) = self.0.get() {
            let _ = me.ask(|reply| reply).await;
        }
        Ok(())
    }
}

#[test]
fn a_deadlock_is_an_event() {
    let recorder = Recorder::default();
    recorder.record(|_, _| {
        let executor = ManualExecutor::new();
        let system = System::builder().deadlocks(tidegate::Deadlocks::broken()).build_on(executor.clone());
        let me = std::sync::Arc::<std::sync::OnceLock<_>>::default();
        let selfish = Selfish(std::sync::Arc::clone(&me));
        let actor = system.spawn(selfish, Push::bounded(4));
        me.set(actor.clone()).unwrap();
        let mut asked = Box::pin(actor.ask(|reply| reply));
        assert!(support::poll_once(asked.as_mut()).is_pending());
        executor.advance(ms(1500));
    });
    let told = recorder.events("deadlock");
    assert!(told.iter().all(|(level, fields)| *level == Level::ERROR && fields["cycle"].contains(" -> ")), "{told:?}");
    assert_eq!(told.len(), 1, "{told:?}");
}

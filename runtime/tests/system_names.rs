//! Names and groups: who is found, for how long, and who hears of changes.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};

use support::{Job, Log, Worker, lock, manual, ms, renewable, start, tell};
use tidegate::prelude::*;
use tidegate::{ChangeSubscription, GroupEvent, LookupError, ManualExecutor, NameEvent, NameTaken, Pressure};

fn worker(system: &System) -> ActorRef<Job> {
    system.spawn(Worker::new(&Log::default()), Push::bounded(8))
}

/// Everything that is told, as text.
fn hear_names(system: &System) -> (ChangeSubscription, Log) {
    let log = Log::default();
    let heard = log.clone();
    let subscription = system.watch_names(move |event| {
        heard.add(match event {
            NameEvent::Registered(named) => format!("+{}", named.name),
            NameEvent::Ended(named) => format!("-{}", named.name),
            _ => "?".to_owned(),
        });
    });
    (subscription, log)
}

#[test]
fn an_actor_is_found_by_its_name_and_by_each_of_its_names() {
    let (_executor, system) = manual();
    let actor = worker(&system);
    let _one = system.register("one", &actor).unwrap();
    let _two = system.register("two", &actor).unwrap();
    assert_eq!(system.lookup::<Job>("one").unwrap(), actor);
    assert_eq!(system.lookup::<Job>("two").unwrap(), actor);
    let names: Vec<_> = system.names().into_iter().map(|named| (named.name.to_string(), named.id)).collect();
    assert_eq!(names, [("one".to_owned(), actor.id()), ("two".to_owned(), actor.id())]);
}

#[test]
fn a_look_up_with_another_type_is_an_error_that_names_both() {
    let (_executor, system) = manual();
    let _name = system.register("worker", &worker(&system)).unwrap();
    let Err(error) = system.lookup::<u64>("worker") else { panic!("found as what it is not") };
    assert!(matches!(&error, LookupError::OtherType { expected: "u64", found } if found.ends_with("Job")), "{error}");
}

#[test]
fn a_mapped_reference_is_found_by_the_type_that_it_takes() {
    let (_executor, system) = manual();
    let numbers: ActorRef<u64> = worker(&system).map(Job::Note);
    let _name = system.register("numbers", &numbers).unwrap();
    assert_eq!(system.lookup::<u64>("numbers").unwrap(), numbers);
    assert!(system.lookup::<Job>("numbers").is_err());
}

#[test]
fn a_name_belongs_to_one_living_actor_at_a_time() {
    let (executor, system) = manual();
    let (first, second) = (worker(&system), worker(&system));
    let _name = system.register("name", &first).unwrap();
    let Err(NameTaken { name, by, .. }) = system.register("name", &second) else { panic!("registered twice") };
    assert_eq!((&*name, &by), ("name", first.path()));
    first.stop();
    executor.run_until_idle();
    let _name = system.register("name", &second).unwrap();
    assert_eq!(system.lookup::<Job>("name").unwrap(), second);
}

#[test]
fn a_name_goes_with_its_actor_and_with_its_registration() {
    let (executor, system) = manual();
    let actor = worker(&system);
    let kept = system.register("kept", &actor).unwrap();
    assert_eq!(kept.name(), "kept");
    kept.until_stopped();
    drop(system.register("dropped", &actor).unwrap());
    assert_eq!(system.lookup::<Job>("dropped"), Err(LookupError::Unknown));
    assert_eq!(system.lookup::<Job>("kept").unwrap(), actor);
    actor.kill();
    executor.run_until_idle();
    assert_eq!(system.lookup::<Job>("kept"), Err(LookupError::Unknown));
    assert_eq!(system.names(), []);
}

#[test]
fn an_old_registration_does_not_take_the_name_from_its_next_holder() {
    let (executor, system) = manual();
    let (first, second) = (worker(&system), worker(&system));
    let old = system.register("name", &first).unwrap();
    first.stop();
    executor.run_until_idle();
    let _new = system.register("name", &second).unwrap();
    drop(old);
    assert_eq!(system.lookup::<Job>("name").unwrap(), second);
}

#[test]
fn an_actor_that_has_ended_holds_no_name() {
    let (executor, system) = manual();
    let actor = worker(&system);
    actor.stop();
    executor.run_until_idle();
    let _name = system.register("late", &actor).unwrap();
    assert_eq!(system.lookup::<Job>("late"), Err(LookupError::Unknown));
}

#[test]
fn a_name_outlives_a_restart() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = renewable(&system, &log, 3);
    system.register("worker", &actor).unwrap().until_stopped();
    let (_subscription, heard) = hear_names(&system);
    tell(&actor, Job::fail("once"));
    executor.run_until_idle();
    assert_eq!(log.count("started"), 2, "restarted");
    assert_eq!(system.lookup::<Job>("worker").unwrap(), actor);
    assert_eq!(heard.all(), ["+worker"]);
}

#[test]
fn a_spawned_actor_has_its_name_before_it_runs() {
    let (_executor, system) = manual();
    let actor = system.build(|| Worker::new(&Log::default())).registered("worker").spawn();
    assert_eq!(system.lookup::<Job>("worker").unwrap(), actor);
}

#[test]
fn an_actor_whose_name_is_taken_does_not_start() {
    let (executor, system) = manual();
    let first = system.build(|| Worker::new(&Log::default())).registered("worker").spawn();
    let log = Log::default();
    let noted = log.clone();
    let second = system.build(move || Worker::new(&noted)).registered("worker").spawn();
    executor.run_until_idle();
    assert!(matches!(second.stop_reason(), Some(StopReason::NameTaken(name)) if &*name == "worker"));
    assert!(matches!(second.try_tell(Job::Note(1)), Err(SendError::Closed(Job::Note(1)))));
    assert_eq!(log.all(), [] as [&str; 0]);
    assert_eq!((system.lookup::<Job>("worker").unwrap(), system.len()), (first, 1));
}

#[test]
fn no_change_of_names_is_missed_and_none_is_told_twice() {
    let (executor, system) = manual();
    let actor = worker(&system);
    let _before = system.register("before", &actor).unwrap();
    let (subscription, heard) = hear_names(&system);
    let after = system.register("after", &actor).unwrap();
    drop(after);
    actor.stop();
    executor.run_until_idle();
    assert_eq!(heard.all(), ["+before", "+after", "-after", "-before"]);
    drop(subscription);
    let _more = system.register("more", &worker(&system)).unwrap();
    assert_eq!(heard.all().len(), 4);
}

/// Notes what it is told of names.
struct Directory {
    log: Log,
    watch: Option<ChangeSubscription>,
}

impl Actor for Directory {
    type Msg = NameEvent;
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.watch = Some(cx.watch_names(|event| event));
        Ok(())
    }
    async fn handle(&mut self, event: NameEvent, _: &mut Context<Self>) -> Result<(), Fault> {
        match event {
            NameEvent::Registered(named) if &*named.name == "poison" => return Err(Fault::msg("poison")),
            NameEvent::Registered(named) => self.log.add(format_args!("+{}", named.name)),
            NameEvent::Ended(named) => self.log.add(format_args!("-{}", named.name)),
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn an_actor_hears_of_names_past_its_bound_and_afresh_in_every_life() {
    let (executor, system) = manual();
    let log = Log::default();
    let (noted, actor) = (log.clone(), worker(&system));
    let names: Vec<_> = ["a", "b", "c"].map(|name| system.register(name, &actor).unwrap()).into();
    system
        .build(move || Directory { log: noted.clone(), watch: None })
        .mailbox(Push::bounded(1).overflow(Overflow::Reject))
        .restart(Restart::on_failure().limit(1, std::time::Duration::from_secs(1)))
        .spawn();
    executor.run_until_idle();
    assert_eq!(log.take(), ["+a", "+b", "+c"]);
    drop(names);
    executor.run_until_idle();
    assert_eq!(log.take(), ["-a", "-b", "-c"]);

    let _kept = system.register("kept", &actor).unwrap();
    drop(system.register("poison", &actor).unwrap());
    executor.run_until_idle();
    executor.advance(std::time::Duration::from_secs(1));
    let heard = log.take();
    assert_eq!(heard.first().map(String::as_str), Some("+kept"));
    assert_eq!(heard.iter().filter(|line| *line == "+kept").count(), 2, "told again to the next life: {heard:?}");
}

#[test]
fn members_leave_a_group_when_they_leave_it_or_end() {
    let (executor, system) = manual();
    let group = system.group::<Job>("workers");
    let (a, b) = (worker(&system), worker(&system));
    assert!(group.join(&a) && group.join(&b));
    assert!(!group.join(&a), "a member already");
    assert_eq!(group.members().to_vec(), [a.clone(), b.clone()]);
    assert!(group.leave(&a));
    assert!(!group.leave(&a), "gone already");
    assert_eq!(group.members()[..], *std::slice::from_ref(&b));
    b.kill();
    executor.run_until_idle();
    assert_eq!((group.len(), group.is_empty()), (0, true));
    assert!(!group.join(&b), "it has ended");
    assert!(group.join(&a), "back again");
}

#[test]
fn a_group_is_found_by_name_and_type_for_as_long_as_it_has_members() {
    let (_executor, system) = manual();
    let actor = worker(&system);
    system.group::<Job>("workers").join(&actor);
    assert_eq!(system.group::<Job>("workers").members().to_vec(), std::slice::from_ref(&actor));
    assert!(system.group::<u64>("workers").is_empty(), "that of other messages is another");
    assert!(system.group::<Job>("others").is_empty());
    system.group::<Job>("workers").leave(&actor);
    assert!(system.group::<Job>("workers").is_empty());
}

#[test]
fn no_change_of_a_group_is_missed_and_none_is_told_twice() {
    let (executor, system) = manual();
    let group = tidegate::Group::<Job>::new();
    let (a, b) = (worker(&system), worker(&system));
    group.join(&a);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&heard);
    let _watch = group.watch(move |event| {
        lock(&note).push(match event {
            GroupEvent::Joined(member) => (true, member.id()),
            GroupEvent::Left(member) => (false, member.id()),
            _ => unreachable!(),
        });
    });
    group.join(&b);
    group.leave(&b);
    a.stop();
    executor.run_until_idle();
    assert_eq!(*lock(&heard), [(true, a.id()), (true, b.id()), (false, b.id()), (false, a.id())]);
}

#[test]
fn whoever_hears_of_an_end_first_finds_it_by_no_name_either() {
    let (executor, system) = manual();
    let (worker, other) = (worker(&system), worker(&system));
    let (group, log) = (system.group::<Job>("members"), Log::default());
    group.join(&worker);
    // Later than the group, so that the end comes to it later.
    system.register("worker", &worker).unwrap().until_stopped();
    let (looks, note) = (system, log.clone());
    let _hears = group.watch(move |event| {
        if let GroupEvent::Left(_) = event {
            let found = looks.lookup::<Job>("worker");
            let names = looks.names().len();
            note.add(format_args!(
                "{found:?}, {names} names, taken again: {}",
                looks.register("worker", &other).is_ok()
            ));
        }
    });
    worker.stop();
    executor.run_until_idle();
    assert_eq!(log.all(), ["Err(Unknown), 0 names, taken again: true"]);
}

#[test]
fn a_listener_that_panics_keeps_an_end_from_nobody_else() {
    let (executor, system) = manual();
    let named = system.build(|| Worker::new(&Log::default())).registered("named").spawn();
    let log = Log::default();
    let watcher = {
        let log = log.clone();
        system.build(move || Worker::new(&log)).spawn()
    };
    let watched = named.clone();
    watcher
        .try_tell(Job::run(move |_, cx| {
            cx.watch(&watched);
            Ok(())
        }))
        .unwrap();
    executor.run_until_idle();
    let ended = start(&executor, named.stopped());
    let _hears = system.watch_names(|event| assert!(!matches!(event, NameEvent::Ended(_)), "told to"));
    named.stop();
    executor.run_until_idle();
    assert!(matches!(ended.take(), Some(StopReason::Stopped)), "who waits for it learns of it");
    let told = log.all().iter().filter(|entry| entry.starts_with("terminated")).count();
    assert_eq!(told, 1, "and so does who watches: {:?}", log.all());
    assert!(executor.block_on(system.shutdown(ms(10))).is_clean());
}

#[test]
fn whoever_sees_an_actor_ended_finds_it_by_no_name() {
    let (executor, system) = manual();
    let actor = worker(&system);
    system.register("worker", &actor).unwrap().until_stopped();
    // Ahead of the one who removes the name, or behind it: a watcher is called
    // while others are still to be.
    let seen = Arc::new(Mutex::new(None));
    let (note, inner) = (Arc::clone(&seen), system.clone());
    let _watch = system.watch_names(move |event| {
        if let NameEvent::Ended(_) = event {
            *lock(&note) = Some(inner.lookup::<Job>("worker"));
        }
    });
    actor.stop();
    executor.run_until_idle();
    assert_eq!(*lock(&seen), Some(Err(LookupError::Unknown)));
}

#[test]
fn what_is_shared_may_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<tidegate::Group<Job>>();
    check::<tidegate::Registration>();
    check::<ChangeSubscription>();
    check::<(ManualExecutor, Pressure)>();
}

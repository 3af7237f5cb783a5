//! Properties: each finds a program that violates it, and leaves one alone that
//! does not.
#![cfg(feature = "explore")]

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::WeakActorRef;
use tidegate::explore::{Coverage, Explorer, Failure, Flaw, Report, Shared, Sim, Strategy};
use tidegate::prelude::*;

fn exhaustive() -> Explorer {
    Explorer::new(Strategy::Exhaustive)
}

#[track_caller]
fn failure(report: &Report) -> &Failure {
    match &report.finding {
        Some(finding) => &finding.failure,
        None => panic!("nothing was found: {report}"),
    }
}

#[track_caller]
fn exhausted(report: &Report) {
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

/// Asks another actor when it is told to, and answers when it is asked.
struct Peer {
    other: Arc<Mutex<Option<WeakActorRef<Say>>>>,
}

enum Say {
    Greet,
    Hello(Reply<()>),
    /// Never returns.
    Hang,
    /// Returns after a while.
    Sleep(Duration),
    /// Keeps the reply, and gives none.
    Keep(Reply<()>),
}

impl Actor for Peer {
    type Msg = Say;
    async fn handle(&mut self, say: Say, cx: &mut Context<Self>) -> Result<(), Fault> {
        match say {
            Say::Greet => {
                let other = self.other.lock().unwrap().as_ref().and_then(WeakActorRef::upgrade);
                if let Some(other) = other {
                    other.ask(Say::Hello).await?;
                }
            }
            Say::Hello(reply) => drop(reply.send(())),
            Say::Hang => pending().await,
            Say::Sleep(time) => cx.sleep(time).await,
            Say::Keep(reply) => cx.spawn(async move {
                pending::<()>().await;
                drop(reply);
            }),
        }
        Ok(())
    }
}

fn peer(sim: &Sim, name: &str, other: Option<&ActorRef<Say>>) -> ActorRef<Say> {
    let other = Arc::new(Mutex::new(other.map(ActorRef::downgrade)));
    let mut first = Some(other);
    sim.system().build(move || Peer { other: first.take().unwrap() }).named(name).spawn()
}

/// Two that ask each other.
fn couple(sim: &Sim) -> (ActorRef<Say>, ActorRef<Say>) {
    let to_b = Arc::new(Mutex::new(None));
    let mut place = Some(Arc::clone(&to_b));
    let a = sim.system().build(move || Peer { other: place.take().unwrap() }).named("a").spawn();
    let b = peer(sim, "b", Some(&a));
    *to_b.lock().unwrap() = Some(b.downgrade());
    (a, b)
}

#[test]
fn actors_that_ask_each_other_are_found_stuck_though_the_body_is_done() {
    let report = exhaustive().run(|sim| async move {
        let (a, b) = couple(&sim);
        a.tell(Say::Greet).await.unwrap();
        b.tell(Say::Greet).await.unwrap();
    });
    let Failure::Deadlock(why) = failure(&report) else { panic!("{report}") };
    assert!(why.contains("/a waits for an answer of /b") && why.contains("/b waits for an answer of /a"), "{why}");
}

#[test]
fn one_that_asks_the_other_is_not_stuck() {
    exhausted(&exhaustive().run(|sim| async move {
        let (a, _b) = couple(&sim);
        a.tell(Say::Greet).await.unwrap();
    }));
}

#[test]
fn a_deadlock_of_the_body_says_who_waits_for_whom() {
    let report = exhaustive().run(|sim| async move {
        let (a, b) = couple(&sim);
        a.tell(Say::Greet).await.unwrap();
        b.tell(Say::Greet).await.unwrap();
        a.ask(Say::Hello).await.unwrap();
    });
    let Failure::Deadlock(why) = failure(&report) else { panic!("{report}") };
    assert!(why.contains("body waits for an answer of /a") && why.contains("/a waits for an answer of /b"), "{why}");
}

#[test]
fn a_handler_that_never_returns_is_found_unless_that_is_allowed() {
    let hang = |sim: Sim| async move { peer(&sim, "sleeper", None).tell(Say::Hang).await.map_err(|_| "refused") };
    let report = exhaustive().run(hang);
    let Failure::Deadlock(why) = failure(&report) else { panic!("{report}") };
    assert!(why.contains("/sleeper is working"), "{why}");
    exhausted(&exhaustive().allow(Flaw::Stuck).run(hang));
    // A clock that others keep going does not hide it.
    let report = exhaustive().run(|sim| async move {
        let sleeper = peer(&sim, "sleeper", None);
        sleeper.tell(Say::Hang).await.unwrap();
        let clock = sim.clone();
        let _ticker = sim.spawn("ticker", async move {
            loop {
                clock.sleep(Duration::from_secs(1)).await;
            }
        });
    });
    assert!(matches!(failure(&report), Failure::Deadlock(_)), "{report}");
}

#[test]
fn a_handler_that_waits_for_a_timer_is_not_stuck() {
    let hour = Duration::from_secs(3600);
    exhausted(&exhaustive().run(move |sim| async move {
        peer(&sim, "sleeper", None).tell(Say::Sleep(hour)).await.unwrap();
    }));
    // Nor is one that waits for such a one.
    exhausted(&exhaustive().run(move |sim| async move {
        let b = peer(&sim, "b", None);
        let a = peer(&sim, "a", Some(&b));
        b.tell(Say::Sleep(hour)).await.unwrap();
        a.tell(Say::Greet).await.unwrap();
    }));
}

#[test]
fn an_ask_that_nobody_answers_is_found() {
    let keep = |sim: Sim| async move {
        let keeper = peer(&sim, "keeper", None);
        // Nobody waits for the client.
        let _client = sim.spawn("client", async move { drop(keeper.ask(Say::Keep).await) });
    };
    let report = exhaustive().run(keep);
    let Failure::Violated { property, message } = failure(&report) else { panic!("{report}") };
    assert_eq!(property, "every ask resolves");
    assert_eq!(message, "client waits for an answer of /keeper");
    exhausted(&exhaustive().allow(Flaw::Unanswered).run(keep));
    exhausted(&exhaustive().run(|sim| async move {
        let peer = peer(&sim, "peer", None);
        let _client = sim.spawn("client", async move { peer.ask(Say::Hello).await.unwrap() });
    }));
}

#[test]
fn an_ask_that_is_given_up_resolves() {
    exhausted(&exhaustive().run(|sim| async move {
        let keeper = peer(&sim, "keeper", None);
        let client =
            sim.spawn("client", async move { keeper.ask_within(Duration::from_secs(1), Say::Keep).await.is_err() });
        assert!(client.await);
    }));
}

#[test]
fn a_sender_that_waits_for_room_for_ever_is_found() {
    let send = |count: u64| {
        exhaustive().run(move |sim| async move {
            struct Greedy;
            impl Actor for Greedy {
                type Msg = u64;
                async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> {
                    Ok(())
                }
            }
            // Asks for one message, and for no more.
            let mailbox = Pull::manual().capacity(1);
            let greedy = sim.system().build(|| Greedy).named("greedy").mailbox(mailbox).spawn();
            let _client = sim.spawn("client", async move {
                for n in 0..count {
                    greedy.tell(n).await.unwrap();
                }
            });
        })
    };
    let report = send(1);
    let Failure::Violated { message, .. } = failure(&report) else { panic!("{report}") };
    assert_eq!(message, "client waits for room in /greedy");
    exhausted(&send(0));
}

#[test]
fn what_holds_itself_is_found_to_leak() {
    let leak = |cut: bool| {
        move |sim: Sim| async move {
            let to_b = Arc::new(Mutex::new(None::<ActorRef<Say>>));
            let a = peer(&sim, "a", None);
            // A cell that is held by what lies in it.
            let held = Arc::new((Arc::clone(&to_b), a, Mutex::new(None)));
            *held.2.lock().unwrap() = (!cut).then(|| Arc::clone(&held) as Arc<dyn std::any::Any + Send + Sync>);
        }
    };
    let report = exhaustive().run(leak(false));
    let Failure::Leaked(message) = failure(&report) else { panic!("{report}") };
    assert!(message.contains(", the mailbox of /a: something"), "{message}");
    exhausted(&exhaustive().allow(Flaw::Leak).run(leak(false)));
    let reply = exhaustive().run(|_: Sim| async { std::mem::forget(Reply::<u64>::channel().0) });
    let Failure::Leaked(message) = failure(&reply) else { panic!("{reply}") };
    assert!(message.starts_with("shared things outlive the system (1), reply: "), "{message}");
    exhausted(&exhaustive().run(leak(true)));
}

/// Counts what it is told, up to a limit that it may overshoot.
struct Count {
    so_far: u64,
}

enum Tally {
    Add(u64),
    Get(Reply<u64>),
}

impl Actor for Count {
    type Msg = Tally;
    async fn handle(&mut self, tally: Tally, _: &mut Context<Self>) -> Result<(), Fault> {
        match tally {
            Tally::Add(n) => self.so_far += n,
            Tally::Get(reply) => drop(reply.send(self.so_far)),
        }
        Ok(())
    }
}

/// Two clients, which tell so many each, of a mailbox of which only so many
/// should be in use.
async fn crowd(sim: Sim, messages: u64, most: usize) {
    let system = sim.system().clone();
    sim.always("the queue is short", move || match system.inspect().find("/count") {
        Some(count) if count.mailbox.len > most => Err(format!("{} wait", count.mailbox.len)),
        _ => Ok(()),
    });
    let count = sim.system().build(|| Count { so_far: 0 }).named("count").mailbox(Push::bounded(8)).spawn();
    for name in ["a", "b"] {
        let count = count.clone();
        let _client = sim.spawn(name, async move {
            for n in 0..messages {
                count.tell(Tally::Add(n)).await.unwrap();
            }
        });
    }
}

#[test]
fn an_invariant_that_is_broken_for_one_step_is_found() {
    let report = exhaustive().run(|sim| crowd(sim, 1, 1));
    let Failure::Violated { property, message } = failure(&report) else { panic!("{report}") };
    assert_eq!((property.as_str(), message.as_str()), ("the queue is short", "2 wait"));
    exhausted(&exhaustive().run(|sim| crowd(sim, 1, 2)));
}

#[test]
fn an_invariant_may_be_an_assertion() {
    let report = exhaustive().run(|sim| async move {
        let clock = sim.clone();
        sim.always("it is early", move || {
            assert!(clock.now() < Duration::from_secs(2), "it is late");
            Ok(())
        });
        sim.sleep(Duration::from_secs(3)).await;
    });
    let Failure::Violated { message, .. } = failure(&report) else { panic!("{report}") };
    assert_eq!(message, "it is late");
}

#[test]
fn what_never_is_so_makes_a_check_vacuous() {
    let body = |sim: Sim, room: usize| async move {
        let count = sim.system().spawn(Count { so_far: 0 }, Push::bounded(room));
        let full = count.try_tell(Tally::Add(1)).is_ok() && count.try_tell(Tally::Add(1)).is_err();
        sim.sometimes("the mailbox is full", full);
    };
    let report = exhaustive().run(move |sim| body(sim, 2));
    let Failure::Violated { property, .. } = failure(&report) else { panic!("{report}") };
    assert_eq!(property, "the mailbox is full");
    exhausted(&exhaustive().run(move |sim| body(sim, 1)));
    // One schedule says nothing of the others, and a search that was cut off
    // not everything.
    exhausted_or_sampled(&Explorer::new(Strategy::Replay("-".parse().unwrap())).run(move |sim| body(sim, 2)));
    assert!(exhaustive().schedules(0).run(move |sim| body(sim, 2)).finding.is_none());
}

#[track_caller]
fn exhausted_or_sampled(report: &Report) {
    report.assert_clean();
}

#[test]
fn what_never_comes_true_is_missed() {
    let body = |sim: Sim, told: u64| async move {
        let count = sim.system().spawn(Count { so_far: 0 }, Push::bounded(8));
        for _ in 0..told {
            count.tell(Tally::Add(1)).await.unwrap();
        }
        sim.eventually("two are handled", 100, move || count.stats().handled == 2);
    };
    let report = exhaustive().run(move |sim| body(sim, 1));
    let Failure::Violated { property, message } = failure(&report) else { panic!("{report}") };
    assert_eq!((property.as_str(), message.as_str()), ("two are handled", "it was not by the end"));
    exhausted(&exhaustive().run(move |sim| body(sim, 2)));
}

#[test]
fn what_takes_more_steps_than_it_may_is_missed() {
    let body = |sim: Sim, steps: usize| async move {
        let count = sim.system().spawn(Count { so_far: 0 }, Push::bounded(8));
        let seen = count.clone();
        sim.eventually("three are handled", steps, move || seen.stats().handled == 3);
        for _ in 0..3 {
            count.tell(Tally::Add(1)).await.unwrap();
        }
    };
    let report = exhaustive().run(move |sim| body(sim, 3));
    let Failure::Violated { message, .. } = failure(&report) else { panic!("{report}") };
    assert_eq!(message, "it was not within 3 steps");
    exhausted(&exhaustive().run(move |sim| body(sim, 20)));
}

#[test]
fn what_is_to_come_true_has_just_so_many_steps() {
    let body = |sim: Sim, within: usize| async move {
        let count = Shared::new(0);
        let look = count.clone();
        sim.eventually("it is three", within, move || look.get() == 3);
        for n in 1..=3 {
            // Ends the step.
            sim.sleep(Duration::ZERO).await;
            count.set(n);
        }
    };
    for explorer in [exhaustive(), Explorer::new(Strategy::Reduced)] {
        exhausted(&explorer.run(move |sim| body(sim, 3)));
        let report = explorer.run(move |sim| body(sim, 2));
        let Failure::Violated { message, .. } = failure(&report) else { panic!("{report}") };
        assert_eq!(message, "it was not within 2 steps");
    }
}

#[test]
fn outcomes_are_those_of_all_orders() {
    let (report, outcomes) = exhaustive().outcomes(|sim| async move {
        let count = sim.system().spawn(Count { so_far: 0 }, Push::bounded(8));
        let teller = count.clone();
        let _teller = sim.spawn("teller", async move { teller.tell(Tally::Add(5)).await.unwrap() });
        count.ask(Tally::Get).await.unwrap()
    });
    exhausted(&report);
    assert_eq!(outcomes, [0, 5].into());
}

/// A timer of its own that is far does not hide that an actor never goes on, nor who had its name before.
#[test]
fn one_that_waits_beside_a_far_timer_of_its_own_is_found_stuck() {
    let hour = Duration::from_secs(3600);
    let stuck = move |sim: Sim, names: usize, answers: bool| async move {
        for _ in 1..names {
            let before = peer(&sim, "sleeper", None);
            before.stop();
            before.stopped().await;
        }
        let keeper = peer(&sim, "keeper", None);
        let patient = sim.system().build(move || Patient(keeper.clone(), answers)).named("sleeper").spawn();
        patient.tell(hour).await.unwrap();
    };
    for names in [1, 2] {
        let report = exhaustive().run(move |sim| stuck(sim, names, false));
        let Failure::Deadlock(why) = failure(&report) else { panic!("{report}") };
        assert!(why.contains("/sleeper waits for an answer of /keeper"), "{why}");
        exhausted(&exhaustive().run(move |sim| stuck(sim, names, true)));
    }
}

/// Asks, with a timer beside it that it does not look at.
struct Patient(ActorRef<Say>, bool);

impl Actor for Patient {
    type Msg = Duration;
    async fn handle(&mut self, time: Duration, cx: &mut Context<Self>) -> Result<(), Fault> {
        let mut far = Box::pin(cx.sleep(time));
        let mut now = Box::pin(std::future::ready(()));
        // As a `select!` does, whose other branch is taken.
        std::future::poll_fn(|cx| {
            let _ = far.as_mut().poll(cx);
            now.as_mut().poll(cx)
        })
        .await;
        let _ = if self.1 { self.0.ask(Say::Hello).await } else { self.0.ask(Say::Keep).await };
        drop(far);
        Ok(())
    }
}

/// The name tells of the one that has it: it sleeps again and again, which is no fault,
/// and not seen to its end.
#[test]
fn one_that_had_the_name_before_is_not_taken_for_it() {
    let report = exhaustive().run(|sim: Sim| async move {
        let before = peer(&sim, "sleeper", None);
        before.stop();
        before.stopped().await;
        let again = sim.system().build(|| Again).named("sleeper").spawn();
        again.tell(()).await.unwrap();
    });
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Bounded);
}

/// Never returns, and never stops doing something.
struct Again;

impl Actor for Again {
    type Msg = ();
    async fn handle(&mut self, (): (), cx: &mut Context<Self>) -> Result<(), Fault> {
        loop {
            cx.sleep(Duration::from_secs(1)).await;
        }
    }
}

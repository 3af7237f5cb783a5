//! Answers that are lost: work is done, and who asked for it never hears.

use tidegate::explore::{Explorer, Failure, Faults, Shared, Sim, Strategy};
use tidegate::prelude::*;

use super::{SECOND, exhausted, exhaustive, found};

fn lost(path: &str) -> Faults {
    Faults::at_most(1).drop_answer(path)
}

/// Counts how often it is asked to.
struct Store {
    done: Shared<u64>,
    /// A key that was seen is not counted again.
    seen: Option<Vec<u64>>,
}

struct Do(u64, Reply<()>);

impl Actor for Store {
    type Msg = Do;
    async fn handle(&mut self, Do(key, reply): Do, _: &mut Context<Self>) -> Result<(), Fault> {
        let is_new = self.seen.as_ref().is_none_or(|seen| !seen.contains(&key));
        if is_new {
            self.seen.iter_mut().for_each(|seen| seen.push(key));
            self.done.with(|done| *done += 1);
        }
        let _ = reply.send(());
        Ok(())
    }
}

fn store(sim: &Sim, name: &str, careful: bool) -> (ActorRef<Do>, Shared<u64>) {
    let done = Shared::new(0);
    let kept = done.clone();
    let make = move || Store { done: kept.clone(), seen: careful.then(Vec::new) };
    (sim.system().build(make).named(name).spawn(), done)
}

/// Asks until it is answered, twice at most.
async fn retrying(sim: Sim, careful: bool) {
    let (store, done) = store(&sim, "store", careful);
    for _ in 0..2 {
        if store.ask_within(SECOND, |reply| Do(1, reply)).await.is_ok() {
            break;
        }
    }
    assert!(done.get() < 2, "done twice");
}

#[test]
fn a_lost_answer_finds_work_that_is_done_again() {
    exhausted(&exhaustive().run(|sim| retrying(sim, false)));
    // That the question is lost does no harm.
    exhausted(&exhaustive().faults(Faults::at_most(1).drop("/store")).run(|sim| retrying(sim, false)));
    for faults in [lost("/store"), Faults::at_most(1).partition(["body"], ["/store"])] {
        for explorer in [exhaustive(), Explorer::default()] {
            let explorer = explorer.faults(faults.clone());
            let report = explorer.run(|sim| retrying(sim, false));
            found(&report, "done twice");
            let finding = report.finding.as_ref().unwrap();
            assert!(finding.schedule.len() <= 8, "{report}");
            let again = Explorer::new(Strategy::Replay(finding.schedule.clone())).faults(faults.clone());
            found(&again.run(|sim| retrying(sim, false)), "done twice");
            exhausted(&explorer.run(|sim| retrying(sim, true)));
        }
    }
}

#[test]
fn a_lost_question_a_lost_answer_and_neither_are_told_apart() {
    let body = |sim: Sim| async move {
        let (store, done) = store(&sim, "store", false);
        let answered = store.ask_within(SECOND, |reply| Do(1, reply)).await.is_ok();
        (answered, done.get())
    };
    let (neither, question, answer) = ((true, 1), (false, 0), (false, 1));
    let outcomes = |faults: Faults| {
        let (report, outcomes) = exhaustive().faults(faults.clone()).outcomes(body);
        exhausted(&report);
        assert_eq!(Explorer::default().faults(faults).outcomes(body).1, outcomes);
        outcomes
    };
    let one = Faults::at_most(1);
    assert_eq!(outcomes(Faults::default()), [neither].into());
    assert_eq!(outcomes(one.clone().drop("/store")), [neither, question].into());
    assert_eq!(outcomes(lost("/store")), [neither, answer].into());
    assert_eq!(outcomes(one.clone().drop("/store").drop_answer("/store")), [neither, question, answer].into());
    assert_eq!(outcomes(one.clone().partition(["body"], ["/store"])), [neither, question, answer].into());
    assert_eq!(outcomes(one.partition(["/other"], ["/store"]).optional()), [neither].into());
}

#[test]
fn so_many_answers_are_lost_as_there_may_be_faults() {
    let body = |sim: Sim| async move {
        let (store, done) = store(&sim, "store", false);
        let mut answered = 0;
        for key in 0..3 {
            answered += u64::from(store.ask_within(SECOND, |reply| Do(key, reply)).await.is_ok());
        }
        assert_eq!(done.get(), 3);
        3 - answered
    };
    for most in 0..4 {
        let faults = Faults::at_most(most).drop_answer("/store");
        let (report, outcomes) = exhaustive().faults(faults).outcomes(body);
        exhausted(&report);
        assert_eq!(outcomes, (0..=most as u64).collect());
    }
}

#[test]
fn who_asks_without_a_limit_hears_nothing_of_a_lost_answer() {
    let ask = |sim: Sim| async move { drop(store(&sim, "store", false).0.ask(|reply| Do(1, reply)).await) };
    let report = exhaustive().faults(lost("/store")).run(ask);
    let finding = report.finding.as_ref().expect("it waits for ever");
    let Failure::Deadlock(why) = &finding.failure else { panic!("{report}") };
    assert!(why.contains("body waits for an answer of /store"), "{why}");
    assert!(report.to_string().contains("an answer of /store to body is lost"), "{report}");
}

/// Passes what it is asked on to another, who answers by itself.
struct Front(ActorRef<Do>);

impl Actor for Front {
    type Msg = Do;
    async fn handle(&mut self, question: Do, _: &mut Context<Self>) -> Result<(), Fault> {
        let _ = self.0.tell(question).await;
        Ok(())
    }
}

#[test]
fn an_answer_goes_from_who_gives_it_to_who_asked() {
    let body = |sim: Sim| async move {
        let (store, done) = store(&sim, "store", false);
        let front = sim.system().build(move || Front(store.clone())).named("front").spawn();
        let client = sim.spawn("client", async move { front.ask_within(SECOND, |reply| Do(1, reply)).await.is_ok() });
        (client.await, done.get())
    };
    let outcomes = |faults: Faults| {
        let (report, outcomes) = exhaustive().faults(faults).outcomes(body);
        exhausted(&report);
        outcomes
    };
    let (all, question, answer) = ((true, 1), (false, 0), (false, 1));
    assert_eq!(outcomes(lost("/store")), [all, answer].into());
    assert_eq!(outcomes(lost("/front").optional()), [all].into());
    let cut = |one: &str, other: &str| outcomes(Faults::at_most(1).partition([one], [other]).optional());
    assert_eq!(cut("client", "/store"), [all, answer].into());
    assert_eq!(cut("/store", "client"), [all, answer].into());
    assert_eq!(cut("client", "/front"), [all, question].into());
    assert_eq!(cut("/front", "/store"), [all, question].into());
    // What the body waits for is no answer.
    assert_eq!(cut("client", "body"), [all].into());
}

#[test]
fn who_has_given_up_is_no_choice() {
    let body = |_: Sim| async move {
        let (reply, answer) = Reply::channel();
        drop(answer);
        assert_eq!(reply.send(7), Err(7), "the answer comes back");
    };
    let report = exhaustive().faults(lost("body").optional()).run(body);
    exhausted(&report);
    assert_eq!(report.schedules, 1);
    let kept = |sim: Sim| async move {
        let (reply, answer) = Reply::channel();
        let (sent, heard) = (reply.send(7), sim.sleep(SECOND));
        heard.await;
        drop(answer);
        sent
    };
    assert_eq!(exhaustive().faults(lost("body")).outcomes(kept).1, [Ok(())].into());
}

#[test]
fn what_lies_in_a_lost_answer_is_kept_until_the_asker_goes() {
    // The answer has a reply in it: who waits for that one hears of it when the asker has gone.
    let body = |sim: Sim| async move {
        let (outer, answer) = Reply::channel();
        let (inner, second) = Reply::<u64>::channel();
        let _ = outer.send(inner);
        let asked = sim.now();
        let holder = sim.spawn("holder", {
            let sim = sim.clone();
            async move {
                sim.sleep(SECOND).await;
                drop(answer);
            }
        });
        assert_eq!(second.await, None);
        holder.await;
        sim.now() - asked
    };
    let (report, outcomes) = exhaustive().faults(lost("body")).outcomes(body);
    exhausted(&report);
    assert_eq!(outcomes, [SECOND].into());
}

#[test]
fn an_answer_that_nobody_gives_is_a_vacuous_fault() {
    let body = |sim: Sim| async move { drop(store(&sim, "store", false).0.ask(|reply| Do(1, reply)).await) };
    let report = exhaustive().faults(Faults::at_most(1).drop("/store").drop_answer("/typo")).run(|sim| async move {
        let _ = store(&sim, "store", false).0.ask_within(SECOND, |reply| Do(1, reply)).await;
    });
    let Some(Failure::Vacuous(why)) = report.finding.map(|finding| finding.failure) else { panic!("not vacuous") };
    assert!(why.contains("the loss of an answer of /typo") && why.contains("an answer of /typo"), "{why}");
    exhausted(&exhaustive().faults(lost("/typo").optional()).run(body));
}

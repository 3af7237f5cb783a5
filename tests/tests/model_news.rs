//! Every order of events between a follower and a store, in small.
//!
//! The model drives the code that ships, `tidegate::flow::news`: [`Follower`] and
//! `Retained` are part of the state, and what can happen between them are the
//! actions. Items are appended and expire; demand comes in small portions;
//! notices are lost, doubled, delayed and reordered; the arming takes two steps;
//! a fetch reads, is answered, fails, takes too long and is answered after all;
//! a read comes from a replica that lags; timers go off whenever they like.
//!
//! What must never be is checked in every state (S1, one fetch at a time, each
//! item once, in its order, or in a gap that is none too large). L10, *stored
//! leads to fetched*, is checked soundly: from every state that can be reached,
//! one closing phase is played to its end, in which nothing more is appended and
//! nothing more goes wrong, and then everything has to be there. What it may
//! count on differs: with the safety poll, nothing but that, and every notice
//! under way is lost; without, that notices arrive.
//!
//! Each rule has a [broken world](Broken), which the property has to find.
//! Bounds: 2 or 3 items, of which 1 or 2 are kept, demand of 4 in portions of 1
//! and 2, one of each fault of a fetch.

#[path = "model_news/world.rs"]
mod world;

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model, Property};
use world::{Act, Broken, Plan, World};

/// How many threads check: what CI has.
const THREADS: usize = 2;

impl Model for Plan {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self)]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        world.acts(self, acts);
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = world.clone();
        next.act(self, act);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always("S1: no more is delivered than was wanted", |_, w: &World| w.delivered <= w.wanted),
            Property::always("S1: no more is fetched than is wanted", |_, w: &World| {
                w.fetch.as_ref().is_none_or(|fetch| w.delivered + fetch.n() <= w.wanted)
            }),
            Property::always("each item once, in its order, or in a gap", |_, w: &World| w.disorder.is_none()),
            Property::always("L10: what is stored is fetched", |plan: &Plan, w: &World| w.closes(plan)),
            Property::sometimes("everything arrives", |plan: &Plan, w: &World| {
                w.store.end() == plan.items && w.next == plan.items
            }),
            Property::sometimes("an append comes while nobody would be told", |_, w: &World| {
                w.store.end() > w.follower.known() && !w.subscribed && w.notices.is_empty()
            }),
            Property::sometimes("a notice is on its way twice or late", |_, w: &World| {
                w.notices.iter().any(|notice| notice.up_to() <= w.next && w.next > 0)
            }),
            Property::sometimes("a notice comes between the arming and the look", |_, w: &World| w.crossed),
        ];
        if self.kept < self.items as usize {
            all.push(Property::sometimes("something is lost to retention", |_, w: &World| w.gaps > 0));
        }
        if self.lossy {
            all.push(Property::sometimes("only the safety poll can know", |_, w: &World| {
                w.follower.is_armed() && !w.subscribed && w.notices.is_empty() && w.store.end() > w.follower.known()
            }));
        }
        if self.faults > 0 {
            all.push(Property::sometimes("an answer comes late", |_, w: &World| w.late.is_some() && w.fetch.is_some()));
            all.push(Property::sometimes("a page lacks what was promised", |_, w: &World| {
                w.stale && w.follower.known() > w.follower.cursor()
            }));
        }
        if self.closes {
            all.push(Property::sometimes("it completes", |_, w: &World| w.completed));
        }
        all
    }
}

/// Checks all of it, and prints how much that was.
#[track_caller]
fn holds(name: &str, plan: Plan) {
    let began = Instant::now();
    let checker = plan.checker().threads(THREADS).spawn_bfs().join();
    eprintln!("{name}: {} states in {:.1?}", checker.unique_state_count(), began.elapsed());
    checker.assert_properties();
    assert!(checker.is_done(), "cut short");
}

/// That a world which is broken in this way is found out, by this property.
#[track_caller]
fn is_found(plan: Plan, broken: Broken, by: &'static str) {
    let plan = Plan { broken: Some(broken), ..plan };
    let names = [by].into_iter().collect();
    let checker = plan.checker().threads(THREADS).finish_when(HasDiscoveries::AnyOf(names)).spawn_bfs().join();
    let path = checker.discovery(by).unwrap_or_else(|| panic!("{broken:?} is not found by `{by}`"));
    eprintln!("{broken:?}: found after {} steps", path.into_actions().len());
}

const L10: &str = "L10: what is stored is fetched";
const ORDER: &str = "each item once, in its order, or in a gap";

#[test]
fn with_a_safety_poll_everything_is_fetched_whatever_becomes_of_the_notices() {
    holds("lossy, polled", Plan::lossy());
}

#[test]
fn what_retention_drops_is_in_a_gap() {
    holds("retention", Plan { kept: 1, faults: 0, ..Plan::lossy() });
}

#[test]
fn without_a_poll_everything_is_fetched_if_only_notices_arrive() {
    holds("reliable, never polled", Plan::reliable());
}

#[test]
fn the_end_is_reached_by_notice_or_by_poll() {
    holds("closed, lossy", Plan { items: 2, closes: true, faults: 0, ..Plan::lossy() });
    holds("closed, reliable", Plan { items: 2, closes: true, faults: 0, ..Plan::reliable() });
}

/// With the safety poll switched off, so that it cannot hide it.
#[test]
fn a_follower_that_does_not_look_again_is_found() {
    is_found(Plan::reliable(), Broken::LooksBeforeItArms, L10);
    is_found(Plan { faults: 0, ..Plan::reliable() }, Broken::LooksBeforeItArms, L10);
}

#[test]
fn a_follower_without_a_safety_poll_is_found() {
    is_found(Plan::lossy(), Broken::NeverPolls, L10);
}

#[test]
fn a_follower_that_takes_notices_for_edges_is_found() {
    is_found(Plan::reliable(), Broken::TakesEdges, L10);
}

#[test]
fn a_fetch_for_too_many_a_second_delivery_and_a_gap_that_is_kept_quiet_are_found() {
    is_found(Plan::lossy(), Broken::WantsTwice, "S1: no more is fetched than is wanted");
    is_found(Plan::lossy(), Broken::WantsTwice, "S1: no more is delivered than was wanted");
    is_found(Plan::lossy(), Broken::DeliversLateAnswers, ORDER);
    is_found(Plan { kept: 1, ..Plan::lossy() }, Broken::KeepsGapsQuiet, ORDER);
}

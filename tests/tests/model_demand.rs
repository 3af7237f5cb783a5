//! Every order of events between the two ends of a link, in small.
//!
//! The model drives the code that ships, `tidegate::flow::link`: the two ends are
//! the states, and what can happen to them are the actions. A source sends and
//! ends; a handler takes, asks for {0, 1, 2, all}, switches between push and pull,
//! and cancels; the network loses, doubles, delays and reorders; timers go off
//! whenever they like; connections break; and a forger sends what nobody asked for.
//!
//! Properties bear the names of the rules in the contract: S for what must never
//! be, L for what must come about ([`closing`] says how that is checked soundly).
//! `sometimes` properties see to it that what a rule is about happens at all. And
//! each rule has a [broken world](broken), which the property has to find.
//!
//! `cargo test -p tidegate-tests --test model_demand -- --nocapture` prints how many
//! states there were.

mod model_demand {
    pub(crate) mod broken;
    pub(crate) mod closing;
    pub(crate) mod witness;
    pub(crate) mod world;
}

use std::time::Instant;

use model_demand::broken::Broken;
use model_demand::closing::{self, Doing, closes, goes_on};
use model_demand::witness::{Saw, Witnesses};
use model_demand::world::{Act, Link, Network, Plan, Rule, Step, World};
use stateright::{Checker, HasDiscoveries, Model, Property};
use tidegate::Mode::{Pull, Push};

/// How many threads check: what CI has.
const THREADS: usize = 2;

#[derive(Clone, Debug)]
struct Demand {
    plan: Plan,
    broken: Option<Broken>,
    seen: Witnesses,
    sometimes: &'static [Sometimes],
}

/// A property that guards against a model in which nothing happens.
type Sometimes = (&'static str, fn(&Demand, &World) -> bool);

impl Model for Demand {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.plan, self.broken)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let mut acts = Vec::new();
        for (link, state) in world.links.iter().enumerate() {
            state.acts(&self.plan, &mut acts);
            steps.extend(acts.drain(..).map(|act| Step { link, act }));
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let blocked = self.broken == Some(Broken::HeadOfLine)
            && step.link > 0
            && matches!(step.act, Act::Deliver(_))
            && world.links[step.link - 1].consumer.buffered() > 0;
        if blocked {
            return None;
        }
        let mut next = world.clone();
        next.links[step.link].act(&self.plan, self.broken, step.act, &self.seen);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = safety();
        all.extend(liveness());
        all.extend(self.sometimes.iter().map(|&(name, condition)| Property::sometimes(name, condition)));
        all
    }
}

fn every(world: &World, holds: impl Fn(&Link) -> bool) -> bool {
    world.links.iter().all(holds)
}

fn safety() -> Vec<Property<Demand>> {
    vec![
        Property::always("S1 no more is delivered, or sent, than was asked for", |_, world| {
            every(world, |link| link.record.keeps(Rule::S1))
        }),
        Property::always("S2 what is here or may come fits the window", |model, world| {
            let (here, there) = model.plan.windows;
            every(world, |link| {
                let taken = u64::from(link.record.taken);
                link.consumer.limit().saturating_sub(taken) <= here
                    && link.consumer.buffered() <= here
                    && link.producer.sent().saturating_sub(taken) <= here
                    && link.producer.unconfirmed().count() as u64 <= there
            })
        }),
        Property::always("S3 what was accepted is taken, here, or kept", |_, world| {
            every(world, |link| {
                let (producer, consumer, record) = (&link.producer, &link.consumer, &link.record);
                let missing = (consumer.received()..producer.sent())
                    .filter(|&n| producer.unconfirmed().all(|(kept, _)| kept != n))
                    .count() as u64;
                let early = consumer.buffered().saturating_sub(consumer.received().saturating_sub(record.taken.into()));
                record.cancelled || record.violated || missing <= early
            })
        }),
        Property::always("S4 items come in order and once", |_, world| {
            every(world, |link| link.record.keeps(Rule::S4))
        }),
        Property::always("S5 requests add up, and none is for nothing", |_, world| {
            every(world, |link| link.record.keeps(Rule::S5))
        }),
        Property::always("S8 one terminal, after the last item, and nothing after it", |_, world| {
            every(world, |link| link.record.keeps(Rule::S8) && link.record.terminals <= 1)
        }),
        Property::always("S9 a cancel is final, and again it is nothing", |_, world| {
            every(world, |link| link.record.keeps(Rule::S9))
        }),
        Property::always("S10 each credit is used once", |_, world| {
            every(world, |link| {
                let accepted = u64::from(link.record.accepted);
                link.record.keeps(Rule::S10) && link.producer.sent() == accepted
            })
        }),
        Property::always("S11 all is all from then on", |_, world| every(world, |link| link.record.keeps(Rule::S11))),
        Property::always("S12 an item without credit is never handled", |_, world| {
            every(world, |link| {
                link.record.keeps(Rule::S12) && link.consumer.stats().violations <= u64::from(link.record.violated)
            })
        }),
        Property::always("S13 one owner refills, and a switch moves nothing else", |_, world| {
            every(world, |link| link.record.keeps(Rule::S13))
        }),
    ]
}

const NOBODY: Doing = Doing { takes: false, asks: false, sends: false, ends: false };

fn liveness() -> Vec<Property<Demand>> {
    /// Of links that go on, or of the others: no goal is about both.
    fn first(model: &Demand, world: &World, go_on: bool, doing: Doing, well: fn(&Plan, &Link) -> bool) -> bool {
        goes_on(&world.links[0]) != go_on || closes(&model.plan, model.broken, world, 0, doing, well)
    }
    vec![
        Property::always("L1 what was sent is handled", |model, world| {
            first(model, world, true, Doing { takes: true, ..NOBODY }, closing::all_sent_is_taken)
        }),
        Property::always("L2 a source with more to send can send it", |model, world| {
            first(
                model,
                world,
                true,
                Doing { takes: true, asks: true, sends: true, ..NOBODY },
                closing::all_is_admitted,
            )
        }),
        Property::always("L3 demand is seen by the producer, and none leaks", |model, world| {
            first(model, world, true, NOBODY, closing::demand_is_known)
        }),
        Property::always("L4 after a cancel, or a violation, there is silence", |model, world| {
            first(model, world, false, Doing { takes: true, ..NOBODY }, closing::falls_silent)
        }),
        Property::always("L6 the terminal arrives without demand", |model, world| {
            first(model, world, true, Doing { takes: true, ends: true, ..NOBODY }, closing::terminal_arrives)
        }),
        Property::always("L8 a link that stands still holds up no other", |model, world: &World| {
            let all = Doing { takes: true, asks: true, sends: true, ends: true };
            world.links.len() == 1 || closes(&model.plan, model.broken, world, 1, all, closing::all_is_done)
        }),
    ]
}

/// A plan in which nothing unusual happens.
const PLAIN: Plan = Plan {
    links: 1,
    items: 2,
    windows: (2, 2),
    mode: Pull,
    amounts: &[1],
    requests: 2,
    switches: 0,
    cancels: 0,
    reconnects: 0,
    forgeries: 0,
    ends: true,
    network: Network::Everlasting,
};
/// Demand by hand, of which there may be none, some or all.
const BY_HAND: Plan = Plan { items: 3, amounts: &[0, 1, 2, u64::MAX], reconnects: 1, ..PLAIN };
/// The smallest window, at both ends.
const STOP_AND_WAIT: Plan = Plan { windows: (1, 1), mode: Push, switches: 2, requests: 1, reconnects: 1, ..PLAIN };
const SWITCHING: Plan = Plan { items: 3, mode: Push, switches: 2, requests: 1, ends: false, ..PLAIN };
const SWITCHED_BACK: Plan = Plan { amounts: &[3, u64::MAX], requests: 1, switches: 2, ..PLAIN };
const CANCELLED: Plan = Plan { mode: Push, cancels: 1, reconnects: 1, ..PLAIN };
const FORGED: Plan = Plan { mode: Push, cancels: 1, forgeries: 1, ..PLAIN };
/// Loss and duplication one by one.
const COUNTED: Plan =
    Plan { mode: Push, requests: 0, ends: false, network: Network::Counted { losses: 2, doublings: 1 }, ..PLAIN };
const TWO_LINKS: Plan = Plan { links: 2, windows: (1, 1), mode: Push, requests: 0, ..PLAIN };

fn model(plan: Plan, broken: Option<Broken>, sometimes: &'static [Sometimes]) -> Demand {
    Demand { plan, broken, sometimes, seen: Witnesses::default() }
}

/// Checks everything, and says how much that was.
fn check(name: &str, plan: Plan, sometimes: &'static [Sometimes]) {
    let began = Instant::now();
    let checker = model(plan, None, sometimes).checker().threads(THREADS).spawn_bfs().join();
    eprintln!(
        "{name}: {} states, {} of them different, {} steps deep, {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64()
    );
    checker.assert_properties();
}

macro_rules! seen {
    ($($what:ident),* $(,)?) => {
        &[$((stringify!($what), |model: &Demand, _: &World| model.seen.has_seen(Saw::$what)),)*]
    };
}

#[test]
fn demand_by_hand() {
    check(
        "by hand",
        BY_HAND,
        seen![
            ItemLost,
            GrantLost,
            EndLost,
            Duplicate,
            Overtaken,
            StaleGrant,
            EndOvertook,
            TerminalWithoutDemand,
            HeldBack,
            Unbounded
        ],
    );
}

#[test]
fn stop_and_wait() {
    check(
        "stop and wait",
        STOP_AND_WAIT,
        seen![ItemLost, GrantLost, Duplicate, StaleGrant, ToPullInFlight, ToPushInFlight, HeldBack],
    );
}

#[test]
fn switching() {
    check(
        "switching",
        SWITCHING,
        seen![Duplicate, Overtaken, StaleGrant, ToPullInFlight, ToPushInFlight, SwitchWithItemsBuffered],
    );
}

#[test]
fn switched_back() {
    check("switched back", SWITCHED_BACK, seen![Overtaken, ToPullInFlight, ToPushInFlight, LeftoverDemand, Unbounded]);
}

#[test]
fn cancelled() {
    check("cancelled", CANCELLED, seen![ItemLost, CancelInFlight, ItemAfterCancel]);
}

#[test]
fn forged() {
    check("forged", FORGED, seen![Violation, Overtaken, CancelInFlight]);
}

#[test]
fn counted() {
    check("counted", COUNTED, seen![ItemLost, GrantLost, Duplicate, Overtaken, StaleGrant]);
}

#[test]
fn two_links() {
    check("two links", TWO_LINKS, seen![Duplicate, HeldBack]);
}

/// What is wrong, where, and what has to notice.
const BROKEN: [(Broken, Plan, &str); 24] = [
    (Broken::AdditiveGrants, BY_HAND, "S1 "),
    (Broken::WindowTwice, SWITCHING, "S2 "),
    (Broken::ConfirmsAhead, BY_HAND, "S3 "),
    (Broken::NoDeduplication, SWITCHING, "S4 "),
    (Broken::RequestTwice, BY_HAND, "S5 "),
    (Broken::ZeroIsOne, BY_HAND, "S5 "),
    (Broken::EndsEarly, BY_HAND, "S8 "),
    (Broken::TerminalTwice, BY_HAND, "S8 "),
    (Broken::CancelForgotten, CANCELLED, "S9 "),
    (Broken::ResendsAsNew, BY_HAND, "S10 "),
    (Broken::SendsTwice, BY_HAND, "S10 "),
    (Broken::Narrow, BY_HAND, "S11 "),
    (Broken::NoLimit, FORGED, "S12 "),
    (Broken::TwoOwners, SWITCHING, "S13 "),
    (Broken::SwitchForgotten, SWITCHING, "S13 "),
    (Broken::StaleEpoch, SWITCHING, "S13 "),
    (Broken::ProducerSleeps, COUNTED, "L1 "),
    (Broken::ForgetsDemand, BY_HAND, "L2 "),
    (Broken::ConsumerSleeps, COUNTED, "L3 "),
    (Broken::FirstEpochOnly, SWITCHING, "L3 "),
    (Broken::CancelUnanswered, CANCELLED, "L4 "),
    (Broken::EndNeedsDemand, BY_HAND, "L6 "),
    (Broken::HeadOfLine, TWO_LINKS, "L8 "),
    (Broken::ProducerSleeps, BY_HAND, "L6 "),
];

#[test]
fn every_property_notices_what_it_is_for() {
    for (broken, plan, rule) in BROKEN {
        let model = model(plan, Some(broken), &[]);
        let name = model.properties().iter().map(|property| property.name).find(|name| name.starts_with(rule));
        let name = name.expect("the rule has a property");
        let wanted = HasDiscoveries::AllOf([name].into());
        let checker = model.checker().threads(THREADS).finish_when(wanted).spawn_bfs().join();
        let found = checker.discovery(name);
        eprintln!("{broken:?}: {name}: {} states", checker.unique_state_count());
        let steps = found.map(|path| path.into_actions());
        assert!(steps.is_some(), "{broken:?} is not noticed by {name:?} in {} states", checker.unique_state_count());
    }
}

/// A rule without a broken world is a rule that may check nothing.
#[test]
fn every_property_has_a_broken_world() {
    let model = model(PLAIN, None, &[]);
    for property in model.properties() {
        let number = property.name.split_inclusive(' ').next().expect("a number comes first");
        assert!(BROKEN.iter().any(|&(_, _, rule)| rule == number), "nothing breaks {:?}", property.name);
    }
}

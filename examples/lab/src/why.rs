//! The reasons for a recommendation, in words. Pure.

use std::time::Duration;

use crate::{
    candidates::{Candidate, Mode, Policy},
    judge::{Goal, Objective, Verdict},
    measure::Measured,
    text,
    workload::{Dispatch, Workload},
};

/// Sentences, a paragraph each.
pub(crate) fn reasons(
    candidates: &[Candidate],
    rows: &[Measured],
    ideal: &Measured,
    goal: &Goal,
    verdict: &Verdict,
    plan: &Workload,
) -> Vec<String> {
    let best = verdict.best();
    let mut out = vec![if verdict.is_feasible() {
        comparison(candidates, rows, goal, verdict)
    } else {
        format!(
            "It breaks {} ({}). By the sum of what each exceeds its limits by, the others are further off.",
            if verdict.violations[best].len() == 1 { "one limit" } else { "several limits" },
            verdict.violations[best].join(", ")
        )
    }];
    out.push(mechanism(candidates, rows, verdict, plan.consumers, plan.dispatch));
    let m = &rows[best];
    if m.at_source > 1 {
        out.push(format!(
            "Up to {} events waited outside for a grant. Whatever feeds these actors has to be able to keep them: \
             a log, a file, a queue, or a producer that may be slowed down. One that cannot needs a larger capacity \
             or a policy that drops.",
            m.at_source
        ));
    }
    if let (Some(own), Some(bound)) = (m.latency, ideal.latency)
        && m.lost_total() + m.merged == 0
        && bound.p99 > Duration::from_millis(2)
    {
        let ratio = own.p99.as_secs_f64() / bound.p99.as_secs_f64();
        out.push(format!(
            "Its p99 is {ratio:.2} times that of one shared queue at no cost (calculated): {}.",
            if ratio < 1.25 {
                "what is left is the workload's own, and only more or faster consumers would lower it"
            } else {
                "the rest is the price of delivery"
            }
        ));
    }
    out
}

/// How it stands against the others in the figure that decides.
fn comparison(candidates: &[Candidate], rows: &[Measured], goal: &Goal, verdict: &Verdict) -> String {
    let best = verdict.best();
    let m = &rows[best];
    let n = rows.len();
    let kept = match (verdict.feasible, goal.objective) {
        (1, _) if n == 1 => "It is the only configuration that was run, and keeps the limits".to_owned(),
        (1, Objective::Complete) => format!("Of {n} configurations it is the only one that handled every event"),
        (1, _) => format!("Of {n} configurations it is the only one that keeps the limits"),
        (k, Objective::Complete) if k == n => "Every configuration handled every event".to_owned(),
        (k, Objective::Complete) => format!("{k} of {n} configurations handled every event"),
        (k, _) if k == n => "Every configuration keeps the limits".to_owned(),
        (k, _) => format!("{k} of {n} configurations keep the limits"),
    };
    let value = |m: &Measured| match goal.objective {
        Objective::Freshness => m.age_p99.as_secs_f64(),
        Objective::Memory => m.peak_bytes as f64,
        Objective::Latency | Objective::Complete => m.latency.map_or(f64::INFINITY, |l| l.p99.as_secs_f64()),
    };
    let (noun, say): (_, fn(&Measured) -> String) = match goal.objective {
        Objective::Freshness => ("age (p99)", |m| text::time(m.age_p99)),
        Objective::Memory => ("memory", |m| text::bytes(m.peak_bytes)),
        _ => ("p99", |m| m.latency.map_or("-".to_owned(), |l| text::time(l.p99))),
    };
    let equal: Vec<&str> =
        verdict.equals.iter().filter(|i| **i != best).map(|i| candidates[*i].name.as_str()).collect();
    let mut s = if verdict.feasible == 1 {
        format!("{kept}; its {noun} is {}.", say(m))
    } else if equal.is_empty() {
        format!("{kept}; of these its {noun} is the lowest: {}.", say(m))
    } else {
        format!(
            "{kept}. Its {noun} of {} cannot be told from that of {}; of these it {}.",
            say(m),
            equal.join(", "),
            advantage(rows, verdict)
        )
    };
    // The best of each way of delivery that does not do as well.
    let as_good: Vec<Family> = verdict.equals.iter().map(|i| family_of(candidates[*i].mode)).collect();
    let others = Family::ALL.into_iter().filter(|family| !as_good.contains(family)).filter_map(|family| {
        let kept = verdict.ranking[..verdict.feasible].iter().copied();
        kept.filter(|i| family_of(candidates[*i].mode) == family)
            .min_by(|a, b| value(&rows[*a]).total_cmp(&value(&rows[*b])))
            .map(|i| (family, i))
    });
    for (family, i) in others.filter(|_| value(m) > 0.0) {
        s.push_str(&format!(
            " The best {} configuration is {}, with {}: {} times as much.",
            family.name(),
            candidates[i].name,
            say(&rows[i]),
            text::digits(value(&rows[i]) / value(m))
        ));
    }
    s
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Push,
    Pull,
    Adaptive,
}

impl Family {
    const ALL: [Self; 3] = [Self::Push, Self::Pull, Self::Adaptive];

    fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Adaptive => "adaptive",
        }
    }
}

fn family_of(mode: Mode) -> Family {
    match mode {
        Mode::Push => Family::Push,
        Mode::PullOneByOne | Mode::PullWindow { .. } | Mode::PullInFlight { .. } => Family::Pull,
        Mode::Adaptive { .. } => Family::Adaptive,
    }
}

/// What the chosen one of several equals has over the rest.
fn advantage(rows: &[Measured], verdict: &Verdict) -> &'static str {
    let best = &rows[verdict.best()];
    let others = || verdict.equals.iter().filter(|i| **i != verdict.best()).map(|i| &rows[*i]);
    let lost = |m: &Measured| m.lost_total() + m.merged;
    if others().all(|m| lost(m) > lost(best)) {
        "loses least"
    } else if verdict.equals.iter().all(|i| *i >= verdict.best()) {
        "is the simplest"
    } else if others().all(|m| m.peak_bytes > best.peak_bytes) {
        "holds least in its mailboxes"
    } else {
        "is the best in the other figures taken together"
    }
}

/// Why delivery of this kind did that.
fn mechanism(
    candidates: &[Candidate],
    rows: &[Measured],
    verdict: &Verdict,
    consumers: usize,
    dispatch: Dispatch,
) -> String {
    let best = verdict.best();
    let (c, m) = (&candidates[best], &rows[best]);
    let push = candidates.iter().position(|c| c.is_push() && c.waits()).filter(|i| *i != best).map(|i| &rows[i]);
    let places = (c.capacity * consumers) as u64;
    // A message that is just being taken is still counted.
    let against = push.map_or(String::new(), |p| format!(", against {} under push-wait", p.deepest.min(places)));
    // Where it goes is settled before anybody asks.
    let bound = consumers > 1 && dispatch != Dispatch::Ready;
    match (c.mode, c.policy) {
        (Mode::PullOneByOne | Mode::PullWindow { .. } | Mode::PullInFlight { .. }, Policy::Wait) if bound => format!(
            "Why: what a consumer has not asked for waits outside, so little waits in the mailboxes: {} messages at \
             the most{against}. Which consumer an event goes to is settled by --dispatch, so it may queue behind a \
             long one all the same.",
            m.deepest
        ),
        (Mode::PullOneByOne, Policy::Wait) => format!(
            "Why: an event goes only to a consumer that has asked, so it does not queue behind a long one while \
             another consumer is free. The mailboxes held {} messages at the most{against}.",
            m.deepest
        ),
        (Mode::PullWindow { window } | Mode::PullInFlight { window }, Policy::Wait) => format!(
            "Why: no consumer asks for more than {window} events ahead, so few queue behind a long one; the rest wait \
             outside, and go to whoever asks next. The mailboxes held {} messages at the most{against}.",
            m.deepest
        ),
        (Mode::PullOneByOne | Mode::PullWindow { .. } | Mode::PullInFlight { .. }, _) => format!(
            "Why: what finds no consumer asking is refused at once, so whatever is taken is handled without queueing. \
             The mailboxes held {} messages at the most{against}.",
            m.deepest
        ),
        (Mode::Adaptive { .. }, _) if m.switches.total == 0 => format!(
            "Why: the consumers kept up, so it pushed all the time. The mailboxes held {} messages at the most{against}.",
            m.deepest
        ),
        (Mode::Adaptive { .. }, _) => format!(
            "Why: it pushes while the consumers keep up and lets them ask while they do not, so quiet times cost no \
             round of asking and bursts pile up outside the mailboxes; it changed {} times. They held {} messages at \
             the most{against}.",
            m.switches.total, m.deepest
        ),
        (Mode::Push, Policy::Wait) if m.deepest * 2 <= places => format!(
            "Why: the mailboxes take the bursts with room to spare ({} of {places} places at the most), so there is \
             nothing that asking first, or dropping, could improve.",
            m.deepest
        ),
        (Mode::Push, Policy::Wait) => format!(
            "Why: the mailboxes fill up in bursts ({} of {places} places) and hold the producer back meanwhile; \
             nothing that was tried did better than that.",
            m.deepest.min(places)
        ),
        (Mode::Push, Policy::Conflate) => "Why: a queued event that newer news about the same key has overtaken is \
             replaced by it, so consumers spend no time on what nobody needs to know any more, and no key is starved."
            .to_owned(),
        (Mode::Push, Policy::Latest | Policy::DropOldest) => "Why: what gives way is what has been overtaken, so \
             the consumers are always at the newest, and a burst cannot make them late."
            .to_owned(),
        (Mode::Push, _) => "Why: what finds the mailboxes full is turned away at once, so that what is taken is \
             never far behind."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        candidates::select,
        judge::{Limits, judge},
        measure::Latency,
        probe::{Drops, Switches},
        service::Service,
    };

    fn row(p99: u64, lost: u64, deepest: u64) -> Measured {
        let t = Duration::from_millis(p99);
        Measured {
            offered: 1000,
            handled: 1000 - lost,
            merged: 0,
            lost: [lost, 0, 0, 0, 0],
            goodput: 1.0,
            latency: Some(Latency { p50: t, p99: t, p999: t }),
            age_p99: t,
            age_mean: t,
            deepest,
            peak_bytes: deepest * 100,
            at_source: 0,
            wakes: None,
            clock_p99: Duration::ZERO,
            switches: Switches::default(),
            dead_letters: Drops::new(),
            disagreements: Vec::new(),
            high_water: 0,
            cut: false,
        }
    }

    fn say(configs: &str, rows: &[Measured]) -> String {
        let candidates = select(8, Some(configs)).unwrap();
        assert_eq!(candidates.len(), rows.len());
        let goal = Goal { objective: Objective::Complete, limits: Limits::default() };
        reasons(&candidates, rows, &row(1, 0, 1), &goal, &judge(rows, &goal), &plan(Dispatch::Ready)).join("\n")
    }

    fn plan(dispatch: Dispatch) -> Workload {
        Workload {
            events: Vec::new(),
            keys: 1,
            service: Service::AUTO,
            consumers: 4,
            producers: 1,
            dispatch,
            seed: 1,
            title: String::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_clear_winner_is_compared_with_the_best_of_another_kind() {
        let text = say("push-wait,pull-one-wait", &[row(200, 0, 32), row(100, 0, 4)]);
        assert!(text.contains("p99 is the lowest: 100 ms"), "{text}");
        assert!(text.contains("The best push configuration is push-wait, with 200 ms: 2.00 times as much."), "{text}");
        assert!(text.contains("held 4 messages at the most, against 32 under push-wait"), "{text}");
    }

    #[test]
    fn equals_are_named_and_the_simplest_is_said_to_be_so() {
        let text = say("push-wait,pull-one-wait", &[row(10, 0, 4), row(10, 0, 4)]);
        assert!(text.contains("cannot be told from that of pull-one-wait; of these it is the simplest"), "{text}");
        assert!(text.contains("room to spare (4 of 32 places"), "{text}");
        assert!(!text.contains("The best pull"), "{text}");
    }

    #[test]
    fn an_equal_of_another_kind_does_not_hide_how_push_did() {
        let text = say("push-wait,pull-one-wait,adaptive-wait", &[row(150, 0, 32), row(100, 0, 4), row(100, 0, 9)]);
        assert!(text.contains("cannot be told from that of adaptive-wait"), "{text}");
        assert!(text.contains("The best push configuration is push-wait, with 150 ms: 1.50 times as much."), "{text}");
        let text = say("push-wait,pull-one-wait,adaptive-wait", &[row(150, 0, 32), row(100, 0, 4), row(120, 0, 9)]);
        assert!(text.contains("is push-wait, with 150 ms: 1.50 times"), "{text}");
        assert!(text.contains("The best adaptive configuration is adaptive-wait, with 120 ms: 1.20 times"), "{text}");
    }

    #[test]
    fn the_mechanism_is_that_of_the_run() {
        let candidates = select(8, Some("push-wait,pull-one-wait,pull-window,adaptive-wait")).unwrap();
        let say = |best: usize, dispatch, switches| {
            let mut rows = [row(200, 0, 32), row(200, 0, 4), row(200, 0, 8), row(200, 0, 9)];
            rows[best].latency = row(100, 0, 4).latency;
            rows[3].switches.total = switches;
            let goal = Goal { objective: Objective::Complete, limits: Limits::default() };
            reasons(&candidates, &rows, &row(1, 0, 1), &goal, &judge(&rows, &goal), &plan(dispatch)).join("\n")
        };
        assert!(say(1, Dispatch::Ready, 0).contains("while another consumer is free"));
        assert!(say(1, Dispatch::Key, 0).contains("settled by --dispatch"));
        assert!(say(2, Dispatch::Ready, 0).contains("more than 4 events ahead"));
        assert!(say(3, Dispatch::Ready, 0).contains("pushed all the time"));
        assert!(say(3, Dispatch::Ready, 7).contains("it changed 7 times"));
    }

    #[test]
    fn a_single_run_claims_no_victory() {
        let text = say("push-wait", &[row(10, 0, 33)]);
        assert!(text.contains("the only configuration that was run"), "{text}");
        assert!(text.contains("fill up in bursts (32 of 32 places)"), "{text}");
        let text = say("push-wait", &[row(10, 5, 33)]);
        assert!(text.contains("breaks one limit (loses 0.5 %)"), "{text}");
    }
}

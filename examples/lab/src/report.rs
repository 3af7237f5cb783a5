//! The table and the recommendation, as text of at most 120 columns.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use crate::{
    candidates::{Candidate, Policy},
    judge::{Goal, Limits, Objective, Verdict, judge},
    measure::{Latency, Measured, Reason},
    probe::Switches,
    text, why,
    workload::{Dispatch, Workload},
};

/// Everything that is said.
pub(crate) struct Report<'a> {
    pub(crate) plan: &'a Workload,
    pub(crate) goal: Goal,
    /// What was run, and the row of each.
    pub(crate) candidates: &'a [Candidate],
    pub(crate) rows: &'a [Measured],
    /// The calculated bound.
    pub(crate) ideal: &'a Measured,
    pub(crate) verdict: Option<&'a Verdict>,
    pub(crate) rounds: usize,
    /// Where the runtime's account and that of the events do not agree.
    pub(crate) failures: &'a [String],
    /// How many configurations there were to be, if Ctrl-C came before the end.
    pub(crate) interrupted: Option<usize>,
}

const WIDTH: usize = 118;
/// Of the table's columns between the name and the reasons.
const WIDTHS: [usize; 9] = [7, 7, 7, 7, 7, 7, 8, 6, 5];

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        writeln!(f)?;
        self.table(f)?;
        self.legend(f)?;
        for (candidate, m) in self.candidates.iter().zip(self.rows).filter(|(c, _)| c.is_adaptive()) {
            writeln!(f)?;
            wrapped(f, &switching(&candidate.name, m.switches), 2)?;
        }
        self.self_check(f)?;
        self.disturbance(f)?;
        if let Some(planned) = self.interrupted {
            let n = self.rows.len();
            writeln!(f, "\nPARTIAL: interrupted after {n} of {planned} configurations; the rest was not run.")?;
        }
        match self.verdict {
            Some(verdict) => self.recommendation(f, verdict),
            None => writeln!(f, "\nNothing was measured, so nothing is recommended."),
        }
    }
}

impl Report<'_> {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        let capacity = self.candidates.first().map_or(0, |c| c.capacity);
        let offer = match plan.dispatch {
            Dispatch::Ready => "offered to the next consumer in turn that has a free grant",
            Dispatch::Turn => "offered to the consumers in turn",
            Dispatch::Key => "offered to the consumer of its key",
        };
        let (over, peak) = plan.burstiness();
        writeln!(f, "Push, pull or hybrid, for this workload?\n")?;
        entry(f, "workload", &plan.title)?;
        entry(f, "arrivals", &format!("{}/s for {}", text::digits(plan.rate()), text::time(plan.span())))?;
        entry(f, "service", &format!("{} on average, {}", text::time(plan.mean_service()), plan.service))?;
        entry(
            f,
            "load",
            &format!(
                "{:.0} % on average; for {:.0} % of the time more comes than {} can do, at the worst {:.1} times the mean",
                plan.utilisation() * 100.0,
                over * 100.0,
                if plan.consumers == 1 { "the consumer" } else { "the consumers" },
                peak
            ),
        )?;
        entry(
            f,
            "consumers",
            &format!(
                "{}, capacity {capacity} each; {} producer{}; an event is {offer}",
                plan.consumers,
                plan.producers,
                if plan.producers == 1 { "" } else { "s" }
            ),
        )?;
        entry(f, "objective", &describe(&self.goal))?;
        let rounds =
            if self.rounds == 1 { "one run".to_owned() } else { format!("the median of {} runs", self.rounds) };
        entry(f, "seed", &format!("{}; every row is {rounds} of the same arrivals and service times", plan.seed))?;
        for (i, note) in plan.notes.iter().enumerate() {
            entry(f, if i == 0 { "assumed" } else { "" }, note)?;
        }
        Ok(())
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name_width =
            self.candidates.iter().map(|c| c.name.len()).max().unwrap_or(0).max("(one shared queue)".len());
        let header =
            ["goodput", "p50", "p99", "p99.9", "age p99", "deepest", "memory", "source", "wakes", "not handled"];
        writeln!(f, "  {}", line("configuration", name_width, &header.map(str::to_owned)))?;
        let indent = 2 + name_width + WIDTHS.iter().map(|w| w + 2).sum::<usize>() + 2;
        writeln!(f, "  {}", "-".repeat(WIDTH - 2))?;
        let best = self.verdict.map(Verdict::best);
        for (i, (candidate, m)) in self.candidates.iter().zip(self.rows).enumerate() {
            let mark = match self.verdict {
                _ if best == Some(i) => '>',
                Some(v) if !v.violations[i].is_empty() => '!',
                Some(v) if v.pareto[i] => '*',
                _ => ' ',
            };
            writeln!(f, "{mark} {}", line(&candidate.name, name_width, &cells(m)))?;
            for reason in gone(m).iter().skip(1) {
                writeln!(f, "{:indent$}{reason}", "")?;
            }
        }
        let mut cells = cells(self.ideal);
        for absent in [6, 8, 9] {
            cells[absent] = "-".to_owned();
        }
        writeln!(f, "  {}", line("(one shared queue)", name_width, &cells))
    }

    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = self.rows.iter().map(|m| m.clock_p99).max().unwrap_or_default();
        let text = format!(
            "> recommended  ! breaks a limit  * not beaten in everything by another.  goodput: handled a second.  \
             p50, p99, p99.9: from an event's time in the plan to handled, waiting at the source included; up to {} \
             (p99) of it is the clock's.  age: for how long the key furthest behind has had news that nobody handled.  \
             deepest, memory: most messages, and bytes of their slots, in all mailboxes at one time.  source: most \
             events that waited outside.  wakes: polls of a consumer for each message handled.  The last row is \
             calculated: no delivery can beat it without losing events.",
            text::time(clock),
        );
        writeln!(f)?;
        wrapped(f, &text, 2)
    }

    /// Whether the figures are to be believed.
    fn self_check(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            if self.rows.is_empty() {
                return Ok(());
            }
            writeln!(f)?;
            let text = "Self-check passed: in every run the events handled, and those not handled by reason, are as many \
                        as the runtime counts in its mailboxes and among its dead letters.";
            return wrapped(f, text, 2);
        }
        writeln!(
            f,
            "\n!!! SELF-CHECK FAILED: the runtime's account is not that of the events. Believe no figure here."
        )?;
        self.failures.iter().try_for_each(|failure| wrapped(f, failure, 4))
    }

    /// Says when something else had the machine: then rows differ by more than
    /// what they are about.
    fn disturbance(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut slips: Vec<Duration> = self.rows.iter().map(|m| m.clock_p99).collect();
        slips.sort_unstable();
        let usual = slips.get(slips.len().saturating_sub(1) / 2).copied().unwrap_or_default();
        let limit = (usual * 3).max(Duration::from_millis(5));
        let names: Vec<&str> = self
            .candidates
            .iter()
            .zip(self.rows)
            .filter(|(_, m)| m.clock_p99 > limit)
            .map(|(c, _)| c.name.as_str())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        let text = format!(
            "DISTURBED: during {} the schedule itself slipped by more than {} (p99), against {} as a rule; the \
             machine was busy with something else. --repeat 3 takes medians.",
            names.join(", "),
            text::time(limit),
            text::time(usual)
        );
        wrapped(f, &text, 2)
    }

    fn recommendation(&self, f: &mut fmt::Formatter<'_>, verdict: &Verdict) -> fmt::Result {
        let best = &self.candidates[verdict.best()];
        let answer = if verdict.is_feasible() { "Recommended" } else { "Nothing keeps every limit; the nearest" };
        writeln!(f, "\n{answer}: {}\n", best.name)?;
        for reason in why::reasons(self.candidates, self.rows, self.ideal, &self.goal, verdict, self.plan) {
            wrapped(f, &reason, 2)?;
        }
        writeln!(f, "\n  In a configuration file:\n")?;
        for l in best.toml().lines() {
            writeln!(f, "      {l}")?;
        }
        if best.policy == Policy::Conflate {
            writeln!(f)?;
            wrapped(f, "A file cannot hold the merge function; with this alone the oldest is dropped. In code:", 2)?;
        }
        writeln!(f, "\n  In Rust:\n")?;
        for l in best.rust().lines() {
            writeln!(f, "      {l}")?;
        }
        writeln!(f)?;
        writeln!(f, "  With another objective:")?;
        for objective in Objective::ALL.into_iter().filter(|o| *o != self.goal.objective) {
            // What was said about loss belongs to the objective it was said for.
            let limits = Limits { max_loss: None, ..self.goal.limits };
            let goal = Goal { objective, limits };
            let other = judge(self.rows, &goal);
            let m = &self.rows[other.best()];
            let figure = match objective {
                Objective::Freshness => format!("age p99 {}", text::time(m.age_p99)),
                Objective::Memory => text::bytes(m.peak_bytes),
                _ => m.latency.map_or("nothing handled".to_owned(), |l| format!("p99 {}", text::time(l.p99))),
            };
            let lost = text::percent(m.loss_percent(true));
            let note = if other.is_feasible() { "" } else { "; none keeps its limits" };
            let name = &self.candidates[other.best()].name;
            writeln!(f, "      {:10} {name} ({figure}, {lost} not handled one by one{note})", objective.name())?;
        }
        Ok(())
    }
}

/// The objective and its limits in words.
fn describe(goal: &Goal) -> String {
    let limits = &goal.limits;
    let mut s = match goal.objective {
        Objective::Complete => "complete: every event handled, then the lowest p99".to_owned(),
        Objective::Latency => "latency: the lowest p99".to_owned(),
        Objective::Freshness => "freshness: the lowest age of what is known".to_owned(),
        Objective::Memory => "memory: the least in the mailboxes".to_owned(),
    };
    match (limits.max_loss, goal.objective) {
        (Some(loss), _) => _ = write!(s, "; at most {loss} % lost"),
        (None, Objective::Latency | Objective::Memory) => s.push_str("; at most 1 % lost"),
        (None, _) => {}
    }
    if let Some(p99) = limits.max_p99 {
        _ = write!(s, "; p99 at most {}", text::time(p99));
    }
    if let Some(age) = limits.max_age {
        _ = write!(s, "; age at most {}", text::time(age));
    }
    if let Some(memory) = limits.max_memory {
        _ = write!(s, "; memory at most {}", text::bytes(memory));
    }
    if limits.merge_ok {
        s.push_str("; merged events count as handled");
    }
    s
}

fn cells(m: &Measured) -> [String; 10] {
    let latency = |of: fn(&Latency) -> Duration| m.latency.as_ref().map_or("-".to_owned(), |l| text::time(of(l)));
    [
        format!("{}/s", text::digits(m.goodput)),
        latency(|l| l.p50),
        latency(|l| l.p99),
        latency(|l| l.p999),
        text::time(m.age_p99),
        m.deepest.to_string(),
        text::bytes(m.peak_bytes),
        m.at_source.to_string(),
        m.wakes.map_or("-".to_owned(), text::digits),
        gone(m).first().cloned().unwrap_or("-".to_owned()),
    ]
}

/// What was not handled, by reason.
fn gone(m: &Measured) -> Vec<String> {
    let lost = Reason::ALL.iter().zip(m.lost).map(|(reason, n)| (reason.name(), n));
    lost.chain([("merged", m.merged)]).filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect()
}

/// How often an adaptive configuration switched, and why.
fn switching(name: &str, n: Switches) -> String {
    if n.total == 0 {
        return format!("{name} pushed all the time: it never met a reason to pull.");
    }
    let mut s = format!("{name} changed between push and pull, times over all its mailboxes: {}", n.total);
    // Mailboxes remember their last switches only.
    if n.exhausted + n.slower + n.relieved == n.total {
        _ = write!(
            s,
            " (to pull: {} with the capacity exhausted, {} with service slowing down; back to push: {})",
            n.exhausted, n.slower, n.relieved
        );
    }
    s + "."
}

fn line(name: &str, name_width: usize, cells: &[String; 10]) -> String {
    let mut s = format!("{name:name_width$}");
    for (cell, width) in cells.iter().zip(WIDTHS) {
        _ = write!(s, "  {cell:>width$}");
    }
    // The last column has no right edge, so it may be as long as it must.
    s + "  " + &cells[9]
}

fn entry(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    let mut lines = lines(text, WIDTH - 14);
    writeln!(f, "  {name:10}  {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|l| writeln!(f, "{:14}{l}", ""))
}

fn wrapped(f: &mut fmt::Formatter<'_>, text: &str, indent: usize) -> fmt::Result {
    lines(text, WIDTH - indent).try_for_each(|l| writeln!(f, "{:indent$}{l}", ""))
}

/// Breaks a text at spaces.
fn lines(text: &str, width: usize) -> impl Iterator<Item = String> + use<> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last].push_str(word);
        } else if lines[last].chars().count() + 1 + word.chars().count() <= width {
            lines[last].push(' ');
            lines[last].push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.into_iter()
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;

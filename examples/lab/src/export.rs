//! The figures for other programs: JSON and CSV.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    candidates::Candidate,
    judge::{Goal, Verdict},
    measure::{Measured, Reason},
    workload::Workload,
};

fn ms(d: std::time::Duration) -> f64 {
    (d.as_secs_f64() * 1e6).round() / 1e3
}

/// Everything measured. `runs` holds every round of every candidate.
pub(crate) fn json(
    plan: &Workload,
    goal: &Goal,
    candidates: &[Candidate],
    rows: &[Measured],
    runs: &[Vec<Measured>],
    ideal: &Measured,
    verdict: Option<&Verdict>,
) -> Value {
    let limits = &goal.limits;
    json!({
        "workload": {
            "title": plan.title,
            "events": plan.events.len(),
            "keys": plan.keys,
            "span_ms": ms(plan.span()),
            "mean_service_ms": ms(plan.mean_service()),
            "utilisation": plan.utilisation(),
            "consumers": plan.consumers,
            "producers": plan.producers,
            "seed": plan.seed,
            "assumed": plan.notes,
        },
        "objective": goal.objective.name(),
        "limits": {
            "max_p99_ms": limits.max_p99.map(ms),
            "max_loss_percent": limits.max_loss,
            "max_memory_bytes": limits.max_memory,
            "max_age_ms": limits.max_age.map(ms),
            "merge_ok": limits.merge_ok,
        },
        "configurations": candidates.iter().zip(rows).zip(runs).enumerate().map(|(i, ((c, m), runs))| json!({
            "name": c.name,
            "toml": c.toml(),
            "rust": c.rust(),
            "measured": row(m),
            "runs": runs.iter().map(row).collect::<Vec<_>>(),
            "breaks": verdict.map(|v| v.violations[i].clone()),
            "pareto": verdict.map(|v| v.pareto[i]),
        })).collect::<Vec<_>>(),
        "one_shared_queue": row(ideal),
        "recommended": verdict.map(|v| candidates[v.best()].name.clone()),
        "keeps_every_limit": verdict.map(Verdict::is_feasible),
    })
}

fn row(m: &Measured) -> Value {
    json!({
        "offered": m.offered,
        "handled": m.handled,
        "merged": m.merged,
        "lost": Reason::ALL.iter().zip(m.lost).map(|(r, n)| (r.name().to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
        "goodput_per_s": m.goodput,
        "p50_ms": m.latency.map(|l| ms(l.p50)),
        "p99_ms": m.latency.map(|l| ms(l.p99)),
        "p999_ms": m.latency.map(|l| ms(l.p999)),
        "age_p99_ms": ms(m.age_p99),
        "age_mean_ms": ms(m.age_mean),
        "deepest": m.deepest,
        "deepest_of_one_consumer": m.high_water,
        "peak_memory_bytes": m.peak_bytes,
        "most_at_source": m.at_source,
        "polls_per_message": m.wakes,
        "clock_p99_ms": ms(m.clock_p99),
        "mode_switches": m.switches.total,
        "mode_switches_to_pull": { "window exhausted": m.switches.exhausted, "service slower": m.switches.slower },
        "dead_letters": m.dead_letters.iter().map(|(r, n)| (r.name().to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
        "disagreements": m.disagreements,
        "cut_short": m.cut,
    })
}

/// The table, a line for every configuration.
pub(crate) fn csv(candidates: &[Candidate], rows: &[Measured]) -> String {
    let mut out = "configuration,offered,handled,merged".to_owned();
    for reason in Reason::ALL {
        out.push(',');
        out.push_str(reason.name());
    }
    out.push_str(
        ",goodput_per_s,p50_ms,p99_ms,p999_ms,age_p99_ms,deepest,peak_memory_bytes,most_at_source,polls_per_message\n",
    );
    let or_empty = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.3}"));
    for (c, m) in candidates.iter().zip(rows) {
        let mut cells = vec![c.name.clone(), m.offered.to_string(), m.handled.to_string(), m.merged.to_string()];
        cells.extend(m.lost.iter().map(u64::to_string));
        cells.push(format!("{:.3}", m.goodput));
        let latency = m.latency;
        cells.extend(
            [latency.map(|l| l.p50), latency.map(|l| l.p99), latency.map(|l| l.p999)].map(|d| or_empty(d.map(ms))),
        );
        cells.push(format!("{:.3}", ms(m.age_p99)));
        cells.extend([m.deepest.to_string(), m.peak_bytes.to_string(), m.at_source.to_string(), or_empty(m.wakes)]);
        // Names and figures hold neither commas nor quotes.
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

/// Makes sure that a file can be written, before anything is measured for it.
/// What is in it stays.
///
/// # Errors
/// A sentence with the file's name.
pub(crate) fn try_write(path: &Path) -> Result<(), String> {
    let opened = fs::OpenOptions::new().append(true).create(true).open(path);
    opened.map(drop).map_err(|e| unwritable(path, &e))
}

/// Writes a file.
///
/// # Errors
/// A sentence with the file's name.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &Path, e: &std::io::Error) -> String {
    format!("{}: cannot be written: {e}", path.display())
}

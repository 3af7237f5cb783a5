//! A message sequence chart for Mermaid.

use std::fmt::Write;

use super::acts::{Acts, Deed};

/// A `sequenceDiagram`.
pub(super) fn mermaid(acts: &Acts, failure: &str, failed: Option<&str>) -> String {
    let mut text = String::from("sequenceDiagram\n");
    for (lane, name) in acts.lanes.iter().enumerate() {
        line(&mut text, format_args!("participant p{lane} as {}", plain(name)));
    }
    let last = acts.lanes.len().saturating_sub(1);
    for act in &acts.acts {
        let (from, what) = (act.lane, plain(&act.deed.text()));
        match &act.deed {
            Deed::Sends { to, .. } => line(&mut text, format_args!("p{from}->>p{to}: {what}")),
            Deed::Refused { to, .. } | Deed::Silent { to, .. } => {
                line(&mut text, format_args!("p{from}-xp{to}: {what}"));
            }
            Deed::Answers { to, .. } => line(&mut text, format_args!("p{from}-->>p{to}: {what}")),
            Deed::Time(_) | Deed::Settles => line(&mut text, format_args!("Note over p0,p{last}: {what}")),
            _ => line(&mut text, format_args!("Note over p{from}: {what}")),
        }
    }
    let failed = failed.and_then(|failed| acts.lanes.iter().position(|lane| lane == failed));
    let over = failed.map_or_else(|| format!("p0,p{last}"), |lane| format!("p{lane}"));
    line(&mut text, format_args!("Note over {over}: {}", plain(failure)));
    text
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = writeln!(text, "    {what}");
}

/// Without what ends a line there or means something else.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.lines().next().unwrap_or("").chars() {
        match c {
            '#' => plain.push_str("#35;"),
            ';' => plain.push_str("#59;"),
            '<' => plain.push_str("#lt;"),
            '>' => plain.push_str("#gt;"),
            c => plain.push(c),
        }
    }
    plain
}

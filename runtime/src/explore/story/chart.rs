//! A message sequence chart as text: a column for each who does something, and
//! beside it what is done.

use super::acts::{Act, Acts, Deed};

/// No column is wider.
const WIDEST: usize = 14;
/// More columns than this are no chart any more.
const MOST: usize = 9;

/// The chart. It ends with `failure`, at the lane that failed, if one did.
pub(super) fn chart(acts: &Acts, failure: &str, failed: Option<&str>) -> String {
    let shown: Vec<usize> = (0..acts.lanes.len()).filter(|lane| is_shown(acts, *lane, failed)).collect();
    let mut text = String::new();
    let columns = Columns::new(acts, &shown);
    if let Some(columns) = &columns {
        columns.head(&mut text);
    }
    let mut last = None;
    for act in &acts.acts {
        let step = if last == Some(act.step) { String::new() } else { act.step.to_string() };
        last = Some(act.step);
        let line = match &columns {
            _ if matches!(act.deed, Deed::Time(_) | Deed::Settles) => format!("--- {} ---", act.deed.text()),
            Some(columns) => columns.line(act),
            None => list(acts, act),
        };
        text.push_str(format!("{step:>6}  {line}").trim_end());
        text.push('\n');
    }
    let first = failure.lines().next().unwrap_or(failure);
    let failed = failed.and_then(|failed| acts.lanes.iter().position(|lane| lane == failed));
    let end = match (&columns, failed) {
        (Some(columns), Some(lane)) => columns.end(lane, first),
        _ => format!("X {first}"),
    };
    text.push_str(&format!("{:>6}  {end}\n", ""));
    text
}

/// Whether somebody takes part.
fn is_shown(acts: &Acts, lane: usize, failed: Option<&str>) -> bool {
    let takes_part = |act: &Act| {
        !matches!(act.deed, Deed::Time(_) | Deed::Settles) && (act.lane == lane || act.deed.target() == Some(lane))
    };
    failed == Some(&acts.lanes[lane]) || acts.acts.iter().any(takes_part)
}

fn list(acts: &Acts, act: &Act) -> String {
    let to = act.deed.target().map_or_else(String::new, |to| format!(" -> {}", acts.lanes[to]));
    format!("{}: {}{to}", acts.lanes[act.lane], act.deed.text())
}

struct Columns<'a> {
    acts: &'a Acts,
    /// The column of each lane that has one.
    of: Vec<Option<usize>>,
    names: Vec<String>,
    width: usize,
}

impl<'a> Columns<'a> {
    /// `None` if there are too many.
    fn new(acts: &'a Acts, shown: &[usize]) -> Option<Self> {
        if shown.is_empty() || shown.len() > MOST {
            return None;
        }
        let mut of = vec![None; acts.lanes.len()];
        for (column, lane) in shown.iter().enumerate() {
            of[*lane] = Some(column);
        }
        let names: Vec<String> = shown.iter().map(|lane| short(&acts.lanes[*lane])).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6) + 2;
        Some(Self { acts, of, names, width })
    }

    fn head(&self, text: &mut String) {
        let width = self.width;
        let names: String = self.names.iter().map(|name| format!("{name:<width$}")).collect();
        text.push_str(format!("{:>6}  {names}", "step").trim_end());
        text.push('\n');
    }

    fn empty(&self) -> Vec<char> {
        let mut line = vec![' '; self.width * self.names.len()];
        for column in 0..self.names.len() {
            line[column * self.width] = '|';
        }
        line
    }

    fn line(&self, act: &Act) -> String {
        let mut line = self.empty();
        let Some(from) = self.of[act.lane].map(|column| column * self.width) else { return list(self.acts, act) };
        let to = act.deed.target().and_then(|to| self.of[to]).map(|column| column * self.width);
        let is_refused = matches!(act.deed, Deed::Refused { .. } | Deed::Silent { .. });
        match to {
            Some(to) if to > from => {
                line[from + 1..to].fill('-');
                line[to - 1] = if is_refused { 'x' } else { '>' };
            }
            Some(to) if to < from => {
                line[to + 1..from].fill('-');
                line[to + 1] = if is_refused { 'x' } else { '<' };
            }
            _ => {}
        }
        line[from] = if matches!(act.deed, Deed::Takes { .. }) { '*' } else { 'o' };
        format!("{}  {}", line.into_iter().collect::<String>(), act.deed.text())
    }

    fn end(&self, lane: usize, failure: &str) -> String {
        let mut line = self.empty();
        if let Some(column) = self.of[lane] {
            line[column * self.width] = 'X';
        }
        format!("{}  {failure}", line.into_iter().collect::<String>())
    }
}

/// A name that fits: of a long one the end, which tells it from others.
fn short(name: &str) -> String {
    let length = name.chars().count();
    if length <= WIDEST {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length - WIDEST + 2).collect();
    format!("..{end}")
}

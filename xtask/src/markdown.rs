//! As much of Markdown as the check of the book needs: fences, headings, links,
//! and mdBook's includes. A line-by-line reading, not a full parser.

use std::collections::{BTreeMap, BTreeSet};

/// What is on a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) fences: Vec<Fence>,
    pub(crate) links: Vec<Link>,
    pub(crate) includes: Vec<Include>,
    /// The ids that mdBook gives to the headings.
    pub(crate) anchors: BTreeSet<String>,
}

/// A block between fences.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) line: usize,
    /// What stands behind the opening fence.
    pub(crate) info: String,
    pub(crate) body: Vec<String>,
}

/// A link, or an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) line: usize,
    pub(crate) target: String,
}

/// A `{{#include file:region}}` or one of its siblings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Include {
    pub(crate) line: usize,
    /// `include`, `rustdoc_include`, `playground`, or something unknown.
    pub(crate) kind: String,
    pub(crate) file: String,
    /// What stands behind the colon: a region, or line numbers.
    pub(crate) region: Option<String>,
}

impl Fence {
    /// Whether the block is shown, and run, as Rust.
    pub(crate) fn is_rust(&self) -> bool {
        let language = self.info.split([',', ' ', '{']).next().unwrap_or_default();
        matches!(language, "rust" | "rs")
    }

    /// The lines that were typed in rather than included.
    pub(crate) fn typed(&self) -> impl Iterator<Item = &str> {
        self.body.iter().map(String::as_str).filter(|line| !line.trim().is_empty() && include(line, 0).is_none())
    }
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut slugs = BTreeMap::new();
        let mut open: Option<(char, usize, Fence)> = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            page.includes.extend(include(line, number));
            if let Some((mark, length, fence)) = &mut open {
                let closing = fence_mark(line).filter(|(m, l, info)| m == mark && l >= length && info.is_empty());
                if closing.is_none() {
                    fence.body.push(line.to_owned());
                } else if let Some((_, _, fence)) = open.take() {
                    page.fences.push(fence);
                }
            } else if let Some((mark, length, info)) = fence_mark(line) {
                open = Some((mark, length, Fence { line: number, info: info.to_owned(), body: Vec::new() }));
            } else {
                let prose = without_code(line);
                page.links.extend(links(&prose).map(|target| Link { line: number, target }));
                if let Some(id) = heading_id(line, &mut slugs) {
                    page.anchors.insert(id);
                }
            }
        }
        // Left open at the end of the page, as Markdown allows.
        page.fences.extend(open.map(|(_, _, fence)| fence));
        page
    }
}

/// The mark, its length, and the text behind it, if the line is a fence.
fn fence_mark(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == mark).count();
    let info = line[length..].trim();
    // Three backticks that are closed on the same line are code in the text.
    (length >= 3 && !(mark == '`' && info.contains('`'))).then_some((mark, length, info))
}

/// The include on this line, unless it is escaped.
fn include(line: &str, number: usize) -> Option<Include> {
    let (before, rest) = line.split_once("{{#")?;
    if before.ends_with('\\') {
        return None;
    }
    let (inside, _) = rest.split_once("}}")?;
    let (kind, target) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    let target = target.trim();
    let (file, region) = match target.split_once(':') {
        Some((file, region)) => (file, Some(region.to_owned())),
        None => (target, None),
    };
    Some(Include { line: number, kind: kind.to_owned(), file: file.to_owned(), region })
}

/// Blanks out `code in the text`, in which a link is no link.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].chars().take_while(|c| *c == '`').count();
        let inside = &rest[start + ticks..];
        out.push_str(&rest[..start]);
        match inside.find(&"`".repeat(ticks)) {
            Some(end) => rest = &inside[end + ticks..],
            None => rest = inside,
        }
    }
    out + rest
}

/// The targets of `[text](target "title")`, `![image](target)` and `[label]: target`.
fn links(line: &str) -> impl Iterator<Item = String> {
    let inline = line.match_indices("](").filter_map(|(at, _)| {
        let rest = &line[at + 2..];
        let mut depth = 0;
        let end = rest.char_indices().find_map(|(at, c)| {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 => return Some(at),
                ')' => depth -= 1,
                _ => {}
            }
            None
        })?;
        Some(bare_target(&rest[..end]))
    });
    let definition = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    let definition = definition.map(|(_, target)| bare_target(target));
    inline.chain(definition).collect::<Vec<_>>().into_iter()
}

/// A target without its title and without angle brackets.
fn bare_target(target: &str) -> String {
    let target = target.trim();
    match target.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((inside, _)) => inside.to_owned(),
        None => target.split_whitespace().next().unwrap_or_default().to_owned(),
    }
}

/// The id of the heading on this line, if it is one: `{#its-own}`, or the text as
/// mdBook turns it into an id, numbered if it was used before.
fn heading_id(line: &str, used: &mut BTreeMap<String, usize>) -> Option<String> {
    let level = line.chars().take_while(|c| *c == '#').count();
    let text = line[level..].strip_prefix(' ').filter(|_| (1..=6).contains(&level))?;
    let text = text.trim().trim_end_matches('#').trim_end();
    if let Some((_, own)) = text.strip_suffix('}').and_then(|text| text.rsplit_once("{#")) {
        return Some(own.to_owned());
    }
    let id = slug(&without_link_targets(text));
    let count = used.entry(id.clone()).and_modify(|count| *count += 1).or_insert(0);
    Some(if *count == 0 { id } else { format!("{id}-{count}") })
}

fn slug(text: &str) -> String {
    let kept = text.chars().filter_map(|c| match c {
        c if c.is_whitespace() => Some('-'),
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

fn without_link_targets(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("](") {
        out.push_str(before);
        rest = link.split_once(')').map_or("", |(_, behind)| behind);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{Link, Page};

    fn targets(text: &str) -> Vec<String> {
        Page::read(text).links.into_iter().map(|link| link.target).collect()
    }

    #[test]
    fn links_are_found_with_their_lines() {
        let page = Page::read("a [b](c.md#d)\n\n![i](i.svg \"title\") and [x](<y z.md>)\n\n[label]: other.md\n");
        let link = |line, target: &str| Link { line, target: target.to_owned() };
        let found = [link(1, "c.md#d"), link(3, "i.svg"), link(3, "y z.md"), link(5, "other.md")];
        assert_eq!(page.links, found);
    }

    #[test]
    fn parentheses_belong_to_a_target_if_they_pair_up() {
        assert_eq!(targets("[a](b(c).md) (and [d](e.md))"), ["b(c).md", "e.md"]);
    }

    #[test]
    fn links_in_code_are_none() {
        assert_eq!(targets("`[a](b)` and ``[c](`d`)`` but [e](f)\n```text\n[g](h)\n```\n"), ["f"]);
    }

    #[test]
    fn headings_get_the_ids_of_mdbook() {
        let text = "# Push, pull\n## `tell` waits\n## Same\n### Same\n## A [link](x.md)\n## Own {#mine}\n#no\n```text\n# code\n```\n";
        let page = Page::read(text);
        let ids: Vec<&str> = page.anchors.iter().map(String::as_str).collect();
        assert_eq!(ids, ["a-link", "mine", "push-pull", "same", "same-1", "tell-waits"]);
    }

    #[test]
    fn fences_are_told_apart_by_mark_length_and_language() {
        let text = "````rust,ignore\n```\ninside\n````\n~~~toml\nx = 1\n~~~\n```rustic\n```\n  ```rs\n  y\n";
        let page = Page::read(text);
        let seen: Vec<(usize, bool, usize)> =
            page.fences.iter().map(|fence| (fence.line, fence.is_rust(), fence.body.len())).collect();
        assert_eq!(seen, [(1, true, 2), (5, false, 1), (8, false, 0), (10, true, 1)]);
    }

    #[test]
    fn includes_are_read_unless_escaped() {
        let text = "```rust\n{{#rustdoc_include ../listings/a.rs:one}}\n# typed\n```\n\\{{#include no.rs}}\n{{#include b.out}}\n";
        let page = Page::read(text);
        let seen: Vec<(usize, &str, &str, Option<&str>)> = page
            .includes
            .iter()
            .map(|include| (include.line, include.kind.as_str(), include.file.as_str(), include.region.as_deref()))
            .collect();
        assert_eq!(seen, [(2, "rustdoc_include", "../listings/a.rs", Some("one")), (6, "include", "b.out", None)]);
        assert_eq!(page.fences[0].typed().collect::<Vec<_>>(), ["# typed"]);
    }
}

//! `cargo xtask book`: what the book shows has to exist, compile and be tested.
//!
//! mdBook builds a book with a missing region, or a link to nowhere, without a
//! word. So the check is our own and comes first:
//!
//! - every included file is there, and every region in it, once and not empty;
//! - Rust on a page is included and never typed, and comes from the source of a
//!   test that asserts something, or of an example whose output is compared;
//! - every page is in `SUMMARY.md` once, and every link between pages leads to a
//!   page and a heading that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::markdown::{Include, Page};
use crate::metadata::Metadata;
use crate::shell::{root, run};
use crate::{Ended, Result, tools};

/// `cargo xtask book [--check]`.
pub(crate) fn command(args: &[String]) -> Result<Ended> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["--check"] => check().map(|()| Ended::Ran(true)),
        [] => {
            check()?;
            let book = root().join("book");
            run(Command::new(tools::mdbook()?).arg("build").arg(&book))?;
            println!("built: {}", book.join("book").join("index.html").display());
            Ok(Ended::Ran(true))
        }
        _ => Ok(Ended::Misused(format!("`book` takes `--check` or nothing, not `{}`", args.join(" ")))),
    }
}

/// Checks the book and prints what it finds.
pub(crate) fn check() -> Result<()> {
    let metadata = Metadata::read()?;
    let sources = |kind| -> BTreeSet<PathBuf> {
        metadata.packages.iter().flat_map(|package| package.targets(kind)).map(|target| target.source.clone()).collect()
    };
    let root = root();
    let book = Book { src: root.join("book").join("src"), tests: sources("test"), examples: sources("example") };
    let (findings, pages) = book.check();
    for Finding { file, line, what } in &findings {
        println!("{}:{line}: {what}", file.strip_prefix(&root).unwrap_or(file).display());
    }
    match findings.len() {
        0 => {
            println!("{pages} pages, nothing amiss");
            Ok(())
        }
        amiss => Err(format!("{amiss} things amiss in the book")),
    }
}

/// The sources of a book, and what is compiled and run.
#[derive(Debug)]
struct Book {
    src: PathBuf,
    /// Sources of test targets.
    tests: BTreeSet<PathBuf>,
    /// Sources of examples.
    examples: BTreeSet<PathBuf>,
}

/// Something amiss.
#[derive(Debug)]
struct Finding {
    file: PathBuf,
    line: usize,
    what: String,
}

impl Book {
    /// All that is amiss, and the number of pages.
    fn check(&self) -> (Vec<Finding>, usize) {
        let mut findings = Vec::new();
        let mut pages = BTreeMap::new();
        for path in markdown_below(&self.src) {
            match fs::read_to_string(&path) {
                Ok(text) => drop(pages.insert(path, Page::read(&text))),
                Err(error) => findings.push(Finding { file: path, line: 1, what: format!("cannot be read: {error}") }),
            }
        }
        let summary = self.src.join("SUMMARY.md");
        for (path, page) in &pages {
            let mut found = |line, what| findings.push(Finding { file: path.clone(), line, what });
            for include in &page.includes {
                if let Err(what) = self.check_include(path, include) {
                    found(include.line, what);
                }
            }
            for fence in page.fences.iter().filter(|fence| fence.is_rust()) {
                if let Some(typed) = fence.typed().next() {
                    let what = format!("Rust typed into the page (`{}`): include it from a test", typed.trim());
                    found(fence.line, what);
                }
            }
            for link in &page.links {
                if let Err(what) = check_link(&self.src, path, &link.target, &pages) {
                    found(link.line, what);
                }
            }
        }
        check_summary(&summary, &pages, &mut findings);
        (findings, pages.len().saturating_sub(1))
    }

    fn check_include(&self, page: &Path, include: &Include) -> Result<()> {
        let Include { kind, file, region, .. } = include;
        if !matches!(kind.as_str(), "include" | "rustdoc_include" | "playground") {
            // `title` is mdBook's too, and includes nothing.
            return if kind == "title" { Ok(()) } else { Err(format!("mdBook knows no `{{{{#{kind}}}}}`")) };
        }
        let path = joined(page, file);
        let text = fs::read_to_string(&path).map_err(|error| format!("includes {file}: {error}"))?;
        if path.extension().is_some_and(|extension| extension == "rs") {
            self.check_tested(file, &path, &text)?;
        }
        match region {
            Some(region) => check_region(file, region, &text),
            None if text.trim().is_empty() => Err(format!("includes {file}, which is empty")),
            None => Ok(()),
        }
    }

    /// A listing that nothing runs is a claim that nobody checks.
    fn check_tested(&self, file: &str, path: &Path, text: &str) -> Result<()> {
        if self.examples.contains(path) {
            return Ok(());
        }
        if !self.tests.contains(path) {
            return Err(format!("includes {file}, which is the source of no test target and of no example"));
        }
        if !text.contains("assert") {
            return Err(format!("includes {file}, a test that asserts nothing"));
        }
        Ok(())
    }
}

/// The region has to be there once, closed, and with something in it.
fn check_region(file: &str, region: &str, text: &str) -> Result<()> {
    if region.chars().all(|c| c.is_ascii_digit() || c == ':') {
        return Err(format!("includes {file} by line numbers, which move: use `ANCHOR: name`"));
    }
    let marks = |mark: &str| -> Vec<usize> {
        let lines = text.lines().enumerate();
        lines.filter(|(_, line)| name_behind(line, mark) == Some(region)).map(|(number, _)| number).collect()
    };
    let (begins, ends) = (marks("ANCHOR:"), marks("ANCHOR_END:"));
    match (begins.as_slice(), ends.as_slice()) {
        ([], _) => Err(format!("{file} has no region `{region}`")),
        ([begin], [end]) if begin < end => {
            let inside = text.lines().skip(begin + 1).take(end - begin - 1);
            let shown = |line: &str| !line.trim().is_empty() && !line.contains("ANCHOR");
            if inside.into_iter().any(shown) {
                return Ok(());
            }
            Err(format!("the region `{region}` of {file} is empty"))
        }
        _ => Err(format!("the region `{region}` of {file} needs one `ANCHOR:` and, below it, one `ANCHOR_END:`")),
    }
}

/// The name behind `ANCHOR:` or `ANCHOR_END:`, if the line has that mark.
fn name_behind<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split_once(mark)?.1.split_whitespace().next()
}

/// A link between pages has to lead to a page of the book, and to a heading on it.
fn check_link(src: &Path, page: &Path, target: &str, pages: &BTreeMap<PathBuf, Page>) -> Result<()> {
    let elsewhere = |scheme| target.starts_with(scheme);
    if ["https://", "http://", "mailto:"].into_iter().any(elsewhere) {
        return Ok(());
    }
    let (file, heading) = target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
    let path = if file.is_empty() { page.to_path_buf() } else { joined(page, file) };
    if target.is_empty() {
        return Err("a link that leads nowhere".to_owned());
    }
    if !path.starts_with(src) {
        return Err(format!("the link to {target} leaves the book: it is dead once the book is built"));
    }
    let Some(there) = pages.get(&path) else {
        let is_page = path.extension().is_none_or(|extension| extension == "md" || extension == "html");
        return if is_page || !path.is_file() { Err(format!("the link to {target} leads nowhere")) } else { Ok(()) };
    };
    match heading {
        Some(heading) if !there.anchors.contains(heading) => {
            Err(format!("the link to {target} leads to a page without a heading `#{heading}`"))
        }
        _ => Ok(()),
    }
}

/// Every page has to be in the table of contents, once.
fn check_summary(summary: &Path, pages: &BTreeMap<PathBuf, Page>, findings: &mut Vec<Finding>) {
    let mut found = |line, what| findings.push(Finding { file: summary.to_path_buf(), line, what });
    let Some(contents) = pages.get(summary) else {
        found(1, "there is no SUMMARY.md".to_owned());
        return;
    };
    let mut listed = BTreeSet::new();
    for link in &contents.links {
        let path = joined(summary, &link.target);
        if !listed.insert(path) {
            found(link.line, format!("{} is listed twice", link.target));
        }
    }
    let mut chapters = 0;
    for page in pages.keys().filter(|page| *page != summary) {
        chapters += 1;
        if !listed.contains(page) {
            let name = summary.parent().and_then(|src| page.strip_prefix(src).ok()).unwrap_or(page);
            found(1, format!("{} is not listed, so nobody will find it", name.display()));
        }
    }
    if chapters == 0 {
        found(1, "the book has no pages".to_owned());
    }
}

/// `file` as seen from the folder of `page`, without `..` in it.
fn joined(page: &Path, file: &str) -> PathBuf {
    let mut path = page.parent().unwrap_or(page).to_path_buf();
    for component in Path::new(file).components() {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}

/// All Markdown files below a folder, in order.
fn markdown_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // A folder that cannot be read has no pages, and the summary says so.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests;

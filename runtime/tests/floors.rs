//! Reads the sources and refuses what the floors forbid.
//!
//! - A file imports only from its own floor and those below ([`FLOORS`]). Imports
//!   go through the module they come from, since a name re-exported by the crate
//!   root would hide its floor.
//! - `unsafe`, atomics and loom live on floor 1, in `src/sync`, and nowhere else.
//! - Every atomic operation there stands below a comment that names the model that
//!   checks its ordering, `Checked by: path::model::name`, or says why none does,
//!   `Not modelled: ...`. The models named have to exist.
//! - No file is longer than [`LONGEST`] lines; from [`LONG`] on it is mentioned.
//!
//! What only tests compile (`#[cfg(test)]`, `#[cfg(all(test, ..))]`, and the files of
//! modules declared that way) may import what it likes, count with atomics, run
//! under loom and be long; only `unsafe` is refused there too.
//!
//! The sources are read as tokens, not parsed: paths built by macros escape this.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

#[path = "floors/planted.rs"]
mod planted;
#[path = "floors/source.rs"]
mod source;

use source::{File, Token};

/// The modules of the crate and their floors.
const FLOORS: [(&str, u8); 11] = [
    ("sync", 1),
    ("mailbox", 2),
    ("actor", 3),
    ("supervision", 4),
    ("system", 5),
    ("flow", 6),
    ("pattern", 6),
    ("interop", 7),
    ("explore", 7),
    ("testkit", 7),
    ("remote", 7),
];
/// Files that stand above the floors: they only re-export.
const ABOVE: [&str; 2] = ["lib", "prelude"];
/// Atomic operations are made elsewhere; this file only says what an atomic is.
const SHIM: &str = "sync/shim.rs";
const LONG: usize = 450;
const LONGEST: usize = 500;
/// How far below its comment an ordering may stand.
const REACH: usize = 12;
const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

#[test]
fn the_sources_keep_to_their_floors() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: Vec<(PathBuf, String)> = rust_files_below(&src)
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file can be read");
            (path.strip_prefix(&src).expect("lies below src").to_path_buf(), text)
        })
        .collect();
    assert!(sources.iter().any(|(path, _)| path.starts_with("sync")), "no sources below {}", src.display());
    let Report { findings, notes } = check(&sources);
    for note in notes {
        eprintln!("note: runtime/src/{note}");
    }
    let findings: Vec<String> = findings.iter().map(|finding| format!("\n  runtime/src/{finding}")).collect();
    assert!(findings.is_empty(), "{} findings:{}", findings.len(), findings.concat());
}

fn rust_files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a source folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            found.extend(rust_files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    found
}

/// Functions that only tests compile, and the modules that they are in.
type Models<'a> = BTreeSet<(&'a str, &'a [String])>;

#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
    notes: Vec<Finding>,
}

#[derive(Debug)]
struct Finding {
    file: PathBuf,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// Checks all files of a crate; paths are relative to its `src`.
fn check(sources: &[(PathBuf, String)]) -> Report {
    let files: Vec<File<'_>> = sources.iter().map(|(path, text)| File::read(path, text)).collect();
    let test_modules: BTreeSet<&[String]> = files.iter().flat_map(|f| &f.test_modules).map(Vec::as_slice).collect();
    let is_test = |file: &File<'_>| (1..=file.module.len()).any(|n| test_modules.contains(&file.module[..n]));
    let mut models = BTreeSet::new();
    for file in &files {
        let tokens = if is_test(file) { &file.shipped } else { &file.tests };
        for pair in tokens.windows(2).filter(|pair| pair[0].text == "fn") {
            models.insert((pair[1].text.as_str(), file.module.as_slice()));
        }
    }

    let mut report = Report::default();
    for file in &files {
        let mut found = |line, what| report.findings.push(Finding { file: file.path.to_path_buf(), line, what });
        let on_floor_1 = file.module.first().is_some_and(|module| module == "sync");
        if !on_floor_1 {
            for token in file.shipped.iter().chain(&file.tests).filter(|token| token.text == "unsafe") {
                found(token.line, "`unsafe` outside of floor 1".to_owned());
            }
        }
        if is_test(file) {
            continue;
        }
        file.check_imports(&mut found);
        if !on_floor_1 {
            for token in file.shipped.iter().filter(|token| token.is_atomic() || token.text == "loom") {
                found(token.line, format!("`{}` outside of floor 1", token.text));
            }
        } else if file.path != Path::new(SHIM) {
            file.check_orderings(&models, &mut found);
        }
        let lines = file.comments.len();
        if lines > LONGEST {
            found(LONGEST, format!("{lines} lines, where {LONGEST} are the most: split the file"));
        } else if lines > LONG {
            let what = format!("{lines} lines, where {LONG} are enough");
            report.notes.push(Finding { file: file.path.to_path_buf(), line: LONG, what });
        }
    }
    report
}

impl File<'_> {
    fn check_imports(&self, found: &mut impl FnMut(usize, String)) {
        let name = self.module.first().map_or("", String::as_str);
        if ABOVE.contains(&name) {
            return;
        }
        let Some(own) = floor_of(name) else {
            found(1, format!("`{name}` is on no floor: give it one in FLOORS"));
            return;
        };
        for (at, token) in self.shipped.iter().enumerate() {
            for target in self.named_at_root(at) {
                match floor_of(&target.text) {
                    Some(floor) if floor > own => {
                        found(target.line, format!("floor {own} imports from `{}` on floor {floor}", target.text));
                    }
                    Some(_) => {}
                    None => {
                        let what =
                            format!("`{}::{}` names no floor: name the module it lives in", token.text, target.text);
                        found(target.line, what);
                    }
                }
            }
        }
    }

    /// What a path that begins at this token names in the crate root, be it by
    /// `crate::` or by as many `super::` as it takes to get there.
    fn named_at_root(&self, at: usize) -> Vec<&Token> {
        let tokens = &self.shipped;
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
        let mut behind = at;
        if text(at) == "crate" && text(at + 1) == "::" {
            behind += 2;
        } else if text(at) == "super" && (at < 2 || text(at - 2) != "super") {
            while text(behind) == "super" && text(behind + 1) == "::" {
                behind += 2;
            }
            if (behind - at) / 2 != self.module.len() {
                return Vec::new();
            }
        } else {
            return Vec::new();
        }
        if text(behind) != "{" {
            // A macro is found by its own name, not through a floor.
            let is_macro = text(behind + 1) == "!";
            return tokens.get(behind).filter(|_| !is_macro).into_iter().collect();
        }
        let (mut depth, mut named) = (0, Vec::new());
        for (index, token) in tokens.iter().enumerate().skip(behind) {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && matches!(text(index - 1), "{" | ",") => named.push(token),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        named
    }

    fn check_orderings(&self, models: &Models<'_>, found: &mut impl FnMut(usize, String)) {
        let mut seen = BTreeSet::new();
        let mut in_use = false;
        for token in &self.shipped {
            match token.text.as_str() {
                "use" => in_use = true,
                ";" => in_use = false,
                // One finding for a line is enough.
                ordering if ORDERINGS.contains(&ordering) && !in_use && seen.insert(token.line) => {
                    let above = &self.comments[token.line.saturating_sub(REACH + 1)..token.line];
                    if !above.iter().any(|c| c.contains("Checked by:") || c.contains("Not modelled:")) {
                        let what =
                            format!("`{ordering}` without `Checked by: path::model::name` or `Not modelled: why`");
                        found(token.line, what);
                    }
                }
                _ => {}
            }
        }
        let mut lines = self.comments.iter().enumerate().peekable();
        while let Some((number, comment)) = lines.next() {
            let Some((_, named)) = comment.split_once("Checked by:") else { continue };
            // A list of models goes on behind a comma at the end of the line.
            let mut named = named.trim().to_owned();
            while let (true, Some((_, more))) = (named.ends_with(','), lines.peek()) {
                named.push_str(more.trim_start_matches(['/', ' ']));
                lines.next();
            }
            for model in named.split([',', ' ']).map(|m| m.trim_end_matches('.')).filter(|m| m.contains("::")) {
                // By its function, and by the file that it is the model of.
                let (function, file) = (model.rsplit("::").next(), model.split("::").next());
                let there = models.iter().any(|(name, module)| {
                    Some(*name) == function && module.iter().any(|part| Some(part.as_str()) == file)
                });
                if !there {
                    found(number + 1, format!("`{model}` is named here, but there is no such model"));
                }
            }
            if !named.contains("model::") {
                found(number + 1, "`Checked by:` names no model".to_owned());
            }
        }
    }
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

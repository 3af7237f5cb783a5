//! The book's table of features names tests and examples: they exist.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The source of a test file: `x` in `runtime/tests`, `tidegate-tests/x` here.
fn source(file: &str) -> Option<String> {
    let (folder, name) = match file.strip_prefix("tidegate-tests/") {
        Some(name) => ("tests/tests", name),
        None => ("runtime/tests", file),
    };
    let folder = root().join(folder);
    [folder.join(format!("{name}.rs")), folder.join(name).join("main.rs")]
        .into_iter()
        .find_map(|path| fs::read_to_string(path).ok())
}

/// What a row has no proof for, unless it says that it has nothing to prove.
fn amiss(row: &str) -> Vec<String> {
    let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
    let [feature, answer, shown] = cells[..] else { return vec![format!("not three cells: {row}")] };
    let mut proofs = 0;
    let mut amiss = Vec::new();
    let mut parts = shown.split('`');
    let mut before = parts.next().unwrap_or_default();
    while let (Some(code), Some(after)) = (parts.next(), parts.next()) {
        let there = if before.ends_with("example ") {
            root().join(format!("examples/examples/{code}.rs")).is_file()
        } else {
            code.split_once("::").is_some_and(|(file, test)| {
                source(file)
                    .is_some_and(|text| text.contains(&format!("fn {test}(")) || text.contains(&format!(" {test}\n")))
            })
        };
        if there {
            proofs += 1;
        } else {
            amiss.push(format!("{feature}: there is no `{code}`"));
        }
        before = after;
    }
    if proofs == 0 && !answer.starts_with("not ") {
        amiss.push(format!("{feature}: nothing shows it"));
    }
    amiss
}

#[test]
fn everything_that_the_table_of_features_names_is_there() {
    let page = fs::read_to_string(root().join("book/src/features.md")).expect("the page is there");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 30, "the table has gone");
    let amiss: Vec<String> = rows.into_iter().flat_map(amiss).collect();
    assert!(amiss.is_empty(), "{amiss:#?}");
}

#[test]
fn a_missing_test_is_noticed() {
    assert_eq!(amiss("| a | yes | `actor_delivery::no_such_test` |").len(), 2);
    assert_eq!(amiss("| a | yes | example `no_such_example` |").len(), 2);
    assert_eq!(amiss("| a | yes | |").len(), 1);
    assert!(amiss("| a | not yet | |").is_empty());
    assert!(amiss("| a | yes | `floors::the_sources_keep_to_their_floors` |").is_empty());
}

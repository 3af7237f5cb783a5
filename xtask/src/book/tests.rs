//! Books with one fault each: the check has to find it, and nothing else.

use std::fs;
use std::path::PathBuf;

use super::Book;

const SUMMARY: &str = "# Summary\n\n- [One](one.md)\n- [Two](deep/two.md)\n";
const ONE: &str = "# One\n\nSee [two](deep/two.md#a-part) and [the web](https://example.org).\n\n\
    ```rust\n{{#rustdoc_include ../listings/a.rs:shown}}\n```\n\n```text\n{{#include ../listings/a.out}}\n```\n";
const TWO: &str = "# Two\n\n## A part\n\nBack to [one](../one.md), or [up](#two).\n";
const LISTING: &str =
    "#[test]\nfn a() {\n    // ANCHOR: shown\n    let x = 1;\n    // ANCHOR_END: shown\n    assert_eq!(x, 1);\n}\n";

/// A book in a folder of its own, sound until a test plants a fault.
struct Planted {
    root: PathBuf,
}

impl Planted {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("tidegate-book-{}-{name}", std::process::id()));
        let planted = Self { root };
        planted
            .write("src/SUMMARY.md", SUMMARY)
            .write("src/one.md", ONE)
            .write("src/deep/two.md", TWO)
            .write("listings/a.rs", LISTING)
            .write("listings/a.out", "1\n")
    }

    fn write(self, file: &str, text: &str) -> Self {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().expect("has a folder")).expect("can be made");
        fs::write(path, text).expect("can be written");
        self
    }

    fn findings(&self) -> Vec<String> {
        let tests = [self.root.join("listings/a.rs")].into();
        let examples = [self.root.join("listings/example.rs")].into();
        let (findings, _) = Book { src: self.root.join("src"), tests, examples }.check();
        findings
            .into_iter()
            .map(|finding| {
                let file = finding.file.strip_prefix(&self.root).expect("lies in the book").display().to_string();
                format!("{file}:{}: {}", finding.line, finding.what)
            })
            .collect()
    }

    #[track_caller]
    fn finds(&self, expected: &str) {
        assert_eq!(self.findings(), [expected]);
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        // A folder left behind in the temporary folder does no harm.
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn a_sound_book_has_no_findings() {
    assert_eq!(Planted::new("sound").findings(), Vec::<String>::new());
}

#[test]
fn a_missing_region_is_found() {
    let book = Planted::new("region").write("listings/a.rs", "// assert\n");
    book.finds("src/one.md:6: ../listings/a.rs has no region `shown`");
}

#[test]
fn a_region_is_not_its_longer_namesake() {
    let book = Planted::new("namesake").write("listings/a.rs", &LISTING.replace("shown", "shown_too"));
    book.finds("src/one.md:6: ../listings/a.rs has no region `shown`");
}

#[test]
fn an_empty_region_is_found() {
    let empty = LISTING.replace("    let x = 1;\n", "\n    // ANCHOR: inner\n    // ANCHOR_END: inner\n");
    let book = Planted::new("empty").write("listings/a.rs", &empty);
    book.finds("src/one.md:6: the region `shown` of ../listings/a.rs is empty");
}

#[test]
fn a_region_that_is_not_closed_or_begins_twice_is_found() {
    let expected = "src/one.md:6: the region `shown` of ../listings/a.rs needs one `ANCHOR:` and, below it, \
        one `ANCHOR_END:`";
    let open = Planted::new("open").write("listings/a.rs", &LISTING.replace("ANCHOR_END", "END"));
    open.finds(expected);
    let twice = Planted::new("twice").write("listings/a.rs", &format!("{LISTING}{LISTING}"));
    twice.finds(expected);
}

#[test]
fn an_include_by_line_numbers_is_found() {
    let book = Planted::new("numbers").write("src/one.md", &ONE.replace("a.rs:shown", "a.rs:2:4"));
    book.finds("src/one.md:6: includes ../listings/a.rs by line numbers, which move: use `ANCHOR: name`");
}

#[test]
fn a_missing_file_is_found() {
    let book = Planted::new("file").write("src/one.md", &ONE.replace("a.out", "gone.out"));
    let findings = book.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("src/one.md:10: includes ../listings/gone.out: "), "{findings:?}");
}

#[test]
fn an_empty_file_is_found() {
    let book = Planted::new("blank").write("listings/a.out", "\n");
    book.finds("src/one.md:10: includes ../listings/a.out, which is empty");
}

#[test]
fn a_listing_that_nothing_runs_is_found() {
    let page = ONE.replace("a.rs:shown", "b.rs:shown");
    let book = Planted::new("untested").write("listings/b.rs", LISTING).write("src/one.md", &page);
    book.finds("src/one.md:6: includes ../listings/b.rs, which is the source of no test target and of no example");
}

#[test]
fn a_listing_may_be_an_example() {
    let page = ONE.replace("a.rs:shown", "example.rs:shown");
    let listing = LISTING.replace("assert_eq!(x, 1)", "println!(\"{x}\")");
    let book = Planted::new("example").write("listings/example.rs", &listing).write("src/one.md", &page);
    assert_eq!(book.findings(), Vec::<String>::new());
}

#[test]
fn a_test_without_an_assertion_is_found() {
    let book = Planted::new("assert").write("listings/a.rs", &LISTING.replace("assert_eq!(x, 1)", "drop(x)"));
    book.finds("src/one.md:6: includes ../listings/a.rs, a test that asserts nothing");
}

#[test]
fn rust_typed_into_a_page_is_found() {
    let page = format!("{TWO}\n```rust,ignore\nlet x = 1;\n```\n");
    let book = Planted::new("typed").write("src/deep/two.md", &page);
    book.finds("src/deep/two.md:7: Rust typed into the page (`let x = 1;`): include it from a test");
}

#[test]
fn rust_typed_around_an_include_is_found() {
    let page = ONE.replace("{{#rustdoc", "let y = 2;\n{{#rustdoc");
    let book = Planted::new("around").write("src/one.md", &page);
    book.finds("src/one.md:5: Rust typed into the page (`let y = 2;`): include it from a test");
}

#[test]
fn an_unknown_include_is_found() {
    let book = Planted::new("unknown").write("src/deep/two.md", &format!("{TWO}\n{{{{#inclde a.rs}}}}\n"));
    book.finds("src/deep/two.md:7: mdBook knows no `{{#inclde}}`");
}

#[test]
fn a_dead_link_is_found() {
    let book = Planted::new("dead").write("src/deep/two.md", &TWO.replace("../one.md", "one.md"));
    book.finds("src/deep/two.md:5: the link to one.md leads nowhere");
}

#[test]
fn a_link_to_a_missing_heading_is_found() {
    let there = Planted::new("heading").write("src/one.md", &ONE.replace("#a-part", "#b-part"));
    there.finds("src/one.md:3: the link to deep/two.md#b-part leads to a page without a heading `#b-part`");
    let here = Planted::new("own-heading").write("src/deep/two.md", &TWO.replace("#two", "#three"));
    here.finds("src/deep/two.md:5: the link to #three leads to a page without a heading `#three`");
}

#[test]
fn a_link_out_of_the_book_is_found() {
    let book = Planted::new("out").write("src/deep/two.md", &TWO.replace("../one.md", "../../README.md"));
    book.finds("src/deep/two.md:5: the link to ../../README.md leaves the book: it is dead once the book is built");
}

#[test]
fn a_page_that_is_not_in_the_summary_is_found() {
    let book = Planted::new("unlisted").write("src/deep/three.md", "# Three\n");
    book.finds("src/SUMMARY.md:1: deep/three.md is not listed, so nobody will find it");
}

#[test]
fn a_page_that_is_listed_twice_or_not_there_is_found() {
    let twice = Planted::new("listed-twice").write("src/SUMMARY.md", &format!("{SUMMARY}- [Again](one.md)\n"));
    twice.finds("src/SUMMARY.md:5: one.md is listed twice");
    let gone = Planted::new("listed-gone").write("src/SUMMARY.md", &format!("{SUMMARY}- [Three](three.md)\n"));
    gone.finds("src/SUMMARY.md:5: the link to three.md leads nowhere");
    let draft = Planted::new("draft").write("src/SUMMARY.md", &format!("{SUMMARY}- [Draft]()\n"));
    draft.finds("src/SUMMARY.md:5: a link that leads nowhere");
}

#[test]
fn a_book_that_is_not_there_is_found() {
    let book = Book { src: PathBuf::from("/no/such/book"), tests: [].into(), examples: [].into() };
    let (findings, pages) = book.check();
    assert_eq!(pages, 0);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].what, "there is no SUMMARY.md");
}

//! Sources with one fault each: the scanner has to find it, and nothing else.

use std::path::PathBuf;

use super::{LONGEST, Report, check};

fn scan(sources: &[(&str, &str)]) -> Report {
    let sources: Vec<(PathBuf, String)> =
        sources.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    check(&sources)
}

#[track_caller]
fn finds(sources: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = scan(sources).findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

#[test]
fn imports_from_the_same_floor_and_below_are_fine() {
    let text = "use crate::sync::ring::Ring;\nuse crate::mailbox::{core, error::{self, Closed}};\nuse super::x;\n";
    finds(&[("mailbox/sender.rs", text), ("actor.rs", "use super::mailbox;\nuse crate::actor::cell;\n")], &[]);
}

#[test]
fn an_import_from_above_is_found_with_its_line() {
    let text = "//! Doc.\n\nuse crate::sync::ring;\nuse crate::system::System;\n";
    let expected = "mailbox/sender.rs:4: floor 2 imports from `system` on floor 5";
    finds(&[("mailbox/sender.rs", text)], &[expected]);
}

#[test]
fn an_import_from_above_is_found_in_a_group() {
    let text = "use crate::{\n    sync::ring,\n    mailbox::{core, flow},\n    flow::Stage,\n};\n";
    finds(&[("actor/mod.rs", text)], &["actor/mod.rs:4: floor 3 imports from `flow` on floor 6"]);
}

#[test]
fn a_path_in_the_code_is_an_import_too() {
    let text =
        "fn f() {\n    let x = crate::actor::Context::new();\n}\nmacro_rules! m { () => { $crate::flow::x() } }\n";
    let expected = [
        "sync/ring.rs:2: floor 1 imports from `actor` on floor 3",
        "sync/ring.rs:4: floor 1 imports from `flow` on floor 6",
    ];
    finds(&[("sync/ring.rs", text)], &expected);
}

#[test]
fn super_as_far_as_the_root_is_an_import_too() {
    let text = "use super::super::super::actor::Cell;\nuse super::super::actor::fine;\npub(super) fn f() {}\n";
    finds(&[("sync/queue/claim.rs", text)], &["sync/queue/claim.rs:1: floor 1 imports from `actor` on floor 3"]);
    finds(
        &[("sync/mod.rs", "use super::{actor, sync};\n")],
        &["sync/mod.rs:1: floor 1 imports from `actor` on floor 3"],
    );
}

#[test]
fn the_crate_root_hides_floors_and_is_refused() {
    let expected = [
        "mailbox/a.rs:1: `crate::Actor` names no floor: name the module it lives in",
        "mailbox/a.rs:2: `crate::*` names no floor: name the module it lives in",
    ];
    finds(&[("mailbox/a.rs", "use crate::Actor;\nuse crate::*;\ncrate::macro_of_ours!();\n")], &expected);
}

#[test]
fn the_crate_root_itself_may_name_everything() {
    finds(&[("lib.rs", "pub use crate::system::System;\npub use crate::sync::x;\n")], &[]);
    finds(&[("prelude.rs", "pub use crate::system::System;\n")], &[]);
}

#[test]
fn a_module_without_a_floor_is_found() {
    finds(&[("util/mod.rs", "")], &["util/mod.rs:1: `util` is on no floor: give it one in FLOORS"]);
}

#[test]
fn words_in_comments_and_literals_do_not_count() {
    let text = concat!(
        "// unsafe crate::system::x\n/* crate::system /* unsafe */ loom */\n",
        "const A: &str = \"crate::system \\\" unsafe\";\nconst B: &str = r#\"unsafe \" loom\"#;\n",
        "const C: char = '\"'; fn f<'a>(x: &'a str) {} const D: &[u8] = b\"loom\"; const E: char = '\\'';\n",
        "#![deny(unsafe_code)] fn brew(tidegate_loom: u8) {}\n",
    );
    finds(&[("mailbox/a.rs", text)], &[]);
}

#[test]
fn unsafe_atomics_and_loom_are_found_outside_of_floor_1() {
    let text = "use std::sync::atomic::AtomicU8;\nunsafe { x() }\nuse std::{sync::{atomic}};\nuse loom::x;\n";
    let expected = [
        "actor/a.rs:2: `unsafe` outside of floor 1",
        "actor/a.rs:1: `atomic` outside of floor 1",
        "actor/a.rs:1: `AtomicU8` outside of floor 1",
        "actor/a.rs:3: `atomic` outside of floor 1",
        "actor/a.rs:4: `loom` outside of floor 1",
    ];
    finds(&[("actor/a.rs", text), ("sync/shim.rs", text)], &expected);
}

#[test]
fn what_only_tests_compile_is_free_but_for_unsafe() {
    let text = concat!(
        "struct S {\n    #[cfg(test)]\n    count: AtomicU8,\n    kept: crate::flow::X,\n}\n",
        "#[cfg(test)]\n#[allow(dead_code)]\nfn f<A, B>() -> [u8; 2] { crate::system::x(); { loom::y() } }\n",
        "#[cfg(all(test, not(tidegate_loom)))]\nmod tests {\n    use crate::system::System;\n    unsafe fn g() {}\n}\n",
        "#[cfg(not(test))]\nuse crate::system::A;\n#[cfg(any(test, x))]\nuse crate::system::B;\n",
    );
    let expected = [
        "mailbox/a.rs:12: `unsafe` outside of floor 1",
        "mailbox/a.rs:4: floor 2 imports from `flow` on floor 6",
        "mailbox/a.rs:15: floor 2 imports from `system` on floor 5",
        "mailbox/a.rs:17: floor 2 imports from `system` on floor 5",
    ];
    finds(&[("mailbox/a.rs", text)], &expected);
}

#[test]
fn the_files_of_a_test_module_are_free_too() {
    let parent = "#[cfg(all(test, tidegate_loom))]\nmod model;\n#[cfg(test)]\n#[path = \"p.rs\"]\npub(crate) mod props;\nmod other;\n";
    let text = "use crate::system::System;\nuse loom::thread;\nSeqCst\n";
    let sources = [
        ("mailbox/core.rs", parent),
        ("mailbox/core/model.rs", text),
        ("mailbox/core/model/deep.rs", text),
        ("mailbox/core/props.rs", text),
        ("mailbox/core/other.rs", text),
    ];
    let expected = [
        "mailbox/core/other.rs:1: floor 2 imports from `system` on floor 5",
        "mailbox/core/other.rs:2: `loom` outside of floor 1",
    ];
    finds(&sources, &expected);
}

const MODELS: (&str, &str) = ("sync/gate.rs", "#[cfg(test)]\nmod model {\n    fn seen() {}\n    fn too() {}\n}\n");

#[test]
fn an_ordering_with_a_reason_is_fine() {
    let text = concat!(
        "use super::Ordering::{Acquire,\n    Relaxed};\n",
        "// Release, paired with Acquire.\n// Checked by: gate::model::seen,\n// gate::model::too.\n",
        "x.compare_exchange(\n    a,\n    order!(Acquire, \"n\"),\n    Relaxed,\n);\n",
        "// Not modelled: a size.\nx.load(Relaxed);\n",
    );
    finds(&[MODELS, ("sync/ring.rs", text)], &[]);
}

#[test]
fn an_ordering_without_a_reason_is_found() {
    let expected = "sync/ring.rs:2: `Relaxed` without `Checked by: path::model::name` or `Not modelled: why`";
    finds(&[("sync/ring.rs", "// Just because.\nx.swap(1, Relaxed);\n")], &[expected]);
}

#[test]
fn a_reason_reaches_twelve_lines_down() {
    let near = format!("// Not modelled: why.{}x.load(Acquire);\n", "\n".repeat(12));
    finds(&[("sync/ring.rs", &near)], &[]);
    let far = format!("// Not modelled: why.{}x.load(Acquire);\n", "\n".repeat(13));
    let expected = "sync/ring.rs:14: `Acquire` without `Checked by: path::model::name` or `Not modelled: why`";
    finds(&[("sync/ring.rs", &far)], &[expected]);
}

#[test]
fn a_model_that_is_named_has_to_exist() {
    let text = "// Checked by: gate::model::seen, gate::model::gone, ring::model::seen\n\n// Checked by: hand\n";
    let expected = [
        "sync/ring.rs:1: `gate::model::gone` is named here, but there is no such model",
        "sync/ring.rs:1: `ring::model::seen` is named here, but there is no such model",
        "sync/ring.rs:3: `Checked by:` names no model",
    ];
    finds(&[MODELS, ("sync/ring.rs", text)], &expected);
}

#[test]
fn a_long_file_is_mentioned_and_a_longer_one_refused() {
    let long = scan(&[("mailbox/a.rs", &"\n".repeat(LONGEST))]);
    assert!(long.findings.is_empty());
    assert_eq!(long.notes.len(), 1);
    let tests = ("sync/mod.rs", "#[cfg(test)]\nmod tests;\n");
    let longer = "\n".repeat(LONGEST + 1);
    let expected = "mailbox/a.rs:500: 501 lines, where 500 are the most: split the file";
    finds(&[tests, ("mailbox/a.rs", &longer), ("sync/tests.rs", &longer)], &[expected]);
}

//! What the compiler makes of `#[actor]` and `#[explore_test]`: the errors that users see (`ui/*.rs`), and the forms
//! that must compile without a warning and run (`ui/pass/*.rs`).
//!
//! After an intended change of an error, `TRYBUILD=overwrite cargo test -p tidegate-tests --test ui`
//! writes the expected ones anew; read the diff.

/// One test, since the cases share one build of the dependencies.
#[test]
fn errors_are_those_expected_and_accepted_forms_run() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*.rs");
    cases.pass("ui/pass/*.rs");
}

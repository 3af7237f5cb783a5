//! What the compiler makes of `#[actor]` and `#[explore_test]`: the errors that users see (`ui/*.rs`). The forms
//! that must compile without a warning and run (`ui/pass/*.rs`) are tests of their own, `pass_NAME`.
//!
//! After an intended change of an error, `TRYBUILD=overwrite cargo test -p tidegate-tests --test ui`
//! writes the expected ones anew; read the diff.

/// One test, since the cases share one build of the dependencies. None is to pass, so
/// nothing is compiled further than to its errors.
#[test]
fn errors_are_those_expected() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

#[test]
fn each_accepted_form_is_a_test() {
    let manifest = include_str!("../Cargo.toml");
    let forms = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/ui/pass")).unwrap();
    let names: Vec<String> = forms.map(|form| form.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        assert!(manifest.contains(&format!("path = \"ui/pass/{name}\"\n")), "{name} is not run");
    }
}

//! The program as its users meet it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn lab(args: &[&str]) -> Output {
    // From a folder of its own: nothing may depend on where it is run.
    Command::new(env!("CARGO_BIN_EXE_lab")).args(args).current_dir(env!("CARGO_TARGET_TMPDIR")).output().unwrap()
}

/// A file for one test.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Runs, expects exit code 2 and nothing on standard output, returns the error.
fn refused(args: &[&str]) -> String {
    let out = lab(args);
    let err = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{args:?}: {err}");
    assert!(out.stdout.is_empty(), "{args:?}");
    err
}

fn trace(name: &str, text: &str) -> String {
    refused(&["--trace", file(name, text).to_str().unwrap()])
}

#[test]
fn help_is_help() {
    for flag in ["--help", "-h"] {
        let out = lab(&[flag]);
        assert_eq!(out.status.code(), Some(0));
        let text = String::from_utf8(out.stdout).unwrap();
        for word in ["--trace", "--generate", "--objective", "EXAMPLES"] {
            assert!(text.contains(word), "{word}");
        }
    }
}

#[test]
fn an_unknown_option_is_refused() {
    let err = refused(&["--frobnicate"]);
    assert!(err.contains("unknown option --frobnicate") && err.contains("--help"), "{err}");
}

#[test]
fn impossible_options_are_refused() {
    assert!(refused(&["--consumers", "0"]).contains("--consumers"));
    assert!(refused(&["--trace", "x", "--generate", "poisson"]).contains("exclude each other"));
    assert!(refused(&["--generate", "poisson", "--rate", "1e9", "--duration", "1m"]).contains("the most"));
}

#[test]
fn a_missing_file_is_named() {
    let err = refused(&["--trace", "no-such-file.csv"]);
    assert_eq!(err, "lab: no-such-file.csv: no such file\n");
}

#[test]
fn a_folder_is_not_a_file() {
    let err = refused(&["--trace", "."]);
    assert!(err.contains("folder"), "{err}");
}

#[test]
fn an_empty_file_is_refused() {
    assert!(trace("empty.csv", "").contains("empty.csv: is empty"));
    assert!(trace("header.csv", "time,key\n").contains("holds no arrivals"));
    let features = "{\"type\":\"FeatureCollection\",\"features\":[]}";
    assert!(trace("empty.geojson", features).contains("holds no arrivals"));
}

#[test]
fn a_malformed_csv_is_refused_by_line() {
    let err = trace("bad.csv", "time,key\n1000,a\n2000,b\nyesterday,c\n");
    assert!(err.contains("bad.csv: line 4: time: \"yesterday\""), "{err}");
    let err = trace("short.csv", "time,key\n1000,a\n2000\n");
    assert!(err.contains("short.csv: line 3: 1 fields where the header has 2"), "{err}");
}

#[test]
fn a_malformed_geojson_is_refused_by_line_or_feature() {
    let err = trace("bad.geojson", "{\"type\": \"FeatureCollection\",\n \"features\": [\n  {\"properties\": }\n]}");
    assert!(err.contains("bad.geojson: line 3:"), "{err}");
    let err = trace("untimed.geojson", "{\"type\":\"FeatureCollection\",\"features\":[{\"properties\":{\"mag\":1}}]}");
    assert!(err.contains("feature 1: no \"properties.time\""), "{err}");
}

#[test]
fn a_generated_workload_is_measured_and_answered() {
    let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join("out.json");
    let csv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("out.csv");
    let out = lab(&[
        "--generate",
        "poisson",
        "--rate",
        "200",
        "--duration",
        "300ms",
        "--service",
        "exp:2",
        "--consumers",
        "2",
        "--configs",
        "push-wait,push-drop-newest,pull-one-wait,adaptive-wait",
        "--seed",
        "7",
        "--json",
        json.to_str().unwrap(),
        "--csv",
        csv.to_str().unwrap(),
    ]);
    let err = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(0), "{err}");
    let text = String::from_utf8(out.stdout).unwrap();
    for name in ["push-wait", "push-drop-newest", "pull-one-wait", "adaptive-wait", "(one shared queue)"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(text.contains("Recommended: "), "{text}");
    assert!(text.contains("overflow = \"") && text.contains("system.spawn(consumer, "), "{text}");
    assert!(text.contains("seed        7;"), "{text}");

    let all: serde_json::Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let rows = all["configurations"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let m = &row["measured"];
        let lost: u64 = m["lost"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        let count = |name: &str| m[name].as_u64().unwrap();
        assert_eq!(count("handled") + count("merged") + lost, count("offered"), "{row}");
    }
    assert_eq!(fs::read_to_string(csv).unwrap().lines().count(), 5);
}

#[test]
fn an_unsorted_trace_is_sorted_and_said() {
    let path = file("unsorted.csv", "time,key,service_ms\n1100,a,1\n1000,b,1\n1150,a,2\n");
    let out = lab(&["--trace", path.to_str().unwrap(), "--compress", "1", "--configs", "push-wait"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{text}");
    assert!(text.contains("not in order of time (1 steps back); it was sorted"), "{text}");
}

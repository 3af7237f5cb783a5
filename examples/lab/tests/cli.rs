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
        assert_eq!(m["disagreements"].as_array().map(Vec::len), Some(0), "{row}");
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

/// Every configuration, on a load that makes each policy act: what became of the
/// events, by reason, is what the runtime's dead letters say.
#[test]
fn drops_by_reason_are_those_of_the_dead_letters() {
    let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drops.json");
    let args = "--generate poisson --rate 1000 --duration 300ms --service exp:4 --consumers 2 --capacity 3 --keys 5 \
                --producers 2 --configs all --json";
    let mut args: Vec<&str> = args.split_whitespace().collect();
    args.push(json.to_str().unwrap());
    let out = lab(&args);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&out.stderr));
    assert!(text.contains("Self-check passed"), "{text}");

    let all: serde_json::Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    for row in all["configurations"].as_array().unwrap() {
        let m = &row["measured"];
        let lost = |reason: &str| m["lost"][reason].as_u64().unwrap();
        let letters = |reason: &str| m["dead_letters"][reason].as_u64().unwrap_or(0);
        assert_eq!(lost("newest"), letters("drop-newest"), "{row}");
        assert_eq!(lost("displaced"), letters("drop-oldest") + letters("latest"), "{row}");
        assert_eq!(lost("diverted"), letters("diverted"), "{row}");
        assert_eq!((lost("unfinished"), letters("stopped") + letters("interrupted")), (0, 0), "{row}");
        let acts = match row["name"].as_str().unwrap() {
            "push-reject" | "pull-one-reject" => "rejected",
            "push-drop-newest" => "newest",
            "push-drop-oldest" | "push-latest" | "adaptive-drop-oldest" => "displaced",
            "push-divert" => "diverted",
            _ => continue,
        };
        assert!(lost(acts) > 0, "the load is too low for {acts}: {row}");
    }
}

/// Ten events a millisecond apart, each ten milliseconds of work for the one
/// consumer: the last is handled 100 ms after the first came, and was due at 9.
/// A latency that began when the mailbox let an event in would be 10.
#[test]
fn an_event_that_waits_outside_is_late_from_its_own_time_on() {
    let mut trace = "time,service_ms\n".to_owned();
    for i in 0..10 {
        trace.push_str(&format!("{i},10\n"));
    }
    let trace = file("outside.csv", &trace);
    let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside.json");
    let trace = trace.to_str().unwrap();
    let configs = "push-wait,pull-one-wait,adaptive-wait";
    let json_path = json.to_str().unwrap();
    let out = lab(&[
        "--trace",
        trace,
        "--compress",
        "1",
        "--consumers",
        "1",
        "--capacity",
        "1",
        "--configs",
        configs,
        "--json",
        json_path,
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let all: serde_json::Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    for row in all["configurations"].as_array().unwrap() {
        let m = &row["measured"];
        // Slower machines are later still.
        assert!(m["p999_ms"].as_f64().unwrap() > 85.0, "{row}");
        assert!(m["most_at_source"].as_u64().unwrap() >= 6, "{row}");
    }
}

/// The default run, shortened: its parts, not its figures.
#[test]
fn the_default_run_has_all_its_parts() {
    let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join("quick.json");
    let out = lab(&["--quick", "--json", json.to_str().unwrap()]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let names = [
        "push-wait",
        "push-drop-newest",
        "push-drop-oldest",
        "push-latest",
        "push-conflate",
        "pull-one-wait",
        "pull-one-reject",
        "pull-window-4-wait",
        "pull-in-flight-2-wait",
        "adaptive-wait",
        "(one shared queue)",
    ];
    for name in names {
        let rows = text.lines().filter(|l| l.get(2..).is_some_and(|l| l.starts_with(name)) && l.contains("/s  "));
        assert_eq!(rows.count(), 1, "{name}: {text}");
    }
    assert_eq!(text.lines().filter(|l| l.starts_with("> ") && l.contains("/s  ")).count(), 1, "{text}");
    for part in [
        "a week of earthquakes",
        "1707 events, 12 keys",
        "goodput",
        "Self-check passed",
        "adaptive-wait changed between push and pull",
        "\nRecommended: ",
        "Why: ",
        "In a configuration file:",
        "mode = \"",
        "In Rust:",
        "system.spawn(consumer, ",
        "With another objective:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|l| l.chars().count() <= 120), "{text}");

    let all: serde_json::Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let row = |name: &str| {
        let rows = all["configurations"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {all}"))["measured"].clone()
    };
    assert!(row("adaptive-wait")["mode_switches"].as_u64().unwrap() > 0, "{all}");
    // Nothing is lost where senders wait, and a mailbox holds no more than it may.
    for name in names.iter().filter(|name| name.ends_with("-wait")) {
        let m = row(name);
        assert_eq!(m["handled"], 1707, "{name}: {m}");
        let deepest = m["deepest_of_one_consumer"].as_u64().unwrap();
        assert!((1..=8).contains(&deepest), "{name}: {m}");
    }
    assert_eq!(row("pull-one-wait")["deepest_of_one_consumer"], 1);
    // In its bursts the week fills mailboxes of eight.
    assert!(row("push-wait")["deepest_of_one_consumer"].as_u64().unwrap() >= 4, "{all}");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_run() {
    let err = refused(&["--json", "no-such-folder/out.json"]);
    assert!(err.contains("no-such-folder/out.json: cannot be written"), "{err}");
}

//! Mailboxes from a file: what is written is what is read, and whatever is
//! wrong is named by its key.
#![cfg(all(feature = "serde", not(tidegate_loom)))]

use std::time::Duration;

use proptest::option;
use proptest::prelude::*;
use tidegate::mailbox::{
    self, Adaptive, ConfigError, Mailbox, MailboxConfig, Overflow, Pull, Push, Thresholds, Watermarks,
};

fn read(toml: &str) -> Result<MailboxConfig, String> {
    toml::from_str(toml).map_err(|error| error.to_string())
}

const POLICIES: [(&str, Overflow); 7] = [
    ("wait", Overflow::Wait),
    ("reject", Overflow::Reject),
    ("drop-newest", Overflow::DropNewest),
    ("drop-oldest", Overflow::DropOldest),
    ("latest", Overflow::Latest),
    ("divert", Overflow::Divert),
    ("fail", Overflow::Fail),
];

/// What a setting is, seen through the mailbox that is made of it.
fn shown(config: impl Into<Mailbox<u8>>) -> String {
    format!("{:?}", config.into())
}

#[test]
fn every_key_means_its_constructor() {
    for (name, overflow) in POLICIES {
        let cases = [
            ("mode = 'push'\ncapacity = 7", MailboxConfig::from(Push::bounded(7).overflow(overflow))),
            ("mode = 'push'\ncapacity = 'unbounded'", Push::unbounded().overflow(overflow).into()),
            ("mode = 'pull'\nstrategy = 'manual'", Pull::manual().overflow(overflow).into()),
            ("mode = 'pull'\nstrategy = 'manual'\ncapacity = 9", Pull::manual().capacity(9).overflow(overflow).into()),
            ("mode = 'pull'\nstrategy = 'one-by-one'", Pull::one_by_one().overflow(overflow).into()),
            ("mode = 'pull'\nstrategy = 'window'\nwindow = 64", Pull::window(64).overflow(overflow).into()),
            (
                "mode = 'pull'\nstrategy = 'window'\nwindow = 64\nlow = 5\ncapacity = 100",
                Pull::window(64).low(5).capacity(100).overflow(overflow).into(),
            ),
            ("mode = 'pull'\nstrategy = 'max-in-flight'\nwindow = 3", Pull::max_in_flight(3).overflow(overflow).into()),
            ("mode = 'adaptive'\ncapacity = 256", Adaptive::window(256).overflow(overflow).into()),
            (
                "mode = 'adaptive'\ncapacity = 256\nwindow = 16",
                Adaptive::window(256).pull_window(16).overflow(overflow).into(),
            ),
        ];
        for (text, meant) in cases {
            let text = format!("{text}\noverflow = '{name}'\n");
            let config = read(&text).unwrap_or_else(|error| panic!("{text}{error}"));
            assert_eq!(config, meant, "{text}");
            assert_eq!(shown(config), shown(meant), "{text}");
        }
    }
}

#[test]
fn tables_mean_their_settings() {
    let config = read(
        "mode = 'adaptive'\ncapacity = 64\n\
         watermarks = { low = 8, high = 24 }\n\
         [thresholds]\noverloaded-for-ms = 5\nrelieved-for-ms = 12.5\ndwell-ms = 7\nslowdown = 3\n",
    );
    let mut thresholds = Thresholds::default();
    thresholds.overloaded_for = Duration::from_millis(5);
    thresholds.relieved_for = Duration::from_micros(12_500);
    thresholds.dwell = Duration::from_millis(7);
    thresholds.slowdown = 3.0;
    let meant = Adaptive::window(64).watermarks(Watermarks::new(8, 24)).thresholds(thresholds);
    assert_eq!(config, Ok(meant.into()));
}

#[test]
fn a_channel_is_made_of_it() {
    let config = read("mode = 'push'\ncapacity = 1\noverflow = 'reject'").unwrap();
    let (tx, mut rx) = mailbox::channel(config);
    assert_eq!(tx.capacity(), Some(1));
    tx.try_tell('a').unwrap();
    assert_eq!(tx.try_tell('b').unwrap_err().into_message(), 'b');
    assert_eq!(rx.try_recv(), Ok('a'));
}

#[test]
fn it_is_one_key_of_a_larger_file() {
    let file: toml::Table =
        "[inbox]\nmode = 'pull'\nstrategy = 'one-by-one'\n[outbox]\nmode = 'push'\ncapacity = 2\n".parse().unwrap();
    let config: MailboxConfig = file["inbox"].clone().try_into().unwrap();
    assert_eq!(config, Pull::one_by_one().into());
    let config: MailboxConfig = file["outbox"].clone().try_into().unwrap();
    assert_eq!(config, Push::bounded(2).into());
}

/// Every way to get it wrong, with the key that is to be named and a part of
/// what is to be said about it.
const WRONG: [(&str, &str, &str); 42] = [
    ("", "mode", "is missing"),
    ("capacity = 4", "mode", "\"push\", \"pull\" or \"adaptive\""),
    ("mode = 'shove'", "mode", "cannot be \"shove\""),
    ("mode = 3", "mode", "cannot be 3"),
    ("mode = 'push'", "capacity", "is missing"),
    ("mode = 'push'\ncapcity = 4", "capcity", "unknown"),
    ("mode = 'push'\ncapacity = 0", "capacity", "from 1 to"),
    ("mode = 'push'\ncapacity = -4", "capacity", "cannot be -4"),
    ("mode = 'push'\ncapacity = 4.5", "capacity", "a whole number"),
    ("mode = 'push'\ncapacity = 'endless'", "capacity", "\"unbounded\""),
    ("mode = 'push'\ncapacity = true", "capacity", "cannot be true"),
    ("mode = 'push'\ncapacity = [4]", "capacity", "cannot be a list"),
    ("mode = 'push'\ncapacity = 2199023255553", "capacity", "to 2199023255552"),
    ("mode = 'push'\ncapacity = 4\nstrategy = 'manual'", "strategy", "belongs to mode = \"pull\""),
    ("mode = 'push'\ncapacity = 4\nwindow = 4", "window", "belongs to"),
    ("mode = 'push'\ncapacity = 4\nlow = 1", "low", "watermarks.low"),
    ("mode = 'push'\ncapacity = 4\nthresholds = {}", "thresholds", "belongs to mode = \"adaptive\""),
    ("mode = 'push'\ncapacity = 4\noverflow = 'drop'", "overflow", "\"drop-newest\""),
    ("mode = 'push'\ncapacity = 4\noverflow = 1", "overflow", "cannot be 1"),
    ("mode = 'pull'", "strategy", "is missing"),
    ("mode = 'pull'\nstrategy = 'all'", "strategy", "\"one-by-one\""),
    ("mode = 'pull'\nstrategy = 'manual'\ncapacity = 'unbounded'", "capacity", "cannot be \"unbounded\""),
    ("mode = 'pull'\nstrategy = 'manual'\nwindow = 3", "window", "strategy = \"max-in-flight\""),
    ("mode = 'pull'\nstrategy = 'one-by-one'\nlow = 0", "low", "belongs to strategy = \"window\""),
    ("mode = 'pull'\nstrategy = 'window'", "window", "is missing"),
    ("mode = 'pull'\nstrategy = 'window'\nwindow = 0", "window", "from 1 to"),
    ("mode = 'pull'\nstrategy = 'window'\nwindow = 4\nlow = 4", "low", "below `window`, which is 4"),
    ("mode = 'pull'\nstrategy = 'max-in-flight'\nwindow = 4\nlow = 1", "low", "belongs to"),
    ("mode = 'pull'\nstrategy = 'manual'\nthresholds = {}", "thresholds", "belongs to mode = \"adaptive\""),
    ("mode = 'adaptive'", "capacity", "is missing"),
    ("mode = 'adaptive'\ncapacity = 'unbounded'", "capacity", "a whole number"),
    ("mode = 'adaptive'\ncapacity = 8\nwindow = 9", "window", "to `capacity`, which is 8"),
    ("mode = 'adaptive'\ncapacity = 8\nstrategy = 'window'", "strategy", "belongs to mode = \"pull\""),
    ("mode = 'adaptive'\ncapacity = 8\nthresholds = { overload = 1 }", "thresholds.overload", "unknown"),
    ("mode = 'adaptive'\ncapacity = 8\nthresholds = 5", "thresholds", "a table with"),
    ("mode = 'adaptive'\ncapacity = 8\nthresholds = { dwell-ms = '20ms' }", "thresholds.dwell-ms", "milliseconds"),
    ("mode = 'adaptive'\ncapacity = 8\nthresholds = { slowdown = 1.0 }", "thresholds.slowdown", "above 1"),
    (
        "mode = 'adaptive'\ncapacity = 8\nthresholds = { overloaded-for-ms = 100 }",
        "thresholds.relieved-for-ms",
        "more than `thresholds.overloaded-for-ms`, which is 100",
    ),
    ("mode = 'push'\ncapacity = 8\nwatermarks = { low = 2 }", "watermarks.high", "is missing"),
    ("mode = 'push'\ncapacity = 8\nwatermarks = { low = 2, high = 2 }", "watermarks.low", "below `watermarks.high`"),
    ("mode = 'push'\ncapacity = 8\nwatermarks = { low = 2, hihg = 4 }", "watermarks.hihg", "unknown"),
    ("mode = 'push'\ncapacity = 8\nwatermarks = 4", "watermarks", "a table with `low` and `high`"),
];

#[test]
fn every_mistake_names_its_key_and_what_is_allowed() {
    for (text, key, said) in WRONG {
        let error = read(text).expect_err(text);
        assert!(error.contains(&format!("`{key}`")), "{text}\n{error}");
        assert!(error.contains(said), "{text}\n{error}");
    }
}

/// The same in a format that would let a key appear twice and gives no line.
#[test]
fn json_is_judged_by_the_same_rules() {
    let read = |text: &str| serde_json::from_str::<MailboxConfig>(text).map_err(|error| error.to_string());
    assert_eq!(read(r#"{"mode": "push", "capacity": 4}"#), Ok(Push::bounded(4).into()));
    let twice = read(r#"{"mode": "push", "capacity": 4, "capacity": 5}"#).unwrap_err();
    assert!(twice.contains("`capacity` is given twice"), "{twice}");
    let null = read(r#"{"mode": "push", "capacity": null}"#).unwrap_err();
    assert!(null.contains("`capacity` cannot be null"), "{null}");
    let no_table = read("4").unwrap_err();
    assert!(no_table.contains("a table with the key `mode`"), "{no_table}");
}

#[test]
fn an_error_tells_its_key() {
    let error = ConfigError::Impossible { key: "low", value: "4".into(), allowed: "below 4".into() };
    assert_eq!((error.key(), error.to_string().as_str()), ("low", "`low` cannot be 4; it is below 4"));
}

fn overflow() -> impl Strategy<Value = Overflow> {
    prop::sample::select(POLICIES.map(|(_, overflow)| overflow).to_vec())
}

fn watermarks() -> impl Strategy<Value = Option<Watermarks>> {
    option::of((0usize..100, 1usize..100).prop_map(|(low, more)| Watermarks::new(low, low + more)))
}

fn capacity() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..2000, Just(1 << 20), Just((1 << 41) - 1), Just(1 << 41)]
}

fn push() -> impl Strategy<Value = MailboxConfig> {
    (option::of(capacity()), overflow(), watermarks()).prop_map(|(capacity, overflow, marks)| {
        let push = capacity.map_or(Push::unbounded(), Push::bounded).overflow(overflow);
        marks.map_or(push, |marks| push.watermarks(marks)).into()
    })
}

fn pull() -> impl Strategy<Value = MailboxConfig> {
    let strategy = prop_oneof![
        Just(Pull::manual()),
        Just(Pull::one_by_one()),
        capacity().prop_map(Pull::window),
        (capacity(), 0usize..2000).prop_map(|(size, low)| Pull::window(size).low(low % size)),
        capacity().prop_map(Pull::max_in_flight),
    ];
    (strategy, option::of(capacity()), overflow(), watermarks()).prop_map(|(pull, capacity, overflow, marks)| {
        let pull = capacity.map_or(pull, |capacity| pull.capacity(capacity)).overflow(overflow);
        marks.map_or(pull, |marks| pull.watermarks(marks)).into()
    })
}

fn thresholds() -> impl Strategy<Value = Thresholds> {
    let time = || prop_oneof![0u64..200, 0u64..100_000_000_000].prop_map(Duration::from_nanos);
    let relief = prop_oneof![time(), Just(Duration::MAX / 2)];
    let dwell = prop_oneof![time(), Just(Duration::MAX), (0u64..1000).prop_map(Duration::from_millis)];
    let slowdown = prop_oneof![(9u32..800).prop_map(|n| f64::from(n) / 8.0), Just(f64::INFINITY)];
    (time(), relief, dwell, slowdown).prop_map(|(overloaded, relief, dwell, slowdown)| {
        let mut thresholds = Thresholds::default();
        thresholds.overloaded_for = overloaded;
        let for_ever = relief == Duration::MAX / 2;
        thresholds.relieved_for = if for_ever { Duration::MAX } else { overloaded + relief + Duration::from_nanos(1) };
        (thresholds.dwell, thresholds.slowdown) = (dwell, slowdown);
        thresholds
    })
}

fn adaptive() -> impl Strategy<Value = MailboxConfig> {
    (capacity(), option::of(1usize..4000), option::of(thresholds()), overflow(), watermarks()).prop_map(
        |(capacity, window, thresholds, overflow, marks)| {
            let mut adaptive = Adaptive::window(capacity).overflow(overflow);
            if let Some(window) = window {
                adaptive = adaptive.pull_window(window.min(capacity));
            }
            if let Some(thresholds) = thresholds {
                adaptive = adaptive.thresholds(thresholds);
            }
            marks.map_or(adaptive, |marks| adaptive.watermarks(marks)).into()
        },
    )
}

proptest! {
    /// By serde and by hand, in TOML and in JSON.
    #[test]
    fn what_is_written_is_what_is_read(config in prop_oneof![push(), pull(), adaptive()]) {
        let by_hand = config.to_toml();
        prop_assert_eq!(read(&by_hand), Ok(config), "{}", by_hand);
        let by_serde = toml::to_string(&config).expect("every setting can be written");
        prop_assert_eq!(read(&by_serde), Ok(config), "{}", by_serde);
        let json = serde_json::to_string(&config).expect("every setting can be written");
        if !json.contains("null") {
            // JSON has no infinity.
            prop_assert_eq!(serde_json::from_str::<MailboxConfig>(&json).ok(), Some(config), "{}", json);
        }
        prop_assert_eq!(config.to_string(), by_hand);
    }

    /// Whatever the file says, the answer is a setting or an error, no panic.
    #[test]
    fn no_table_panics(
        mode in prop::sample::select(vec!["push", "pull", "adaptive"]),
        lines in prop::collection::vec((0usize..7, -2i64..9), 0..6),
    ) {
        let keys = [
            |n| format!("capacity = {n}"),
            |n| format!("window = {n}"),
            |n| format!("low = {n}"),
            |n| format!("watermarks = {{ low = {n}, high = 3 }}"),
            |n| format!("thresholds = {{ overloaded-for-ms = {n}, relieved-for-ms = 3 }}"),
            |n| format!("strategy = {:?}", ["manual", "one-by-one", "window", "max-in-flight", "?"][n as usize % 5]),
            |n| format!("overflow = {:?}", POLICIES[n as usize % 7].0),
        ];
        let mut text = format!("mode = {mode:?}\n");
        for (key, n) in lines {
            text.push_str(&keys[key](n.abs() * n.signum().max(if key < 5 { -1 } else { 0 })));
            text.push('\n');
        }
        if let Ok(config) = read(&text) {
            prop_assert_eq!(read(&config.to_toml()), Ok(config));
        }
    }
}

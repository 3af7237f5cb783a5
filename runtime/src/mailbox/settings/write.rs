//! Writing: through serde, and as TOML by hand, from one list of keys.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::super::config::{Overflow, Watermarks};
use super::super::modes::{Strategy, Thresholds};
use super::{FOR_EVER, MailboxConfig, POLICIES, Setting};
use crate::sync::words::MAX_CAPACITY;

/// A value to be written.
enum Value {
    Text(&'static str),
    Whole(u64),
    Number(f64),
    Table(Keys),
}

type Keys = Vec<(&'static str, Value)>;

/// Tables come last, as TOML wants them.
fn keys(config: &MailboxConfig) -> Keys {
    let count = |n: usize| Value::Whole(n as u64);
    let mut keys = Vec::new();
    let (overflow, marks, limits) = match &config.0 {
        Setting::Push(push) => {
            keys.push(("mode", Value::Text("push")));
            // The number that stands for "unbounded" is as good as any other,
            // but says less.
            let bounded = push.capacity < MAX_CAPACITY;
            let capacity = if bounded { Value::Whole(push.capacity) } else { Value::Text("unbounded") };
            keys.push(("capacity", capacity));
            (push.overflow, push.watermarks, None)
        }
        Setting::Pull(pull) => {
            keys.push(("mode", Value::Text("pull")));
            let (name, window, low) = match pull.strategy {
                Strategy::Manual => ("manual", None, None),
                Strategy::OneByOne => ("one-by-one", None, None),
                Strategy::Window { size, low } => ("window", Some(size), Some(low)),
                Strategy::MaxInFlight { limit } => ("max-in-flight", Some(limit), None),
            };
            keys.push(("strategy", Value::Text(name)));
            keys.extend(window.map(|size| ("window", count(size))));
            keys.extend(low.map(|low| ("low", count(low))));
            keys.push(("capacity", Value::Whole(pull.capacity)));
            (pull.overflow, pull.watermarks, None)
        }
        Setting::Adaptive(adaptive) => {
            keys.push(("mode", Value::Text("adaptive")));
            keys.push(("capacity", Value::Whole(adaptive.capacity)));
            keys.push(("window", count(adaptive.pull_window)));
            let limits = (adaptive.thresholds != Thresholds::default()).then_some(adaptive.thresholds);
            (adaptive.overflow, adaptive.watermarks, limits)
        }
    };
    keys.push(("overflow", Value::Text(name_of(overflow))));
    keys.extend(marks.map(|marks| ("watermarks", Value::Table(of_watermarks(marks)))));
    keys.extend(limits.map(|limits| ("thresholds", Value::Table(of_thresholds(limits)))));
    keys
}

fn name_of(overflow: Overflow) -> &'static str {
    POLICIES.iter().find(|(_, policy)| *policy == overflow).map_or("wait", |(name, _)| name)
}

fn of_watermarks(marks: Watermarks) -> Keys {
    vec![("low", Value::Whole(marks.low() as u64)), ("high", Value::Whole(marks.high() as u64))]
}

fn of_thresholds(limits: Thresholds) -> Keys {
    vec![
        ("overloaded-for-ms", milliseconds(limits.overloaded_for)),
        ("relieved-for-ms", milliseconds(limits.relieved_for)),
        ("dwell-ms", milliseconds(limits.dwell)),
        ("slowdown", Value::Number(limits.slowdown)),
    ]
}

/// With a fraction only where there is one, and where a float still tells it
/// to the nanosecond.
fn milliseconds(time: Duration) -> Value {
    let nanos = time.as_nanos();
    if nanos.is_multiple_of(1_000_000) || nanos >= 1 << f64::MANTISSA_DIGITS {
        return Value::Whole(u64::try_from(nanos / 1_000_000).map_or(FOR_EVER, |ms| ms.min(FOR_EVER)));
    }
    Value::Number(nanos as f64 / 1e6)
}

/// The same for people.
pub(super) fn in_milliseconds(time: Duration) -> String {
    milliseconds(time).to_string()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Whole(n) => n.fmt(f),
            // With a point, and `inf`: a TOML float.
            Self::Number(n) => write!(f, "{n:?}"),
            Self::Table(keys) => {
                f.write_str("{ ")?;
                for (at, (key, value)) in keys.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{key} = {value}")?;
                }
                f.write_str(" }")
            }
        }
    }
}

/// As TOML without a heading: to be pasted under one's own.
impl fmt::Display for MailboxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys(self).iter().try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(n) => serializer.serialize_u64(*n),
            Self::Number(n) => serializer.serialize_f64(*n),
            Self::Table(keys) => write(keys, serializer),
        }
    }
}

fn write<S: Serializer>(keys: &Keys, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(keys.len()))?;
    for (key, value) in keys {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

impl Serialize for MailboxConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&keys(self), serializer)
    }
}

//! Reading: any table of a self-describing format, key by key, then judged.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::super::config::{Overflow, Watermarks};
use super::super::modes::{Adaptive, Pull, Push, Thresholds};
use super::write::in_milliseconds;
use super::{ConfigError, FOR_EVER, MailboxConfig, POLICIES};
use crate::sync::words::MAX_CAPACITY;

const MODES: &str = "\"push\", \"pull\" or \"adaptive\"";
const STRATEGIES: &str = "\"manual\", \"one-by-one\", \"window\" or \"max-in-flight\"";
const COUNT: &str = "a whole number from 1 to 2199023255552";
const BOUND: &str = "a whole number from 1 to 2199023255552, or \"unbounded\"";
const MARK: &str = "a whole number from 0";
const MILLISECONDS: &str = "a number of milliseconds from 0";

/// A value as it stands in the file.
#[derive(Debug)]
enum Value {
    Bool(bool),
    Whole(u64),
    Negative(i64),
    Number(f64),
    Text(String),
    Table(Vec<(String, Value)>),
    /// Anything that no key takes.
    Other(&'static str),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Whole(value) => value.fmt(f),
            Self::Negative(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Table(_) => f.write_str("a table"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a string or a table")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(u64::try_from(value).map_or(Value::Negative(value), Value::Whole))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other("null"))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Other("null"))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        while values.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(Value::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        entries(map).map(Value::Table)
    }
}

fn entries<'de, A: MapAccess<'de>>(mut map: A) -> Result<Vec<(String, Value)>, A::Error> {
    let mut entries = Vec::new();
    while let Some(entry) = map.next_entry()? {
        entries.push(entry);
    }
    Ok(entries)
}

impl<'de> Deserialize<'de> for MailboxConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = Vec<(String, Value)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mailbox: a table with the key `mode`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                entries(map)
            }
        }
        let table = deserializer.deserialize_map(Table)?;
        Self::judge(table).map_err(de::Error::custom)
    }
}

/// The values of a table, by key; each is taken out once.
struct Keys<const N: usize> {
    names: [&'static str; N],
    values: [Option<Value>; N],
}

impl<const N: usize> Keys<N> {
    /// `names` are whole, with the table that they are in; `prefix` is that
    /// table's name and a dot.
    fn read(
        table: Vec<(String, Value)>,
        prefix: &str,
        names: [&'static str; N],
        known: &'static str,
    ) -> Result<Self, ConfigError> {
        let mut keys = Self { names, values: [const { None }; N] };
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            let Some(at) = names.iter().position(|name| *name == key) else {
                return Err(ConfigError::Unknown { key, known });
            };
            if keys.values[at].replace(value).is_some() {
                return Err(ConfigError::Repeated { key });
            }
        }
        Ok(keys)
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        let at = self.names.iter().position(|name| *name == key)?;
        self.values[at].take()
    }

    /// `None` if the key is not given.
    fn count(&mut self, key: &'static str, least: u64, allowed: &str) -> Result<Option<usize>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Whole(n)) if (least..=MAX_CAPACITY).contains(&n) => match usize::try_from(n) {
                Ok(n) => Ok(Some(n)),
                Err(_) => Err(impossible(key, n, allowed)),
            },
            Some(other) => Err(impossible(key, other, allowed)),
        }
    }

    fn need(&mut self, key: &'static str, least: u64, allowed: &'static str) -> Result<usize, ConfigError> {
        self.count(key, least, allowed)?.ok_or(ConfigError::Missing { key, allowed })
    }

    fn text(&mut self, key: &'static str, allowed: &'static str) -> Result<Option<String>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(impossible(key, other, allowed)),
        }
    }

    fn refuse(&mut self, key: &'static str, belongs_to: &'static str) -> Result<(), ConfigError> {
        match self.take(key) {
            None => Ok(()),
            Some(_) => Err(ConfigError::Misplaced { key, belongs_to }),
        }
    }
}

fn impossible(key: &'static str, value: impl fmt::Display, allowed: impl Into<String>) -> ConfigError {
    ConfigError::Impossible { key, value: value.to_string(), allowed: allowed.into() }
}

type Table = Keys<8>;

impl MailboxConfig {
    fn judge(table: Vec<(String, Value)>) -> Result<Self, ConfigError> {
        let mut table = Table::read(
            table,
            "",
            ["mode", "capacity", "overflow", "strategy", "window", "low", "watermarks", "thresholds"],
            "`mode`, `capacity`, `overflow`, `strategy`, `window`, `low`, `watermarks` and `thresholds`",
        )?;
        let mode = table.text("mode", MODES)?.ok_or(ConfigError::Missing { key: "mode", allowed: MODES })?;
        match mode.as_str() {
            "push" => Self::push(&mut table),
            "pull" => Self::pull(&mut table),
            "adaptive" => Self::adaptive(&mut table),
            _ => Err(impossible("mode", Value::Text(mode), MODES)),
        }
    }

    fn push(table: &mut Table) -> Result<Self, ConfigError> {
        table.refuse("strategy", "mode = \"pull\"")?;
        table.refuse("window", "mode = \"pull\" and mode = \"adaptive\"")?;
        table.refuse("low", "mode = \"pull\" with strategy = \"window\"; for pressure say `watermarks.low`")?;
        table.refuse("thresholds", "mode = \"adaptive\"")?;
        let push = match table.take("capacity") {
            Some(Value::Text(text)) if text == "unbounded" => Push::unbounded(),
            Some(Value::Whole(n)) if (1..=MAX_CAPACITY).contains(&n) => {
                Push::bounded(usize::try_from(n).map_err(|_| impossible("capacity", n, BOUND))?)
            }
            Some(other) => return Err(impossible("capacity", other, BOUND)),
            None => return Err(ConfigError::Missing { key: "capacity", allowed: BOUND }),
        };
        let push = push.overflow(overflow(table)?);
        Ok(watermarks(table)?.map_or(push, |marks| push.watermarks(marks)).into())
    }

    fn pull(table: &mut Table) -> Result<Self, ConfigError> {
        table.refuse("thresholds", "mode = \"adaptive\"")?;
        let strategy =
            table.text("strategy", STRATEGIES)?.ok_or(ConfigError::Missing { key: "strategy", allowed: STRATEGIES })?;
        let windowed = "strategy = \"window\" and strategy = \"max-in-flight\"";
        let mut pull = match strategy.as_str() {
            "manual" => {
                table.refuse("window", windowed)?;
                Pull::manual()
            }
            "one-by-one" => {
                table.refuse("window", windowed)?;
                Pull::one_by_one()
            }
            "window" => {
                let size = table.need("window", 1, COUNT)?;
                let below = format!("a whole number below `window`, which is {size}");
                match table.count("low", 0, &below)? {
                    Some(low) if low >= size => return Err(impossible("low", low, below)),
                    Some(low) => Pull::window(size).low(low),
                    None => Pull::window(size),
                }
            }
            "max-in-flight" => Pull::max_in_flight(table.need("window", 1, COUNT)?),
            _ => return Err(impossible("strategy", Value::Text(strategy), STRATEGIES)),
        };
        table.refuse("low", "strategy = \"window\"; for pressure say `watermarks.low`")?;
        if let Some(capacity) = table.count("capacity", 1, COUNT)? {
            pull = pull.capacity(capacity);
        }
        let pull = pull.overflow(overflow(table)?);
        Ok(watermarks(table)?.map_or(pull, |marks| pull.watermarks(marks)).into())
    }

    fn adaptive(table: &mut Table) -> Result<Self, ConfigError> {
        table.refuse("strategy", "mode = \"pull\"; an adaptive mailbox pulls with a window")?;
        table.refuse("low", "mode = \"pull\" with strategy = \"window\"; for pressure say `watermarks.low`")?;
        let capacity = table.need("capacity", 1, COUNT)?;
        let mut adaptive = Adaptive::window(capacity);
        let upto = format!("a whole number from 1 to `capacity`, which is {capacity}");
        match table.count("window", 1, &upto)? {
            Some(window) if window > capacity => return Err(impossible("window", window, upto)),
            Some(window) => adaptive = adaptive.pull_window(window),
            None => {}
        }
        if let Some(thresholds) = thresholds(table)? {
            adaptive = adaptive.thresholds(thresholds);
        }
        let adaptive = adaptive.overflow(overflow(table)?);
        Ok(watermarks(table)?.map_or(adaptive, |marks| adaptive.watermarks(marks)).into())
    }
}

fn overflow(table: &mut Table) -> Result<Overflow, ConfigError> {
    const ALLOWED: &str = "\"wait\", \"reject\", \"drop-newest\", \"drop-oldest\", \"latest\", \"divert\" or \"fail\"";
    let Some(text) = table.text("overflow", ALLOWED)? else { return Ok(Overflow::Wait) };
    match POLICIES.iter().find(|(name, _)| *name == text) {
        Some((_, overflow)) => Ok(*overflow),
        None => Err(impossible("overflow", Value::Text(text), ALLOWED)),
    }
}

fn watermarks(table: &mut Table) -> Result<Option<Watermarks>, ConfigError> {
    const ALLOWED: &str = "a table with `low` and `high`";
    let marks = match table.take("watermarks") {
        None => return Ok(None),
        Some(Value::Table(marks)) => marks,
        Some(other) => return Err(impossible("watermarks", other, ALLOWED)),
    };
    let (low, high) = ("watermarks.low", "watermarks.high");
    let mut marks = Keys::read(marks, "watermarks.", [low, high], "`watermarks.low` and `watermarks.high`")?;
    let (least, most) = (marks.need(low, 0, MARK)?, marks.need(high, 0, MARK)?);
    if least >= most {
        return Err(impossible(low, least, format!("below `watermarks.high`, which is {most}")));
    }
    Ok(Some(Watermarks::new(least, most)))
}

fn thresholds(table: &mut Table) -> Result<Option<Thresholds>, ConfigError> {
    const ALLOWED: &str = "a table with `overloaded-for-ms`, `relieved-for-ms`, `dwell-ms` and `slowdown`";
    let keys = match table.take("thresholds") {
        None => return Ok(None),
        Some(Value::Table(keys)) => keys,
        Some(other) => return Err(impossible("thresholds", other, ALLOWED)),
    };
    let (overloaded, relieved, dwell, slowdown) =
        ("thresholds.overloaded-for-ms", "thresholds.relieved-for-ms", "thresholds.dwell-ms", "thresholds.slowdown");
    let mut keys = Keys::read(
        keys,
        "thresholds.",
        [overloaded, relieved, dwell, slowdown],
        "`overloaded-for-ms`, `relieved-for-ms`, `dwell-ms` and `slowdown` in `thresholds`",
    )?;
    let mut time = |key, default| match keys.take(key) {
        None => Ok(default),
        Some(value) => milliseconds(&value).ok_or_else(|| impossible(key, value, MILLISECONDS)),
    };
    let usual = Thresholds::default();
    let thresholds = Thresholds {
        overloaded_for: time(overloaded, usual.overloaded_for)?,
        relieved_for: time(relieved, usual.relieved_for)?,
        dwell: time(dwell, usual.dwell)?,
        slowdown: match keys.take(slowdown) {
            None => usual.slowdown,
            Some(Value::Whole(n)) if n > 1 => n as f64,
            Some(Value::Number(n)) if n > 1.0 => n,
            Some(other) => return Err(impossible(slowdown, other, "a number above 1")),
        },
    };
    if thresholds.relieved_for <= thresholds.overloaded_for {
        let allowed = format!(
            "more than `{overloaded}`, which is {}: relief takes longer to show than overload",
            in_milliseconds(thresholds.overloaded_for)
        );
        return Err(impossible(relieved, in_milliseconds(thresholds.relieved_for), allowed));
    }
    Ok(Some(thresholds))
}

/// To the nanosecond, so that what was written is what is read.
fn milliseconds(value: &Value) -> Option<Duration> {
    match *value {
        Value::Whole(ms) if ms >= FOR_EVER => Some(Duration::MAX),
        Value::Whole(ms) => Some(Duration::from_millis(ms)),
        Value::Number(ms) if ms >= FOR_EVER as f64 => Some(Duration::MAX),
        Value::Number(ms) if ms >= 1e12 => Some(Duration::from_millis(ms as u64)),
        Value::Number(ms) if ms >= 0.0 => Some(Duration::from_nanos((ms * 1e6).round() as u64)),
        _ => None,
    }
}

//! The command line.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use lexopt::{Arg, Parser, ValueExt as _};

use crate::{
    candidates::{self, Candidate},
    generate::Pattern,
    judge::{Goal, Limits, Objective},
    workload::{Dispatch, Source, Spec},
};

pub(crate) const HELP: &str = include_str!("help.txt");

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Run(Box<Options>),
}

/// A run, its options valid by themselves and together.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) spec: Spec,
    pub(crate) goal: Goal,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) repeat: usize,
    pub(crate) json: Option<PathBuf>,
    pub(crate) csv: Option<PathBuf>,
}

/// As given, before the options have met each other.
#[derive(Default)]
struct Given {
    trace: Option<PathBuf>,
    generate: Option<Pattern>,
    rate: Option<f64>,
    duration: Option<Duration>,
    seed: Option<u64>,
    keys: Option<u32>,
    bytes: Option<u32>,
    service: Option<crate::service::Service>,
    load: Option<f64>,
    consumers: Option<usize>,
    producers: Option<usize>,
    dispatch: Option<Dispatch>,
    capacity: Option<usize>,
    compress: Option<Option<f64>>,
    objective: Option<Objective>,
    limits: Limits,
    configs: Option<String>,
    repeat: Option<usize>,
    json: Option<PathBuf>,
    csv: Option<PathBuf>,
    quick: bool,
}

/// Parses the arguments after the program's name.
///
/// # Errors
/// The sentence to show the user.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_args(args);
    let mut given = Given::default();
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let name = match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Version),
            Arg::Long("quick") => {
                given.quick = true;
                continue;
            }
            Arg::Long("merge-ok") => {
                given.limits.merge_ok = true;
                continue;
            }
            Arg::Long(name) => name.to_owned(),
            Arg::Short(c) => return Err(format!("unknown option -{c}")),
            Arg::Value(v) => {
                return Err(format!("unexpected argument {:?}; a file goes after --trace", v.to_string_lossy()));
            }
        };
        given.option(&name, &mut parser)?;
    }
    given.together().map(|o| Command::Run(Box::new(o)))
}

impl Given {
    fn option(&mut self, name: &str, parser: &mut Parser) -> Result<(), String> {
        const KNOWN: [&str; 21] = [
            "trace",
            "generate",
            "rate",
            "duration",
            "seed",
            "keys",
            "bytes",
            "service",
            "load",
            "consumers",
            "producers",
            "dispatch",
            "capacity",
            "compress",
            "objective",
            "max-p99",
            "max-loss",
            "max-memory",
            "max-age",
            "configs",
            "repeat",
        ];
        if !KNOWN.contains(&name) && !["json", "csv"].contains(&name) {
            return Err(format!("unknown option --{name}"));
        }
        let value = parser.value().map_err(|_| format!("--{name} needs a value"))?;
        match name {
            "trace" => self.trace = Some(value.into()),
            "json" => self.json = Some(value.into()),
            "csv" => self.csv = Some(value.into()),
            _ => {
                let text = value.string().map_err(|_| format!("--{name}: not UTF-8"))?;
                self.value(name, &text).map_err(|reason| format!("--{name}: {reason}"))?;
            }
        }
        Ok(())
    }

    fn value(&mut self, name: &str, text: &str) -> Result<(), String> {
        match name {
            "generate" => self.generate = Some(text.parse()?),
            "rate" => self.rate = Some(positive(text)?),
            "duration" => self.duration = Some(duration(text)?),
            "seed" => self.seed = Some(whole(text, 0, u64::MAX)?),
            "keys" => self.keys = Some(whole(text, 1, 1_000_000)?),
            "bytes" => self.bytes = Some(whole(text, 0, 1 << 30)?),
            "service" => self.service = Some(text.parse()?),
            "load" => self.load = Some(positive(text)?),
            "consumers" => self.consumers = Some(whole(text, 1, 1024)?),
            "producers" => self.producers = Some(whole(text, 1, 1024)?),
            "dispatch" => {
                self.dispatch = Some(match text {
                    "ready" => Dispatch::Ready,
                    "turn" => Dispatch::Turn,
                    "key" => Dispatch::Key,
                    _ => return Err(format!("{text:?} is not one of ready, turn, key")),
                });
            }
            "capacity" => self.capacity = Some(whole(text, 1, 1 << 20)?),
            "compress" => self.compress = Some(if text == "auto" { None } else { Some(positive(text)?) }),
            "objective" => self.objective = Some(text.parse()?),
            "max-p99" => self.limits.max_p99 = Some(milliseconds(text)?),
            "max-age" => self.limits.max_age = Some(milliseconds(text)?),
            "max-loss" => match text.parse::<f64>() {
                Ok(x) if (0.0..=100.0).contains(&x) => self.limits.max_loss = Some(x),
                _ => return Err(format!("{text:?} is not a percentage from 0 to 100")),
            },
            "max-memory" => self.limits.max_memory = Some(whole(text, 1, u64::MAX)?),
            "configs" => self.configs = Some(text.to_owned()),
            "repeat" => self.repeat = Some(whole(text, 1, 100)?),
            _ => return Err("unknown option".to_owned()),
        }
        Ok(())
    }

    /// What one option says about another.
    fn together(self) -> Result<Options, String> {
        if self.generate.is_none() {
            let unused =
                [(self.rate.is_some(), "rate"), (self.duration.is_some(), "duration"), (self.keys.is_some(), "keys")];
            if let Some((_, name)) = unused.iter().find(|(given, _)| *given) {
                return Err(format!("--{name} goes with --generate; a trace has its own"));
            }
        } else if self.trace.is_some() {
            return Err("--trace and --generate exclude each other: arrivals come from one of them".to_owned());
        } else if self.compress.is_some() {
            return Err("--compress is for traces; generated arrivals come at --rate".to_owned());
        }
        if self.load.is_some() && self.service.as_ref().is_some_and(|s| s.mean_ms.is_some()) {
            return Err("--load chooses a mean service time, and --service gives one: leave one of them out".to_owned());
        }
        let objective = self.objective.unwrap_or(Objective::Complete);
        if objective == Objective::Complete && self.limits.max_loss.is_some_and(|l| l > 0.0) {
            return Err("--objective complete allows no loss; with --max-loss take another objective".to_owned());
        }
        // Shorter than this, the timer's millisecond would be most of a service time.
        let replay = Duration::from_millis(if self.quick { 1500 } else { 4000 });
        let source = match (self.trace, self.generate) {
            (Some(path), _) => Source::File(path),
            (None, Some(pattern)) => Source::Generated {
                pattern,
                rate: self.rate.unwrap_or(400.0),
                duration: self.duration.unwrap_or(replay),
            },
            (None, None) => Source::Week,
        };
        Ok(Options {
            spec: Spec {
                source,
                service: self.service,
                consumers: self.consumers.unwrap_or(4),
                producers: self.producers.unwrap_or(1),
                dispatch: self.dispatch.unwrap_or(Dispatch::Ready),
                compress: self.compress.flatten(),
                replay,
                load: self.load.unwrap_or(0.75),
                seed: self.seed.unwrap_or(1),
                keys: self.keys.unwrap_or(8),
                bytes: self.bytes,
            },
            goal: Goal { objective, limits: self.limits },
            candidates: candidates::select(self.capacity.unwrap_or(8), self.configs.as_deref())?,
            repeat: self.repeat.unwrap_or(1),
            json: self.json,
            csv: self.csv,
        })
    }
}

fn whole<T: TryFrom<u64>>(text: &str, least: u64, most: u64) -> Result<T, String> {
    let refuse = || {
        let most = if most == u64::MAX { String::new() } else { format!(" to {most}") };
        format!("{text:?} is not a whole number from {least}{most}")
    };
    let n: u64 = text.parse().map_err(|_| refuse())?;
    if (least..=most).contains(&n) { T::try_from(n).map_err(|_| refuse()) } else { Err(refuse()) }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x.is_finite() => Ok(x),
        _ => Err(format!("{text:?} is not a number above 0")),
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let ms = positive(text)?;
    Duration::try_from_secs_f64(ms / 1000.0).map_err(|_| format!("{text:?} is too long"))
}

/// `4`, `4s`, `500ms` or `2m`; at most an hour.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(format!("{text:?} is not a duration such as 4s, 500ms or 2m")),
    };
    match number.parse::<f64>() {
        Ok(x) if x > 0.0 && x * scale <= 3600.0 => Ok(Duration::from_secs_f64(x * scale)),
        _ => Err(format!("{text:?} is not a duration above 0 and up to an hour, such as 4s, 500ms or 2m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &str) -> Result<Options, String> {
        match parse(args.split_whitespace().map(OsString::from))? {
            Command::Run(options) => Ok(*options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_means_the_week() {
        let o = run("").unwrap();
        assert_eq!((o.spec.source, o.spec.consumers, o.repeat), (Source::Week, 4, 1));
        assert_eq!(o.goal.objective, Objective::Complete);
    }

    #[test]
    fn every_option_is_in_the_help_and_every_one_in_the_help_is_known() {
        for word in HELP
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .filter(|w| w.starts_with("--") && w.len() > 2)
        {
            let e = parse([OsString::from(word)]).err().unwrap_or_default();
            assert!(!e.contains("unknown"), "{word}: {e}");
        }
    }

    #[test]
    fn values_are_checked_and_the_option_is_named() {
        for (args, say) in [
            ("--rate x --generate poisson", "--rate"),
            ("--rate 0 --generate poisson", "--rate"),
            ("--generate storms", "poisson"),
            ("--duration 2h --generate poisson", "--duration"),
            ("--consumers 0", "--consumers"),
            ("--capacity 0", "--capacity"),
            ("--seed -1", "--seed"),
            ("--max-loss 101", "--max-loss"),
            ("--compress 0", "--compress"),
            ("--service soon", "--service"),
            ("--objective speed", "latency"),
            ("--configs pish", "push-wait"),
            ("--frobnicate 1", "unknown option --frobnicate"),
            ("-x", "unknown option -x"),
            ("quakes.csv", "--trace"),
            ("--trace", "--trace needs a value"),
            ("--repeat=0", "--repeat"),
        ] {
            let e = run(args).unwrap_err();
            assert!(e.contains(say), "{args}: {e}");
        }
    }

    #[test]
    fn impossible_combinations_are_named() {
        for (args, say) in [
            ("--trace a --generate poisson", "exclude each other"),
            ("--rate 5", "--rate goes with --generate"),
            ("--generate poisson --compress 3", "--compress is for traces"),
            ("--load 0.5 --service 3", "leave one of them out"),
            ("--max-loss 5", "allows no loss"),
        ] {
            let e = run(args).unwrap_err();
            assert!(e.contains(say), "{args}: {e}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["", "s", "-1s", "0", "inf", "2m3", "61m", "1e99ms"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}

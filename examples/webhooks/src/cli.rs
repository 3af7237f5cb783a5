//! The command line.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt as _};

use crate::run::Setup;

/// What `--help` prints.
pub const HELP: &str = include_str!("help.txt");

/// What is to be done.
#[derive(Debug)]
pub enum Command {
    /// To say how it is used.
    Help,
    /// To say which version this is.
    Version,
    /// To run.
    Run {
        /// This.
        setup: Box<Setup>,
        /// And to show all actors at the end.
        inspect: bool,
    },
}

/// Parses the arguments after the program's name.
///
/// # Errors
/// The sentence to show the user.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_args(args);
    let mut setup = Box::<Setup>::default();
    let mut inspect = false;
    while let Some(arg) = parser.next().map_err(|why| why.to_string())? {
        let name = match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Version),
            Arg::Long("inspect") => {
                inspect = true;
                continue;
            }
            Arg::Long(name) => name.to_owned(),
            Arg::Short(c) => return Err(format!("unknown option -{c}")),
            Arg::Value(value) => return Err(format!("unexpected argument {:?}", value.to_string_lossy())),
        };
        option(&mut setup, &name, || {
            let value = parser.value().map_err(|_| "needs a value".to_owned())?;
            value.string().map_err(|_| "not UTF-8".to_owned())
        })
        .map_err(|why| format!("--{name}: {why}"))?;
    }
    if let Some(outage) = setup.outage.as_ref().filter(|outage| outage.end > setup.deliveries) {
        return Err(format!("--outage: there are {} deliveries, and {} is none of them", setup.deliveries, outage.end));
    }
    Ok(Command::Run { setup, inspect })
}

fn option(setup: &mut Setup, name: &str, value: impl FnOnce() -> Result<String, String>) -> Result<(), String> {
    match name {
        "deliveries" => setup.deliveries = whole(&value()?, 1, 1_000_000)?,
        "seed" => setup.seed = whole(&value()?, 0, u64::MAX)?,
        "rate" => setup.rate = Some(whole(&value()?, 0, 1_000_000)? as f64).filter(|rate| *rate > 0.0),
        "loss" => setup.mishaps.loss = percent(&value()?)?,
        "double" => setup.mishaps.double = percent(&value()?)?,
        "forge" => setup.mishaps.forge = percent(&value()?)?,
        "outage" => setup.outage = Some(range(&value()?)?),
        "room" => setup.room = index(&value()?, 65_536)?,
        "errors" => setup.faults.errors = failing(&value()?)?,
        "slow" => setup.faults.slow = percent(&value()?)?,
        "quota" => setup.faults.quota = NonZeroU64::new(whole(&value()?, 0, u64::MAX)?),
        "keep" => setup.keep = index(&value()?, 1_000_000)?,
        "attempts" => setup.attempts = whole(&value()?, 1, 1000)? as u32,
        "workers" => setup.workers = index(&value()?, 256)?,
        "window" => setup.window = index(&value()?, 65_536)?,
        "poll" => setup.poll = Duration::from_millis(whole(&value()?, 1, 3_600_000)?),
        "crash" => setup.crashes = percent(&value()?)?,
        _ => return Err("unknown option".to_owned()),
    }
    Ok(())
}

fn whole(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|n| (least..=most).contains(n));
    let most = if most == u64::MAX { String::new() } else { format!(" to {most}") };
    number.ok_or_else(|| format!("{text:?} is not a whole number from {least}{most}"))
}

fn index(text: &str, most: u64) -> Result<usize, String> {
    // `most` is far below what any usize holds.
    whole(text, 1, most).map(|n| n as usize)
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|n| (0.0..=100.0).contains(n));
    number.map(|n| n / 100.0).ok_or_else(|| format!("{text:?} is not a percentage from 0 to 100"))
}

/// A source that always fails has nothing to give.
fn failing(text: &str) -> Result<f64, String> {
    percent(text).and_then(|part| if part <= 0.5 { Ok(part) } else { Err(format!("{text:?} is more than 50")) })
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or_else(|| format!("{text:?} is not FROM..TO"))?;
    let (from, to) = (whole(from, 0, u64::MAX)?, whole(to, 0, u64::MAX)?);
    if from < to { Ok(from..to) } else { Err(format!("{text:?} ends before it begins")) }
}

#[cfg(test)]
mod tests {
    use super::{Command, HELP, parse};
    use crate::run::Setup;
    use std::ffi::OsString;

    fn run(args: &str) -> Result<Setup, String> {
        match parse(args.split_whitespace().map(OsString::from))? {
            Command::Run { setup, .. } => Ok(*setup),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_means_ten_thousand() {
        let setup = run("").expect("no arguments are fine");
        assert_eq!((setup.deliveries, setup.seed, setup.workers), (10_000, 1, 8));
    }

    #[test]
    fn options_are_taken() {
        let setup = run("--deliveries 500 --seed=9 --rate 0 --loss 100 --outage 10..20 --quota 0 --window 1");
        let setup = setup.expect("all are known");
        assert_eq!((setup.deliveries, setup.seed, setup.rate, setup.window), (500, 9, None, 1));
        assert_eq!((setup.mishaps.loss, setup.outage, setup.faults.quota), (1.0, Some(10..20), None));
    }

    #[test]
    fn every_option_in_the_help_is_known() {
        for word in HELP.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|w| w.starts_with("--")) {
            let why = parse([OsString::from(word)]).err().unwrap_or_default();
            assert!(!why.contains("unknown"), "{word}: {why}");
        }
    }

    #[test]
    fn values_are_checked_and_the_option_is_named() {
        for (args, why) in [
            ("--deliveries 0", "--deliveries: \"0\" is not a whole number from 1 to 1000000"),
            ("--seed -1", "--seed: \"-1\" is not a whole number from 0"),
            ("--loss 101", "--loss: \"101\" is not a percentage from 0 to 100"),
            ("--double NaN", "--double: \"NaN\" is not a percentage from 0 to 100"),
            ("--errors 51", "--errors: \"51\" is more than 50"),
            ("--workers 257", "--workers: \"257\" is not a whole number from 1 to 256"),
            ("--poll 0", "--poll: \"0\" is not a whole number from 1 to 3600000"),
            ("--outage 5", "--outage: \"5\" is not FROM..TO"),
            ("--outage 5..5", "--outage: \"5..5\" ends before it begins"),
            ("--outage 5..10001", "--outage: there are 10000 deliveries, and 10001 is none of them"),
            ("--window", "--window: needs a value"),
            ("--frobnicate 1", "--frobnicate: unknown option"),
            ("-x", "unknown option -x"),
            ("file", "unexpected argument \"file\""),
        ] {
            assert_eq!(run(args).map(drop), Err(why.to_owned()), "{args}");
        }
    }
}

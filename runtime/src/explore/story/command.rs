//! The line that runs one schedule of one test again.

use std::env;

use super::super::schedule::Schedule;

/// For a test whose path, with its crate, is `name`. What the environment has
/// said of the seed is said again.
pub(in crate::explore) fn command(name: &str, schedule: &Schedule) -> String {
    line(
        name,
        schedule,
        |name| env::var(name).ok(),
        || env::current_exe().map_or_else(|_| String::from("<the test>"), |path| path.display().to_string()),
    )
}

fn line(
    name: &str,
    schedule: &Schedule,
    of: impl Fn(&str) -> Option<String>,
    program: impl FnOnce() -> String,
) -> String {
    let test = name.split_once("::").map_or(name, |(_, test)| test);
    let seed = of("TIDEGATE_SEED").map_or_else(String::new, |seed| format!("TIDEGATE_SEED={seed} "));
    let run = match of("CARGO_PKG_NAME") {
        Some(package) => format!("cargo test -p {package} {test} -- --exact"),
        None => format!("{} {test} --exact", program()),
    };
    format!("TIDEGATE_REPLAY='{schedule}' {seed}{run}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_run_again_by_one_line() {
        let schedule = Schedule::from_choices(vec![0, 1, 2]);
        let program = || String::from("./held-1a2b");
        let of = |name: &str| match name {
            "CARGO_PKG_NAME" => Some(String::from("shop")),
            "TIDEGATE_SEED" => Some(String::from("7")),
            _ => None,
        };
        let by_cargo = line("shop::stock::held::explored", &schedule, of, program);
        assert_eq!(
            by_cargo,
            "TIDEGATE_REPLAY='0.1.2' TIDEGATE_SEED=7 cargo test -p shop stock::held::explored -- --exact"
        );
        let by_hand = line("held::explored", &Schedule::default(), |_| None, program);
        assert_eq!(by_hand, "TIDEGATE_REPLAY='-' ./held-1a2b explored --exact");
    }
}

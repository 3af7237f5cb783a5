//! The line that runs one schedule of one test again.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::schedule::Schedule;

/// What the compiler knows of where a test is. The attribute writes it down;
/// [`__explore_place`](crate::__explore_place) does.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The source file.
    pub file: &'static str,
    /// The binary that the test is in, or the example that is one.
    pub bin: Option<&'static str>,
    /// In a file of `tests` or `benches`: only there cargo names a directory for scratch
    /// files.
    pub is_outside: bool,
}

/// The [`Place`] where this is written.
#[doc(hidden)]
#[macro_export]
macro_rules! __explore_place {
    () => {
        $crate::explore::harness::Place {
            file: ::core::file!(),
            bin: ::core::option_env!("CARGO_BIN_NAME"),
            is_outside: ::core::option_env!("CARGO_TARGET_TMPDIR").is_some(),
        }
    };
}

/// For a test whose path, with its crate, is `name`. What the environment has
/// said of the seed is said again.
pub(in crate::explore) fn command(name: &str, place: &Place, schedule: &Schedule) -> String {
    line(name, place, schedule, |name| env::var(name).ok(), &env::current_exe().unwrap_or_default())
}

fn line(name: &str, place: &Place, schedule: &Schedule, of: impl Fn(&str) -> Option<String>, program: &Path) -> String {
    let (krate, test) = name.split_once("::").unwrap_or((name, name));
    let seed = of("TIDEGATE_SEED").map_or_else(String::new, |seed| format!("TIDEGATE_SEED={seed} "));
    let run = match of("CARGO_PKG_NAME") {
        Some(package) => {
            let home = of("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
            let target = target(krate, place, program, &home);
            format!("cargo test -p {package} {target} {test} -- --exact")
        }
        None => format!("{} {test} --exact", program.display()),
    };
    format!("TIDEGATE_REPLAY='{schedule}' {seed}{run}")
}

/// Which of the targets of the package that is at `home`: others may have a test
/// of the same name.
fn target(krate: &str, place: &Place, program: &Path, home: &Path) -> String {
    let named = |kind, folder| place.bin.map(str::to_owned).or_else(|| name_of(krate, kind, folder, home));
    if program.parent().and_then(Path::file_name) == Some(OsStr::new("examples")) {
        let name = named("example", "examples").unwrap_or_else(|| krate.to_owned());
        return format!("--example {name}");
    }
    if let Some(bin) = place.bin {
        return format!("--bin {bin}");
    }
    if !place.is_outside {
        return String::from("--lib");
    }
    // Nothing else tells the two apart.
    let mut kinds = [("test", "tests"), ("bench", "benches")];
    if Path::new(place.file).iter().any(|part| part == "benches") {
        kinds.reverse();
    }
    let found = kinds.iter().find_map(|(kind, folder)| Some(format!("--{kind} {}", named(kind, folder)?)));
    found.unwrap_or_else(|| format!("--test {krate}"))
}

/// The name of a target as it was written: that of its crate has no hyphens.
fn name_of(krate: &str, kind: &str, folder: &str, home: &Path) -> Option<String> {
    let manifest = fs::read_to_string(home.join("Cargo.toml")).unwrap_or_default();
    let mut names = declared(&manifest, kind);
    for entry in fs::read_dir(home.join(folder)).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension() == Some(OsStr::new("rs")) || path.join("main.rs").is_file() {
            names.extend(path.file_stem().and_then(OsStr::to_str).map(str::to_owned));
        }
    }
    names.sort();
    names.into_iter().find(|name| name.replace('-', "_") == krate)
}

/// The names in the sections `[[kind]]`.
fn declared(manifest: &str, kind: &str) -> Vec<String> {
    let header = format!("[[{kind}]]");
    let mut is_inside = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line.starts_with(&header);
        } else if is_inside && let Some(("name", value)) = line.split_once('=').map(|(key, value)| (key.trim(), value))
        {
            names.extend(value.split(['"', '\'']).nth(1).map(str::to_owned));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: Place = Place { file: "src/stock.rs", bin: None, is_outside: false };
    const TEST: Place = Place { file: "tests/held.rs", bin: None, is_outside: true };

    #[test]
    fn a_schedule_is_run_again_by_one_line() {
        let schedule = Schedule::from_choices(vec![0, 1, 2]);
        let program = Path::new("./held-1a2b");
        let of = |name: &str| match name {
            "CARGO_PKG_NAME" => Some(String::from("shop")),
            "TIDEGATE_SEED" => Some(String::from("7")),
            _ => None,
        };
        let by_cargo = line("shop::stock::held::explored", &LIB, &schedule, of, program);
        assert_eq!(
            by_cargo,
            "TIDEGATE_REPLAY='0.1.2' TIDEGATE_SEED=7 cargo test -p shop --lib stock::held::explored -- --exact"
        );
        let by_hand = line("held::explored", &TEST, &Schedule::default(), |_| None, program);
        assert_eq!(by_hand, "TIDEGATE_REPLAY='-' ./held-1a2b explored --exact");
    }

    #[test]
    fn the_target_is_named() {
        let nowhere = Path::new("/no/such/package");
        let of = |krate, place: &Place, program| target(krate, place, Path::new(program), nowhere);
        assert_eq!(of("shop", &LIB, "/t/debug/deps/shop-1a"), "--lib");
        assert_eq!(of("held", &TEST, "/t/debug/deps/held-1a"), "--test held");
        let bin = Place { bin: Some("shop-till"), ..LIB };
        assert_eq!(of("shop_till", &bin, "/t/debug/deps/shop_till-1a"), "--bin shop-till");
        assert_eq!(of("shop_till", &bin, "/t/debug/examples/shop_till-1a"), "--example shop-till");
        assert_eq!(of("held", &LIB, "/t/debug/examples/held-1a"), "--example held");
    }

    #[test]
    fn a_name_is_looked_up_where_targets_are_declared() {
        let manifest = "[package]\nname = \"no\"\n[[test]]\nname = \"far-off\" # far\npath = \"a.rs\"\n[[test]]\n\
                        path='b.rs'\nname='b'\n[[bench]]\nname = \"odd\"\n[features]\nname = []\n";
        assert_eq!(declared(manifest, "test"), ["far-off", "b"]);
        assert_eq!(declared(manifest, "bench"), ["odd"]);
        // Of this package, found by its file.
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(name_of("explore_story", "test", "tests", home).as_deref(), Some("explore_story"));
        assert_eq!(name_of("explore_bugs", "bench", "benches", home), None);
    }
}

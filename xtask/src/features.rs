//! Each feature alone: a feature that only works beside another is not one.

use crate::Result;
use crate::metadata::{Metadata, Package};
use crate::shell::{cargo, output_of, run};
use crate::tally::{Outcome, Tally};

/// The packages whose features a user chooses among.
const PACKAGES: [&str; 2] = ["tidegate", "tidegate-transports"];

/// Checks the packages with no feature, with each, and with all.
pub(crate) fn check() -> Outcome {
    let mut tally = Tally::default();
    let result = Metadata::read().and_then(|metadata| {
        for name in PACKAGES {
            for set in sets(metadata.package(name)?) {
                let checked = lint(name, &set);
                if let Err(why) = &checked {
                    println!("{why}");
                }
                tally.count(checked.is_ok());
            }
            let checked = without_tokio(name);
            if let Err(why) = &checked {
                println!("{why}");
            }
            tally.count(checked.is_ok());
        }
        Ok(())
    });
    (tally, result).into()
}

/// The choices of features: none, each, all.
fn sets(package: &Package) -> Vec<Vec<&str>> {
    let mut sets = vec![Vec::new()];
    sets.extend(package.features.iter().map(|feature| vec![feature.as_str()]));
    if package.features.len() > 1 {
        sets.push(package.features.iter().map(String::as_str).collect());
    }
    sets
}

/// Clippy rather than `cargo check`, since it alone can refuse the warnings of
/// our own packages without building all others again.
fn lint(package: &str, features: &[&str]) -> Result<()> {
    let features = format!("--features={}", features.join(","));
    let args = ["clippy", "-q", "-p", package, "--lib", "--no-default-features", &features, "--", "-D", "warnings"];
    run(&mut cargo(&args))
}

/// tokio drives actors by choice: nothing below may need it.
fn without_tokio(package: &str) -> Result<()> {
    let args = ["tree", "-p", package, "--no-default-features", "-e", "normal", "--prefix", "none", "-f", "{p}"];
    let tree = output_of(&mut cargo(&args))?;
    if tree.lines().any(|line| line.starts_with("tokio ")) {
        return Err(format!("{package} depends on tokio without any feature"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::sets;
    use crate::metadata::Package;

    #[test]
    fn features_are_tried_alone_and_together() {
        let package = Package {
            name: "p".to_owned(),
            features: vec!["a".to_owned(), "b".to_owned()],
            publishable: true,
            targets: Vec::new(),
        };
        assert_eq!(sets(&package), [vec![], vec!["a"], vec!["b"], vec!["a", "b"]]);
        let bare = Package { features: Vec::new(), ..package };
        assert_eq!(sets(&bare), [Vec::<&str>::new()]);
    }
}

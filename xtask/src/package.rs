//! What would be published has what it needs.

use crate::Result;
use crate::metadata::Metadata;
use crate::shell::{cargo, output_of};
use crate::tally::{Outcome, Tally};

/// What has to be in every package.
const NEEDED: [&str; 3] = ["Cargo.toml", "Cargo.toml.orig", "src/lib.rs"];

/// Lists the files of each package that is meant for the registry.
pub(crate) fn check() -> Outcome {
    let mut tally = Tally::default();
    let result = Metadata::read().and_then(|metadata| {
        let mut packages = 0;
        for package in metadata.packages.iter().filter(|package| package.publishable) {
            packages += 1;
            let checked = list(&package.name);
            match &checked {
                Ok(files) => println!("{}: {files} files", package.name),
                Err(why) => println!("{}: {why}", package.name),
            }
            tally.count(checked.is_ok());
        }
        if packages == 0 { Err("no package of the workspace is meant for the registry".to_owned()) } else { Ok(()) }
    });
    (tally, result).into()
}

fn list(package: &str) -> Result<usize> {
    // Dirty is allowed, since checks run before a commit.
    let listed = output_of(&mut cargo(&["package", "--list", "--allow-dirty", "-p", package]))?;
    let files: Vec<&str> = listed.lines().collect();
    match NEEDED.iter().find(|needed| !files.contains(needed)) {
        Some(missing) => Err(format!("{missing} would not be in the package")),
        None => Ok(files.len()),
    }
}

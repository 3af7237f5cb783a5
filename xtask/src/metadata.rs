//! What cargo says about the workspace.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Result;
use crate::shell::{cargo, output_of};

/// The workspace, as far as the tasks ask about it.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    /// Where cargo builds; `target/` unless somebody set it otherwise.
    pub(crate) target: PathBuf,
}

/// A package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Without `default`.
    pub(crate) features: Vec<String>,
    pub(crate) publishable: bool,
    pub(crate) targets: Vec<Target>,
}

/// Something that cargo builds of a package.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kinds: Vec<String>,
    pub(crate) source: PathBuf,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self> {
        Self::parse(&output_of(&mut cargo(&["metadata", "--format-version=1", "--no-deps"]))?)
    }

    fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("cargo metadata: {error}"))?;
        let target = value["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
        Ok(Self { packages: list(&value["packages"]).map(Package::read).collect(), target: PathBuf::from(target) })
    }

    /// Finds a package that has to be there.
    pub(crate) fn package(&self, name: &str) -> Result<&Package> {
        let found = self.packages.iter().find(|package| package.name == name);
        found.ok_or_else(|| format!("the workspace has no package `{name}`"))
    }

    /// Where tools that the tasks need are installed.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }
}

impl Package {
    fn read(value: &Value) -> Self {
        let features = value["features"].as_object().into_iter().flat_map(|features| features.keys());
        Self {
            name: text(&value["name"]),
            features: features.filter(|feature| *feature != "default").cloned().collect(),
            // `publish = false` is an empty list of registries, anything else is null.
            publishable: !value["publish"].is_array(),
            targets: list(&value["targets"]).map(Target::read).collect(),
        }
    }

    /// The targets of one kind: `test`, `example`, `lib`.
    pub(crate) fn targets(&self, kind: &str) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(move |target| target.kinds.iter().any(|one| one == kind))
    }
}

impl Target {
    fn read(value: &Value) -> Self {
        Self {
            name: text(&value["name"]),
            kinds: list(&value["kind"]).map(text).collect(),
            source: PathBuf::from(text(&value["src_path"])),
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Finds the executables in what `--message-format=json` printed: of each, the
/// kind and the name of its target.
pub(crate) fn executables(messages: &str) -> Vec<(Target, PathBuf)> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let executable = message["executable"].as_str()?;
            Some((Target::read(&message["target"]), Path::new(executable).to_path_buf()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Metadata, executables};
    use std::path::Path;

    #[test]
    fn packages_are_read() {
        let text = r#"{"target_directory": "/t", "packages": [
            {"name": "a", "features": {"default": ["x"], "x": [], "y": []}, "publish": null,
             "targets": [{"name": "e", "kind": ["example"], "src_path": "/a/e.rs"}]},
            {"name": "b", "features": {}, "publish": [], "targets": []}]}"#;
        let metadata = Metadata::parse(text).expect("well formed");
        assert_eq!(metadata.tools(), Path::new("/t/tools"));
        let package = metadata.package("a").expect("is there");
        assert_eq!(package.features, ["x", "y"]);
        assert!(package.publishable);
        assert!(!metadata.package("b").expect("is there").publishable);
        assert_eq!(package.targets("example").map(|target| target.name.as_str()).collect::<Vec<_>>(), ["e"]);
        assert_eq!(package.targets("test").count(), 0);
        assert_eq!(metadata.package("c").expect_err("is not"), "the workspace has no package `c`");
    }

    #[test]
    fn executables_are_found_among_other_messages() {
        let text = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"a","kind":["lib"],"src_path":"/a"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"a","kind":["lib"],"src_path":"/a"},"executable":"/t/a"}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = executables(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0.name, "a");
        assert_eq!(found[0].1, Path::new("/t/a"));
    }
}

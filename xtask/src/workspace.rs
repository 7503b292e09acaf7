//! Where the checkout is, and what lies in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// Folders at the root that hold nothing written by hand: results, data, git's own.
const NOT_OURS: [&str; 3] = ["target", "data", ".git"];

/// The checkout's root. Cargo says at run time where this package is; the compiler knew it as well.
pub(crate) fn root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&package).parent().context("xtask lies in the workspace")?;
    Ok(root.to_path_buf())
}

/// Cargo, at the checkout's root, as if somebody had called it from a shell. What the outer cargo told us about
/// ourselves would change what some build scripts see, and half of the dependencies would be compiled again.
pub(crate) fn cargo(subcommand: &str) -> Result<Command> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()?).arg(subcommand);
    let is_about_us = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_about_us) {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// Cargo's target folder, in which we lie ourselves.
pub(crate) fn target() -> Result<PathBuf> {
    let here = env::current_exe()?;
    Ok(here.ancestors().nth(2).context("xtask lies in target/{profile}")?.to_path_buf())
}

/// Builds the product and a program that does something to it, as `options` say, and runs that out of the folder that they
/// are built into. Together, for with one package alone the features of what both use could differ.
pub(crate) fn build_and_run(
    program: &str,
    options: &[&str],
    folder: &str,
    arguments: &[String],
) -> Result<ExitCode> {
    let mut build = cargo("build")?;
    build.args(["--package", "hexalpes", "--package", program]).args(options);
    if !build.status().context("cargo cannot be run")?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let program = target()?.join(folder).join(program);
    let ran = Command::new(&program).args(arguments).status();
    let ran = ran.with_context(|| format!("{} cannot be run", program.display()))?;
    Ok(if ran.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every text file of the checkout as its path from the root, with `/`, and its content.
pub(crate) fn texts(root: &Path) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let entry = entry?;
            let path = entry.path();
            let relative =
                path.strip_prefix(root).expect("found under the root").to_string_lossy().into_owned();
            if NOT_OURS.contains(&relative.as_str()) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(&path)
            {
                texts.push((relative, text));
            }
        }
    }
    texts.sort();
    Ok(texts)
}

pub(crate) fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

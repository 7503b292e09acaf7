//! `cargo xtask bench`: builds what is measured and what measures, both for release, and runs it.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// `http` for the whole product; `--help` for the rest
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let built = workspace::cargo("build")?
        .args(["--release", "-p", "hexalpes", "-p", "hexalpes-bench"])
        .status()
        .context("cargo cannot be run")?;
    if !built.success() {
        return Ok(ExitCode::FAILURE);
    }
    // Beside our own profile's folder: cargo run takes one package, and with one the features could differ.
    let here = env::current_exe()?;
    let target = here.ancestors().nth(2).context("xtask lies in target/{profile}")?;
    let bench = target.join("release/hexalpes-bench");
    let ran = Command::new(&bench).args(&options.arguments).status();
    let ran = ran.with_context(|| format!("{} cannot be run", bench.display()))?;
    Ok(if ran.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

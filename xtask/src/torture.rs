//! `cargo xtask torture`: builds what is put through it and what does it, and runs it.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// `log` or `connections`, and its options; `--help` for the rest
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// Not built for release: overflows and broken assumptions are to be heard.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let built = workspace::cargo("build")?
        .args(["-p", "hexalpes-torture", "-p", "hexalpes"])
        .status()
        .context("cargo cannot be run")?;
    if !built.success() {
        return Ok(ExitCode::FAILURE);
    }
    let here = env::current_exe()?;
    let target = here.ancestors().nth(2).context("xtask lies in target/{profile}")?;
    let torture = target.join("debug/hexalpes-torture");
    let ran = Command::new(&torture).args(&options.arguments).status();
    let ran = ran.with_context(|| format!("{} cannot be run", torture.display()))?;
    Ok(if ran.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

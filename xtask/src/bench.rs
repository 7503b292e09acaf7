//! `cargo xtask bench`: builds what is measured and what measures, both for release, and runs it.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// `http` for the whole product; `--help` for the rest
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    workspace::build_and_run("hexalpes-bench", &["--release"], "release", &options.arguments)
}

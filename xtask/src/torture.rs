//! `cargo xtask torture`: builds what is put through it and what does it, and runs it.

use std::process::ExitCode;

use anyhow::Result;
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
    workspace::build_and_run("hexalpes-torture", &[], "debug", &options.arguments)
}

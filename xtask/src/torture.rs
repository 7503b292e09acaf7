//! `cargo xtask torture`: builds what is put through it and what does it, and runs it.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser};

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// `log`, `connections` or `conversions`, and its options; `--help` for the rest
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// The test that kills all services while customers buy, which CI runs with few rounds.
const CONVERSIONS: &str =
    "converting::each_conversion_that_was_accepted_has_one_commission_however_often_everything_is_killed";

/// Kills all services of the product while customers buy.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask torture conversions")]
struct Conversions {
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Draws other points to kill at, or again those that a failed run printed
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Not built for release: overflows and broken assumptions are to be heard.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.arguments.first().is_some_and(|first| first == "conversions") {
        return conversions(&Conversions::parse_from(&options.arguments));
    }
    workspace::build_and_run("hexalpes-torture", &[], "debug", &options.arguments)
}

fn conversions(options: &Conversions) -> Result<ExitCode> {
    let Conversions { rounds, seed } = options;
    println!("{rounds} rounds from seed {seed}");
    for (subcommand, more) in [
        ("build", &["--package", "hexalpes"][..]),
        (
            "test",
            &["--package", "hexalpes-e2e", "--test", "it", CONVERSIONS, "--", "--exact", "--nocapture"][..],
        ),
    ] {
        let mut command = workspace::cargo(subcommand)?;
        command.args(more);
        command.env("HEXALPES_TEST_ROUNDS", rounds.to_string());
        command.env("HEXALPES_TEST_SEED", seed.to_string());
        if !command.status().context("cargo cannot be run")?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! `cargo xtask torture`: builds what is put through it and what does it, and runs it.

use std::{iter, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Args, Parser};
use hexalpes_engines::{LOG_ENGINES, variable};

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// `log`, `connections`, `conversions` or `cdc`, and its options; `--help` for the rest
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// The test that kills all services while customers buy, which CI runs with few rounds.
const CONVERSIONS: &str =
    "converting::each_conversion_that_was_accepted_has_one_commission_however_often_everything_is_killed";
/// The tests that kill relay, broker and database, likewise; and those that kill them on `SQLite`, whose database has no
/// process of its own.
const CDC: [&str; 4] = ["--", "capturing::", "kills::", "--test-threads=1"];
/// The tests of what else happens to a database's log: it is lost, put back to a copy, read by somebody else, or another server's.
/// They draw nothing, and are done again and again for what may come in between.
const CDC_LOGS: [&str; 8] =
    ["--", "lost::", "restored::", "clash::", "failover", "slots::", "parked::", "sources::shared"];
/// So many kills go with one time of those.
const KILLS_A_TIME: u64 = 50;

/// Kills while others write, and compares what is there in the end.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask torture conversions|cdc")]
struct Kills {
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Draws other points to kill at, or again those that a failed run printed
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Not built for release: overflows and broken assumptions are to be heard.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match options.arguments.first().map(String::as_str) {
        Some("conversions") => {
            kills(&[&[CONVERSIONS, "--", "--exact"]], &Kills::parse_from(&options.arguments))
        }
        Some("cdc") => {
            let options = Kills::parse_from(&options.arguments);
            let times = usize::try_from(options.rounds.div_ceil(KILLS_A_TIME))?;
            let logs = iter::repeat_n(&CDC_LOGS[..], times);
            kills(&[&CDC[..]].into_iter().chain(logs).collect::<Vec<_>>(), &options)
        }
        _ => workspace::build_and_run("hexalpes-torture", &[], "debug", &options.arguments),
    }
}

fn kills(tests: &[&[&str]], options: &Kills) -> Result<ExitCode> {
    let Kills { rounds, seed } = options;
    println!("{rounds} rounds from seed {seed}");
    let tests = tests.iter().map(|tests| ("test", [&["--test", "it"], *tests, &["--nocapture"]].concat()));
    // As `cargo xtask test` builds: for these packages alone, with the features of theirs, all would be compiled again.
    for (subcommand, more) in [("build", vec!["--bins", "--tests"])].into_iter().chain(tests) {
        let mut command = workspace::cargo(subcommand)?;
        command.arg("--workspace").args(more);
        command.env("HEXALPES_TEST_ROUNDS", rounds.to_string());
        command.env("HEXALPES_TEST_SEED", seed.to_string());
        command.env(variable::KILLABLE, LOG_ENGINES.map(|engine| engine.to_string()).join(","));
        if !command.status().context("cargo cannot be run")?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! Our scripts: `cargo xtask …`. They are Rust, so that what runs the tests is held to what it tests.
//!
//! Few dependencies, on purpose: this is compiled before anything else, and once more with the workspace.

mod acceptance;
mod bench;
mod fuzz;
mod memory;
mod mysql;
mod packages;
mod prepare;
mod pulsar;
mod python_suite;
mod test;
mod tidy;
mod torture;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The workspace's own commands")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Start every engine that this machine can have, and run all tests against all of them
    Test(test::Options),
    /// Check what the compiler does not: the invariants of ARCHITECTURE.md
    Tidy,
    /// List the acceptance items with and without a test
    Acceptance(acceptance::Options),
    /// Bring what the engines need: Debian's packages (as root), MySQL and Pulsar, the Python and Go clients
    Prepare,
    /// Measure the broker beside a real Pulsar, or the whole product (`bench http`), built for release
    // Its help is the bench's own.
    #[command(disable_help_flag = true)]
    Bench(bench::Options),
    /// Kill the broker, cut its power, fail its disk and harm its files (`torture log`); kill relay, broker and database (`torture cdc`), and look whether it keeps its word
    #[command(disable_help_flag = true)]
    Torture(torture::Options),
    /// Let libFuzzer think of bytes for every decoder: frames, batches, the log's files, metadata, bodies, tokens, schemas
    Fuzz(fuzz::Options),
    /// Run the official Python client's own tests, from a folder with its sources, against the backbone
    PythonSuite(python_suite::Options),
    /// A real Apache Pulsar, to run or to look at
    #[command(subcommand)]
    Pulsar(pulsar::Command),
    /// A real MySQL from Debian's packages; runs until Ctrl-C
    Mysql,
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    match Cli::parse().command {
        Task::Test(options) => test::run(&options),
        Task::Tidy => tidy::run(),
        Task::Acceptance(options) => acceptance::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Torture(options) => torture::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Prepare => prepare::run(),
        Task::PythonSuite(options) => python_suite::run(&options),
        Task::Pulsar(command) => pulsar::run(command),
        Task::Mysql => mysql::run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_bench_is_for_the_bench() {
        for argument in ["--help", "-h", "http"] {
            let Ok(Cli { command: Task::Bench(options) }) =
                Cli::try_parse_from(["cargo xtask", "bench", argument])
            else {
                panic!("{argument} is not for us");
            };
            assert_eq!(options.arguments, [argument]);
        }
    }
}

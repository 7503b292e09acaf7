//! The binary: every service, the backbone, and the command line.
//!
//! Exit codes: 0 done, 1 it could not be done (one line says why), 2 the command line is wrong.

mod backbone;
mod cli;
mod debug;
mod listen;
mod topology;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hexalpes: {error:#}");
            ExitCode::FAILURE
        }
    }
}

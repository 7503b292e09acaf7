//! The binary: every service, the backbone, and the command line.

mod backbone;
mod claims;
mod cli;
mod conf;
mod console;
mod debug;
mod event_health;
mod health;
mod listen;
mod metrics;
mod reach;
mod serve;
mod services;
mod settings;
mod topology;
mod up;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}

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

use mimalloc::MiMalloc;

/// Events are many small texts, most of them made on one thread and dropped on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run()
}

//! `cargo xtask bench`: how fast it is, beside a real Pulsar and beside its aims.
//!
//! What is measured runs in processes of its own, from the release build; the clients are here, on one thread,
//! so that they take as little as they can of the cores that they share with what they measure. Machines have
//! moods: what is compared takes turns, and medians are printed.

mod alpes;
mod backbone;
mod cdc;
mod clock;
mod disk;
mod foreign;
mod http;
mod journeys;
mod load;
mod post;
mod process;
mod report;
mod request;
mod servers;
mod stats;
mod trail;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask bench", about = "Measure; by default the broker beside a real Pulsar")]
struct Cli {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    options: Options,
}

#[derive(clap::Args)]
struct Options {
    /// Print JSON instead of a table
    #[arg(long, global = true)]
    json: bool,
    /// How often everything is measured; the medians count
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Leave the real Pulsar out, and with it the ratios
    #[arg(long, global = true)]
    alone: bool,
    /// Only those loads, parts or databases whose names contain this
    #[arg(long, global = true)]
    only: Option<String>,
}

#[derive(Subcommand)]
enum What {
    /// The broker beside a real Pulsar
    Backbone,
    /// The whole product, from a request to a consumer
    Http,
    /// Conversions and commissions: recorded, sustained, readable; and the books
    Alpes,
    /// Partners from registration to validation, through all services; also with a real Pulsar
    Journeys,
    /// The relay over the log of each database, beside a real Debezium
    Cdc(cdc::Settings),
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let Cli { what, options } = Cli::parse();
    // The client may be asked for TLS; another provider cannot be there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread: what it does not use of two cores is left to what is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = match what {
        None | Some(What::Backbone) => backbone::measure(&runtime, &options)?,
        Some(What::Http) => http::measure(&runtime, &options)?,
        Some(What::Alpes) => alpes::measure(&runtime, &options)?,
        Some(What::Cdc(settings)) => cdc::measure(&runtime, &options, &settings)?,
        Some(What::Journeys) => journeys::measure(&runtime, &options)?,
    };
    if options.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    Ok(ExitCode::SUCCESS)
}

//! `cargo xtask torture`: what the broker is put through.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use hexalpes_torture::{connections, controls, ground, rounds};

#[derive(Parser)]
#[command(name = "cargo xtask torture", about = "Puts the broker through what must not break it")]
struct Cli {
    #[command(subcommand)]
    command: Torture,
}

#[derive(Subcommand)]
enum Torture {
    /// Kill it, cut its power, fail and fill its disk, harm its files, and look whether all that it acknowledged is there,
    /// once and in order, or whether it says what is damaged
    Log {
        #[arg(long, default_value_t = 1000)]
        rounds: u64,
        /// Draws other histories, or again those that a failed run printed
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// How many histories are lived through at the same time
        #[arg(long, default_value_t = 2)]
        lanes: usize,
        /// How often each control is tried
        #[arg(long, default_value_t = 8)]
        controls: u64,
    },
    /// Crowd `hexalpes backbone` with clients that are many, come and go, read nothing, flood it or are slow, and print its
    /// memory and how another client fares meanwhile
    Connections,
    /// The broker of a round, in a process of its own
    #[command(hide = true)]
    Serve {
        data: PathBuf,
        #[arg(long)]
        port: Option<u16>,
    },
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Cli::parse().command {
        Torture::Serve { data, port } => runtime.block_on(ground::serve(&data, port)),
        Torture::Connections => {
            println!("{}", connections::HEAD);
            let program = connections::hexalpes(&std::env::current_exe()?);
            connections::run(&program, connections::Scale::WHOLE, |outcome| println!("{outcome}"))
        }
        Torture::Log { rounds, seed, lanes, controls } => {
            println!("{rounds} rounds from seed {seed}");
            let options = rounds::Options { rounds, seed, lanes };
            let program = std::env::current_exe()?;
            let (tally, took) = rounds::timed(|| rounds::run(&options, &program, runtime.handle()));
            let tally = tally?;
            print!("{tally}");
            println!(
                "{} rounds in {:.1} s: nothing was lost, twice or out of order",
                tally.rounds(),
                took.as_secs_f64()
            );
            for plant in controls::ALL {
                if controls > 0 {
                    let (found, example) = controls::run(plant, controls, seed, runtime.handle())?;
                    println!(
                        "control {plant:?}: planted {controls} times, found {found} times, as: {example}"
                    );
                }
            }
            Ok(())
        }
    }
}

//! Lives through random histories with power cuts, one seed after the other, until one goes wrong or
//! enough were lived.
//!
//! `cargo run --release -p hexalpes-log --example torture [FIRST SEED [HOW MANY]]`

#![allow(clippy::unwrap_used, reason = "a history that panics is one that went wrong")]

#[path = "../tests/it/world.rs"]
mod world;

use std::process::ExitCode;

use world::{Syncs, World, live};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().unwrap());
    let (first, count) = (arguments.next().unwrap_or(0), arguments.next().unwrap_or(1000));
    for seed in first..first + count {
        if let Err(what) = live(World::new(Syncs::Kept), seed, 1000) {
            println!("seed {seed}: {what}");
            return ExitCode::FAILURE;
        }
    }
    if (first..first + 20).all(|seed| live(World::new(Syncs::Ignored), seed, 1000).is_ok()) {
        println!("the control went wrong: nobody noticed that nothing was synced");
        return ExitCode::FAILURE;
    }
    println!("{count} histories of 1000 acts, from seed {first}: every acknowledged entry survived");
    ExitCode::SUCCESS
}

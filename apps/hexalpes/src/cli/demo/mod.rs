//! `hexalpes demo …`: the running product shown and tried. The scripts are made of these commands.

mod cases;
mod cdc;
mod data;
mod e2e;
mod flow;
mod journey;
mod performance;
mod progress;
mod ready;
mod report;
mod reset;
mod topics;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::{Subcommand, value_parser};

use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Demo {
    /// Wait until every API says that it is well
    Ready {
        /// For so many seconds at most
        #[arg(long, default_value_t = 0, value_name = "SECONDS")]
        wait: u64,
    },
    /// Make a program, affiliates, a link and conversions, and write down their ids; what is there is found
    Data {
        /// Where the ids are written; `docs/schemas/test_data_ids.schema.json` says how
        #[arg(long, default_value = "test_data_ids.json")]
        file: PathBuf,
    },
    /// Try the product from end to end, case by case, and write down how each went; ends with 1 if one failed
    ///
    /// It makes affiliates, conversions, commissions and a partner of its own, and leaves them there.
    E2e {
        /// Where the report is written; `docs/schemas/e2e_test_report.schema.json` says how
        #[arg(long, default_value = "e2e_test_report.json")]
        file: PathBuf,
    },
    /// Measure how many conversions are recorded, and how soon their commissions can be read
    ///
    /// A short look on this machine, beside whatever else it does; it records conversions of its own.
    Performance {
        /// Conversions that are recorded as fast as it goes; a fifth of them is recorded once more, one by one
        #[arg(short = 'n', long, default_value_t = 500, value_parser = value_parser!(u32).range(10..=100_000))]
        conversions: u32,
        /// So many at a time
        #[arg(long, default_value_t = 8, value_parser = value_parser!(u32).range(1..=256))]
        connections: u32,
        /// Where the report is written; `docs/schemas/performance_report.schema.json` says how
        #[arg(long, default_value = "performance_report.json")]
        file: PathBuf,
    },
    /// Follow many events from their rows in the outbox to the topics: each once, in order; ends with 1 if not
    Cdc {
        /// Commissions that are calculated and approved: two events each
        #[arg(short = 'n', long, default_value_t = 50, value_parser = value_parser!(u32).range(1..=10_000))]
        commissions: u32,
    },
    /// Remove what the product stored in the data folder; it must be stopped
    Reset {
        /// Remove it; without this, only what would be removed is said
        #[arg(long)]
        yes: bool,
    },
}

impl Demo {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::Ready { wait } => ready::run(settings, Duration::from_secs(wait)).await,
            Self::Data { file } => data::run(settings, &file).await,
            Self::E2e { file } => e2e::run(settings, &file).await,
            Self::Performance { conversions, connections, file } => {
                performance::run(settings, conversions, connections, &file).await
            }
            Self::Cdc { commissions } => cdc::run(settings, commissions).await,
            Self::Reset { yes } => reset::run(settings, yes),
        }
    }
}

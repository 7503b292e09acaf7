//! `hexalpes outbox list`: what is on its way out, and what has gone.

use anyhow::Result;
use clap::{Subcommand, value_parser};

use super::{ask, output::Output};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Outbox {
    /// Rows of the outbox, newest first
    List {
        /// How many
        #[arg(short = 'n', long, default_value_t = 50, value_parser = value_parser!(u32).range(1..=200))]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
}

impl Outbox {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        let Self::List { limit, output } = self;
        let mut answer = ask::commissions(settings, &format!("/debug/outbox?limit={limit}")).await?;
        let rows = ask::rows(answer["items"].take())?;
        output.rows(&["seq", "type", "aggregateid", "occurred_at", "published", "published_at"], &rows)
    }
}

//! `hexalpes outbox list`: what is on its way out, and what has gone.

use anyhow::{Context as _, Result};
use clap::{Subcommand, value_parser};
use serde_json::Value;

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
        let items = answer["items"].take();
        let Value::Array(items) = items else { anyhow::bail!("the outbox is no list: is it ours?") };
        let rows: Vec<_> = items
            .iter()
            .map(|item| item.as_object().cloned().context("a row is no object: is it ours?"))
            .collect::<Result<_>>()?;
        output.rows(&["seq", "type", "aggregateid", "occurred_at", "published", "published_at"], &rows)
    }
}

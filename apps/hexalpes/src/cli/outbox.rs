//! `hexalpes outbox list`: what is on its way out of each service, and what has gone.

use std::cmp::Reverse;

use anyhow::Result;
use clap::{Subcommand, value_parser};
use hexalpes_kernel::Timestamp;

use super::{
    apis::Desk,
    ask,
    output::{Output, Row},
};
use crate::{services::Service, settings::Settings};

#[derive(Subcommand)]
pub(super) enum Outbox {
    /// Rows of the outboxes, newest first
    List {
        /// How many
        #[arg(short = 'n', long, default_value_t = 50, value_parser = value_parser!(u32).range(1..=200))]
        limit: u32,
        /// Of this service alone
        #[arg(long)]
        service: Option<Service>,
        #[command(flatten)]
        output: Output,
    },
}

impl Outbox {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        let Self::List { limit, service, output } = self;
        let mut rows = Vec::new();
        for (_, mut answer) in Desk::asked(settings, service, &format!("/debug/outbox?limit={limit}")).await?
        {
            rows.extend(ask::rows(answer["items"].take())?);
        }
        rows.sort_by_key(|row| Reverse(occurred_at(row)));
        rows.truncate(limit as usize);
        let columns = ["service", "seq", "type", "aggregateid", "occurred_at", "published", "published_at"];
        output.rows(&columns, &rows)
    }
}

/// When it happened, whichever service it was in.
fn occurred_at(row: &Row) -> Option<Timestamp> {
    Timestamp::parse(row.get("occurred_at")?.as_str()?).ok()
}

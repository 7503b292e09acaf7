//! `hexalpes relay status`.

use anyhow::Result;
use clap::Subcommand;

use super::{ask, output::Output};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Relay {
    /// Whether it runs, what it has carried, what is left
    Status {
        #[command(flatten)]
        output: Output,
    },
}

impl Relay {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        let Self::Status { output } = self;
        output.object(&ask::commissions(settings, "/debug/relay").await?)
    }
}

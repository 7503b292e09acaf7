//! `hexalpes config show`.

use anyhow::Result;
use clap::Subcommand;

use super::output::{Output, row};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Config {
    /// Each setting with its value and where it comes from; passwords are left out
    Show {
        #[command(flatten)]
        output: Output,
    },
}

impl Config {
    pub(super) fn run(self, settings: &Settings) -> Result<()> {
        let Self::Show { output } = self;
        let rows: Vec<_> = settings
            .shown()
            .into_iter()
            .map(|[name, value, origin]| {
                row([("setting", name.into()), ("value", value.into()), ("origin", origin.into())])
            })
            .collect();
        output.rows(&["setting", "value", "origin"], &rows)
    }
}

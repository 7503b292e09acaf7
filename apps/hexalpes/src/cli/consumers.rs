//! `hexalpes consumers`: how the handlers of events do, and which keys wait for somebody's decision.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::{
    ask,
    output::{Output, line},
};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Consumers {
    /// What each has handled, and what it waits for
    List {
        #[command(flatten)]
        output: Output,
    },
    /// The keys of which an event became a dead letter: later events of theirs follow it there
    Blocked {
        #[command(flatten)]
        output: Output,
    },
    /// Have later events of a key handled again. Its dead letters stay on their topic
    Release {
        /// As `consumers blocked` names it
        subscription: String,
        /// As `consumers blocked` names it
        key: String,
    },
}

impl Consumers {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::List { output } => {
                let columns =
                    ["subscription", "handled", "duplicates", "deadLetters", "held", "waitingKeys", "alarm"];
                output.rows(&columns, &ask::rows(ask::commissions(settings, "/debug/consumers").await?)?)
            }
            Self::Blocked { output } => {
                let mut answer = ask::commissions(settings, "/debug/consumers/blocked").await?;
                output.rows(
                    &["subscription", "key", "eventId", "blockedAt"],
                    &ask::rows(answer["items"].take())?,
                )
            }
            Self::Release { subscription, key } => {
                let body = json!({ "subscription": subscription, "key": key });
                ask::post(settings, "/debug/consumers/release", &body).await?;
                line(&format!("{subscription} handles events of {key} again"))
            }
        }
    }
}

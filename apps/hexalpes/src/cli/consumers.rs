//! `hexalpes consumers`: how the handlers of events do, and which keys wait for somebody's decision.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;

use super::{
    apis::{self, Desk},
    ask,
    output::{Output, line},
};
use crate::{services::Service, settings::Settings};

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
                let mut rows = Vec::new();
                for (_, answer) in Desk::asked(settings, None, "/debug/consumers").await? {
                    rows.extend(ask::rows(answer)?);
                }
                output.rows(&columns, &rows)
            }
            Self::Blocked { output } => {
                let mut rows = Vec::new();
                for (_, mut answer) in Desk::asked(settings, None, "/debug/consumers/blocked").await? {
                    rows.extend(ask::rows(answer["items"].take())?);
                }
                output.rows(&["subscription", "key", "eventId", "blockedAt"], &rows)
            }
            Self::Release { subscription, key } => {
                let body = json!({ "subscription": subscription, "key": key });
                let service = Service::CONTEXTS.into_iter().find(|service| {
                    subscription.strip_prefix(service.name()).is_some_and(|rest| rest.starts_with('-'))
                });
                let service = service.with_context(|| {
                    format!("{subscription} is no subscription of ours; `hexalpes consumers list` shows them")
                })?;
                let desk = Desk::of(settings, service, &apis::http()?)?;
                desk.post("/debug/consumers/release", &body).await?.expect(&[200])?;
                line(&format!("{subscription} handles events of {key} again"))
            }
        }
    }
}

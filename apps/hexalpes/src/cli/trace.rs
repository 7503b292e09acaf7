//! `hexalpes trace CORR-…`: what followed from one request, as a tree.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use hexalpes_client::ReadFrom;
use hexalpes_desk::trace::{Step, trace};
use hexalpes_outbox::EVENTS_TOPIC;

use super::{
    ask,
    output::{Format, Output, Row, line, row},
};
use crate::settings::Settings;

#[derive(Args)]
pub(super) struct Trace {
    /// The correlation id: of an answer's header X-Correlation-Id, a log line, or any event
    correlation: String,
    /// Read only what was published in the last so many minutes; unset: all that the topic has
    #[arg(long, value_name = "MINUTES")]
    since: Option<u64>,
    #[command(flatten)]
    output: Output,
}

impl Trace {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        let client = ask::broker(settings).await?;
        let from = match self.since {
            Some(minutes) => ReadFrom::Back(Duration::from_secs(minutes.saturating_mul(60))),
            None => ReadFrom::Earliest,
        };
        let steps = trace(&client, EVENTS_TOPIC, from, &self.correlation).await?;
        if steps.is_empty() {
            bail!("no event on {EVENTS_TOPIC} has the correlation id {}", self.correlation);
        }
        if self.output.format == Format::Table {
            return steps.iter().try_for_each(|step| line(&step.to_string()));
        }
        let rows: Vec<Row> = steps.into_iter().map(row_of).collect();
        self.output.rows(&[], &rows)
    }
}

fn row_of(step: Step) -> Row {
    let is_event = step.depth > 0;
    let mut row = row([
        ("depth", step.depth.into()),
        ("what", step.what.into()),
        ("id", step.id.into()),
        ("service", step.service.into()),
        ("time", step.time.map(|time| time.to_string()).into()),
        ("after_ms", step.after_ms.into()),
    ]);
    if is_event {
        row.insert("subject".to_owned(), step.subject.into());
    }
    row
}

//! `hexalpes consume TOPIC -s SUB -n N -p earliest`.

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use hexalpes_client::{AdminClient, ConsumerOptions, Message, SubscriptionKind, TopicName};
use hexalpes_desk::Reading;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{
    aliases, ask,
    output::{Format, Output, Row, line, row},
};
use crate::settings::{Settings, Usage};

#[derive(Args)]
pub(super) struct Consume {
    /// `name`, `tenant/namespace/name` or the whole `persistent://…`
    #[arg(value_parser = ask::topic)]
    topic: String,
    /// The subscription; it is made if it is not there, and remembers what was read
    #[arg(short, long)]
    subscription: String,
    /// How many messages; 0 reads on until Ctrl-C
    #[arg(short, long, default_value_t = 1)]
    number: u64,
    /// Where a new subscription begins
    #[arg(short, long, value_enum, ignore_case = true, default_value = "latest")]
    position: Position,
    /// How the subscription is shared with other consumers
    #[arg(short = 't', long = "type", value_enum, ignore_case = true, default_value = "exclusive")]
    kind: Kind,
    #[command(flatten)]
    output: Output,
}

#[derive(ValueEnum, Clone, Copy)]
enum Position {
    /// With the oldest message there is
    Earliest,
    /// With the next message that comes
    Latest,
}

#[derive(ValueEnum, Clone, Copy)]
enum Kind {
    /// With nobody
    Exclusive,
    /// One reads, the others take over when it goes
    Failover,
    /// Each message goes to one of them
    Shared,
    /// The messages of one key go to one of them
    KeyShared,
}

impl Consume {
    pub(super) async fn run(self, settings: &Settings, stop: CancellationToken) -> Result<()> {
        ensure!(
            self.number > 0 || self.output.format != Format::Json,
            Usage("one JSON document has an end: say how many with -n, or take -o jsonl".to_owned())
        );
        let client = ask::broker(settings).await?;
        let topic = TopicName::parse(&self.topic)?;
        // Who may not ask the REST names the subscription as it is.
        let admin = AdminClient::new(settings.engine()?.admin_options())?;
        let subscription = aliases::subscription(&admin, &topic, &self.subscription).await?;
        let options = ConsumerOptions {
            // An ack that was given stays given, also when the process ends right after it.
            ack_receipts: true,
            ..ConsumerOptions::new(subscription)
        };
        let options = options.kind(match self.kind {
            Kind::Exclusive => SubscriptionKind::Exclusive,
            Kind::Failover => SubscriptionKind::Failover,
            Kind::Shared => SubscriptionKind::Shared,
            Kind::KeyShared => SubscriptionKind::KeyShared,
        });
        let options = match self.position {
            Position::Earliest => options.from_earliest(),
            Position::Latest => options,
        };
        let opened = client.consumer(&self.topic, options).await;
        let consumer = opened.with_context(|| format!("{} cannot be consumed", self.topic))?;
        let mut reading = Reading::new(client);
        let mut read = 0;
        let mut document = Vec::new();
        while self.number == 0 || read < self.number {
            let Some(message) = stop.run_until_cancelled(consumer.next()).await else { break };
            let message = message?;
            let text = reading.read(&message).await?.text;
            match self.output.format {
                Format::Table => line(&text)?,
                Format::Jsonl => line(&serde_json::to_string(&members(&message, &text))?)?,
                Format::Json => document.push(members(&message, &text)),
            }
            // Printed first: what is acked and not shown would be lost.
            consumer.ack(&message.id).await?;
            read += 1;
        }
        consumer.close().await;
        if self.output.format == Format::Json {
            self.output.rows(&[], &document)?;
        }
        Ok(())
    }
}

/// A payload that is JSON is shown as such, else as text.
fn members(message: &Message, text: &str) -> Row {
    let properties: Map<String, Value> =
        message.properties.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    row([
        ("id", message.id.to_string().into()),
        ("topic", (*message.topic).into()),
        ("key", message.key.clone().into()),
        ("properties", properties.into()),
        ("publish_time", message.publish_time.into()),
        ("redelivery_count", message.redelivery_count.into()),
        ("payload", serde_json::from_str(text).unwrap_or_else(|_| text.into())),
    ])
}

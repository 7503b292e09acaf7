//! What arrives on a topic from now on, read with a subscription that nobody else has.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hexalpes_client::{Client, Consumer, ConsumerOptions};
use serde_json::Value;
use tokio::time;

/// For so long nothing new may come before it is given up.
const SILENCE_MAX: Duration = Duration::from_secs(10);

pub(super) struct Listener {
    topic: &'static str,
    consumer: Consumer,
}

impl Listener {
    /// From the next message on.
    pub(super) async fn open(client: &Client, topic: &'static str, stamp: &str) -> Result<Self> {
        let options = ConsumerOptions::new(format!("demo-{stamp}"));
        let opened = client.consumer(topic, options).await;
        Ok(Self { topic, consumer: opened.with_context(|| format!("{topic} cannot be consumed"))? })
    }

    /// The next event, as JSON.
    pub(super) async fn next(&self) -> Result<Value> {
        let Ok(message) = time::timeout(SILENCE_MAX, self.consumer.next()).await else {
            bail!("nothing came on {} for {SILENCE_MAX:?}", self.topic);
        };
        let message = message?;
        serde_json::from_slice(&message.payload)
            .with_context(|| format!("a message on {} is no JSON", self.topic))
    }

    /// Reads on until an event of this type tells of this subject.
    pub(super) async fn until(&self, kind: &str, subject: &str) -> Result<Value> {
        loop {
            let event = self.next().await.with_context(|| format!("no {kind} of {subject}"))?;
            let is_kind = event["type"].as_str().and_then(|found| found.rsplit('.').next()) == Some(kind);
            if is_kind && event["subject"] == subject {
                return Ok(event);
            }
        }
    }

    /// The subscription goes too.
    pub(super) async fn end(self) {
        // Whatever it was for is done; one that stays holds nobody up.
        let _ = self.consumer.unsubscribe().await;
    }
}

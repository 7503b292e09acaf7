//! `hexalpes produce TOPIC`.

use std::io::{self, BufRead as _};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use hexalpes_client::{Outgoing, Producer, ProducerOptions, Receipt};

use super::{
    ask,
    output::{Format, Output, line, row},
};
use crate::settings::Settings;

/// So many messages may be without receipt; it bounds what is held in memory.
const UNANSWERED_MAX: usize = 500;

#[derive(Args)]
pub(super) struct Produce {
    /// `name`, `tenant/namespace/name` or the whole `persistent://…`
    #[arg(value_parser = ask::topic)]
    topic: String,
    /// A message; may be said more than once
    #[arg(short, long = "message", value_name = "TEXT")]
    messages: Vec<String>,
    /// The key of every message
    #[arg(short, long)]
    key: Option<String>,
    /// A property of every message; may be said more than once
    #[arg(short, long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    #[command(flatten)]
    output: Output,
}

fn property(raw: &str) -> Result<(String, String), String> {
    match raw.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

impl Produce {
    pub(super) async fn run(mut self, settings: &Settings) -> Result<()> {
        let client = ask::broker(settings).await?;
        let opened = client.producer(&self.topic, ProducerOptions::default()).await;
        let producer = opened.with_context(|| format!("{} cannot be produced to", self.topic))?;
        let mut stored = Stored { output: self.output, ids: Vec::new(), unanswered: Vec::new() };
        let messages = std::mem::take(&mut self.messages);
        if messages.is_empty() {
            for text in io::stdin().lock().lines() {
                let text = text.context("standard input cannot be read: messages are lines of UTF-8")?;
                stored.send(&producer, self.message(text)).await?;
            }
        }
        for text in messages {
            stored.send(&producer, self.message(text)).await?;
        }
        stored.settle().await?;
        producer.close().await;
        stored.print(&self.topic)
    }

    fn message(&self, text: String) -> Outgoing {
        let message = Outgoing { key: self.key.as_deref().map(Into::into), ..Outgoing::new(text) };
        message.properties(self.properties.clone())
    }
}

/// What has its receipt, and what still waits for it.
struct Stored {
    output: Output,
    ids: Vec<String>,
    unanswered: Vec<Receipt>,
}

impl Stored {
    async fn send(&mut self, producer: &Producer, message: Outgoing) -> Result<()> {
        self.unanswered.push(producer.queue(message).await?);
        if self.unanswered.len() >= UNANSWERED_MAX {
            self.settle().await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<()> {
        for receipt in self.unanswered.drain(..) {
            match receipt.await {
                Ok(id) => self.ids.push(id.to_string()),
                Err(error) => bail!("after {} messages were stored: {error}", self.ids.len()),
            }
        }
        Ok(())
    }

    fn print(self, topic: &str) -> Result<()> {
        if self.output.format == Format::Table {
            return line(&format!("{} stored on {topic}", self.ids.len()));
        }
        let rows: Vec<_> = self.ids.into_iter().map(|id| row([("id", id.into())])).collect();
        self.output.rows(&["id"], &rows)
    }
}

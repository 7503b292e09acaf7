//! What somebody decides of a dead letter: that it is handled after all, or that it is dropped. Either is told by an event
//! of its own.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use hexalpes_client::{Message, MessageId};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Timestamp};
use hexalpes_outbox::{NewEvent, append};
use serde::{Deserialize, Serialize};

use crate::{
    blocked, budget,
    handler::{HandleError, Handler, Rejection},
    inbox::{self, Dropped, Letter, Reopened},
    item::Item,
    payload::Payload,
    runner::Runner,
};

/// The type of the event that tells of a replay.
pub const REPLAYED: &str = "com.hexabuilders.system.DeadLetterReplayed";
/// The type of the event that tells that one was dropped.
pub const DROPPED: &str = "com.hexabuilders.system.DeadLetterDropped";

/// A dead letter, as it lies on its canonical topic.
#[derive(Clone, Debug, Default)]
pub struct DeadLetter {
    /// As the dead letter names it: the inbox's name for the event.
    pub event_id: String,
    pub key: Option<String>,
    /// The topic that it came from.
    pub topic: String,
    /// The message's own, without those that tell of its death.
    pub properties: Vec<(String, String)>,
    /// What a handler is to get: a structured event, or the data as JSON.
    pub payload: Bytes,
    /// Whether the payload is another than that which came.
    pub is_edited: bool,
    /// Why it was not handled.
    pub code: String,
    pub reason: String,
    /// When it became a dead letter: tells those of before the inbox marked them from what was handled.
    pub died_at: Option<Timestamp>,
}

/// What became of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    Handled,
    /// It was handled before.
    Before,
}

/// Why a dead letter stays one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("{0}")]
    Refused(Rejection),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A consumer as an operator reaches it, whatever its handler.
pub(crate) trait Desk: Send + Sync {
    fn replay(
        &self,
        letter: DeadLetter,
        by: Cause,
        releases: bool,
    ) -> BoxFuture<'_, Result<Replayed, ReplayError>>;

    fn drop_letter(
        &self,
        letter: DeadLetter,
        by: Cause,
        releases: bool,
    ) -> BoxFuture<'_, Result<Dropped, DbError>>;
}

impl<H: Handler> Desk for Runner<H> {
    fn replay(
        &self,
        letter: DeadLetter,
        by: Cause,
        releases: bool,
    ) -> BoxFuture<'_, Result<Replayed, ReplayError>> {
        Box::pin(self.handle_letter(letter, by, releases))
    }

    fn drop_letter(
        &self,
        letter: DeadLetter,
        by: Cause,
        releases: bool,
    ) -> BoxFuture<'_, Result<Dropped, DbError>> {
        Box::pin(async move {
            let (consumer, told) = (self.consumer.clone(), self.told(DROPPED, &letter));
            let drop_letter = async move |tx: &Tx| -> Result<Dropped, DbError> {
                let dropped = inbox::drop_dead(tx, &consumer, letter.noted("")).await?;
                if dropped == Dropped::Now {
                    append(tx, &by, told.clone()).await?;
                }
                release(tx, &consumer, &letter, releases).await?;
                Ok(dropped)
            };
            self.db.write(drop_letter).await
        })
    }
}

impl<H: Handler> Runner<H> {
    /// Handler, inbox, release and the word of it in one transaction.
    async fn handle_letter(
        &self,
        letter: DeadLetter,
        by: Cause,
        releases: bool,
    ) -> Result<Replayed, ReplayError> {
        let mut item = Item::of(letter.message(), Ok(Payload::AsSent), self.options.only_kind);
        match &mut item.event {
            // One without a name was named after its place, which the letter alone still knows.
            Ok(event) => event.id.clone_from(&letter.event_id),
            Err(why) => return Err(ReplayError::Refused(Rejection::new("not_an_event", why.to_string()))),
        }
        item.id.clone_from(&letter.event_id);
        let (consumer, handler) = (self.consumer.clone(), Arc::clone(&self.handler));
        let (cause, told) = (item.cause(&*self.edge), self.told(REPLAYED, &letter));
        let replay = async move |tx: &Tx| -> Result<Replayed, HandleError> {
            let reopened = inbox::reopen(tx, &consumer, letter.noted(&item.digest), cause.at).await?;
            if reopened == Reopened::Handled {
                release(tx, &consumer, &letter, releases).await?;
                return Ok(Replayed::Before);
            }
            budget::forget(tx, &consumer, &item.id).await?;
            let event = item.event.as_ref().expect("others do not come here");
            handler.handle(tx, event, &cause).await?;
            append(tx, &by, told.clone()).await?;
            release(tx, &consumer, &letter, releases).await?;
            Ok(Replayed::Handled)
        };
        self.db.write(replay).await.map_err(|error| match error {
            HandleError::Rejected(rejection) => ReplayError::Refused(rejection),
            HandleError::Database(error) => ReplayError::Database(error),
            HandleError::Unknown { .. } => ReplayError::Refused(Rejection::new("unknown", error.to_string())),
            HandleError::Transient { why } | HandleError::Unexpected { why } => {
                ReplayError::Refused(Rejection::new("failed", why))
            }
        })
    }

    fn told(&self, kind: &'static str, letter: &DeadLetter) -> NewEvent {
        // What is read again of it is in `is_of`.
        #[derive(Serialize)]
        struct Told<'a> {
            event_id: &'a str,
            topic: &'a str,
            subscription: &'a str,
            key: Option<&'a str>,
            code: &'a str,
            reason: &'a str,
            is_edited: bool,
        }
        let told = Told {
            event_id: &letter.event_id,
            topic: &letter.topic,
            subscription: &self.consumer,
            key: letter.key.as_deref(),
            code: &letter.code,
            reason: &letter.reason,
            is_edited: letter.is_edited,
        };
        NewEvent {
            id: self.edge.uuid(),
            aggregate_type: "system",
            aggregate_id: letter.event_id.clone(),
            kind,
            data: serde_json::value::to_raw_value(&told).expect("texts are always JSON"),
        }
    }
}

/// Whether the data of an event that tells of a decision is of this consumer's.
pub(crate) fn is_of(told: &str, consumer: &str) -> bool {
    #[derive(Deserialize)]
    struct Told {
        subscription: String,
    }
    serde_json::from_str::<Told>(told).is_ok_and(|told| told.subscription == consumer)
}

async fn release(tx: &Tx, consumer: &str, letter: &DeadLetter, releases: bool) -> Result<(), DbError> {
    match &letter.key {
        Some(key) if releases => blocked::release_key(tx, consumer, key).await.map(drop),
        _ => Ok(()),
    }
}

impl DeadLetter {
    /// As the inbox is asked for it; the digest is of what a handler is to get.
    fn noted<'a>(&'a self, digest: &'a str) -> Letter<'a> {
        Letter { event_id: &self.event_id, digest, died_at: self.died_at }
    }

    /// The message that it was.
    fn message(&self) -> Message {
        Message {
            id: MessageId::EARLIEST,
            topic: Arc::from(self.topic.as_str()),
            payload: self.payload.clone(),
            key: self.key.clone(),
            key_is_base64: false,
            ordering_key: None,
            properties: self.properties.clone(),
            event_time: None,
            publish_time: 0,
            sequence_id: 0,
            producer_name: String::new(),
            redelivery_count: 0,
            schema_version: None,
            is_null: false,
        }
    }
}

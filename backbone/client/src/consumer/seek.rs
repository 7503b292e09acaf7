//! Moves a subscription, so that what follows is received once.
//!
//! A broker ends the subscription's consumers when it moves the cursor. What had been sent until then must
//! not be taken for what comes after, so the consumer takes nothing while it seeks, leaves if the broker did
//! not send it away, and subscribes anew under another id.

use std::sync::Arc;

use hexalpes_wire::MessageId;
use hexalpes_wire::proto::{Command, CommandSeek};

use super::mark::Mark;
use super::shared::Shared;
use crate::error::{ConsumeError, RequestError};
use crate::lookup;

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    /// Before everything that the topic still has.
    Earliest,
    /// After everything that it has now.
    Latest,
    /// This message is the next one.
    Message(MessageId),
    /// The first message published then or later, milliseconds since 1970.
    Time(u64),
}

impl SeekTo {
    fn command(self, consumer_id: u64, request_id: u64) -> Command {
        let (message_id, message_publish_time) = match self {
            Self::Earliest => (Some(MessageId::EARLIEST.into()), None),
            Self::Latest => (Some(MessageId::LATEST.into()), None),
            // Brokers know entries; the rest of a batch's beginning is left out on this end.
            Self::Message(id) => (Some(id.whole_entry().into()), None),
            Self::Time(time) => (None, Some(time)),
        };
        Command::Seek(CommandSeek { consumer_id, request_id, message_id, message_publish_time })
    }
}

pub(super) async fn seek(shared: &Arc<Shared>, to: SeekTo) -> Result<(), ConsumeError> {
    let timeout = shared.operation_timeout();
    tokio::time::timeout(timeout, seek_unhurried(shared, to))
        .await
        .unwrap_or(Err(RequestError::TimedOut { timeout }.into()))
}

async fn seek_unhurried(shared: &Arc<Shared>, to: SeekTo) -> Result<(), ConsumeError> {
    loop {
        let link = shared.wait_for_link().await?;
        let seeking = Seeking::begin(shared);
        match link.connection.request(|request_id| to.command(link.id, request_id)).await {
            Ok(Command::Success(_)) => {
                leave(shared, link.id).await;
                shared.moved(match to {
                    SeekTo::Message(id) => Some(id),
                    SeekTo::Earliest | SeekTo::Latest | SeekTo::Time(_) => None,
                });
                drop(seeking);
                shared.wait_for_link().await?;
                return Ok(());
            }
            Ok(other) => return Err(lookup::unexpected("SEEK", &other).into()),
            // Whether it moved is not known; moving it again does no harm.
            Err(RequestError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Moves a reader: it leaves, and its subscription with it, and begins another one there.
pub(super) async fn go_to(shared: &Arc<Shared>, to: Mark) -> Result<(), ConsumeError> {
    let link = shared.wait_for_link().await?;
    let seeking = Seeking::begin(shared);
    leave(shared, link.id).await;
    *shared.mark.lock() = to;
    shared.moved(to.first());
    drop(seeking);
    shared.wait_for_link().await.map(drop)
}

/// Ends the consumer on this end, unless the broker did.
async fn leave(shared: &Shared, id: u64) {
    if let Some(link) = shared.unlink(id)
        && let Err(error) = link.leave().await
    {
        tracing::debug!(reason = %error, "left a subscription to seek, without an answer");
    }
}

/// While this lives, the consumer takes nothing and does not subscribe.
struct Seeking<'a> {
    shared: &'a Shared,
}

impl<'a> Seeking<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.set_seeking(true);
        Self { shared }
    }
}

impl Drop for Seeking<'_> {
    fn drop(&mut self) {
        self.shared.set_seeking(false);
    }
}

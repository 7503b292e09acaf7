//! One connection to one broker: requests and answers, and routes for what a broker sends by itself.
//!
//! One task per connection reads, writes and keeps it alive. Everything else is done where it is asked
//! for: whoever sends a frame appends it to the outgoing buffer, and when nothing else is on its way he
//! writes it himself, so that a request in flight alone crosses no thread before the wire.

mod handshake;
mod outgoing;
mod routes;
mod task;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use hexalpes_wire::frame::{self, Frame};
use hexalpes_wire::proto::Command;
use tokio_util::sync::CancellationToken;

pub(crate) use handshake::{Dialer, tls_config};
use outgoing::Outgoing;
pub(crate) use outgoing::Urgency;
use routes::Routes;

use crate::error::RequestError;

/// A producer, a consumer or a watch, as its connection sees it.
pub(crate) trait Route: Send + Sync + std::fmt::Debug {
    /// Something arrived under this route's id. Must not wait.
    fn on_frame(&self, id: u64, frame: Frame);
    /// The connection is gone; nothing more will arrive under this id.
    fn on_lost(&self, id: u64);
}

/// A connection that was opened. It ends by itself when lost, or when its last handle is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    closing: CancellationToken,
}

/// What handles and the connection's task share.
#[derive(Debug)]
struct Shared {
    outgoing: Outgoing,
    routes: Routes,
    next_id: AtomicU64,
    max_message_bytes: usize,
    watches_topics: bool,
    operation_timeout: Duration,
    /// For the answer when the broker asks for credentials again.
    token: Option<crate::options::Token>,
}

impl Connection {
    /// What the broker takes as one message.
    pub(crate) fn max_message_bytes(&self) -> usize {
        self.shared.max_message_bytes
    }

    /// Whether the broker tells who asks for it which topics come and go.
    pub(crate) fn watches_topics(&self) -> bool {
        self.shared.watches_topics
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.shared.outgoing.is_closed()
    }

    /// An id for a request, a producer, a consumer or a watch, unique on this connection.
    pub(crate) fn next_id(&self) -> u64 {
        self.shared.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request made with a fresh id and waits for its answer. Dropping the future forgets it.
    pub(crate) async fn request(&self, make: impl FnOnce(u64) -> Command) -> Result<Command, RequestError> {
        let id = self.next_id();
        let command = make(id);
        debug_assert_eq!(command.request_id(), Some(id), "a request carries the id it was made with");
        let answer = self.shared.routes.expect_answer(id);
        self.tell(&command).await?;
        let timeout = self.shared.operation_timeout;
        match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(RequestError::TimedOut { timeout }),
        }
    }

    /// A request that may be answered when others let it, however long that takes.
    pub(crate) async fn request_patiently(
        &self,
        make: impl FnOnce(u64) -> Command,
    ) -> Result<Command, RequestError> {
        let id = self.next_id();
        let answer = self.shared.routes.expect_answer(id);
        self.tell(&make(id)).await?;
        answer.await
    }

    /// Sends a command that has no answer, once there is room for it.
    pub(crate) async fn tell(&self, command: &Command) -> Result<(), RequestError> {
        self.shared.outgoing.room().await;
        self.push(Urgency::Now, |out| frame::encode(command, out))
    }

    /// Sends a command that has no answer, from where nobody can wait.
    pub(crate) fn tell_at_once(&self, command: &Command) -> Result<(), RequestError> {
        self.push(Urgency::Soon, |out| frame::encode(command, out))
    }

    /// Appends frames to what goes out.
    pub(crate) fn push(
        &self,
        urgency: Urgency,
        write: impl FnOnce(&mut BytesMut),
    ) -> Result<(), RequestError> {
        if self.shared.outgoing.push(urgency, write) { Ok(()) } else { Err(RequestError::Lost) }
    }

    /// What is pushed leaves when it is released, together.
    pub(crate) fn hold(&self) {
        self.shared.outgoing.hold();
    }

    pub(crate) fn release(&self) {
        self.shared.outgoing.release();
    }

    pub(crate) fn release_all(&self) {
        self.shared.outgoing.release_all();
    }

    /// From now on `route` gets what arrives under the id. False if the connection is lost already.
    pub(crate) fn route(&self, id: u64, route: Arc<dyn Route>) -> bool {
        self.shared.routes.add(id, route)
    }

    pub(crate) fn unroute(&self, id: u64) {
        self.shared.routes.remove(id);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

//! Who waits for what on a connection.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hexalpes_wire::proto::Command;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Route;
use crate::error::{Refusal, RequestError};

type Answer = Result<Command, RequestError>;

#[derive(Debug, Default)]
pub(super) struct Routes {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    requests: HashMap<u64, oneshot::Sender<Answer>>,
    routes: HashMap<u64, Arc<dyn Route>>,
    lost: bool,
}

impl Routes {
    /// The answer to a request that is about to be sent.
    pub(super) fn expect_answer(&self, id: u64) -> Expected<'_> {
        let (sender, receiver) = oneshot::channel();
        let mut table = self.table.lock();
        // On a lost connection the sender is dropped here, which the receiver reads as that.
        if !table.lost {
            table.requests.insert(id, sender);
        }
        drop(table);
        Expected { routes: self, id, receiver }
    }

    pub(super) fn answer(&self, id: u64, command: Command) {
        let Some(waiting) = self.table.lock().requests.remove(&id) else {
            tracing::debug!(request.id = id, "an answer came for which nobody waits any more");
            return;
        };
        // Whoever asked may be gone by now; then nobody misses the answer.
        let _ = waiting.send(refusal(&command).map_or(Ok(command), |refusal| Err(refusal.into())));
    }

    pub(super) fn add(&self, id: u64, route: Arc<dyn Route>) -> bool {
        let mut table = self.table.lock();
        if !table.lost {
            table.routes.insert(id, route);
        }
        !table.lost
    }

    pub(super) fn remove(&self, id: u64) {
        self.table.lock().routes.remove(&id);
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<dyn Route>> {
        self.table.lock().routes.get(&id).cloned()
    }

    /// Nobody has anything open, and nobody waits for an answer.
    pub(super) fn are_idle(&self) -> bool {
        let table = self.table.lock();
        table.requests.is_empty() && table.routes.is_empty()
    }

    /// Ends every wait and tells every route.
    pub(super) fn lose(&self) {
        let routes = {
            let mut table = self.table.lock();
            table.lost = true;
            table.requests.clear();
            std::mem::take(&mut table.routes)
        };
        for (id, route) in routes {
            route.on_lost(id);
        }
    }
}

/// What an answer refuses, whatever its shape.
fn refusal(command: &Command) -> Option<Refusal> {
    let (error, message) = match command {
        Command::Error(error) => (error.error, Some(error.message.clone())),
        Command::AckResponse(c) => (c.error?, c.message.clone()),
        Command::PartitionedMetadataResponse(c) => (c.error?, c.message.clone()),
        Command::LookupResponse(c) => (c.error?, c.message.clone()),
        Command::GetSchemaResponse(c) => (c.error_code?, c.error_message.clone()),
        Command::GetOrCreateSchemaResponse(c) => (c.error_code?, c.error_message.clone()),
        Command::ConsumerStatsResponse(c) => (c.error_code?, c.error_message.clone()),
        _ => return None,
    };
    Some(Refusal::new(error, message.unwrap_or_default()))
}

/// An answer that is awaited. Dropped, it is expected no more.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    routes: &'a Routes,
    id: u64,
    receiver: oneshot::Receiver<Answer>,
}

impl Future for Expected<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.receiver).poll(context).map(|answer| answer.unwrap_or(Err(RequestError::Lost)))
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.routes.table.lock().requests.remove(&self.id);
    }
}

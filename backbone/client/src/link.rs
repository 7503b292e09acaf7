//! What a producer or a consumer has at its broker: an id on a connection, until it says farewell.

use std::sync::Arc;

use hexalpes_wire::proto::Command;

use crate::connection::{Connection, Route};
use crate::error::RequestError;

/// Closes what has the first id, by a request that has the second.
pub(crate) type Farewell = fn(u64, u64) -> Command;

/// The open end on a connection. Every opening has an id of its own, so that what arrives late under an old
/// one is nobody's.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) connection: Arc<Connection>,
    pub(crate) id: u64,
    farewell: Farewell,
}

impl Link {
    /// Says farewell and waits until it was heard.
    pub(crate) async fn leave(self) -> Result<(), RequestError> {
        self.connection.unroute(self.id);
        self.connection.request(|request_id| (self.farewell)(self.id, request_id)).await.map(drop)
    }

    /// Says farewell without waiting.
    pub(crate) fn detach(&self) {
        self.connection.unroute(self.id);
        // On a connection that is lost there is nobody to tell.
        let _ = self.connection.tell_at_once(&(self.farewell)(self.id, self.connection.next_id()));
    }
}

/// A link that is being made: given up, it is ended again, whatever the broker made of it.
pub(crate) struct Opening {
    link: Link,
    done: bool,
}

impl Opening {
    /// From now on `route` gets what arrives under the new id.
    pub(crate) fn begin(
        connection: Arc<Connection>,
        route: Arc<dyn Route>,
        farewell: Farewell,
    ) -> Result<Self, RequestError> {
        let id = connection.next_id();
        if !connection.route(id, route) {
            return Err(RequestError::Lost);
        }
        Ok(Self { link: Link { connection, id, farewell }, done: false })
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn finish(mut self) -> Link {
        self.done = true;
        self.link.clone()
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.done {
            self.link.detach();
        }
    }
}

//! The client's connections: one per broker, opened when needed, replaced when lost.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::address::Address;
use crate::connection::{Connection, Dialer};
use crate::error::ConnectError;

/// Which broker is meant, and where to dial to reach it (they differ behind a proxy).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) dial: Address,
    pub(crate) broker: Address,
}

impl Target {
    pub(crate) fn direct(address: Address) -> Self {
        Self { dial: address.clone(), broker: address }
    }
}

/// Where the connection to one target is, or is being made.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

#[derive(Debug)]
pub(crate) struct Pool {
    dialer: Dialer,
    service: Vec<Address>,
    slots: Mutex<HashMap<Target, Slot>>,
}

impl Pool {
    pub(crate) fn new(dialer: Dialer, service: Vec<Address>) -> Self {
        Self { dialer, service, slots: Mutex::default() }
    }

    pub(crate) const fn uses_tls(&self) -> bool {
        self.dialer.uses_tls()
    }

    /// A connection to a target. Who comes while it is being made waits for the same one.
    pub(crate) async fn get(&self, target: &Target) -> Result<Arc<Connection>, ConnectError> {
        let slot = Arc::clone(self.slots.lock().entry(target.clone()).or_default());
        let mut slot = slot.lock().await;
        if let Some(connection) = slot.as_ref().filter(|connection| !connection.is_lost()) {
            return Ok(Arc::clone(connection));
        }
        *slot = None;
        let connection = Arc::new(self.dialer.connect(&target.dial, &target.broker).await?);
        *slot = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Those that are open.
    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        // Where one is being made, nothing was sent yet.
        self.slots.lock().values().filter_map(|slot| slot.try_lock().ok()?.clone()).collect()
    }

    /// A connection to any host of the service URL, and which one it is.
    pub(crate) async fn service(&self) -> Result<(Arc<Connection>, Address), ConnectError> {
        let mut last = None;
        for address in &self.service {
            match self.get(&Target::direct(address.clone())).await {
                Ok(connection) => return Ok((connection, address.clone())),
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("a service URL names at least one host"))
    }
}

//! The commission API, its outbox and the relay that carries it.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use hexalpes_client::Client;
use hexalpes_db::Db;
use hexalpes_kernel::Edge;
use hexalpes_outbox::{Relay, RelayOptions, Status};

use super::{Service, database, housekeeping::Housekeeping};
use crate::{
    debug,
    health::{Probe, check},
    settings::Settings,
};

/// The database, open and up to date; nothing runs yet.
#[derive(Debug)]
pub(crate) struct Commissions {
    db: Db,
}

/// Commissions at work.
#[derive(Debug)]
pub(crate) struct Running {
    db: Db,
    relay: Option<Relay>,
    housekeeping: Housekeeping,
}

impl Commissions {
    pub(crate) async fn open(settings: &Settings) -> Result<Self> {
        Ok(Self { db: database::open(settings, Service::Commissions).await? })
    }

    /// Without a client there is no relay: somebody said so.
    pub(crate) fn start(self, client: Option<Client>, edge: &Arc<dyn Edge>) -> Running {
        let options = RelayOptions::new(Service::Commissions.name());
        let start = |client| Relay::start(self.db.clone(), client, Arc::clone(edge), options);
        let relay = client.map(start);
        let housekeeping = Housekeeping::start(self.db.clone(), Arc::clone(edge));
        Running { db: self.db, relay, housekeeping }
    }
}

impl Running {
    /// Commands, queries and what an operator looks at; health is for whoever knows all parts.
    pub(crate) fn router(&self, edge: &Arc<dyn Edge>) -> Router {
        hexalpes_commissions::router(self.db.clone(), Arc::clone(edge))
            .merge(debug::outbox_and_relay(self.db.clone(), self.status_reader()))
    }

    pub(crate) fn probe(&self) -> Probe {
        let status = self.status_reader();
        let probe = move || {
            let status = status();
            check(status.running, status.alarm)
        };
        ("relay", Box::new(probe))
    }

    fn status_reader(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let reader = self.relay.as_ref().map(Relay::status_reader);
        move || reader.as_ref().map_or_else(off, |read| read())
    }

    /// What was accepted is finished: who carries, then where it is kept.
    pub(crate) async fn stop(self) {
        if let Some(relay) = self.relay {
            relay.stop().await;
        }
        self.housekeeping.stop().await;
        self.db.close().await;
    }
}

/// It does not run, and that is how it was asked for.
fn off() -> Status {
    Status { standby: Some("the relay is off: --no-relay".to_owned()), ..Status::default() }
}

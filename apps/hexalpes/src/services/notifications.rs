//! The audit trail: notifications with their inbox and file.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use axum::Router;
use hexalpes_client::Client;
use hexalpes_db::Db;
use hexalpes_files::RealFiles;
use hexalpes_kernel::Edge;
use hexalpes_notifications::{Notifications, NotificationsOptions};

use super::{Service, database};
use crate::{
    debug,
    health::{Probe, check},
    settings::Settings,
};

/// In the data folder.
pub(crate) const EVENTS_FILE: &str = "events.jsonl";

/// The inbox, open and up to date; nothing runs yet.
#[derive(Debug)]
pub(crate) struct AuditTrail {
    db: Db,
    file: PathBuf,
}

/// Notifications at work.
#[derive(Debug)]
pub(crate) struct Running {
    db: Db,
    notifications: Notifications,
}

impl AuditTrail {
    pub(crate) async fn open(settings: &Settings) -> Result<Self> {
        let db = database::open(settings, Service::Notifications).await?;
        Ok(Self { db, file: settings.data().join(EVENTS_FILE) })
    }

    pub(crate) async fn start(self, client: Client, edge: &Arc<dyn Edge>) -> Result<Running> {
        let files = Arc::new(RealFiles);
        let options = NotificationsOptions::new(self.file);
        let notifications =
            Notifications::start(self.db.clone(), client, files, Arc::clone(edge), options).await?;
        Ok(Running { db: self.db, notifications })
    }
}

impl Running {
    pub(crate) fn router(&self) -> Router {
        debug::notifications(self.notifications.status_reader())
    }

    pub(crate) fn probe(&self) -> Probe {
        let status = self.notifications.status_reader();
        let probe = move || {
            let status = status();
            check(status.running, status.alarm)
        };
        ("notifications", Box::new(probe))
    }

    pub(crate) async fn stop(self) {
        self.notifications.stop().await;
        self.db.close().await;
    }
}

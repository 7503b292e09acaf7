//! The audit trail: notifications with their inbox and file.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, anyhow};
use axum::Router;
use hexalpes_client::Client;
use hexalpes_db::Db;
use hexalpes_files::RealFiles;
use hexalpes_kernel::Edge;
use hexalpes_notifications::{Notifications, NotificationsOptions, StartError};

use super::{Service, database};
use crate::{
    debug,
    health::{Probe, check},
    settings::Settings,
};

/// In the data folder.
pub(crate) const EVENTS_FILE: &str = "events.jsonl";

/// The inbox, open; nothing runs yet.
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
    /// Refuses a file that has lost lines.
    pub(crate) async fn open(settings: &Settings, edge: &Arc<dyn Edge>) -> Result<Self> {
        let trail = Self {
            db: database::open(settings, Service::Notifications).await?,
            file: settings.data().join(EVENTS_FILE),
        };
        let (files, options) = (Arc::new(RealFiles), NotificationsOptions::new(&trail.file));
        let checked = hexalpes_notifications::check(trail.db.clone(), files, Arc::clone(edge), options).await;
        checked.map_err(|error| trail.refused(&error))?;
        Ok(trail)
    }

    fn refused(&self, error: &StartError) -> anyhow::Error {
        anyhow!("the audit trail {} cannot start: {error}", self.file.display())
    }

    pub(crate) async fn update(&self, settings: &Settings) -> Result<()> {
        database::update(&self.db, settings, Service::Notifications).await
    }

    /// On an inbox that is up to date.
    pub(crate) async fn start(self, client: Client, edge: &Arc<dyn Edge>) -> Result<Running> {
        let files = Arc::new(RealFiles);
        let options = NotificationsOptions::new(&self.file);
        let started = Notifications::start(self.db.clone(), client, files, Arc::clone(edge), options).await;
        let notifications = started.map_err(|error| self.refused(&error))?;
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

//! A service's database, with all tables that its parts need.

use anyhow::{Context as _, Result};
use hexalpes_db::{Db, DbOptions, MigrateError, Migration};

use super::Service;
use crate::settings::Settings;

impl Service {
    const fn migrations(self) -> &'static [&'static [Migration]] {
        match self {
            Self::Commissions => &[
                hexalpes_outbox::MIGRATIONS,
                hexalpes_consumer::MIGRATIONS,
                hexalpes_http::idempotency::MIGRATIONS,
                hexalpes_commissions::MIGRATIONS,
            ],
            Self::Notifications => &[hexalpes_notifications::MIGRATIONS],
        }
    }
}

/// Opens the database of a service and brings it up to date.
pub(crate) async fn open(settings: &Settings, service: Service) -> Result<Db> {
    let url = settings.database(service)?;
    let db = Db::open(&url, DbOptions::default())
        .await
        .with_context(|| format!("the database of {} cannot be opened", service.name()))?;
    for part in service.migrations() {
        db.migrate(part).await.map_err(|error| match error {
            MigrateError::Newer { .. } => {
                anyhow::anyhow!("{url}: {error}; start the newer one, or choose another with --data")
            }
            other => anyhow::anyhow!("{url}: {other}"),
        })?;
    }
    Ok(db)
}

/// `hexalpes migrate` for one service; where it lies.
pub(crate) async fn migrate(settings: &Settings, service: Service) -> Result<String> {
    open(settings, service).await?.close().await;
    Ok(settings.database(service)?.to_string())
}

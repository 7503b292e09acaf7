//! A service's database, with all tables that its parts need.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use hexalpes_db::{DatabaseUrl, Db, DbOptions, MigrateError, Migration, OpenError};

use super::Service;
use crate::settings::Settings;

impl Service {
    fn migrations(self) -> Vec<Migration> {
        match self {
            Self::PartnerManagement => of_context(hexalpes_partner_management::MIGRATIONS),
            Self::Affiliates => of_context(hexalpes_affiliates::MIGRATIONS),
            Self::Conversions => of_context(hexalpes_conversions::MIGRATIONS),
            Self::Commissions => of_context(hexalpes_commissions::MIGRATIONS),
            Self::Onboarding => of_context(hexalpes_onboarding::MIGRATIONS),
            Self::CampaignManagement => of_context(hexalpes_campaign_management::MIGRATIONS),
            Self::Recruitment => of_context(hexalpes_recruitment::MIGRATIONS),
            Self::Analytics => of_context(hexalpes_analytics::MIGRATIONS),
            Self::Notifications => {
                [hexalpes_http::idempotency::MIGRATIONS, hexalpes_notifications::MIGRATIONS].concat()
            }
        }
    }
}

/// A context's own tables, and those of the outbox, the consumers and the kept answers.
fn of_context(own: &[Migration]) -> Vec<Migration> {
    [hexalpes_outbox::MIGRATIONS, hexalpes_consumer::MIGRATIONS, hexalpes_http::idempotency::MIGRATIONS, own]
        .concat()
}

/// Opens the database of a service, and refuses one that cannot be brought up to date. Its tables stay as they
/// are until [`update`].
pub(crate) async fn open(settings: &Settings, service: Service) -> Result<Db> {
    let url = settings.database(service)?;
    let db = Db::open(&url, DbOptions::default()).await.map_err(|error| unopened(service, &error))?;
    told(db.check(&service.migrations()).await, &url)?;
    Ok(db)
}

/// As [`open`], for who only looks: a file that is not there stays so.
pub(crate) async fn existing(settings: &Settings, service: Service) -> Result<Db> {
    ensure!(
        is_there(settings, service)?,
        "the database of {} is not at {}: start the product once (`hexalpes`), or say with --data, DATABASE_URL or {} where it is",
        service.name(),
        settings.database(service)?,
        service.database_key().variable()
    );
    open(settings, service).await
}

/// Whether a service has a database, as far as that shows without asking it: of a server it is taken for granted.
pub(crate) fn is_there(settings: &Settings, service: Service) -> Result<bool> {
    let url = settings.database(service)?.to_string();
    Ok(url.strip_prefix("sqlite:").is_none_or(|path| Path::new(path).is_file()))
}

/// Brings an open database up to date.
pub(crate) async fn update(db: &Db, settings: &Settings, service: Service) -> Result<()> {
    told(db.migrate(&service.migrations()).await, &settings.database(service)?)
}

/// What lies on the disk has its way out already; of a server it is known where the address was said.
fn unopened(service: Service, error: &OpenError) -> anyhow::Error {
    let way_out = match error {
        OpenError::Server { .. } => {
            let variable = service.database_key().variable();
            format!("; start it, or correct its address in {variable} or DATABASE_URL")
        }
        _ => String::new(),
    };
    anyhow!("the database of {} cannot be opened: {error}{way_out}", service.name())
}

fn told(outcome: Result<(), MigrateError>, url: &DatabaseUrl) -> Result<()> {
    outcome.map_err(|error| match error {
        MigrateError::Newer { .. } => {
            anyhow!("{url}: {error}; start the newer one, or choose another with --data")
        }
        other => anyhow!("{url}: {other}"),
    })
}

/// `hexalpes migrate` for one service; where it lies.
pub(crate) async fn migrate(settings: &Settings, service: Service) -> Result<String> {
    let db = open(settings, service).await?;
    update(&db, settings, service).await?;
    db.close().await;
    Ok(settings.database(service)?.to_string())
}

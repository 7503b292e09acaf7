//! The services: what each needs to run, alone or beside the others.

mod commissions;
mod database;
mod housekeeping;
mod notifications;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use hexalpes_db::{Backend, DatabaseUrl};

pub(crate) use commissions::Commissions;
pub(crate) use database::migrate;
pub(crate) use notifications::{AuditTrail, EVENTS_FILE};

use crate::settings::{Key, Settings, Usage};

/// A service by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// The commission API with its outbox and relay
    Commissions,
    /// The audit trail of events, `events.jsonl`
    Notifications,
}

impl Service {
    pub(crate) const ALL: [Self; 2] = [Self::Commissions, Self::Notifications];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Commissions => "commissions",
            Self::Notifications => "notifications",
        }
    }

    pub(crate) const fn port_key(self) -> Key {
        match self {
            Self::Commissions => Key::CommissionsPort,
            Self::Notifications => Key::NotificationsPort,
        }
    }

    pub(crate) const fn database_key(self) -> Key {
        match self {
            Self::Commissions => Key::CommissionsDatabaseUrl,
            Self::Notifications => Key::NotificationsDatabaseUrl,
        }
    }
}

/// The databases of services that run together, or why they cannot: each has its own, and an outbox on a
/// server would be read by nobody.
pub(crate) fn databases(settings: &Settings, services: &[Service], with_relay: bool) -> Result<()> {
    let mut seen: Vec<(Service, DatabaseUrl)> = Vec::new();
    for &service in services {
        let url = settings.database(service)?;
        ensure!(
            !with_relay || service != Service::Commissions || url.backend() == Backend::Sqlite,
            Usage(format!(
                "{url}: there is no relay for server databases yet, so no event would leave it; set {}=sqlite:PATH, \
                 or say --no-relay",
                service.database_key().variable()
            ))
        );
        if let Some((other, _)) = seen.iter().find(|(_, other)| *other == url) {
            let (one, two) = (other.name(), service.name());
            bail!(Usage(format!(
                "{url} would be the database of {one} and of {two}: give each its own with {} and {}",
                other.database_key().variable(),
                service.database_key().variable()
            )));
        }
        seen.push((service, url));
    }
    Ok(())
}

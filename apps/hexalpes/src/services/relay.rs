//! A context's relay, by what its database lets it read: the table on `SQLite`, the database's log on servers.

use std::sync::Arc;

use anyhow::{Result, bail};
use hexalpes_capture::LogError;
use hexalpes_client::Client;
use hexalpes_db::{Backend, DatabaseUrl, Db};
use hexalpes_kernel::Edge;
use hexalpes_outbox::{BinlogSource, LogSource, OutboxPlace, Relay, RelayOptions, SlotSource};

use super::Service;
use crate::settings::Settings;

/// What a relay of that service goes by.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    service: Service,
    url: DatabaseUrl,
    /// What names of slots begin with.
    slot: String,
    /// The first of the numbers by which logs are read, one for each service.
    server_id: Option<u32>,
}

impl Carrier {
    pub(super) fn of(settings: &Settings, service: Service) -> Result<Self> {
        Ok(Self {
            service,
            url: settings.database(service)?,
            slot: settings.relay_slot()?,
            server_id: settings.relay_server_id()?,
        })
    }

    /// On an open database that is up to date. One whose log cannot be read is refused with what mends it.
    pub(super) async fn start(
        &self,
        db: &Db,
        client: Client,
        edge: Arc<dyn Edge>,
        options: RelayOptions,
    ) -> Result<Relay> {
        let Some(address) = self.url.with_password() else {
            return Ok(Relay::start(db.clone(), client, edge, options));
        };
        let place = OutboxPlace::of(db).await?;
        if self.url.backend() == Backend::Postgres {
            let source = SlotSource::new(address, &place, &self.slot_name(&place));
            self.accept(&source).await?;
            Ok(Relay::start_on_log(db.clone(), client, edge, options, source))
        } else {
            let source = BinlogSource::new(address, &place, self.server_id(&place));
            self.accept(&source).await?;
            Ok(Relay::start_on_log(db.clone(), client, edge, options, source))
        }
    }

    /// What is only away for the moment, the relay says and waits for.
    async fn accept(&self, source: &impl LogSource) -> Result<()> {
        match source.check().await {
            Err(error @ LogError::Refused { .. }) => bail!(
                "the events of {} cannot be read from the log of {}: {error}; or say --no-relay",
                self.service.name(),
                self.url
            ),
            _ => Ok(()),
        }
    }

    /// Slots are the server's and not the database's, so the name tells those of other databases apart.
    fn slot_name(&self, place: &OutboxPlace) -> String {
        let service = self.service.name().replace('-', "_");
        format!("{}_{service}_{:08x}", self.slot, self.number(place))
    }

    /// Above what people give their servers.
    fn server_id(&self, place: &OutboxPlace) -> u32 {
        let own = Service::ALL.iter().position(|service| *service == self.service);
        match (self.server_id, own.and_then(|own| u32::try_from(own).ok())) {
            (Some(first), Some(own)) => first.saturating_add(own),
            _ => 1_000_000_000 + self.number(place) % 1_000_000_000,
        }
    }

    /// The same at every start: FNV-1a of the names.
    fn number(&self, place: &OutboxPlace) -> u32 {
        let names = [&place.database, &place.table.schema, self.service.name()].map(str::as_bytes).join(&0);
        names.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_capture::TableName;

    use super::*;

    fn carrier(service: Service, server_id: Option<u32>) -> Carrier {
        let url = DatabaseUrl::parse("postgresql://me@h/alpes").expect("a URL");
        Carrier { service, url, slot: "hexalpes".to_owned(), server_id }
    }

    fn place(database: &str) -> OutboxPlace {
        OutboxPlace { database: database.to_owned(), table: TableName::new("commissions", "outbox_event") }
    }

    #[test]
    fn readers_of_one_server_have_names_and_numbers_of_their_own_and_keep_them() {
        let own = carrier(Service::Commissions, None);
        assert_eq!(own.slot_name(&place("alpes")), "hexalpes_commissions_559dcd9c");
        assert_ne!(own.slot_name(&place("alpes")), own.slot_name(&place("test")));
        let longest = carrier(Service::CampaignManagement, None).slot_name(&place("alpes"));
        assert!(longest.starts_with("hexalpes_campaign_management_") && longest.len() < 64, "{longest}");
        let numbers = [own.server_id(&place("alpes")), own.server_id(&place("test"))];
        assert!(
            numbers[0] != numbers[1] && numbers.iter().all(|number| *number >= 1_000_000_000),
            "{numbers:?}"
        );
        let named = |service| carrier(service, Some(500)).server_id(&place("alpes"));
        assert_eq!((named(Service::PartnerManagement), named(Service::Commissions)), (500, 503));
    }
}

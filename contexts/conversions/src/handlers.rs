//! What this context does with messages: it keeps what the affiliates context tells.

use std::sync::Arc;
use std::time::Duration;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{ConsumerOptions, Event, EventConsumer, HandleError, Handler, field};
use hexalpes_contracts::affiliates::{self, Told};
use hexalpes_db::{Db, Tx};
use hexalpes_kernel::{Cause, Currency, Edge};

use crate::commands::{self, Told as Learned};
use crate::domain::{
    AffiliateCode, AffiliateId, CampaignId, KnownAffiliate, KnownLink, KnownProgram, Model, ProgramId, Slug,
};

/// This context's name on the wire.
const SERVICE: &str = "conversions";

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'.
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 1], OpenError> {
    let options = ConsumerOptions::new(SERVICE, "affiliates", TopicName::parse(affiliates::TOPIC)?);
    Ok([EventConsumer::start(db.clone(), client.clone(), Arc::clone(edge), Affiliates, options)?])
}

/// Keeps programs, affiliates and links.
struct Affiliates;

impl Handler for Affiliates {
    async fn handle(&self, tx: &Tx, event: &Event, _cause: &Cause) -> Result<(), HandleError> {
        // A type that this version does not know is none of its business.
        let Some(told) = Told::read(event.bare_kind(), &event.data) else { return Ok(()) };
        let told = told.map_err(HandleError::invalid_event)?;
        Ok(commands::learn(tx, learned(told)?).await?)
    }
}

fn learned(told: Told) -> Result<Learned, HandleError> {
    Ok(match told {
        Told::Program(program) => Learned::Program(of_program(&program).map_err(HandleError::invalid_event)?),
        Told::Affiliate(affiliate) => Learned::Affiliate(KnownAffiliate {
            id: field("affiliate_id", AffiliateId::parse(&affiliate.affiliate_id))?,
            revision: affiliate.revision,
            program: field("program_id", ProgramId::parse(&affiliate.program_id))?,
            code: field("code", AffiliateCode::parse(&affiliate.code))?,
            is_active: affiliate.status == "ACTIVE",
        }),
        Told::Link(link) => Learned::Link(KnownLink {
            slug: field("slug", Slug::parse(&link.slug))?,
            affiliate: field("affiliate_id", AffiliateId::parse(&link.affiliate_id))?,
            program: field("program_id", ProgramId::parse(&link.program_id))?,
            campaign: link.campaign_id.map(|id| field("campaign_id", CampaignId::parse(&id))).transpose()?,
            destination: link.destination,
        }),
    })
}

/// A program as it was told, or what is wrong with it.
pub(crate) fn of_program(program: &affiliates::Program) -> Result<KnownProgram, String> {
    let wrong = |field: &str, why: &dyn std::fmt::Display| format!("{field}: {why}");
    Ok(KnownProgram {
        id: ProgramId::parse(&program.program_id).map_err(|why| wrong("program_id", &why))?,
        revision: program.revision,
        currency: Currency::parse(&program.currency).map_err(|why| wrong("currency", &why))?,
        model: Model::parse(&program.attribution)
            .ok_or_else(|| wrong("attribution", &program.attribution))?,
        window: Duration::from_secs(program.attribution_window_seconds),
        is_active: program.status == "ACTIVE",
    })
}

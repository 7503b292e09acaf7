//! What happened, in the words that other contexts know, on its way into the outbox.

use hexalpes_contracts::affiliates::{self as wire, Event};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};
use hexalpes_outbox::NewEvent;

use crate::domain::{Affiliate, AffiliateFact, Link, Program, Registration};

/// Tells the terms of a program, which are new or have changed.
pub(crate) async fn of_program(tx: &Tx, id: Uuid, program: &Program, cause: &Cause) -> Result<(), DbError> {
    let data = terms(program);
    let event =
        if program.revision() == 1 { Event::ProgramCreated(data) } else { Event::ProgramUpdated(data) };
    append(tx, id, event, cause).await
}

fn terms(program: &Program) -> wire::Program {
    let terms = program.terms();
    wire::Program {
        program_id: program.id().to_string(),
        revision: program.revision(),
        name: terms.name.clone(),
        currency: terms.currency.to_string(),
        default_rate: terms.default_rate.percent().to_json(),
        hold_seconds: terms.hold.as_secs(),
        auto_approve: terms.auto_approve,
        attribution: terms.attribution.name().to_owned(),
        attribution_window_seconds: terms.attribution_window.as_secs(),
        status: program.status().name().to_owned(),
        valid_from: program.valid_from().to_string(),
    }
}

/// Exhaustive on purpose: a new fact cannot be forgotten.
pub(crate) async fn of_affiliate(
    tx: &Tx,
    id: Uuid,
    fact: AffiliateFact,
    affiliate: &Affiliate,
    cause: &Cause,
) -> Result<(), DbError> {
    let data = state(affiliate);
    let event = match fact {
        AffiliateFact::Registered => Event::AffiliateRegistered(data),
        AffiliateFact::Updated => Event::AffiliateUpdated(data),
        AffiliateFact::Suspended => Event::AffiliateSuspended(data),
        AffiliateFact::Reactivated => Event::AffiliateReactivated(data),
        AffiliateFact::Terminated => Event::AffiliateTerminated(data),
    };
    append(tx, id, event, cause).await
}

/// Links are told under their affiliate's key, so that they come after it.
pub(crate) async fn of_link(tx: &Tx, id: Uuid, link: &Link, cause: &Cause) -> Result<(), DbError> {
    let event = Event::LinkCreated(wire::Link {
        link_id: link.id.to_string(),
        affiliate_id: link.affiliate.to_string(),
        program_id: link.program.to_string(),
        campaign_id: link.campaign.as_ref().map(ToString::to_string),
        slug: link.slug.clone(),
        destination: link.destination.as_str().to_owned(),
        created_at: link.created_at.to_string(),
    });
    append(tx, id, event, cause).await
}

fn state(affiliate: &Affiliate) -> wire::Affiliate {
    let Registration { program, kind, rates, code, country, .. } = affiliate.registration();
    wire::Affiliate {
        affiliate_id: affiliate.id().to_string(),
        revision: affiliate.revision(),
        program_id: program.to_string(),
        affiliate_type: kind.clone(),
        base_rate: rates.base.map(|rate| rate.percent().to_json()),
        premium_rate: rates.premium.map(|rate| rate.percent().to_json()),
        rates_valid_from: affiliate.rates_valid_from().to_string(),
        code: code.to_string(),
        country: country.clone(),
        status: affiliate.standing().name().to_owned(),
        reason: affiliate.standing().reason().map(str::to_owned),
        payout_sealed: affiliate.payout_sealed().map(str::to_owned),
        changed_at: affiliate.changed_at().to_string(),
    }
}

async fn append(tx: &Tx, id: Uuid, event: Event, cause: &Cause) -> Result<(), DbError> {
    let aggregate_id = event.aggregate_id().to_owned();
    let new =
        NewEvent { id, aggregate_type: "affiliates", aggregate_id, kind: event.kind(), data: event.data() };
    hexalpes_outbox::append(tx, cause, new).await
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Timestamp;

    use super::*;
    use crate::domain::{ProgramId, Terms};

    #[test]
    fn the_default_program_is_what_others_know_of_it_untold() {
        let beginning = Timestamp::parse("1970-01-01T00:00:00Z").unwrap();
        let program = Program::create(ProgramId::default_program(), Terms::default(), beginning);
        let told = serde_json::to_value(terms(&program)).unwrap();
        assert_eq!(told, serde_json::to_value(wire::Program::built_in()).unwrap());
    }
}

//! Our facts in the words that other contexts know, on their way into the outbox.

use hexalpes_contracts::commissions::{CommissionApproved, CommissionCalculated, Event};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};
use hexalpes_outbox::NewEvent;

use crate::domain::{Approved, Calculated, Fact};

/// Exhaustive on purpose: a new fact cannot be forgotten.
pub(crate) async fn append(tx: &Tx, id: Uuid, fact: Fact, cause: &Cause) -> Result<(), DbError> {
    let event = match fact {
        Fact::Calculated(fact) => Event::CommissionCalculated(calculated(fact)),
        Fact::Approved(fact) => Event::CommissionApproved(approved(fact)),
    };
    let new = NewEvent {
        id,
        aggregate_type: "commissions",
        aggregate_id: event.commission_id().to_owned(),
        kind: event.kind(),
        data: event.data(),
    };
    hexalpes_outbox::append(tx, cause, new).await
}

fn calculated(fact: Calculated) -> CommissionCalculated {
    CommissionCalculated {
        commission_id: fact.commission.to_string(),
        conversion_id: fact.conversion.id.to_string(),
        affiliate_id: fact.conversion.affiliate.to_string(),
        campaign_id: fact.conversion.campaign.map(|id| id.to_string()),
        gross_amount: fact.conversion.gross.amount().to_json(),
        gross_amount_minor: fact.conversion.gross.minor(),
        commission_amount: fact.amount.amount().to_json(),
        commission_amount_minor: fact.amount.minor(),
        currency: fact.amount.currency().to_string(),
        rate: fact.rate.percent().to_json(),
        rate_source: fact.source.name().to_owned(),
        rule: fact.rule.to_owned(),
        rule_version: fact.rule_version,
        status: fact.status.to_owned(),
        calculated_at: fact.at.to_string(),
    }
}

fn approved(fact: Approved) -> CommissionApproved {
    CommissionApproved {
        commission_id: fact.commission.to_string(),
        conversion_id: fact.conversion.id.to_string(),
        affiliate_id: fact.conversion.affiliate.to_string(),
        campaign_id: fact.conversion.campaign.map(|id| id.to_string()),
        commission_amount: fact.amount.amount().to_json(),
        commission_amount_minor: fact.amount.minor(),
        currency: fact.amount.currency().to_string(),
        status: "APPROVED".to_owned(),
        approved_at: fact.at.to_string(),
    }
}

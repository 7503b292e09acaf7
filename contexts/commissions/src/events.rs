//! Our facts in the words that other contexts know, on their way into the outbox.

use hexalpes_contracts::commissions::{CommissionApproved, CommissionCalculated, CommissionChange, Event};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Timestamp, Uuid};
use hexalpes_outbox::NewEvent;

use crate::domain::{Approved, Calculated, Change, Fact, Share};

/// Exhaustive on purpose: a new fact cannot be forgotten.
pub(crate) async fn append(tx: &Tx, id: Uuid, fact: Fact, cause: &Cause) -> Result<(), DbError> {
    let event = match fact {
        Fact::Calculated(fact) => Event::CommissionCalculated(calculated(fact)),
        Fact::Approved(fact) => Event::CommissionApproved(approved(fact)),
        Fact::Held { change, until, .. } => {
            let held_until = until.as_ref().map(Timestamp::to_string);
            Event::CommissionHeld(CommissionChange { held_until, ..changed(change) })
        }
        Fact::Released { change, .. } => Event::CommissionReleased(changed(change)),
        Fact::Rejected { change, .. } => Event::CommissionRejected(changed(change)),
        Fact::Reversed { change, .. } => Event::CommissionReversed(changed(change)),
        Fact::ClawedBack { change } => Event::CommissionClawedBack(changed(change)),
        Fact::Paid { change, share: Share { payout, .. } } => {
            let payout_id = Some(payout.to_string());
            Event::CommissionPaid(CommissionChange { payout_id, ..changed(change) })
        }
        // The payout tells of itself.
        Fact::Reserved { .. } | Fact::Returned { .. } => return Ok(()),
    };
    tell(tx, id, &event, cause).await
}

/// Puts an event into the outbox.
pub(crate) async fn tell(tx: &Tx, id: Uuid, event: &Event, cause: &Cause) -> Result<(), DbError> {
    let new = NewEvent {
        id,
        aggregate_type: "commissions",
        aggregate_id: event.aggregate_id().to_owned(),
        kind: event.kind(),
        data: event.data(),
    };
    hexalpes_outbox::append(tx, cause, new).await
}

fn changed(change: Change) -> CommissionChange {
    let Change { commission, conversion, amount, remaining, status, reason, at } = change;
    CommissionChange {
        commission_id: commission.to_string(),
        conversion_id: conversion.id.to_string(),
        affiliate_id: conversion.affiliate.to_string(),
        campaign_id: conversion.campaign.map(|id| id.to_string()),
        amount: amount.amount().to_json(),
        amount_minor: amount.minor(),
        remaining_amount: remaining.amount().to_json(),
        remaining_amount_minor: remaining.minor(),
        currency: amount.currency().to_string(),
        status: status.to_owned(),
        reason,
        held_until: None,
        payout_id: None,
        changed_at: at.to_string(),
    }
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

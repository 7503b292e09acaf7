//! Our facts in the words that other contexts know, on their way into the outbox.

use hexalpes_contracts::commissions::{
    CommissionApproved, CommissionCalculated, CommissionChange, CommissionRerated, Event, PayoutChange,
    PayoutLineFailed, PayoutLineSettled,
};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Rate, Timestamp, Uuid};
use hexalpes_outbox::NewEvent;

use crate::domain::{Approved, Calculated, Change, Fact, Line, Payout, Rating, Rerated, Share};

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
        Fact::Rerated(fact) => Event::CommissionRerated(rerated(fact)),
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

/// What is told of a payout.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PayoutTold {
    Created,
    Settled,
    Failed,
}

/// Puts what became of a payout into the outbox.
pub(crate) async fn tell_payout(
    tx: &Tx,
    id: Uuid,
    told: PayoutTold,
    payout: &Payout,
    reason: Option<&str>,
    cause: &Cause,
) -> Result<(), DbError> {
    let (total, settled, failed) = (payout.total(), payout.settled(), payout.failed());
    let change = PayoutChange {
        payout_id: payout.id.to_string(),
        program_id: payout.program.to_string(),
        currency: payout.currency.to_string(),
        method: payout.method.name().to_owned(),
        status: payout.status.name().to_owned(),
        total_amount: total.amount().to_json(),
        total_amount_minor: total.minor(),
        settled_amount: settled.amount().to_json(),
        settled_amount_minor: settled.minor(),
        failed_amount: failed.amount().to_json(),
        failed_amount_minor: failed.minor(),
        line_count: u32::try_from(payout.lines.len()).unwrap_or(u32::MAX),
        reason: reason.map(str::to_owned),
        changed_at: cause.at.to_string(),
    };
    let event = match told {
        PayoutTold::Created => Event::PayoutCreated(change),
        PayoutTold::Settled => Event::PayoutSettled(change),
        PayoutTold::Failed => Event::PayoutFailed(change),
    };
    tell(tx, id, &event, cause).await
}

/// Puts into the outbox that a line was paid, for whom it paid.
pub(crate) async fn tell_settled_line(
    tx: &Tx,
    id: Uuid,
    payout: &Payout,
    line: &Line,
    cause: &Cause,
) -> Result<(), DbError> {
    let event = Event::PayoutLineSettled(PayoutLineSettled {
        payout_id: payout.id.to_string(),
        program_id: payout.program.to_string(),
        affiliate_id: line.partner.to_string(),
        line_number: line.number,
        currency: payout.currency.to_string(),
        method: payout.method.name().to_owned(),
        amount: line.amount.amount().to_json(),
        amount_minor: line.amount.minor(),
        commission_count: u32::try_from(line.items.len()).unwrap_or(u32::MAX),
        settled_at: cause.at.to_string(),
    });
    tell(tx, id, &event, cause).await
}

/// Puts into the outbox that a line was not paid, for whom it was to pay.
pub(crate) async fn tell_failed_line(
    tx: &Tx,
    id: Uuid,
    payout: &Payout,
    line: &Line,
    reason: &str,
    cause: &Cause,
) -> Result<(), DbError> {
    let event = Event::PayoutLineFailed(PayoutLineFailed {
        payout_id: payout.id.to_string(),
        program_id: payout.program.to_string(),
        affiliate_id: line.partner.to_string(),
        line_number: line.number,
        currency: payout.currency.to_string(),
        method: payout.method.name().to_owned(),
        amount: line.amount.amount().to_json(),
        amount_minor: line.amount.minor(),
        reason: reason.to_owned(),
        failed_at: cause.at.to_string(),
    });
    tell(tx, id, &event, cause).await
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
        // One that is no percentage has none: 0 is what readers of the first version can read.
        rate: fact.rate.map_or(Amount::new(0, 0), Rate::percent).to_json(),
        rate_source: fact.source.name().to_owned(),
        rule: fact.rule,
        rule_version: fact.rule_version,
        rule_slot: fact.slot.name(),
        status: fact.status.to_owned(),
        calculated_at: fact.at.to_string(),
    }
}

fn rerated(fact: Rerated) -> CommissionRerated {
    let Rerated { change, rerating, before, amount, rating, bucket: _ } = fact;
    let Rating { amount: _, rate, source, rule, rule_version } = rating;
    let Change { commission, conversion, amount: difference, remaining, status, reason, at } = change;
    CommissionRerated {
        commission_id: commission.to_string(),
        conversion_id: conversion.id.to_string(),
        affiliate_id: conversion.affiliate.to_string(),
        campaign_id: conversion.campaign.map(|id| id.to_string()),
        rerating_id: rerating.to_string(),
        previous_amount: before.amount().to_json(),
        previous_amount_minor: before.minor(),
        commission_amount: amount.amount().to_json(),
        commission_amount_minor: amount.minor(),
        difference: difference.amount().to_json(),
        difference_minor: difference.minor(),
        remaining_amount: remaining.amount().to_json(),
        remaining_amount_minor: remaining.minor(),
        currency: amount.currency().to_string(),
        rate: rate.map_or(Amount::new(0, 0), Rate::percent).to_json(),
        rate_source: source.name().to_owned(),
        rule,
        rule_version,
        status: status.to_owned(),
        reason,
        changed_at: at.to_string(),
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

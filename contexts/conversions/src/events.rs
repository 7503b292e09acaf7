//! What happened, in the words that other contexts know, on its way into the outbox.

use hexalpes_contracts::conversions::{ConversionRecorded, ConversionRefunded, Event};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};
use hexalpes_outbox::NewEvent;

use crate::domain::{Conversion, Refund};

pub(crate) async fn of_recorded(
    tx: &Tx,
    id: Uuid,
    conversion: &Conversion,
    cause: &Cause,
) -> Result<(), DbError> {
    let parts = conversion.parts();
    let event = Event::ConversionRecorded(ConversionRecorded {
        conversion_id: parts.id.to_string(),
        affiliate_id: parts.affiliate.to_string(),
        campaign_id: parts.campaign.as_ref().map(ToString::to_string),
        gross_amount: parts.gross.amount().to_json(),
        gross_amount_minor: parts.gross.minor(),
        currency: parts.gross.currency().to_string(),
        occurred_at: parts.occurred_at.to_string(),
        program_id: parts.program.to_string(),
        conversion_type: parts.kind.name().to_owned(),
        program_revision: parts.attribution.program_revision,
        affiliate_revision: parts.attribution.affiliate_revision,
        product_id: parts.product.as_ref().map(ToString::to_string),
        country: parts.country.clone(),
        new_customer: parts.new_customer,
        attribution: parts.attribution.found.name().to_owned(),
        recorded_at: parts.recorded_at.to_string(),
    });
    append(tx, id, &event, cause).await
}

pub(crate) async fn of_refunded(
    tx: &Tx,
    id: Uuid,
    conversion: &Conversion,
    refund: &Refund,
    cause: &Cause,
) -> Result<(), DbError> {
    let parts = conversion.parts();
    let event = Event::ConversionRefunded(ConversionRefunded {
        conversion_id: parts.id.to_string(),
        refund_id: refund.id.to_string(),
        affiliate_id: parts.affiliate.to_string(),
        program_id: parts.program.to_string(),
        refund_amount: refund.amount.amount().to_json(),
        refund_amount_minor: refund.amount.minor(),
        refunded_total: refund.total.amount().to_json(),
        refunded_total_minor: refund.total.minor(),
        currency: refund.amount.currency().to_string(),
        reason: refund.reason.clone(),
        refunded_at: refund.at.to_string(),
    });
    append(tx, id, &event, cause).await
}

async fn append(tx: &Tx, id: Uuid, event: &Event, cause: &Cause) -> Result<(), DbError> {
    let new = NewEvent {
        id,
        aggregate_type: "conversions",
        aggregate_id: event.aggregate_id().to_owned(),
        kind: event.kind(),
        data: event.data(),
    };
    hexalpes_outbox::append(tx, cause, new).await
}

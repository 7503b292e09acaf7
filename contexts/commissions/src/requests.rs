//! What others ask for, read into commands: the bodies of seed 3 (camelCase), and the conversions that were
//! recorded elsewhere. Amounts are read from the number's text.

use hexalpes_contracts::conversions::{ConversionRecorded, ConversionRefunded};
use hexalpes_http::openapi::{Percent, Positive};
use hexalpes_http::{FieldError, Fields, FromFields, Invalid, Problem, said, values};
use hexalpes_kernel::{Edge, Rate, Timestamp};
use utoipa::ToSchema;

use crate::commands::{About, Agreement, ApproveCommission, CalculateCommission, RefundConversion, Wanted};
use crate::domain::{AffiliateId, CampaignId, CommissionId, ConversionId, Origin, ProgramId, Told};

mod comision;
mod payouts;
mod rerating;
mod rules;
mod simulation;
mod verbs;

pub(crate) use comision::{ComisionBody, ComisionRequest};
pub(crate) use payouts::{
    Debtor, FailBody, FailRequest, LinesBody, LinesRequest, PayBody, PayRequest, TermsBody, TermsRequest,
    WhatBody, WhatRequest,
};
pub(crate) use rerating::{ReratingBody, ReratingRequest};
pub(crate) use rules::{
    ActivateBody, ActivateRequest, RuleBody, RuleRequest, TermsOfRuleBody, TermsOfRuleRequest, rule_terms,
};
pub(crate) use simulation::{SimulationBody, SimulationRequest};
pub(crate) use verbs::{
    ClawBackBody, ClawBackRequest, HoldBody, HoldRequest, ReasonBody, ReasonRequest, WhyBody, WhyRequest,
};

/// Which command an idempotency key belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    Calculate,
    Approve,
}

impl Scope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calculate => "calculate",
            Self::Approve => "approve",
        }
    }
}

/// As the document tells of [`CalculateRequest`].
#[derive(ToSchema)]
#[schema(as = Calculate, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct CalculateBody {
    #[schema(max_length = 64, example = "conv-001")]
    conversion_id: String,
    #[schema(max_length = 64, example = "aff-123")]
    affiliate_id: String,
    #[schema(max_length = 64, example = "camp-456")]
    campaign_id: String,
    /// What the customer paid.
    gross_amount: Positive,
    /// ISO 4217; else the program's.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Of the gross amount; else the affiliate's, else the program's.
    rate: Option<Percent>,
}

/// `{"conversionId", "affiliateId", "campaignId", "grossAmount"}`, and perhaps `currency` (else the program's)
/// and `rate` (percent, else the program's).
#[derive(Debug)]
pub(crate) struct CalculateRequest {
    pub(crate) conversion: Told,
    pub(crate) rate: Option<Rate>,
}

impl FromFields for CalculateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let conversion = fields.required("conversionId", |raw| values::id(raw, ConversionId::parse));
        let affiliate = fields.required("affiliateId", |raw| values::id(raw, AffiliateId::parse));
        let campaign = fields.required("campaignId", |raw| values::id(raw, CampaignId::parse));
        let amount = fields.required("grossAmount", values::positive);
        let currency = fields.optional("currency", values::currency);
        let rate = fields.optional("rate", values::percent);
        let (gross, currency) = (amount?, currency?);
        if let Some(currency) = currency {
            values::money(gross, currency).map_err(|invalid| fields.refuse("grossAmount", invalid)).ok()?;
        }
        let conversion = Told {
            id: conversion?,
            affiliate: affiliate?,
            campaign: Some(campaign?),
            gross: Some(gross),
            currency,
        };
        Some(Self { conversion, rate: rate? })
    }
}

impl CalculateRequest {
    pub(crate) fn into_command(self, edge: &dyn Edge) -> CalculateCommission {
        let Self { conversion, rate } = self;
        let agreement = Agreement::Newest { program: None };
        calculate(
            conversion,
            agreement,
            About::default(),
            rate.map(Wanted::Percentage),
            Origin::Request,
            edge,
        )
    }
}

fn calculate(
    conversion: Told,
    agreement: Agreement,
    about: About,
    wanted: Option<Wanted>,
    origin: Origin,
    edge: &dyn Edge,
) -> CalculateCommission {
    let id = CommissionId::new(edge.uuid());
    let events = std::array::from_fn(|_| edge.uuid());
    CalculateCommission { id, events, conversion, agreement, about, wanted, origin }
}

/// As the document tells of [`ApproveRequest`].
#[derive(ToSchema)]
#[schema(as = Approve, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct ApproveBody {
    #[schema(max_length = 64)]
    commission_id: String,
}

/// `{"commissionId"}`.
#[derive(Debug)]
pub(crate) struct ApproveRequest {
    pub(crate) commission: CommissionId,
}

impl FromFields for ApproveRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let commission = fields.required("commissionId", |raw| values::id(raw, CommissionId::parse));
        Some(Self { commission: commission? })
    }
}

impl ApproveRequest {
    pub(crate) fn into_command(self, edge: &dyn Edge) -> ApproveCommission {
        ApproveCommission { commission: self.commission, event: edge.uuid() }
    }
}

/// The command that follows from a conversion that was recorded.
pub(crate) fn of_recorded(
    event: &ConversionRecorded,
    edge: &dyn Edge,
) -> Result<CalculateCommission, Problem> {
    let conversion =
        values::opaque(&event.conversion_id, ConversionId::parse).map_err(refused("conversion_id"))?;
    let affiliate =
        values::opaque(&event.affiliate_id, AffiliateId::parse).map_err(refused("affiliate_id"))?;
    let campaign = event.campaign_id.as_deref().map(|id| values::opaque(id, CampaignId::parse)).transpose();
    let campaign = campaign.map_err(refused("campaign_id"))?;
    let currency = values::currency_code(&event.currency).map_err(refused("currency"))?;
    let gross = values::amount(event.gross_amount.get())
        .and_then(values::above_zero)
        .and_then(|amount| values::money(amount, currency));
    let gross = gross.map_err(refused("gross_amount"))?;
    if gross.minor() != event.gross_amount_minor {
        let gross = &event.gross_amount;
        let why = said!("is not the gross_amount of {gross}", "no es el gross_amount de {gross}");
        return Err(refused("gross_amount_minor")(Invalid::new("contradiction", why)));
    }
    let occurred_at = Timestamp::parse(&event.occurred_at)
        .map_err(|error| refused("occurred_at")(Invalid::new("invalid_time", error)))?;
    let program = values::opaque(&event.program_id, ProgramId::parse).map_err(refused("program_id"))?;
    let conversion =
        Told { id: conversion, affiliate, campaign, gross: Some(gross.amount()), currency: Some(currency) };
    let agreement = Agreement::Revisions {
        program,
        program_revision: event.program_revision,
        affiliate_revision: event.affiliate_revision,
    };
    let about = About {
        kind: Some(event.conversion_type.clone()),
        product: event.product_id.clone(),
        country: event.country.clone(),
        new_customer: event.new_customer,
        occurred_at: Some(occurred_at),
    };
    Ok(calculate(conversion, agreement, about, None, Origin::Recorded, edge))
}

/// The command that follows from a refund. Only how much was refunded in all counts.
pub(crate) fn of_refunded(event: &ConversionRefunded) -> Result<RefundConversion, Problem> {
    let conversion =
        values::opaque(&event.conversion_id, ConversionId::parse).map_err(refused("conversion_id"))?;
    let currency = values::currency_code(&event.currency).map_err(refused("currency"))?;
    let total = values::amount(event.refunded_total.get())
        .and_then(values::above_zero)
        .and_then(|amount| values::money(amount, currency));
    let total = total.map_err(refused("refunded_total"))?;
    if total.minor() != event.refunded_total_minor {
        let total = &event.refunded_total;
        let why = said!("is not the refunded_total of {total}", "no es el refunded_total de {total}");
        return Err(refused("refunded_total_minor")(Invalid::new("contradiction", why)));
    }
    Ok(RefundConversion { conversion, total, reason: event.reason.clone() })
}

/// What is wrong with one field of an event.
fn refused(name: &str) -> impl FnOnce(Invalid) -> Problem {
    let pointer = format!("/{name}");
    move |Invalid { code, message }| Problem::invalid(vec![FieldError { pointer, code, message }])
}

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::*;

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<CalculateRequest, CalculateBody>(),
            differences::<ApproveRequest, ApproveBody>(),
            differences::<ComisionRequest, ComisionBody>(),
            differences::<RuleRequest, RuleBody>(),
            differences::<TermsOfRuleRequest, TermsOfRuleBody>(),
            differences::<ActivateRequest, ActivateBody>(),
            differences::<SimulationRequest, SimulationBody>(),
            differences::<ReratingRequest, ReratingBody>(),
            differences::<ReasonRequest, ReasonBody>(),
            differences::<WhyRequest, WhyBody>(),
            differences::<HoldRequest, HoldBody>(),
            differences::<WhatRequest, WhatBody>(),
            differences::<LinesRequest, LinesBody>(),
            differences::<FailRequest, FailBody>(),
            differences::<PayRequest, PayBody>(),
            differences::<TermsRequest, TermsBody>(),
            differences::<ClawBackRequest, ClawBackBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }
}

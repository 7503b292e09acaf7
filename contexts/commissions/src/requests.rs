//! What others ask for, read into commands: the bodies of seed 3 (camelCase), and the conversions that were
//! recorded elsewhere. Amounts are read from the number's text.

use hexalpes_contracts::conversions::ConversionRecorded;
use hexalpes_http::{FieldError, Fields, FromFields, Invalid, Problem, Raw};
use hexalpes_kernel::{Amount, AmountError, Currency, Edge, IdError, Money, MoneyError, Rate};

use crate::commands::{ApproveCommission, CalculateCommission};
use crate::domain::{AffiliateId, CampaignId, CommissionId, Conversion, ConversionId, Origin, Program};

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

/// `{"conversionId", "affiliateId", "campaignId", "grossAmount"}`, and perhaps `currency` (else the program's)
/// and `rate` (percent, else the program's).
#[derive(Debug)]
pub(crate) struct CalculateRequest {
    pub(crate) conversion: Conversion,
    pub(crate) rate: Option<Rate>,
}

impl FromFields for CalculateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let conversion = fields.required("conversionId", |raw| id(raw, ConversionId::parse));
        let affiliate = fields.required("affiliateId", |raw| id(raw, AffiliateId::parse));
        let campaign = fields.required("campaignId", |raw| id(raw, CampaignId::parse));
        let amount = fields.required("grossAmount", |raw| positive(raw.number()?));
        let currency = fields.optional("currency", |raw| currency(&raw.string()?));
        let rate = fields.optional("rate", |raw| rate(raw.number()?));
        let currency = currency?.unwrap_or_else(|| Program::default().currency);
        let gross = money(amount?, currency).map_err(|invalid| fields.refuse("grossAmount", invalid)).ok();
        let conversion =
            Conversion { id: conversion?, affiliate: affiliate?, campaign: Some(campaign?), gross: gross? };
        Some(Self { conversion, rate: rate? })
    }
}

impl CalculateRequest {
    pub(crate) fn into_command(self, edge: &dyn Edge) -> CalculateCommission {
        let Self { conversion, rate } = self;
        calculate(conversion, rate, Origin::Request, edge)
    }
}

fn calculate(
    conversion: Conversion,
    rate: Option<Rate>,
    origin: Origin,
    edge: &dyn Edge,
) -> CalculateCommission {
    let id = CommissionId::new(edge.uuid());
    CalculateCommission { id, events: [edge.uuid(), edge.uuid()], conversion, rate, origin }
}

/// `{"commissionId"}`.
#[derive(Debug)]
pub(crate) struct ApproveRequest {
    pub(crate) commission: CommissionId,
}

impl FromFields for ApproveRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let commission = fields.required("commissionId", |raw| id(raw, CommissionId::parse));
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
    let refused = |name: &str| {
        let pointer = format!("/{name}");
        move |Invalid { code, message }| Problem::invalid(vec![FieldError { pointer, code, message }])
    };
    let conversion = opaque(&event.conversion_id, ConversionId::parse).map_err(refused("conversion_id"))?;
    let affiliate = opaque(&event.affiliate_id, AffiliateId::parse).map_err(refused("affiliate_id"))?;
    let campaign = event.campaign_id.as_deref().map(|id| opaque(id, CampaignId::parse)).transpose();
    let campaign = campaign.map_err(refused("campaign_id"))?;
    let currency = currency(&event.currency).map_err(refused("currency"))?;
    let gross = positive(event.gross_amount.get()).and_then(|amount| money(amount, currency));
    let gross = gross.map_err(refused("gross_amount"))?;
    if gross.minor() != event.gross_amount_minor {
        let why = format!("is not the gross_amount of {}", event.gross_amount);
        return Err(refused("gross_amount_minor")(Invalid::new("contradiction", why)));
    }
    Ok(calculate(Conversion { id: conversion, affiliate, campaign, gross }, None, Origin::Recorded, edge))
}

fn id<T>(raw: &Raw, parse: impl Fn(&str) -> Result<T, IdError>) -> Result<T, Invalid> {
    opaque(&raw.string()?, parse)
}

fn opaque<T>(text: &str, parse: impl Fn(&str) -> Result<T, IdError>) -> Result<T, Invalid> {
    parse(text).map_err(|error| Invalid::new("invalid_id", error))
}

fn amount(number: &str) -> Result<Amount, Invalid> {
    Amount::parse(number).map_err(|error| match error {
        AmountError::NotANumber => Invalid::new("wrong_type", error),
        AmountError::TooLarge => Invalid::new("too_large", error),
        AmountError::TooPrecise => Invalid::new("too_precise", error),
    })
}

fn positive(number: &str) -> Result<Amount, Invalid> {
    let amount = amount(number)?;
    if amount.is_negative() || amount.is_zero() {
        return Err(Invalid::new("not_positive", "must be more than zero"));
    }
    Ok(amount)
}

fn money(amount: Amount, currency: Currency) -> Result<Money, Invalid> {
    Money::from_amount(amount, currency).map_err(|error| {
        let code = match error {
            MoneyError::TooPrecise { .. } => "too_precise",
            MoneyError::TooLarge | MoneyError::OtherCurrency { .. } => "too_large",
        };
        Invalid::new(code, error)
    })
}

fn currency(code: &str) -> Result<Currency, Invalid> {
    Currency::parse(code).map_err(|error| Invalid::new("unknown_currency", error))
}

fn rate(number: &str) -> Result<Rate, Invalid> {
    Rate::from_percent(amount(number)?).map_err(|error| Invalid::new("invalid_rate", error))
}

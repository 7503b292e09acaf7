//! Bodies of seed 3's commands: camelCase, amounts read from the number's text.

use hexalpes_http::{Fields, FromFields, Invalid, Raw};
use hexalpes_kernel::{Amount, AmountError, Currency, IdError, Money, MoneyError, Rate};

use crate::domain::{AffiliateId, CampaignId, CommissionId, Conversion, ConversionId, Program};

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
        let amount = fields.required("grossAmount", positive);
        let currency = fields.optional("currency", currency);
        let rate = fields.optional("rate", rate);
        let currency = currency?.unwrap_or_else(|| Program::default().currency);
        let gross = match Money::from_amount(amount?, currency) {
            Ok(gross) => Some(gross),
            Err(error) => {
                let code = match error {
                    MoneyError::TooPrecise { .. } => "too_precise",
                    MoneyError::TooLarge | MoneyError::OtherCurrency { .. } => "too_large",
                };
                fields.refuse("grossAmount", Invalid::new(code, error));
                None
            }
        };
        let conversion =
            Conversion { id: conversion?, affiliate: affiliate?, campaign: Some(campaign?), gross: gross? };
        Some(Self { conversion, rate: rate? })
    }
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

fn id<T>(raw: &Raw, parse: impl Fn(&str) -> Result<T, IdError>) -> Result<T, Invalid> {
    parse(&raw.string()?).map_err(|error| Invalid::new("invalid_id", error))
}

fn amount(raw: &Raw) -> Result<Amount, Invalid> {
    Amount::parse(raw.number()?).map_err(|error| match error {
        AmountError::NotANumber => Invalid::new("wrong_type", error),
        AmountError::TooLarge => Invalid::new("too_large", error),
    })
}

fn positive(raw: &Raw) -> Result<Amount, Invalid> {
    let amount = amount(raw)?;
    if amount.is_negative() || amount.is_zero() {
        return Err(Invalid::new("not_positive", "must be more than zero"));
    }
    Ok(amount)
}

fn currency(raw: &Raw) -> Result<Currency, Invalid> {
    Currency::parse(&raw.string()?).map_err(|error| Invalid::new("unknown_currency", error))
}

fn rate(raw: &Raw) -> Result<Rate, Invalid> {
    Rate::from_percent(amount(raw)?).map_err(|error| Invalid::new("invalid_rate", error))
}

//! Terms as they are answered, kept, and told to other contexts.

use std::collections::BTreeMap;

use hexalpes_http::openapi::{Decimal, Percent};
use hexalpes_kernel::Money;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::domain::{BudgetLimits, CommissionStructure, Formula, PaymentTerms, ServiceLevel, Terms};

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ContractTerms)]
pub(crate) struct TermsView {
    pub(crate) campaign_permissions: Vec<String>,
    pub(crate) budget_limits: BudgetView,
    pub(crate) feature_flags: BTreeMap<String, bool>,
    pub(crate) sla_terms: SlaView,
    pub(crate) commission_structure: StructureView,
    pub(crate) payment_terms: PaymentView,
    pub(crate) duration_days: u32,
}

/// What is null is not limited.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BudgetLimits)]
pub(crate) struct BudgetView {
    currency: &'static str,
    max_campaigns: Option<u32>,
    #[schema(value_type = Option<Decimal>)]
    max_campaign_budget: Option<Box<RawValue>>,
    max_campaign_budget_minor: Option<i64>,
    #[schema(value_type = Option<Decimal>)]
    max_daily_budget: Option<Box<RawValue>>,
    max_daily_budget_minor: Option<i64>,
    #[schema(value_type = Option<Decimal>)]
    max_total_budget: Option<Box<RawValue>>,
    max_total_budget_minor: Option<i64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SlaTerms)]
pub(crate) struct SlaView {
    support: String,
    response_hours: u32,
    resolution_hours: u32,
    availability_bp: u32,
}

/// What is not for the kind is left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CommissionStructure)]
pub(crate) struct StructureView {
    /// `percentage`, `flat` or `tiered`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Percent>)]
    rate: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    amount: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<TierView>,
    /// `marginal` or `retroactive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    /// `day`, `month`, `quarter` or `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    cap: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    floor: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor_minor: Option<i64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CommissionTier)]
pub(crate) struct TierView {
    #[schema(value_type = Decimal)]
    from: Box<RawValue>,
    from_minor: i64,
    #[schema(value_type = Percent)]
    rate: Box<RawValue>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PaymentTerms)]
pub(crate) struct PaymentView {
    currency: &'static str,
    hold_days: u32,
    net_days: u32,
    /// `file` or `webhook`.
    method: &'static str,
    /// `MANUAL`, `WEEKLY` or `MONTHLY`.
    frequency: &'static str,
}

/// The terms as they are kept.
pub(crate) fn terms_json(terms: &Terms) -> Box<RawValue> {
    to_raw_value(&TermsView::from(terms)).expect("names and numbers are always JSON")
}

fn json(money: Option<Money>) -> Option<Box<RawValue>> {
    money.map(|money| money.amount().to_json())
}

impl From<&Terms> for TermsView {
    fn from(terms: &Terms) -> Self {
        Self {
            campaign_permissions: terms.permissions.iter().cloned().collect(),
            budget_limits: BudgetView::from(&terms.budget),
            feature_flags: terms.features.clone(),
            sla_terms: SlaView::from(&terms.sla),
            commission_structure: StructureView::from(&terms.commission),
            payment_terms: PaymentView::from(&terms.payment),
            duration_days: terms.duration_days,
        }
    }
}

impl From<&BudgetLimits> for BudgetView {
    fn from(limits: &BudgetLimits) -> Self {
        let BudgetLimits { currency, campaigns_max, campaign, daily, total } = *limits;
        Self {
            currency: currency.code(),
            max_campaigns: campaigns_max,
            max_campaign_budget: json(campaign),
            max_campaign_budget_minor: campaign.map(Money::minor),
            max_daily_budget: json(daily),
            max_daily_budget_minor: daily.map(Money::minor),
            max_total_budget: json(total),
            max_total_budget_minor: total.map(Money::minor),
        }
    }
}

impl From<&ServiceLevel> for SlaView {
    fn from(sla: &ServiceLevel) -> Self {
        let ServiceLevel { support, response_hours, resolution_hours, availability_bp } = sla.clone();
        Self { support, response_hours, resolution_hours, availability_bp }
    }
}

impl From<&CommissionStructure> for StructureView {
    fn from(structure: &CommissionStructure) -> Self {
        let CommissionStructure { formula, currency, cap, floor } = structure;
        let mut view = Self {
            kind: "percentage",
            rate: None,
            amount: None,
            amount_minor: None,
            currency: currency.map(hexalpes_kernel::Currency::code),
            tiers: Vec::new(),
            mode: None,
            period: None,
            cap: json(*cap),
            cap_minor: cap.map(Money::minor),
            floor: json(*floor),
            floor_minor: floor.map(Money::minor),
        };
        match formula {
            Formula::Percentage(rate) => view.rate = Some(rate.percent().to_json()),
            Formula::Flat(amount) => {
                view.kind = "flat";
                view.amount = json(Some(*amount));
                view.amount_minor = Some(amount.minor());
            }
            Formula::Tiered(tiers) => {
                view.kind = "tiered";
                view.mode = Some(tiers.mode().name());
                view.period = Some(tiers.period().name());
                let tier = |tier: &crate::domain::Tier| TierView {
                    from: tier.from.amount().to_json(),
                    from_minor: tier.from.minor(),
                    rate: tier.rate.percent().to_json(),
                };
                view.tiers = tiers.steps().iter().map(tier).collect();
            }
        }
        view
    }
}

impl From<&PaymentTerms> for PaymentView {
    fn from(payment: &PaymentTerms) -> Self {
        let PaymentTerms { currency, hold_days, net_days, method, frequency } = *payment;
        Self {
            currency: currency.code(),
            hold_days,
            net_days,
            method: method.name(),
            frequency: frequency.name(),
        }
    }
}

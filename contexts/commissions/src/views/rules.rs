//! Rules as JSON. Their terms are kept as they are answered.

use hexalpes_http::Record;
use hexalpes_http::openapi::{Decimal, Percent};
use hexalpes_kernel::{Money, Timestamp};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::domain::{
    Basis, CampaignId, Conditions, Earns, Formula, Mode, Rule, RuleTerms, RuleVersion, Tiers,
};

/// A rule with all its versions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleView {
    pub(crate) rule_id: String,
    program_id: String,
    name: String,
    /// `ACTIVE` where a version is; else that of the newest: `DRAFT` or `RETIRED`.
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// The oldest first.
    versions: Vec<RuleVersionView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RuleVersion)]
#[serde(rename_all = "camelCase")]
struct RuleVersionView {
    version: u32,
    /// `DRAFT`, `ACTIVE` or `RETIRED`.
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    activated_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    retired_at: Option<Timestamp>,
    /// As they were drafted.
    #[schema(value_type = crate::requests::TermsOfRuleBody)]
    terms: TermsView,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TermsView {
    r#type: &'static str,
    rate: Option<Box<RawValue>>,
    amount: Option<Box<RawValue>>,
    tiers: Option<TiersView>,
    currency: Option<&'static str>,
    cap: Option<Box<RawValue>>,
    floor: Option<Box<RawValue>>,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    affiliate_type: Option<String>,
    campaign_id: Option<String>,
    product_id: Option<String>,
    country: Option<String>,
    new_customer: Option<bool>,
    conversion_type: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct TiersView {
    basis: &'static str,
    mode: &'static str,
    period: &'static str,
    bands: Vec<BandView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct BandView {
    #[schema(value_type = Decimal)]
    from: Box<RawValue>,
    #[schema(value_type = Option<Percent>)]
    rate: Option<Box<RawValue>>,
    #[schema(value_type = Option<Decimal>)]
    amount: Option<Box<RawValue>>,
}

/// The terms of a rule as they are kept.
pub(crate) fn rule_terms(terms: &RuleTerms) -> Box<RawValue> {
    to_raw_value(&TermsView::of(terms)).expect("names and numbers are always JSON")
}

impl TermsView {
    fn of(terms: &RuleTerms) -> Self {
        let RuleTerms { formula, currency, cap, floor, valid_from, valid_until, conditions } = terms;
        let Conditions { affiliate_type, campaign, product, country, new_customer, kind } =
            conditions.clone();
        let number = |money: &Money| money.amount().to_json();
        let (name, rate, amount, tiers) = match formula {
            Formula::Percentage(rate) => ("percentage", Some(rate.percent().to_json()), None, None),
            Formula::Flat(amount) => ("flat", None, Some(number(amount)), None),
            Formula::Tiered(tiers) => {
                // Tiers by amount have a currency, for a rule is refused without.
                let unit = currency.map_or(0, hexalpes_kernel::Currency::exponent);
                ("tiered", None, None, Some(TiersView::of(tiers, unit)))
            }
        };
        Self {
            r#type: name,
            rate,
            amount,
            tiers,
            currency: currency.map(hexalpes_kernel::Currency::code),
            cap: cap.as_ref().map(number),
            floor: floor.as_ref().map(number),
            valid_from: *valid_from,
            valid_until: *valid_until,
            affiliate_type,
            campaign_id: campaign.as_ref().map(CampaignId::to_string),
            product_id: product,
            country,
            new_customer,
            conversion_type: kind,
        }
    }
}

impl TiersView {
    /// Amounts have so many decimals.
    pub(super) fn of(tiers: &Tiers, decimals: u32) -> Self {
        let decimals = if tiers.basis() == Basis::Amount { decimals } else { 0 };
        let bands = tiers.bands().iter().map(|band| BandView {
            from: hexalpes_kernel::Amount::new(i128::from(band.from), decimals).to_json(),
            rate: match band.earns {
                Earns::Rate(rate) => Some(rate.percent().to_json()),
                Earns::Flat(_) => None,
            },
            amount: match band.earns {
                Earns::Rate(_) => None,
                Earns::Flat(amount) => Some(amount.amount().to_json()),
            },
        });
        Self {
            basis: if tiers.basis() == Basis::Count { "count" } else { "amount" },
            mode: mode(tiers.mode()),
            period: tiers.period().name(),
            bands: bands.collect(),
        }
    }
}

pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Marginal => "marginal",
        Mode::Retroactive => "retroactive",
    }
}

impl From<Rule> for RuleView {
    fn from(rule: Rule) -> Self {
        let version = |version: &RuleVersion| RuleVersionView {
            version: version.number,
            status: version.status.name(),
            created_at: version.created_at,
            activated_at: version.activated_at,
            retired_at: version.retired_at,
            terms: TermsView::of(&version.terms),
        };
        Self {
            rule_id: rule.id.to_string(),
            program_id: rule.program.to_string(),
            status: rule.status().name(),
            created_at: rule.created_at,
            versions: rule.versions.iter().map(version).collect(),
            name: rule.name,
        }
    }
}

impl Record for RuleView {
    const COLUMNS: &'static [&'static str] =
        &["ruleId", "programId", "name", "status", "createdAt", "versions"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.rule_id.clone(),
            self.program_id.clone(),
            self.name.clone(),
            self.status.to_owned(),
            self.created_at.to_string(),
            self.versions.len().to_string(),
        ]
    }
}

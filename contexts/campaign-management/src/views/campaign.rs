//! Campaigns, and what became of them.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Amount, Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::json;
use crate::domain::{Campaign, PausedBy, Stored, Targets, Transition};
use crate::store::Change;

/// What a campaign is to reach; what is absent was not aimed at.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Targets)]
pub(crate) struct TargetsView {
    #[serde(skip_serializing_if = "Option::is_none")]
    impressions: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clicks: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leads: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversions: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    revenue: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revenue_minor: Option<i64>,
    /// Percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    roi: Option<Box<RawValue>>,
    /// Percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    ctr: Option<Box<RawValue>>,
}

impl From<&Targets> for TargetsView {
    fn from(targets: &Targets) -> Self {
        Self {
            impressions: targets.impressions,
            clicks: targets.clicks,
            leads: targets.leads,
            conversions: targets.conversions,
            revenue: targets.revenue.map(json),
            revenue_minor: targets.revenue.map(Money::minor),
            roi: targets.roi_percent.map(Amount::to_json),
            ctr: targets.ctr_percent.map(Amount::to_json),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(crate) struct CampaignView {
    campaign_id: String,
    partner_id: String,
    /// What allowed it; null in a draft of a partner that has no contract yet.
    contract_id: Option<String>,
    /// Counts what becomes of it; the `ETag`.
    revision: u32,
    name: String,
    /// `SEARCH`, `SOCIAL`, `EMAIL`, `DISPLAY`, `AFFILIATE`, `VIDEO`, `INFLUENCER`, `CONTENT`, `MOBILE` or `EVENT`.
    campaign_type: &'static str,
    channel: String,
    /// `DRAFT`, `SCHEDULED`, `ACTIVE`, `PAUSED`, `COMPLETED` or `CANCELLED`.
    status: &'static str,
    /// `PERSON`, `BUDGET`, `CONTRACT` (none in force allows it) or `PARTNER` (suspended or terminated), while it is
    /// paused.
    paused_by: Option<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_at: Option<Timestamp>,
    /// Why it is paused or cancelled.
    reason: Option<String>,
    /// What can be done with it now.
    allowed_transitions: Vec<&'static str>,
    /// The first day in UTC.
    #[schema(format = Date)]
    start_date: String,
    /// The last day in UTC.
    #[schema(format = Date)]
    end_date: String,
    /// ISO 4217, of all amounts of the campaign.
    currency: &'static str,
    targets: TargetsView,
    /// All that was ever spent.
    #[schema(value_type = Decimal)]
    spent: Box<RawValue>,
    spent_minor: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&Campaign> for CampaignView {
    fn from(campaign: &Campaign) -> Self {
        let Stored { id, partner, contract, kind, currency, plan, .. } = campaign.parts();
        let Stored { spent, revision, created_at, changed_at, .. } = campaign.parts();
        Self {
            campaign_id: id.to_string(),
            partner_id: partner.to_string(),
            contract_id: contract.as_ref().map(ToString::to_string),
            revision: *revision,
            name: plan.name.clone(),
            campaign_type: kind.name(),
            channel: plan.channel.clone(),
            status: campaign.status().name(),
            paused_by: campaign.paused().map(PausedBy::name),
            paused_at: campaign.paused_since(),
            reason: campaign.reason().map(str::to_owned),
            allowed_transitions: allowed(&campaign.allowed()),
            start_date: plan.start.to_string(),
            end_date: plan.end.to_string(),
            currency: currency.code(),
            targets: (&plan.targets).into(),
            spent: json(*spent),
            spent_minor: spent.minor(),
            created_at: *created_at,
            changed_at: *changed_at,
        }
    }
}

/// The words for what can be done.
pub(crate) fn allowed(transitions: &[Transition]) -> Vec<&'static str> {
    transitions.iter().map(|transition| transition.name()).collect()
}

impl Record for CampaignView {
    const COLUMNS: &'static [&'static str] = &[
        "campaign_id",
        "partner_id",
        "contract_id",
        "name",
        "campaign_type",
        "channel",
        "status",
        "start_date",
        "end_date",
        "currency",
        "spent",
        "created_at",
        "changed_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.campaign_id.clone(),
            self.partner_id.clone(),
            self.contract_id.clone().unwrap_or_default(),
            self.name.clone(),
            self.campaign_type.to_owned(),
            self.channel.clone(),
            self.status.to_owned(),
            self.start_date.clone(),
            self.end_date.clone(),
            self.currency.to_owned(),
            self.spent.get().to_owned(),
            self.created_at.to_string(),
            self.changed_at.to_string(),
        ]
    }
}

/// What became of a campaign in one revision.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignChange)]
pub(crate) struct ChangeView {
    revision: u32,
    /// `CREATED`, `CHANGED`, `SCHEDULED`, `ACTIVATED`, `PAUSED`, `RESUMED`, both also with `_BY_BUDGET`, `_BY_CONTRACT` or
    /// `_BY_PARTNER`, `BUDGET_CHANGED`, `COMPLETED` or `CANCELLED`.
    change: String,
    status: String,
    reason: Option<String>,
    actor: String,
    correlation_id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        let Change { revision, fact, status, reason, actor, correlation, at } = change;
        Self { revision, change: fact, status, reason, actor, correlation_id: correlation, at }
    }
}

//! What a partner may.

use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::json;
use crate::domain::{Allowed, CampaignType, Day, Grant, NotAllowed, Rights, Validated};
use crate::problems;

/// What a contract limits; null has no limit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignLimits)]
struct LimitsView {
    currency: Option<&'static str>,
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

/// What one contract allows.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignGrant)]
struct GrantView {
    contract_id: String,
    in_force: bool,
    #[schema(format = Date)]
    effective_date: String,
    /// The first day on which it no longer holds.
    #[schema(format = Date)]
    expiration_date: Option<String>,
    /// `EXPIRED`, `RENEWED` or `TERMINATED`; null while nobody said that it ended.
    outcome: Option<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// The contract's words.
    campaign_permissions: Vec<String>,
    /// The types of campaign that follow from them.
    allowed_types: Vec<&'static str>,
    budget_limits: LimitsView,
    #[schema(value_type = String, format = DateTime)]
    told_at: Timestamp,
}

/// Whether a partner may run campaigns, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignPermissions)]
pub(crate) struct RightsView {
    partner_id: String,
    may_create_campaigns: bool,
    may_activate_campaigns: bool,
    /// The contract that counts today.
    contract_id: Option<String>,
    /// Why not, for programs: as in a refusal.
    code: Option<&'static str>,
    /// Why not.
    reason: Option<String>,
    /// `PENDING`, `PARTIAL` or `COMPLETE`; null: nobody said.
    validation_status: Option<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    validated_at: Option<Timestamp>,
    contracts: Vec<GrantView>,
}

impl RightsView {
    pub(crate) fn of(rights: &Rights, today: Day) -> Self {
        let in_force = rights.in_force(today);
        let may_draft =
            in_force.is_ok() || CampaignType::ALL.iter().any(|kind| rights.to_draft(*kind, today).is_ok());
        let refused: Option<&NotAllowed> = in_force.as_ref().err();
        let problem = refused.map(problems::not_allowed);
        let validated = rights.validated.as_ref();
        Self {
            partner_id: rights.partner.to_string(),
            may_create_campaigns: may_draft,
            may_activate_campaigns: in_force.is_ok(),
            contract_id: in_force.as_ref().ok().map(|grant| grant.contract.to_string()),
            code: problem.as_ref().map(|problem| problem.code),
            reason: problem.map(|problem| problem.detail.to_string()),
            validation_status: validated.map(|told: &Validated| told.status.name()),
            validated_at: validated.map(|told| told.at),
            contracts: rights.grants.iter().map(|grant| view(rights, grant, today)).collect(),
        }
    }
}

fn view(rights: &Rights, grant: &Grant, today: Day) -> GrantView {
    let limits = &grant.limits;
    let money = [limits.campaign_budget_max, limits.daily_budget_max, limits.total_budget_max];
    let types = match grant.allows() {
        Allowed::Nothing => Vec::new(),
        Allowed::Types(types) => types,
        Allowed::All => CampaignType::ALL.to_vec(),
    };
    GrantView {
        contract_id: grant.contract.to_string(),
        in_force: rights.is_in_force(grant, today),
        effective_date: grant.effective.to_string(),
        expiration_date: grant.expires.map(|day| day.to_string()),
        outcome: rights.end_of(grant).map(|end| end.outcome.name()),
        ended_at: rights.end_of(grant).map(|end| end.at),
        campaign_permissions: grant.permissions.clone(),
        allowed_types: types.into_iter().map(CampaignType::name).collect(),
        budget_limits: LimitsView {
            currency: money.iter().find_map(|money| money.map(|money| money.currency().code())),
            max_campaigns: limits.campaigns_max,
            max_campaign_budget: limits.campaign_budget_max.map(json),
            max_campaign_budget_minor: limits.campaign_budget_max.map(Money::minor),
            max_daily_budget: limits.daily_budget_max.map(json),
            max_daily_budget_minor: limits.daily_budget_max.map(Money::minor),
            max_total_budget: limits.total_budget_max.map(json),
            max_total_budget_minor: limits.total_budget_max.map(Money::minor),
        },
        told_at: grant.told_at,
    }
}

//! What the partner-management context tells others: who registered, what was checked, whom a partner looks for, and
//! how it does.
//!
//! Times are RFC 3339 in UTC. A `revision` counts up from 1 within its partner: whoever keeps the highest has the
//! newest, in whatever order they come; 0 is of a producer that does not count.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Dict, List, events::events};

/// Every event of this context, in order, as structured `CloudEvents`.
pub const TOPIC: &str = "persistent://hexabuilders/partner-management/partner-events";
pub const REGISTRATION_TOPIC: &str = "persistent://hexabuilders/partner-management/partner-registration";
pub const VALIDATION_TOPIC: &str = "persistent://hexabuilders/partner-management/partner-validation";
pub const RECRUITMENT_TOPIC: &str = "persistent://hexabuilders/partner-management/recruitment-requests";
pub const METRICS_TOPIC: &str = "persistent://hexabuilders/partner-management/metrics-snapshots";

/// A partner has registered, and a contract can be drafted. Once per partner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartnerRegistrationCompleted {
    pub partner_id: String,
    pub business_name: String,
    /// Of the main contact.
    pub email: String,
    /// `INDIVIDUAL`, `EMPRESA` or `STARTUP`.
    pub partner_type: String,
    /// What was registered: `contact_name`, `phone`, `tax_id`, `country`, `address`, `website`, `language` (BCP 47)
    /// and whatever else the form had, and `documents`: a list of `kind`, `reference`.
    pub registration_data: Dict,
    /// `PENDING`, `PARTIAL` or `COMPLETE`.
    #[serde(default = "pending")]
    pub validation_status: String,
    /// `STANDARD`, `PREMIUM` or `ENTERPRISE`.
    #[serde(default = "standard")]
    pub preferred_contract_type: String,
    /// `WEB`, `API` or `REFERRAL`.
    #[serde(default = "api")]
    pub registration_source: String,
    pub registration_timestamp: String,
    #[serde(default)]
    pub revision: i64,
}

/// The checks of a partner came to something: whenever what they come to changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartnerValidationCompleted {
    pub partner_id: String,
    /// `PENDING`, `PARTIAL` or `COMPLETE`.
    pub validation_status: String,
    pub validated_at: String,
    /// Who made the last check: a user, or `system`.
    pub validated_by: String,
    /// Each: `name`, `passed` (true, false, or null where it was not made yet), `reason`, `checked_at`, `checked_by`.
    pub checks: List,
    #[serde(default)]
    pub partner_type: String,
    /// `REGISTERED`, `CONTRACTED`, `VALIDATED`, `SUSPENDED` or `TERMINATED`: the partner's, at that time.
    #[serde(default)]
    pub partner_status: String,
    #[serde(default)]
    pub revision: i64,
}

/// A partner looks for people. Once per `request_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecruitmentRequested {
    pub request_id: String,
    pub partner_id: String,
    /// `title`, `description`, `department`, `openings` (a number), `responsibilities`, `nice_to_have_skills` (lists).
    pub job_requirements: Dict,
    /// Each a text, or `skill` with `level` and `years`.
    pub required_skills: List,
    /// `JUNIOR`, `MID`, `SENIOR` or `EXPERT`.
    pub experience_level: String,
    /// `FULL_TIME`, `PART_TIME` or `CONTRACT`.
    pub job_type: String,
    pub remote_work_allowed: bool,
    /// Each a text: a city, a region or a country.
    pub location_preferences: List,
    /// `min`, `min_minor`, `max`, `max_minor`, `currency`, `period` (`YEAR`, `MONTH`, `HOUR`): see [`AmountRange`].
    pub salary_range: Dict,
    /// What the recruitment may cost: as `salary_range`, without `period`.
    pub budget_range: Dict,
    /// `start_by`, `fill_by`: dates; `max_days`: a number.
    pub hiring_timeline: Dict,
    /// `LOW`, `NORMAL`, `HIGH` or `URGENT`.
    pub urgency_level: String,
    /// Of `INTERNAL`, `EXTERNAL`, `REFERRALS`.
    pub candidate_sources: List,
    /// `min_years`, `languages`, `education`, `certifications`, `questions`, as far as they were given.
    pub screening_criteria: Dict,
    #[serde(default)]
    pub requested_at: String,
}

/// A partner looks for nobody any longer, and did until then. Once per `request_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecruitmentCancelled {
    pub request_id: String,
    pub partner_id: String,
    pub reason: String,
    pub cancelled_at: String,
    /// Counts up from 1 within the request.
    #[serde(default)]
    pub revision: i64,
}

/// Until the day that a partner named nobody was found, and nobody is looked for any longer. Once per `request_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecruitmentExpired {
    pub request_id: String,
    pub partner_id: String,
    /// When its time was over; what follows from it may come later.
    pub expired_at: String,
    /// Counts up from 1 within the request.
    #[serde(default)]
    pub revision: i64,
}

/// What `salary_range` and `budget_range` hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AmountRange {
    /// A JSON number in major units, exact.
    #[serde(default)]
    pub min: Option<Box<RawValue>>,
    #[serde(default)]
    pub min_minor: Option<i64>,
    #[serde(default)]
    pub max: Option<Box<RawValue>>,
    #[serde(default)]
    pub max_minor: Option<i64>,
    /// ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

/// How a partner does, all of it: the snapshot with the highest `revision` counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartnerMetricsSnapshot {
    pub snapshot_id: String,
    pub partner_id: String,
    pub revision: i64,
    /// `CHANGE` or `DAILY`.
    pub trigger: String,
    pub taken_at: String,
    /// The partner's status at that time.
    pub partner_status: String,
    pub contracts_activated: i64,
    pub successful_hires: i64,
    /// Each: `currency`, `amount`, `amount_minor`.
    pub recruitment_costs: List,
    /// Days from request to hire, over all hires that have them.
    pub time_to_hire_days_sum: i64,
    pub time_to_hire_count: i64,
    /// Hundredths of a day, rounded half up; null before the first hire.
    pub average_time_to_hire_hundredths: Option<i64>,
    /// `open`, `matched`, `filled`, `cancelled`, `expired`: how many are in each state.
    pub recruitment_requests: Dict,
    pub candidates_matched: i64,
    /// The newest figures of each campaign: `campaign_id`, `period_start`, `period_end`, `performance_summary`.
    pub campaigns: List,
    /// Each: `campaign_id`, `alert_type`, `threshold_reached`, `alerted_at`.
    pub open_budget_alerts: List,
}

fn pending() -> String {
    "PENDING".to_owned()
}

fn standard() -> String {
    "STANDARD".to_owned()
}

fn api() -> String {
    "API".to_owned()
}

events! { "com.hexabuilders.partners.":
    PartnerRegistrationCompleted(PartnerRegistrationCompleted) by partner_id to REGISTRATION_TOPIC;
    PartnerValidationCompleted(PartnerValidationCompleted) by partner_id to VALIDATION_TOPIC;
    RecruitmentRequested(RecruitmentRequested) by partner_id to RECRUITMENT_TOPIC;
    RecruitmentCancelled(RecruitmentCancelled) by partner_id;
    RecruitmentExpired(RecruitmentExpired) by partner_id;
    PartnerMetricsSnapshot(PartnerMetricsSnapshot) by partner_id to METRICS_TOPIC;
}

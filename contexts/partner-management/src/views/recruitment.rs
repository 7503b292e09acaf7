//! A request for people.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{number, raw};
use crate::domain::{Asked, Day, MoneyRange, PayPeriod, RecruitmentRequest, Timeline};

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecruitmentRequest)]
pub(crate) struct RequestView {
    id: String,
    /// The same, by the name that events have for it.
    request_id: String,
    partner_id: String,
    /// Counts up with each change; the `ETag`.
    revision: u32,
    /// `OPEN`, `MATCHED`, `FILLED`, `CANCELLED` or `EXPIRED`.
    status: &'static str,
    /// `cancel`, while it may be called off.
    allowed_transitions: Vec<&'static str>,
    /// Why it was called off.
    cancel_reason: Option<String>,
    openings: u32,
    matches: u64,
    hires: u64,
    #[schema(value_type = Object)]
    job_requirements: Box<RawValue>,
    #[schema(value_type = Vec<Object>)]
    required_skills: Box<RawValue>,
    experience_level: &'static str,
    job_type: &'static str,
    remote_work_allowed: bool,
    location_preferences: Vec<String>,
    salary_range: Option<RangeView>,
    budget_range: Option<RangeView>,
    hiring_timeline: TimelineView,
    urgency_level: &'static str,
    candidate_sources: Vec<&'static str>,
    #[schema(value_type = Object)]
    screening_criteria: Box<RawValue>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    requested_by: String,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = KnownRange)]
struct RangeView {
    #[schema(value_type = Option<Decimal>)]
    min: Option<Box<RawValue>>,
    min_minor: Option<i64>,
    #[schema(value_type = Option<Decimal>)]
    max: Option<Box<RawValue>>,
    max_minor: Option<i64>,
    currency: &'static str,
    /// `YEAR`, `MONTH` or `HOUR`, of a salary.
    period: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = KnownTimeline)]
struct TimelineView {
    #[schema(format = Date)]
    start_by: Option<String>,
    #[schema(format = Date)]
    fill_by: Option<String>,
    max_days: Option<u32>,
}

fn range(range: MoneyRange, period: Option<PayPeriod>) -> RangeView {
    RangeView {
        min: range.min().map(number),
        min_minor: range.min().map(Money::minor),
        max: range.max().map(number),
        max_minor: range.max().map(Money::minor),
        currency: range.currency().code(),
        period: period.map(PayPeriod::name),
    }
}

impl From<&RecruitmentRequest> for RequestView {
    fn from(request: &RecruitmentRequest) -> Self {
        let asked: &Asked = &request.asked;
        let Timeline { start_by, fill_by, max_days } = &asked.timeline;
        let text = |day: &Option<Day>| day.as_ref().map(ToString::to_string);
        Self {
            id: request.id.to_string(),
            request_id: request.id.to_string(),
            partner_id: request.partner.to_string(),
            revision: request.revision,
            status: request.status().name(),
            allowed_transitions: request.goes_on().then_some("cancel").into_iter().collect(),
            cancel_reason: request.cancelled.clone(),
            openings: asked.openings,
            matches: request.progress.matches,
            hires: request.progress.hires,
            job_requirements: raw(&asked.job_requirements),
            required_skills: raw(&asked.required_skills),
            experience_level: asked.experience.name(),
            job_type: asked.job_type.name(),
            remote_work_allowed: asked.remote,
            location_preferences: asked.locations.clone(),
            salary_range: asked.salary.map(|(salary, period)| range(salary, Some(period))),
            budget_range: asked.budget.map(|budget| range(budget, None)),
            hiring_timeline: TimelineView {
                start_by: text(start_by),
                fill_by: text(fill_by),
                max_days: *max_days,
            },
            urgency_level: asked.urgency.name(),
            candidate_sources: asked.sources.iter().map(|source| source.name()).collect(),
            screening_criteria: raw(&asked.screening),
            expires_at: request.expires_at(),
            requested_at: request.requested_at,
            requested_by: request.requested_by.to_string(),
            changed_at: request.changed_at,
        }
    }
}

impl Record for RequestView {
    const COLUMNS: &'static [&'static str] = &[
        "request_id",
        "partner_id",
        "status",
        "openings",
        "matches",
        "hires",
        "experience_level",
        "job_type",
        "remote_work_allowed",
        "urgency_level",
        "expires_at",
        "requested_at",
        "requested_by",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.request_id.clone(),
            self.partner_id.clone(),
            self.status.to_owned(),
            self.openings.to_string(),
            self.matches.to_string(),
            self.hires.to_string(),
            self.experience_level.to_owned(),
            self.job_type.to_owned(),
            self.remote_work_allowed.to_string(),
            self.urgency_level.to_owned(),
            self.expires_at.map(|at| at.to_string()).unwrap_or_default(),
            self.requested_at.to_string(),
            self.requested_by.clone(),
        ]
    }
}

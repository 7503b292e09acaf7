//! Jobs, what was spent on them, and who fits them.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Amount, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{RangeView, SkillView, cell, kept, names};
use crate::commands::{CostRecorded, Matched};
use crate::domain::{Job, JobStatus, JobTerms, RequestId};
use crate::explain::{ExplainedPart, Sentence};
use crate::store::{Cost, Match};

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = JobRequirements)]
struct RequirementsView {
    title: String,
    department: Option<String>,
    description: Option<String>,
    openings: u32,
    responsibilities: Vec<String>,
    nice_to_have_skills: Vec<String>,
    #[schema(value_type = Object)]
    details: Box<RawValue>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HiringTimeline)]
struct TimelineView {
    start_by: Option<String>,
    fill_by: Option<String>,
    max_days: Option<u32>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Shortlist)]
struct ShortlistView {
    size: u32,
    minimum_score_bp: u32,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    id: String,
    /// The same, by the name that other bodies have for it.
    job_id: String,
    partner_id: String,
    request_id: Option<String>,
    /// `OPEN`, `MATCHING`, `FILLED`, `CLOSED` or `CANCELLED`.
    status: &'static str,
    /// What may become of it.
    allowed_transitions: Vec<&'static str>,
    /// Counts every change.
    revision: u32,
    /// Counts changes of what is looked for.
    version: u32,
    job_requirements: RequirementsView,
    required_skills: Vec<SkillView>,
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
    shortlist: ShortlistView,
    /// Of what is spent on it.
    currency: &'static str,
    hired: u32,
    openings_left: u32,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    end_reason: Option<String>,
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        let terms: &JobTerms = job.terms();
        let date = |date: Option<crate::domain::Date>| date.map(|date| date.to_string());
        Self {
            id: job.id().to_string(),
            job_id: job.id().to_string(),
            partner_id: job.partner().to_string(),
            request_id: job.request().map(RequestId::to_string),
            status: job.status().name(),
            allowed_transitions: job.status().allowed().iter().map(|status| status.name()).collect(),
            revision: job.revision(),
            version: job.version(),
            job_requirements: RequirementsView {
                title: terms.title.clone(),
                department: terms.department.clone(),
                description: terms.description.clone(),
                openings: terms.openings,
                responsibilities: terms.responsibilities.clone(),
                nice_to_have_skills: terms
                    .nice_to_have_skills
                    .iter()
                    .map(|skill| skill.name().to_owned())
                    .collect(),
                details: kept(&terms.details),
            },
            required_skills: terms
                .required_skills
                .iter()
                .map(|it| SkillView::of(&it.skill, it.level, it.years))
                .collect(),
            experience_level: terms.experience_level.name(),
            job_type: terms.job_type.name(),
            remote_work_allowed: terms.remote_work_allowed,
            location_preferences: names(&terms.locations),
            salary_range: terms.salary.as_ref().map(|pay| RangeView::of(&pay.range, Some(pay.period))),
            budget_range: terms.budget.as_ref().map(|range| RangeView::of(range, None)),
            hiring_timeline: TimelineView {
                start_by: date(terms.start_by),
                fill_by: date(terms.fill_by),
                max_days: terms.days_max,
            },
            urgency_level: terms.urgency.name(),
            candidate_sources: terms.sources.iter().map(|source| source.name()).collect(),
            screening_criteria: kept(&terms.screening),
            shortlist: ShortlistView {
                size: terms.shortlist.size,
                minimum_score_bp: terms.shortlist.minimum_bp,
            },
            currency: job.currency().code(),
            hired: job.hired(),
            openings_left: job.openings_left(),
            requested_at: job.requested_at(),
            opened_at: job.opened_at(),
            changed_at: job.changed_at(),
            ended_at: job.ending().map(|ending| ending.at),
            end_reason: job.ending().and_then(|ending| ending.reason.clone()),
        }
    }
}

impl Record for JobView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "partner_id",
        "request_id",
        "status",
        "title",
        "department",
        "openings",
        "hired",
        "experience_level",
        "job_type",
        "urgency_level",
        "requested_at",
        "opened_at",
        "ended_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.partner_id.clone(),
            cell(self.request_id.as_ref()),
            self.status.to_owned(),
            self.job_requirements.title.clone(),
            cell(self.job_requirements.department.as_ref()),
            self.job_requirements.openings.to_string(),
            self.hired.to_string(),
            self.experience_level.to_owned(),
            self.job_type.to_owned(),
            self.urgency_level.to_owned(),
            self.requested_at.to_string(),
            self.opened_at.to_string(),
            cell(self.ended_at),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Cost)]
pub(crate) struct CostView {
    id: String,
    job_id: String,
    kind: &'static str,
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    currency: &'static str,
    note: Option<String>,
    reference: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// It was recorded before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

impl From<&Cost> for CostView {
    fn from(cost: &Cost) -> Self {
        Self {
            id: cost.id.to_string(),
            job_id: cost.job.to_string(),
            kind: cost.kind.name(),
            amount: cost.amount.amount().to_json(),
            amount_minor: cost.amount.minor(),
            currency: cost.amount.currency().code(),
            note: cost.note.clone(),
            reference: cost.reference.clone(),
            recorded_at: cost.recorded_at,
            duplicate: false,
        }
    }
}

impl From<&CostRecorded> for CostView {
    fn from(recorded: &CostRecorded) -> Self {
        Self { duplicate: recorded.duplicate, ..Self::from(&recorded.cost) }
    }
}

impl Record for CostView {
    const COLUMNS: &'static [&'static str] =
        &["id", "job_id", "kind", "amount", "currency", "note", "reference", "recorded_at"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.job_id.clone(),
            self.kind.to_owned(),
            self.amount.get().to_owned(),
            self.currency.to_owned(),
            cell(self.note.as_ref()),
            cell(self.reference.as_ref()),
            self.recorded_at.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Match)]
pub(crate) struct MatchView {
    id: String,
    /// The same, by the name that events have for it.
    match_id: String,
    job_id: String,
    job_version: u32,
    partner_id: String,
    candidate_id: String,
    /// Of 100, with two decimals.
    #[schema(value_type = Decimal)]
    score: Box<RawValue>,
    /// Of 10,000: what counts.
    score_bp: u32,
    /// From 1; null: by now others fit better.
    rank: Option<u32>,
    components: Vec<ExplainedPart>,
    explanation: Sentence,
    #[schema(value_type = String, format = DateTime)]
    matched_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&Match> for MatchView {
    fn from(matched: &Match) -> Self {
        let explained = &matched.explained;
        Self {
            id: matched.id.to_string(),
            match_id: matched.id.to_string(),
            job_id: matched.job.to_string(),
            job_version: matched.job_version,
            partner_id: matched.partner.to_string(),
            candidate_id: matched.candidate.to_string(),
            score: Amount::new(i128::from(explained.score_bp), 2).to_json(),
            score_bp: explained.score_bp,
            rank: matched.rank,
            components: explained.components.clone(),
            explanation: explained.explanation.clone(),
            matched_at: matched.matched_at,
            changed_at: matched.changed_at,
        }
    }
}

impl Record for MatchView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "job_id",
        "job_version",
        "partner_id",
        "candidate_id",
        "score",
        "rank",
        "explanation_en",
        "explanation_es",
        "matched_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.job_id.clone(),
            self.job_version.to_string(),
            self.partner_id.clone(),
            self.candidate_id.clone(),
            self.score.get().to_owned(),
            cell(self.rank),
            self.explanation.en.clone(),
            self.explanation.es.clone(),
            self.matched_at.to_string(),
        ]
    }
}

/// The shortlist of a job as it is now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Matched)]
pub(crate) struct MatchedView {
    job_id: String,
    job_version: u32,
    status: &'static str,
    /// How many of them the partner was told of this time.
    told: usize,
    matches: Vec<MatchView>,
}

impl From<&Matched> for MatchedView {
    fn from(matched: &Matched) -> Self {
        Self {
            job_id: matched.job.id().to_string(),
            job_version: matched.job.version(),
            status: JobStatus::name(matched.job.status()),
            told: matched.told,
            matches: matched.shortlist.iter().map(MatchView::from).collect(),
        }
    }
}
